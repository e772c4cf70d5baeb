/* world.h - a whole chat in one thread under a clock of its own: the real core, the real
 * memory store, real client models, the real codec, and a wire that loses, doubles, delays and
 * reorders. Everything follows from the seed. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "broker/core/core.h"
#include "broker/store/store.h"
#include "client/lib/model.h"

#include <stdio.h>

#define CLIENTS_MAX 6
#define ROOMS_MAX   3

/* What one seed brings. Probabilities are per thousand. */
struct weather {
    unsigned clients;
    unsigned rooms;
    unsigned loss;     /* of a frame, either way */
    unsigned pub_loss; /* of a broadcast to one subscriber: PUB drops silently */
    unsigned dup;
    unsigned delay_ms;  /* at most; frames overtake each other */
    unsigned commit_ms; /* at most, from submission to commit */
    unsigned broker_crashes;
    unsigned client_crashes;
    unsigned cuts;     /* a client loses its connection */
    unsigned posts;    /* of each client, over the storm */
    uint64_t storm_ms; /* faults end here */
    uint64_t calm_ms;  /* everything must have settled by then */
};

/* A post as its author knows it. */
struct post {
    session_id session;
    uint32_t number;
    unsigned client;
    unsigned life;
    char target[32];
    char text[48];
    enum zchat_post_state state;
    enum rc rc;
    uint64_t seq;
};

struct conn; /* a connection: a ROUTER peer and its subscriptions */

struct client {
    struct model *model; /* NULL: not running */
    char nick[16];
    session_id session;
    unsigned life; /* counts its restarts */
    struct conn *conn;
    uint64_t opens_at_ms; /* 0: not waiting to open */
    uint64_t acts_at_ms;
    unsigned to_post;
    bool is_up;
    bool is_refused;
    struct {
        char stream[32];
        uint64_t last; /* shown */
        bool is_live;
    } follow[ROOMS_MAX + 1];
    unsigned follows;
};

struct world {
    uint64_t seed;
    uint64_t random;
    uint64_t now_ms;
    struct weather weather;
    FILE *story; /* NULL: silent */

    struct store *store; /* survives the broker */
    struct store_reader *reader;
    struct core *core; /* NULL: crashed */
    struct effects *fx;
    uint64_t starts_at_ms;
    struct asked_op *asked; /* submitted, not committed */
    size_t asked_count;
    size_t asked_capacity;
    uint64_t commits_at_ms;

    struct client client[CLIENTS_MAX];
    struct conn *conns;
    uint32_t last_peer;

    struct flight *flight; /* a heap by time */
    size_t flights;
    size_t flights_capacity;
    uint64_t flight_order;

    struct post *post;
    size_t posts;
    size_t posts_capacity;

    size_t shown, commits, broker_crashes, client_crashes; /* what happened, for the summary */
    char failure[400];                                     /* the first broken promise, in words */
};

void world_init(struct world *self, uint64_t seed, FILE *story);
void world_fini(struct world *self);
/* Run storm and calm; false when a promise was broken: `failure` says which. */
bool world_run(struct world *self);

/* For the parts of the world. */
uint64_t world_random(struct world *self);
bool world_chance(struct world *self, unsigned per_thousand);
unsigned world_below(struct world *self, unsigned limit);
void world_tell(struct world *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_fail(struct world *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool world_is_storm(const struct world *self);

/* The wire (wire_sim.c): frames in flight. */
struct conn {
    struct conn *next;
    peer_id peer;
    unsigned client;
    bool is_open;     /* at the client */
    bool is_served;   /* the broker that it was made to still runs */
    uint64_t pipe_ms; /* subscriptions do not overtake each other */
    size_t topics;
    char topic[ROOMS_MAX + 4][40];
};

enum flight_kind {
    FLIGHT_COMMAND = 1,
    FLIGHT_ANSWER,
    FLIGHT_BROADCAST,
    FLIGHT_SUBSCRIBE,
    FLIGHT_UNSUBSCRIBE,
    FLIGHT_READ
};

struct read_order {
    peer_id peer;
    stream_id stream;
    char name[40];
    uint64_t ref, first, last, since_ms;
    uint32_t credit;
};

struct flight {
    uint64_t at_ms;
    uint64_t order;
    enum flight_kind kind;
    struct conn *conn;
    struct read_order read;
    size_t len;
    char *bytes;
};

void wire_send(struct world *self, enum flight_kind kind, struct conn *conn, const char *bytes,
               size_t len);
void wire_send_read(struct world *self, const struct read_order *order);
bool wire_take(struct world *self, struct flight *ret); /* the next that is due by now_ms */
uint64_t wire_next_ms(const struct world *self);
void wire_drop_all(struct world *self);

/* The broker's shell (broker_sim.c). */
void broker_start(struct world *self);
void broker_crash(struct world *self);
void broker_command(struct world *self, struct conn *conn, const char *bytes, size_t len);
void broker_commit(struct world *self);
void broker_read(struct world *self, const struct read_order *order);
void broker_tick(struct world *self);
void broker_fini(struct world *self);

/* The clients' shell (client_sim.c). */
void client_start(struct world *self, unsigned which);
void client_crash(struct world *self, unsigned which);
void client_open(struct world *self, unsigned which);
void client_cut(struct world *self, unsigned which, bool is_noticed);
void client_receive(struct world *self, struct conn *conn, bool is_pub, const char *bytes,
                    size_t len);
void client_act(struct world *self, unsigned which);
void client_tick(struct world *self, unsigned which);
void client_joined(struct world *self, unsigned which, const char *room);
bool client_has_settled(struct world *self, unsigned which, const char **ret_why);

/* The promises (checks_sim.c). */
void check_shown(struct world *self, unsigned which, const struct zchat_event *event);
void check_at_end(struct world *self);

#endif
