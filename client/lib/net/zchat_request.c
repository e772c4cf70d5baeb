/* zchat_request.c - the public API of libzchat: following and asking. */
#include "client/lib/net/handle.h"
#include "shared/base/clock.h"
#include "shared/wire/wire.h"

#include <string.h>

zchat_rc zchat_follow(struct zchat *self, const char *stream, struct zchat_place from,
                      uint64_t until)
{
    uint64_t now_ms = clock_mono_ms();
    struct stream_name name;
    enum rc rc = stream_name_parse(span_of(stream), &name);

    if (rc != RC_OK)
        return rc;
    rc = model_follow(self->pump.model, stream_name_text(&name), from, until, now_ms,
                      &self->pump.fx);
    if (rc == RC_OK && until == 0)
        note_follow(&self->note, stream_name_text(&name));
    pump_carry(&self->pump, now_ms);
    return rc;
}

void zchat_unfollow(struct zchat *self, const char *stream)
{
    struct stream_name name;

    if (stream_name_parse(span_of(stream), &name) != RC_OK)
        return;
    model_unfollow(self->pump.model, stream_name_text(&name), &self->pump.fx);
    pump_carry(&self->pump, clock_mono_ms());
}

static zchat_rc request(struct zchat *self, const struct message *message, uint32_t *ret_ref)
{
    uint64_t now_ms = clock_mono_ms();
    uint32_t ref = 0;
    enum rc rc = model_request(self->pump.model, message, now_ms, &self->pump.fx, &ref);

    pump_carry(&self->pump, now_ms);
    if (rc == RC_OK && ret_ref != NULL)
        *ret_ref = ref;
    return rc;
}

static zchat_rc request_room(struct zchat *self, struct message *message, const char *room,
                             uint32_t *ret_ref)
{
    struct stream_name name;

    if (stream_name_parse(span_of(room), &name) != RC_OK || name.sigil != '#')
        return RC_BAD_NAME;
    message_set(message, STREAM, stream, stream_name_text(&name));
    return request(self, message, ret_ref);
}

zchat_rc zchat_join(struct zchat *self, const char *room, bool create, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_JOIN};

    if (create)
        message_set(&message, CREATE, create, true);
    return request_room(self, &message, room, ret_ref);
}

zchat_rc zchat_leave(struct zchat *self, const char *room, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_LEAVE};

    return request_room(self, &message, room, ret_ref);
}

zchat_rc zchat_who(struct zchat *self, const char *room_or_null, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_WHO};

    if (room_or_null != NULL)
        return request_room(self, &message, room_or_null, ret_ref);
    return request(self, &message, ret_ref);
}

zchat_rc zchat_rooms(struct zchat *self, bool mine, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_ROOMS};

    if (mine)
        message_set(&message, MINE, mine, true);
    return request(self, &message, ret_ref);
}

zchat_rc zchat_ping(struct zchat *self, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_PING};

    return request(self, &message, ret_ref);
}

zchat_rc zchat_mark(struct zchat *self, const char *name, const char *stream, uint64_t seq,
                    uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_MARK};
    struct stream_name parsed;

    if (stream_name_parse(span_of(stream), &parsed) != RC_OK)
        return RC_BAD_NAME;
    if (strlen(name) == 0 || strlen(name) > MARK_NAME_BYTES_MAX || !wire_is_utf8(span_of(name)))
        return RC_BAD_NAME;
    message_set(&message, NAME, name, span_of(name));
    message_set(&message, STREAM, stream, stream_name_text(&parsed));
    if (seq != 0)
        message_set(&message, SEQ, seq, seq);
    return request(self, &message, ret_ref);
}
