#include "client/lib/follow.h"

#include "tests/unit/client/lib/follow_fixture.h"

static void a_stream_is_probed_then_located_then_live(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    assert_int_equal(follow(f, "#lobby", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    assert_int_equal(f->fx.count, 4);
    assert_true(span_equal(f->fx.item[0].topic, SPAN("#lobby")));
    assert_int_equal(f->fx.item[1].kind, MODEL_FX_UNSUBSCRIBE); /* it stood before the stream's */
    assert_int_equal(f->fx.item[2].kind, MODEL_FX_SUBSCRIBE);
    assert_true(span_equal(f->fx.item[2].topic, SPAN(PROBE_TOPIC)));
    answer_probe(f);
    assert_true(has_topic(f, MODEL_FX_UNSUBSCRIBE, PROBE_TOPIC));
    assert_no_tell(f);
    assert_int_equal(pass_to_deadline(f), FETCH_RETRY_MS); /* HEAD was lost */
    answer_head(f, 0, 41);
    assert_int_equal(sent_count(f, VERB_FETCH), 0);
    assert_told_live(f, "#lobby", 41);
    broadcast(f, event_message("#lobby", 42));
    assert_told_event(f, "#lobby", 42);
    assert_string_equal(f->event.type, "message");
    assert_string_equal(f->event.message_kind, "message");
    assert_string_equal(f->event.from, "bob");
    assert_string_equal(f->event.to, "");
    assert_string_equal(f->event.text, "hello");
    assert_int_equal(f->event.text_len, 5);
    assert_int_equal(f->event.ts_ms, 1042);
    assert_int_equal(f->event.session, 5);
    assert_int_equal(f->event.number, 6);
    assert_string_equal(f->event.state, "");
    broadcast(f, event_message("#lobby", 42));
    broadcast(f, event_message("#lobby", 41));
    assert_no_tell(f);
}

static void a_lost_probe_subscribes_again_with_growing_patience(void **state)
{
    struct fixture *f = *state;
    static const uint64_t waits[] = {300, 600, 1200, 2400, 4800, 5000, 5000};

    go_up(f);
    assert_int_equal(follow(f, "#lobby", ZCHAT_FROM_HEAD, 0, 0), RC_OK);

    const uint64_t first_token = sent(f, VERB_PROBE, 0)->token;

    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        uint64_t waited = 0;

        do {
            receive(f, MSG(PONG));
            waited += pass_to_deadline(f);
        } while (sent_count(f, VERB_PROBE) == 0);
        assert_int_equal(waited, waits[i]);
        assert_true(has_topic(f, MODEL_FX_UNSUBSCRIBE, "#lobby"));
        assert_true(has_topic(f, MODEL_FX_SUBSCRIBE, "#lobby"));
        assert_true(span_equal(f->fx.item[f->fx.count - 2].topic, SPAN(PROBE_TOPIC)));
    }

    const uint64_t token = sent(f, VERB_PROBE, 0)->token;

    broadcast(f, MSG(PROBE, F(TOKEN, token, first_token)));
    assert_int_equal(f->fx.count, 0); /* that one proved older subscriptions */
    receive(f, MSG(PROBE, F(TOKEN, token, token)));
    assert_int_equal(f->fx.count, 0); /* not over the broadcasts */
    broadcast(f, MSG(PROBE, F(TOKEN, token, token)));
    assert_int_equal(sent_count(f, VERB_HEAD), 1);
}

static void one_probe_covers_what_was_subscribed_before_it(void **state)
{
    struct fixture *f = *state;
    uint64_t token;

    go_up(f);
    assert_int_equal(follow(f, "#a", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    token = sent(f, VERB_PROBE, 0)->token;
    for (char name[] = "#b"; name[1] < 'f'; name[1]++) {
        assert_int_equal(follow(f, name, ZCHAT_FROM_HEAD, 0, 0), RC_OK);
        assert_int_equal(sent_count(f, VERB_PROBE), 0);
    }
    broadcast(f, MSG(PROBE, F(TOKEN, token, token)));
    assert_int_equal(sent_count(f, VERB_HEAD), 1);
    assert_true(has_topic(f, MODEL_FX_UNSUBSCRIBE, PROBE_TOPIC));
    assert_true(has_topic(f, MODEL_FX_SUBSCRIBE, PROBE_TOPIC));
    answer_probe(f);
    assert_int_equal(sent_count(f, VERB_HEAD), 4);
}

static void followers_before_welcome_share_one_probe(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(follow(f, "#a", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    assert_int_equal(follow(f, "#b", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    open_link(f);
    assert_int_equal(count_of(f, MODEL_FX_SUBSCRIBE), 3);
    welcome(f, 1);
    assert_int_equal(sent_count(f, VERB_PROBE), 1);
    assert_int_equal(count_of(f, MODEL_FX_SUBSCRIBE), 0); /* its topic stands last already */
    answer_probe(f);
    assert_int_equal(sent_count(f, VERB_HEAD), 2);
}

static void the_place_is_reckoned_from_the_head(void **state)
{
    static const struct {
        enum zchat_place_kind kind;
        uint64_t value, until, head, first; /* first 0: nothing to fetch */
    } rows[] = {
        {ZCHAT_FROM_HEAD, 0, 0, 50, 0},        {ZCHAT_FROM_SEQ, 0, 0, 50, 1},
        {ZCHAT_FROM_SEQ, 7, 0, 50, 7},         {ZCHAT_FROM_SEQ, 51, 0, 50, 0},
        {ZCHAT_FROM_SEQ, 90, 0, 50, 0},        {ZCHAT_FROM_LAST, 5, 0, 50, 46},
        {ZCHAT_FROM_LAST, 50, 0, 50, 1},       {ZCHAT_FROM_LAST, 99, 0, 50, 1},
        {ZCHAT_FROM_LAST, 5, 0, 0, 0},         {ZCHAT_FROM_LAST, 0, 0, 50, 0},
        {ZCHAT_FROM_LAST, 5, 20, 50, 16},      {ZCHAT_FROM_LAST, 5, 90, 50, 46},
        {ZCHAT_FROM_SEQ, 3, 20, 50, 3},        {ZCHAT_FROM_SEQ, 3, 20, 2, 0},
        {ZCHAT_FROM_TIME, 1000, 0, 0, 0},      {ZCHAT_FROM_CONFIRMED, 0, 0, 50, 1},
        {ZCHAT_FROM_LAST, 3, INT64_MAX, 3, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f = fixture_with((struct model_options){0});
        const char *stream = rows[i].kind == ZCHAT_FROM_CONFIRMED ? "@alice" : "#lobby";

        go_up(&f);
        assert_int_equal(follow(&f, stream, rows[i].kind, rows[i].value, rows[i].until), RC_OK);
        if (rows[i].until == 0)
            answer_probe(&f);
        else
            assert_int_equal(count_of(&f, MODEL_FX_SUBSCRIBE), 0);
        answer_head(&f, 0, rows[i].head);
        if (rows[i].first == 0) {
            assert_int_equal(sent_count(&f, VERB_FETCH), 0);
            assert_told(&f, ZCHAT_LIVE);
        } else {
            assert_int_equal(sent(&f, VERB_FETCH, 0)->first, rows[i].first);
            assert_int_equal(sent(&f, VERB_FETCH, 0)->credit, 4);
            assert_int_equal(sent(&f, VERB_FETCH, 0)->last,
                             rows[i].until != 0 && rows[i].until < rows[i].head ? rows[i].until
                                                                                : rows[i].head);
            assert_no_tell(&f);
        }
        fixture_fini(&f);
    }
}

static void following_behind_the_confirmed_is_for_the_own_stream(void **state)
{
    struct fixture *f = *state;
    struct message m = welcome_message(1);

    assert_int_equal(follow(f, "@bob", ZCHAT_FROM_CONFIRMED, 0, 0), RC_BAD_FIELD);
    assert_int_equal(follow(f, "@alice", ZCHAT_FROM_CONFIRMED, 0, 0), RC_OK);
    m.confirmed = 7;
    open_link(f);
    receive(f, m);
    answer_probe(f);
    answer_head(f, 0, 10);
    assert_int_equal(sent(f, VERB_FETCH, 0)->first, 8);
}

/* Another device may confirm a receipt for a post that this one has just made. */
static void the_confirmed_place_is_that_of_the_first_welcome(void **state)
{
    struct fixture *f = *state;
    struct message m = welcome_message(1);

    assert_int_equal(follow(f, "@alice", ZCHAT_FROM_CONFIRMED, 0, 0), RC_OK);
    m.confirmed = 7;
    open_link(f);
    receive(f, m);
    receive_quietly(
        f, MSG(PONG, F(TS, ts, 1), S("@alice"), F(SEQ, seq, 10), F(CONFIRMED, confirmed, 10)));
    answer_probe(f);
    answer_head(f, 0, 10);
    assert_int_equal(sent(f, VERB_FETCH, 0)->first, 8);
}

static void names_and_places_are_checked(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(follow(f, "#", ZCHAT_FROM_HEAD, 0, 0), RC_BAD_NAME);
    assert_int_equal(follow(f, "lobby", ZCHAT_FROM_HEAD, 0, 0), RC_BAD_NAME);
    assert_int_equal(follow(f, "#a", (enum zchat_place_kind)77, 0, 0), RC_BAD_FIELD);
    assert_int_equal(follow(f, "#a", ZCHAT_FROM_SEQ, UINT64_MAX, 0), RC_BAD_FIELD);
    assert_int_equal(follow(f, "#a", ZCHAT_FROM_SEQ, 1, 0), RC_OK);
    assert_int_equal(follow(f, "#a", ZCHAT_FROM_SEQ, 1, 0), RC_BUSY);
    assert_int_equal(follow(f, "#a", ZCHAT_FROM_SEQ, 1, 9), RC_OK); /* reading back beside it */
}

static void the_number_of_follows_is_limited(void **state)
{
    struct model_options options = {.limits = MODEL_LIMITS_DEFAULTS};

    (void)state;
    options.limits.follows_max = 2;

    struct fixture f = fixture_with(options);

    assert_int_equal(follow(&f, "#a", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    assert_int_equal(follow(&f, "#b", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    assert_int_equal(follow(&f, "#c", ZCHAT_FROM_HEAD, 0, 0), RC_LIMIT);
    model_unfollow(f.model, SPAN("#a"), &f.fx);
    assert_int_equal(follow(&f, "#c", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    fixture_fini(&f);
}

static void a_head_beyond_what_is_there_is_fetched(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_HEAD, 0, 10);
    broadcast(f, head_message("#lobby", 10));
    assert_int_equal(f->fx.count, 0);
    broadcast(f, head_message("#lobby", 12));
    assert_int_equal(sent(f, VERB_FETCH, 0)->first, 11);
    assert_int_equal(sent(f, VERB_FETCH, 0)->last, 12);
    broadcast(f, head_message("#elsewhere", 12));
    assert_int_equal(f->fx.count, 0);
}

static void a_pong_tells_the_head_of_the_own_stream(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    locate(f, "@alice", ZCHAT_FROM_HEAD, 0, 3);
    receive(f, MSG(PONG, F(TS, ts, 1), S("@alice"), F(SEQ, seq, 4), F(CONFIRMED, confirmed, 3)));
    assert_int_equal(sent(f, VERB_FETCH, 0)->first, 4);
}

static void live_streams_are_asked_for_their_head_in_turn(void **state)
{
    struct fixture *f = *state;
    char name[16];
    bool is_asked[100] = {false};

    assert_int_equal(follow(f, "@alice", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "#r%d", i);
        assert_int_equal(follow(f, name, ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    }
    open_link(f);
    welcome(f, 1);
    answer_probe(f);
    assert_int_equal(sent_count(f, VERB_HEAD), 64); /* so many at once */
    for (int i = 0; i < 101; i++) {
        struct model_effects asked = f->fx;

        /* Keep what is asked; each answer lets one more be asked. */
        f->fx = (struct model_effects){0};
        for (size_t n = 0; n < asked.count; n++) {
            if (asked.item[n].kind == MODEL_FX_SEND && asked.item[n].message.verb == VERB_HEAD) {
                struct message head = asked.item[n].message;

                message_set(&head, SEQ, seq, 1);
                model_received(f->model, &head, false, f->now_ms, &f->fx);
            }
        }
        model_effects_fini(&asked);
    }
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(pass_to_deadline(f), PING_MS);
        assert_in_range(sent_count(f, VERB_HEAD), 63, 64);
        for (size_t n = 0; n < sent_count(f, VERB_HEAD); n++) {
            const struct message *head = sent(f, VERB_HEAD, n);

            assert_false(span_equal(head->stream, SPAN("@alice")));
            is_asked[strtoul(head->stream.ptr + 2, NULL, 10)] = true;
        }
        receive(f, MSG(PONG));
    }
    for (int i = 0; i < 100; i++)
        assert_true(is_asked[i]);
}

static void reading_back_ends_with_live_and_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    assert_int_equal(follow(f, "#lobby", ZCHAT_FROM_SEQ, 3, 5), RC_OK);
    answer_head(f, 0, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    assert_int_equal(fetch.last, 5);
    broadcast(f, event_message("#lobby", 3)); /* nobody follows it live */
    answer_page(f, fetch, 3, 5, 12, true);
    assert_told_events(f, "#lobby", 3, 5);
    assert_told_live(f, "#lobby", 5);
    assert_no_tell(f);
    assert_int_equal(follow(f, "#lobby", ZCHAT_FROM_SEQ, 3, 5), RC_OK);
}

static void reading_back_beside_the_live_stream_disturbs_neither(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_HEAD, 0, 12);
    assert_told_live(f, "#lobby", 12);
    assert_int_equal(follow(f, "#lobby", ZCHAT_FROM_LAST, 2, 12), RC_OK);
    answer_head(f, 0, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    broadcast(f, event_message("#lobby", 13));
    answer_page(f, fetch, 11, 12, 13, true);
    assert_told_event(f, "#lobby", 13);
    assert_told_events(f, "#lobby", 11, 12);
    assert_told_live(f, "#lobby", 12);
    broadcast(f, event_message("#lobby", 14));
    assert_told_event(f, "#lobby", 14);
    assert_no_tell(f);
}

static void events_during_the_probe_are_held_and_told_in_turn(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    assert_int_equal(follow(f, "#lobby", ZCHAT_FROM_SEQ, 4, 0), RC_OK);

    const uint64_t token = sent(f, VERB_PROBE, 0)->token;

    broadcast(f, event_message("#lobby", 2)); /* before the place */
    broadcast(f, event_message("#lobby", 6));
    broadcast(f, event_message("#lobby", 5));
    assert_no_tell(f);
    broadcast(f, MSG(PROBE, F(TOKEN, token, token)));
    answer_head(f, 0, 6);
    fetch = *sent(f, VERB_FETCH, 0);
    assert_int_equal(fetch.first, 4);
    assert_int_equal(fetch.last, 4);
    answer_page(f, fetch, 4, 4, 6, true);
    assert_told_events(f, "#lobby", 4, 6);
    assert_told_live(f, "#lobby", 6);
    assert_no_tell(f);
}

static void a_stream_that_does_not_exist_is_told_and_forgotten(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    assert_int_equal(follow(f, "#nowhere", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    answer_probe(f);
    answer_error(f, RC_NO_SUCH_ROOM, sent(f, VERB_HEAD, 0)->ref);
    assert_true(has_topic(f, MODEL_FX_UNSUBSCRIBE, "#nowhere"));
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.ref, 0);
    assert_int_equal(f->event.rc, RC_NO_SUCH_ROOM);
    assert_string_equal(f->event.stream, "#nowhere");
    assert_int_equal(follow(f, "#nowhere", ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    answer_error(f, RC_DENIED, 424242); /* an answer to nothing */
    assert_no_tell(f);
}

static void a_reconnect_keeps_the_place(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_HEAD, 0, 10);
    assert_told_live(f, "#lobby", 10);
    broadcast(f, event_message("#lobby", 11));
    broadcast(f, event_message("#lobby", 13)); /* a fetch is out when the link goes */
    assert_int_equal(follow(f, "#old", ZCHAT_FROM_SEQ, 1, 5), RC_OK);
    answer_head(f, 0, 9);
    assert_int_equal(follow(f, "#older", ZCHAT_FROM_SEQ, 1, 5), RC_OK);
    forget(f);
    model_lost(f->model, f->now_ms, &f->fx);
    assert_told_event(f, "#lobby", 11);
    open_link(f);
    assert_true(has_topic(f, MODEL_FX_SUBSCRIBE, "#lobby"));
    assert_false(has_topic(f, MODEL_FX_SUBSCRIBE, "#old"));
    welcome(f, 1);
    assert_int_equal(sent_count(f, VERB_PROBE), 1);
    assert_int_equal(sent_count(f, VERB_FETCH), 1); /* history goes on where it was */
    assert_true(span_equal(sent(f, VERB_FETCH, 0)->stream, SPAN("#old")));
    assert_int_equal(sent_count(f, VERB_HEAD), 1);
    answer_probe(f);
    answer_head(f, 0, 20);
    fetch = *sent(f, VERB_FETCH, 0);
    assert_int_equal(fetch.first, 12);
    assert_int_equal(fetch.last, 12); /* 13 is held */
    answer_page(f, fetch, 12, 12, 20, true);
    fetch = *sent(f, VERB_FETCH, 0);
    answer_page(f, fetch, 14, 20, 20, true);
    assert_told(f, ZCHAT_LINK);
    assert_told(f, ZCHAT_LINK);
    assert_told_events(f, "#lobby", 12, 20);
    assert_no_tell(f); /* and live is not told again */
}

static void unfollowing_stops_everything(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    assert_int_equal(follow(f, "#b", ZCHAT_FROM_SEQ, 1, 0), RC_OK);
    model_unfollow(f->model, SPAN("#b"), &f->fx); /* before the probe is back */
    assert_true(has_topic(f, MODEL_FX_UNSUBSCRIBE, "#b"));
    assert_true(has_topic(f, MODEL_FX_UNSUBSCRIBE, PROBE_TOPIC));
    locate(f, "#a", ZCHAT_FROM_SEQ, 1, 10);
    fetch = *sent(f, VERB_FETCH, 0);
    fetch.stream = SPAN("#a");
    broadcast(f, event_message("#a", 11));
    forget(f);
    model_unfollow(f->model, SPAN("#a"), &f->fx);
    assert_true(has_topic(f, MODEL_FX_UNSUBSCRIBE, "#a"));
    answer_page(f, fetch, 1, 10, 11, true);
    broadcast(f, event_message("#a", 12));
    model_unfollow(f->model, SPAN("#a"), &f->fx);
    assert_int_equal(f->fx.count, 0);
    assert_no_tell(f);
    assert_int_equal(pass_to_deadline(f), PING_MS);
}

static void unknown_types_keep_their_place(void **state)
{
    struct fixture *f = *state;
    struct message strange = event_message("#lobby", 1);

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_HEAD, 0, 0);
    assert_told_live(f, "#lobby", 0);
    strange.type = SPAN("dance");
    strange.has &= ~HAS_TEXT;
    broadcast(f, strange);
    broadcast(f, event_message("#lobby", 2));
    broadcast(f, event_message("#lobby", 0));
    assert_told_event(f, "#lobby", 1);
    assert_string_equal(f->event.type, "dance");
    assert_string_equal(f->event.text, "");
    assert_string_equal(f->event.message_kind, "");
    assert_told_event(f, "#lobby", 2);
    assert_no_tell(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_stream_is_probed_then_located_then_live),
        T(a_lost_probe_subscribes_again_with_growing_patience),
        T(one_probe_covers_what_was_subscribed_before_it),
        T(followers_before_welcome_share_one_probe),
        cmocka_unit_test(the_place_is_reckoned_from_the_head),
        T(the_confirmed_place_is_that_of_the_first_welcome),
        T(following_behind_the_confirmed_is_for_the_own_stream),
        T(names_and_places_are_checked),
        cmocka_unit_test(the_number_of_follows_is_limited),
        T(a_head_beyond_what_is_there_is_fetched),
        T(a_pong_tells_the_head_of_the_own_stream),
        T(live_streams_are_asked_for_their_head_in_turn),
        T(reading_back_ends_with_live_and_is_forgotten),
        T(reading_back_beside_the_live_stream_disturbs_neither),
        T(events_during_the_probe_are_held_and_told_in_turn),
        T(a_stream_that_does_not_exist_is_told_and_forgotten),
        T(a_reconnect_keeps_the_place),
        T(unfollowing_stops_everything),
        T(unknown_types_keep_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
