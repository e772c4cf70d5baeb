/* wire_sim.h - connections and frames in flight. */
#ifndef TESTS_SIM_WIRE_SIM_H
#define TESTS_SIM_WIRE_SIM_H

#include "shared/base/ids.h"
#include "tests/sim/weather.h"

struct world;

#define TOPICS_MAX      (ROOMS_MAX + 4)
#define TOPIC_CHARS_MAX 40

struct topics {
    size_t count;
    char item[TOPICS_MAX][TOPIC_CHARS_MAX];
};

bool topics_has(const struct topics *self, const char *topic, size_t len);
void topics_set(struct topics *self, const char *topic, size_t len, bool is_added);

/* A connection: a ROUTER peer and a subscriber. */
struct conn {
    struct conn *next;
    peer_id peer;
    unsigned client;
    unsigned broker;
    bool is_open;     /* at the client */
    bool is_served;   /* the broker that it was made to still runs */
    bool is_welcomed; /* a WELCOME came on it */
    /* The probe's topic was given back once: what is on its way on two sockets can then overtake, and the
     * probe proves less. */
    bool is_unprobed;
    uint64_t pipe_ms;    /* subscriptions do not overtake each other */
    unsigned pub_queued; /* broadcasts on their way */
    struct topics topics;
    struct topics topics_ever;
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
    unsigned broker; /* who was asked, in which of its lives */
    size_t life;
};

struct flight {
    uint64_t at_ms;
    uint64_t order;
    enum flight_kind kind;
    struct conn *conn;
    struct read_order read;
    size_t len;
    const char *bytes; /* behind it, in one piece of memory */
};

void wire_send(struct world *self, enum flight_kind kind, struct conn *conn, const char *bytes,
               size_t len);
void wire_send_read(struct world *self, const struct read_order *order);
struct flight *
wire_take(struct world *self); /* the next that is due by now_ms, the caller's; or NULL */
/* Who should get it sleeps: it comes again at `at_ms`, behind what was put back before. */
void wire_put_back(struct world *self, struct flight *flight, uint64_t at_ms);
uint64_t wire_next_ms(const struct world *self);
void wire_drop_all(struct world *self);

#endif
