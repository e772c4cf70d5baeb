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

void zchat_confirm(struct zchat *self, uint64_t first, uint64_t last)
{
    model_shown(self->pump.model, first, last);
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

zchat_rc zchat_create(struct zchat *self, const char *room, bool is_private, bool is_persistent,
                      uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_JOIN};

    message_set(&message, CREATE, create, true);
    if (is_private)
        message_set(&message, PRIVATE, is_private, true);
    if (is_persistent)
        message_set(&message, PERSISTENT, persistent, true);
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

/* --- running rooms and the broker (protocol 7.6, 5.3) --------------------------------- */

enum part {
    PART_ROOM = 1,
    PART_NICK = 2,
    PART_KEY = 4,
    PART_TOPIC = 8,   /* `text` as a topic; may be empty */
    PART_REASON = 16, /* `text` as a reason */
    PART_SECONDS = 32,
    PART_ROLE = 64, /* `text` as a role */
};

/* The verbs of zchat_order(): what each needs, and what it may have besides. */
static const struct order_row {
    const char *what;
    enum verb verb;
    unsigned needed, optional;
} orders[] = {
    {"topic", VERB_TOPIC, PART_ROOM, PART_TOPIC},
    {"private", VERB_MODE, PART_ROOM, 0},
    {"public", VERB_MODE, PART_ROOM, 0},
    {"persistent", VERB_MODE, PART_ROOM, 0},
    {"passing", VERB_MODE, PART_ROOM, 0},
    {"invite", VERB_INVITE, PART_ROOM | PART_NICK, 0},
    {"op", VERB_OP, PART_ROOM | PART_NICK, 0},
    {"deop", VERB_DEOP, PART_ROOM | PART_NICK, 0},
    {"kick", VERB_KICK, PART_ROOM | PART_NICK, PART_REASON},
    {"ban", VERB_BAN, 0, PART_ROOM | PART_NICK | PART_KEY | PART_REASON | PART_SECONDS},
    {"unban", VERB_UNBAN, 0, PART_ROOM | PART_NICK | PART_KEY},
    {"mute", VERB_MUTE, PART_ROOM | PART_NICK, PART_REASON | PART_SECONDS},
    {"unmute", VERB_UNMUTE, PART_ROOM | PART_NICK, 0},
    {"revoke", VERB_REVOKE, 0, PART_NICK | PART_KEY},
    {"role", VERB_ROLE, PART_NICK | PART_ROLE, 0},
};

/* What an order is made of while it is checked: the message's spans borrow from it. */
struct order_parts {
    struct stream_name room;
    struct name nick;
    unsigned char key[PUBLIC_KEY_BYTES];
};

static const struct order_row *find_order(const char *what)
{
    for (size_t i = 0; what != NULL && i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (strcmp(orders[i].what, what) == 0)
            return &orders[i];
    }
    return NULL;
}

/* An @ in front is how people write a nick. */
static enum rc set_nick(struct message *message, const char *given, struct name *name)
{
    if (name_parse(span_of(given[0] == '@' ? given + 1 : given), name) != RC_OK)
        return RC_BAD_NAME;
    message_set(message, NICK, nick, name_text(name));
    return RC_OK;
}

static enum rc set_whom(struct message *message, const struct zchat_order *order,
                        struct order_parts *parts)
{
    if (order->room != NULL) {
        if (stream_name_parse(span_of(order->room), &parts->room) != RC_OK ||
            parts->room.sigil != '#')
            return RC_BAD_NAME;
        message_set(message, STREAM, stream, stream_name_text(&parts->room));
    }
    if (order->key != NULL) {
        if (hex_decode(span_of(order->key), parts->key, sizeof(parts->key)) != RC_OK)
            return RC_BAD_FIELD;
        message_set(message, KEY, key, ((struct span){(const char *)parts->key, PUBLIC_KEY_BYTES}));
    }
    return order->nick == NULL ? RC_OK : set_nick(message, order->nick, &parts->nick);
}

static enum rc set_text(struct message *message, const struct order_row *row, struct span text)
{
    const unsigned parts = row->needed | row->optional;

    if (text.len > 0 && !wire_is_utf8(text))
        return RC_BAD_TEXT;
    if ((parts & PART_TOPIC) != 0) {
        if (text.len > SUBJECT_BYTES_MAX)
            return RC_TOO_BIG;
        message_set(message, TOPIC, topic, text);
    } else if ((parts & PART_ROLE) != 0) {
        if (text.len > 16)
            return RC_BAD_FIELD;
        message_set(message, ROLE, role, text);
    } else if (text.len > TEXT_BYTES_MAX) {
        return RC_TOO_BIG;
    } else if (text.len > 0) {
        message_set(message, TEXT, text, text);
    }
    return RC_OK;
}

/* The four words for the two modes; no others are verbs of this kind. */
static void set_mode(struct message *message, const char *what)
{
    if (strcmp(what, "private") == 0 || strcmp(what, "public") == 0)
        message_set(message, PRIVATE, is_private, strcmp(what, "private") == 0);
    else if (strcmp(what, "persistent") == 0 || strcmp(what, "passing") == 0)
        message_set(message, PERSISTENT, persistent, strcmp(what, "persistent") == 0);
}

/* Is everything there that the verb needs, and nothing that it does not know? */
static bool is_complete(const struct order_row *row, const struct zchat_order *order)
{
    const unsigned text = PART_TOPIC | PART_REASON | PART_ROLE;
    const unsigned known = row->needed | row->optional;
    unsigned given = 0;

    given |= order->room != NULL ? PART_ROOM : 0;
    given |= order->nick != NULL ? PART_NICK : 0;
    given |= order->key != NULL ? PART_KEY : 0;
    given |= order->text != NULL ? known & text : 0;
    given |= order->seconds != 0 ? PART_SECONDS : 0;
    if (order->text != NULL && order->text[0] != '\0' && (known & text) == 0)
        return false;
    if ((row->verb == VERB_BAN || row->verb == VERB_UNBAN) &&
        ((given & PART_NICK) != 0) == ((given & PART_KEY) != 0)) /* one of the two */
        return false;
    if (row->verb == VERB_REVOKE && (given & (PART_NICK | PART_KEY)) == 0)
        return false;
    return (given & row->needed) == row->needed && (given & ~known) == 0;
}

zchat_rc zchat_order(struct zchat *self, const struct zchat_order *order, uint32_t *ret_ref)
{
    const struct order_row *row = find_order(order->what);
    struct order_parts parts;
    struct message message;
    enum rc rc;

    if (row == NULL || !is_complete(row, order))
        return RC_BAD_FIELD;
    message = (struct message){.verb = row->verb};
    rc = set_whom(&message, order, &parts);
    if (rc == RC_OK)
        rc = set_text(&message, row, span_of(order->text == NULL ? "" : order->text));
    if (rc != RC_OK)
        return rc;
    if (order->seconds != 0)
        message_set(&message, SECONDS, seconds, order->seconds);
    set_mode(&message, row->what);
    return request(self, &message, ret_ref);
}

zchat_rc zchat_bans(struct zchat *self, const char *room_or_null, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_BANS};

    if (room_or_null != NULL)
        return request_room(self, &message, room_or_null, ret_ref);
    return request(self, &message, ret_ref);
}

zchat_rc zchat_admit(struct zchat *self, const struct zchat_admission *whom, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_ADMIT};
    struct name nick;
    enum rc rc = RC_OK;

    if (whom->nick != NULL)
        rc = set_nick(&message, whom->nick, &nick);
    if (rc != RC_OK)
        return rc;
    if (whom->role != NULL) {
        if (strlen(whom->role) > 16 || whom->is_device)
            return RC_BAD_FIELD;
        message_set(&message, ROLE, role, span_of(whom->role));
    }
    if (whom->device_name != NULL) {
        if (!whom->is_device || strlen(whom->device_name) > MARK_NAME_BYTES_MAX ||
            !wire_is_utf8(span_of(whom->device_name)))
            return RC_BAD_FIELD;
        message_set(&message, NAME, name, span_of(whom->device_name));
    }
    if (whom->is_device)
        message_set(&message, DEVICE, device, true);
    if (whom->seconds != 0)
        message_set(&message, SECONDS, seconds, whom->seconds);
    return request(self, &message, ret_ref);
}

zchat_rc zchat_devices(struct zchat *self, const char *nick_or_null, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_DEVICES};
    struct name nick;
    enum rc rc = nick_or_null == NULL ? RC_OK : set_nick(&message, nick_or_null, &nick);

    return rc == RC_OK ? request(self, &message, ret_ref) : (zchat_rc)rc;
}

zchat_rc zchat_stats(struct zchat *self, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_STATS};

    return request(self, &message, ret_ref);
}

zchat_rc zchat_ask_brokers(struct zchat *self, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_BROKERS};

    return request(self, &message, ret_ref);
}

zchat_rc zchat_sessions(struct zchat *self, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_SESSIONS};

    return request(self, &message, ret_ref);
}

/* What a search is made of while it is checked: the message's spans borrow from it. */
struct search_parts {
    struct stream_name stream;
    struct name from;
    char own[STREAM_BYTES_MAX + 1];
};

/* Private messages with somebody lie in the own stream. */
static enum rc set_place(const struct zchat *self, struct message *message, const char *stream,
                         struct search_parts *parts)
{
    if (stream_name_parse(span_of(stream), &parts->stream) != RC_OK)
        return RC_BAD_NAME;
    snprintf(parts->own, sizeof(parts->own), "@%s", zchat_nick(self));
    if (parts->stream.sigil == '#' || strcmp(parts->stream.text, parts->own) == 0) {
        message_set(message, STREAM, stream, stream_name_text(&parts->stream));
        return RC_OK;
    }
    message_set(message, STREAM, stream, span_of(parts->own));
    message_set(message, NICK, nick, name_text(&parts->stream.name));
    return RC_OK;
}

zchat_rc zchat_search(struct zchat *self, const struct zchat_query *query, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_SEARCH};
    const struct span words = span_of(query->words);
    struct search_parts parts;
    const char *from = query->from;

    if (words.len > SEARCH_BYTES_MAX)
        return RC_TOO_BIG;
    if (words.len > 0 && !wire_is_utf8(words))
        return RC_BAD_TEXT;
    if (words.len > 0)
        message_set(&message, TEXT, text, words);
    if (query->stream != NULL && set_place(self, &message, query->stream, &parts) != RC_OK)
        return RC_BAD_NAME;
    if (from != NULL) {
        if (name_parse(span_of(from[0] == '@' ? from + 1 : from), &parts.from) != RC_OK)
            return RC_BAD_NAME;
        message_set(&message, FROM, from, name_text(&parts.from));
    }
    if (query->since_ms != 0)
        message_set(&message, SINCE, since, query->since_ms);
    if (query->until_ms != 0)
        message_set(&message, UNTIL, until, query->until_ms);
    if (query->cursor != 0)
        message_set(&message, CURSOR, cursor, query->cursor);
    if (query->count != 0)
        message_set(&message, ROWS, count, query->count);
    return request(self, &message, ret_ref);
}

zchat_rc zchat_keep(struct zchat *self, const char *room, uint32_t seconds, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_MODE};

    message_set(&message, SECONDS, seconds, seconds);
    return request_room(self, &message, room, ret_ref);
}

zchat_rc zchat_backup(struct zchat *self, const char *name, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_BACKUP};

    if (name[0] == '\0' || strlen(name) > MARK_NAME_BYTES_MAX || !wire_is_utf8(span_of(name)))
        return RC_BAD_FIELD;
    message_set(&message, NAME, name, span_of(name));
    return request(self, &message, ret_ref);
}

zchat_rc zchat_purge(struct zchat *self, const char *stream, uint64_t before_ms, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_PURGE};
    struct stream_name name;

    if (before_ms > INT64_MAX)
        return RC_BAD_FIELD;
    if (stream_name_parse(span_of(stream), &name) != RC_OK)
        return RC_BAD_NAME;
    if (before_ms != 0)
        message_set(&message, UNTIL, until, before_ms);
    if (name.sigil == '#')
        message_set(&message, STREAM, stream, stream_name_text(&name));
    else
        message_set(&message, NICK, nick, name_text(&name.name));
    return request(self, &message, ret_ref);
}
