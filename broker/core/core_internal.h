/* core_internal.h - what the files of the core share; for them alone. */
#ifndef BROKER_CORE_CORE_INTERNAL_H
#define BROKER_CORE_CORE_INTERNAL_H

#include "broker/core/core.h"
#include "broker/core/members.h"
#include "broker/core/pending.h"
#include "broker/core/sessions.h"
#include "broker/core/streams.h"

struct core {
    struct core_limits limits;
    struct streams streams;
    struct members members;
    struct sessions sessions;
    struct pending pending;
    uint32_t people_reserved; /* rows kept free for HELLOs and JOINs in the store's hands */
    uint32_t rooms_reserved;
    uint32_t members_reserved;
    uint32_t sessions_reserved;
    uint32_t reads; /* in the readers' hands, of sessions that are gone as well */
    bool is_stopping;
    char probe_topic[18]; /* "~" and 16 hex digits: lives until the next step */
    struct core_stats stats;

    /* of the step that runs */
    uint64_t now_ms;
    uint64_t wall_ms;
    struct effects *fx;
};

/* A command as its handler sees it: of a live session, unless the verb needs none. */
struct asked {
    peer_id peer;
    const unsigned char *key; /* NULL: --insecure */
    const struct message *message;
    struct span skeleton;
    uint32_t session; /* row; 0 for HELLO of a new connection */
    uint32_t person;  /* row */
};

/* Effects. The returned message is the caller's to fill in. */
struct effect *core_effect(struct core *self, enum effect_kind kind);
struct message *core_reply(struct core *self, peer_id peer, enum verb verb, bool has_ref,
                           uint64_t ref);
struct message *core_answer(struct core *self, const struct asked *asked, enum verb verb);
/* ERROR with what identifies the question: its ref; a post's number when it is to be sent again. */
struct message *core_refuse(struct core *self, const struct asked *asked, enum rc rc);
struct message *core_error(struct core *self, peer_id peer, bool has_ref, uint64_t ref, enum rc rc);
/* An operation of that person under a fresh ticket, which the caller fills in. False, and
 * nothing done: the table of pending work is full, or `asker` has its share of it (peer 0 is nobody: posts
 * have their window, and what the core asks by itself has no limit). */
bool core_store(struct core *self, enum op_kind kind, uint32_t person, peer_id asker,
                struct op **ret_op, struct ticket **ret_ticket);
/* Publish what an operation appended, and keep the heads. */
void core_publish(struct core *self, const struct op_result *result);

/* Is there room for one row more? RC_LIMIT: no. RC_BUSY: only rows kept free for work in the store's hands
 * are left, and that work may not need them (several people make one room at the same time). */
static inline enum rc core_room_for_one(uint32_t count, uint32_t reserved, uint32_t max)
{
    if (count >= max)
        return RC_LIMIT;
    return reserved >= max - count ? RC_BUSY : RC_OK;
}

/* The stream of that name if this person may read it: RC_NO_SUCH_ROOM, RC_NO_SUCH_NICK, RC_DENIED. */
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

/* Handlers, one a verb, and one for the result of each kind of operation. */
void core_on_hello(struct core *self, const struct asked *asked);
void core_on_ping(struct core *self, const struct asked *asked);
void core_on_probe(struct core *self, const struct asked *asked);
void core_on_bye(struct core *self, const struct asked *asked);
void core_on_post(struct core *self, const struct asked *asked);
void core_on_skip(struct core *self, const struct asked *asked);
void core_on_confirm(struct core *self, const struct asked *asked);
void core_on_join(struct core *self, const struct asked *asked);
void core_on_leave(struct core *self, const struct asked *asked);
void core_on_who(struct core *self, const struct asked *asked);
void core_on_rooms(struct core *self, const struct asked *asked);
void core_on_fetch(struct core *self, const struct asked *asked);
void core_on_head(struct core *self, const struct asked *asked);
void core_on_mark(struct core *self, const struct asked *asked);

void core_stored_hello(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_post(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_confirm(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_join(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_leave(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_mark(struct core *self, struct ticket *ticket, const struct op_result *result);

/* A post that the shell refused, or that the core refuses: its number is used up. */
void core_refuse_post(struct core *self, const struct asked *asked, enum rc rc);

/* End a session: BYE, expiry, or a new session on its connection. */
void core_end_session(struct core *self, uint32_t session);
/* Expiry, HEADs and republication that are due; stops early when *fx is nearly full. */
void core_on_tick(struct core *self);
/* Begin publishing again while there is something unconfirmed and an inbox to take it. */
void core_republish_soon(struct core *self, uint32_t person);

#endif
