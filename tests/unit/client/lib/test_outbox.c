#include "client/lib/outbox.h"

#include "tests/unit/client/lib/fixture.h"

static void expect(struct fixture *f, uint64_t next)
{
    receive(f, MSG(EXPECT, F(NEXT, next, next)));
}

static void a_post_is_sent_at_once_and_stored_by_its_ack(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    assert_int_equal(post_to(f, "#lobby", 0), 1);
    assert_true(span_equal(sent(f, VERB_POST, 0)->text, SPAN("hi")));
    assert_true(span_equal(sent(f, VERB_POST, 0)->stream, SPAN("#lobby")));
    assert_false(message_has(sent(f, VERB_POST, 0), HAS_KIND));
    assert_int_equal(model_unanswered(f->model), 1);
    ack(f, 1, "#lobby", 18);
    assert_told_post(f, 1, ZCHAT_STORED);
    assert_string_equal(f->event.stream, "#lobby");
    assert_int_equal(f->event.seq, 18);
    assert_int_equal(f->event.ts_ms, 77);
    assert_int_equal(model_unanswered(f->model), 0);
    ack(f, 1, "#lobby", 18);
    ack(f, 2, "#lobby", 19);
    assert_no_tell(f);
    assert_int_equal(pass_to_deadline(f), PING_MS); /* no timer of the outbox is left */
}

static void a_kind_travels_unless_it_is_the_usual_one(void **state)
{
    struct fixture *f = *state;
    uint32_t number;

    go_up(f);
    forget(f);
    assert_int_equal(model_post(f->model, SPAN("#a"), SPAN("notice"), SPAN("x"), 0, 0, f->now_ms,
                                &f->fx, &number),
                     RC_OK);
    assert_true(span_equal(sent(f, VERB_POST, 0)->kind, SPAN("notice")));
    assert_int_equal(model_post(f->model, SPAN("#a"), SPAN("message"), SPAN("x"), 0, 0, f->now_ms,
                                &f->fx, &number),
                     RC_OK);
    assert_false(message_has(sent(f, VERB_POST, 1), HAS_KIND));
}

static void posts_wait_for_the_link_and_leave_in_order(void **state)
{
    struct fixture *f = *state;

    for (uint32_t i = 1; i <= 5; i++) {
        assert_int_equal(post_to(f, "#lobby", 0), i);
        assert_int_equal(f->fx.count, 0);
    }
    open_link(f);
    welcome(f, 1);
    assert_int_equal(sent_count(f, VERB_POST), 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(sent(f, VERB_POST, i)->number, i + 1);
}

static void a_reconnect_sends_all_that_has_no_answer_again(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    for (int i = 0; i < 4; i++)
        post_to(f, "#lobby", 0);
    ack(f, 1, "#lobby", 1);
    forget(f);
    model_lost(f->model, f->now_ms, &f->fx);
    open_link(f);
    welcome(f, 3); /* 2 is stored, its answer was lost */
    assert_int_equal(sent_count(f, VERB_POST), 3);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 2);
}

static void no_more_than_the_window_is_without_an_answer(void **state)
{
    struct fixture *f = *state;
    struct message narrow = welcome_message(1);

    narrow.window = 4;
    open_link(f);
    receive(f, narrow);
    for (int i = 0; i < 10; i++)
        post_to(f, "#lobby", 0);
    assert_int_equal(sent_count(f, VERB_POST), 0);
    ack(f, 1, "#lobby", 1);
    assert_int_equal(sent_count(f, VERB_POST), 1);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 5);
    ack(f, 3, "#lobby", 3); /* out of order: the window begins at 2 */
    assert_int_equal(sent_count(f, VERB_POST), 0);
    ack(f, 2, "#lobby", 2);
    assert_int_equal(sent_count(f, VERB_POST), 2);
}

static void a_post_without_an_answer_is_sent_again_with_growing_pauses(void **state)
{
    struct fixture *f = *state;
    uint32_t expected_ms = RETRY_MIN_MS;

    go_up(f);
    post_to(f, "#lobby", 0);
    for (int i = 0; i < 6; i++) {
        uint64_t waited = 0;

        do {
            receive(f, MSG(PONG));
            waited += pass_to_deadline(f);
        } while (sent_count(f, VERB_POST) == 0);
        assert_in_range(waited, expected_ms * 3 / 4, expected_ms * 5 / 4);
        assert_int_equal(sent(f, VERB_POST, 0)->number, 1);
        expected_ms = expected_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : expected_ms * 2;
    }
}

static void a_timer_sends_a_few_and_answers_bring_the_rest(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    for (int i = 0; i < 100; i++)
        post_to(f, "#lobby", 0);
    pass_to_deadline(f);
    assert_int_equal(sent_count(f, VERB_POST), 16);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 1);
    ack(f, 1, "#lobby", 1);
    assert_int_equal(sent_count(f, VERB_POST), 17);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 17);
}

static void expect_makes_it_go_back_but_not_for_every_one(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    for (int i = 0; i < 10; i++)
        post_to(f, "#lobby", 0);
    expect(f, 3);
    assert_int_equal(sent_count(f, VERB_POST), 8);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 3);
    expect(f, 3);
    assert_int_equal(sent_count(f, VERB_POST), 0);
    expect(f, 5);
    assert_int_equal(sent_count(f, VERB_POST), 6);
    f->now_ms += 100;
    expect(f, 5);
    assert_int_equal(sent_count(f, VERB_POST), 6);
    expect(f, 11); /* everything is there: the answers are on their way */
    assert_int_equal(f->fx.count, 0);
    assert_no_tell(f);
}

static void a_late_answer_never_takes_numbers_back(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    post_to(f, "#lobby", 0);
    post_to(f, "#lobby", 0);
    ack(f, 1, "#lobby", 1);
    assert_told_post(f, 1, ZCHAT_STORED);
    expect(f, 1); /* number 1 has been answered: going back would give it away again */
    expect(f, 9);
    assert_no_tell(f);
    ack(f, 2, "#lobby", 2);
    assert_told_post(f, 2, ZCHAT_STORED);
    expect(f, 1);
    assert_int_equal(post_to(f, "#lobby", 0), 3);
}

static void a_used_session_does_not_answer_for_new_posts(void **state)
{
    struct fixture *f = *state;

    post_to(f, "#lobby", 0);
    open_link(f);
    welcome(f, 2); /* somebody has used number 1: its answer would not be ours */
    assert_int_equal(sent_count(f, VERB_POST), 0);
    assert_told(f, ZCHAT_LINK);
    assert_told_post(f, 1, ZCHAT_FAILED);
    assert_int_equal(post_to(f, "#lobby", 0), 2);
}

static void an_unused_handle_takes_the_number_that_is_expected(void **state)
{
    struct fixture *f = *state;

    open_link(f);
    welcome(f, 8);
    assert_int_equal(post_to(f, "#lobby", 0), 8);
}

static void a_broker_that_went_back_is_never_followed(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    for (uint32_t i = 1; i <= 3; i++)
        post_to(f, "#lobby", 0);
    ack(f, 1, "#lobby", 1);
    ack(f, 2, "#lobby", 2);
    model_lost(f->model, f->now_ms, &f->fx);
    open_link(f);
    welcome(f, 1);
    for (uint32_t i = 1; i <= 2; i++)
        assert_told_post(f, i, ZCHAT_STORED);
    assert_told(f, ZCHAT_LINK);
    assert_told(f, ZCHAT_LINK);
    expect(f, 1);
    assert_no_tell(f); /* 3 is tried until its deadline; what became of it is not known */
    assert_int_equal(post_to(f, "#lobby", 0), 4);
}

static void a_run_is_repeated_under_its_numbers(void **state)
{
    struct fixture *f = *state;
    uint32_t number = 0;

    assert_int_equal(model_post(f->model, SPAN("#a"), (struct span){0}, SPAN("x"), 4, 0, f->now_ms,
                                &f->fx, &number),
                     RC_OK);
    assert_int_equal(number, 4);
    assert_int_equal(post_to(f, "#a", 0), 5);
    assert_int_equal(model_post(f->model, SPAN("#a"), (struct span){0}, SPAN("x"), 9, 0, f->now_ms,
                                &f->fx, &number),
                     RC_BAD_FIELD); /* only the first post of a handle */
    open_link(f);
    welcome(f, 7);
    assert_int_equal(sent_count(f, VERB_POST), 2);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 4);
    ack(f, 4, "#a", 11);
    ack(f, 5, "#a", 12);
    assert_told(f, ZCHAT_LINK);
    assert_told_post(f, 4, ZCHAT_STORED);
    assert_told_post(f, 5, ZCHAT_STORED);
    model_lost(f->model, f->now_ms, &f->fx);
    open_link(f);
    welcome(f, 7);
    assert_int_equal(post_to(f, "#a", 0), 6); /* the run goes on where it was */
}

static void a_transient_refusal_is_tried_again_after_its_time(void **state)
{
    struct fixture *f = *state;
    uint64_t waited;

    go_up(f);
    for (int i = 0; i < 3; i++)
        post_to(f, "#lobby", 0);
    receive(f, MSG(ERROR, F(CODE, code, RC_BUSY), F(NUMBER, number, 2), F(RETRY, retry, 400)));
    expect(f, 2);
    assert_int_equal(f->fx.count, 0);
    post_to(f, "#lobby", 0);
    assert_int_equal(f->fx.count, 0); /* the window stands */
    ack(f, 1, "#lobby", 1);
    assert_int_equal(f->fx.count, 0);
    waited = pass_to_deadline(f);
    assert_in_range(waited, 400, 500); /* not a moment before */
    assert_int_equal(sent_count(f, VERB_POST), 3);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 2);
    assert_told_post(f, 2, ZCHAT_WAITING);
    assert_int_equal(f->event.rc, RC_BUSY);
    assert_told_post(f, 1, ZCHAT_STORED);
    assert_no_tell(f);
    refuse_post(f, 2, RC_DISK_FULL); /* without a time */
    assert_in_range(pass_to_deadline(f), BUSY_RETRY_MS, BUSY_RETRY_MS * 5 / 4);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 2);
}

static void why_posts_wait_is_told_once_until_something_is_answered(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    post_to(f, "#lobby", 0);
    post_to(f, "#lobby", 0);
    for (int i = 0; i < 3; i++) {
        refuse_post(f, 1, RC_TOO_FAST);
        refuse_post(f, 2, RC_DISK_FULL);
        pass_to_deadline(f);
        assert_int_equal(sent(f, VERB_POST, 0)->number, 1); /* under its number */
    }
    assert_told_post(f, 1, ZCHAT_WAITING);
    assert_int_equal(f->event.rc, RC_TOO_FAST);
    assert_string_equal(f->event.stream, "#lobby");
    assert_true(f->event.text_len > 0);
    assert_no_tell(f);
    ack(f, 1, "#lobby", 1);
    assert_told_post(f, 1, ZCHAT_STORED);
    refuse_post(f, 2, RC_STOPPING); /* the link tells that */
    assert_no_tell(f);
    refuse_post(f, 2, RC_DISK_FULL);
    assert_told_post(f, 2, ZCHAT_WAITING);
    assert_int_equal(f->event.rc, RC_DISK_FULL);
}

static void a_refused_post_can_be_tried_under_a_new_number(void **state)
{
    struct fixture *f = *state;
    uint32_t number = 0;

    go_up(f);
    post_to(f, "#lobby", 0);
    post_to(f, "#lobby", 0);
    refuse_post(f, 1, RC_NOT_MEMBER);
    assert_told_post(f, 1, ZCHAT_FAILED);
    assert_int_equal(f->event.rc, RC_NOT_MEMBER);
    assert_string_equal(f->event.text, "no");
    assert_string_equal(f->event.stream, "#lobby");
    assert_int_equal(model_unanswered(f->model), 1);
    assert_int_equal(model_retry(f->model, 2, 0, f->now_ms, &f->fx, &number), RC_BUSY);
    assert_int_equal(model_retry(f->model, 7, 0, f->now_ms, &f->fx, &number), RC_BAD_FIELD);
    forget(f);
    assert_int_equal(model_retry(f->model, 1, 0, f->now_ms, &f->fx, &number), RC_OK);
    assert_int_equal(number, 3);
    assert_true(span_equal(sent(f, VERB_POST, 0)->text, SPAN("hi")));
    assert_int_equal(model_retry(f->model, 1, 0, f->now_ms, &f->fx, &number), RC_BAD_FIELD);
}

static void the_texts_of_the_last_64_refused_posts_are_kept(void **state)
{
    struct fixture *f = *state;
    uint32_t number;

    go_up(f);
    for (uint32_t i = 1; i <= 65; i++) {
        post_to(f, "#lobby", 0);
        refuse_post(f, i, RC_DENIED);
    }
    assert_int_equal(model_retry(f->model, 1, 0, f->now_ms, &f->fx, &number), RC_BAD_FIELD);
    assert_int_equal(model_retry(f->model, 2, 0, f->now_ms, &f->fx, &number), RC_OK);
    assert_int_equal(number, 66);
}

static void a_deadline_makes_a_post_unknown_and_silent(void **state)
{
    struct fixture *f = *state;
    uint32_t number = 0;

    go_up(f);
    post_to(f, "#lobby", 300);
    assert_int_equal(pass_to_deadline(f), 300);
    assert_told_post(f, 1, ZCHAT_UNKNOWN);
    assert_int_equal(f->event.rc, RC_TIMEOUT);
    for (int i = 0; i < 20; i++) {
        receive(f, MSG(PONG));
        pass_to_deadline(f);
        assert_int_equal(sent_count(f, VERB_POST) + sent_count(f, VERB_SKIP), 0);
    }
    assert_no_tell(f);
    assert_int_equal(model_unanswered(f->model), 1);
    forget(f);
    assert_int_equal(model_retry(f->model, 1, 5000, f->now_ms, &f->fx, &number), RC_OK);
    assert_int_equal(number, 1);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 1);
    ack(f, 1, "#lobby", 4);
    assert_told_post(f, 1, ZCHAT_STORED);
}

static void a_late_ack_tells_that_an_unknown_post_is_stored(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    post_to(f, "#lobby", 300);
    pass_to_deadline(f);
    assert_told_post(f, 1, ZCHAT_UNKNOWN);
    ack(f, 1, "#lobby", 4);
    assert_told_post(f, 1, ZCHAT_STORED);
    assert_int_equal(model_unanswered(f->model), 0);
}

/* One post whose time was over while the link was down, one behind it. */
static void pass_an_unknown_post(struct fixture *f)
{
    uint32_t number;

    post_to(f, "#lobby", 300);
    pass_to_deadline(f);
    assert_told_post(f, 1, ZCHAT_UNKNOWN);
    open_link(f);
    welcome(f, 1);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(sent_count(f, VERB_SKIP), 0); /* nobody needs its number yet */
    assert_int_equal(post_to(f, "#lobby", 0), 2);
    assert_int_equal(sent(f, VERB_SKIP, 0)->number, 1);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 2);
    assert_int_equal(model_retry(f->model, 1, 0, f->now_ms, &f->fx, &number), RC_BUSY);
    pass_to_deadline(f);
    assert_int_equal(sent(f, VERB_SKIP, 0)->number, 1); /* repeated as posts are */
}

static void a_given_up_number_is_skipped_and_voided(void **state)
{
    struct fixture *f = *state;
    uint32_t number = 0;

    pass_an_unknown_post(f);
    refuse_post(f, 1, RC_VOIDED);
    assert_told_post(f, 1, ZCHAT_FAILED);
    assert_int_equal(f->event.rc, RC_VOIDED);
    ack(f, 2, "#lobby", 1);
    assert_told_post(f, 2, ZCHAT_STORED);
    assert_int_equal(model_retry(f->model, 1, 0, f->now_ms, &f->fx, &number), RC_OK);
    assert_int_equal(number, 3);
}

static void a_given_up_number_may_turn_out_to_be_stored(void **state)
{
    struct fixture *f = *state;

    pass_an_unknown_post(f);
    ack(f, 1, "#lobby", 5);
    assert_told_post(f, 1, ZCHAT_STORED);
    assert_int_equal(f->event.seq, 5);
}

static void too_old_leaves_the_fate_unknown(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    post_to(f, "#lobby", 0);
    refuse_post(f, 1, RC_TOO_OLD);
    assert_told_post(f, 1, ZCHAT_UNKNOWN);
    assert_int_equal(f->event.rc, RC_TOO_OLD);
    assert_int_equal(model_unanswered(f->model), 0);
}

static void a_full_outbox_is_busy(void **state)
{
    struct model_options options = {.limits = MODEL_LIMITS_DEFAULTS};
    uint32_t number;

    (void)state;
    options.limits.outbox_max = 4;

    struct fixture f = fixture_with(options);

    for (int i = 0; i < 4; i++)
        post_to(&f, "#lobby", 0);
    assert_int_equal(model_post(f.model, SPAN("#a"), (struct span){0}, SPAN("x"), 0, 0, f.now_ms,
                                &f.fx, &number),
                     RC_BUSY);
    go_up(&f);
    for (uint32_t i = 1; i <= 8; i++) {
        ack(&f, i, "#lobby", i);
        if (i < 5)
            post_to(&f, "#lobby", 0);
    }
    /* Everything is stored, but eight states were not taken: no more until they are. */
    assert_int_equal(model_post(f.model, SPAN("#a"), (struct span){0}, SPAN("x"), 0, 0, f.now_ms,
                                &f.fx, &number),
                     RC_BUSY);
    for (uint32_t i = 1; i <= 8; i++)
        assert_told_post(&f, i, ZCHAT_STORED);
    assert_int_equal(post_to(&f, "#lobby", 0), 9);
    fixture_fini(&f);
}

static struct message receipt(const char *from, uint64_t upto)
{
    return MSG(EVENT, S("@alice"), F(SEQ, seq, 1), F(TS, ts, 1), F(TYPE, type, SPAN("receipt")),
               F(FROM, from, span_of(from)), F(UPTO, upto, upto));
}

static void a_receipt_tells_delivered(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    for (int i = 0; i < 3; i++)
        post_to(f, i == 1 ? "@carol" : "@bob", 0);
    ack(f, 1, "@bob", 10);
    ack(f, 2, "@carol", 4);
    ack(f, 3, "@bob", 12);
    for (uint32_t i = 1; i <= 3; i++)
        assert_told_post(f, i, ZCHAT_STORED);
    broadcast(f, receipt("bob", 11));
    assert_told_post(f, 1, ZCHAT_DELIVERED);
    assert_string_equal(f->event.stream, "@bob");
    assert_int_equal(f->event.seq, 10);
    assert_no_tell(f);
    broadcast(f, receipt("bob", 12));
    assert_told_post(f, 3, ZCHAT_DELIVERED);
    assert_no_tell(f);
}

static void a_receipt_before_the_ack_is_told_behind_stored(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    post_to(f, "@bob", 0);
    broadcast(f, receipt("bob", 10));
    broadcast(f, receipt("bob", 3)); /* an old one again */
    assert_no_tell(f);
    ack(f, 1, "@bob", 10);
    assert_told_post(f, 1, ZCHAT_STORED);
    assert_told_post(f, 1, ZCHAT_DELIVERED);
}

static void receipts_of_other_streams_count_for_nothing(void **state)
{
    struct fixture *f = *state;
    struct message forged = receipt("bob", 10);

    go_up(f);
    post_to(f, "@bob", 0);
    ack(f, 1, "@bob", 10);
    assert_told_post(f, 1, ZCHAT_STORED);
    forged.stream = SPAN("#lobby");
    broadcast(f, forged);
    forged = receipt("bob", 10);
    forged.type = SPAN("message");
    broadcast(f, forged);
    assert_no_tell(f);
}

static void memory_for_receipts_is_bounded(void **state)
{
    struct fixture *f = *state;
    char nick[16];

    go_up(f);
    for (uint32_t i = 1; i <= DELIVERY_POSTS_MAX + 1; i++) {
        post_to(f, "@bob", 0);
        ack(f, i, "@bob", i);
        assert_told_post(f, i, ZCHAT_STORED);
    }
    for (int i = 0; i <= DELIVERY_PEERS_MAX; i++) {
        snprintf(nick, sizeof(nick), "n%d", i);
        broadcast(f, receipt(nick, 1));
    }
    broadcast(f, receipt("bob", 5000));
    for (uint32_t i = 2; i <= DELIVERY_POSTS_MAX + 1; i++) /* the oldest is forgotten */
        assert_told_post(f, i, ZCHAT_DELIVERED);
    assert_no_tell(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_post_is_sent_at_once_and_stored_by_its_ack),
        T(a_kind_travels_unless_it_is_the_usual_one),
        T(posts_wait_for_the_link_and_leave_in_order),
        T(a_reconnect_sends_all_that_has_no_answer_again),
        T(no_more_than_the_window_is_without_an_answer),
        T(a_post_without_an_answer_is_sent_again_with_growing_pauses),
        T(a_timer_sends_a_few_and_answers_bring_the_rest),
        T(expect_makes_it_go_back_but_not_for_every_one),
        T(a_late_answer_never_takes_numbers_back),
        T(a_used_session_does_not_answer_for_new_posts),
        T(an_unused_handle_takes_the_number_that_is_expected),
        T(a_broker_that_went_back_is_never_followed),
        T(a_run_is_repeated_under_its_numbers),
        T(a_transient_refusal_is_tried_again_after_its_time),
        T(why_posts_wait_is_told_once_until_something_is_answered),
        T(a_refused_post_can_be_tried_under_a_new_number),
        T(the_texts_of_the_last_64_refused_posts_are_kept),
        T(a_deadline_makes_a_post_unknown_and_silent),
        T(a_late_ack_tells_that_an_unknown_post_is_stored),
        T(a_given_up_number_is_skipped_and_voided),
        T(a_given_up_number_may_turn_out_to_be_stored),
        T(too_old_leaves_the_fate_unknown),
        T(a_full_outbox_is_busy),
        T(a_receipt_tells_delivered),
        T(a_receipt_before_the_ack_is_told_behind_stored),
        T(receipts_of_other_streams_count_for_nothing),
        T(memory_for_receipts_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
