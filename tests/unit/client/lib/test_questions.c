#include "client/lib/questions.h"

#include "tests/unit/client/lib/follow_fixture.h"

static void what_is_missing_is_fetched_in_pages_and_told_in_order(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_SEQ, 1, 1500);
    fetch = *sent(f, VERB_FETCH, 0);
    assert_int_equal(fetch.first, 1);
    assert_int_equal(fetch.last, 1024);
    for (uint64_t page = 0; page < 4; page++)
        answer_page(f, fetch, page * 256 + 1, page * 256 + 256, 1500, page == 3);
    fetch = *sent(f, VERB_FETCH, 0);
    assert_int_equal(fetch.first, 1025);
    assert_int_equal(fetch.last, 1500);
    broadcast(f, event_message("#lobby", 1501)); /* while it is fetched */
    answer_page(f, fetch, 1025, 1280, 1501, false);
    assert_int_equal(sent_count(f, VERB_FETCH), 0);
    answer_page(f, fetch, 1281, 1500, 1501, true);
    assert_int_equal(f->fx.count, 0);
    assert_told_events(f, "#lobby", 1, 1500);
    assert_told_live(f, "#lobby", 1500);
    assert_told_event(f, "#lobby", 1501);
    assert_no_tell(f);
}

static void a_hole_is_fetched_and_later_events_wait(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_HEAD, 0, 10);
    assert_told_live(f, "#lobby", 10);
    broadcast(f, event_message("#lobby", 14));
    assert_int_equal(sent(f, VERB_FETCH, 0)->first, 11);
    assert_int_equal(sent(f, VERB_FETCH, 0)->last, 13);

    const struct message fetch = *sent(f, VERB_FETCH, 0);

    broadcast(f, event_message("#lobby", 15));
    broadcast(f, event_message("#lobby", 11)); /* came late, not never */
    assert_int_equal(f->fx.count, 0);          /* one question at a time */
    assert_told_event(f, "#lobby", 11);
    assert_no_tell(f);
    answer_page(f, fetch, 11, 13, 15, true);
    assert_told_events(f, "#lobby", 12, 15);
    assert_no_tell(f);
}

static void a_fetch_without_an_answer_is_asked_again(void **state)
{
    struct fixture *f = *state;
    static const uint64_t waits[] = {1000, 2000, 4000, 8000, 8000};
    struct message old;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_SEQ, 1, 3);
    old = *sent(f, VERB_FETCH, 0);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        uint64_t waited = 0;

        do {
            receive(f, MSG(PONG));
            waited += pass_to_deadline(f);
        } while (sent_count(f, VERB_FETCH) == 0);
        assert_int_equal(waited, waits[i]);
    }
    answer_page(f, old, 1, 3, 3, true); /* late, and yet good */
    assert_told_events(f, "#lobby", 1, 3);
    assert_told_live(f, "#lobby", 3);
}

static void a_lost_page_is_fetched_alone(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_SEQ, 1, 1000);
    fetch = *sent(f, VERB_FETCH, 0);
    answer_page(f, fetch, 1, 256, 1000, false);
    answer_page(f, fetch, 513, 768, 1000, false);
    answer_page(f, fetch, 769, 1000, 1000, true);
    assert_int_equal(sent(f, VERB_FETCH, 0)->first, 257);
    assert_int_equal(sent(f, VERB_FETCH, 0)->last, 512);
    fetch = *sent(f, VERB_FETCH, 0);
    answer_page(f, fetch, 257, 512, 1000, true);
    assert_told_events(f, "#lobby", 1, 1000);
    assert_told_live(f, "#lobby", 1000);
}

static void a_broker_that_answers_nothing_useful_is_not_asked_in_a_hurry(void **state)
{
    struct fixture *f = *state;
    struct message fetch;
    uint64_t waited = 0;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_SEQ, 1, 9);
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f, events_message(&fetch, 0, 0, 9, true));
    assert_int_equal(f->fx.count, 0);
    waited = pass_to_deadline(f);
    assert_in_range(waited, 750, 1250);
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f, MSG(GONE, F(STREAM, stream, fetch.stream), F(FIRST, first, 1), F(SEQ, seq, 9),
                   F(REF, ref, fetch.ref)));
    assert_int_equal(f->fx.count, 0);
    assert_no_tell(f);
    assert_in_range(pass_to_deadline(f), 1500, 2500);
    assert_int_equal(sent_count(f, VERB_FETCH), 1);
}

static void what_is_no_longer_kept_is_told_as_a_gap(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_SEQ, 3, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f, MSG(GONE, S("#lobby"), F(FIRST, first, 11), F(SEQ, seq, 12), F(REF, ref, 1)));
    assert_int_equal(f->fx.count, 0); /* not the answer to what was asked */
    broadcast(f, event_message("#lobby", 9));
    receive(f,
            MSG(GONE, S("#lobby"), F(FIRST, first, 11), F(SEQ, seq, 12), F(REF, ref, fetch.ref)));
    assert_int_equal(sent(f, VERB_FETCH, 0)->first, 11);
    fetch = *sent(f, VERB_FETCH, 0);
    assert_told(f, ZCHAT_GAP);
    assert_string_equal(f->event.stream, "#lobby");
    assert_int_equal(f->event.first, 3);
    assert_int_equal(f->event.last, 10);
    assert_no_tell(f);
    answer_page(f, fetch, 11, 12, 12, true);
    assert_told_events(f, "#lobby", 11, 12);
    assert_told_live(f, "#lobby", 12);
}

static void all_is_gone_up_to_the_head(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_SEQ, 1, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f,
            MSG(GONE, S("#lobby"), F(FIRST, first, 13), F(SEQ, seq, 12), F(REF, ref, fetch.ref)));
    assert_told(f, ZCHAT_GAP);
    assert_int_equal(f->event.last, 12);
    assert_told_live(f, "#lobby", 12);
    broadcast(f, event_message("#lobby", 13));
    assert_told_event(f, "#lobby", 13);
}

static void a_gap_in_reading_back_ends_at_its_end(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    assert_int_equal(follow(f, "#lobby", ZCHAT_FROM_SEQ, 3, 5), RC_OK);
    answer_head(f, 0, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f, MSG(GONE, S("#lobby"), F(FIRST, first, 9), F(SEQ, seq, 12), F(REF, ref, fetch.ref)));
    assert_told(f, ZCHAT_GAP);
    assert_int_equal(f->event.first, 3);
    assert_int_equal(f->event.last, 5);
    assert_told_live(f, "#lobby", 5);
    assert_no_tell(f);
}

/* No gap runs backwards, whatever a broker answers: what lies behind the end was not asked for. */
static void a_gap_behind_the_end_of_reading_back_is_none(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    assert_int_equal(follow(f, "#lobby", ZCHAT_FROM_TIME, 5000, 9), RC_OK);
    answer_head(f, 0, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    receive_quietly(f, events_message(&fetch, 10, 12, 12, false));
    assert_told_live(f, "#lobby", 9);
    receive(f,
            MSG(GONE, S("#lobby"), F(FIRST, first, 12), F(SEQ, seq, 12), F(REF, ref, fetch.ref)));
    assert_no_tell(f);
}

static void a_time_is_found_by_the_broker(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_TIME, 5000, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    assert_int_equal(fetch.since, 5000);
    assert_false(message_has(&fetch, HAS_FIRST));
    broadcast(f, event_message("#lobby", 13));
    assert_no_tell(f);
    answer_page(f, fetch, 11, 12, 13, true);
    assert_told_events(f, "#lobby", 11, 12);
    assert_told_live(f, "#lobby", 12);
    assert_told_event(f, "#lobby", 13);
}

/* Nothing behind its end is told, though answers to the live stream's questions bring it. */
static void reading_back_from_a_time_ends_at_its_end(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    assert_int_equal(follow(f, "#lobby", ZCHAT_FROM_TIME, 5000, 9), RC_OK);
    answer_head(f, 0, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    assert_int_equal(fetch.since, 5000);
    assert_int_equal(fetch.last, 9);
    assert_int_equal(fetch.credit, 1); /* a second page must not be taken for the beginning */
    receive_quietly(f, event_message("#lobby", 10));
    answer_page(f, fetch, 8, 9, 12, true);
    assert_told_events(f, "#lobby", 8, 9);
    assert_told_live(f, "#lobby", 9);
    assert_no_tell(f);
}

static void a_time_after_the_last_event_is_live_at_once(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_TIME, 5000, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f, events_message(&fetch, 0, 0, 12, true));
    assert_told_live(f, "#lobby", 12);
    broadcast(f, event_message("#lobby", 13));
    assert_told_event(f, "#lobby", 13);
}

static void a_time_before_what_is_kept_begins_there_without_a_gap(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_TIME, 5000, 12);
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f,
            MSG(GONE, S("#lobby"), F(FIRST, first, 12), F(SEQ, seq, 12), F(REF, ref, fetch.ref)));
    assert_int_equal(sent(f, VERB_FETCH, 0)->first, 12);
    assert_no_tell(f);
}

static void held_events_are_bounded(void **state)
{
    struct model_options options = {.limits = MODEL_LIMITS_DEFAULTS};
    struct message fetch;

    (void)state;
    options.limits.held_max = 4;

    struct fixture f = fixture_with(options);

    go_up(&f);
    locate(&f, "#lobby", ZCHAT_FROM_HEAD, 0, 10);
    assert_told_live(&f, "#lobby", 10);
    broadcast(&f, event_message("#lobby", 20));
    fetch = *sent(&f, VERB_FETCH, 0);
    for (uint64_t seq = 19; seq >= 12; seq--)
        broadcast(&f, event_message("#lobby", seq));
    answer_page(&f, fetch, 11, 11, 20, true); /* the broker stops early */
    assert_told_events(&f, "#lobby", 11, 15);
    assert_no_tell(&f);
    fixture_fini(&f);
}

static void a_full_queue_leaves_events_with_the_broker(void **state)
{
    struct model_options options = {.limits = MODEL_LIMITS_DEFAULTS};
    struct message fetch;

    (void)state;
    options.limits.tells_max = 8;

    struct fixture f = fixture_with(options);

    go_up(&f);
    locate(&f, "#lobby", ZCHAT_FROM_SEQ, 1, 20);
    fetch = *sent(&f, VERB_FETCH, 0);
    assert_int_equal(fetch.last, 8); /* no more than there is room for */
    answer_page(&f, fetch, 1, 8, 20, true);
    assert_int_equal(sent_count(&f, VERB_FETCH), 0);
    broadcast(&f, event_message("#lobby", 21));
    post_to(&f, "#lobby", 0);
    ack(&f, 1, "#lobby", 22); /* states are never dropped */
    for (uint64_t seq = 1; seq <= 2; seq++)
        assert_told_event(&f, "#lobby", seq);
    fetch = *sent(&f, VERB_FETCH, 0);
    assert_int_equal(fetch.first, 9);
    assert_int_equal(fetch.last, 10);
    answer_page(&f, fetch, 9, 10, 21, true);
    assert_told_events(&f, "#lobby", 3, 8);
    assert_told_post(&f, 1, ZCHAT_STORED);
    for (uint64_t told = 8; told < 21;) {
        while (sent_count(&f, VERB_FETCH) > 0) {
            fetch = *sent(&f, VERB_FETCH, 0);
            answer_page(&f, fetch, fetch.first, fetch.last, 21, true);
        }
        if (!next_tell(&f)) {
            pass_to_deadline(&f); /* a question that nobody looked at above is asked again */
            receive_quietly(&f, MSG(PONG));
        } else if (f.event.kind == ZCHAT_EVENT) {
            assert_int_equal(f.event.seq, ++told);
        }
    }
    fixture_fini(&f);
}

static void a_full_queue_makes_a_live_event_a_hole(void **state)
{
    struct model_options options = {.limits = MODEL_LIMITS_DEFAULTS};
    struct message fetch;

    (void)state;
    options.limits.tells_max = 2;

    struct fixture f = fixture_with(options);

    go_up(&f);
    locate(&f, "#lobby", ZCHAT_FROM_HEAD, 0, 0);
    for (uint64_t seq = 1; seq <= 3; seq++)
        broadcast(&f, event_message("#lobby", seq));
    assert_int_equal(sent_count(&f, VERB_FETCH), 0);
    assert_told_live(&f, "#lobby", 0);
    assert_int_equal(sent_count(&f, VERB_FETCH), 0);
    assert_told_event(&f, "#lobby", 1);
    fetch = *sent(&f, VERB_FETCH, 0);
    assert_int_equal(fetch.first, 3);
    answer_page(&f, fetch, 3, 3, 3, true);
    assert_told_events(&f, "#lobby", 2, 3);
    fixture_fini(&f);
}

static void no_more_than_sixteen_fetches_are_out(void **state)
{
    struct fixture *f = *state;
    struct message fetch = {0};
    char name[16];

    go_up(f);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "#r%d", i);
        assert_int_equal(follow(f, name, ZCHAT_FROM_SEQ, 1, 100), RC_OK);
        answer_head(f, 0, 10);
        assert_int_equal(sent_count(f, VERB_FETCH), i < 16);
        if (i == 0)
            fetch = *sent(f, VERB_FETCH, 0);
    }
    fetch.stream = SPAN("#r0");
    answer_page(f, fetch, 1, 10, 10, true);
    assert_int_equal(sent_count(f, VERB_FETCH), 1);
    assert_true(span_equal(sent(f, VERB_FETCH, 0)->stream, SPAN("#r16")));
}

static void a_busy_broker_is_asked_later(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    locate(f, "#lobby", ZCHAT_FROM_SEQ, 1, 9);
    answer_error(f, RC_LIMIT, sent(f, VERB_FETCH, 0)->ref);
    assert_int_equal(f->fx.count, 0);
    assert_in_range(pass_to_deadline(f), 750, 1250);
    answer_error(f, RC_BUSY, sent(f, VERB_FETCH, 0)->ref);
    assert_in_range(pass_to_deadline(f), 1500, 2500);
    assert_int_equal(sent_count(f, VERB_FETCH), 1);
    assert_no_tell(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(what_is_missing_is_fetched_in_pages_and_told_in_order),
        T(a_hole_is_fetched_and_later_events_wait),
        T(a_fetch_without_an_answer_is_asked_again),
        T(a_lost_page_is_fetched_alone),
        T(a_broker_that_answers_nothing_useful_is_not_asked_in_a_hurry),
        T(what_is_no_longer_kept_is_told_as_a_gap),
        T(all_is_gone_up_to_the_head),
        T(a_gap_in_reading_back_ends_at_its_end),
        T(a_time_is_found_by_the_broker),
        T(a_gap_behind_the_end_of_reading_back_is_none),
        T(reading_back_from_a_time_ends_at_its_end),
        T(a_time_after_the_last_event_is_live_at_once),
        T(a_time_before_what_is_kept_begins_there_without_a_gap),
        cmocka_unit_test(held_events_are_bounded),
        cmocka_unit_test(a_full_queue_leaves_events_with_the_broker),
        cmocka_unit_test(a_full_queue_makes_a_live_event_a_hole),
        T(no_more_than_sixteen_fetches_are_out),
        T(a_busy_broker_is_asked_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
