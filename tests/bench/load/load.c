/* load.c - the engine: connects the users, keeps posts in flight or at a rate, and measures between two silences. */
#include "tests/bench/load/load.h"

#include "shared/base/alloc.h"
#include "tests/bench/load/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define COMING_MAX  50 /* users at a time */
#define JOINING_MAX 4  /* who join many rooms */
#define EVENTS_MAX  512
#define LAG_MAX     1024 /* posts beyond the window that the witness may be behind: queues have ends */
#define SILENCE_US  100000   /* nothing heard for so long: all of it has come */
#define PATIENCE_US 20000000 /* then something is wrong, and is told */

struct load load;

static struct engine {
    int epoll;
    uint32_t in, coming, next;
    struct user **ready; /* may post at the end of this turn */
    size_t ready_count;
    struct user **dirty; /* have something to write */
    size_t dirty_count;
    bool is_posting, is_measured;
    double owed;
    uint64_t before_us, heard_us, acked_us, ticked_us;
    uint64_t left;                              /* posts of this run; UINT64_MAX: no end but time */
    struct samples acks, deliveries, crossings; /* to another broker's listener */
} engine;

void load_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "load: ");
    (void)vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

struct span load_format(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return span_of(buffer);
}

/* Links */

static void watch(struct user *user, struct link *link, int how)
{
    struct epoll_event event = {.events = EPOLLIN | (link_wants_write(link) ? EPOLLOUT : 0),
                                .data.u64 = (uint64_t)user->index << 1 | (link == &user->hear)};

    if (epoll_ctl(engine.epoll, how, link->fd, &event) != 0)
        load_die("epoll_ctl: %s", strerror(errno));
}

void load_flush(struct user *user, struct link *link)
{
    const bool wanted = link_wants_write(link);

    (void)link_write(link); /* a dead one is found when it is read */
    if (wanted != link_wants_write(link) || link_wants_write(link))
        watch(user, link, EPOLL_CTL_MOD);
}

void load_send(struct user *user, struct link *link, struct span bytes)
{
    const bool was_empty = link->out.len == 0;

    link_send(link, bytes);
    if (link == &user->hear)
        load_flush(user, link);
    else if (was_empty)
        engine.dirty[engine.dirty_count++] = user;
}

/* Posting */

static void make_ready(struct user *user)
{
    if (user->is_ready || user->in_flight >= user->quota)
        return;
    user->is_ready = true;
    engine.ready[engine.ready_count++] = user;
}

static void post(struct user *user)
{
    static char text[TEXT_MAX + 1];

    if (text[0] == '\0')
        memset(text, '.', TEXT_MAX);
    snprintf(text, STAMP_BYTES + 1, "%016" PRIx64, load.now_us);
    text[STAMP_BYTES] = (char)('A' + user->broker);
    user->number++;
    user->posted_us[user->number % FLIGHT_MAX] = load.now_us;
    user->in_flight++;
    load.posted++;
    engine.left--;
    load.driver->post(user, (struct span){text, load.text_bytes});
}

/* The witness must not be too far behind: queues have ends, and what is dropped is not delivered. */
static bool may_post(void)
{
    const uint64_t lag = load.is_private ? 0 : load.posted - load.heard;

    return engine.is_posting && engine.left > 0 && lag < load.flight + LAG_MAX;
}

static void post_what_is_free(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < engine.ready_count; i++) {
        struct user *user = engine.ready[i];

        while (user->in_flight < user->quota && may_post())
            post(user);
        user->is_ready = user->in_flight < user->quota && engine.is_posting;
        if (user->is_ready)
            engine.ready[kept++] = user;
    }
    engine.ready_count = kept;
}

static void post_what_is_owed(void)
{
    engine.owed += (double)(load.now_us - engine.before_us) / 1e6 * load.rate;
    for (uint32_t tries = 0; engine.owed >= 1 && tries < load.posters && engine.left > 0; tries++) {
        struct user *user = &load.user[engine.next++ % load.posters];

        if (user->in_flight >= FLIGHT_MAX / 4)
            continue;
        engine.owed -= 1;
        post(user);
    }
}

static void post_at_turns_end(void)
{
    if (load.rate == 0)
        post_what_is_free();
    else if (engine.is_posting)
        post_what_is_owed();
    engine.before_us = load.now_us;
}

void load_acked(struct user *user, uint32_t count)
{
    engine.acked_us = load.now_us;
    for (; count > 0 && user->in_flight > 0; count--) {
        user->in_flight--;
        user->answered++;
        load.acked++;
        if (engine.is_measured)
            samples_add(&engine.acks, load.now_us - user->posted_us[user->answered % FLIGHT_MAX]);
    }
    if (engine.is_posting && load.rate == 0)
        make_ready(user);
}

void load_heard(struct user *user, struct span text)
{
    char stamp[STAMP_BYTES + 1] = "";

    user->heard++;
    if (user->index == 0)
        load.heard++;
    if (!engine.is_measured || text.len < STAMP_BYTES)
        return;
    memcpy(stamp, text.ptr, STAMP_BYTES);
    samples_add(text.len > STAMP_BYTES && text.ptr[STAMP_BYTES] != (char)('A' + user->broker)
                    ? &engine.crossings
                    : &engine.deliveries,
                load.now_us - strtoull(stamp, NULL, 16));
}

/* The loop */

void load_is_in(struct user *user)
{
    if (user->state != USER_ENTERING)
        return;
    user->state = USER_IN;
    user->due_us = load.now_us + randombytes_uniform((uint32_t)load.driver->tick_us + 1);
    engine.coming--;
    engine.in++;
}

static void on_event(const struct epoll_event *event)
{
    struct user *user = &load.user[event->data.u64 >> 1];
    const bool is_hear = event->data.u64 & 1;
    struct link *link = is_hear ? &user->hear : &user->talk;
    bool is_good = true;

    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        if (is_hear)
            engine.heard_us = load.now_us;
        if (is_hear && !user->is_witness && user->state == USER_IN)
            is_good = link_skip(link);
        else
            is_good =
                link_read(link, is_hear ? load.driver->take_hear : load.driver->take_talk, user);
    }
    if (!is_good)
        load_die("the broker has cut off user %u (%s)", user->index, is_hear ? "hear" : "talk");
    if (link_wants_write(link))
        load_flush(user, link);
    if (user->state == USER_COMING && user->talk.state == LINK_OPEN &&
        user->hear.state == LINK_OPEN) {
        user->state = USER_ENTERING;
        load.driver->enter(user);
    }
}

static void tick(void)
{
    if (load.driver->tick == NULL || load.now_us - engine.ticked_us < 20000)
        return;
    engine.ticked_us = load.now_us;
    for (uint32_t i = 0; i < load.users; i++) {
        struct user *user = &load.user[i];

        if (user->state != USER_IN || load.now_us < user->due_us)
            continue;
        user->due_us = load.now_us + load.driver->tick_us;
        load.driver->tick(user);
    }
}

static void turn(void)
{
    struct epoll_event events[EVENTS_MAX];
    const int count = epoll_wait(engine.epoll, events, EVENTS_MAX, load.rate > 0 ? 1 : 10);

    load.now_us = measure_now_us();
    for (int i = 0; i < count; i++)
        on_event(&events[i]);
    tick();
    post_at_turns_end();
    for (size_t i = 0; i < engine.dirty_count; i++)
        load_flush(engine.dirty[i], &engine.dirty[i]->talk);
    engine.dirty_count = 0;
}

/* Phases */

static void come_in(void)
{
    uint32_t next = 0;
    const uint32_t most = load.rooms > 1 ? JOINING_MAX : COMING_MAX;
    const uint64_t end_us = measure_now_us() + 10 * PATIENCE_US;

    while (engine.in < load.users) {
        while (next < load.users && engine.coming < most) {
            struct user *user = &load.user[next++];

            user->state = USER_COMING;
            engine.coming++;
            if (!link_open(&user->talk, &load.talk[user->broker], &user->keys) ||
                !link_open(&user->hear, &load.hear[user->broker], &user->keys))
                load_die("connect: %s", strerror(errno));
            watch(user, &user->talk, EPOLL_CTL_ADD);
            watch(user, &user->hear, EPOLL_CTL_ADD);
        }
        turn();
        if (load.now_us > end_us)
            load_die("after %u of %u users nobody gets in", engine.in, load.users);
    }
}

/* Until nothing is in flight and nothing is heard. */
static void settle(void)
{
    const uint64_t end_us = measure_now_us() + PATIENCE_US;
    uint32_t in_flight;

    engine.is_posting = false;
    engine.heard_us = measure_now_us();
    do {
        turn();
        in_flight = 0;
        for (uint32_t i = 0; i < load.posters; i++)
            in_flight += load.user[i].in_flight;
    } while ((in_flight > 0 || load.now_us - engine.heard_us < SILENCE_US) && load.now_us < end_us);
    if (in_flight > 0)
        load_die("%u posts have no answer", in_flight);
}

/* A post now and then until everybody has heard something: then all subscriptions are in place. */
static void ask_who_hears(void)
{
    uint32_t hearing = 0;
    const uint64_t end_us = measure_now_us() + PATIENCE_US;
    uint64_t again_us = 0;

    engine.left = UINT64_MAX;
    for (uint32_t i = 0; i < load.users; i++)
        load.user[i].bytes_before = load.user[i].hear.received;
    while (hearing < load.users) {
        turn();
        if (load.now_us > end_us)
            load_die("%u of %u users hear nothing", load.users - hearing, load.users);
        if (load.now_us >= again_us) {
            const uint32_t count = load.is_private ? load.users : 1;

            again_us = load.now_us + 100000;
            for (uint32_t i = 0; i < count; i++)
                post(&load.user[i]);
        }
        hearing = 0;
        for (uint32_t i = 0; i < load.users; i++)
            hearing += load.user[i].hear.received > load.user[i].bytes_before;
    }
    settle();
}

static void run(uint64_t us, uint64_t count)
{
    const uint64_t end_us = us == 0 ? UINT64_MAX : measure_now_us() + us;

    engine.is_posting = true;
    engine.left = count == 0 ? UINT64_MAX : count;
    engine.owed = 0;
    engine.before_us = load.now_us = measure_now_us();
    for (uint32_t i = 0; i < load.posters && load.rate == 0; i++)
        make_ready(&load.user[i]);
    do
        turn();
    while (load.now_us < end_us && engine.left > 0);
    settle();
}

/* Reporting */

/* Events times listeners: counted by those who read, by bytes for those who do not. */
static double count_delivered(void)
{
    double all = 0;

    for (uint32_t i = 0; i < load.users; i++) {
        const struct user *user = &load.user[i];
        const struct user *witness = &load.user[user->broker];
        const double bytes = (double)(witness->hear.received - witness->bytes_before);

        if (user->is_witness)
            all += (double)(user->heard - user->heard_before);
        else if (bytes > 0)
            all += (double)(user->hear.received - user->bytes_before) / bytes *
                   (double)(witness->heard - witness->heard_before);
    }
    return all;
}

static void begin_measurement(void)
{
    load.posted = load.acked = load.heard = 0;
    for (uint32_t i = 0; i < load.users; i++) {
        load.user[i].bytes_before = load.user[i].hear.received;
        load.user[i].heard_before = load.user[i].heard;
    }
    engine.is_measured = true;
    for (uint32_t i = load.users - load.behind; i < load.users; i++)
        load.driver->behind(&load.user[i]);
}

static void idle(uint64_t us)
{
    const uint64_t end_us = measure_now_us() + us;

    while (measure_now_us() < end_us)
        turn();
}

/* The brokers, then what is beside them; each twice. */
struct clocks {
    struct cpu broker[LOAD_BROKERS_MAX], own;
    uint64_t beside_ns[BESIDE_MAX];
};

static void read_clocks(struct clocks *ret)
{
    struct cpu cpu;

    for (unsigned i = 0; i < load.brokers; i++)
        cpu_read(load.pid[i], &ret->broker[i]);
    for (unsigned i = 0; i < load.beside_count; i++) {
        cpu_read(load.beside[i], &cpu);
        ret->beside_ns[i] = cpu.ns;
    }
    cpu_read(getpid(), &ret->own);
}

static void report_brokers(const struct clocks *before, const struct clocks *after)
{
    uint64_t beside_ns = 0;

    for (unsigned i = 0; i < load.beside_count; i++)
        beside_ns += after->beside_ns[i] - before->beside_ns[i];
    printf("\"beside_cpu_ms\":%.3f,\"brokers\":[", (double)beside_ns / 1e6);
    for (unsigned i = 0; i < load.brokers; i++) {
        printf("%s{", i == 0 ? "" : ",");
        cpu_print(stdout, &before->broker[i], &after->broker[i]);
        printf("}");
    }
    printf("],");
}

static void report(double seconds, const uint64_t memory[3], const struct clocks *before,
                   const struct clocks *after)
{
    printf("{\"seconds\":%.3f,\"posts\":%" PRIu64 ",\"acked\":%" PRIu64
           ",\"delivered\":%.0f,\"memory_kb\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64
           "],\"behind\":{\"events\":%" PRIu64 ",\"seconds\":%.3f},",
           seconds, load.posted, load.acked, count_delivered(), memory[0], memory[1], memory[2],
           load.behind_events, (double)load.behind_us / 1e6);
    samples_print(stdout, "acks", &engine.acks);
    printf(",");
    samples_print(stdout, "deliveries", &engine.deliveries);
    printf(",");
    samples_print(stdout, "crossings", &engine.crossings);
    printf(",");
    report_brokers(before, after);
    printf("\"broker\":{");
    cpu_print(stdout, &before->broker[0], &after->broker[0]);
    printf("},\"load\":{");
    cpu_print(stdout, &before->own, &after->own);
    printf("}}\n");
}

void load_measure(void)
{
    static struct clocks before, after;
    uint64_t memory[3] = {memory_kb(load.pid[0])}, begun_us, ended_us;

    engine.epoll = epoll_create1(EPOLL_CLOEXEC);
    engine.ready = x_alloc(load.users, sizeof(struct user *));
    engine.dirty = x_alloc(load.users + 2 * EVENTS_MAX, sizeof(struct user *));
    come_in();
    if (load.idle_ms == 0) {
        ask_who_hears();
        if (load.warm_ms > 0)
            run(load.warm_ms * 1000, 0);
    }
    memory[1] = memory_kb(load.pid[0]);
    begin_measurement();
    read_clocks(&before);
    begun_us = measure_now_us();
    if (load.idle_ms > 0)
        idle(load.idle_ms * 1000);
    else
        run(load.count > 0 ? 0 : load.ms * 1000, load.count);
    read_clocks(&after);
    memory[2] = memory_kb(load.pid[0]);
    ended_us = load.idle_ms > 0 ? load.now_us : engine.acked_us;
    report((double)(ended_us - begun_us) / 1e6, memory, &before, &after);
}
