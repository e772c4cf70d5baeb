#include "client/lib/tells.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

#define LINK_TELLS_MAX 32

static const char *put(char **at_p, struct span text)
{
    char *at = *at_p;

    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    at[text.len] = '\0';
    *at_p = at + text.len + 1;
    return at;
}

/* Peers' bytes as lower-case hex digits. */
static const char *put_hex(char **at_p, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *at = *at_p;

    for (size_t i = 0; i < bytes.len; i++) {
        at[2 * i] = digits[(unsigned char)bytes.ptr[i] >> 4];
        at[2 * i + 1] = digits[(unsigned char)bytes.ptr[i] & 15];
    }
    at[2 * bytes.len] = '\0';
    *at_p = at + 2 * bytes.len + 1;
    return at;
}

struct tell *tell_new(const struct zchat_event *event, const struct tell_texts *texts)
{
    const size_t len = texts->stream.len + texts->type.len + texts->message_kind.len +
                       texts->from.len + texts->to.len + texts->text.len + texts->state.len +
                       texts->room.len + texts->topic.len + texts->role.len + 2 * texts->key.len +
                       texts->address.len + texts->agent.len + 13;
    struct tell *tell = x_alloc(1, sizeof(*tell) + len);
    char *at = tell->bytes;

    tell->event = *event;
    tell->event.stream = put(&at, texts->stream);
    tell->event.type = put(&at, texts->type);
    tell->event.message_kind = put(&at, texts->message_kind);
    tell->event.from = put(&at, texts->from);
    tell->event.to = put(&at, texts->to);
    tell->event.text = put(&at, texts->text);
    tell->event.text_len = texts->text.len;
    tell->event.state = put(&at, texts->state);
    tell->event.room = put(&at, texts->room);
    tell->event.topic = put(&at, texts->topic);
    tell->event.role = put(&at, texts->role);
    tell->event.key = put_hex(&at, texts->key);
    tell->event.address = put(&at, texts->address);
    tell->event.agent = put(&at, texts->agent);
    return tell;
}

static struct span span_if(const struct message *message, uint64_t field, struct span value)
{
    return message_has(message, field) ? value : (struct span){0};
}

static uint64_t number_if(const struct message *message, uint64_t field, uint64_t value)
{
    return message_has(message, field) ? value : 0;
}

struct tell *tell_of_event(const struct message *message)
{
    const struct zchat_event event = {
        .kind = ZCHAT_EVENT,
        .seq = message->seq,
        .ts_ms = message->ts,
        .session = number_if(message, HAS_SESSION, message->session),
        .number = (uint32_t)number_if(message, HAS_NUMBER, message->number),
        .peer_seq = number_if(message, HAS_PEER_SEQ, message->peer_seq),
        .upto = number_if(message, HAS_UPTO, message->upto),
        .until_ms = number_if(message, HAS_UNTIL, message->until),
    };
    struct tell_texts texts = {
        .stream = message->stream,
        .type = message->type,
        .message_kind = span_if(message, HAS_KIND, message->kind),
        .from = message->from,
        .to = span_if(message, HAS_TO, message->to),
        .text = span_if(message, HAS_TEXT, message->text),
        .room = span_if(message, HAS_ROOM, message->room),
    };

    if (texts.message_kind.len == 0 && span_equal(message->type, SPAN("message")))
        texts.message_kind = SPAN("message");
    return tell_new(&event, &texts);
}

void tell_destroy(struct tell **tell_p)
{
    free(*tell_p);
    *tell_p = NULL;
}

void tells_init(struct tells *self, uint32_t max)
{
    *self = (struct tells){.max = max};
}

void tells_fini(struct tells *self)
{
    struct tell *tell;

    while ((tell = self->first) != NULL) {
        self->first = tell->next;
        tell_destroy(&tell);
    }
    tell_destroy(&self->current);
    *self = (struct tells){0};
}

uint32_t tells_room(const struct tells *self)
{
    return self->counted_count < self->max ? self->max - self->counted_count : 0;
}

static uint32_t *counter_of(struct tells *self, enum zchat_event_kind kind)
{
    switch (kind) {
    case ZCHAT_EVENT:
    case ZCHAT_PERSON:
    case ZCHAT_ROOM:
    case ZCHAT_DEVICE:
    case ZCHAT_SESSION:
    case ZCHAT_STAT:
    case ZCHAT_BAN:
    case ZCHAT_FOUND:
    case ZCHAT_BROKER:
        return &self->counted_count;
    case ZCHAT_POST:
        return &self->post_count;
    case ZCHAT_LINK:
        return &self->link_count;
    default:
        return NULL;
    }
}

/* The application sleeps while the link comes and goes: the newest state is what counts. */
static bool fold_link(struct tells *self, struct tell **tell_p)
{
    struct tell *tell = *tell_p;

    if (tell->event.kind != ZCHAT_LINK || self->link_count < LINK_TELLS_MAX ||
        tell->event.link == ZCHAT_LINK_REFUSED)
        return false;
    self->last_link->event.link = tell->event.link;
    self->last_link->event.rc = tell->event.rc;
    tell_destroy(tell_p);
    return true;
}

void tells_push(struct tells *self, struct tell **tell_p)
{
    struct tell *tell = *tell_p;

    if (fold_link(self, tell_p))
        return;

    uint32_t *counter = counter_of(self, tell->event.kind);

    if (counter != NULL)
        ++*counter;
    if (tell->event.kind == ZCHAT_LINK)
        self->last_link = tell;
    tell->next = NULL;
    if (self->last != NULL)
        self->last->next = tell;
    else
        self->first = tell;
    self->last = tell;
    *tell_p = NULL;
}

void tells_add(struct tells *self, const struct zchat_event *event, const struct tell_texts *texts)
{
    struct tell *tell = tell_new(event, texts);

    tells_push(self, &tell);
}

const struct zchat_event *tells_current(const struct tells *self)
{
    return self->current == NULL ? NULL : &self->current->event;
}

bool tells_take(struct tells *self, struct zchat_event *ret)
{
    tell_destroy(&self->current);

    struct tell *tell = self->first;

    if (tell == NULL)
        return false;

    uint32_t *counter = counter_of(self, tell->event.kind);

    if (counter != NULL)
        --*counter;
    if (self->last_link == tell)
        self->last_link = NULL;
    self->first = tell->next;
    if (self->first == NULL)
        self->last = NULL;
    self->current = tell;
    *ret = tell->event;
    return true;
}
