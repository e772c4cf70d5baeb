/* rows.h - what the log consists of, as its rules and its backends see it.
 *
 * Spans borrow from whoever handed the row out, until its next call. */
#ifndef BROKER_STORE_ROWS_H
#define BROKER_STORE_ROWS_H

#include "broker/store/store.h"

#include <stdbool.h>

/* An event's place as one number: its stream above, its sequence number below. A log ordered by it
 * holds stream by stream, and needs no index. */
#define ENTRY_SEQ_BITS 39
#define ENTRY_SEQ_MAX  ((UINT64_C(1) << ENTRY_SEQ_BITS) - 1)
#define STREAMS_MAX    ((UINT32_C(1) << 24) - 1)

static inline uint64_t entry_of(stream_id stream, uint64_t seq)
{
    return (uint64_t)stream.v << ENTRY_SEQ_BITS | seq;
}

static inline stream_id entry_stream(uint64_t entry)
{
    return (stream_id){(uint32_t)(entry >> ENTRY_SEQ_BITS)};
}

static inline uint64_t entry_seq(uint64_t entry)
{
    return entry & ENTRY_SEQ_MAX;
}

/* Stream 0 is nobody's: its entries are the numbers that were used up without a message. */
#define REFUSED_STREAM ((stream_id){0})

/* What a stream is. */
struct stream_row {
    stream_id id;
    struct span name;     /* with sigil */
    struct span skeleton; /* behind the same sigil, so that rooms and people do not mix */
    unsigned char stream_key[STREAM_KEY_BYTES];
    uint32_t epoch;
    enum role role;     /* of a person */
    uint32_t modes;     /* of a room: ROOM_ */
    struct span topic;  /* of a room */
    uint64_t open_from; /* as in struct record; 1 for people */
    uint32_t keep_s;    /* of a room: how long its events are kept, KEEP_ of op.h */
};

/* A key that belongs to an account for ever. */
struct device_row {
    unsigned char key[PUBLIC_KEY_BYTES];
    stream_id account;
    struct span label;
    uint64_t ts_ms; /* when it came */
    bool is_revoked;
};

#define INVITATION_HASH_BYTES 32 /* BLAKE2b-256 of the token */

struct invitation_row {
    unsigned char hash[INVITATION_HASH_BYTES];
    stream_id maker; /* none: the broker itself */
    enum role role;
    struct span nick; /* whom it is for; empty: anybody */
    bool is_device;   /* for one more device of the maker */
    struct span label;
    uint64_t until_ms;
};

/* Where a stream stands; changes with every event. */
struct place_row {
    stream_id stream;
    uint64_t head;
    uint64_t confirmed;
    uint64_t ts_ms; /* of the last event */
};

struct session_row {
    session_id id;
    stream_id account;
    uint32_t last;  /* the last number used up; 0: the session is not known */
    uint64_t entry; /* where that number's answer lies */
};

struct event_row {
    uint64_t entry;
    uint64_t ts_ms;
    stream_id sender; /* of a message: who gets the receipt; else none */
    uint64_t own_seq; /* of a private message: the sender's copy */
    enum rc refusal;  /* in stream 0; elsewhere RC_OK, or EVENT_PURGED */
    uint64_t prev;    /* the answer to its session's number before; 0: none */
    struct span wire;
};

/* An event as confirming sees it. */
struct sender_row {
    uint64_t seq;
    stream_id sender;
};

/* Its text was removed for ever; the event stands there without it. */
#define EVENT_PURGED RC_VOIDED

#define REMOVE_CHUNK_MAX 500 /* events that leave in one transaction */

/* How far a stream reaches, as cleaning sees it. */
struct kept_row {
    stream_id stream;
    bool is_person;
    uint32_t keep_s;
    uint64_t head;
    uint64_t confirmed;
};

/* An event as cleaning and purging see it. */
struct aged_row {
    uint64_t entry;
    uint64_t ts_ms;
    stream_id sender;
    bool is_purged;
    size_t bytes;
};

#endif
