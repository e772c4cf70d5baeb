/* crowd - many people in one process, at a real broker: they come in, PING, follow a room, and post at a steady
 * rate. For load tests.
 *
 *   crowd --port N --key HEX --users N --rate POSTS/S [--room-size N] [--source ADDRESS] [--prefix NAME] [--acks FILE]
 *         [--every MS]
 *
 * Every second (or so many ms) one JSON line on stdout: how many are in, how long acknowledgements took (microseconds, all
 * of them), PONGs likewise (p50, p99, most), what was heard and missed. Lines on stdin: `rate POSTS/S`, `ping MS`
 * (how often each says PING), `cut N` (so many drop their connections without a word, and come again), `stop`, as
 * the end of stdin: no more posts; what is not answered is waited for,
 * then a last line with `done`. FILE gets a line for each acknowledged post: room, seq, session, number. */
#include "shared/base/alloc.h"
#include "shared/base/limits.h"
#include "shared/wire/wire.h"
#include "tests/support/link/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define HANDSHAKES_AT_A_TIME 100 /* users, so twice as many connections */
#define EVENTS_AT_A_TIME     512
#define PAUSE_US             200000 /* before connecting anew */
#define RETRY_US             8000000
#define LAST_ANSWERS_US      15000000
#define SAMPLES_MAX          65536 /* a second */

enum user_state { USER_OUTSIDE, USER_COMING, USER_HELLO, USER_JOINING, USER_IN };

struct user {
    struct link commands, broadcasts;
    struct link_keys keys;
    uint64_t session;
    uint32_t index, room;
    enum user_state state;
    uint64_t due_us; /* connect, PING */
    uint64_t pinged_us;
    uint64_t heard;  /* the room's last seq */
    uint32_t number; /* of the last post */
    bool is_waiting; /* for its answer */
    uint64_t posted_us, again_us;
};

struct samples {
    uint32_t us[SAMPLES_MAX];
    size_t count;
};

static struct crowd {
    struct link_target commands, broadcasts;
    struct user *users;
    uint32_t count, room_size, rate;
    const char *prefix;
    FILE *acks_file;
    int epoll;
    uint64_t now_us;
    struct samples acks, pongs;
    uint32_t in, coming;
    uint64_t acked, posted, cut, refused, heard, holes, errors;
    uint32_t next; /* who posts next */
    uint64_t ping_us, every_us;
    double owed; /* posts */
    bool is_stopping;
} crowd;

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void sample(struct samples *self, uint64_t us)
{
    if (self->count < SAMPLES_MAX)
        self->us[self->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* Sending */

/* Which of a user's two links an event is about: the lowest bit. */
static void watch(struct user *user, struct link *link, int how)
{
    struct epoll_event event = {.events = EPOLLIN | (link_wants_write(link) ? EPOLLOUT : 0),
                                .data.u64 =
                                    (uint64_t)user->index << 1 | (link == &user->broadcasts)};

    if (epoll_ctl(crowd.epoll, how, link->fd, &event) != 0)
        perror("crowd: epoll_ctl");
}

static void flush(struct user *user, struct link *link)
{
    const bool wanted = link_wants_write(link);

    (void)link_write(link); /* a dead one is found when it is read */
    if (wanted != link_wants_write(link) || link_wants_write(link))
        watch(user, link, EPOLL_CTL_MOD);
}

static void say(struct user *user, const struct message *message)
{
    char bytes[1024];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof(bytes)};

    if (user->commands.state != LINK_OPEN || wire_write(&buf, message) != RC_OK)
        return;
    link_send(&user->commands, (struct span){bytes, buf.len});
    flush(user, &user->commands);
}

static void subscribe(struct user *user, struct span topic)
{
    char bytes[256] = {1};
    struct wire_buf buf = {.data = bytes + 1, .capacity = sizeof(bytes) - 1};

    if (wire_write_topic(&buf, topic) == RC_OK)
        link_send(&user->broadcasts, (struct span){bytes, buf.len + 1});
}

static struct span text_of(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static struct span text_of(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return span_of(buffer);
}

static struct span room_of(const struct user *user, char buffer[static 64])
{
    return text_of(buffer, 64, "#%sroom%u", crowd.prefix, user->room);
}

static void post(struct user *user)
{
    char room[64], text[64];
    struct message message = {.verb = VERB_POST};

    message_set(&message, NUMBER, number, user->number);
    message_set(&message, STREAM, stream, room_of(user, room));
    message_set(&message, TEXT, text,
                text_of(text, sizeof(text), "line %u of user %u, as people say things",
                        user->number, user->index));
    user->again_us = crowd.now_us + RETRY_US;
    say(user, &message);
}

static void come_in(struct user *user)
{
    struct message message = {.verb = VERB_HELLO};
    char nick[64], topic[64];

    message_set(&message, LOW, low, 1);
    message_set(&message, HIGH, high, 1);
    message_set(&message, NICK, nick,
                text_of(nick, sizeof(nick), "%s%u", crowd.prefix, user->index));
    message_set(&message, SESSION, session, user->session);
    message_set(&message, INBOX, inbox, true);
    user->state = USER_HELLO;
    say(user, &message);
    subscribe(user, room_of(user, topic));
    subscribe(user, text_of(topic, sizeof(topic), "@%s%u", crowd.prefix, user->index));
    subscribe(user, text_of(topic, sizeof(topic), "~%016" PRIx64, user->session));
    flush(user, &user->broadcasts);
}

/* Receiving */

static void on_welcome(struct user *user)
{
    struct message join = {.verb = VERB_JOIN};
    char room[64];

    message_set(&join, STREAM, stream, room_of(user, room));
    message_set(&join, CREATE, create, true);
    user->state = USER_JOINING;
    user->due_us = crowd.now_us + RETRY_US;
    say(user, &join);
}

static void on_joined(struct user *user)
{
    user->state = USER_IN;
    user->due_us = crowd.now_us + randombytes_uniform((uint32_t)crowd.ping_us);
    crowd.coming--;
    crowd.in++;
    if (user->is_waiting)
        post(user);
}

static void on_ack(struct user *user, const struct message *ack)
{
    if (!user->is_waiting || ack->number != user->number)
        return;
    sample(&crowd.acks, crowd.now_us - user->posted_us);
    user->is_waiting = false;
    crowd.acked++;
    if (crowd.acks_file != NULL)
        fprintf(crowd.acks_file, "%.*s %" PRIu64 " %" PRIu64 " %u\n", (int)ack->stream.len,
                ack->stream.ptr, ack->seq, user->session, user->number);
}

static void on_error(struct user *user, const struct message *error)
{
    crowd.errors++;
    if (error->code == RC_HELLO_FIRST && user->state == USER_IN) {
        crowd.in--;
        crowd.coming++;
        come_in(user);
    } else if (message_has(error, HAS_RETRY) && user->state == USER_JOINING) {
        user->due_us = crowd.now_us + error->retry * 1000;
    } else if (message_has(error, HAS_NUMBER) && message_has(error, HAS_RETRY)) {
        user->again_us = crowd.now_us + error->retry * 1000;
    } else if (crowd.errors < 20) {
        fprintf(stderr, "crowd: user %u is answered %.*s\n", user->index, (int)error->error.len,
                error->error.ptr);
    }
}

static size_t take_answer(void *context, struct span payload)
{
    struct user *user = context;
    struct wire_reader reader = wire_reader_over(payload, TO_CLIENT);
    struct message message;

    while (wire_read(&reader, &message) == RC_OK) {
        if (message.verb == VERB_WELCOME)
            on_welcome(user);
        else if (message.verb == VERB_JOINED && user->state == USER_JOINING)
            on_joined(user);
        else if (message.verb == VERB_ACK)
            on_ack(user, &message);
        else if (message.verb == VERB_PONG && user->pinged_us != 0) {
            sample(&crowd.pongs, crowd.now_us - user->pinged_us);
            user->pinged_us = 0;
        } else if (message.verb == VERB_ERROR)
            on_error(user, &message);
    }
    return payload.len;
}

static size_t take_broadcast(void *context, struct span payload)
{
    struct user *user = context;
    struct span topic, body;
    struct wire_reader reader;
    struct message message;

    if (wire_split_topic(payload, &topic, &body) != RC_OK || topic.ptr[0] != '#')
        return payload.len;
    reader = wire_reader_over(body, TO_EVERYBODY);
    while (wire_read(&reader, &message) == RC_OK) {
        if (message.verb != VERB_EVENT || message.seq <= user->heard)
            continue;
        if (user->heard != 0) /* the first one may have others before it: nobody probes here */
            crowd.holes += message.seq - user->heard - 1;
        crowd.heard++;
        user->heard = message.seq;
    }
    return payload.len;
}

/* Connections */

static void leave(struct user *user)
{
    if (user->state == USER_IN)
        crowd.in--;
    else if (user->state != USER_OUTSIDE)
        crowd.coming--;
    if (user->state == USER_IN)
        crowd.cut++;
    else
        crowd.refused++;
    link_close(&user->commands);
    link_close(&user->broadcasts);
    user->state = USER_OUTSIDE;
    user->pinged_us = 0;
    user->due_us = crowd.now_us + PAUSE_US + randombytes_uniform(PAUSE_US);
}

static void connect_both(struct user *user)
{
    user->state = USER_COMING;
    crowd.coming++;
    if (!link_open(&user->commands, &crowd.commands, &user->keys) ||
        !link_open(&user->broadcasts, &crowd.broadcasts, &user->keys)) {
        perror("crowd: connect");
        leave(user);
        return;
    }
    watch(user, &user->commands, EPOLL_CTL_ADD);
    watch(user, &user->broadcasts, EPOLL_CTL_ADD);
}

static void on_event(const struct epoll_event *event)
{
    struct user *user = &crowd.users[event->data.u64 >> 1];
    const bool is_broadcast = event->data.u64 & 1;
    struct link *link = is_broadcast ? &user->broadcasts : &user->commands;
    bool is_good = true;

    if (link->state == LINK_CLOSED)
        return; /* closed by an event before this one */
    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        is_good = link_read(link, is_broadcast ? take_broadcast : take_answer, user);
    if (is_good && link->state != LINK_CLOSED)
        flush(user, link);
    if (!is_good)
        leave(user);
    else if (user->state == USER_COMING && user->commands.state == LINK_OPEN &&
             user->broadcasts.state == LINK_OPEN)
        come_in(user);
}

/* Time */

static void on_time(struct user *user)
{
    struct message ping = {.verb = VERB_PING};

    if (user->state == USER_OUTSIDE && crowd.now_us >= user->due_us &&
        crowd.coming < HANDSHAKES_AT_A_TIME)
        connect_both(user);
    if (user->state == USER_JOINING && crowd.now_us >= user->due_us)
        on_welcome(user); /* there was no answer, or too_fast */
    if (user->state != USER_IN)
        return;
    if (crowd.now_us >= user->due_us) {
        user->due_us = crowd.now_us + crowd.ping_us;
        if (user->pinged_us == 0)
            user->pinged_us = crowd.now_us;
        say(user, &ping);
    }
    if (user->is_waiting && crowd.now_us >= user->again_us)
        post(user);
}

static void post_what_is_owed(double seconds)
{
    if (crowd.is_stopping)
        return;
    crowd.owed += seconds * crowd.rate;
    for (uint32_t tries = 0; crowd.owed >= 1 && tries < crowd.count; tries++) {
        struct user *user = &crowd.users[crowd.next++ % crowd.count];

        if (user->state != USER_IN || user->is_waiting)
            continue;
        user->number++;
        user->is_waiting = true;
        user->posted_us = crowd.now_us;
        crowd.posted++;
        crowd.owed -= 1;
        post(user);
    }
    if (crowd.owed > crowd.rate)
        crowd.owed = crowd.rate; /* nobody is in: what was not posted is not made up for */
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void report(bool is_done)
{
    struct samples *pongs = &crowd.pongs;

    qsort(pongs->us, pongs->count, sizeof(pongs->us[0]), compare);
    printf("{\"done\":%s,\"in\":%u,\"posted\":%" PRIu64 ",\"acked\":%" PRIu64 ",\"cut\":%" PRIu64
           ",\"refused\":%" PRIu64 ",\"heard\":%" PRIu64 ",\"holes\":%" PRIu64
           ",\"errors\":%" PRIu64 ",\"pongs\":%zu",
           is_done ? "true" : "false", crowd.in, crowd.posted, crowd.acked, crowd.cut,
           crowd.refused, crowd.heard, crowd.holes, crowd.errors, pongs->count);
    if (pongs->count > 0)
        printf(",\"pong_p50\":%u,\"pong_p99\":%u,\"pong_max\":%u", pongs->us[pongs->count / 2],
               pongs->us[pongs->count * 99 / 100], pongs->us[pongs->count - 1]);
    printf(",\"acks\":[");
    for (size_t i = 0; i < crowd.acks.count; i++)
        printf("%s%u", i == 0 ? "" : ",", crowd.acks.us[i]);
    printf("]}\n");
    (void)fflush(stdout);
    crowd.acks.count = pongs->count = 0;
}

static bool is_answered(void)
{
    for (uint32_t i = 0; i < crowd.count; i++) {
        if (crowd.users[i].is_waiting)
            return false;
    }
    return true;
}

/* Some who are in are gone, without a word. */
static void cut(uint32_t count)
{
    const uint32_t first = randombytes_uniform(crowd.count);

    for (uint32_t i = 0; i < crowd.count && count > 0; i++) {
        struct user *user = &crowd.users[(first + i) % crowd.count];

        if (user->state != USER_IN)
            continue;
        leave(user);
        count--;
    }
}

/* One read is one line or several: the other side writes them whole. */
static void take_orders(uint64_t *ret_stop_us)
{
    char text[256];
    const ssize_t len = read(STDIN_FILENO, text, sizeof(text) - 1);
    const char *found;

    text[len > 0 ? len : 0] = '\0';
    if ((found = strstr(text, "rate ")) != NULL)
        crowd.rate = (uint32_t)strtoul(found + 5, NULL, 10);
    if ((found = strstr(text, "ping ")) != NULL) {
        crowd.ping_us = strtoul(found + 5, NULL, 10) * 1000 + 1;
        for (uint32_t i = 0; i < crowd.count; i++) /* not all at the same moment */
            crowd.users[i].due_us = crowd.now_us + randombytes_uniform((uint32_t)crowd.ping_us);
    }
    if ((found = strstr(text, "cut ")) != NULL)
        cut((uint32_t)strtoul(found + 4, NULL, 10));
    if (len > 0 && strstr(text, "stop") == NULL)
        return;
    crowd.is_stopping = true;
    *ret_stop_us = crowd.now_us + LAST_ANSWERS_US;
    (void)epoll_ctl(crowd.epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

static void run(void)
{
    struct epoll_event events[EVENTS_AT_A_TIME];
    uint64_t told_us = now_us(), before_us = told_us, timed_us = 0, stop_us = 0;
    struct epoll_event input = {.events = EPOLLIN, .data.u64 = UINT64_MAX};

    if (epoll_ctl(crowd.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0)
        perror("crowd: standard input");
    while (!crowd.is_stopping || (!is_answered() && crowd.now_us < stop_us)) {
        const int count = epoll_wait(crowd.epoll, events, EVENTS_AT_A_TIME, 5);

        for (int i = 0; i < count; i++) {
            crowd.now_us = now_us();
            if (events[i].data.u64 != UINT64_MAX)
                on_event(&events[i]);
            else if (!crowd.is_stopping)
                take_orders(&stop_us);
        }
        crowd.now_us = now_us();
        post_what_is_owed((double)(crowd.now_us - before_us) / 1e6);
        before_us = crowd.now_us;
        if (crowd.now_us - timed_us >= 5000) {
            timed_us = crowd.now_us;
            for (uint32_t i = 0; i < crowd.count; i++)
                on_time(&crowd.users[i]);
        }
        if (crowd.now_us - told_us >= crowd.every_us) {
            told_us = crowd.now_us;
            report(false);
        }
    }
    report(true);
}

/* Beginning */

static bool set_target(struct link_target *self, const char *port, int add, const char *key,
                       const char *source, const char *type)
{
    size_t len = 0;

    self->socket_type = type;
    self->address.sin_family = AF_INET;
    self->address.sin_port = htons((uint16_t)(strtoul(port, NULL, 10) + (unsigned long)add));
    self->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (source != NULL) {
        self->source.sin_family = AF_INET;
        if (inet_pton(AF_INET, source, &self->source.sin_addr) != 1)
            return false;
    }
    return sodium_hex2bin(self->broker_key, LINK_KEY_BYTES, key, strlen(key), NULL, &len, NULL) ==
               0 &&
           len == LINK_KEY_BYTES;
}

static void make_users(void)
{
    crowd.users = x_alloc(crowd.count, sizeof(*crowd.users));
    for (uint32_t i = 0; i < crowd.count; i++) {
        struct user *user = &crowd.users[i];

        user->index = i;
        user->room = i / crowd.room_size;
        user->commands.fd = user->broadcasts.fd = -1;
        (void)crypto_box_keypair(user->keys.public_key, user->keys.secret_key);
        randombytes_buf(&user->session, sizeof(user->session));
        user->session |= 1;
    }
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"port",   "key",    "users", "rate", "room-size",
                                        "source", "prefix", "acks",  "every"};
    enum { PORT, KEY, USERS, RATE, ROOM_SIZE, SOURCE, PREFIX, ACKS, EVERY, COUNT };
    const char *given[COUNT] = {
        [RATE] = "10", [ROOM_SIZE] = "40", [PREFIX] = "user", [EVERY] = "1000"};
    struct rlimit files;

    for (int i = 1; i + 1 < argc; i += 2) {
        for (size_t name = 0; name < COUNT; name++) {
            if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, names[name]) == 0)
                given[name] = argv[i + 1];
        }
    }
    if (given[PORT] == NULL || given[KEY] == NULL || given[USERS] == NULL || sodium_init() < 0 ||
        !set_target(&crowd.commands, given[PORT], 0, given[KEY], given[SOURCE], "DEALER") ||
        !set_target(&crowd.broadcasts, given[PORT], 1, given[KEY], given[SOURCE], "SUB")) {
        fprintf(stderr, "crowd: --port N --key HEX --users N [--rate N --room-size N --source "
                        "ADDRESS --prefix NAME "
                        "--acks FILE]\n");
        return 2;
    }
    crowd.count = (uint32_t)strtoul(given[USERS], NULL, 10);
    crowd.rate = (uint32_t)strtoul(given[RATE], NULL, 10);
    crowd.room_size = (uint32_t)strtoul(given[ROOM_SIZE], NULL, 10);
    crowd.prefix = given[PREFIX];
    crowd.ping_us = PING_MS * 1000;
    crowd.every_us = strtoul(given[EVERY], NULL, 10) * 1000;
    crowd.acks_file = given[ACKS] == NULL ? NULL : fopen(given[ACKS], "we");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd.now_us = now_us();
    make_users();
    run();
    return crowd.acks_file != NULL && fclose(crowd.acks_file) != 0 ? 1 : 0;
}
