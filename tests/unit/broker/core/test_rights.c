/* Who may do what: the whole table of verbs (protocol 5.3, 7.6, R-47). */
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"

#include "tests/support/core/talk.h"

/* Those who ask, each on a connection of their own. */
enum who { STRANGER, PERSON, MEMBER, ROOM_OP, OPERATOR, OWNER, WHO_COUNT };

static void replay_person(struct stage *stage, uint32_t id, const char *name, enum role role)
{
    struct record record = {.kind = RECORD_STREAM, .stream = {id}, .epoch = 1};

    record.name = span_of(name);
    record.role = role;
    record.open_from = 1;
    assert_int_equal(stage_replay(stage, &record), RC_OK);
}

static void replay_standing(struct stage *stage, uint32_t room, uint32_t person, uint32_t flags)
{
    struct record record = {.kind = RECORD_STANDING, .stream = {room}, .member = {person}};

    record.standing.flags = flags;
    assert_int_equal(stage_replay(stage, &record), RC_OK);
}

static struct asked asked_by(struct stage *stage, enum who who, const struct message *message)
{
    const struct verb_rule *rule = core_verb_rule(message->verb);
    struct asked asked = {.right = rule == NULL ? RIGHT_NOBODY : rule->right, .message = message};

    if (who != STRANGER) {
        asked.session = (uint32_t)who;
        asked.person = (uint32_t)who;
    }
    if (message_has(message, HAS_STREAM))
        asked.stream = streams_by_name(&stage->core->streams, message->stream);
    return asked;
}

/* People 1 to 5 in the order of `who`, with a session each; rooms #public and #private, where MEMBER and ROOM_OP
 * are in both. */
static void furnish(struct stage *stage)
{
    static const char *const names[] = {"", "@person", "@member", "@op", "@operator", "@owner"};
    static const enum role roles[] = {ROLE_MEMBER, ROLE_MEMBER,   ROLE_MEMBER,
                                      ROLE_MEMBER, ROLE_OPERATOR, ROLE_OWNER};
    struct record room = {.kind = RECORD_STREAM, .stream = {20}, .epoch = 1, .open_from = 1};

    for (uint32_t who = PERSON; who < WHO_COUNT; who++) {
        replay_person(stage, who, names[who], roles[who]);
        const uint32_t row = sessions_add(&stage->core->sessions, (session_id){who}, (peer_id){who},
                                          who, stage->now_ms);
        assert_int_equal(row, who);
    }
    room.name = SPAN("#public");
    assert_int_equal(stage_replay(stage, &room), RC_OK);
    room.name = SPAN("#private");
    room.stream.v = 21;
    room.modes = ROOM_PRIVATE;
    assert_int_equal(stage_replay(stage, &room), RC_OK);
    for (uint32_t id = 20; id <= 21; id++) {
        replay_standing(stage, id, MEMBER, STAND_MEMBER);
        replay_standing(stage, id, ROOM_OP, STAND_MEMBER | STAND_OP);
    }
}

/* The least of `who` that has the right, in a public room and in a private one: whoever stands below is refused.
 * The broker's operators stand above the room's, but have no say in private rooms that they are not in. */
struct expectation {
    enum verb verb;
    bool in_public[WHO_COUNT];
    bool in_private[WHO_COUNT];
    bool of_broker[WHO_COUNT]; /* without a stream */
};

#define ALL              \
    {                    \
        1, 1, 1, 1, 1, 1 \
    }
#define PEOPLE           \
    {                    \
        0, 1, 1, 1, 1, 1 \
    }
#define MEMBERS          \
    {                    \
        0, 0, 1, 1, 1, 1 \
    }
#define RUNNERS          \
    {                    \
        0, 0, 0, 1, 1, 1 \
    }
#define OPS              \
    {                    \
        0, 0, 0, 1, 0, 0 \
    }
#define BROKERS          \
    {                    \
        0, 0, 0, 0, 1, 1 \
    }
#define OWNERS           \
    {                    \
        0, 0, 0, 0, 0, 1 \
    }
#define NOBODY           \
    {                    \
        0, 0, 0, 0, 0, 0 \
    }

static const struct expectation EXPECTED[] = {
    {VERB_HELLO, ALL, ALL, ALL},
    {VERB_BYE, PEOPLE, PEOPLE, PEOPLE},
    {VERB_PING, PEOPLE, PEOPLE, PEOPLE},
    {VERB_PROBE, PEOPLE, PEOPLE, PEOPLE},
    {VERB_POST, PEOPLE, PEOPLE, PEOPLE},
    {VERB_SKIP, PEOPLE, PEOPLE, PEOPLE},
    {VERB_CONFIRM, PEOPLE, PEOPLE, PEOPLE},
    {VERB_JOIN, PEOPLE, PEOPLE, PEOPLE},
    {VERB_LEAVE, PEOPLE, PEOPLE, PEOPLE},
    {VERB_WHO, PEOPLE, PEOPLE, PEOPLE},
    {VERB_ROOMS, PEOPLE, PEOPLE, PEOPLE},
    {VERB_FETCH, PEOPLE, PEOPLE, PEOPLE},
    {VERB_HEAD, PEOPLE, PEOPLE, PEOPLE},
    {VERB_MARK, PEOPLE, PEOPLE, PEOPLE},
    {VERB_SEARCH, PEOPLE, PEOPLE, PEOPLE},
    {VERB_ADMIT, PEOPLE, PEOPLE, PEOPLE},
    {VERB_DEVICES, PEOPLE, PEOPLE, PEOPLE},
    {VERB_REVOKE, PEOPLE, PEOPLE, PEOPLE},
    {VERB_TOPIC, RUNNERS, OPS, NOBODY},
    {VERB_MODE, RUNNERS, OPS, NOBODY},
    {VERB_OP, RUNNERS, OPS, NOBODY},
    {VERB_DEOP, RUNNERS, OPS, NOBODY},
    {VERB_INVITE, MEMBERS, OPS, NOBODY},
    {VERB_KICK, RUNNERS, RUNNERS, BROKERS},
    {VERB_BAN, RUNNERS, RUNNERS, BROKERS},
    {VERB_UNBAN, RUNNERS, RUNNERS, BROKERS},
    {VERB_MUTE, RUNNERS, RUNNERS, BROKERS},
    {VERB_UNMUTE, RUNNERS, RUNNERS, BROKERS},
    {VERB_BANS, RUNNERS, RUNNERS, BROKERS},
    {VERB_ROLE, OWNERS, OWNERS, OWNERS},
    {VERB_BACKUP, OWNERS, OWNERS, OWNERS},
    {VERB_PURGE, BROKERS, BROKERS, BROKERS},
    {VERB_SESSIONS, BROKERS, BROKERS, BROKERS},
    {VERB_STATS, BROKERS, BROKERS, BROKERS},
    {VERB_BROKERS, BROKERS, BROKERS, BROKERS},
};

static void check_one(struct stage *stage, enum verb verb, const char *room, enum who who,
                      bool is_allowed)
{
    const struct message message = ask_of(verb, room);
    const struct asked asked = asked_by(stage, who, &message);
    const enum rc rc = rights_check(stage->core, &asked);

    if ((rc == RC_OK) != is_allowed)
        print_error("verb %d by %d in %s: %s\n", verb, who, room == NULL ? "-" : room, rc_name(rc));
    assert_int_equal(rc == RC_OK, is_allowed);
    if (who == STRANGER && !is_allowed)
        assert_int_equal(rc, RC_HELLO_FIRST);
    else if (!is_allowed && room != NULL)
        assert_int_equal(rc, RC_DENIED);
}

static void every_verb_is_for_those_whom_the_protocol_names_r47(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    for (size_t i = 0; i < sizeof EXPECTED / sizeof *EXPECTED; i++) {
        const struct expectation *row = &EXPECTED[i];

        for (unsigned who = STRANGER; who < WHO_COUNT; who++) {
            check_one(stage, row->verb, "#public", who, row->in_public[who]);
            check_one(stage, row->verb, "#private", who, row->in_private[who]);
            check_one(stage, row->verb, NULL, who, row->of_broker[who]);
        }
    }
}

static void a_verb_without_a_row_is_refused(void **state)
{
    struct stage *stage = *state;
    size_t rows = 0;

    furnish(stage);
    for (enum verb verb = VERB_NONE; verb <= VERB_COUNT; verb++) {
        const struct message message = {.verb = verb};
        const struct asked asked = asked_by(stage, OWNER, &message);

        if (core_verb_rule(verb) != NULL)
            rows++;
        else
            assert_int_equal(rights_check(stage->core, &asked), RC_UNKNOWN_VERB);
    }
    assert_int_equal(rows, sizeof EXPECTED / sizeof *EXPECTED); /* none is untested */
}

static void the_brokers_operators_are_put_out_by_their_like_alone_r47(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    assert_int_equal(rights_over_member(stage->core, ROOM_OP, PERSON), RC_OK);
    assert_int_equal(rights_over_member(stage->core, ROOM_OP, OPERATOR), RC_DENIED);
    assert_int_equal(rights_over_member(stage->core, ROOM_OP, OWNER), RC_DENIED);
    assert_int_equal(rights_over_member(stage->core, OPERATOR, OPERATOR), RC_OK);
    assert_int_equal(rights_over_member(stage->core, OPERATOR, OWNER), RC_OK);
}

static void accounts_are_run_by_their_person_and_by_those_above(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    assert_int_equal(rights_over_account(stage->core, PERSON, PERSON), RC_OK);
    assert_int_equal(rights_over_account(stage->core, PERSON, MEMBER), RC_DENIED);
    assert_int_equal(rights_over_account(stage->core, OPERATOR, PERSON), RC_OK);
    assert_int_equal(rights_over_account(stage->core, OPERATOR, OWNER), RC_DENIED);
    assert_int_equal(rights_over_account(stage->core, OWNER, OPERATOR), RC_OK);
    assert_int_equal(rights_to_admit(stage->core, PERSON, ROLE_MEMBER), RC_DENIED);
    assert_int_equal(rights_to_admit(stage->core, OPERATOR, ROLE_MEMBER), RC_OK);
    assert_int_equal(rights_to_admit(stage->core, OPERATOR, ROLE_OPERATOR), RC_DENIED);
    assert_int_equal(rights_to_admit(stage->core, OWNER, ROLE_OWNER), RC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(every_verb_is_for_those_whom_the_protocol_names_r47),
        on_stage(a_verb_without_a_row_is_refused),
        on_stage(the_brokers_operators_are_put_out_by_their_like_alone_r47),
        on_stage(accounts_are_run_by_their_person_and_by_those_above),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
