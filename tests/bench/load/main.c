/* load - measure one broker: come in, keep posts in flight (or at a rate), count, print one line of JSON.
 *
 *   load --driver NAME --talk PORT[,...] --hear PORT[,...] [--key HEX[,...]] [--pid N[,...]] [--beside PID[,...]] --users N [--posters N]
 *        [--flight N | --rate N] [--rooms N] [--text BYTES] [--ms N | --count N] [--warm MS]
 *        [--idle MS] [--private 1] [--behind N]
 *
 * Users are dealt to several brokers of one chat in turn. The CPU of `--pid`, and of processes beside them, is counted from
 * silence to silence: what was posted is delivered by then. */
#include "tests/bench/load/load.h"

#include "shared/base/alloc.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>

static const struct driver *const drivers[] = {
    &driver_zchat, &driver_relay, &driver_fanout, &driver_nats,
    &driver_redis, &driver_mqtt,  &driver_irc,
};

enum option {
    DRIVER,
    TALK,
    HEAR,
    KEY,
    PID,
    USERS,
    POSTERS,
    FLIGHT,
    RATE,
    ROOMS,
    TEXT,
    MS,
    COUNT,
    WARM,
    IDLE,
    PRIVATE,
    BEHIND,
    BESIDE,
    OPTION_COUNT
};
static const char *const names[OPTION_COUNT] = {
    "driver", "talk", "hear", "key",   "pid",  "users", "posters", "flight", "rate",
    "rooms",  "text", "ms",   "count", "warm", "idle",  "private", "behind", "beside",
};
static const char *given[OPTION_COUNT] = {
    [KEY] = "-",   [PID] = "0",     [POSTERS] = "0", [FLIGHT] = "64", [RATE] = "0",
    [ROOMS] = "1", [TEXT] = "128",  [MS] = "1000",   [COUNT] = "0",   [WARM] = "200",
    [IDLE] = "0",  [PRIVATE] = "0", [BEHIND] = "0",  [BESIDE] = ""};

static uint32_t to_number(enum option option, const char *text)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value > UINT32_MAX)
        load_die("--%s takes a number, not '%s'", names[option], text);
    return (uint32_t)value;
}

static uint32_t number(enum option option)
{
    return to_number(option, given[option]);
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        enum option option = 0;

        while (option < OPTION_COUNT &&
               (strncmp(argv[i], "--", 2) != 0 || strcmp(argv[i] + 2, names[option]) != 0))
            option++;
        if (option == OPTION_COUNT || i + 1 == argc)
            load_die("'%s': there is no such option, or it has no value", argv[i]);
        given[option] = argv[i + 1];
    }
    for (enum option option = 0; option < OPTION_COUNT; option++) {
        if (given[option] == NULL)
            load_die("--%s is missing", names[option]);
    }
}

/* The items of a list with commas; `text` is cut into them. */
static unsigned split(enum option option, char *text, const char *item[], unsigned max)
{
    unsigned count = 0;

    for (char *rest = text, *one; (one = strsep(&rest, ",")) != NULL;) {
        if (count == max)
            load_die("--%s takes %u at most", names[option], max);
        if (*one != '\0')
            item[count++] = one;
    }
    return count;
}

static void set_target(struct link_target *target, uint32_t port, const char *key, const char *type)
{
    size_t len = 0;

    target->kind = load.driver->kind;
    target->socket_type = type;
    target->address.sin_family = AF_INET;
    target->address.sin_port = htons((uint16_t)port);
    target->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (strcmp(key, "-") == 0)
        return;
    target->kind = LINK_CURVE;
    if (sodium_hex2bin(target->broker_key, LINK_KEY_BYTES, key, strlen(key), NULL, &len, NULL) !=
            0 ||
        len != LINK_KEY_BYTES)
        load_die("--key takes 64 hexadecimal digits");
}

static void set_brokers(void)
{
    const enum option options[] = {TALK, HEAR, KEY, PID};
    const char *item[4][LOAD_BROKERS_MAX], *beside[BESIDE_MAX];

    for (unsigned i = 0; i < 4; i++) {
        /* The copy is kept: the items lie in it. */
        const unsigned count =
            split(options[i], x_strdup(given[options[i]]), item[i], LOAD_BROKERS_MAX);

        if (i == 0)
            load.brokers = count;
        if (count == 0 || count != load.brokers)
            load_die("--talk, --hear, --key and --pid name as many brokers each");
    }
    for (unsigned i = 0; i < load.brokers; i++) {
        set_target(&load.talk[i], to_number(TALK, item[0][i]), item[2][i], "DEALER");
        set_target(&load.hear[i], to_number(HEAR, item[1][i]), item[2][i], "SUB");
        load.pid[i] = (int)to_number(PID, item[3][i]);
    }
    load.beside_count = split(BESIDE, x_strdup(given[BESIDE]), beside, BESIDE_MAX);
    for (unsigned i = 0; i < load.beside_count; i++)
        load.beside[i] = (int)to_number(BESIDE, beside[i]);
}

static void make_users(void)
{
    unsigned char seed[crypto_box_SEEDBYTES] = "bench";

    load.user = x_alloc(load.users, sizeof(*load.user));
    for (uint32_t i = 0; i < load.users; i++) {
        struct user *user = &load.user[i];

        user->index = i;
        user->talk.fd = user->hear.fd = -1;
        user->broker = i % load.brokers;
        user->is_witness = i < load.brokers || load.is_private || load.driver->is_read_by_all;
        memcpy(seed + 8, &i,
               sizeof(i)); /* the same person in the next run: a nick belongs to its key */
        (void)crypto_box_seed_keypair(user->keys.public_key, user->keys.secret_key, seed);
        if (i == 0 || load.is_private || i < load.posters)
            user->posted_us = x_alloc(FLIGHT_MAX, sizeof(uint64_t));
        if (i < load.posters)
            user->quota = load.flight / load.posters + (i < load.flight % load.posters);
        if (user->quota > FLIGHT_MAX)
            load_die("one user cannot have %u posts in flight, at most %u", user->quota,
                     FLIGHT_MAX);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files;

    read_options(argc, argv);
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        if (strcmp(drivers[i]->name, given[DRIVER]) == 0)
            load.driver = drivers[i];
    }
    if (load.driver == NULL || sodium_init() < 0)
        load_die("there is no driver '%s'", given[DRIVER]);
    set_brokers();
    load.users = number(USERS);
    load.flight = number(FLIGHT);
    load.rate = number(RATE);
    load.rooms = number(ROOMS);
    load.text_bytes = number(TEXT);
    load.ms = number(MS);
    load.count = number(COUNT);
    load.warm_ms = number(WARM);
    load.idle_ms = number(IDLE);
    load.is_private = number(PRIVATE) != 0;
    load.behind = number(BEHIND);
    load.posters = number(POSTERS);
    if (load.posters == 0)
        load.posters = load.rate > 0 || load.flight > load.users ? load.users : load.flight;
    if (load.users == 0 || load.rooms == 0 || load.posters > load.users || load.posters == 0 ||
        load.users < load.brokers || load.text_bytes < STAMP_BYTES + 1 ||
        load.text_bytes > TEXT_MAX || (load.is_private && load.users % 2 != 0) ||
        load.behind > load.users || (load.behind > 0 && load.driver->behind == NULL))
        load_die("these numbers do not go together");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    make_users();
    load_measure();
    return 0;
}
