/* counts - does the same work a number of times, for counting instructions (tests/bench/test_counts.py).
 *
 *   counts decode|encode|core|store|rooms|read TIMES [FOLDER]
 *
 * What is counted is one function and what it calls; callgrind is told its name. Two runs with different TIMES
 * tell what one time costs, without what comes before. Nothing here depends on time or chance. */
#include "broker/store/store.h"
#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/wire/wire.h"
#include "tests/support/core/stage.h"

#include <stdio.h>
#include <stdlib.h>

#define PEERS  50
#define BATCH  64
#define PAGE   256
#define NOW_MS 1700000000000
#define TEXT_128                                                                                  \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890" \
    "123456789012345678901234567890abcdefg"

static const char *folder = ".";

static struct message post_of(uint64_t number)
{
    struct message post = {.verb = VERB_POST};

    message_set(&post, NUMBER, number, number);
    message_set(&post, STREAM, stream, SPAN("#room0"));
    message_set(&post, TEXT, text, SPAN(TEXT_128));
    return post;
}

static struct message event_of(uint64_t seq)
{
    struct message event = {.verb = VERB_EVENT};

    message_set(&event, STREAM, stream, SPAN("#room0"));
    message_set(&event, SEQ, seq, seq);
    message_set(&event, TS, ts, NOW_MS);
    message_set(&event, TYPE, type, SPAN("message"));
    message_set(&event, FROM, from, SPAN("user17"));
    message_set(&event, TEXT, text, SPAN(TEXT_128));
    message_set(&event, SESSION, session, UINT64_C(0x9e3779b97f4a7c15));
    message_set(&event, NUMBER, number, seq);
    return event;
}

static void decode(size_t times)
{
    static char frame[FRAME_BYTES_MAX];
    struct wire_buf buf = {frame, 0, sizeof(frame)};
    struct message message;

    for (uint64_t i = 1; i <= BATCH; i++) {
        message = post_of(i);
        INVARIANT(wire_write(&buf, &message) == RC_OK);
    }
    while (times > 0) {
        struct wire_reader reader = wire_reader_over((struct span){frame, buf.len}, TO_BROKER);

        for (; times > 0 && wire_read(&reader, &message) == RC_OK; times--)
            INVARIANT(message.text.len > 0);
    }
}

static void encode(size_t times)
{
    static char frame[FRAME_BYTES_MAX];
    struct wire_buf buf = {frame, 0, sizeof(frame)};

    for (; times > 0; times--) {
        const struct message event = event_of(times);

        buf.len = buf.len > sizeof(frame) / 2 ? 0 : buf.len;
        INVARIANT(wire_write(&buf, &event) == RC_OK);
    }
}

/* From the command to the acknowledgement, members in one room who post in turn. */
static void core(size_t times)
{
    struct stage stage = {.core = NULL};
    uint64_t number[PEERS] = {0};
    char nick[16];

    stage_open(&stage, &(struct core_limits)CORE_LIMITS_DEFAULTS);
    for (uint32_t i = 0; i < PEERS; i++) {
        struct message hello = {.verb = VERB_HELLO}, join = {.verb = VERB_JOIN};

        snprintf(nick, sizeof(nick), "user%u", i);
        message_set(&hello, LOW, low, 1);
        message_set(&hello, HIGH, high, 1);
        message_set(&hello, NICK, nick, span_of(nick));
        message_set(&hello, SESSION, session, i + 1);
        message_set(&join, STREAM, stream, SPAN("#room0"));
        message_set(&join, CREATE, create, true);
        stage_say(&stage, (peer_id){i + 1}, &hello);
        stage_commit_all(&stage);
        stage_say(&stage, (peer_id){i + 1}, &join);
        stage_commit_all(&stage);
    }
    for (size_t i = 0; i < times; i++) {
        const struct message post = post_of(++number[i % PEERS]);

        stage_say(&stage, (peer_id){(uint32_t)(i % PEERS) + 1}, &post);
        if (i % PEERS == PEERS - 1) {
            stage_commit_all(&stage);
            stage_clear(&stage);
        }
    }
    stage_close(&stage);
}

/* A room with one member in a new store. */
static struct store *open_store(stream_id *ret_account, stream_id *ret_room)
{
    const char *why = "";
    struct store *store = NULL;
    struct op_result result;
    struct op hello = {
        .kind = OP_HELLO, .ts_ms = NOW_MS, .nick = SPAN("user17"), .skeleton = SPAN("user17")};
    struct op join = {.kind = OP_JOIN,
                      .ts_ms = NOW_MS,
                      .nick = SPAN("user17"),
                      .name = SPAN("#room0"),
                      .skeleton = SPAN("room0")};

    if (store_open_sqlite(folder, &store, &why) != RC_OK) {
        fprintf(stderr, "counts: %s\n", why);
        exit(1);
    }
    INVARIANT(store_apply(store, &hello, 1, &result) == RC_OK);
    *ret_account = join.account = result.stream;
    INVARIANT(store_apply(store, &join, 1, &result) == RC_OK);
    *ret_room = result.stream;
    return store;
}

static void fill(struct store *store, size_t times, stream_id account, stream_id room)
{
    static struct op ops[BATCH];
    static struct op_result results[BATCH];

    for (size_t done = 0; done < times; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++)
            ops[i] = (struct op){.kind = OP_POST,
                                 .ts_ms = NOW_MS,
                                 .nick = SPAN("user17"),
                                 .account = account,
                                 .session = {UINT64_C(0x9e3779b97f4a7c15)},
                                 .number = (uint32_t)(done + i + 1),
                                 .stream = room,
                                 .name = SPAN("#room0"),
                                 .text = SPAN(TEXT_128),
                                 .kind_name = SPAN("message")};
        INVARIANT(store_apply(store, ops, BATCH, results) == RC_OK && results[0].rc == RC_OK);
        store_release(store);
    }
}

static void store_posts(size_t times)
{
    stream_id account, room;
    struct store *store = open_store(&account, &room);

    fill(store, times, account, room);
    store_close(&store);
}

/* Posts of as many people as a batch has, each to a room of their own. */
static void store_rooms(size_t times)
{
    static struct op ops[BATCH];
    static struct op_result results[BATCH];
    static char nicks[BATCH][16], names[BATCH][16];
    stream_id account, room;
    struct store *store = open_store(&account, &room);

    for (size_t i = 0; i < BATCH; i++) {
        snprintf(nicks[i], sizeof(nicks[i]), "peer%zu", i);
        snprintf(names[i], sizeof(names[i]), "#hall%zu", i);
        ops[i] = (struct op){.kind = OP_HELLO,
                             .ts_ms = NOW_MS,
                             .nick = span_of(nicks[i]),
                             .skeleton = span_of(nicks[i])};
    }
    INVARIANT(store_apply(store, ops, BATCH, results) == RC_OK);
    for (size_t i = 0; i < BATCH; i++)
        ops[i] = (struct op){.kind = OP_JOIN,
                             .ts_ms = NOW_MS,
                             .nick = span_of(nicks[i]),
                             .account = results[i].stream,
                             .name = span_of(names[i]),
                             .skeleton = span_of(names[i] + 1)};
    INVARIANT(store_apply(store, ops, BATCH, results) == RC_OK);
    for (size_t i = 0; i < BATCH; i++) {
        ops[i].kind = OP_POST;
        ops[i].session = (session_id){UINT64_C(0x9e3779b97f4a7c15) * (i + 1)};
        ops[i].stream = results[i].stream;
        ops[i].text = SPAN(TEXT_128);
        ops[i].kind_name = SPAN("message");
    }
    for (size_t done = 0; done < times; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++)
            ops[i].number++;
        INVARIANT(store_apply(store, ops, BATCH, results) == RC_OK && results[0].rc == RC_OK);
        store_release(store);
    }
    store_close(&store);
}

static void store_pages(size_t times)
{
    stream_id account, room;
    struct store *store = open_store(&account, &room);
    struct store_reader *reader = NULL;
    struct store_page page;

    fill(store, 2 * PAGE, account, room);
    INVARIANT(store_reader_open(store, &reader) == RC_OK);
    for (size_t done = 0; done < times; done += PAGE) {
        const struct store_range range = {
            .stream = room, .first = 2, .events_max = PAGE, .bytes_max = 1 << 20};

        INVARIANT(store_read(reader, &range, &page) == RC_OK && page.count == PAGE);
    }
    store_reader_close(&reader);
    store_close(&store);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(size_t times);
    } table[] = {{"decode", decode},     {"encode", encode},     {"core", core},
                 {"store", store_posts}, {"rooms", store_rooms}, {"read", store_pages}};
    const size_t times = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

    if (argc > 3)
        folder = argv[3];
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (argc > 1 && strcmp(argv[1], table[i].name) == 0) {
            table[i].run(times);
            return 0;
        }
    }
    fprintf(stderr, "counts: decode|encode|core|store|rooms|read TIMES [FOLDER]\n");
    return 2;
}
