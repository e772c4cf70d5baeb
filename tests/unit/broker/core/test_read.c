/* FETCH, HEAD, MARK (protocol 7). */
#include "tests/support/core/talk.h"

static void fill_lobby(struct stage *stage, uint64_t posts)
{
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    join(stage, ALICE, "#lobby");
    for (uint64_t number = 1; number <= posts; number++)
        post(stage, ALICE, number, "#lobby");
}

static const struct effect *expect_read(struct stage *stage)
{
    const struct said *said = stage_take(stage, FX_READ);

    assert_non_null(said);
    return &said->effect;
}

static void fetch_asks_for_all_when_it_says_nothing_else(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage, 2);
    say(stage, BOB, VERB_FETCH, "#lobby"); /* no member: a room may be read by everybody, r35 */
    const struct effect *read = expect_read(stage);
    assert_int_equal(read->peer.v, BOB.v);
    assert_span(read->name, "#lobby");
    assert_true(read->read.has_ref);
    assert_int_equal(read->read.ref, 7);
    assert_int_equal(read->read.first, 1);
    assert_int_equal(read->read.last, 3); /* the head of this moment: the room may become private */
    assert_int_equal(read->read.credit, 1);
    const struct message *events = expect(stage, BOB, VERB_EVENTS);
    assert_int_equal(events->first, 1);
    assert_int_equal(events->last, 3);
    assert_true(events->done);
}

static void fetch_hands_its_range_on(void **state)
{
    struct stage *stage = *state;
    struct message fetch = {.verb = VERB_FETCH};

    fill_lobby(stage, 2);
    message_set(&fetch, STREAM, stream, SPAN("#lobby"));
    message_set(&fetch, FIRST, first, 2);
    message_set(&fetch, LAST, last, 2);
    message_set(&fetch, CREDIT, credit, FETCH_CREDIT_MAX);
    message_set(&fetch, SINCE, since, 5); /* `first` goes before it */
    stage_say(stage, ALICE, &fetch);
    const struct effect *read = expect_read(stage);
    assert_int_equal(read->read.first, 2);
    assert_int_equal(read->read.last, 2);
    assert_int_equal(read->read.credit, FETCH_CREDIT_MAX);
    assert_int_equal(read->read.since_ms, 0);
    assert_false(read->read.has_ref);

    fetch.first = 0;
    stage_say(stage, ALICE, &fetch);
    read = expect_read(stage);
    assert_int_equal(read->read.first, 0);
    assert_int_equal(read->read.since_ms, 5);

    fetch.first = 3; /* behind the last */
    stage_say(stage, ALICE, &fetch);
    stage_clear(stage);
    stage_say(stage, ALICE, &fetch);
    assert_span(expect_error(stage, ALICE, RC_BAD_FIELD)->stream, "#lobby");
}

static void a_ref_of_0_is_a_ref(void **state)
{
    struct stage *stage = *state;
    struct message fetch = ask_of(VERB_FETCH, "#lobby");

    fill_lobby(stage, 0);
    fetch.ref = 0;
    stage_say(stage, ALICE, &fetch);
    assert_true(expect_read(stage)->read.has_ref);
}

static void a_persons_stream_is_read_by_its_person_only_r35(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage, 0);
    for (int i = 0; i < 2; i++) {
        const enum verb verb = i == 0 ? VERB_FETCH : VERB_HEAD;

        say(stage, BOB, verb, "@alice");
        const struct message *error = expect_error(stage, BOB, RC_DENIED);
        assert_span(error->stream, "@alice");
        assert_int_equal(error->ref, 7);
        say(stage, BOB, verb, "@nobody");
        expect_error(stage, BOB, RC_NO_SUCH_NICK);
        say(stage, BOB, verb, "#none");
        expect_error(stage, BOB, RC_NO_SUCH_ROOM);
        say(stage, BOB, verb, "");
        expect_error(stage, BOB, RC_NO_SUCH_NICK);
        say(stage, ALICE, verb, "@alice");
        expect(stage, ALICE, i == 0 ? VERB_EVENTS : VERB_HEAD);
    }
}

static void fetches_without_their_last_frame_are_bounded_r36(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage, 0);
    stage->has_hands_off = true;
    for (int i = 0; i < FETCH_OUTSTANDING_MAX; i++)
        say(stage, ALICE, VERB_FETCH, "#lobby");
    say(stage, ALICE, VERB_FETCH, "#lobby");
    expect_error(stage, ALICE, RC_LIMIT);
    stage_read_done(stage, ALICE);
    say(stage, ALICE, VERB_FETCH, "#lobby");
    expect_silence(stage, ALICE);
    say(stage, ALICE, VERB_FETCH, "#lobby");
    expect_error(stage, ALICE, RC_LIMIT);
    say(stage, BOB, VERB_FETCH, "#lobby"); /* counts for itself */
    expect_silence(stage, BOB);
}

/* Another HELLO does not make the readers forget what they were asked. */
static void fetches_count_over_a_change_of_session(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage, 0);
    stage->has_hands_off = true;
    for (int i = 0; i < FETCH_OUTSTANDING_MAX; i++)
        say(stage, ALICE, VERB_FETCH, "#lobby");
    enter(stage, ALICE, "alice", 11);
    say(stage, ALICE, VERB_FETCH, "#lobby");
    expect_error(stage, ALICE, RC_LIMIT);
    enter(stage, ALICE, "alice", 21);
    say(stage, ALICE, VERB_FETCH, "#lobby");
    expect_error(stage, ALICE, RC_LIMIT);
    enter(stage, CAROL, "alice", 21); /* the session moves: its answers went to the old place */
    say(stage, CAROL, VERB_FETCH, "#lobby");
    expect_silence(stage, CAROL);
}

static void reads_of_all_together_are_bounded(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.pending_max = 3;
    reopen_stage(stage, &limits);
    fill_lobby(stage, 0);
    stage->has_hands_off = true;
    for (uint32_t i = 0; i < 3; i++) { /* a session that wanders */
        const peer_id peer = {10 + i};
        enter(stage, peer, "alice", 30);
        say(stage, peer, VERB_FETCH, "#lobby");
        expect_silence(stage, peer);
    }
    say(stage, BOB, VERB_FETCH, "#lobby");
    assert_true(expect_error(stage, BOB, RC_BUSY)->retry > 0);
    stage_read_done(stage, (peer_id){10}); /* has no session any more */
    say(stage, BOB, VERB_FETCH, "#lobby");
    expect_silence(stage, BOB);
}

static void an_answered_read_that_nobody_asked_is_harmless(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage, 0);
    stage_read_done(stage, ALICE);
    stage_read_done(stage, (peer_id){99});
    say(stage, ALICE, VERB_FETCH, "#lobby");
    expect(stage, ALICE, VERB_EVENTS);
}

static void head_tells_how_far_a_stream_is_r31(void **state)
{
    struct stage *stage = *state;

    fill_lobby(stage, 2);
    say(stage, BOB, VERB_HEAD, "#lobby");
    const struct message *head = expect(stage, BOB, VERB_HEAD);
    assert_int_equal(head->ref, 7);
    assert_span(head->stream, "#lobby");
    assert_int_equal(head->seq, 3);
}

/* --- marks --------------------------------------------------------------------------- */

static struct message mark_of(const char *name, const char *stream)
{
    struct message mark = ask_of(VERB_MARK, stream);

    message_set(&mark, NAME, name, span_of(name));
    return mark;
}

static void a_mark_is_answered_when_it_is_on_disk_and_told_again(void **state)
{
    struct stage *stage = *state;
    struct message mark = mark_of("bot", "#lobby");

    fill_lobby(stage, 2);
    stage_say(stage, ALICE, &mark);
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_MARK)->seq, 0); /* never set */

    message_set(&mark, SEQ, seq, 2);
    stage_say(stage, ALICE, &mark);
    expect_silence(stage, ALICE);
    stage_commit(stage);
    const struct message *answer = expect(stage, ALICE, VERB_MARK);
    assert_span(answer->name, "bot");
    assert_span(answer->stream, "#lobby");
    assert_int_equal(answer->seq, 2);
    assert_int_equal(answer->ref, 7);

    stage_restart(stage);
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    mark = mark_of("bot", "#lobby");
    stage_say(stage, ALICE, &mark);
    stage_say(stage, BOB, &mark); /* a mark is a person's own */
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_MARK)->seq, 2);
    assert_int_equal(expect(stage, BOB, VERB_MARK)->seq, 0);
}

static void what_may_not_be_read_may_not_be_marked(void **state)
{
    struct stage *stage = *state;
    struct message mark = mark_of("bot", "@alice");

    fill_lobby(stage, 0);
    stage_say(stage, BOB, &mark);
    assert_span(expect_error(stage, BOB, RC_DENIED)->stream, "@alice");
    mark = mark_of("bot", "#none");
    stage_say(stage, BOB, &mark);
    expect_error(stage, BOB, RC_NO_SUCH_ROOM);
}

static void a_marks_name_has_1_to_64_bytes(void **state)
{
    struct stage *stage = *state;
    char name[STREAM_BYTES_MAX + 8] = {0};
    struct message mark = mark_of("", "#lobby");

    fill_lobby(stage, 0);
    stage_say(stage, ALICE, &mark);
    expect_error(stage, ALICE, RC_BAD_FIELD);
    memset(name, 'x', sizeof name - 1);
    mark = mark_of(name, "#lobby"); /* longer than anything the core keeps */
    stage_say(stage, ALICE, &mark);
    expect_error(stage, ALICE, RC_TOO_BIG);
    name[MARK_NAME_BYTES_MAX] = '\0';
    mark = mark_of(name, "#lobby");
    stage_say(stage, ALICE, &mark);
    stage_commit(stage);
    expect(stage, ALICE, VERB_MARK);
}

static void marks_wait_when_the_broker_is_behind_or_its_disk_is_full(void **state)
{
    struct stage *stage = *state;
    struct message mark = mark_of("bot", "#lobby");
    struct core_limits limits = stage->limits;

    limits.pending_max = 1;
    reopen_stage(stage, &limits);
    fill_lobby(stage, 0);
    message_set(&mark, SEQ, seq, 1);
    stage_say(stage, ALICE, &mark);
    stage_say(stage, BOB, &mark);
    expect_error(stage, BOB, RC_BUSY);
    stage_fail(stage, RC_DISK_FULL, 0);
    assert_int_equal(expect_error(stage, ALICE, RC_DISK_FULL)->ref, 7);
}

static void one_connection_cannot_take_the_store_from_the_others(void **state)
{
    struct stage *stage = *state;
    struct message mark = mark_of("bot", "#lobby");

    fill_lobby(stage, 0);
    message_set(&mark, SEQ, seq, 1);
    for (int i = 0; i < ASKS_OUTSTANDING_MAX; i++)
        stage_say(stage, ALICE, &mark);
    stage_clear(stage);
    stage_say(stage, ALICE, &mark);
    expect_error(stage, ALICE, RC_BUSY);
    say_hello(stage, ALICE, "alice", 13); /* another session is no way around it */
    expect_error(stage, ALICE, RC_BUSY);
    say_post(stage, ALICE, 1, "#lobby"); /* posts have their window */
    stage_say(stage, BOB, &mark);
    assert_int_equal(stage_count_replies(stage, BOB, VERB_ERROR), 0);
    stage_commit_all(stage);
    assert_int_equal(stage_count_replies(stage, ALICE, VERB_ACK), 1);
    assert_int_equal(stage_count_replies(stage, BOB, VERB_MARK), 1);
    stage_say(stage, ALICE, &mark);
    assert_int_equal(stage_count_replies(stage, ALICE, VERB_ERROR), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(fetch_asks_for_all_when_it_says_nothing_else),
        on_stage(fetch_hands_its_range_on),
        on_stage(a_ref_of_0_is_a_ref),
        on_stage(a_persons_stream_is_read_by_its_person_only_r35),
        on_stage(fetches_without_their_last_frame_are_bounded_r36),
        on_stage(fetches_count_over_a_change_of_session),
        on_stage(reads_of_all_together_are_bounded),
        on_stage(an_answered_read_that_nobody_asked_is_harmless),
        on_stage(head_tells_how_far_a_stream_is_r31),
        on_stage(a_mark_is_answered_when_it_is_on_disk_and_told_again),
        on_stage(what_may_not_be_read_may_not_be_marked),
        on_stage(a_marks_name_has_1_to_64_bytes),
        on_stage(marks_wait_when_the_broker_is_behind_or_its_disk_is_full),
        on_stage(one_connection_cannot_take_the_store_from_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
