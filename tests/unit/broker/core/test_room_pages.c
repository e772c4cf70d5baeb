/* WHO and ROOMS with more rows than a page, and changes between the pages (protocol 7.3). */
#include "tests/support/core/talk.h"

#include <stdio.h>

enum { PEOPLE = 300 };

/* As many people, all in #big, the first of them in a room of her own as well. */
static void fill_big(struct stage *stage)
{
    struct core_limits limits = stage->limits;
    const peer_id peer = {50};
    char nick[16];

    limits.accounts_max = PEOPLE;
    limits.rooms_max = PEOPLE;
    limits.memberships_max = 4 * PEOPLE;
    limits.room_members_max = PEOPLE;
    reopen_stage(stage, &limits);
    for (unsigned i = 0; i < PEOPLE; i++) {
        snprintf(nick, sizeof nick, "p%u", i);
        enter(stage, peer, nick, i + 1);
        join(stage, peer, "#big");
    }
    say(stage, peer, VERB_BYE, NULL);
    enter(stage, ALICE, "p0", 1000);
}

/* One page: rows are counted in `seen` by the number in the nick; returns the cursor or 0. */
static uint64_t ask_page(struct stage *stage, const struct message *ask, unsigned *seen,
                         size_t *ret_rows)
{
    const struct said *said;

    *ret_rows = 0;
    stage_say(stage, ALICE, ask);
    while ((said = stage_take_reply(stage, ALICE, VERB_NONE)) != NULL &&
           said->message.verb != VERB_END) {
        const struct span name =
            said->message.verb == VERB_PERSON ? said->message.nick : said->message.stream;
        char digits[8] = {0};
        const size_t skip = said->message.verb == VERB_PERSON ? 1 : 2;

        memcpy(digits, name.ptr + skip, name.len - skip);
        seen[strtoul(digits, NULL, 10)]++;
        (*ret_rows)++;
    }
    assert_non_null(said);
    const uint64_t cursor = message_has(&said->message, HAS_CURSOR) ? said->message.cursor : 0;
    stage_clear(stage);
    return cursor;
}

static void leave_as(struct stage *stage, unsigned who)
{
    char nick[16];

    snprintf(nick, sizeof nick, "p%u", who);
    enter(stage, BOB, nick, 2000 + who);
    say(stage, BOB, VERB_LEAVE, "#big");
    stage_commit(stage);
    expect(stage, BOB, VERB_LEFT);
    stage_clear(stage);
}

static void a_long_who_of_a_room_misses_nobody_when_others_leave(void **state)
{
    struct stage *stage = *state;
    struct message who = ask_of(VERB_WHO, "#big");
    unsigned seen[PEOPLE] = {0};
    size_t rows;

    fill_big(stage);
    who.cursor = ask_page(stage, &who, seen, &rows);
    assert_int_equal(rows, LIST_PAGE_MAX);
    assert_int_not_equal(who.cursor, 0);
    who.has |= HAS_CURSOR;
    leave_as(stage, 5);   /* told already */
    leave_as(stage, 127); /* the last one told */
    leave_as(stage, 200); /* not yet told */
    who.cursor = ask_page(stage, &who, seen, &rows);
    assert_int_equal(rows, LIST_PAGE_MAX);
    assert_int_equal(ask_page(stage, &who, seen, &rows), 0);
    assert_int_equal(rows, PEOPLE - 2 * LIST_PAGE_MAX - 1);
    for (unsigned i = 0; i < PEOPLE; i++)
        assert_int_equal(seen[i], i != 200);
}

static void a_long_who_of_all_misses_nobody_when_others_leave(void **state)
{
    struct stage *stage = *state;
    struct message who = ask_of(VERB_WHO, NULL);
    unsigned seen[PEOPLE] = {0};
    size_t rows;

    fill_big(stage);
    join(stage, ALICE, "#more"); /* p0 has two rows */
    who.cursor = ask_page(stage, &who, seen, &rows);
    assert_int_equal(rows, LIST_PAGE_MAX);
    who.has |= HAS_CURSOR;
    leave_as(stage, 5);
    leave_as(stage, 127);
    leave_as(stage, 200); /* has a row all the same, without a room */
    who.cursor = ask_page(stage, &who, seen, &rows);
    assert_int_equal(rows, LIST_PAGE_MAX);
    assert_int_equal(ask_page(stage, &who, seen, &rows), 0);
    for (unsigned i = 0; i < PEOPLE; i++)
        assert_int_equal(seen[i], i == 0 ? 2 : 1);
}

/* The page ends within the rooms of one person. */
static void a_who_of_all_goes_on_within_a_persons_rooms(void **state)
{
    struct stage *stage = *state;
    struct message who = ask_of(VERB_WHO, NULL);
    unsigned seen[PEOPLE] = {0};
    char room[16];
    size_t rows;

    fill_big(stage);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(room, sizeof room, "#r%u", i);
        join(stage, ALICE, room);
    }
    who.cursor = ask_page(stage, &who, seen, &rows);
    assert_int_equal(seen[0], LIST_PAGE_MAX);
    who.has |= HAS_CURSOR;
    leave_as(stage, 0); /* #big, told already */
    who.cursor = ask_page(stage, &who, seen, &rows);
    assert_int_equal(seen[0], 201);
    for (unsigned page = 0; page < 10 && who.cursor != 0; page++)
        who.cursor = ask_page(stage, &who, seen, &rows);
    assert_int_equal(who.cursor, 0);
    assert_int_equal(seen[0], 201);
    for (unsigned i = 1; i < PEOPLE; i++)
        assert_int_equal(seen[i], 1);
}

static void a_long_who_tells_those_without_a_room_too(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;
    struct message who = ask_of(VERB_WHO, NULL);
    unsigned seen[PEOPLE] = {0};
    char nick[16];
    size_t rows;

    limits.accounts_max = PEOPLE;
    reopen_stage(stage, &limits);
    for (unsigned i = 0; i < PEOPLE; i++) {
        snprintf(nick, sizeof nick, "p%u", i);
        enter(stage, ALICE, nick, i + 1);
    }
    who.cursor = ask_page(stage, &who, seen, &rows);
    who.has |= HAS_CURSOR;
    join(stage, ALICE, "#late"); /* the last of them: her row has a room now */
    who.cursor = ask_page(stage, &who, seen, &rows);
    assert_int_equal(ask_page(stage, &who, seen, &rows), 0);
    for (unsigned i = 0; i < PEOPLE; i++)
        assert_int_equal(seen[i], 1);
}

static void a_long_list_of_rooms_misses_none(void **state)
{
    struct stage *stage = *state;
    struct message rooms = ask_of(VERB_ROOMS, NULL);
    struct message mine = ask_of(VERB_ROOMS, NULL);
    unsigned seen[PEOPLE] = {0};
    unsigned seen_mine[PEOPLE] = {0};
    char room[16];
    size_t rows;

    message_set(&mine, MINE, mine, true);
    stage->limits.rooms_max = PEOPLE;
    stage->limits.memberships_max = PEOPLE;
    stage_restart(stage);
    enter(stage, ALICE, "alice", 11);
    for (unsigned i = 0; i < 256; i++) {
        snprintf(room, sizeof room, "#r%u", i);
        join(stage, ALICE, room);
    }
    rooms.cursor = ask_page(stage, &rooms, seen, &rows);
    mine.cursor = ask_page(stage, &mine, seen_mine, &rows);
    assert_int_equal(rows, LIST_PAGE_MAX);
    rooms.has |= HAS_CURSOR;
    mine.has |= HAS_CURSOR;
    say(stage, ALICE, VERB_LEAVE, "#r3"); /* told already */
    stage_commit(stage);
    stage_clear(stage);
    assert_int_equal(ask_page(stage, &rooms, seen, &rows), 0);
    assert_int_equal(rows, LIST_PAGE_MAX);
    assert_int_equal(ask_page(stage, &mine, seen_mine, &rows), 0);
    assert_int_equal(rows, LIST_PAGE_MAX);
    for (unsigned i = 0; i < 256; i++) {
        assert_int_equal(seen[i], 1);
        assert_int_equal(seen_mine[i], 1);
    }
}

static void a_cursor_from_nowhere_is_the_end(void **state)
{
    static const uint64_t cursors[] = {1000, UINT32_MAX, INT64_MAX, UINT64_MAX};
    struct stage *stage = *state;
    struct message ask = ask_of(VERB_ROOMS, NULL);

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    ask.has |= HAS_CURSOR;
    for (size_t i = 0; i < 4; i++) {
        ask.cursor = cursors[i];
        for (int with = 0; with < 4; with++) {
            ask.verb = with < 2 ? VERB_ROOMS : VERB_WHO;
            ask.mine = true;
            ask.stream = SPAN("#lobby");
            ask.has = HAS_REF | HAS_CURSOR;
            if (with % 2 == 1)
                ask.has |= with < 2 ? HAS_MINE : HAS_STREAM;
            stage_say(stage, ALICE, &ask);
            while (stage_take_reply(stage, ALICE, VERB_PERSON) != NULL)
                ; /* a cursor may name a place there is */
            assert_false(message_has(expect(stage, ALICE, VERB_END), HAS_CURSOR));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(a_long_who_of_a_room_misses_nobody_when_others_leave),
        on_stage(a_long_who_of_all_misses_nobody_when_others_leave),
        on_stage(a_who_of_all_goes_on_within_a_persons_rooms),
        on_stage(a_long_who_tells_those_without_a_room_too),
        on_stage(a_long_list_of_rooms_misses_none),
        on_stage(a_cursor_from_nowhere_is_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
