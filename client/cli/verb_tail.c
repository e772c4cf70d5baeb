/* verb_tail.c - follow streams. What was printed and flushed counts as shown: it is confirmed to the
 * broker, and with --durable its place is remembered there. */
#include "client/cli/cli.h"
#include "client/cli/place.h"
#include "client/cli/show.h"
#include "client/cli/verbs.h"

#include "shared/base/alloc.h"
#include "shared/text/name.h"

#include <stdlib.h>
#include <string.h>

#define MARK_EVERY_MS 200
#define MARK_END_MS   2000 /* at the end, so long for the last marks */

struct followed {
    char name[STREAM_BYTES_MAX + 1];
    uint64_t shown;    /* seq; 0: nothing */
    uint64_t marked;   /* the broker knows, or will */
    uint32_t mark_ref; /* of a mark on its way, else 0 */
    bool is_live;
    bool is_lost; /* it may not be read any more */
};

struct tail {
    struct cli cli;
    const struct args *args;
    struct show show;
    struct followed *stream;
    size_t count, capacity;
    uint64_t printed; /* events */
    bool is_unshown;  /* the event told last could not be written: it must not be confirmed */
    uint64_t marked_at_ms;
};

static enum exit_code add_stream(struct tail *self, const char *name)
{
    struct stream_name parsed;

    if (stream_name_parse(span_of(name), &parsed) != RC_OK)
        return cli_usage("\"%s\" is not a stream: it is #room or @nick", name);
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->stream[i].name, parsed.text) == 0)
            return EXIT_GO_ON;
    }
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 16 : self->capacity * 2;
        self->stream = x_realloc(self->stream, self->capacity, sizeof(*self->stream));
    }
    self->stream[self->count] = (struct followed){0};
    memcpy(self->stream[self->count].name, parsed.text, sizeof(parsed.text));
    self->count++;
    return EXIT_GO_ON;
}

static struct followed *find(struct tail *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->stream[i].name, name) == 0)
            return &self->stream[i];
    }
    return NULL;
}

static bool is_own(const struct tail *self, const char *stream)
{
    return stream[0] == '@' && strcmp(stream + 1, zchat_nick(self->cli.chat)) == 0;
}

static void on_my_room(void *context, const struct zchat_event *row)
{
    if (add_stream(context, row->stream) != EXIT_GO_ON)
        return; /* a name of a newer broker: not for us */
}

/* The streams that were named, else all rooms of this person and the own stream. */
static enum exit_code choose_streams(struct tail *self)
{
    char own[STREAM_BYTES_MAX + 1];
    struct zchat_event answer;
    enum exit_code code = EXIT_GO_ON;
    uint32_t ref;
    zchat_rc rc;

    for (size_t i = 0; i < self->args->word_count && code == EXIT_GO_ON; i++)
        code = add_stream(self, self->args->word[i]);
    if (self->args->word_count > 0)
        return code;
    rc = zchat_rooms(self->cli.chat, true, &ref);
    code = rc != 0 ? cli_fail((enum rc)rc, "")
                   : cli_answer(&self->cli, ref, on_my_room, self, &answer);
    snprintf(own, sizeof(own), "@%s", zchat_nick(self->cli.chat));
    return code == EXIT_GO_ON ? add_stream(self, own) : code;
}

static enum exit_code follow(struct tail *self, struct followed *followed)
{
    struct zchat_place from = place_since(
        self->args, (struct zchat_place){
                        is_own(self, followed->name) ? ZCHAT_FROM_CONFIRMED : ZCHAT_FROM_HEAD, 0});
    struct zchat_event answer;
    uint32_t ref;
    zchat_rc rc;

    if (self->args->durable != NULL) {
        enum exit_code code;

        rc = zchat_mark(self->cli.chat, self->args->durable, followed->name, 0, &ref);
        code = rc != 0 ? cli_fail((enum rc)rc, self->args->durable)
                       : cli_answer(&self->cli, ref, NULL, NULL, &answer);
        if (code != EXIT_GO_ON)
            return code;
        if (answer.seq > 0) {
            from = (struct zchat_place){ZCHAT_FROM_SEQ, answer.seq + 1};
            followed->shown = followed->marked = answer.seq;
        }
    }
    rc = zchat_follow(self->cli.chat, followed->name, from,
                      self->args->is_until_end ? INT64_MAX : 0);
    return rc != 0 ? cli_fail((enum rc)rc, followed->name) : EXIT_GO_ON;
}

static bool is_marking(const struct tail *self)
{
    return self->args->durable != NULL;
}

static bool has_unmarked(const struct tail *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->stream[i].shown > self->stream[i].marked || self->stream[i].mark_ref != 0)
            return true;
    }
    return false;
}

/* Send the places that moved, one at a time for each stream. */
static void send_marks(struct tail *self)
{
    for (size_t i = 0; i < self->count; i++) {
        struct followed *followed = &self->stream[i];

        if (followed->shown <= followed->marked || followed->mark_ref != 0)
            continue;
        if (zchat_mark(self->cli.chat, self->args->durable, followed->name, followed->shown,
                       &followed->mark_ref) != 0)
            return; /* too many on their way: later */
        followed->marked = followed->shown;
    }
    self->marked_at_ms = cli_now_ms();
}

/* A stream that was followed may not be read any more: put out, a room made private. The others go on. */
static enum exit_code lose(struct tail *self, const struct zchat_event *event)
{
    const enum exit_code code = cli_fail((enum rc)event->rc, event->stream);
    struct followed *followed = find(self, event->stream);

    if (followed == NULL || !followed->is_live)
        return code; /* it never could be: more likely somebody mistyped */
    followed->is_lost = true;
    for (size_t i = 0; i < self->count; i++) {
        if (!self->stream[i].is_lost)
            return EXIT_GO_ON;
    }
    return code;
}

static enum exit_code on_answer(struct tail *self, const struct zchat_event *event)
{
    if (event->ref == 0)
        return lose(self, event);
    for (size_t i = 0; i < self->count; i++) {
        if (self->stream[i].mark_ref != event->ref)
            continue;
        self->stream[i].mark_ref = 0;
        if (event->rc != 0)
            return cli_fail((enum rc)event->rc, self->stream[i].name);
    }
    return EXIT_GO_ON;
}

static enum exit_code show(struct tail *self, const struct zchat_event *event)
{
    struct followed *followed = find(self, event->stream);
    const bool is_printed = show_event(&self->show, event);
    const enum exit_code code = cli_flush();

    if (code != EXIT_GO_ON) {
        self->is_unshown = true;
        return code;
    }
    if (followed != NULL)
        followed->shown = event->kind == ZCHAT_GAP ? event->last : event->seq;
    if (event->kind == ZCHAT_EVENT && is_printed)
        self->printed++;
    return EXIT_GO_ON;
}

static bool is_all_live(const struct tail *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (!self->stream[i].is_live)
            return false;
    }
    return true;
}

static enum exit_code on_event(struct tail *self, const struct zchat_event *event)
{
    struct followed *followed;

    switch (event->kind) {
    case ZCHAT_EVENT:
    case ZCHAT_GAP:
        return show(self, event);
    case ZCHAT_ANSWER:
        return on_answer(self, event);
    case ZCHAT_LIVE:
        followed = find(self, event->stream);
        if (followed != NULL)
            followed->is_live = true;
        return EXIT_GO_ON;
    default:
        return EXIT_GO_ON;
    }
}

static enum exit_code follow_all(struct tail *self)
{
    struct zchat_event event;
    enum exit_code code = EXIT_GO_ON;

    for (size_t i = 0; i < self->count && code == EXIT_GO_ON; i++)
        code = follow(self, &self->stream[i]);
    while (code == EXIT_GO_ON) {
        uint64_t until_ms = UINT64_MAX;

        if (self->args->has_count && self->printed >= self->args->count)
            return EXIT_DONE;
        if (self->args->is_until_end && is_all_live(self))
            return EXIT_DONE;
        if (is_marking(self) && has_unmarked(self)) {
            if (cli_now_ms() >= self->marked_at_ms + MARK_EVERY_MS)
                send_marks(self);
            until_ms = self->marked_at_ms + MARK_EVERY_MS;
            if (until_ms <= cli_now_ms())
                until_ms = cli_later_ms(MARK_EVERY_MS);
        }
        code = cli_next(&self->cli, until_ms, NULL, 0, &event);
        if (code == EXIT_GO_ON)
            code = on_event(self, &event);
    }
    return code;
}

/* The last event was shown: say so to the library, and bring the last marks to the broker. What
 * comes meanwhile was not shown and is not marked; asking for more would confirm it. */
static void finish(struct tail *self)
{
    uint64_t until_ms = cli_later_ms(is_marking(self) ? MARK_END_MS : 0);
    struct zchat_event event;

    cli_forget_signal(&self->cli);
    do {
        if (is_marking(self))
            send_marks(self); /* leaves with the goodbye, if not before */
        if (self->is_unshown || cli_next(&self->cli, until_ms, NULL, 0, &event) != EXIT_GO_ON)
            return;
        self->is_unshown =
            (event.kind == ZCHAT_EVENT || event.kind == ZCHAT_GAP) && is_own(self, event.stream);
        if (event.kind == ZCHAT_ANSWER && on_answer(self, &event) != EXIT_GO_ON)
            return;
    } while (is_marking(self) && has_unmarked(self) && cli_now_ms() < until_ms);
}

static bool has_own_stream(const struct args *args)
{
    for (size_t i = 0; i < args->word_count; i++) {
        if (args->word[i][0] == '@')
            return true;
    }
    return args->word_count == 0;
}

enum exit_code verb_tail(const struct args *args)
{
    struct tail self = {.args = args, .show = show_for(args)};
    enum exit_code code = cli_open(&self.cli, args, has_own_stream(args));

    if (code != EXIT_GO_ON)
        return code;
    self.cli.tells_link = true;
    code = choose_streams(&self);
    if (code == EXIT_GO_ON)
        code = follow_all(&self);
    if (code == EXIT_DONE || code > EXIT_SIGNALLED)
        finish(&self);
    free(self.stream);
    cli_close(&self.cli);
    return code;
}
