/* What an earlier run left is sent by the next one under its numbers. */
#include "tests/unit/client/lib/fixture.h"

static enum rc restore(struct fixture *f, uint32_t number, uint32_t timeout_ms)
{
    return model_restore(f->model, number, SPAN("#lobby"), (struct span){0}, SPAN("left"),
                         timeout_ms, f->now_ms);
}

/* 5 and 7 have no answer, 8 is the next number. */
static void restore_two(struct fixture *f)
{
    assert_int_equal(restore(f, 5, 0), RC_OK);
    assert_int_equal(restore(f, 7, 0), RC_OK);
    assert_int_equal(model_restored(f->model, 8), RC_OK);
    assert_told_post(f, 5, ZCHAT_WAITING);
    assert_string_equal(f->event.stream, "#lobby");
    assert_string_equal(f->event.text, "left");
    assert_told_post(f, 7, ZCHAT_WAITING);
    assert_no_tell(f);
}

static void restored_posts_are_sent_under_their_numbers_before_new_ones(void **state)
{
    struct fixture *f = *state;

    restore_two(f);
    assert_int_equal(model_unanswered(f->model), 2);
    assert_int_equal(post_to(f, "#lobby", 0), 8);
    open_link(f);
    welcome(f, 5);
    assert_int_equal(sent_count(f, VERB_POST), 3);
    assert_int_equal(sent(f, VERB_POST, 0)->number, 5);
    assert_true(span_equal(sent(f, VERB_POST, 0)->text, SPAN("left")));
    assert_int_equal(sent(f, VERB_POST, 1)->number, 7);
    assert_int_equal(sent(f, VERB_POST, 2)->number, 8);
    assert_told(f, ZCHAT_LINK);
    ack(f, 5, "#lobby", 100);
    assert_told_post(f, 5, ZCHAT_STORED);
    assert_int_equal(f->event.seq, 100);
    assert_int_equal(model_unanswered(f->model), 2);
}

static void a_post_whose_answer_was_lost_with_its_run_is_answered_as_the_first_time(void **state)
{
    struct fixture *f = *state;

    restore_two(f);
    open_link(f);
    welcome(f, 8); /* the broker has all of them */
    assert_told(f, ZCHAT_LINK);
    ack(f, 5, "#lobby", 40);
    ack(f, 7, "#lobby", 42);
    assert_told_post(f, 5, ZCHAT_STORED);
    assert_told_post(f, 7, ZCHAT_STORED);
    assert_int_equal(f->event.seq, 42);
    assert_no_tell(f);
    assert_int_equal(post_to(f, "#lobby", 0), 8);
}

static void a_broker_that_knows_more_numbers_makes_the_old_ones_unknown(void **state)
{
    struct fixture *f = *state;

    restore_two(f);
    post_to(f, "#lobby", 0); /* 8, of this run: it must not hide that 8 is taken */
    open_link(f);
    welcome(f, 9);
    assert_int_equal(sent_count(f, VERB_POST), 0);
    assert_told(f, ZCHAT_LINK);
    assert_told_post(f, 5, ZCHAT_UNKNOWN);
    assert_int_equal(f->event.rc, RC_TOO_OLD);
    assert_told_post(f, 7, ZCHAT_UNKNOWN);
    assert_told_post(f, 8, ZCHAT_FAILED); /* never sent: may be tried again */
    assert_int_equal(f->event.rc, RC_BAD_FIELD);
    assert_int_equal(model_unanswered(f->model), 0);

    uint32_t number;

    assert_int_equal(model_retry(f->model, 5, 0, f->now_ms, &f->fx, &number), RC_BAD_FIELD);
    assert_int_equal(model_retry(f->model, 8, 0, f->now_ms, &f->fx, &number), RC_OK);
    assert_int_equal(number, 9);
}

static void a_broker_that_was_set_back_makes_them_unknown_too(void **state)
{
    struct fixture *f = *state;

    restore_two(f);
    open_link(f);
    welcome(f, 4);
    assert_told(f, ZCHAT_LINK);
    assert_told_post(f, 5, ZCHAT_UNKNOWN);
    assert_told_post(f, 7, ZCHAT_UNKNOWN);
    assert_int_equal(post_to(f, "#lobby", 0), 4);
}

static void a_deadline_begins_anew(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(restore(f, 1, 2000), RC_OK);
    assert_int_equal(model_restored(f->model, 2), RC_OK);
    assert_told_post(f, 1, ZCHAT_WAITING);
    pass(f, 1999);
    assert_no_tell(f);
    pass(f, 1);
    assert_told_post(f, 1, ZCHAT_UNKNOWN);
    assert_int_equal(f->event.rc, RC_TIMEOUT);
    assert_int_equal(model_unanswered(f->model), 1);
}

static void nonsense_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(model_restored(f->model, 5), RC_BAD_FIELD);
    assert_int_equal(restore(f, 0, 0), RC_BAD_FIELD);
    assert_int_equal(restore(f, UINT32_MAX, 0), RC_BAD_FIELD);
    assert_int_equal(restore(f, 10, 0), RC_OK);
    assert_int_equal(restore(f, 10, 0), RC_BAD_FIELD);
    assert_int_equal(restore(f, 9, 0), RC_BAD_FIELD);
    assert_int_equal(restore(f, 10 + 1024, 0), RC_LIMIT);
    assert_int_equal(model_restore(f->model, 11, SPAN("lobby"), SPAN(""), SPAN("x"), 0, 0),
                     RC_BAD_NAME);
    assert_int_equal(model_restored(f->model, 10), RC_BAD_FIELD);
    assert_int_equal(model_restored(f->model, 11 + 1024), RC_LIMIT);
    assert_int_equal(restore(f, 10 + 1023, 0), RC_OK);
    assert_int_equal(model_restored(f->model, 10 + 1024), RC_OK);
    assert_int_equal(model_unanswered(f->model), 2);
}

static void the_next_number_is_known_before_the_post_is_made(void **state)
{
    struct fixture *f = *state;
    uint32_t number = 0;

    assert_int_equal(model_next_number(f->model, SPAN("#a"), SPAN(""), SPAN("x"), &number), RC_OK);
    assert_int_equal(number, 1);
    assert_int_equal(model_next_number(f->model, SPAN("#a"), SPAN(""), SPAN(""), &number),
                     RC_BAD_TEXT);
    for (uint32_t i = 1; i <= 1024; i++) {
        assert_int_equal(model_next_number(f->model, SPAN("#a"), SPAN(""), SPAN("x"), &number),
                         RC_OK);
        assert_int_equal(post_to(f, "#a", 0), number);
    }
    assert_int_equal(model_next_number(f->model, SPAN("#a"), SPAN(""), SPAN("x"), &number),
                     RC_BUSY);
}

static void a_refused_post_can_be_looked_at_until_it_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct span target, kind, text;
    uint32_t number;

    go_up(f);
    assert_int_equal(post_to(f, "#nowhere", 0), 1);
    assert_false(model_failed(f->model, 1, &target, &kind, &text));
    refuse_post(f, 1, RC_NO_SUCH_ROOM);
    assert_true(model_failed(f->model, 1, &target, &kind, &text));
    assert_true(span_equal(target, SPAN("#nowhere")));
    assert_true(span_equal(text, SPAN("hi")));
    assert_int_equal(model_retry(f->model, 1, 0, f->now_ms, &f->fx, &number), RC_OK);
    assert_false(model_failed(f->model, 1, &target, &kind, &text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(restored_posts_are_sent_under_their_numbers_before_new_ones),
        TEST(a_post_whose_answer_was_lost_with_its_run_is_answered_as_the_first_time),
        TEST(a_broker_that_knows_more_numbers_makes_the_old_ones_unknown),
        TEST(a_broker_that_was_set_back_makes_them_unknown_too),
        TEST(a_deadline_begins_anew),
        TEST(nonsense_is_refused),
        TEST(the_next_number_is_known_before_the_post_is_made),
        TEST(a_refused_post_can_be_looked_at_until_it_is_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
