/* record.h - what the core asks of the store, and what it is told.
 *
 * The store's meaning is one transaction over a batch of operations, in order. It
 * gives the numbers: streams, sequence numbers, and the verdict on a session's
 * post numbers. The same structs serve the memory store, SQLite and later stores
 * that several brokers share.
 *
 * Spans borrow for the call. */
#ifndef BROKER_CORE_RECORD_H
#define BROKER_CORE_RECORD_H

#include "shared/base/ids.h"
#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stddef.h>
#include <stdint.h>

enum op_kind {
    OP_HELLO = 1, /* find or make an account, and look at its session */
    OP_POST,      /* append a message to a room, or to recipient and sender */
    OP_VOID,      /* use up a number without a message: SKIP, or a refused post */
    OP_JOIN,      /* become a member, making the room when `create`; appends a join event */
    OP_LEAVE,     /* appends a leave event */
    OP_CONFIRM,   /* raise a person's confirmed place; appends receipts to the senders' streams */
    OP_MARK,      /* remember a named place of an account in a stream */
    OP_MARK_GET,  /* tell it */
};

struct op {
    enum op_kind kind;
    ticket_id ticket; /* comes back in the result */
    uint64_t ts_ms;   /* the broker's time; the store keeps a stream's times from running back */

    stream_id account; /* who; none in OP_HELLO of somebody new */
    struct span nick;  /* canonical */
    session_id session;
    uint32_t number;

    stream_id stream; /* post's target, room, or the confirmed or marked stream; none: new room */
    struct span name; /* its name with sigil ("#lobby", "@bob"); OP_MARK*: the marked stream's */
    struct span skeleton;                /* OP_HELLO, OP_JOIN: of the new name */
    struct span text;                    /* OP_POST */
    struct span kind_name;               /* OP_POST: "message" or "notice" */
    struct span mark;                    /* OP_MARK*: the mark's name */
    uint64_t seq;                        /* OP_CONFIRM, OP_MARK: the place */
    enum rc refusal;                     /* OP_VOID: why; kept as the number's answer */
    unsigned char key[PUBLIC_KEY_BYTES]; /* OP_HELLO */
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
     *   was faster. OP_MARK: RC_LIMIT. OP_MARK_GET: RC_OK with seq 0: no such mark. */
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
    uint32_t epoch;   /* OP_HELLO: of the person's stream */
    unsigned char key[STREAM_KEY_BYTES]; /* OP_HELLO: its key */

    size_t appended_count;
    const struct appended *appended; /* the new events, in order; none for a duplicate */
};

/* What a restarted core is told, oldest first, before it serves (core_replay). */
enum record_kind { RECORD_STREAM = 1, RECORD_MEMBER };

struct record {
    enum record_kind kind;
    stream_id stream;
    struct span name; /* RECORD_STREAM: with sigil */
    struct span skeleton;
    uint64_t head;
    uint64_t confirmed;                        /* RECORD_STREAM of a person */
    unsigned char owner_key[PUBLIC_KEY_BYTES]; /* RECORD_STREAM of a person: the account's key */
    unsigned char stream_key[STREAM_KEY_BYTES];
    uint32_t epoch;
    stream_id member; /* RECORD_MEMBER: who is in `stream` */
};

#endif
