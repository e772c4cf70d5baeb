/* Every limit of the broker is reached, refused with its code, and counted by its own counter (protocol 7.7, R-50). */
#include "broker/store/rules.h"
#include "tests/support/core/talk.h"

#include <stddef.h>

static const unsigned char SOMEWHERE[ADDRESS_BYTES] = {1};

/* How each limit is reached; returns whom the refusal goes to. */

static peer_id two_people(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "bob", 12);
    return BOB;
}

static peer_id two_keys(struct stage *stage)
{
    stage_key(stage, ALICE, 'a');
    stage_key(stage, BOB, 'b');
    return two_people(stage);
}

static peer_id two_sessions_of_one(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "alice", 12);
    return BOB;
}

static peer_id two_rooms(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#one");
    say_join(stage, ALICE, "#two");
    return ALICE;
}

static peer_id two_members(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    join(stage, ALICE, "#room");
    say_join(stage, BOB, "#room");
    return BOB;
}

static peer_id two_at_the_store(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "bob", 12);
    say_join(stage, ALICE, "#room");
    return ALICE;
}

static void ban(struct stage *stage, const char *room, const char *nick, unsigned char key_byte)
{
    unsigned char key[PUBLIC_KEY_BYTES];
    struct message message = ask_of(VERB_BAN, room);

    memset(key, key_byte, sizeof key);
    if (nick != NULL)
        message_set(&message, NICK, nick, span_of(nick));
    else
        message_set(&message, KEY, key, ((struct span){(const char *)key, sizeof key}));
    stage_say(stage, ALICE, &message);
    stage_commit_all(stage);
}

static peer_id two_banned_keys(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#room");
    ban(stage, "#room", NULL, 'x');
    expect(stage, ALICE, VERB_DONE);
    ban(stage, "#room", NULL, 'y');
    return ALICE;
}

static peer_id two_banned_people(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    enter(stage, CAROL, "carol", 13);
    join(stage, ALICE, "#room");
    ban(stage, "#room", "bob", 0);
    expect(stage, ALICE, VERB_DONE);
    ban(stage, "#room", "carol", 0);
    return ALICE;
}

static void say_admit(struct stage *stage)
{
    struct message admit = ask_of(VERB_ADMIT, NULL);

    message_set(&admit, DEVICE, device, true);
    stage_say(stage, ALICE, &admit);
    stage_commit_all(stage);
}

static peer_id two_invitations(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    say_admit(stage);
    expect(stage, ALICE, VERB_INVITATION);
    say_admit(stage);
    return ALICE;
}

static peer_id two_devices_of_one(struct stage *stage)
{
    struct message hello = hello_of("alice", 12);
    char token[INVITE_BYTES];

    stage_key(stage, ALICE, 'a');
    stage_key(stage, BOB, 'b');
    enter(stage, ALICE, "alice", 11);
    say_admit(stage);
    memcpy(token, expect(stage, ALICE, VERB_INVITATION)->invite.ptr, sizeof token);
    message_set(&hello, INVITE, invite, ((struct span){token, sizeof token}));
    stage_say(stage, BOB, &hello);
    return BOB;
}

static peer_id two_unread(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    post(stage, ALICE, 1, "@bob");
    say_post(stage, ALICE, 2, "@bob");
    return ALICE;
}

static peer_id one_fetch_more(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#room");
    stage->has_hands_off = true;
    for (uint32_t i = 0; i <= stage->limits.session_fetches_max; i++)
        say(stage, ALICE, VERB_FETCH, "#room");
    return ALICE;
}

static peer_id one_search_more(struct stage *stage)
{
    struct message search = ask_of(VERB_SEARCH, "#room");

    message_set(&search, TEXT, text, SPAN("word"));
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#room");
    stage->has_hands_off = true;
    for (uint32_t i = 0; i <= SEARCH_OUTSTANDING_MAX; i++)
        stage_say(stage, ALICE, &search);
    return ALICE;
}

static peer_id two_fetches_of_all(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    join(stage, ALICE, "#room");
    stage->has_hands_off = true;
    say(stage, ALICE, VERB_FETCH, "#room");
    say(stage, BOB, VERB_FETCH, "#room");
    return BOB;
}

static peer_id two_pings(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    say(stage, ALICE, VERB_PING, NULL);
    expect(stage, ALICE, VERB_PONG);
    say(stage, ALICE, VERB_PING, NULL);
    return ALICE;
}

static peer_id two_posts(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#room");
    post(stage, ALICE, 1, "#room");
    say_post(stage, ALICE, 2, "#room");
    return ALICE;
}

static peer_id two_knocks(struct stage *stage)
{
    for (int i = 0; i < 2; i++)
        say(stage, ALICE, VERB_PING, NULL);
    expect_error(stage, ALICE, RC_HELLO_FIRST);
    return ALICE;
}

static peer_id two_knocks_from_one_address(struct stage *stage)
{
    stage->address = SOMEWHERE;
    say(stage, ALICE, VERB_PING, NULL);
    expect_error(stage, ALICE, RC_HELLO_FIRST);
    say(stage, BOB, VERB_PING, NULL);
    return BOB;
}

static peer_id a_long_text(struct stage *stage)
{
    static char text[TEXT_BYTES_MAX + 1];
    struct message message = post_of(1, "#room", "");

    memset(text, 'x', sizeof text);
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#room");
    message.text = (struct span){text, sizeof text};
    stage_say(stage, ALICE, &message);
    return ALICE;
}

/* As the shell says of a text that no field of the protocol holds. */
static peer_id a_text_that_the_shell_refuses(struct stage *stage)
{
    const struct message message = post_of(1, "#room", "");

    enter(stage, ALICE, "alice", 11);
    stage_say_refused(stage, ALICE, &message, RC_TOO_BIG);
    return ALICE;
}

static peer_id a_long_nick(struct stage *stage)
{
    const struct message hello = hello_of("abcdefghijabcdefghijabcdefghijabc", 11);

    stage_say_refused(stage, ALICE, &hello, RC_BAD_NAME);
    return ALICE;
}

static peer_id a_long_room(struct stage *stage)
{
    const struct message message = ask_of(VERB_JOIN, "#abcdefghijabcdefghijabcdefghijabc");

    enter(stage, ALICE, "alice", 11);
    stage_say_refused(stage, ALICE, &message, RC_BAD_NAME);
    return ALICE;
}

static peer_id a_long_topic(struct stage *stage)
{
    static char text[SUBJECT_BYTES_MAX + 1];
    struct message message = ask_of(VERB_TOPIC, "#room");

    memset(text, 'x', sizeof text);
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#room");
    message_set(&message, TOPIC, topic, ((struct span){text, sizeof text}));
    stage_say(stage, ALICE, &message);
    return ALICE;
}

static peer_id a_full_window(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#room");
    for (uint64_t number = 1; number <= POST_WINDOW + 1; number++)
        say_post(stage, ALICE, number, "#room");
    return ALICE;
}

static void say_mark(struct stage *stage, unsigned number)
{
    char name[16];
    struct message mark = ask_of(VERB_MARK, "#room");

    snprintf(name, sizeof name, "m%u", number);
    message_set(&mark, NAME, name, span_of(name));
    message_set(&mark, SEQ, seq, 1);
    stage_say(stage, ALICE, &mark);
}

static peer_id many_questions(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#room");
    for (unsigned i = 0; i <= ASKS_OUTSTANDING_MAX; i++)
        say_mark(stage, i);
    return ALICE;
}

static peer_id many_marks(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#room");
    for (unsigned i = 0; i < MARKS_PER_ACCOUNT_MAX; i++) {
        say_mark(stage, i);
        stage_commit_all(stage);
    }
    stage_clear(stage);
    say_mark(stage, MARKS_PER_ACCOUNT_MAX);
    return ALICE;
}

#define OF(member) offsetof(struct core_limits, member)
#define NONE       SIZE_MAX

static const struct cap {
    enum core_counter counter;
    enum rc rc;
    size_t limit; /* set to 1, as is the one behind it: a rate and its burst */
    size_t limit_too;
    peer_id (*reach)(struct stage *stage);
} CAPS[] = {
    {REFUSED_ACCOUNTS, RC_LIMIT, OF(accounts_max), NONE, two_people},
    {REFUSED_ROOMS, RC_LIMIT, OF(rooms_max), NONE, two_rooms},
    {REFUSED_ROOM_MEMBERS, RC_ROOM_FULL, OF(room_members_max), NONE, two_members},
    {REFUSED_MEMBERSHIPS, RC_LIMIT, OF(memberships_max), NONE, two_rooms},
    {REFUSED_SESSIONS, RC_LIMIT, OF(sessions_max), NONE, two_people},
    {REFUSED_PENDING, RC_BUSY, OF(pending_max), NONE, two_at_the_store},
    {REFUSED_PENDING, RC_BUSY, OF(pending_max), NONE, two_fetches_of_all},
    {REFUSED_DEVICES, RC_LIMIT, OF(devices_max), NONE, two_keys},
    {REFUSED_KEY_BANS, RC_LIMIT, OF(key_bans_max), NONE, two_banned_keys},
    {REFUSED_ACCOUNT_DEVICES, RC_LIMIT, OF(account_devices_max), NONE, two_devices_of_one},
    {REFUSED_ACCOUNT_SESSIONS, RC_LIMIT, OF(account_sessions_max), NONE, two_sessions_of_one},
    {REFUSED_ACCOUNT_ROOMS, RC_LIMIT, OF(account_rooms_max), NONE, two_rooms},
    {REFUSED_ACCOUNT_MEMBERSHIPS, RC_LIMIT, OF(account_memberships_max), NONE, two_rooms},
    {REFUSED_ACCOUNT_INVITATIONS, RC_LIMIT, OF(account_invitations_max), NONE, two_invitations},
    {REFUSED_ROOM_BANS, RC_LIMIT, OF(room_standings_max), NONE, two_banned_people},
    {REFUSED_ROOM_BANS, RC_LIMIT, OF(room_standings_max), NONE, two_banned_keys},
    {REFUSED_MAILBOX, RC_MAILBOX_FULL, OF(mailbox_max), NONE, two_unread},
    {REFUSED_FETCHES, RC_LIMIT, OF(session_fetches_max), NONE, one_fetch_more},
    {REFUSED_ACCOUNT_RATE, RC_TOO_FAST, OF(account_rate), OF(account_burst), two_pings},
    {REFUSED_ROOM_RATE, RC_TOO_FAST, OF(room_rate), OF(room_burst), two_posts},
    {REFUSED_STRANGER_RATE, RC_TOO_FAST, OF(stranger_rate), OF(stranger_burst), two_knocks},
    {REFUSED_ADDRESS_RATE, RC_TOO_FAST, OF(address_rate), OF(address_burst),
     two_knocks_from_one_address},
    {REFUSED_TEXT_SIZE, RC_TOO_BIG, NONE, NONE, a_long_text},
    {REFUSED_TEXT_SIZE, RC_TOO_BIG, NONE, NONE, a_text_that_the_shell_refuses},
    {REFUSED_NAME_SIZE, RC_BAD_NAME, NONE, NONE, a_long_nick},
    {REFUSED_NAME_SIZE, RC_BAD_NAME, NONE, NONE, a_long_room},
    {REFUSED_FIELD_SIZE, RC_TOO_BIG, NONE, NONE, a_long_topic},
    {REFUSED_WINDOW, RC_BUSY, NONE, NONE, a_full_window},
    {REFUSED_ASKS, RC_BUSY, NONE, NONE, many_questions},
    {REFUSED_MARKS, RC_LIMIT, NONE, NONE, many_marks},
    {REFUSED_SEARCHES, RC_BUSY, NONE, NONE, one_search_more},
};
#define CAPS_COUNT (sizeof CAPS / sizeof CAPS[0])

static void set_to_one(struct core_limits *limits, size_t offset)
{
    if (offset != NONE)
        *(uint32_t *)(void *)((char *)limits + offset) = 1;
}

/* The counter of this limit says 1, the others of refusals nothing. */
static void check_counters(const struct stage *stage, enum core_counter reached)
{
    struct core_stats stats;

    core_get_stats(stage->core, &stats);
    for (enum core_counter i = REFUSED_FIRST; i < CORE_COUNTERS; i++) {
        if (stats.count[i] != (i == reached))
            fail_msg("%s is %llu when %s is reached", core_counter_name(i),
                     (unsigned long long)stats.count[i], core_counter_name(reached));
    }
}

static void every_limit_is_reached_refused_and_counted_r50(void **state)
{
    struct stage *stage = *state;
    const struct core_limits small = stage->limits;

    for (size_t i = 0; i < CAPS_COUNT; i++) {
        const struct cap *cap = &CAPS[i];
        struct core_limits limits = small;

        set_to_one(&limits, cap->limit);
        set_to_one(&limits, cap->limit_too);
        reopen_stage(stage, &limits);
        const peer_id peer = cap->reach(stage);
        if (cap->counter != REFUSED_PENDING) /* there the other one would succeed */
            stage_commit_all(stage);
        const struct said *said = stage_take_reply(stage, peer, VERB_ERROR);
        if (said == NULL || said->message.code != (uint64_t)cap->rc)
            fail_msg("%s: the answer is %s", core_counter_name(cap->counter),
                     said == NULL ? "none" : rc_name((enum rc)said->message.code));
        check_counters(stage, cap->counter);
    }
}

static void no_limit_is_without_a_test_r50(void **state)
{
    bool is_reached[CORE_COUNTERS] = {false};

    (void)state;
    for (size_t i = 0; i < CAPS_COUNT; i++)
        is_reached[CAPS[i].counter] = true;
    for (enum core_counter i = REFUSED_FIRST; i < CORE_COUNTERS; i++) {
        if (!is_reached[i])
            fail_msg("%s is never reached", core_counter_name(i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(every_limit_is_reached_refused_and_counted_r50),
        cmocka_unit_test(no_limit_is_without_a_test_r50),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
