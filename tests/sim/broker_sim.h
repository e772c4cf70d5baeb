/* broker_sim.h - the brokers' shell, and the one order of what they commit into their store. */
#ifndef TESTS_SIM_BROKER_SIM_H
#define TESTS_SIM_BROKER_SIM_H

#include "broker/core/core.h"
#include "tests/sim/weather.h"
#include "tests/sim/wire_sim.h"

struct world;

/* How long a person's unconfirmed events have not been published by a broker (broker_checks.c). */
struct mail {
    uint64_t confirmed; /* as the core had it last */
    uint64_t begun_ms, published_ms;
};

/* An operation in the store's hands, with copies of what it borrows. */
struct asked_op {
    struct op op;
    char *bytes;
};

/* What one broker has committed in one transaction. */
struct turn {
    unsigned broker;
    size_t life; /* of the broker that asked: after a crash it is another one's */
    size_t count;
    struct asked_op *asked; /* of several brokers: NULL with one */
    struct op_result
        *results; /* of several brokers copies; with one borrowed, and gone when they are told */
};

struct broker {
    struct core *core; /* NULL: crashed */
    size_t life;       /* counts its crashes */
    uint64_t starts_at_ms;
    uint64_t stalled_until_ms;
    unsigned crash_in;      /* effects, 0: none planned */
    struct asked_op *asked; /* submitted, not committed */
    size_t asked_count;
    size_t asked_capacity;
    uint64_t commits_at_ms;
    size_t taken;           /* turns that the core was told */
    size_t own_turn;        /* committed, not told to the core */
    uint64_t results_at_ms; /* when it is told; UINT64_MAX: there is none */
    uint64_t follows_at_ms; /* when it hears of others' turns; UINT64_MAX: there are none */
    struct {
        struct asked_op
            *asked; /* given to the store by one that died; it is carried out all the same */
        size_t count;
        size_t life;
        uint64_t at_ms; /* UINT64_MAX: none */
    } late;
    struct mail mail[CLIENTS_MAX];
};

/* The broker's shell (broker_sim.c). */
void brokers_open(struct world *self);
void brokers_close(struct world *self);
void broker_start(struct world *self, struct broker *broker);
void broker_crash(struct world *self, struct broker *broker);
void broker_command(struct world *self, struct conn *conn, const char *bytes, size_t len);
void broker_commit(struct world *self, struct broker *broker);
void broker_commit_late(struct world *self, struct broker *broker);
void broker_read(struct world *self, const struct read_order *order);
void broker_tick(struct world *self, struct broker *broker);
/* False: the broker has crashed on the way. */
bool broker_step(struct world *self, struct broker *broker, struct core_event *event);

/* The order of transactions (turns_sim.c). */
/* Takes over what `asked` holds, but not the array. */
void turns_add(struct world *self, const struct turn *turn);
/* Tell the core all turns before that one that it was not told yet, in order. */
void turns_take(struct world *self, struct broker *broker, size_t upto);
/* Some of those that stand, and none behind the own one, whose time comes. */
void turns_follow(struct world *self, struct broker *broker);
/* The own one, with all that stand before it. */
void turns_take_own(struct world *self, struct broker *broker);
void turns_forget(struct world *self, struct broker *broker); /* it has crashed */
void turns_fini(struct world *self);
void asked_ops_free(struct asked_op *asked, size_t count);

#endif
