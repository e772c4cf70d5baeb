#include "client/cli/task.h"

#include "client/cli/answer.h"
#include "client/cli/cli.h"
#include "client/lib/net/event_json.h"
#include "shared/base/alloc.h"
#include "shared/text/clean.h"
#include "shared/text/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ERR_LINE_BYTES_MAX 1024
#define OWN_VARIABLES_MAX  12

extern char **environ;

/* "NAME=value"; what C strings cannot hold, NUL, becomes U+FFFD. */
static char *variable(const char *name, struct span value)
{
    size_t size = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return x_strdup("");
    fprintf(out, "%s=", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\0')
            fputs("\xEF\xBF\xBD", out);
        else
            fputc(value.ptr[i], out);
    }
    fclose(out);
    return text;
}

static bool is_set_by_us(const char *entry, char *const *ours, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const size_t len = strcspn(ours[i], "=") + 1;

        if (strncmp(entry, ours[i], len) == 0)
            return true;
    }
    return false;
}

/* Our own environment, and what is said of the event. */
static char **environment_of(const struct zchat *chat, const char *home,
                             const struct zchat_event *event, const char *reply_to)
{
    const struct span text = {event->text, event->text_len};
    const bool is_notice = strcmp(event->message_kind, "notice") == 0;
    char seq[24], ts[25], *ours[OWN_VARIABLES_MAX];
    size_t inherited = 0, count = 0;
    char **all;

    snprintf(seq, sizeof(seq), "%" PRIu64, event->seq);
    time_format_utc(event->ts_ms, ts);
    ours[count++] = variable("ZCHAT_STREAM", span_of(event->stream));
    ours[count++] = variable("ZCHAT_SEQ", span_of(seq));
    ours[count++] = variable("ZCHAT_FROM", span_of(event->from));
    ours[count++] = variable("ZCHAT_TEXT", text);
    ours[count++] = variable("ZCHAT_TS", span_of(ts));
    ours[count++] = variable("ZCHAT_KIND", span_of(is_notice ? "notice" : "message"));
    ours[count++] = variable("ZCHAT_REPLY_TO", span_of(reply_to));
    ours[count++] = variable("ZCHAT_NICK", span_of(zchat_nick(chat)));
    ours[count++] = variable("ZCHAT_BROKER", span_of(zchat_broker(chat)));
    if (home != NULL)
        ours[count++] = variable("ZCHAT_HOME", span_of(home));
    while (environ != NULL && environ[inherited] != NULL)
        inherited++;
    all = x_alloc(count + inherited + 1, sizeof(*all));
    memcpy(all, ours, count * sizeof(*all));
    for (size_t i = 0, at = count; i < inherited; i++) {
        if (!is_set_by_us(environ[i], ours, count))
            all[at++] = x_strdup(environ[i]);
    }
    return all;
}

struct task *task_new(const struct zchat *chat, const char *home, const struct zchat_event *event)
{
    struct task *self = x_alloc(1, sizeof(*self));
    const bool is_private = event->stream[0] == '@';
    char reply_to[STREAM_BYTES_MAX + 1];
    FILE *out;

    self->child = (struct child){.pid_fd = -1, .out_fd = -1, .err_fd = -1};
    self->seq = event->seq;
    snprintf(reply_to, sizeof(reply_to), "%s%s", is_private ? "@" : "",
             is_private ? event->from : event->stream);
    self->reply_to = x_strdup(reply_to);
    self->environment = environment_of(chat, home, event, reply_to);
    out = open_memstream(&self->event, &self->event_len);
    if (out != NULL) {
        event_json(out, event);
        fclose(out);
    }
    return self;
}

void task_destroy(struct task **self_p)
{
    struct task *self = *self_p;

    if (self == NULL)
        return;
    child_fini(&self->child);
    for (char **at = self->environment; *at != NULL; at++)
        free(*at);
    free(self->environment);
    free(self->reply_to);
    free(self->event);
    free(self->answer);
    free(self);
    *self_p = NULL;
}

static void tell_errors(const struct child *child, const char *about)
{
    const char *at = child->err, *end = child->err + child->err_len;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const size_t len = (size_t)((newline == NULL ? end : newline) - at);
        char line[ERR_LINE_BYTES_MAX];

        clean_copy(line, sizeof(line), (struct span){at, len});
        cli_say("%s: %s", about, line);
        at += len + 1;
    }
    if (child->err_total > child->err_len)
        cli_say("%s: ... and %" PRIu64 " bytes more on standard error", about,
                child->err_total - child->err_len);
}

static void tell_end(const struct child *child, const char *about, bool is_verbose)
{
    switch (child->end) {
    case CHILD_SIGNALLED:
        cli_say("%s: ended by signal %d (%s); nothing is answered", about, child->status,
                sigabbrev_np(child->status) != NULL ? sigabbrev_np(child->status) : "?");
        break;
    case CHILD_TIMED_OUT:
        cli_say("%s: took longer than --limit and was ended; nothing is answered", about);
        break;
    default:
        if (child->status != 0 || is_verbose)
            cli_say("%s: ended with %d", about, child->status);
    }
}

void task_take_result(struct task *self, const char *about, bool is_verbose)
{
    const struct child *child = &self->child;

    tell_errors(child, about);
    tell_end(child, about, is_verbose);
    self->end = child->end;
    self->status = child->status;
    if (child->end == CHILD_EXITED)
        self->answer = answer_text((struct span){child->out, child->out_len});
    if (child->end == CHILD_EXITED && child->out_total > TEXT_BYTES_MAX)
        cli_say("%s: wrote %" PRIu64 " bytes, and a message has at most %d: the rest is left out",
                about, child->out_total, TEXT_BYTES_MAX);
    child_fini(&self->child);
    self->state = self->answer == NULL ? TASK_DONE : TASK_RUN;
}

void task_print(const struct task *self, const char *stream)
{
    static const char *const ends[] = {"running", "exited", "signalled", "timed_out"};
    struct json json;

    json_open(&json, stdout);
    json_text(&json, "stream", span_of(stream));
    json_uint(&json, "seq", self->seq);
    json_text(&json, "end", span_of(ends[self->end]));
    json_uint(&json, "status", (uint64_t)self->status);
    if (self->answer_seq != 0) {
        json_text(&json, "answer_stream", span_of(self->reply_to));
        json_uint(&json, "answer_seq", self->answer_seq);
    }
    if (self->refusal != RC_OK)
        json_text(&json, "error", span_of(rc_name(self->refusal)));
    json_close(&json);
}
