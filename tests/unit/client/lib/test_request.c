#include "client/lib/request.h"

#include "tests/unit/client/lib/fixture.h"

static void a_join_is_answered_with_its_ref(void **state)
{
    struct fixture *f = *state;
    uint32_t ref = 0;

    go_up(f);
    assert_int_equal(request(f, MSG(JOIN, S("#lobby"), F(CREATE, create, true)), &ref), RC_OK);
    assert_true(sent(f, VERB_JOIN, 0)->create);
    assert_int_equal(sent(f, VERB_JOIN, 0)->ref, ref);
    f->now_ms += 12;
    receive(f, MSG(JOINED, S("#lobby"), F(SEQ, seq, 9), F(PEOPLE, people, 3), F(REF, ref, ref)));
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.ref, ref);
    assert_int_equal(f->event.rc, RC_OK);
    assert_int_equal(f->event.seq, 9);
    assert_int_equal(f->event.people, 3);
    assert_int_equal(f->event.round_trip_ms, 12);
    assert_string_equal(f->event.stream, "#lobby");
    assert_string_equal(f->event.text, "");
    receive(f, MSG(JOINED, S("#lobby"), F(SEQ, seq, 9), F(PEOPLE, people, 3), F(REF, ref, ref)));
    assert_no_tell(f);
    assert_int_equal(pass_to_deadline(f), PING_MS - 12);
}

static void every_kind_of_request_has_its_answer(void **state)
{
    struct fixture *f = *state;
    const struct {
        struct message question, answer;
        uint64_t seq;
    } rows[] = {
        {MSG(LEAVE, S("#a")), MSG(LEFT, S("#a")), 0},
        {MSG(PING),
         MSG(PONG, F(TS, ts, 5), S("@alice"), F(SEQ, seq, 2), F(CONFIRMED, confirmed, 0)), 2},
        {MSG(MARK, S("#a"), F(NAME, name, SPAN("bot"))),
         MSG(MARK, S("#a"), F(NAME, name, SPAN("bot")), F(SEQ, seq, 17)), 17},
    };

    go_up(f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message answer = rows[i].answer;
        uint32_t ref;

        assert_int_equal(request(f, rows[i].question, &ref), RC_OK);
        message_set(&answer, REF, ref, ref);
        receive(f, MSG(END, F(REF, ref, ref))); /* of another kind */
        assert_no_tell(f);
        receive(f, answer);
        assert_told(f, ZCHAT_ANSWER);
        assert_int_equal(f->event.ref, ref);
        assert_int_equal(f->event.seq, rows[i].seq);
    }
}

static void every_order_is_answered_with_done(void **state)
{
    static const enum verb verbs[] = {VERB_TOPIC, VERB_MODE,   VERB_INVITE, VERB_OP,
                                      VERB_DEOP,  VERB_KICK,   VERB_BAN,    VERB_UNBAN,
                                      VERB_MUTE,  VERB_UNMUTE, VERB_REVOKE, VERB_ROLE};
    struct fixture *f = *state;

    go_up(f);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        char nick[] = "bob", text[] = "enough";
        struct message order = MSG(NONE, S("#lab"), F(NICK, nick, span_of(nick)),
                                   F(TEXT, text, span_of(text)), F(SECONDS, seconds, 60));
        uint32_t ref;

        order.verb = verbs[i];
        assert_int_equal(request(f, order, &ref), RC_OK);
        memset(nick, 'x', sizeof(nick) - 1); /* it was copied */
        memset(text, 'x', sizeof(text) - 1);
        pass(f, 2600); /* it is asked again */
        assert_true(span_equal(sent(f, verbs[i], 0)->nick, SPAN("bob")));
        assert_true(span_equal(sent(f, verbs[i], 0)->text, SPAN("enough")));
        assert_int_equal(sent(f, verbs[i], 0)->seconds, 60);
        receive(f, MSG(DONE, S("#lab"), F(SEQ, seq, 7), F(REF, ref, ref)));
        assert_told(f, ZCHAT_ANSWER);
        assert_int_equal(f->event.ref, ref);
        assert_int_equal(f->event.rc, RC_OK);
        assert_int_equal(f->event.seq, 7);
        assert_string_equal(f->event.stream, "#lab");
        assert_no_tell(f);
    }
}

static void an_order_is_refused_with_the_sentence_of_the_broker(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(KICK, S("#lab"), F(NICK, nick, SPAN("bob"))), &ref), RC_OK);
    receive(f, MSG(ERROR, F(CODE, code, RC_TOO_FAST), F(TEXT, text, SPAN("slow")), F(REF, ref, ref),
                   F(RETRY, retry, 1000)));
    assert_no_tell(f);
    pass(f, 999);
    assert_int_equal(sent_count(f, VERB_KICK), 0); /* not a moment before */
    pass(f, 251);
    assert_int_equal(sent_count(f, VERB_KICK), 1);
    answer_error(f, RC_DENIED, ref);
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.rc, RC_DENIED);
    assert_string_equal(f->event.text, "no");
    assert_string_equal(f->event.stream, "#lab");
}

static void an_invitation_brings_its_token_in_key(void **state)
{
    struct fixture *f = *state;
    const char token[] = "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(ADMIT, F(NICK, nick, SPAN("dora"))), &ref), RC_OK);
    receive(f, MSG(INVITATION, F(INVITE, invite, ((struct span){token, 16})),
                   F(ROLE, role, SPAN("member")), F(UNTIL, until, 99), F(NICK, nick, SPAN("dora")),
                   F(REF, ref, ref)));
    assert_told(f, ZCHAT_ANSWER);
    assert_string_equal(f->event.key, "00112233445566778899aabbccddeeff");
    assert_string_equal(f->event.from, "dora");
    assert_string_equal(f->event.role, "member");
    assert_int_equal(f->event.until_ms, 99);
    assert_string_equal(f->event.text, "");
}

static void devices_sessions_and_bans_are_told_as_rows(void **state)
{
    struct fixture *f = *state;
    char key[PUBLIC_KEY_BYTES + 1] = "";
    const struct span bytes = {key, PUBLIC_KEY_BYTES};
    uint32_t ref;

    memset(key, 0xab, PUBLIC_KEY_BYTES);
    go_up(f);
    assert_int_equal(request(f, MSG(DEVICES), &ref), RC_OK);
    receive(f, MSG(DEVICE, F(KEY, key, bytes), F(TS, ts, 5), F(NAME, name, SPAN("laptop")),
                   F(MEMBER, member, true), F(REF, ref, ref)));
    receive(f,
            MSG(SESSION, F(NICK, nick, SPAN("bob")), F(SESSION, session, 1),
                F(STATE, state, SPAN("online")), F(TS, ts, 1), F(REF, ref, ref))); /* not asked */
    receive(f, MSG(END, F(REF, ref, ref)));
    assert_told(f, ZCHAT_DEVICE);
    assert_int_equal(f->event.ref, ref);
    assert_int_equal(strlen(f->event.key), 64);
    assert_int_equal(strncmp(f->event.key, "abab", 4), 0);
    assert_string_equal(f->event.text, "laptop");
    assert_int_equal(f->event.ts_ms, 5);
    assert_true(f->event.is_own);
    assert_false(f->event.is_member);
    assert_told(f, ZCHAT_ANSWER);

    assert_int_equal(request(f, MSG(SESSIONS), &ref), RC_OK);
    receive(f, MSG(SESSION, F(NICK, nick, SPAN("bob")), F(SESSION, session, 77),
                   F(STATE, state, SPAN("online")), F(TS, ts, 6), F(KEY, key, bytes),
                   F(REF, ref, ref)));
    receive(f, MSG(END, F(REF, ref, ref)));
    assert_told(f, ZCHAT_SESSION);
    assert_string_equal(f->event.from, "bob");
    assert_string_equal(f->event.state, "online");
    assert_int_equal(f->event.session, 77);
    assert_int_equal(strlen(f->event.key), 64);
    assert_told(f, ZCHAT_ANSWER);

    assert_int_equal(request(f, MSG(BANS, S("#lab")), &ref), RC_OK);
    receive(f, MSG(BANNED, F(STATE, state, SPAN("mute")), S("#lab"), F(NICK, nick, SPAN("bob")),
                   F(UNTIL, until, 9), F(REF, ref, ref)));
    receive(f, MSG(BANNED, F(STATE, state, SPAN("ban")), S("#lab"), F(KEY, key, bytes),
                   F(REF, ref, ref)));
    receive(f, MSG(END, F(REF, ref, ref)));
    assert_told(f, ZCHAT_BAN);
    assert_string_equal(f->event.state, "mute");
    assert_string_equal(f->event.from, "bob");
    assert_string_equal(f->event.key, "");
    assert_int_equal(f->event.until_ms, 9);
    assert_told(f, ZCHAT_BAN);
    assert_string_equal(f->event.from, "");
    assert_int_equal(strlen(f->event.key), 64);
    assert_int_equal(f->event.until_ms, 0);
    assert_told(f, ZCHAT_ANSWER);
}

static void rooms_and_people_tell_modes_topics_and_roles(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(ROOMS), &ref), RC_OK);
    receive(f, MSG(ROOM, S("#lab"), F(SEQ, seq, 1), F(PEOPLE, people, 2), F(MEMBER, member, true),
                   F(TOPIC, topic, SPAN("cats")), F(PRIVATE, is_private, true),
                   F(PERSISTENT, persistent, true), F(OP, op, true), F(REF, ref, ref)));
    receive(f, MSG(END, F(REF, ref, ref)));
    assert_told(f, ZCHAT_ROOM);
    assert_string_equal(f->event.topic, "cats");
    assert_true(f->event.is_private && f->event.is_persistent && f->event.is_op);
    assert_true(f->event.is_member);
    assert_false(f->event.is_own);
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(request(f, MSG(WHO), &ref), RC_OK);
    receive(f, MSG(PERSON, F(NICK, nick, SPAN("bob")), F(STATE, state, SPAN("away")),
                   F(DEVICES, devices, 1), F(ROLE, role, SPAN("owner")), F(OP, op, true),
                   F(REF, ref, ref)));
    receive(f, MSG(END, F(REF, ref, ref)));
    assert_told(f, ZCHAT_PERSON);
    assert_string_equal(f->event.role, "owner");
    assert_true(f->event.is_op);
    assert_told(f, ZCHAT_ANSWER);
}

static void requests_wait_for_the_link_and_are_asked_again(void **state)
{
    struct fixture *f = *state;
    char room[] = "#lobby";
    uint32_t ref;

    assert_int_equal(request(f, MSG(JOIN, F(STREAM, stream, span_of(room))), &ref), RC_OK);
    memset(room, 'x', 6); /* the model has its own copy */
    assert_int_equal(f->fx.count, 0);
    open_link(f);
    welcome(f, 1);
    assert_true(span_equal(sent(f, VERB_JOIN, 0)->stream, SPAN("#lobby")));
    assert_in_range(pass_to_deadline(f), 1500, 2500);
    assert_int_equal(sent(f, VERB_JOIN, 0)->ref, ref);
    forget(f);
    model_lost(f->model, f->now_ms, &f->fx);
    open_link(f);
    welcome(f, 1);
    assert_int_equal(sent_count(f, VERB_JOIN), 1);
}

static void pauses_between_askings_grow(void **state)
{
    struct fixture *f = *state;
    uint64_t expected_ms = 2000;
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(LEAVE, S("#a")), &ref), RC_OK);
    for (int i = 0; i < 5; i++) {
        uint64_t waited = 0;

        do {
            receive(f, MSG(PONG));
            waited += pass_to_deadline(f);
        } while (sent_count(f, VERB_LEAVE) == 0);
        assert_in_range(waited, expected_ms * 3 / 4, expected_ms * 5 / 4);
        expected_ms = expected_ms * 2 > 16000 ? 16000 : expected_ms * 2;
    }
}

static void a_refused_request_is_told_with_its_reason(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(JOIN, S("#nowhere")), &ref), RC_OK);
    answer_error(f, RC_NO_SUCH_ROOM, ref);
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.ref, ref);
    assert_int_equal(f->event.rc, RC_NO_SUCH_ROOM);
    assert_string_equal(f->event.text, "no");
    assert_string_equal(f->event.stream, "#nowhere");
}

static void a_busy_broker_is_asked_again_after_its_time(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(JOIN, S("#a")), &ref), RC_OK);
    receive(f, MSG(ERROR, F(CODE, code, RC_BUSY), F(REF, ref, ref), F(RETRY, retry, 400)));
    assert_in_range(pass_to_deadline(f), 300, 500);
    assert_int_equal(sent_count(f, VERB_JOIN), 1);
    assert_no_tell(f);
}

static void room_row(struct fixture *f, const char *name, uint64_t ref)
{
    receive(f, MSG(ROOM, F(STREAM, stream, span_of(name)), F(SEQ, seq, 4), F(PEOPLE, people, 2),
                   F(MEMBER, member, true), F(REF, ref, ref)));
}

static void assert_told_room(struct fixture *f, const char *name)
{
    assert_told(f, ZCHAT_ROOM);
    assert_string_equal(f->event.stream, name);
    assert_int_equal(f->event.seq, 4);
    assert_int_equal(f->event.people, 2);
    assert_true(f->event.is_member);
}

static void a_list_is_followed_to_its_end(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(ROOMS, F(MINE, mine, true)), &ref), RC_OK);
    assert_true(sent(f, VERB_ROOMS, 0)->mine);
    room_row(f, "#a", ref);
    room_row(f, "#b", ref);
    assert_no_tell(f); /* the page may yet be lost */
    receive(f, MSG(END, F(CURSOR, cursor, 128), F(REF, ref, ref)));
    assert_int_equal(sent(f, VERB_ROOMS, 0)->cursor, 128);
    assert_true(sent(f, VERB_ROOMS, 0)->mine);

    const uint64_t page_ref = sent(f, VERB_ROOMS, 0)->ref;

    room_row(f, "#c", page_ref);
    receive(f, MSG(END, F(REF, ref, page_ref)));
    assert_told_room(f, "#a");
    assert_told_room(f, "#b");
    assert_told_room(f, "#c");
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.ref, ref);
    assert_no_tell(f);
}

static void a_repeated_page_is_told_once(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;
    uint64_t again;

    go_up(f);
    assert_int_equal(request(f, MSG(ROOMS), &ref), RC_OK);
    room_row(f, "#a", ref);
    pass_to_deadline(f);
    again = sent(f, VERB_ROOMS, 0)->ref;
    assert_int_not_equal(again, ref);
    room_row(f, "#b", ref); /* the rest of the first answer */
    receive(f, MSG(END, F(REF, ref, ref)));
    assert_no_tell(f);
    room_row(f, "#a", again);
    room_row(f, "#b", again);
    receive(f, MSG(END, F(REF, ref, again)));
    assert_told_room(f, "#a");
    assert_told_room(f, "#b");
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.ref, ref);
    assert_no_tell(f);
}

static void a_person_is_told_with_state_and_room(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(WHO, S("#a")), &ref), RC_OK);
    receive(f, MSG(PERSON, F(NICK, nick, SPAN("bob")), F(STATE, state, SPAN("online")),
                   F(DEVICES, devices, 2), S("#a"), F(REF, ref, ref)));
    receive(f, MSG(PERSON, F(NICK, nick, SPAN("eve")), F(STATE, state, SPAN("gone")),
                   F(DEVICES, devices, 0), F(REF, ref, ref)));
    receive(f, MSG(PERSON, F(NICK, nick, SPAN("odd")), F(REF, ref, ref)));
    receive(f, MSG(END, F(REF, ref, ref)));
    assert_told(f, ZCHAT_PERSON);
    assert_string_equal(f->event.from, "bob");
    assert_string_equal(f->event.state, "online");
    assert_string_equal(f->event.stream, "#a");
    assert_int_equal(f->event.devices, 2);
    assert_told(f, ZCHAT_PERSON);
    assert_string_equal(f->event.stream, "");
    assert_told(f, ZCHAT_ANSWER);
    assert_no_tell(f);
}

static void rows_without_end_are_bounded(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;
    size_t told = 0;

    go_up(f);
    assert_int_equal(request(f, MSG(ROOMS), &ref), RC_OK);
    for (int i = 0; i < 1000; i++)
        room_row(f, "#a", ref);
    receive(f, MSG(END, F(REF, ref, ref)));
    while (next_tell(f))
        told++;
    assert_int_equal(told, LIST_PAGE_MAX + 1);
}

static void a_cursor_that_stands_still_ends_the_list(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(WHO), &ref), RC_OK);
    receive(f, MSG(END, F(CURSOR, cursor, 5), F(REF, ref, ref)));
    receive(f, MSG(END, F(CURSOR, cursor, 5), F(REF, ref, sent(f, VERB_WHO, 0)->ref)));
    assert_int_equal(f->fx.count, 0);
    assert_told(f, ZCHAT_ANSWER);
}

static void the_next_page_waits_for_room(void **state)
{
    struct model_options options = {.limits = MODEL_LIMITS_DEFAULTS};
    uint32_t ref;

    (void)state;
    options.limits.tells_max = 2;

    struct fixture f = fixture_with(options);

    go_up(&f);
    assert_int_equal(request(&f, MSG(ROOMS), &ref), RC_OK);
    room_row(&f, "#a", ref);
    room_row(&f, "#b", ref);
    receive(&f, MSG(END, F(CURSOR, cursor, 2), F(REF, ref, ref)));
    assert_int_equal(sent_count(&f, VERB_ROOMS), 0);
    assert_int_equal(pass_to_deadline(&f), PING_MS); /* it is not asked by time either */
    model_lost(f.model, f.now_ms, &f.fx);
    assert_told_room(&f, "#a");
    assert_int_equal(sent_count(&f, VERB_ROOMS), 0);
    open_link(&f);
    welcome(&f, 1);
    assert_int_equal(sent(&f, VERB_ROOMS, 0)->cursor, 2);
    room_row(&f, "#c", sent(&f, VERB_ROOMS, 0)->ref);
    assert_told_room(&f, "#b");
    fixture_fini(&f);
}

static void a_list_goes_on_when_tells_are_taken(void **state)
{
    struct model_options options = {.limits = MODEL_LIMITS_DEFAULTS};
    uint32_t ref;

    (void)state;
    options.limits.tells_max = 1;

    struct fixture f = fixture_with(options);

    go_up(&f);
    assert_int_equal(request(&f, MSG(ROOMS), &ref), RC_OK);
    room_row(&f, "#a", ref);
    receive(&f, MSG(END, F(CURSOR, cursor, 2), F(REF, ref, ref)));
    assert_told_room(&f, "#a");
    assert_int_equal(sent(&f, VERB_ROOMS, 0)->cursor, 2);
    fixture_fini(&f);
}

static void the_number_of_requests_is_limited(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    for (int i = 0; i < 64; i++)
        assert_int_equal(request(f, MSG(PING), &ref), RC_OK);
    assert_int_equal(request(f, MSG(PING), &ref), RC_BUSY);
}

static void refs_are_not_given_twice(void **state)
{
    struct fixture *f = *state;
    uint32_t refs[4];

    go_up(f);
    for (int i = 0; i < 4; i++)
        assert_int_equal(request(f, MSG(JOIN, S("#a")), &refs[i]), RC_OK);
    receive(f, MSG(JOINED, S("#a"), F(SEQ, seq, 1), F(PEOPLE, people, 1), F(REF, ref, refs[2])));
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.ref, refs[2]);
    assert_no_tell(f);
    receive(f, MSG(JOINED, S("#a"), F(SEQ, seq, 1), F(PEOPLE, people, 1)));
    receive(f, MSG(JOINED, S("#a"), F(SEQ, seq, 1), F(PEOPLE, people, 1), F(REF, ref, 0)));
    assert_no_tell(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_join_is_answered_with_its_ref),
        T(every_kind_of_request_has_its_answer),
        T(every_order_is_answered_with_done),
        T(an_order_is_refused_with_the_sentence_of_the_broker),
        T(an_invitation_brings_its_token_in_key),
        T(devices_sessions_and_bans_are_told_as_rows),
        T(rooms_and_people_tell_modes_topics_and_roles),
        T(requests_wait_for_the_link_and_are_asked_again),
        T(pauses_between_askings_grow),
        T(a_refused_request_is_told_with_its_reason),
        T(a_busy_broker_is_asked_again_after_its_time),
        T(a_list_is_followed_to_its_end),
        T(a_repeated_page_is_told_once),
        T(a_person_is_told_with_state_and_room),
        T(rows_without_end_are_bounded),
        T(a_cursor_that_stands_still_ends_the_list),
        cmocka_unit_test(the_next_page_waits_for_room),
        cmocka_unit_test(a_list_goes_on_when_tells_are_taken),
        T(the_number_of_requests_is_limited),
        T(refs_are_not_given_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
