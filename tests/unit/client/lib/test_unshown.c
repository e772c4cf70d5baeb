#include "tests/unit/client/lib/fixture.h"

/* Follow the own stream, which has the events 1 and 2 that are not confirmed. */
static void go_up_with_two_private_messages(struct fixture *f)
{
    const struct zchat_place place = {ZCHAT_FROM_SEQ, 1};

    go_up(f);
    assert_int_equal(model_follow(f->model, SPAN("@alice"), place, 0, f->now_ms, &f->fx), RC_OK);
    broadcast(f, MSG(PROBE, F(TOKEN, token, sent(f, VERB_PROBE, 0)->token)));

    struct message head = head_message("@alice", 0);

    message_set(&head, REF, ref, sent(f, VERB_HEAD, 0)->ref);
    receive(f, head);
    broadcast(f, event_message("@alice", 1));
    broadcast(f, event_message("@alice", 2));
}

static void what_is_told_is_confirmed_once_the_program_says_that_it_was_shown(void **state)
{
    struct fixture f = fixture_with((struct model_options){.is_inbox = true, .tells_shown = true});

    (void)state;
    go_up_with_two_private_messages(&f);
    assert_told(&f, ZCHAT_LIVE);
    assert_told_event(&f, "@alice", 1);
    assert_told_event(&f, "@alice", 2);
    assert_no_tell(&f);
    assert_int_equal(sent_count(&f, VERB_CONFIRM), 0);
    model_shown(f.model);
    assert_no_tell(&f);
    assert_int_equal(sent_count(&f, VERB_CONFIRM), 1);
    assert_int_equal(sent(&f, VERB_CONFIRM, 0)->seq, 2);
    fixture_fini(&f);
}

static void what_was_told_and_not_shown_is_not_confirmed_at_the_end(void **state)
{
    struct fixture f = fixture_with((struct model_options){.is_inbox = true, .tells_shown = true});

    (void)state;
    go_up_with_two_private_messages(&f);
    assert_told(&f, ZCHAT_LIVE);
    assert_told_event(&f, "@alice", 1);
    model_shown(f.model); /* the one in hand as well */
    assert_told_event(&f, "@alice", 2);
    model_closing(f.model, f.now_ms, &f.fx);
    assert_int_equal(sent(&f, VERB_CONFIRM, 0)->seq, 1);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_confirmed_once_the_program_says_that_it_was_shown),
        cmocka_unit_test(what_was_told_and_not_shown_is_not_confirmed_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
