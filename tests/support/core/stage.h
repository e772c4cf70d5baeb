/* stage.h - a core on a stage: the memory store behind it, time in the test's hands, and all that it
 * says written down.
 *
 * The test sends commands as peers and says when the store commits, so what lies between can be
 * looked at. Faults of the stage itself end the process. */
#ifndef TESTS_SUPPORT_CORE_STAGE_H
#define TESTS_SUPPORT_CORE_STAGE_H

#include "broker/core/core.h"
#include "broker/store/store.h"

#include <stdbool.h>
#include <stddef.h>

#define STAGE_PEERS_MAX 64

/* One effect, with copies of all that it borrowed. */
struct said {
    struct effect effect;
    /* What was said: of FX_REPLY and FX_ANNOUNCE as it was, of FX_PUBLISH and of pages the event. */
    struct message message;
    bool is_taken; /* by stage_take() */
    struct said *next;
};

struct held_op;

struct stage {
    struct core *core;
    struct store *store;
    bool is_over_another; /* the store is another stage's */
    struct store_reader *reader;
    struct core_limits limits;
    uint64_t now_ms;
    uint64_t wall_ms;
    unsigned char key[STAGE_PEERS_MAX][PUBLIC_KEY_BYTES]; /* all zero: --insecure */
    const unsigned char *address; /* of all peers, ADDRESS_BYTES; NULL: not known */
    /* FX_READ and FX_SEARCH are written down only; else they are answered like the shell does, but for the index: what
     * is searched for is looked for as it stands. */
    bool has_hands_off;
    /* Called behind every step but those of CORE_EV_READ; self->fx is what it said. */
    void (*on_step)(struct stage *self, const struct core_event *event);
    /* Called for each operation that is committed, before the core hears of it; NULL: nobody asks. */
    void (*on_committed)(struct stage *self, const struct op *op, const struct op_result *result);
    void *context;             /* the test's own */
    struct follower *follower; /* NULL: there is none */

    struct effects fx; /* of the last step */
    struct said *said; /* in order */
    struct said *last_said;
    struct held_op *held; /* in the store's hands */
    struct held_op *last_held;
    size_t held_count;
    uint64_t stored; /* results given so far */
};

/* `limits` NULL: small ones, open registration. */
void stage_open(struct stage *self, const struct core_limits *limits);
/* Another broker over the same store, with the same limits; to be closed first. */
void stage_open_over(struct stage *self, const struct stage *other);
void stage_close(struct stage *self);
/* A broker that was killed: what was not committed is lost, a new core learns what is stored. */
void stage_restart(struct stage *self);
/* Tell the core a record that is not in the store; nobody can follow that. */
enum rc stage_replay(struct stage *self, const struct record *record);

/* The peer's connection has proved a key made of this byte. */
void stage_key(struct stage *self, peer_id peer, unsigned char byte);

/* A command that the shell let through; skeletons are made of the names. */
void stage_say(struct stage *self, peer_id peer, const struct message *message);
/* The same with the shell's own skeleton and verdict. */
void stage_say_as(struct stage *self, peer_id peer, const struct message *message,
                  struct span skeleton, enum rc refusal);
/* A command that the shell refuses. */
void stage_say_refused(struct stage *self, peer_id peer, const struct message *message, enum rc rc);
/* An event that has no words of its own here; its times are the stage's. */
void stage_event(struct stage *self, struct core_event event);
static inline void stage_stop(struct stage *self)
{
    stage_event(self, (struct core_event){.kind = CORE_EV_STOPPING});
}
void stage_read_done(struct stage *self, peer_id peer);
void stage_search_done(struct stage *self, peer_id peer);

/* Commit what is held now, in one transaction, and tell the core. Returns how many. */
size_t stage_commit(struct stage *self);
/* The same until nothing is held. */
void stage_commit_all(struct stage *self);
/* The oldest held operation gets this result, and never reaches the store. */
void stage_fail(struct stage *self, enum rc rc, uint32_t next);
/* The same with a whole result made by hand; its ticket and kind are filled in. */
void stage_give(struct stage *self, const struct op_result *result);
/* The oldest held operation, or NULL. */
const struct op *stage_held(const struct stage *self);

/* From now on the core of another broker over the same store hears of all that is committed (CORE_EV_FOREIGN). It must
 * publish what the first one does, sealed alike, and be silent otherwise. Results made by hand end it. */
void stage_follow(struct stage *self);
void stage_unfollow(struct stage *self);
/* With nothing held: both cores must know all as it is stored. */
void stage_check_follower(const struct stage *self);
/* For the stage alone (follower.c). */
void stage_tell_follower(struct stage *self, const struct op *op, const struct op_result *result);
void stage_compare_follower(const struct stage *self);
void stage_wake_follower(struct stage *self);

/* Let time pass, with every tick that the core wants. */
void stage_wait(struct stage *self, uint64_t ms);

/* Forget what was said so far. */
void stage_clear(struct stage *self);
/* The oldest that was not taken: an answer to that peer; an effect of that kind; on that topic. NULL:
 * there is none. With VERB_NONE any verb. Borrowed until stage_clear(). */
const struct said *stage_take_reply(struct stage *self, peer_id peer, enum verb verb);
const struct said *stage_take(struct stage *self, enum effect_kind kind);
const struct said *stage_take_topic(struct stage *self, const char *topic, enum verb verb);
/* How many of that kind were said and not taken. */
size_t stage_count(const struct stage *self, enum effect_kind kind);
size_t stage_count_replies(const struct stage *self, peer_id peer, enum verb verb);

#endif
