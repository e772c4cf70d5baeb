/* Backups and purges: one at a time, for owners and operators, and the answer comes when it is done. */
#include "tests/support/check.h"
#include "tests/support/core/talk.h"

#include "broker/core/core_internal.h"

enum { OWNER_ID = 1, ALICE_ID, BOB_ID, ROOM_ID = 20 };
static const peer_id OWNER = {9};

static void replay(struct stage *stage, const struct record *record)
{
    assert_int_equal(stage_replay(stage, record), RC_OK);
}

static void come(struct stage *stage, peer_id peer, const char *nick, uint32_t id, enum role role)
{
    say_hello(stage, peer, nick, 10 + peer.v);
    stage_give(stage, &(struct op_result){.stream = {id}, .next = 1, .role = role, .epoch = 1});
    expect(stage, peer, VERB_WELCOME);
}

/* An owner, alice an operator, bob, and #room with ten events. */
static void furnish(struct stage *stage)
{
    static const struct {
        const char *name;
        uint32_t id;
        enum role role;
    } rows[] = {{"@olga", OWNER_ID, ROLE_OWNER},
                {"@alice", ALICE_ID, ROLE_OPERATOR},
                {"@bob", BOB_ID, ROLE_MEMBER},
                {"#room", ROOM_ID, ROLE_MEMBER}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record record = {.kind = RECORD_STREAM,
                                .stream = {rows[i].id},
                                .name = span_of(rows[i].name),
                                .role = rows[i].role,
                                .epoch = 1,
                                .open_from = 1};

        record.head = rows[i].id == ROOM_ID ? 10 : 0;
        replay(stage, &record);
    }
    come(stage, OWNER, "olga", OWNER_ID, ROLE_OWNER);
    come(stage, ALICE, "alice", ALICE_ID, ROLE_OPERATOR);
    come(stage, BOB, "bob", BOB_ID, ROLE_MEMBER);
    stage_clear(stage);
}

static void ask_backup(struct stage *stage, peer_id peer, const char *name, uint64_t ref)
{
    struct message message = {.verb = VERB_BACKUP};

    message_set(&message, NAME, name, span_of(name));
    message_set(&message, REF, ref, ref);
    stage_say(stage, peer, &message);
}

static void ask_purge(struct stage *stage, peer_id peer, const char *room, const char *nick,
                      uint64_t ref)
{
    struct message message = {.verb = VERB_PURGE};

    if (room != NULL)
        message_set(&message, STREAM, stream, span_of(room));
    if (nick != NULL)
        message_set(&message, NICK, nick, span_of(nick));
    message_set(&message, REF, ref, ref);
    stage_say(stage, peer, &message);
}

/* The shell has made the copy in 1.5 s, or could not. */
static void backed_up(struct stage *stage, enum rc rc, uint64_t size_bytes, uint64_t events)
{
    stage_event(
        stage,
        (struct core_event){
            .kind = CORE_EV_BACKED_UP,
            .backup = {.rc = rc, .size_bytes = size_bytes, .events = events, .took_ms = 1500}});
}

static void refused(struct stage *stage, peer_id peer, enum rc rc)
{
    const struct said *said = stage_take_reply(stage, peer, VERB_ERROR);

    assert_non_null(said);
    assert_int_equal(said->message.code, rc);
}

static void a_backup_is_answered_when_the_shell_has_made_it_r55(void **state)
{
    struct stage *stage = *state;
    const struct said *said;

    furnish(stage);
    ask_backup(stage, OWNER, "one.db", 7);
    said = stage_take(stage, FX_BACKUP);
    assert_non_null(said);
    assert_int_equal(stage_count_replies(stage, OWNER, VERB_NONE), 0);
    backed_up(stage, RC_OK, 4096, 12);
    said = stage_take_reply(stage, OWNER, VERB_DONE);
    assert_non_null(said);
    assert_int_equal(said->message.ref, 7);
    assert_int_equal(said->message.size, 4096);
    assert_int_equal(said->message.events, 12);
    assert_int_equal(said->message.seconds, 2);
    assert_true(span_equal(said->message.name, SPAN("one.db")));
}

static void a_backup_is_for_owners_and_has_a_plain_name_r55(void **state)
{
    static const char *const bad[] = {"", ".hidden", "-x", "a/b", "..", "a b", "\xc3\xbc", "a\nb"};
    struct stage *stage = *state;

    furnish(stage);
    ask_backup(stage, ALICE, "one", 1);
    refused(stage, ALICE, RC_DENIED);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ask_backup(stage, OWNER, bad[i], 2);
        refused(stage, OWNER, RC_BAD_FIELD);
    }
    assert_int_equal(stage_count(stage, FX_BACKUP), 0);
}

static void one_at_a_time_r56(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    ask_backup(stage, OWNER, "one", 1);
    ask_backup(stage, OWNER, "two", 2);
    refused(stage, OWNER, RC_BUSY);
    ask_purge(stage, ALICE, "#room", NULL, 3);
    refused(stage, ALICE, RC_BUSY);
    backed_up(stage, RC_DISK_FULL, 0, 0);
    refused(stage, OWNER, RC_DISK_FULL);
    ask_purge(stage, ALICE, "#room", NULL, 3);
    assert_int_equal(stage->held_count, 1);
    ask_backup(stage, OWNER, "two", 4);
    refused(stage, OWNER, RC_BUSY);
    assert_int_equal(stage_count(stage, FX_BACKUP), 1);
}

static void the_same_question_is_answered_once_more_r56(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    ask_backup(stage, OWNER, "one", 1);
    ask_backup(stage, OWNER, "one", 1); /* the client is impatient */
    assert_int_equal(stage_count_replies(stage, OWNER, VERB_NONE), 0);
    backed_up(stage, RC_OK, 1, 2);
    assert_int_equal(stage_count_replies(stage, OWNER, VERB_DONE), 1);
    ask_backup(stage, OWNER, "one", 1); /* the answer was lost */
    assert_int_equal(stage_count_replies(stage, OWNER, VERB_DONE), 2);
    assert_int_equal(stage_count(stage, FX_BACKUP), 1);
    ask_backup(stage, OWNER, "one", 2); /* another question */
    assert_int_equal(stage_count(stage, FX_BACKUP), 2);
    backed_up(stage, RC_EXISTS, 0, 0);
    refused(stage, OWNER, RC_EXISTS);
    ask_backup(stage, OWNER, "one", 2); /* what failed is tried again */
    assert_int_equal(stage_count(stage, FX_BACKUP), 3);
}

static void a_purge_goes_on_until_nothing_is_left_r57(void **state)
{
    struct stage *stage = *state;
    const struct said *said;

    furnish(stage);
    ask_purge(stage, ALICE, "#room", NULL, 9);
    assert_int_equal(stage_held(stage)->kind, OP_PURGE);
    assert_int_equal(stage_held(stage)->stream.v, ROOM_ID);
    assert_int_equal(stage_held(stage)->seq, 10);
    assert_int_equal(stage_held(stage)->until_ms, FOR_EVER_MS);
    stage_give(stage, &(struct op_result){.count = 500, .is_more = true, .seq = 10});
    assert_int_equal(stage_count_replies(stage, ALICE, VERB_NONE), 0);
    assert_int_equal(stage_held(stage)->kind, OP_PURGE);
    stage_give(stage, &(struct op_result){.count = 7, .seq = 10});
    said = stage_take_reply(stage, ALICE, VERB_DONE);
    assert_non_null(said);
    assert_int_equal(said->message.events, 507);
    assert_int_equal(said->message.ref, 9);
    assert_true(span_equal(said->message.stream, SPAN("#room")));
    assert_int_equal(stage->held_count, 0);
}

static void a_person_is_purged_by_who_stands_above_r57(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    ask_purge(stage, BOB, NULL, "bob", 1);
    refused(stage, BOB, RC_DENIED);
    ask_purge(stage, ALICE, NULL, "olga", 2);
    refused(stage, ALICE, RC_DENIED);
    ask_purge(stage, ALICE, NULL, "nobody", 3);
    refused(stage, ALICE, RC_NO_SUCH_NICK);
    ask_purge(stage, ALICE, "#none", NULL, 4);
    refused(stage, ALICE, RC_NO_SUCH_ROOM);
    ask_purge(stage, ALICE, "@bob", NULL, 5);
    refused(stage, ALICE, RC_NO_SUCH_ROOM);
    ask_purge(stage, ALICE, "#room", "bob", 6);
    refused(stage, ALICE, RC_BAD_FIELD);
    ask_purge(stage, ALICE, NULL, NULL, 7);
    refused(stage, ALICE, RC_BAD_FIELD);
    ask_purge(stage, ALICE, NULL, "bob", 8);
    assert_int_equal(stage_held(stage)->target.v, BOB_ID);
    assert_int_equal(stage_held(stage)->seq, 0);
    stage_give(stage, &(struct op_result){.count = 1, .is_more = true, .seq = 4711});
    assert_int_equal(stage_held(stage)->seq, 4711);
    assert_true(span_equal(stage_held(stage)->target_nick, SPAN("bob")));
    stage_fail(stage, RC_DISK_FULL, 0);
    refused(stage, ALICE, RC_DISK_FULL);
    ask_purge(stage, ALICE, NULL, "bob", 8); /* begins anew */
    assert_int_equal(stage_held(stage)->seq, 0);
    stage_give(stage, &(struct op_result){.count = 2});
    assert_int_equal(stage_take_reply(stage, ALICE, VERB_DONE)->message.events, 2);
}

static void longer_than_usual_takes_an_operator_of_the_broker_r58(void **state)
{
    struct stage *stage = *state;
    static const struct {
        uint32_t keep_s;
        enum rc bob;
    } rows[] = {
        {0, RC_OK}, {60, RC_OK}, {86400, RC_OK}, {86401, RC_DENIED}, {KEEP_FOR_EVER, RC_DENIED}};

    furnish(stage);
    stage->core->limits.keep_s = 86400;
    replay(stage, &(struct record){.kind = RECORD_STANDING,
                                   .stream = {ROOM_ID},
                                   .member = {BOB_ID},
                                   .standing = {.flags = STAND_MEMBER | STAND_OP}});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message mode = {.verb = VERB_MODE};

        message_set(&mode, STREAM, stream, SPAN("#room"));
        message_set(&mode, SECONDS, seconds, rows[i].keep_s);
        stage_say(stage, BOB, &mode);
        if (rows[i].bob == RC_OK) {
            assert_int_equal(stage_held(stage)->keep_s, rows[i].keep_s);
            assert_true(stage_held(stage)->has_keep);
            stage_give(stage, &(struct op_result){.keep_s = rows[i].keep_s});
            expect(stage, BOB, VERB_DONE);
        } else {
            refused(stage, BOB, rows[i].bob);
        }
        stage_say(stage, ALICE, &mode);
        stage_give(stage, &(struct op_result){.keep_s = rows[i].keep_s});
        expect(stage, ALICE, VERB_DONE);
    }
}

static void a_hole_in_a_mailbox_does_not_fill_it(void **state)
{
    struct stage *stage = *state;
    const struct record record = {.kind = RECORD_STREAM,
                                  .stream = {4},
                                  .name = SPAN("@dora"),
                                  .head = 1000000002,
                                  .confirmed = 3,
                                  .absent = 999999990,
                                  .absent_last = 1000000000,
                                  .epoch = 1,
                                  .open_from = 1};

    stage->core->limits.mailbox_max = 20;
    replay(stage, &record);
    furnish(stage);
    say_post(stage, BOB, 1, "@dora");
    assert_int_equal(stage_held(stage)->kind, OP_POST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(a_backup_is_answered_when_the_shell_has_made_it_r55),
        on_stage(a_backup_is_for_owners_and_has_a_plain_name_r55),
        on_stage(one_at_a_time_r56),
        on_stage(the_same_question_is_answered_once_more_r56),
        on_stage(a_purge_goes_on_until_nothing_is_left_r57),
        on_stage(a_person_is_purged_by_who_stands_above_r57),
        on_stage(longer_than_usual_takes_an_operator_of_the_broker_r58),
        on_stage(a_hole_in_a_mailbox_does_not_fill_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
