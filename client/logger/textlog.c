#include "client/logger/textlog.h"

#include "shared/text/clean.h"

#include <inttypes.h>
#include <string.h>

#define MARK "--- "

static void put(FILE *out, const char *text)
{
    clean_write(out, span_of(text), false, "");
}

static void put_when(FILE *out, const struct calendar *when)
{
    if (when->date[0] != '\0')
        fprintf(out, " %s %s", when->date, when->zone);
}

void textlog_mark(FILE *out, const char *what, const struct calendar *when, const char *stream,
                  uint64_t next_seq)
{
    fprintf(out, MARK "%s", what);
    put_when(out, when);
    fputs(", ", out);
    put(out, stream);
    fprintf(out, " from %" PRIu64 "\n", next_seq);
}

void textlog_gap(FILE *out, const struct zchat_event *gap, const struct calendar *when)
{
    fprintf(out, MARK "Gap %" PRIu64 " to %" PRIu64 "", gap->first, gap->last);
    put_when(out, when);
    fputs(", no longer kept by the broker: ", out);
    put(out, gap->stream);
    fprintf(out, " from %" PRIu64 "\n", gap->last + 1);
}

static void put_sender(FILE *out, const struct zchat_event *event)
{
    const bool is_notice = strcmp(event->message_kind, "notice") == 0;
    const char *owner = event->stream[0] == '@' ? event->stream + 1 : "";

    fputs(is_notice ? "-" : "<", out);
    put(out, event->from);
    if (event->to[0] != '\0' && strcmp(event->to, owner) != 0) {
        fputs(" to ", out);
        put(out, event->to);
    }
    fputs(is_notice ? "- " : "> ", out);
}

/* The next line of *text; the last one there may be has all that is left. */
static struct span next_line(struct span *text, size_t number)
{
    const char *newline =
        text->len == 0 || number == TEXTLOG_LINES_MAX ? NULL : memchr(text->ptr, '\n', text->len);
    struct span line = *text;

    if (newline == NULL) {
        *text = (struct span){NULL, 0};
        return line;
    }
    line.len = (size_t)(newline - text->ptr);
    text->ptr = newline + 1;
    text->len -= line.len + 1;
    return line;
}

static void put_message(FILE *out, const struct zchat_event *event, const char *time)
{
    struct span left = {event->text, event->text_len};
    size_t number = 0;

    do {
        struct span line = next_line(&left, ++number);

        fprintf(out, "[%s] ", time);
        put_sender(out, event);
        /* A carriage return before the newline is somebody's system, not his text. */
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        clean_write(out, line, false, "");
        if (left.ptr != NULL)
            fputs(" \\\n", out);
        else
            fputs(line.len > 0 && line.ptr[line.len - 1] == '\\' ? " \n" : "\n", out);
    } while (left.ptr != NULL);
}

static void put_until(FILE *out, const struct zchat_event *event, const struct calendar *when)
{
    struct calendar end;

    if (event->until_ms == 0)
        return;
    calendar_of(event->until_ms, strcmp(when->zone, "+0000") == 0, &end);
    fprintf(out, " until %s %s %s", end.date, end.time, end.zone);
}

/* Who did it, what, to whom, and where: the words around the names. */
struct deed {
    const char *type;
    const char *does;  /* behind `from` */
    const char *where; /* behind `to`, before the room; NULL: no room is named */
    const char *text;  /* before the text, if there is any */
};

static const struct deed DEEDS[] = {
    {"topic", " changed the topic of ", "", " to: "},
    {"kick", " kicked ", " from ", ": "},
    {"ban", " banned ", " from ", ": "},
    {"unban", " lifted the ban of ", " from ", ": "},
    {"mute", " muted ", " in ", ": "},
    {"unmute", " unmuted ", " in ", ": "},
    {"invite", " invited ", " to ", ": "},
};

static const struct deed *deed_of(const char *type)
{
    for (size_t i = 0; i < sizeof DEEDS / sizeof *DEEDS; i++)
        if (strcmp(DEEDS[i].type, type) == 0)
            return &DEEDS[i];
    return NULL;
}

static void put_deed(FILE *out, const struct deed *deed, const struct zchat_event *event,
                     const struct calendar *when)
{
    const struct span text = {event->text, event->text_len};

    put(out, event->from);
    fputs(deed->does, out);
    put(out, event->to);
    fputs(deed->where, out);
    put(out, event->room[0] != '\0' ? event->room : event->stream);
    put_until(out, event, when);
    if (text.len == 0)
        return;
    fputs(deed->text, out);
    clean_write(out, text, false, "");
}

/* What is neither said nor a coming or going. Peers' words stand behind `-!-`, which no reader of logs takes for a name. */
static void put_other(FILE *out, const struct zchat_event *event, const struct calendar *when)
{
    const struct span text = {event->text, event->text_len};
    const struct deed *deed = deed_of(event->type);

    fprintf(out, "[%s] -!- ", when->time);
    if (strcmp(event->type, "topic") == 0 && text.len == 0) {
        put(out, event->from);
        fputs(" cleared the topic of ", out);
        put(out, event->stream);
    } else if (deed != NULL) {
        put_deed(out, deed, event, when);
    } else if (strcmp(event->type, "mode") == 0) {
        put(out, event->from);
        fputs(" made ", out);
        put(out, event->stream);
        fputs(" ", out);
        clean_write(out, text, false, "");
    } else if (strcmp(event->type, "role") == 0) {
        const bool is_op = text.len == 2 && memcmp(text.ptr, "op", 2) == 0;

        put(out, event->from);
        fputs(is_op ? " made " : " took from ", out);
        put(out, event->to);
        fputs(is_op ? " an operator of " : " the operator's role in ", out);
        put(out, event->stream);
    } else if (strcmp(event->type, "purged") == 0) {
        put(out, event->from);
        fputs(" wrote something that was removed", out);
    } else if (strcmp(event->type, "receipt") == 0) {
        put(out, event->from);
        fprintf(out, " received everything up to %" PRIu64, event->upto);
    } else {
        put(out, event->from);
        fputs(": event of type '", out);
        put(out, event->type);
        fputs(text.len > 0 ? "': " : "'", out);
        clean_write(out, text, false, "");
    }
    /* What a text ends with must not make the next line its continuation. */
    fputs(text.len > 0 && text.ptr[text.len - 1] == '\\' ? " \n" : "\n", out);
}

void textlog_event(FILE *out, const struct zchat_event *event, const struct calendar *when)
{
    const bool is_join = strcmp(event->type, "join") == 0;

    if (strcmp(event->type, "message") == 0) {
        put_message(out, event, when->time);
    } else if (is_join || strcmp(event->type, "leave") == 0) {
        fprintf(out, "[%s] %s ", when->time, is_join ? "-->" : "<--");
        put(out, event->from);
        fputs(is_join ? " joined " : " left ", out);
        put(out, event->stream);
        fputc('\n', out);
    } else {
        put_other(out, event, when);
    }
}

uint64_t textlog_read_mark(struct span line, struct calendar *ret)
{
    struct calendar when = {.date = ""};
    uint64_t value = 0, unit = 1;
    size_t at = line.len;

    if (line.len < sizeof MARK || memcmp(line.ptr, MARK, sizeof MARK - 1) != 0 ||
        memchr(line.ptr, '\0', line.len) != NULL)
        return 0;
    for (; at > 0 && line.ptr[at - 1] >= '0' && line.ptr[at - 1] <= '9'; unit *= 10) {
        if (unit > UINT64_C(100000000000000000))
            return 0;
        value += unit * (uint64_t)(line.ptr[--at] - '0');
    }
    if (at == line.len || at < 6 || memcmp(line.ptr + at - 6, " from ", 6) != 0)
        return 0;
    for (size_t i = sizeof MARK; i + 17 < at; i++) {
        if (line.ptr[i] == ',')
            break; /* behind it stand names */
        memcpy(when.date, line.ptr + i, 10);
        when.date[10] = '\0';
        if (line.ptr[i - 1] == ' ' && line.ptr[i + 10] == ' ' && calendar_day(when.date) > 0) {
            memcpy(when.zone, line.ptr + i + 11, 5);
            *ret = when;
            return value;
        }
    }
    *ret = (struct calendar){.date = ""};
    return value;
}

enum textlog_line textlog_read_line(struct span line)
{
    static const char form[] = "[00:00:00] ";

    if (line.len < sizeof form - 1 || memchr(line.ptr, '\0', line.len) != NULL)
        return TEXTLOG_BAD;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0' ? line.ptr[i] < '0' || line.ptr[i] > '9' : line.ptr[i] != form[i])
            return TEXTLOG_BAD;
    if (memcmp(line.ptr + line.len - 2, " \\", 2) == 0)
        return TEXTLOG_CONTINUED;
    return TEXTLOG_LAST;
}
