/* core_internal.h - what the files of the core share; for them alone. */
#ifndef BROKER_CORE_CORE_INTERNAL_H
#define BROKER_CORE_CORE_INTERNAL_H

#include "broker/core/care.h"
#include "broker/core/core.h"
#include "broker/core/devices.h"
#include "broker/core/elsewhere.h"
#include "broker/core/keybans.h"
#include "broker/core/members.h"
#include "broker/core/pending.h"
#include "broker/core/rights.h"
#include "broker/core/sessions.h"
#include "broker/core/streams.h"

struct verb_rule;

#define STRANGERS      4096 /* buckets of keys without a session */
#define ADDRESSES      4096 /* buckets of addresses that strangers come from */
#define SEARCHES_MAX   64   /* of all sessions, in the readers' hands */
#define TOO_FAST_MS    50   /* a session is told at most so often, and to wait at least so long */
#define BANS_LOOKED_MS 1000 /* how often the broker's bans are looked at, whether one is over */

struct stranger {
    struct bucket asks;
    uint64_t too_fast_ms; /* when it was last told */
};

struct core {
    struct core_limits limits;
    struct streams streams;
    struct members members;
    struct devices devices;
    struct keybans keybans;
    struct stranger *strangers; /* by the hash of the key, or of the peer */
    struct bucket *addresses;   /* of strangers, by the hash of where they come from */
    struct sessions sessions;
    struct pending pending;
    struct elsewhere elsewhere;
    uint32_t people_reserved; /* rows kept free for HELLOs and JOINs in the store's hands */
    uint32_t rooms_reserved, members_reserved;
    uint32_t standings_reserved; /* rows of members for what is no membership */
    uint32_t sessions_reserved;
    uint32_t devices_reserved, keybans_reserved;
    uint32_t owners;
    uint32_t owners_changing; /* with is_changing */
    uint32_t sweep;           /* the session that is looked at next, whether it may stay; 0: none */
    uint32_t ending_bans;     /* of the broker, that are over some day */
    uint64_t look_at_ms;      /* when they are looked at again */
    bool is_replayed;         /* the first step has been */
    uint32_t reads;           /* in the readers' hands, of sessions that are gone as well */
    uint32_t searches;        /* likewise */
    struct scope *scope;      /* of the search that is asked in this step; a row a stream */
    bool is_stopping;
    bool is_overrun;      /* see core_is_overrun() */
    char probe_topic[18]; /* "~" and 16 hex digits: lives until the next step */
    uint64_t chat;
    char brokers[BROKERS_BYTES_MAX];
    uint32_t brokers_len, brokers_version; /* the latter counts the changes: see struct session */
    struct care care;
    struct core_stats stats;

    /* of the step that runs */
    uint64_t now_ms;
    uint64_t wall_ms;
    struct effects *fx;
    struct effect unheard; /* what peer 0 is told: nobody */
};

/* A command as its handler sees it: of a live session, unless the verb needs none. */
struct asked {
    const struct verb_rule *rule; /* NULL: there is no such verb */
    enum right right;             /* of the rule */
    peer_id peer;
    const unsigned char *key;     /* NULL: --insecure */
    const unsigned char *address; /* NULL: not known */
    const struct message *message;
    struct span skeleton;
    uint32_t session; /* row; 0 for HELLO of a new connection */
    uint32_t person;  /* row */
    uint32_t stream;  /* row of message->stream; 0: there is none */
};

/* Effects. The returned message is the caller's to fill in. What is said to peer 0 nobody hears: it is who asked another
 * broker. */
struct effect *core_effect(struct core *self, enum effect_kind kind);
struct message *core_reply(struct core *self, peer_id peer, enum verb verb, bool has_ref,
                           uint64_t ref);
struct message *core_answer(struct core *self, const struct asked *asked, enum verb verb);
/* ERROR with what identifies the question: its ref; a post's number when it is to be sent again. */
struct message *core_refuse(struct core *self, const struct asked *asked, enum rc rc);
struct message *core_error(struct core *self, peer_id peer, bool has_ref, uint64_t ref, enum rc rc);
/* An operation of that person under a fresh ticket, which the caller fills in. False, counted, and
 * nothing done: the table of pending work is full, or the asker has its share of it, as the verb's limits say
 * (`asked` NULL: what the core asks by itself has none). */
bool core_store(struct core *self, enum op_kind kind, uint32_t person, const struct asked *asked,
                struct op **ret_op, struct ticket **ret_ticket);
/* Publish what an operation appended under the keys that held before it, keep the heads, and take over new keys. */
void core_publish(struct core *self, const struct op_result *result);

/* Is there a row for somebody's standing with a room who has none there? */
enum rc core_room_for_standing(struct core *self, uint32_t room, uint32_t person) MUST_CHECK;

/* The stream of that name if this person may read it: RC_NO_SUCH_ROOM, RC_NO_SUCH_NICK, RC_DENIED,
 * RC_PRIVATE. */
enum rc core_readable(const struct core *self, uint32_t person, struct span name,
                      uint32_t *ret_row) MUST_CHECK;

static inline struct stream *core_stream(struct core *self, uint32_t row)
{
    return &self->streams.row[row];
}

/* A person's nick: the stream's name without its sigil. */
static inline struct span core_nick(const struct core *self, uint32_t person)
{
    const struct span name = stream_name(&self->streams.row[person]);

    return (struct span){name.ptr + 1, name.len - 1};
}

/* The row of the person of that nick, or 0. */
uint32_t core_person(const struct core *self, struct span nick);

static inline struct span core_key(const unsigned char *key)
{
    return (struct span){(const char *)key, PUBLIC_KEY_BYTES};
}

/* RC_REVOKED, RC_BANNED: that device, or person, may not be here now. `device` 0: --insecure. */
enum rc core_may_stay(const struct core *self, uint32_t person, uint32_t device) MUST_CHECK;

/* core_replay.c: behind the last record, before the first step. */
void core_begin(struct core *self);

/* JOINED, ROOM and HEAD: how the room is, and its key. */
void core_tell_modes(struct core *self, struct message *message, uint32_t room, uint32_t person);
void core_tell_key(struct core *self, struct message *message, uint32_t row);

/* A post that the shell refused, or that the core refuses: its number is used up. */
void core_refuse_post(struct core *self, const struct asked *asked, enum rc rc);

/* End a session: BYE, expiry, or a new session on its connection. */
void core_end_session(struct core *self, uint32_t session);
/* Expiry, HEADs and republication that are due; stops early when *fx is nearly full. */
void core_on_tick(struct core *self);
/* Begin publishing again while there is something unconfirmed and an inbox to take it. */
void core_republish_soon(struct core *self, uint32_t person);

#endif
