/* core.h - the chat as a pure function: events in, effects out.
 *
 * The core decides who may do what, what is asked of the store, who is answered and what is
 * published. It does nothing itself: no sockets, clock, disk, randomness, logging, threads or
 * globals, and no memory after core_new(). Time is a field of the event. The disk is an event too: a
 * post is acknowledged and published only after CORE_EV_STORED brings its result,
 * so "acknowledged means durable" is decided, and tested, here. */
#ifndef BROKER_CORE_CORE_H
#define BROKER_CORE_CORE_H

#include "broker/core/core_counters.h"
#include "broker/core/core_limits.h"
#include "broker/core/effect.h"
#include "broker/core/record.h"
#include "shared/base/ids.h"
#include "shared/base/rc.h"
#include "shared/proto/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum core_event_kind {
    CORE_EV_COMMAND, /* a decoded message from a peer */
    CORE_EV_STORED,  /* the store's result for an FX_STORE, in the order they were asked */
    /* Another broker's operation on the same store, and its result. All brokers' transactions have one order, and
     * this core is told all of them in it: those of others this way, its own as CORE_EV_STORED (ADR 0032). */
    CORE_EV_FOREIGN,
    CORE_EV_READ, /* an FX_READ or FX_SEARCH is answered to its end, or has failed: one for each */
    CORE_EV_BACKED_UP, /* an FX_BACKUP is done, or has failed */
    CORE_EV_TICK,      /* time has come to core_next_deadline_ms() */
    CORE_EV_STOPPING,  /* refuse new work from now on; results may still come */
};

struct core_event {
    enum core_event_kind kind;
    uint64_t now_ms;  /* monotonic: timers */
    uint64_t wall_ms; /* since 1970: the events' ts */
    union {
        struct {
            peer_id peer;
            /* The connection's CURVE public key, or NULL with --insecure. */
            const unsigned char *key;
            /* Where it comes from, ADDRESS_BYTES by which the shell tells addresses apart; NULL: it cannot. */
            const unsigned char *address;
            /* Names in it (nick, stream, to) are canonical already; `skeleton` is of the nick in
             * HELLO, of the stream's name (without sigil) in JOIN. */
            const struct message *message;
            struct span skeleton;
            /* RC_OK, or why the shell refuses this message (bad_field, too_big, bad_name ...): the core
             * answers with it, and uses up the number of a refused post (protocol R-21). */
            enum rc refusal;
        } command;
        const struct op_result *stored;
        struct {
            const struct op *op; /* its ticket is the other broker's, and says nothing here */
            const struct op_result *result;
        } foreign;
        struct {
            peer_id peer;
            bool is_search; /* of an FX_SEARCH */
        } read;
        struct {
            enum rc rc; /* RC_EXISTS, RC_DISK_FULL, RC_FAILED */
            uint64_t size_bytes;
            uint64_t events;
            uint64_t took_ms;
        } backup;
    };
};

struct core;

/* NULL: no memory for the tables. */
struct core *core_new(const struct core_limits *limits);
void core_destroy(struct core **self_p);

/* Other limits, between two steps. The sizes of the tables, and hash_key, stay as they were born; what is in use
 * beyond a lower limit stays too, and only nothing new comes. */
void core_set_limits(struct core *self, const struct core_limits *limits);

/* What WELCOME says of where this chat is served (protocol 5.5), between two steps; copied. `chat` is the log's number;
 * `brokers` the addresses of all that serve it, at most BROKERS_BYTES_MAX. 0 and empty, as at first: nothing is said. Who was
 * told other addresses before hears of these with the next PONG. */
void core_set_chat(struct core *self, uint64_t chat);
void core_set_brokers(struct core *self, struct span brokers);

/* Tell a new core what the store holds, before the first step. RC_LIMIT: the
 * tables are smaller than what is stored. */
enum rc core_replay(struct core *self, const struct record *record) MUST_CHECK;

/* One step. Clears *fx first. */
void core_step(struct core *self, const struct core_event *event, struct effects *fx);

/* When it wants a CORE_EV_TICK at the latest, monotonic; UINT64_MAX: never. */
uint64_t core_next_deadline_ms(const struct core *self);

/* How a stream's events leave now: NULL when it is public, else its key, and its epoch. What is published again is
 * sealed with what holds at that moment, not with what held when it was read. */
const unsigned char *core_seal(const struct core *self, stream_id stream, uint32_t *ret_epoch);

/* The keys of accounts, and whether the shell may let them in: the one after `row` (0: the first); 0 at the end.
 * The shell walks them once behind core_replay(); what changes later comes as FX_ADMIT and FX_EXPEL. */
uint32_t core_next_device(const struct core *self, uint32_t row, const unsigned char **ret_key,
                          bool *ret_is_admitted);

/* Another broker has made more than the tables here hold: its limits are higher, and what is known here is no longer how
 * things stand. The shell ends the broker, loudly, behind the step after which this is true. */
bool core_is_overrun(const struct core *self);

/* Is there an owner? (Else the shell makes an invitation for one.) */
bool core_has_owner(const struct core *self);

void core_get_stats(const struct core *self, struct core_stats *ret);

#endif
