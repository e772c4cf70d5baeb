/* closed.h - closed doors under a random hand: the real core and the memory store, devices that want to
 * read more than they may, and an oracle that knows who is entitled to what.
 *
 * Who is entitled is told from the log alone: from the events in the order in which they are stored
 * (protocol 7.3 to 7.6), and from who is removed: by REVOKE's answer, and by what the shell is told. Everything
 * follows from the seed. */
#ifndef TESTS_CLOSED_CLOSED_H
#define TESTS_CLOSED_CLOSED_H

#include "tests/support/core/stage.h"

#include <stdio.h>

#define PEOPLE                 4
#define DEVICES_PER_PERSON     2
#define DEVICES                (PEOPLE * DEVICES_PER_PERSON)
#define ROOMS                  2
#define CONNECTIONS_PER_DEVICE 7 /* a stage knows STAGE_PEERS_MAX peers */
#define STREAMS                (ROOMS + PEOPLE)
#define KEYS_MAX               512
#define EVENTS_MAX             4096
#define READS_MAX              64
#define SESSIONS_SEEN_MAX      1024

/* A stream's key that a device was given once, and may have kept. */
struct held_key {
    unsigned char key[STREAM_KEY_BYTES];
};

struct device {
    unsigned person;
    peer_id peer; /* of its newest connection */
    session_id session;
    bool is_bound;   /* to its person, as a WELCOME has shown */
    bool is_removed; /* REVOKE was answered with DONE */
    bool is_welcome;
    bool is_admitted;         /* the shell lets its key in */
    uint32_t next;            /* the post number that is expected */
    uint32_t outsider_number; /* asked while not a member: must be refused; 0: none */
    uint32_t muted_number;    /* asked while muted: likewise */
    bool has_invite;          /* for its HELLO */
    unsigned char invite[INVITE_BYTES];
    size_t held_count;
    struct held_key held[KEYS_MAX];
};

/* How a stream's events leave: what was seen last, and whether another key has to come next. */
struct seal {
    bool is_known;
    bool is_due;
    uint32_t epoch;
    unsigned char key[STREAM_KEY_BYTES];
};

/* What the log says about a room. */
struct room {
    bool is_private;
    bool is_persistent;
    uint64_t head;
    unsigned members;   /* bits of people */
    unsigned insiders;  /* who was a member when it became public, and still is */
    uint64_t open_from; /* where what is for everybody, or for later members, begins */
    unsigned invited;   /* who may come in once while it is private */
    uint64_t banned_until_ms[PEOPLE];
    uint64_t muted_until_ms[PEOPLE];
    bool was_private[EVENTS_MAX]; /* the event at that place was said in private */
};

/* A FETCH or republication in the readers' hands, and who was what when it was asked. */
struct pending_read {
    unsigned person;
    peer_id peer;
    stream_id stream;
    uint64_t first, last, since_ms, least;
    uint32_t credit;
    bool is_again;
    bool was_member, was_insider;
    uint64_t head, open_from;
};

struct closed {
    struct stage stage;
    uint64_t random;
    struct device device[DEVICES];
    struct room room[ROOMS];
    struct seal seal[STREAMS];          /* rooms, then people */
    uint32_t said[SESSIONS_SEEN_MAX];   /* the highest number of each session that stands */
    uint32_t bans_ref;                  /* of the BANS that is answered */
    unsigned bans_listed, mutes_listed; /* bits of people */
    struct pending_read read[READS_MAX];
    size_t reads;
    uint32_t last_connection;
    uint32_t last_ref;
    uint64_t last_session;
    uint32_t revoke_ref[DEVICES];                          /* 0: none asked */
    bool is_new_room, is_made_private, is_made_persistent; /* of the result that is told now */
    size_t published, opened, given, fetched, restarts,
        refused; /* what happened, for the summary */
    FILE *story; /* NULL: silent */
    char failure[256];
};

/* Run one seed; false: `failure` says which promise was broken. */
bool closed_run(struct closed *self, uint64_t seed, FILE *story);

#endif
