/* JOIN, LEAVE, ROOMS, WHO (protocol 7.3). */
#include "tests/support/core/talk.h"

static void a_room_is_made_when_it_is_asked_for(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    say(stage, ALICE, VERB_JOIN, "#lobby");
    const struct message *error = expect_error(stage, ALICE, RC_NO_SUCH_ROOM);
    assert_int_equal(error->ref, 7);
    assert_span(error->stream, "#lobby");

    say_join(stage, ALICE, "#lobby");
    expect_silence(stage, ALICE);
    stage_commit(stage);
    const struct message *joined = expect(stage, ALICE, VERB_JOINED);
    assert_int_equal(joined->ref, 7);
    assert_span(joined->stream, "#lobby");
    assert_int_equal(joined->seq, 1);
    assert_int_equal(joined->people, 1);
}

static void the_first_join_appends_an_event_and_joining_again_none_r37(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    say_join(stage, ALICE, "#lobby");
    stage_commit(stage);
    const struct message *event = expect_topic(stage, "#lobby", VERB_EVENT);
    assert_span(event->type, "join");
    assert_span(event->from, "alice");
    stage_clear(stage);

    say_join(stage, ALICE, "#lobby");
    assert_int_equal(stage->held_count, 0);
    assert_int_equal(expect(stage, ALICE, VERB_JOINED)->seq, 1);
}

static void leaving_appends_an_event_once_r37(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    say(stage, ALICE, VERB_LEAVE, "#lobby");
    expect_silence(stage, ALICE);
    stage_commit(stage);
    const struct message *left = expect(stage, ALICE, VERB_LEFT);
    assert_int_equal(left->ref, 7);
    assert_span(left->stream, "#lobby");
    assert_span(expect_topic(stage, "#lobby", VERB_EVENT)->type, "leave");
    stage_clear(stage);

    say(stage, ALICE, VERB_LEAVE, "#lobby");
    expect(stage, ALICE, VERB_LEFT);
    assert_int_equal(stage->held_count, 0);
    join(stage, ALICE, "#lobby");
    say_join(stage, ALICE, "#lobby"); /* nothing is on its way any more */
    expect(stage, ALICE, VERB_JOINED);
    assert_int_equal(stage->held_count, 0);
}

static void what_is_no_room_is_not_joined_nor_left(void **state)
{
    struct stage *stage = *state;
    char long_name[STREAM_BYTES_MAX + 2] = "#";

    memset(long_name + 1, 'x', STREAM_BYTES_MAX);
    enter(stage, ALICE, "alice", 11);
    static const char *const names[] = {"@alice", "#", "", "lobby"};
    for (size_t i = 0; i < 4; i++) {
        say_join(stage, ALICE, names[i]);
        expect_error(stage, ALICE, RC_BAD_NAME);
        say(stage, ALICE, VERB_LEAVE, names[i]);
        expect_error(stage, ALICE, RC_NO_SUCH_ROOM);
        say(stage, ALICE, VERB_WHO, names[i]);
        expect_error(stage, ALICE, RC_NO_SUCH_ROOM);
    }
    say_join(stage, ALICE, long_name);
    expect_error(stage, ALICE, RC_BAD_NAME);
    say(stage, ALICE, VERB_LEAVE, "#none");
    expect_error(stage, ALICE, RC_NO_SUCH_ROOM);
    assert_int_equal(stage->held_count, 0);
}

static void people_who_make_one_room_at_once_are_both_in_it(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    say_join(stage, ALICE, "#lobby");
    say_join(stage, BOB, "#lobby");
    stage_commit(stage);
    expect(stage, ALICE, VERB_JOINED);
    assert_int_equal(expect(stage, BOB, VERB_JOINED)->people, 2);
    post(stage, ALICE, 1, "#lobby");
    post(stage, BOB, 1, "#lobby");
}

static void join_and_leave_take_effect_in_the_order_they_were_asked(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    say(stage, ALICE, VERB_LEAVE, "#lobby");
    say_join(stage, ALICE, "#lobby");
    stage_commit(stage);
    expect(stage, ALICE, VERB_LEFT);
    assert_int_equal(expect(stage, ALICE, VERB_JOINED)->people, 1);
    post(stage, ALICE, 1, "#lobby");

    say(stage, ALICE, VERB_LEAVE, "#lobby");
    say_join(stage, ALICE, "#lobby");
    say(stage, ALICE, VERB_LEAVE, "#lobby");
    stage_commit(stage);
    expect(stage, ALICE, VERB_LEFT);
    expect(stage, ALICE, VERB_JOINED);
    expect(stage, ALICE, VERB_LEFT);
    stage_clear(stage);
    say_post(stage, ALICE, 2, "#lobby");
    stage_commit(stage);
    expect_error(stage, ALICE, RC_NOT_MEMBER);
}

static void leaving_twice_at_once_is_answered_twice(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "alice", 12); /* two devices */
    join(stage, ALICE, "#lobby");
    say(stage, ALICE, VERB_LEAVE, "#lobby");
    say(stage, BOB, VERB_LEAVE, "#lobby");
    stage_commit(stage);
    expect(stage, ALICE, VERB_LEFT);
    expect(stage, BOB, VERB_LEFT);
    assert_int_equal(stage_count(stage, FX_PUBLISH), 1);
}

static void a_full_disk_refuses_join_and_leave_and_nothing_changes(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    say_join(stage, ALICE, "#lobby");
    stage_fail(stage, RC_DISK_FULL, 0);
    const struct message *error = expect_error(stage, ALICE, RC_DISK_FULL);
    assert_span(error->stream, "#lobby");
    assert_int_equal(error->ref, 7);
    join(stage, ALICE, "#lobby");
    say(stage, ALICE, VERB_LEAVE, "#lobby");
    stage_fail(stage, RC_DISK_FULL, 0);
    assert_span(expect_error(stage, ALICE, RC_DISK_FULL)->stream, "#lobby");
    post(stage, ALICE, 1, "#lobby");
}

static void a_room_that_looks_like_another_is_not_made_r12(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    say_join(stage, ALICE, "#1obby");
    stage_fail(stage, RC_CONFUSABLE, 0);
    assert_span(expect_error(stage, ALICE, RC_CONFUSABLE)->stream, "#1obby");
    say(stage, ALICE, VERB_ROOMS, NULL);
    expect(stage, ALICE, VERB_END);
}

static void a_full_room_takes_nobody_more(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.room_members_max = 2;
    reopen_stage(stage, &limits);
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    enter(stage, CAROL, "carol", 13);
    join(stage, ALICE, "#lobby");
    say_join(stage, BOB, "#lobby"); /* on its way */
    say_join(stage, CAROL, "#lobby");
    expect_error(stage, CAROL, RC_BUSY); /* bob may yet fail */
    stage_commit(stage);
    expect(stage, BOB, VERB_JOINED);
    say_join(stage, CAROL, "#lobby");
    expect_error(stage, CAROL, RC_ROOM_FULL);

    say(stage, BOB, VERB_LEAVE, "#lobby");
    say_join(stage, ALICE, "#lobby"); /* a member needs no place */
    stage_commit(stage);
    expect(stage, BOB, VERB_LEFT);
    expect(stage, ALICE, VERB_JOINED);
    join(stage, CAROL, "#lobby");
}

/* All of them ask at the same time, and ask again while they are told to: the first ones come in, the others are told why not. */
static void of_many_who_come_at_once_as_many_as_fit_come_in(void **state)
{
    enum { PEOPLE = 12, PLACES = 5 };
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;
    enum rc told[PEOPLE];
    unsigned joined = 0, waiting = PEOPLE;

    limits.room_members_max = PLACES;
    reopen_stage(stage, &limits);
    for (unsigned i = 0; i < PEOPLE; i++) {
        char nick[16];

        snprintf(nick, sizeof(nick), "person%u", i);
        enter(stage, (peer_id){100 + i}, nick, 100 + i);
        told[i] = RC_BUSY;
    }
    for (unsigned round = 0; waiting > 0; round++) {
        assert_true(round < 3);
        for (unsigned i = 0; i < PEOPLE; i++) {
            if (told[i] == RC_BUSY)
                say_join(stage, (peer_id){100 + i}, "#lobby");
        }
        stage_commit_all(stage);
        waiting = 0;
        for (unsigned i = 0; i < PEOPLE; i++) {
            if (told[i] != RC_BUSY)
                continue;
            const struct said *said = stage_take_reply(stage, (peer_id){100 + i}, VERB_NONE);

            assert_non_null(said);
            told[i] = said->message.verb == VERB_JOINED ? RC_OK : (enum rc)said->message.code;
            joined += told[i] == RC_OK;
            waiting += told[i] == RC_BUSY;
        }
        stage_clear(stage);
    }
    assert_int_equal(joined, PLACES);
    for (unsigned i = 0; i < PEOPLE; i++)
        assert_int_equal(told[i], i < PLACES ? RC_OK : RC_ROOM_FULL);
}

static void rooms_are_bounded_also_those_on_their_way(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.rooms_max = 2;
    reopen_stage(stage, &limits);
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    say_join(stage, ALICE, "#one");
    say_join(stage, ALICE, "#two");
    say_join(stage, BOB, "#three");
    expect_error(stage, BOB, RC_BUSY); /* two places are kept; they may come free */
    stage_commit(stage);
    expect(stage, ALICE, VERB_JOINED);
    expect(stage, ALICE, VERB_JOINED);
    say_join(stage, BOB, "#three");
    expect_error(stage, BOB, RC_LIMIT);
    join(stage, BOB, "#one"); /* is there */
}

static void memberships_are_bounded_also_those_on_their_way(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.memberships_max = 2;
    reopen_stage(stage, &limits);
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    say_join(stage, ALICE, "#one");
    say_join(stage, ALICE, "#two");
    say_join(stage, BOB, "#three");
    expect_error(stage, BOB, RC_BUSY);
    stage_commit(stage);
    expect(stage, ALICE, VERB_JOINED);
    expect(stage, ALICE, VERB_JOINED);
    say_join(stage, BOB, "#one");
    expect_error(stage, BOB, RC_LIMIT);
    say(stage, ALICE, VERB_LEAVE, "#two");
    say_join(stage, ALICE, "#two"); /* comes back to her own place */
    say_join(stage, BOB, "#one");
    expect_error(stage, BOB, RC_LIMIT);
    stage_commit(stage);
    expect(stage, ALICE, VERB_LEFT);
    expect(stage, ALICE, VERB_JOINED);
    say(stage, ALICE, VERB_LEAVE, "#two");
    stage_commit(stage);
    join(stage, BOB, "#one");
}

static void join_and_leave_are_busy_when_too_much_is_pending(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.pending_max = 1;
    reopen_stage(stage, &limits);
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    say_join(stage, ALICE, "#two");
    say_join(stage, ALICE, "#three");
    expect_error(stage, ALICE, RC_BUSY);
    say(stage, ALICE, VERB_LEAVE, "#lobby");
    expect_error(stage, ALICE, RC_BUSY);
    stage_commit(stage);
    expect(stage, ALICE, VERB_JOINED);
}

static void membership_is_kept_over_sessions_and_restarts(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    say(stage, ALICE, VERB_BYE, NULL);
    enter(stage, ALICE, "alice", 12);
    post(stage, ALICE, 1, "#lobby");
    stage_restart(stage);
    enter(stage, ALICE, "alice", 13);
    post(stage, ALICE, 1, "#lobby");
    say_join(stage, ALICE, "#lobby");
    assert_int_equal(expect(stage, ALICE, VERB_JOINED)->people, 1);
}

static void rooms_are_told_with_head_and_people(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    join(stage, ALICE, "#one");
    join(stage, BOB, "#one");
    join(stage, BOB, "#two");
    say(stage, ALICE, VERB_ROOMS, NULL);
    const struct message *room = expect(stage, ALICE, VERB_ROOM);
    assert_span(room->stream, "#one");
    assert_int_equal(room->seq, 2);
    assert_int_equal(room->people, 2);
    assert_true(room->member);
    assert_int_equal(room->ref, 7);
    assert_false(expect(stage, ALICE, VERB_ROOM)->member);
    const struct message *end = expect(stage, ALICE, VERB_END);
    assert_int_equal(end->ref, 7);
    assert_false(message_has(end, HAS_CURSOR));

    struct message mine = ask_of(VERB_ROOMS, NULL);
    message_set(&mine, MINE, mine, true);
    stage_say(stage, ALICE, &mine);
    assert_span(expect(stage, ALICE, VERB_ROOM)->stream, "#one");
    expect(stage, ALICE, VERB_END);
}

static void who_tells_a_row_for_each_membership_or_one_without(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    enter(stage, CAROL, "alice", 13);
    join(stage, ALICE, "#one");
    join(stage, ALICE, "#two");
    say(stage, BOB, VERB_BYE, NULL);
    say(stage, ALICE, VERB_WHO, NULL);
    const struct message *row = expect(stage, ALICE, VERB_PERSON);
    assert_span(row->nick, "alice");
    assert_span(row->state, "online");
    assert_int_equal(row->devices, 2);
    assert_span(row->stream, "#one");
    assert_span(expect(stage, ALICE, VERB_PERSON)->stream, "#two");
    row = expect(stage, ALICE, VERB_PERSON);
    assert_span(row->nick, "bob");
    assert_span(row->state, "gone");
    assert_false(message_has(row, HAS_STREAM));
    expect(stage, ALICE, VERB_END);

    say(stage, ALICE, VERB_WHO, "#two");
    row = expect(stage, ALICE, VERB_PERSON);
    assert_span(row->nick, "alice");
    assert_span(row->stream, "#two");
    expect(stage, ALICE, VERB_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(a_room_is_made_when_it_is_asked_for),
        on_stage(the_first_join_appends_an_event_and_joining_again_none_r37),
        on_stage(leaving_appends_an_event_once_r37),
        on_stage(what_is_no_room_is_not_joined_nor_left),
        on_stage(people_who_make_one_room_at_once_are_both_in_it),
        on_stage(join_and_leave_take_effect_in_the_order_they_were_asked),
        on_stage(leaving_twice_at_once_is_answered_twice),
        on_stage(a_full_disk_refuses_join_and_leave_and_nothing_changes),
        on_stage(a_room_that_looks_like_another_is_not_made_r12),
        on_stage(a_full_room_takes_nobody_more),
        on_stage(of_many_who_come_at_once_as_many_as_fit_come_in),
        on_stage(rooms_are_bounded_also_those_on_their_way),
        on_stage(memberships_are_bounded_also_those_on_their_way),
        on_stage(join_and_leave_are_busy_when_too_much_is_pending),
        on_stage(membership_is_kept_over_sessions_and_restarts),
        on_stage(rooms_are_told_with_head_and_people),
        on_stage(who_tells_a_row_for_each_membership_or_one_without),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
