/* load.h - thousands of users in one process, for measuring brokers: what the engine and the drivers share.
 *
 * A user has two connections, one to talk and one to hear, whatever is measured. The engine (load.c) connects them,
 * keeps posts in flight and measures; a driver knows one protocol. Listeners but the witness throw away unread what they
 * hear, so a thousand of them cost little; since all hear the same bytes, the witness' count of events and
 * everybody's count of bytes tell what was delivered. Of several brokers each has its share of the users, and its
 * witness. One thread. */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include "tests/support/link/link.h"

#include <stdio.h>

#define FLIGHT_MAX 1024 /* posts of one user without an answer */
#define TEXT_BYTES 128  /* of a post, when not told */
#define STAMP_BYTES \
    16 /* a text begins with the time of its post: microseconds, hexadecimal; then its broker, from 'A' on */
#define TEXT_MAX         16384
#define LOAD_BROKERS_MAX 8  /* of one chat */
#define BESIDE_MAX       64 /* processes whose CPU is told, too */

enum user_state { USER_OUTSIDE, USER_COMING, USER_ENTERING, USER_IN };

struct user {
    struct link talk, hear;
    struct link_keys keys;
    uint32_t index;
    unsigned broker;
    enum user_state state;
    bool is_witness; /* reads what it hears */
    bool is_ready;   /* stands in the engine's list of those who may post */
    bool is_hearing; /* has heard of the post that asks */
    uint32_t quota, in_flight;
    uint32_t number;                     /* of the last post */
    uint32_t answered;                   /* of the last answer */
    uint64_t *posted_us;                 /* a ring of FLIGHT_MAX; owned */
    uint64_t due_us;                     /* of the driver's next tick */
    uint64_t heard;                      /* events, of a witness */
    uint64_t bytes_before, heard_before; /* the measurement */
    /* The driver's own. */
    uint64_t session, place, confirmed;
    uint32_t rooms_asked, rooms_in;
    char last[48];
};

struct driver {
    const char *name;
    enum link_kind kind;              /* of LINK_NULL: LINK_CURVE when there is a key */
    bool is_read_by_all;              /* listeners must answer, so none throws away what it hears */
    uint64_t tick_us;                 /* 0: none */
    void (*enter)(struct user *user); /* both links are open; load_is_in() ends it */
    link_take *take_talk, *take_hear; /* the context is the user */
    void (*post)(struct user *user, struct span text);
    void (*tick)(struct user *user);   /* NULL: none */
    void (*behind)(struct user *user); /* begin to read what is old; NULL: cannot */
};

extern const struct driver driver_zchat, driver_relay, driver_fanout, driver_nats, driver_redis,
    driver_mqtt, driver_irc;

/* What was asked for, and what is measured. */
struct load {
    const struct driver *driver;
    unsigned brokers;
    struct link_target talk[LOAD_BROKERS_MAX], hear[LOAD_BROKERS_MAX];
    uint32_t users, posters, flight, rate, rooms, text_bytes;
    uint64_t ms, warm_ms, count, idle_ms;
    uint32_t behind; /* so many read what is old meanwhile */
    bool is_private;
    int pid[LOAD_BROKERS_MAX]; /* of the brokers; 0: its CPU is not measured */
    int beside[BESIDE_MAX];
    unsigned beside_count;
    struct user *user;
    uint64_t now_us;
    uint64_t posted, acked, heard;
    uint64_t behind_events, behind_us; /* of readers of old events */
};
extern struct load load;

/* Who only idles sits in halls of a hundred. */
static inline unsigned load_hall(const struct user *user)
{
    return load.idle_ms > 0 ? user->index / 100 : 0;
}

/* Measure `load` as it was filled in, and print one line of JSON. */
void load_measure(void);

/* From drivers to the engine. */
void load_is_in(struct user *user);
void load_acked(struct user *user, uint32_t count); /* its oldest posts */
void load_heard(struct user *user, struct span text);
void load_send(struct user *user, struct link *link,
               struct span bytes); /* leaves at the turn's end */
void load_flush(struct user *user, struct link *link);
void load_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
struct span load_format(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
