/* message.h - the protocol's messages as one plain struct (protocol 3, 5 to 9).
 *
 * A message is one MessagePack map: the verb under "v" and scalar fields under
 * the keys of MESSAGE_FIELDS. The same key means the same thing in every verb,
 * so one flat struct with a set of present fields serves all of them, and one
 * table (verbs.h) says which verb needs and allows which field.
 *
 * Spans borrow: from the frame when decoded, from whoever filled them in when
 * encoding. Nothing here is owned. */
#ifndef SHARED_PROTO_MESSAGE_H
#define SHARED_PROTO_MESSAGE_H

#include "shared/base/limits.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum field_type {
    FIELD_UINT,  /* uint64_t; `most` is the largest value */
    FIELD_TEXT,  /* struct span, valid UTF-8; `most` is bytes */
    FIELD_BYTES, /* struct span, bin; `most` is bytes */
    FIELD_FLAG,  /* bool */
};

/* X(SYMBOL, "key", type, C type, member, most)
 *
 *   ref       chosen by the asker, echoed in every answer to it
 *   next      the number the broker expects next from this session
 *   seq       an event's place in its stream, a head, or a confirmed place
 *   own_seq   the place of the sender's own copy of a private message
 *   peer_seq  in that copy: the place in the recipient's stream
 *   upto      in a receipt: everything of the recipient's stream up to here
 *   first, last  an inclusive range of seq
 *   cursor    where a list goes on; absent at its end
 *   count     how many rows a page may have
 *   credit    how many EVENTS pages may answer one FETCH
 *   ts, since milliseconds since 1970-01-01T00:00:00Z
 *   retry     milliseconds after which trying again makes sense
 *   invite    an invitation's token, a secret
 *   role      of a person at this broker: "member", "operator", "owner"
 *   op        is an operator of the room
 *   room      in an event of a person's stream: the room it is about
 *   topic     a room's topic, as people call it
 *   value     of a figure of the broker
 *   size      bytes; events: how many
 *   seconds   how long something shall last, or took; until: when it ends, as ts; 0 or absent: never
 *   chat      which log the broker serves
 *   brokers   addresses of all that serve it, separated by spaces; address: of one */
#define MESSAGE_FIELDS(X)                                                      \
    X(REF, "ref", FIELD_UINT, uint64_t, ref, UINT32_MAX)                       \
    X(LOW, "low", FIELD_UINT, uint64_t, low, UINT32_MAX)                       \
    X(HIGH, "high", FIELD_UINT, uint64_t, high, UINT32_MAX)                    \
    X(VERSION, "version", FIELD_UINT, uint64_t, version, UINT32_MAX)           \
    X(NICK, "nick", FIELD_TEXT, struct span, nick, NAME_BYTES_MAX)             \
    X(SESSION, "session", FIELD_UINT, uint64_t, session, UINT64_MAX)           \
    X(NUMBER, "number", FIELD_UINT, uint64_t, number, UINT32_MAX)              \
    X(NEXT, "next", FIELD_UINT, uint64_t, next, UINT32_MAX)                    \
    X(STREAM, "stream", FIELD_TEXT, struct span, stream, STREAM_BYTES_MAX)     \
    X(SEQ, "seq", FIELD_UINT, uint64_t, seq, INT64_MAX)                        \
    X(OWN_SEQ, "own_seq", FIELD_UINT, uint64_t, own_seq, INT64_MAX)            \
    X(PEER_SEQ, "peer_seq", FIELD_UINT, uint64_t, peer_seq, INT64_MAX)         \
    X(UPTO, "upto", FIELD_UINT, uint64_t, upto, INT64_MAX)                     \
    X(FIRST, "first", FIELD_UINT, uint64_t, first, INT64_MAX)                  \
    X(LAST, "last", FIELD_UINT, uint64_t, last, INT64_MAX)                     \
    X(SINCE, "since", FIELD_UINT, uint64_t, since, INT64_MAX)                  \
    X(TS, "ts", FIELD_UINT, uint64_t, ts, INT64_MAX)                           \
    X(TYPE, "type", FIELD_TEXT, struct span, type, 16)                         \
    X(KIND, "kind", FIELD_TEXT, struct span, kind, 16)                         \
    X(FROM, "from", FIELD_TEXT, struct span, from, NAME_BYTES_MAX)             \
    X(TO, "to", FIELD_TEXT, struct span, to, NAME_BYTES_MAX)                   \
    X(TEXT, "text", FIELD_TEXT, struct span, text, TEXT_BYTES_MAX)             \
    X(STATE, "state", FIELD_TEXT, struct span, state, 16)                      \
    X(DEVICES, "devices", FIELD_UINT, uint64_t, devices, UINT32_MAX)           \
    X(PEOPLE, "people", FIELD_UINT, uint64_t, people, UINT32_MAX)              \
    X(MEMBER, "member", FIELD_FLAG, bool, member, 1)                           \
    X(MINE, "mine", FIELD_FLAG, bool, mine, 1)                                 \
    X(CREATE, "create", FIELD_FLAG, bool, create, 1)                           \
    X(INBOX, "inbox", FIELD_FLAG, bool, inbox, 1)                              \
    X(AWAY, "away", FIELD_FLAG, bool, away, 1)                                 \
    X(DONE, "done", FIELD_FLAG, bool, done, 1)                                 \
    X(CODE, "code", FIELD_UINT, uint64_t, code, UINT32_MAX)                    \
    X(ERROR, "error", FIELD_TEXT, struct span, error, 32)                      \
    X(RETRY, "retry", FIELD_UINT, uint64_t, retry, UINT32_MAX)                 \
    X(TOKEN, "token", FIELD_UINT, uint64_t, token, UINT64_MAX)                 \
    X(CURSOR, "cursor", FIELD_UINT, uint64_t, cursor, INT64_MAX)               \
    X(CREDIT, "credit", FIELD_UINT, uint64_t, credit, FETCH_CREDIT_MAX)        \
    X(CONFIRMED, "confirmed", FIELD_UINT, uint64_t, confirmed, INT64_MAX)      \
    X(EPOCH, "epoch", FIELD_UINT, uint64_t, epoch, UINT32_MAX)                 \
    X(KEY, "key", FIELD_BYTES, struct span, key, STREAM_KEY_BYTES)             \
    X(BOX, "box", FIELD_BYTES, struct span, box, FRAME_BYTES_MAX)              \
    X(WINDOW, "window", FIELD_UINT, uint64_t, window, UINT32_MAX)              \
    X(PING_EVERY, "ping_ms", FIELD_UINT, uint64_t, ping_ms, UINT32_MAX)        \
    X(EXPIRE, "expire_ms", FIELD_UINT, uint64_t, expire_ms, UINT32_MAX)        \
    X(AGENT, "agent", FIELD_TEXT, struct span, agent, AGENT_BYTES_MAX)         \
    X(NAME, "name", FIELD_TEXT, struct span, name, MARK_NAME_BYTES_MAX)        \
    X(INVITE, "invite", FIELD_BYTES, struct span, invite, INVITE_BYTES)        \
    X(ROLE, "role", FIELD_TEXT, struct span, role, 16)                         \
    X(DEVICE, "device", FIELD_FLAG, bool, device, 1)                           \
    X(OP, "op", FIELD_FLAG, bool, op, 1)                                       \
    X(PRIVATE, "private", FIELD_FLAG, bool, is_private, 1)                     \
    X(PERSISTENT, "persistent", FIELD_FLAG, bool, persistent, 1)               \
    X(TOPIC, "topic", FIELD_TEXT, struct span, topic, SUBJECT_BYTES_MAX)       \
    X(ROOM, "room", FIELD_TEXT, struct span, room, STREAM_BYTES_MAX)           \
    X(SECONDS, "seconds", FIELD_UINT, uint64_t, seconds, UINT32_MAX)           \
    X(UNTIL, "until", FIELD_UINT, uint64_t, until, INT64_MAX)                  \
    X(ROWS, "count", FIELD_UINT, uint64_t, count, LIST_PAGE_MAX)               \
    X(VALUE, "value", FIELD_UINT, uint64_t, value, UINT64_MAX)                 \
    X(SIZE, "size", FIELD_UINT, uint64_t, size, INT64_MAX)                     \
    X(EVENTS, "events", FIELD_UINT, uint64_t, events, INT64_MAX)               \
    X(CHAT, "chat", FIELD_UINT, uint64_t, chat, INT64_MAX)                     \
    X(BROKERS, "brokers", FIELD_TEXT, struct span, brokers, BROKERS_BYTES_MAX) \
    X(ADDRESS, "address", FIELD_TEXT, struct span, address, BROKER_BYTES_MAX)

enum field {
#define X(symbol, key, type, c_type, member, most) FIELD_##symbol##_,
    MESSAGE_FIELDS(X)
#undef X
        FIELD_COUNT
};

/* The bit of a field in message.has: HAS_TEXT, HAS_SEQ ... */
#define X(symbol, key, type, c_type, member, most) \
    static const uint64_t HAS_##symbol __attribute__((unused)) = UINT64_C(1) << FIELD_##symbol##_;
MESSAGE_FIELDS(X)
#undef X

/* Verbs with their names on the wire. One name serves question and answer
 * where both mean the same thing (head, mark, probe, bye). */
#define VERB_TABLE(X)           \
    X(HELLO, "hello")           \
    X(WELCOME, "welcome")       \
    X(JOIN, "join")             \
    X(JOINED, "joined")         \
    X(LEAVE, "leave")           \
    X(LEFT, "left")             \
    X(POST, "post")             \
    X(SKIP, "skip")             \
    X(ACK, "ack")               \
    X(EXPECT, "expect")         \
    X(CONFIRM, "confirm")       \
    X(FETCH, "fetch")           \
    X(EVENTS, "events")         \
    X(GONE, "gone")             \
    X(HEAD, "head")             \
    X(PING, "ping")             \
    X(PONG, "pong")             \
    X(PROBE, "probe")           \
    X(WHO, "who")               \
    X(PERSON, "person")         \
    X(ROOMS, "rooms")           \
    X(ROOM, "room")             \
    X(END, "end")               \
    X(MARK, "mark")             \
    X(BYE, "bye")               \
    X(ERROR, "error")           \
    X(EVENT, "event")           \
    X(SEALED, "sealed")         \
    X(SEARCH, "search")         \
    /* running rooms */         \
    X(TOPIC, "topic")           \
    X(MODE, "mode")             \
    X(INVITE, "invite")         \
    X(OP, "op")                 \
    X(DEOP, "deop")             \
    X(KICK, "kick")             \
    X(BAN, "ban")               \
    X(UNBAN, "unban")           \
    X(MUTE, "mute")             \
    X(UNMUTE, "unmute")         \
    X(BANS, "bans")             \
    X(BANNED, "banned")         \
    /* people */                \
    X(ADMIT, "admit")           \
    X(INVITATION, "invitation") \
    X(DEVICES, "devices")       \
    X(DEVICE, "device")         \
    X(REVOKE, "revoke")         \
    X(ROLE, "role")             \
    X(SESSIONS, "sessions")     \
    X(SESSION, "session")       \
    X(STATS, "stats")           \
    X(STAT, "stat")             \
    X(DONE, "done")             \
    /* care */                  \
    X(BACKUP, "backup")         \
    X(PURGE, "purge")           \
    X(BROKERS, "brokers")       \
    X(BROKER, "broker")

enum verb {
    VERB_NONE,
#define X(symbol, name) VERB_##symbol,
    VERB_TABLE(X)
#undef X
        VERB_COUNT
};

struct message {
    enum verb verb;
    uint64_t has; /* HAS_... of the fields below that are present */
#define X(symbol, key, type, c_type, member, most) c_type member;
    MESSAGE_FIELDS(X)
#undef X
};

/* Set a field and its bit: message_set(&m, SEQ, seq, 18). Evaluates `message` once: it may be a call that
 * makes one. */
#define message_set(message, SYMBOL, member, value) \
    ({                                              \
        __typeof__(message) set_ = (message);       \
        set_->member = (value);                     \
        set_->has |= HAS_##SYMBOL;                  \
        (void)0;                                    \
    })

static inline bool message_has(const struct message *self, uint64_t fields)
{
    return (self->has & fields) == fields;
}

#endif
