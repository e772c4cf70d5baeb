/* POST, SKIP: numbers, answers, events (protocol 6.1, 6.2). */
#include "tests/support/core/talk.h"

/* Alice and bob are in #lobby. */
static void fill_lobby(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    join(stage, ALICE, "#lobby");
    join(stage, BOB, "#lobby");
}

static void a_post_is_acknowledged_only_when_it_is_stored_r19(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_post(stage, ALICE, 1, "#lobby");
    expect_silence(stage, ALICE);
    assert_int_equal(stage_count(stage, FX_PUBLISH), 0);
    assert_int_equal(stage_held(stage)->kind, OP_POST);
    assert_span(stage_held(stage)->text, "hi");
    assert_span(stage_held(stage)->kind_name, "message");
    assert_int_equal(stage_held(stage)->ts_ms, stage->wall_ms);
    stage_commit(stage);

    const struct message *ack = expect(stage, ALICE, VERB_ACK);
    assert_int_equal(ack->number, 1);
    assert_span(ack->stream, "#lobby");
    assert_int_equal(ack->seq, 3); /* behind two joins */
    assert_int_equal(ack->ts, stage->wall_ms);
    assert_false(message_has(ack, HAS_OWN_SEQ));
}

static void a_stored_post_is_published_in_clear_on_its_rooms_topic_r29(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_post(stage, ALICE, 1, "#lobby");
    stage_commit(stage);
    const struct said *said = stage_take(stage, FX_PUBLISH);
    assert_non_null(said);
    assert_span(said->effect.name, "#lobby");
    assert_null(said->effect.seal_key);
    assert_int_equal(said->effect.seq, 3);
    assert_span(said->message.from, "alice");
    assert_span(said->message.text, "hi");
    assert_int_equal(said->message.session, 11);
    assert_int_equal(said->message.number, 1);
}

static void a_private_message_stands_in_both_streams_and_is_sealed_r38(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    post(stage, ALICE, 1, "@alice"); /* so that the places differ */
    say_post(stage, ALICE, 2, "@bob");
    stage_commit(stage);

    const struct message *ack = expect(stage, ALICE, VERB_ACK);
    assert_span(ack->stream, "@bob");
    assert_int_equal(ack->seq, 1);
    assert_int_equal(ack->own_seq, 2);

    const struct said *bobs = stage_take(stage, FX_PUBLISH);
    assert_span(bobs->effect.name, "@bob");
    assert_non_null(bobs->effect.seal_key);
    assert_int_equal(bobs->effect.epoch, 1);
    assert_span(bobs->message.to, "bob");
    const struct said *alices = stage_take(stage, FX_PUBLISH);
    assert_span(alices->effect.name, "@alice");
    assert_non_null(alices->effect.seal_key);
    assert_ptr_not_equal(alices->effect.seal_key, bobs->effect.seal_key);
    assert_int_equal(alices->message.peer_seq, 1);
}

static void a_message_to_oneself_stands_once(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    say_post(stage, ALICE, 1, "@alice");
    stage_commit(stage);
    assert_false(message_has(expect(stage, ALICE, VERB_ACK), HAS_OWN_SEQ));
    assert_int_equal(stage_count(stage, FX_PUBLISH), 1);
}

static void a_notice_is_stored_as_one(void **state)
{
    struct stage *stage = *state;
    struct message notice = post_of(1, "#lobby", "hi");

    fill_lobby(stage);
    message_set(&notice, KIND, kind, SPAN("notice"));
    stage_say(stage, ALICE, &notice);
    stage_commit(stage);
    expect(stage, ALICE, VERB_ACK);
    assert_span(expect_topic(stage, "#lobby", VERB_EVENT)->kind, "notice");
}

static void a_repeated_post_gets_the_first_answer_and_makes_no_second_message_r20(void **state)
{
    struct stage *stage = *state;
    struct core_stats stats;

    fill_lobby(stage);
    post(stage, ALICE, 1, "#lobby");
    const uint64_t first_ts = stage->wall_ms;
    post(stage, ALICE, 2, "#lobby");
    stage_wait(stage, 5000);
    stage_clear(stage);
    say_post(stage, ALICE, 1, "@nobody"); /* whatever it says now */
    stage_commit(stage);

    const struct message *ack = expect(stage, ALICE, VERB_ACK);
    assert_int_equal(ack->number, 1);
    assert_int_equal(ack->seq, 3);
    assert_int_equal(ack->ts, first_ts);
    assert_int_equal(stage_count(stage, FX_PUBLISH), 0);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.count[COUNT_POSTS], 2);
    assert_int_equal(stats.count[COUNT_DUPLICATES], 1);
}

static void a_post_repeated_while_it_is_pending_is_answered_once(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    for (int i = 0; i < 3; i++)
        say_post(stage, ALICE, 1, "#lobby");
    assert_int_equal(stage->held_count, 1);
    stage_commit(stage);
    expect(stage, ALICE, VERB_ACK);
    expect_silence(stage, ALICE);
}

static void a_post_repeated_over_a_restart_makes_no_second_message_r20(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    post(stage, ALICE, 1, "#lobby");
    stage_restart(stage);
    enter(stage, ALICE, "alice", 11);
    say_post(stage, ALICE, 1, "#lobby");
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_ACK)->seq, 3);
    assert_int_equal(stage_count(stage, FX_PUBLISH), 0);
}

static void a_later_number_is_told_the_one_that_is_expected_r20(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_post(stage, ALICE, 3, "#lobby");
    assert_int_equal(expect(stage, ALICE, VERB_EXPECT)->next, 1);
    say_post(stage, ALICE, 1, "#lobby");
    say_post(stage, ALICE, 3, "#lobby"); /* 1 is on its way */
    assert_int_equal(expect(stage, ALICE, VERB_EXPECT)->next, 2);
    say_skip(stage, ALICE, 9);
    assert_int_equal(expect(stage, ALICE, VERB_EXPECT)->next, 2);
    say_post(stage, ALICE, UINT64_MAX, "#lobby");
    assert_int_equal(expect(stage, ALICE, VERB_EXPECT)->next, 2);
    assert_int_equal(stage->held_count, 1);
}

static void number_0_is_no_number(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_post(stage, ALICE, 0, "#lobby");
    expect_error(stage, ALICE, RC_BAD_FIELD);
    say_skip(stage, ALICE, 0);
    expect_error(stage, ALICE, RC_BAD_FIELD);
    assert_int_equal(stage->held_count, 0);
}

static void an_answer_more_than_256_numbers_back_is_too_old_r20(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    for (uint64_t number = 1; number <= 257; number++)
        post(stage, ALICE, number, "#lobby");
    say_post(stage, ALICE, 1, "#lobby");
    say_post(stage, ALICE, 2, "#lobby");
    stage_commit(stage);
    assert_int_equal(expect_error(stage, ALICE, RC_TOO_OLD)->number, 1);
    assert_int_equal(expect(stage, ALICE, VERB_ACK)->number, 2);
}

/* Every way to refuse: the answer comes from the store, is given again, and the next number is next. */
static void a_refused_post_has_used_up_its_number_r21(void **state)
{
    struct stage *stage = *state;
    char too_long[TEXT_BYTES_MAX + 2];
    struct message bad_kind = post_of(5, "#lobby", "hi");
    uint64_t number = 0;

    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    join(stage, BOB, "#lobby");
    memset(too_long, 'x', sizeof too_long);
    too_long[sizeof too_long - 1] = '\0';
    message_set(&bad_kind, KIND, kind, SPAN("shout"));
    const struct {
        struct message post;
        enum rc rc;
    } cases[] = {
        {post_of(1, "#lobby", "hi"), RC_NOT_MEMBER},
        {post_of(2, "#none", "hi"), RC_NO_SUCH_ROOM},
        {post_of(3, "@nobody", "hi"), RC_NO_SUCH_NICK},
        {post_of(4, "@bob", ""), RC_BAD_TEXT},
        {bad_kind, RC_BAD_FIELD},
        {post_of(6, "@bob", too_long), RC_TOO_BIG},
        {post_of(7, "neither", "hi"), RC_NO_SUCH_NICK},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        number = cases[i].post.number;
        stage_say(stage, ALICE, &cases[i].post);
        expect_silence(stage, ALICE);
        assert_int_equal(stage_held(stage)->kind, OP_VOID);
        stage_commit(stage);
        assert_int_equal(expect_error(stage, ALICE, cases[i].rc)->number, number);
    }
    assert_int_equal(stage_count(stage, FX_PUBLISH), 0);
    join(stage, ALICE, "#lobby");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) { /* now it would be good */
        say_post(stage, ALICE, cases[i].post.number, "#lobby");
        stage_commit(stage);
        expect_error(stage, ALICE, cases[i].rc);
    }
    post(stage, ALICE, number + 1, "#lobby");
}

static void a_post_that_the_shell_refuses_has_used_up_its_number_r21(void **state)
{
    struct stage *stage = *state;
    struct message post = {.verb = VERB_POST};

    fill_lobby(stage);
    message_set(&post, NUMBER, number, 1);
    stage_say_refused(stage, ALICE, &post, RC_BAD_TEXT);
    stage_commit(stage);
    assert_int_equal(expect_error(stage, ALICE, RC_BAD_TEXT)->number, 1);

    post.number = 5; /* not its turn */
    stage_say_refused(stage, ALICE, &post, RC_BAD_TEXT);
    assert_int_equal(expect(stage, ALICE, VERB_EXPECT)->next, 2);

    post.number = 2; /* to be sent again: the number is not used up */
    stage_say_refused(stage, ALICE, &post, RC_BUSY);
    assert_int_equal(expect_error(stage, ALICE, RC_BUSY)->number, 2);
    assert_int_equal(stage->held_count, 0);

    post.has = 0; /* no number could be read */
    stage_say_refused(stage, ALICE, &post, RC_BAD_FIELD);
    assert_false(message_has(expect_error(stage, ALICE, RC_BAD_FIELD), HAS_NUMBER));
    assert_int_equal(stage->held_count, 0);
}

static void a_skip_that_the_shell_refuses_says_nothing_about_the_number(void **state)
{
    struct stage *stage = *state;
    struct message skip = {.verb = VERB_SKIP};

    fill_lobby(stage);
    message_set(&skip, NUMBER, number, 1);
    stage_say_refused(stage, ALICE, &skip, RC_BAD_FIELD); /* given twice, perhaps */
    assert_false(message_has(expect_error(stage, ALICE, RC_BAD_FIELD), HAS_NUMBER));
    post(stage, ALICE, 1, "#lobby");
}

static void a_full_disk_does_not_use_up_a_number_r21(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    for (uint64_t number = 1; number <= 3; number++)
        say_post(stage, ALICE, number, "#lobby");
    for (uint64_t number = 1; number <= 3; number++) {
        stage_fail(stage, RC_DISK_FULL, 1);
        const struct message *error = expect_error(stage, ALICE, RC_DISK_FULL);
        assert_int_equal(error->number, number);
        assert_true(error->retry > 0);
    }
    say_post(stage, ALICE, 2, "#lobby");
    assert_int_equal(expect(stage, ALICE, VERB_EXPECT)->next, 1);
    for (uint64_t number = 1; number <= 3; number++)
        post(stage, ALICE, number, "#lobby");
}

/* One of several was refused for a while: the store expects it before the later ones. */
static void what_came_behind_a_lost_number_is_told_to_wait(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    for (uint64_t number = 1; number <= 3; number++)
        say_post(stage, ALICE, number, "#lobby");
    stage_fail(stage, RC_DISK_FULL, 1); /* then there is room again */
    say_post(stage, ALICE, 1, "#lobby");
    stage_commit(stage);
    assert_int_equal(expect_error(stage, ALICE, RC_DISK_FULL)->number, 1);
    assert_int_equal(expect(stage, ALICE, VERB_EXPECT)->next, 1); /* to 2 */
    assert_int_equal(expect(stage, ALICE, VERB_EXPECT)->next, 1); /* to 3 */
    assert_int_equal(expect(stage, ALICE, VERB_ACK)->number, 1);
    post(stage, ALICE, 2, "#lobby");
    post(stage, ALICE, 3, "#lobby");
}

static void a_window_of_256_posts_may_be_unanswered_r22(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    for (uint64_t number = 1; number <= POST_WINDOW; number++)
        say_post(stage, ALICE, number, "#lobby");
    expect_silence(stage, ALICE);
    say_post(stage, ALICE, POST_WINDOW + 1, "#lobby");
    const struct message *error = expect_error(stage, ALICE, RC_BUSY);
    assert_int_equal(error->number, POST_WINDOW + 1);
    assert_int_equal(error->retry, BUSY_RETRY_MS);
    say_post(stage, BOB, 1, "#lobby"); /* others are not held up */
    expect_silence(stage, BOB);
    stage_commit(stage);
    for (uint64_t number = 1; number <= POST_WINDOW; number++)
        assert_int_equal(expect(stage, ALICE, VERB_ACK)->number, number);
    post(stage, ALICE, POST_WINDOW + 1, "#lobby");
}

static void a_busy_broker_does_not_use_up_a_number_r21(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.pending_max = 2;
    reopen_stage(stage, &limits);
    fill_lobby(stage);
    for (uint64_t number = 1; number <= 3; number++)
        say_post(stage, ALICE, number, "#lobby");
    assert_int_equal(expect_error(stage, ALICE, RC_BUSY)->number, 3);
    stage_commit(stage);
    expect(stage, ALICE, VERB_ACK);
    expect(stage, ALICE, VERB_ACK);
    post(stage, ALICE, 3, "#lobby");
}

static void skip_gives_up_a_number_r25(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_skip(stage, ALICE, 1);
    expect_silence(stage, ALICE); /* not before it is stored */
    stage_commit(stage);
    assert_int_equal(expect_error(stage, ALICE, RC_VOIDED)->number, 1);
    say_post(stage, ALICE, 1, "#lobby"); /* the post comes late: never */
    stage_commit(stage);
    expect_error(stage, ALICE, RC_VOIDED);
    assert_int_equal(stage_count(stage, FX_PUBLISH), 0);
    post(stage, ALICE, 2, "#lobby");
}

static void skip_of_an_answered_number_tells_its_answer(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    post(stage, ALICE, 1, "#lobby");
    say_post(stage, ALICE, 2, "#none");
    stage_commit(stage);
    stage_clear(stage);
    say_skip(stage, ALICE, 1);
    say_skip(stage, ALICE, 2);
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_ACK)->seq, 3);
    expect_error(stage, ALICE, RC_NO_SUCH_ROOM);
}

static void skip_of_a_pending_post_is_answered_by_its_ack(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_post(stage, ALICE, 1, "#lobby");
    say_skip(stage, ALICE, 1);
    stage_commit(stage);
    expect(stage, ALICE, VERB_ACK);
    expect_silence(stage, ALICE);
}

static void the_post_of_a_session_that_ended_is_published_all_the_same(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_post(stage, ALICE, 1, "#lobby");
    say(stage, ALICE, VERB_BYE, NULL);
    stage_commit(stage);
    expect_silence(stage, ALICE);
    assert_int_equal(expect_topic(stage, "#lobby", VERB_EVENT)->seq, 3);
    say_hello(stage, ALICE, "alice", 11);
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->next, 2);
}

/* HELLO overtakes nothing: what was posted before it is counted. */
static void hello_after_bye_counts_what_was_still_pending(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_post(stage, ALICE, 1, "#lobby");
    say_post(stage, ALICE, 2, "#lobby");
    say(stage, ALICE, VERB_BYE, NULL);
    say_hello(stage, ALICE, "alice", 11);
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->next, 3);
    post(stage, ALICE, 3, "#lobby");
}

static void hello_while_posts_are_pending_counts_them(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_post(stage, ALICE, 1, "#lobby");
    say_hello(stage, ALICE, "alice", 11);
    say_post(stage, ALICE, 2, "#lobby");
    stage_commit(stage);
    expect(stage, ALICE, VERB_ACK);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->next, 3);
    assert_int_equal(expect(stage, ALICE, VERB_ACK)->number, 2);
    post(stage, ALICE, 3, "#lobby");
}

/* The session was somebody else's all along: posted between two HELLOs that raced. */
static void the_stores_word_on_whose_session_it_is_reaches_the_poster(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say_post(stage, ALICE, 1, "#lobby");
    stage_fail(stage, RC_SESSION_TAKEN, 0);
    assert_int_equal(expect_error(stage, ALICE, RC_SESSION_TAKEN)->number, 1);
}

static void a_post_after_leaving_is_refused_r24(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage);
    say(stage, ALICE, VERB_LEAVE, "#lobby");
    stage_commit(stage);
    stage_clear(stage);
    say_post(stage, ALICE, 1, "#lobby");
    stage_commit(stage);
    expect_error(stage, ALICE, RC_NOT_MEMBER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(a_post_is_acknowledged_only_when_it_is_stored_r19),
        on_stage(a_stored_post_is_published_in_clear_on_its_rooms_topic_r29),
        on_stage(a_private_message_stands_in_both_streams_and_is_sealed_r38),
        on_stage(a_message_to_oneself_stands_once),
        on_stage(a_notice_is_stored_as_one),
        on_stage(a_repeated_post_gets_the_first_answer_and_makes_no_second_message_r20),
        on_stage(a_post_repeated_while_it_is_pending_is_answered_once),
        on_stage(a_post_repeated_over_a_restart_makes_no_second_message_r20),
        on_stage(a_later_number_is_told_the_one_that_is_expected_r20),
        on_stage(number_0_is_no_number),
        on_stage(an_answer_more_than_256_numbers_back_is_too_old_r20),
        on_stage(a_refused_post_has_used_up_its_number_r21),
        on_stage(a_post_that_the_shell_refuses_has_used_up_its_number_r21),
        on_stage(a_skip_that_the_shell_refuses_says_nothing_about_the_number),
        on_stage(a_full_disk_does_not_use_up_a_number_r21),
        on_stage(what_came_behind_a_lost_number_is_told_to_wait),
        on_stage(a_window_of_256_posts_may_be_unanswered_r22),
        on_stage(a_busy_broker_does_not_use_up_a_number_r21),
        on_stage(skip_gives_up_a_number_r25),
        on_stage(skip_of_an_answered_number_tells_its_answer),
        on_stage(skip_of_a_pending_post_is_answered_by_its_ack),
        on_stage(the_post_of_a_session_that_ended_is_published_all_the_same),
        on_stage(hello_after_bye_counts_what_was_still_pending),
        on_stage(hello_while_posts_are_pending_counts_them),
        on_stage(the_stores_word_on_whose_session_it_is_reaches_the_poster),
        on_stage(a_post_after_leaving_is_refused_r24),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
