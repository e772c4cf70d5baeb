/* Two models and a pretend broker over a net that loses, delays and cuts: whatever the seed, every post
 * is stored once and in order, and both tell the room's events in order, each once. */
#include "client/lib/model.h"

#include "shared/base/alloc.h"
#include "tests/support/check.h"

#include <stdlib.h>

#define PEERS      2
#define POSTS      120
#define STREAM_MAX 600
#define IN_AIR_MAX 4096
#define ROOM       SPAN("#lobby")

struct letter {
    struct message message;
    int peer;
    bool to_broker, from_pub;
    uint64_t at_ms;
    uint32_t connection;
    char text[16];
};

struct peer {
    struct model *model;
    struct model_effects fx;
    uint64_t open_at_ms; /* 0: open */
    uint32_t connection;
    bool is_known, is_room_subscribed, is_probe_subscribed;
    uint32_t next;                    /* the broker's: number expected */
    uint64_t answered_seq[POSTS * 2]; /* by number */
    uint32_t posted, stored;
    uint64_t told_seq;
    bool is_live;
};

struct world {
    uint64_t now_ms, random;
    unsigned lost_percent;
    struct peer peer[PEERS];
    struct {
        char text[16];
        int from;
        uint32_t number;
    } event[STREAM_MAX];
    uint64_t head;
    struct letter *air;
    size_t in_air;
};

static uint32_t dice(struct world *w, uint32_t sides)
{
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w->random >> 33) % sides;
}

static void keep_texts(struct letter *letter)
{
    /* What a message borrows ends with the call; the air needs only these two. */
    snprintf(letter->text, sizeof(letter->text), "%.*s", (int)letter->message.text.len,
             letter->message.text.len == 0 ? "" : letter->message.text.ptr);
    if (message_has(&letter->message, HAS_STREAM))
        letter->message.stream = letter->message.stream.ptr[0] == '#' ? ROOM : SPAN("@alice");
}

/* DEALER keeps the order of one way, so a letter never arrives before the one sent before. */
static void post_letter(struct world *w, struct letter letter)
{
    uint64_t earliest = 0;

    for (size_t i = 0; i < w->in_air; i++) {
        if (w->air[i].peer == letter.peer && w->air[i].to_broker == letter.to_broker &&
            w->air[i].from_pub == letter.from_pub && w->air[i].at_ms > earliest)
            earliest = w->air[i].at_ms;
    }
    if (w->in_air == IN_AIR_MAX || dice(w, 100) < w->lost_percent)
        return;
    letter.at_ms = w->now_ms + 1 + dice(w, 40);
    letter.at_ms = letter.at_ms < earliest ? earliest : letter.at_ms;
    letter.connection = w->peer[letter.peer].connection;
    keep_texts(&letter);
    w->air[w->in_air++] = letter;
}

static void reply(struct world *w, int peer, struct message message)
{
    post_letter(w, (struct letter){.message = message, .peer = peer});
}

static struct message event_at(const struct world *w, uint64_t seq)
{
    struct message m = {.verb = VERB_EVENT};

    message_set(&m, STREAM, stream, ROOM);
    message_set(&m, SEQ, seq, seq);
    message_set(&m, TS, ts, seq);
    message_set(&m, TYPE, type, SPAN("message"));
    message_set(&m, FROM, from, SPAN("x"));
    message_set(&m, TEXT, text, span_of(w->event[seq - 1].text));
    return m;
}

static void publish(struct world *w, struct message message)
{
    for (int i = 0; i < PEERS; i++) {
        if (w->peer[i].is_room_subscribed)
            post_letter(w, (struct letter){.message = message, .peer = i, .from_pub = true});
    }
}

static void broker_posts(struct world *w, int from, const struct letter *letter)
{
    struct peer *peer = &w->peer[from];
    const uint32_t number = (uint32_t)letter->message.number;
    struct message m = {.verb = VERB_ACK};

    if (number > peer->next) {
        m.verb = VERB_EXPECT;
        message_set(&m, NEXT, next, peer->next);
        reply(w, from, m);
        return;
    }
    if (number == peer->next) {
        if (dice(w, 20) == 0) {
            m.verb = VERB_ERROR;
            message_set(&m, CODE, code, RC_BUSY);
            message_set(&m, NUMBER, number, number);
            reply(w, from, m);
            return;
        }
        assert_true(w->head < STREAM_MAX);
        memcpy(w->event[w->head].text, letter->text, sizeof(letter->text));
        w->event[w->head].from = from;
        w->event[w->head].number = number;
        peer->answered_seq[number] = ++w->head;
        peer->next++;
        publish(w, event_at(w, w->head));
    }
    message_set(&m, NUMBER, number, number);
    message_set(&m, STREAM, stream, ROOM);
    message_set(&m, SEQ, seq, peer->answered_seq[number]);
    reply(w, from, m);
}

static void broker_fetches(struct world *w, int from, const struct message *fetch)
{
    const uint64_t last = fetch->last < w->head ? fetch->last : w->head;
    uint64_t first = fetch->first;

    for (uint32_t page = 1; page <= fetch->credit; page++) {
        const uint64_t page_last = first + 9 < last ? first + 9 : last;
        const bool is_last = page == fetch->credit || page_last == last;
        struct message m = {.verb = VERB_EVENTS};

        message_set(&m, STREAM, stream, ROOM);
        message_set(&m, FIRST, first, first <= last ? first : 0);
        message_set(&m, LAST, last, first <= last ? page_last : 0);
        message_set(&m, SEQ, seq, w->head);
        message_set(&m, DONE, done, is_last || first > last);
        message_set(&m, REF, ref, fetch->ref);
        reply(w, from, m); /* the net may cut a page anywhere: worse than a real one */
        for (uint64_t seq = first; seq <= page_last; seq++)
            reply(w, from, event_at(w, seq));
        if (is_last || first > last)
            return;
        first = page_last + 1;
    }
}

static void broker_reads(struct world *w, const struct letter *letter)
{
    const int from = letter->peer;
    struct peer *peer = &w->peer[from];
    struct message m = {.verb = VERB_NONE};

    if (letter->message.verb != VERB_HELLO && !peer->is_known) {
        m.verb = VERB_ERROR;
        message_set(&m, CODE, code, RC_HELLO_FIRST);
        reply(w, from, m);
        return;
    }
    switch (letter->message.verb) {
    case VERB_HELLO:
        peer->is_known = true;
        m.verb = VERB_WELCOME;
        message_set(&m, NEXT, next, peer->next);
        message_set(&m, REF, ref, letter->message.ref);
        message_set(&m, WINDOW, window, 32);
        reply(w, from, m);
        break;
    case VERB_POST:
        broker_posts(w, from, letter);
        break;
    case VERB_HEAD:
        m = letter->message;
        message_set(&m, SEQ, seq, w->head);
        reply(w, from, m);
        break;
    case VERB_FETCH:
        broker_fetches(w, from, &letter->message);
        break;
    case VERB_PROBE:
        if (peer->is_probe_subscribed)
            post_letter(
                w, (struct letter){.message = letter->message, .peer = from, .from_pub = true});
        break;
    case VERB_PING:
        reply(w, from, (struct message){.verb = VERB_PONG});
        break;
    default:
        break;
    }
}

static void carry_out(struct world *w, int who)
{
    struct peer *peer = &w->peer[who];

    for (size_t i = 0; i < peer->fx.count; i++) {
        const struct model_effect *fx = &peer->fx.item[i];
        const bool is_probe = fx->topic.len > 0 && fx->topic.ptr[0] == '~';
        bool *subscription = is_probe ? &peer->is_probe_subscribed : &peer->is_room_subscribed;

        switch (fx->kind) {
        case MODEL_FX_SEND:
            post_letter(w, (struct letter){.message = fx->message, .peer = who, .to_broker = true});
            break;
        case MODEL_FX_SUBSCRIBE:
            *subscription = dice(w, 100) >= w->lost_percent;
            break;
        case MODEL_FX_UNSUBSCRIBE:
            *subscription = false;
            break;
        case MODEL_FX_RECONNECT:
            peer->open_at_ms = w->now_ms + fx->delay_ms;
            peer->connection++;
            peer->is_known = peer->is_room_subscribed = peer->is_probe_subscribed = false;
            break;
        }
    }
    peer->fx.count = 0;
}

static void check_tells(struct world *w, int who)
{
    struct peer *peer = &w->peer[who];
    struct zchat_event event;
    bool has_one;

    do {
        has_one = model_tell(peer->model, &event, w->now_ms, &peer->fx);
        carry_out(w, who);
        if (!has_one)
            break;
        if (event.kind == ZCHAT_EVENT) {
            assert_int_equal(event.seq, ++peer->told_seq);
            assert_string_equal(event.text, w->event[event.seq - 1].text);
        } else if (event.kind == ZCHAT_POST && event.post == ZCHAT_WAITING) {
            assert_int_not_equal(event.rc, RC_OK); /* the broker puts it off */
        } else if (event.kind == ZCHAT_POST) {
            assert_int_equal(event.post, ZCHAT_STORED);
            assert_int_equal(event.seq, peer->answered_seq[event.number]);
            peer->stored++;
        } else if (event.kind == ZCHAT_LIVE) {
            assert_false(peer->is_live);
            peer->is_live = true;
        }
    } while (dice(w, 4) != 0); /* a reader that sometimes stops */
}

static void deliver(struct world *w)
{
    for (size_t i = 0; i < w->in_air;) {
        struct letter letter = w->air[i];

        if (letter.at_ms > w->now_ms) {
            i++;
            continue;
        }
        memmove(&w->air[i], &w->air[i + 1], (--w->in_air - i) * sizeof(letter));

        struct peer *peer = &w->peer[letter.peer];

        if (letter.connection != peer->connection || peer->open_at_ms != 0)
            continue;
        if (message_has(&letter.message, HAS_TEXT))
            letter.message.text = span_of(letter.text);
        if (letter.to_broker) {
            broker_reads(w, &letter);
            continue;
        }
        model_received(peer->model, &letter.message, letter.from_pub, w->now_ms, &peer->fx);
        carry_out(w, letter.peer);
    }
}

static void act(struct world *w, int who)
{
    struct peer *peer = &w->peer[who];
    char text[16];
    uint32_t number;

    if (peer->posted < POSTS && dice(w, 3) == 0) {
        const int len = snprintf(text, sizeof(text), "%d-%u", who, peer->posted);
        const enum rc rc =
            model_post(peer->model, ROOM, (struct span){0}, (struct span){text, (size_t)len}, 0, 0,
                       w->now_ms, &peer->fx, &number);

        if (rc == RC_OK)
            assert_int_equal(number, ++peer->posted);
        else
            assert_int_equal(rc, RC_BUSY);
    }
    if (peer->open_at_ms != 0 && w->now_ms >= peer->open_at_ms) {
        peer->open_at_ms = 0;
        model_opened(peer->model, w->now_ms, &peer->fx);
    } else if (peer->open_at_ms == 0 && w->lost_percent > 0 && dice(w, 400) == 0) {
        model_lost(peer->model, w->now_ms, &peer->fx);
    } else if (w->lost_percent > 0 && dice(w, 400) == 0) {
        peer->is_known = false; /* the broker was restarted */
    }
    carry_out(w, who);
    if (model_next_deadline_ms(peer->model) <= w->now_ms)
        model_tick(peer->model, w->now_ms, &peer->fx);
    carry_out(w, who);
    assert_true(model_next_deadline_ms(peer->model) > w->now_ms);
    check_tells(w, who);
}

static bool is_done(const struct world *w)
{
    for (int i = 0; i < PEERS; i++) {
        if (w->peer[i].stored < POSTS || w->peer[i].told_seq < (uint64_t)PEERS * POSTS)
            return false;
    }
    return true;
}

static void run_seed(uint64_t seed)
{
    struct world *w = x_alloc(1, sizeof(*w));
    const struct zchat_place all = {ZCHAT_FROM_SEQ, 1};

    w->now_ms = 1000;
    w->random = seed;
    w->lost_percent = dice(w, 30);
    w->air = x_alloc(IN_AIR_MAX, sizeof(*w->air));
    for (int i = 0; i < PEERS; i++) {
        const struct model_options options = {
            .nick = "alice",
            .session = {(uint64_t)i + 1},
            .seed = seed,
            .limits = {.outbox_max = 16,
                       .follows_max = 2,
                       .held_max = 1 + dice(w, 20),
                       .requests_max = 1,
                       .tells_max = 1 + dice(w, 30)},
        };

        w->peer[i].model = model_new(&options);
        w->peer[i].next = 1;
        w->peer[i].open_at_ms = 1;
        assert_int_equal(model_follow(w->peer[i].model, ROOM, all, 0, w->now_ms, &w->peer[i].fx),
                         RC_OK);
    }
    for (uint64_t step = 0; !is_done(w); step++) {
        if (step > 100000)
            fail_msg("seed %llu: not everything was told", (unsigned long long)seed);
        if (step == 4000)
            w->lost_percent = 0; /* storms end; then it has to come to rest */
        w->now_ms += 10;
        deliver(w);
        for (int i = 0; i < PEERS; i++)
            act(w, i);
    }
    assert_int_equal(w->head, PEERS * POSTS); /* nothing was stored twice */
    for (int i = 0; i < PEERS; i++) {
        uint32_t number = 0;

        assert_true(w->peer[i].is_live);
        for (uint64_t seq = 0; seq < w->head; seq++) {
            if (w->event[seq].from == i)
                assert_int_equal(w->event[seq].number, ++number);
        }
        model_destroy(&w->peer[i].model);
        model_effects_fini(&w->peer[i].fx);
    }
    free(w->air);
    free(w);
}

static void no_storm_loses_doubles_or_turns_anything_round(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++)
        run_seed(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_storm_loses_doubles_or_turns_anything_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
