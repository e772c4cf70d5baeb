/* record.h - what the store answers, and what a restarted core is told.
 *
 * The store's meaning is one transaction over a batch of operations (op.h), in order. The same
 * structs serve the memory store, SQLite and later stores that several brokers share.
 *
 * Spans borrow for the call. */
#ifndef BROKER_CORE_RECORD_H
#define BROKER_CORE_RECORD_H

#include "broker/core/op.h"

/* A stream that has a new key from now on: the events of this result still go out under the old one. */
struct rekeyed {
    stream_id stream;
    uint32_t epoch;
    unsigned char key[STREAM_KEY_BYTES];
};

/* One event that the operation appended. `wire` is its map as it travels (protocol
 * 7.1); it borrows from the store until the result is released. */
struct appended {
    stream_id stream;
    uint64_t seq;
    uint64_t ts_ms;
    struct span wire;
};

/* OP_CONFIRM may bring more receipts than fit one result; the store then raises
 * the place only as far as the receipts given, and says so in `seq`; the core
 * asks again for the rest. */
#define OP_APPENDED_MAX 64

struct op_result {
    ticket_id ticket;
    enum op_kind kind;

    /* RC_OK: done; for OP_POST and OP_VOID also when it had been done before (is_duplicate).
     * OP_POST, OP_VOID: RC_BAD_FIELD with `next` below the number: the store expects that one first (EXPECT);
     *   the refusal with which this number was used up (just now by OP_VOID, or before:
     *   is_duplicate), RC_VOIDED when it was given up;
     *   RC_TOO_OLD: used up longer ago than the store remembers; RC_SESSION_TAKEN.
     * Any OP that writes: RC_DISK_FULL, nothing was changed.
     * OP_HELLO, OP_JOIN: RC_NICK_IN_USE, RC_WRONG_NICK, RC_CONFUSABLE when another batch
     *   was faster. OP_MARK: RC_LIMIT. OP_MARK_GET: RC_OK with seq 0: no such mark.
     * OP_HELLO: RC_BAD_INVITE, RC_NOT_LET_IN, RC_REVOKED, RC_LIMIT (devices). OP_JOIN: RC_PRIVATE, RC_BANNED.
     * OP_STANDING: RC_NOT_MEMBER. OP_ADMIT: RC_LIMIT. OP_REVOKE: RC_NO_SUCH_NICK: no such device.
     * OP_STANDING with the broker, OP_REVOKE, OP_ROLE: RC_DENIED: there would be no owner. */
    enum rc rc;
    bool is_duplicate;

    stream_id stream;   /* OP_HELLO: the account; OP_JOIN: the room; OP_POST: the target */
    uint64_t seq;       /* OP_POST: place in the target; OP_HELLO: the account's head;
                           OP_JOIN: the room's head; OP_CONFIRM: now confirmed; OP_MARK_GET: the place */
    uint64_t own_seq;   /* OP_POST to a person: place of the sender's copy, else 0 */
    uint64_t ts_ms;     /* OP_POST: of the event */
    uint64_t confirmed; /* OP_HELLO */
    uint32_t next;      /* OP_HELLO, OP_POST, OP_VOID: the session's next number */
    bool is_new;      /* OP_HELLO: account was made; OP_JOIN: membership is new; see is_new_room */
    bool is_new_room; /* OP_JOIN */
    uint32_t epoch;   /* OP_HELLO: of the person's stream; OP_JOIN: of the room */
    unsigned char key[STREAM_KEY_BYTES]; /* OP_HELLO, OP_JOIN: its key */
    enum role role;                      /* OP_HELLO */
    bool is_new_device;                  /* OP_HELLO: the key was bound to the account just now */
    struct span label;                   /* of it */
    uint32_t modes;                      /* OP_JOIN, OP_ROOM: the room's, now */
    uint64_t open_from;                  /* OP_JOIN, OP_ROOM: see record */
    bool is_adopted; /* OP_JOIN: nobody was in it: modes, topic and all standings began anew */
    uint32_t keep_s; /* OP_JOIN, OP_ROOM */
    bool is_more;    /* OP_PURGE: a chunk is done, ask again with this result's seq */
    uint64_t count;  /* OP_PURGE: events of this chunk */
    struct standing standing; /* OP_JOIN, OP_LEAVE, OP_STANDING: how the person stands now */
    unsigned char token[INVITE_BYTES]; /* OP_ADMIT */

    /* A kick, ban, leave or turn to private: the room. OP_REVOKE: the person's stream, and the private rooms. */
    size_t rekeyed_count;
    const struct rekeyed *rekeyed;

    size_t appended_count;
    const struct appended *appended; /* the new events, in order; none for a duplicate */
};

/* Whether the cores of other brokers over the same store have to be told (ADR 0032). Marks, invitations and what is removed
 * from the log only the store knows. What was refused has changed nothing, but that it may have used up the number of a
 * post; a repeat has changed nothing either. */
static inline bool op_result_is_followed(const struct op_result *self)
{
    switch (self->kind) {
    case OP_MARK:
    case OP_MARK_GET:
    case OP_ADMIT:
    case OP_PURGE:
        return false;
    case OP_POST:
    case OP_VOID:
        return !self->is_duplicate && self->rc != RC_DISK_FULL;
    default:
        return self->rc == RC_OK;
    }
}

/* What a restarted core is told, oldest first, before it serves (core_replay). */
enum record_kind {
    RECORD_STREAM = 1, /* all of them come first */
    RECORD_DEVICE,     /* `member` is the account, `key` its key */
    RECORD_STANDING,   /* how `member` stands with `stream`; no stream: with the broker */
    RECORD_KEY_BAN,    /* `key` is banned from `stream`, or the broker, until `until_ms` */
};

struct record {
    enum record_kind kind;
    stream_id stream;
    struct span name; /* RECORD_STREAM: with sigil */
    struct span skeleton;
    uint64_t head;
    uint64_t confirmed; /* RECORD_STREAM of a person */
    uint64_t
        absent; /* of a person: places behind `confirmed` that hold nothing, up to `absent_last` */
    uint64_t absent_last;
    unsigned char stream_key[STREAM_KEY_BYTES];
    uint32_t epoch;
    enum role role;    /* RECORD_STREAM of a person */
    uint32_t modes;    /* RECORD_STREAM of a room: ROOM_ */
    struct span topic; /* of a room, perhaps empty */
    /* Of a room that was private once: events before this place are for those who were members then
     * (standing.since is below it). 1: all are for everybody. */
    uint64_t open_from;
    uint32_t keep_s; /* RECORD_STREAM of a room */
    stream_id member;
    struct standing standing;
    unsigned char key[PUBLIC_KEY_BYTES]; /* RECORD_DEVICE, RECORD_KEY_BAN */
    struct span label;                   /* RECORD_DEVICE */
    uint64_t ts_ms;                      /* RECORD_DEVICE: when it came */
    bool is_revoked;                     /* RECORD_DEVICE: the key may never come back */
    uint64_t until_ms;                   /* RECORD_KEY_BAN */
};

#endif
