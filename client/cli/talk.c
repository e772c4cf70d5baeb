#include "client/cli/talk.h"

#include "client/cli/cli.h"

#include "shared/base/alloc.h"
#include "shared/text/clean.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void talk_init(struct talk *self, struct zchat *chat, const struct talk_face *face, void *face_self)
{
    *self = (struct talk){.chat = chat, .face = face, .face_self = face_self};
    own_posts_init(&self->posts);
    snprintf(self->own, sizeof(self->own), "@%s", zchat_nick(chat));
}

void talk_fini(struct talk *self)
{
    people_fini(&self->people);
    own_posts_fini(&self->posts);
    free(self->ignored);
    free(self->room);
    self->room = NULL;
    self->room_count = 0;
}

void talk_remark(struct talk *self, const char *format, ...)
{
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    self->face->remark(self, text);
}

void talk_set_target(struct talk *self, const char *target)
{
    if (strcmp(self->target, target) == 0)
        return;
    snprintf(self->target, sizeof(self->target), "%s", target);
    self->lost[0] = '\0';
    self->face->target(self);
}

void talk_post(struct talk *self, const char *target, struct span text)
{
    uint32_t number = 0;
    zchat_rc rc =
        zchat_post(self->chat, target, NULL, text.ptr, text.len, self->post_timeout_ms, &number);

    if (rc != 0) {
        talk_remark(self, "%s not sent: %s", style_sign(&self->style, SIGN_FAILED),
                    rc == RC_SYSTEM ? zchat_outbox_trouble(self->chat) : zchat_strerror(rc));
        return;
    }
    own_posts_add(&self->posts, number, target, text, cli_now_ms());
    self->face->posted(self, number, target, text);
}

/* --- requests --------------------------------------------------------------------- */

void talk_ask_for(struct talk *self, enum talk_ask_kind kind, zchat_rc rc, uint32_t ref,
                  const char *stream)
{
    struct talk_ask *ask;

    if (rc != 0) {
        talk_remark(self, "%s", zchat_strerror(rc));
        return;
    }
    if (self->ask_count == TALK_ASKS_MAX)
        talk_ask_done(self, &self->ask[0]);
    ask = &self->ask[self->ask_count++];
    *ask =
        (struct talk_ask){.kind = kind, .ref = ref, .until_ms = cli_later_ms(self->ask_timeout_ms)};
    snprintf(ask->stream, sizeof(ask->stream), "%s", stream);
}

struct talk_ask *talk_ask_find(struct talk *self, enum talk_ask_kind kind, const char *stream)
{
    for (size_t i = 0; i < self->ask_count; i++) {
        if (self->ask[i].kind == kind &&
            (stream == NULL || strcmp(self->ask[i].stream, stream) == 0))
            return &self->ask[i];
    }
    return NULL;
}

bool talk_is_asking(const struct talk *self, enum talk_ask_kind kind)
{
    for (size_t i = 0; i < self->ask_count; i++) {
        if (self->ask[i].kind == kind)
            return true;
    }
    return false;
}

void talk_ask_done(struct talk *self, struct talk_ask *ask)
{
    const size_t at = (size_t)(ask - self->ask);

    self->ask_count--;
    memmove(ask, ask + 1, (self->ask_count - at) * sizeof(*ask));
}

void talk_ask_renew(struct talk *self)
{
    for (size_t i = 0; i < self->ask_count; i++)
        self->ask[i].until_ms = cli_later_ms(self->ask_timeout_ms);
}

void talk_ask_expire(struct talk *self, uint64_t now_ms)
{
    for (size_t i = self->ask_count; i > 0; i--) {
        if (now_ms < self->ask[i - 1].until_ms)
            continue;
        talk_ask_done(self, &self->ask[i - 1]);
        talk_remark(self, "no answer yet; going on without");
    }
}

static struct talk_ask *find_ref(struct talk *self, uint32_t ref)
{
    for (size_t i = 0; i < self->ask_count && ref != 0; i++) {
        if (self->ask[i].ref == ref)
            return &self->ask[i];
    }
    return NULL;
}

/* --- answers ---------------------------------------------------------------------- */

static void on_joined(struct talk *self, const struct zchat_event *event)
{
    char topic[2 * SUBJECT_BYTES_MAX];

    clean_copy(topic, sizeof(topic), span_of(event->topic));
    talk_room_enter(self, event);
    self->face->joined(self, event);
    talk_remark(self, "you are in %s, with %" PRIu32 " in all%s%s", event->stream, event->people,
                topic[0] == '\0' ? "" : ": ", topic);
    self->face->follow(self, event->stream, event->seq);
    talk_set_target(self, event->stream);
}

/* Of no request: a stream that may not be read any more, or never could. */
static void on_stray(struct talk *self, const struct zchat_event *event)
{
    struct talk_ask *history = talk_ask_find(self, ASK_HISTORY, NULL);

    if (event->ref != 0 || event->rc == 0)
        return;
    if (event->stream[0] == '#' && talk_room_find(self, event->stream) != NULL)
        talk_room_lose(self, event->stream);
    else if (event->stream[0] != '#')
        talk_remark(self, "%s: %s", event->stream, zchat_strerror(event->rc));
    if (history != NULL)
        talk_ask_done(self, history);
}

static void show_people(struct talk *self)
{
    people_print(self->face->list_begin(self), &self->people, self->is_json, false);
    self->face->list_end(self);
    people_fini(&self->people);
}

static void on_answer(struct talk *self, const struct zchat_event *event)
{
    struct talk_ask *found = find_ref(self, event->ref), ask;

    if (found == NULL) {
        on_stray(self, event);
        return;
    }
    ask = *found;
    talk_ask_done(self, found);
    if (event->rc != 0) {
        talk_remark(self, "%s%s%s", ask.stream, ask.stream[0] == '\0' ? "" : ": ",
                    zchat_strerror(event->rc));
    } else if (ask.kind == ASK_START) {
        self->face->started(self);
    } else if (ask.kind == ASK_JOIN) {
        on_joined(self, event);
    } else if (ask.kind == ASK_LEAVE) {
        talk_room_exit(self, event->stream, false);
        talk_remark(self, "you have left %s", event->stream);
    } else if (ask.kind == ASK_INVITE) {
        talk_remark(self, "%s is invited", ask.stream);
    } else if (ask.kind == ASK_SEARCH) {
        talk_searched(self, event);
    } else if (ask.kind == ASK_WHO) {
        show_people(self);
    }
}

static void on_room(struct talk *self, const struct zchat_event *event)
{
    const struct talk_ask *ask = find_ref(self, event->ref);

    if (ask == NULL)
        return;
    if (ask->kind == ASK_ROOMS) {
        room_print(self->face->list_begin(self), event, self->is_json);
        self->face->list_end(self);
    } else if (ask->kind == ASK_START) {
        talk_room_enter(self, event);
        self->face->follow(self, event->stream, event->seq);
        snprintf(self->target, sizeof(self->target), "%s", event->stream);
    }
}

bool talk_answer(struct talk *self, const struct zchat_event *event)
{
    switch (event->kind) {
    case ZCHAT_ANSWER:
        on_answer(self, event);
        return true;
    case ZCHAT_ROOM:
        on_room(self, event);
        return true;
    case ZCHAT_FOUND:
        talk_found(self, event);
        return true;
    case ZCHAT_PERSON:
        people_take(&self->people, event);
        return true;
    case ZCHAT_BAN:
        ban_print(self->face->list_begin(self), event, self->is_json);
        self->face->list_end(self);
        return true;
    default:
        return false;
    }
}

/* --- who is not heard ------------------------------------------------------------- */

static size_t ignored_at(const struct talk *self, const char *nick)
{
    size_t at = 0;

    while (at < self->ignored_count && strcmp(self->ignored[at], nick) != 0)
        at++;
    return at;
}

bool talk_is_ignored(const struct talk *self, const char *nick)
{
    return ignored_at(self, nick) < self->ignored_count;
}

bool talk_ignore(struct talk *self, const char *nick)
{
    if (talk_is_ignored(self, nick))
        return true;
    if (self->ignored_count == TALK_IGNORED_MAX)
        return false;
    self->ignored = x_realloc(self->ignored, self->ignored_count + 1, sizeof(*self->ignored));
    snprintf(self->ignored[self->ignored_count++], sizeof(*self->ignored), "%s", nick);
    return true;
}

bool talk_unignore(struct talk *self, const char *nick)
{
    const size_t at = ignored_at(self, nick);

    if (at == self->ignored_count)
        return false;
    memmove(self->ignored[at], self->ignored[at + 1],
            (self->ignored_count - at - 1) * sizeof(*self->ignored));
    self->ignored_count--;
    return true;
}
