/* Which of several brokers a client goes to, and when (protocol 5.5). */
#include "tests/unit/client/lib/fixture.h"

#include "client/lib/round.h"

#define CHAT UINT64_C(77)

static const uint64_t KEYS[] = {1, 2, 3};

/* A model that knows `count` brokers of a chat (0: not which). */
static struct fixture fixture_of(size_t count, uint64_t chat)
{
    struct fixture f = fixture_with((struct model_options){.is_inbox = true});

    model_set_brokers(f.model, KEYS, count, chat, true);
    return f;
}

/* The last reconnect that was asked for since forget(). */
static const struct model_effect *move_of(const struct fixture *f)
{
    for (size_t i = f->fx.count; i > 0; i--) {
        if (f->fx.item[i - 1].kind == MODEL_FX_RECONNECT)
            return &f->fx.item[i - 1];
    }
    fail_msg("no broker was left");
    return NULL;
}

static struct model_effect lose(struct fixture *f)
{
    forget(f);
    model_lost(f->model, f->now_ms, &f->fx);
    return *move_of(f);
}

/* WELCOME of the broker at hand, which says this chat; 0: none. */
static void welcome_to(struct fixture *f, uint64_t chat)
{
    struct message message = welcome_message(1);

    if (chat != 0)
        message_set(&message, CHAT, chat, chat);
    receive(f, message);
}

static void a_lost_broker_is_followed_by_another_at_once_R65(void **state)
{
    struct fixture f = fixture_of(2, 0);

    (void)state;
    open_link(&f);
    welcome_to(&f, CHAT);
    const struct model_effect move = lose(&f);
    assert_int_equal(move.broker, 1);
    assert_true(move.delay_ms < MOVE_MS);
    assert_int_equal(move.rc, RC_OK);
    fixture_fini(&f);
}

static void each_is_tried_once_and_then_there_is_a_pause_that_grows_R65(void **state)
{
    struct fixture f = fixture_of(3, 0);
    uint32_t pause_ms = 0;

    (void)state;
    open_link(&f);
    welcome_to(&f, CHAT);
    uint32_t at = 0;
    for (int round = 0; round < 10; round++) {
        uint32_t seen = UINT32_C(1) << at;

        for (int i = 0; i < 2; i++) {
            const struct model_effect move = lose(&f); /* not reached */
            assert_true(move.delay_ms < MOVE_MS);
            assert_int_equal(seen & UINT32_C(1) << move.broker, 0);
            seen |= UINT32_C(1) << move.broker;
        }
        assert_int_equal(seen, 7);
        const struct model_effect move = lose(&f);
        assert_true(move.delay_ms >= RECONNECT_MIN_MS * 3 / 4);
        assert_true(move.delay_ms <= RECONNECT_MAX_MS * 5 / 4);
        assert_true(round == 0 || round == 9 || move.delay_ms > pause_ms * 11 / 10 ||
                    pause_ms > RECONNECT_MAX_MS / 2);
        pause_ms = move.delay_ms;
        at = move.broker;
    }
    assert_true(pause_ms >= RECONNECT_MAX_MS * 3 / 4);
    open_link(&f);
    welcome_to(&f, CHAT);
    assert_true(lose(&f).delay_ms < MOVE_MS); /* and it is as at first */
    lose(&f);
    assert_true(lose(&f).delay_ms <= RECONNECT_MIN_MS * 5 / 4);
    fixture_fini(&f);
}

static void the_clients_of_a_dead_broker_are_spread_over_the_others(void **state)
{
    unsigned at[3] = {0};

    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        const struct model_options options = {
            .nick = "alice", .session.v = seed, .seed = seed, .limits = MODEL_LIMITS_DEFAULTS};
        struct fixture f = {.now_ms = 1000000, .model = model_new(&options)};

        model_set_brokers(f.model, KEYS, 3, 0, true);
        at[lose(&f).broker]++;
        fixture_fini(&f);
    }
    assert_int_equal(at[0], 0);
    assert_in_range(at[1], 150, 250);
}

static void a_ping_without_an_answer_ends_the_link_soon_where_there_is_another(void **state)
{
    struct fixture f = fixture_of(2, 0);

    (void)state;
    open_link(&f);
    welcome_to(&f, CHAT);
    assert_int_equal(pass_to_deadline(&f), PING_MS);
    assert_int_equal(sent_count(&f, VERB_PING), 1);
    broadcast(&f, event_message("#other", 1)); /* says nothing about the way of commands */
    assert_int_equal(pass_to_deadline(&f), LINK_DOUBT_MS);
    assert_int_equal(move_of(&f)->broker, 1);
    fixture_fini(&f);
}

static void an_answer_in_time_keeps_the_link(void **state)
{
    struct fixture f = fixture_of(2, 0);

    (void)state;
    open_link(&f);
    welcome_to(&f, CHAT);
    for (int i = 0; i < 10; i++) {
        pass_to_deadline(&f);
        assert_int_equal(sent_count(&f, VERB_PING), 1);
        pass(&f, LINK_DOUBT_MS - 1);
        receive(&f,
                MSG(PONG, F(TS, ts, 1), S("@alice"), F(SEQ, seq, 0), F(CONFIRMED, confirmed, 0)));
        assert_int_equal(count_of(&f, MODEL_FX_RECONNECT), 0);
    }
    fixture_fini(&f);
}

/* Where all brokers are slow, everybody running from one to the other would make them slower. */
static void
patience_grows_with_each_hasty_move_and_is_as_at_first_after_a_lasting_link(void **state)
{
    static const uint64_t patience[] = {2000, 4000, 8000, 10000, 10000};
    struct fixture f = fixture_of(2, 0);

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        open_link(&f);
        welcome_to(&f, CHAT);
        assert_int_equal(model_patience_ms(f.model), patience[i]);
        while (count_of(&f, MODEL_FX_RECONNECT) == 0)
            pass_to_deadline(&f);
    }
    open_link(&f);
    welcome_to(&f, CHAT);
    for (uint64_t ms = 0; ms < 60000; ms += PING_MS) {
        pass_to_deadline(&f);
        receive(&f,
                MSG(PONG, F(TS, ts, 1), S("@alice"), F(SEQ, seq, 0), F(CONFIRMED, confirmed, 0)));
    }
    lose(&f);
    assert_int_equal(model_patience_ms(f.model), LINK_DOUBT_MS);
    fixture_fini(&f);
}

static void a_hello_without_an_answer_goes_to_the_next(void **state)
{
    struct fixture f = fixture_of(2, 0);
    uint64_t waited = 0;

    (void)state;
    open_link(&f);
    while (count_of(&f, MODEL_FX_RECONNECT) == 0)
        waited += pass_to_deadline(&f);
    assert_int_equal(waited, LINK_DOUBT_MS);
    assert_int_equal(move_of(&f)->broker, 1);
    fixture_fini(&f);
}

static void a_broker_that_stops_sends_its_clients_to_others_spread_over_time(void **state)
{
    struct fixture f = fixture_of(2, 0);

    (void)state;
    open_link(&f);
    welcome_to(&f, CHAT);
    receive(&f, MSG(BYE, F(RETRY, retry, 30000)));
    assert_int_equal(move_of(&f)->broker, 1);
    assert_true(move_of(&f)->delay_ms < 500);
    open_link(&f);
    answer_error(&f, RC_STOPPING, sent(&f, VERB_HELLO, 0)->ref);
    assert_int_equal(move_of(&f)->broker, 0);
    assert_true(move_of(&f)->delay_ms >= RECONNECT_MIN_MS * 3 / 4); /* both were tried */
    fixture_fini(&f);
}

static void a_broker_of_another_chat_is_passed_over_R63(void **state)
{
    struct fixture f = fixture_of(2, 0);
    uint32_t number;

    (void)state;
    open_link(&f);
    welcome_to(&f, CHAT);
    while (next_tell(&f))
        ;
    lose(&f);
    assert_told(&f, ZCHAT_LINK);
    open_link(&f);
    assert_int_equal(model_post(f.model, SPAN("#lobby"), SPAN("message"), SPAN("hi"), 0, 0,
                                f.now_ms, &f.fx, &number),
                     RC_OK);
    welcome_to(&f, CHAT + 1);
    assert_int_equal(sent_count(&f, VERB_POST), 0);
    assert_int_equal(move_of(&f)->rc, RC_WRONG_BROKER);
    assert_int_equal(move_of(&f)->broker, 0);
    assert_no_tell(&f);
    for (int i = 0; i < 5; i++) { /* and is not asked again, while the other one is not there */
        open_link(&f);
        assert_int_equal(lose(&f).broker, 0);
    }
    open_link(&f);
    welcome_to(&f, CHAT);
    assert_int_equal(sent_count(&f, VERB_POST), 1);
    assert_told(&f, ZCHAT_LINK);
    assert_int_equal(f.event.link, ZCHAT_LINK_UP);
    fixture_fini(&f);
}

static void another_broker_of_the_chat_takes_the_session_over_R63(void **state)
{
    struct fixture f = fixture_of(2, 0);
    uint32_t number;

    (void)state;
    open_link(&f);
    welcome_to(&f, CHAT);
    assert_int_equal(model_post(f.model, SPAN("#lobby"), SPAN("message"), SPAN("hi"), 0, 0,
                                f.now_ms, &f.fx, &number),
                     RC_OK);
    lose(&f);
    open_link(&f);
    assert_int_equal(sent(&f, VERB_HELLO, 0)->session, SESSION_OF_TEST);
    welcome_to(&f, CHAT);
    assert_int_equal(sent(&f, VERB_POST, 0)->number, number);
    fixture_fini(&f);
}

static void what_an_earlier_run_knew_of_the_chat_counts_R63(void **state)
{
    struct fixture f = fixture_of(2, CHAT);

    (void)state;
    lose(&f); /* the first is not reached */
    open_link(&f);
    welcome_to(&f, CHAT + 1);
    assert_int_equal(move_of(&f)->rc, RC_WRONG_BROKER);
    fixture_fini(&f);

    f = fixture_of(2, CHAT);
    open_link(&f);
    welcome_to(&f, CHAT + 1); /* of the very broker: its log was replaced */
    assert_int_equal(count_of(&f, MODEL_FX_RECONNECT), 0);
    lose(&f);
    open_link(&f);
    welcome_to(&f, CHAT);
    assert_int_equal(move_of(&f)->rc, RC_WRONG_BROKER);
    fixture_fini(&f);
}

static void an_address_that_moved_to_another_chat_is_no_home_R63(void **state)
{
    struct fixture f = fixture_with((struct model_options){0});

    (void)state;
    model_set_brokers(f.model, KEYS, 1, CHAT, false);
    open_link(&f);
    welcome_to(&f, CHAT + 1);
    assert_told(&f, ZCHAT_LINK);
    assert_int_equal(f.event.link, ZCHAT_LINK_REFUSED);
    assert_int_equal(f.event.rc, RC_WRONG_BROKER);
    fixture_fini(&f);

    f = fixture_with((struct model_options){0});
    model_set_brokers(f.model, KEYS, 1, CHAT, false);
    open_link(&f);
    welcome_to(&f, 0); /* one that says nothing may be anything */
    assert_told(&f, ZCHAT_LINK);
    assert_int_equal(f.event.rc, RC_WRONG_BROKER);
    fixture_fini(&f);

    f = fixture_with((struct model_options){0});
    model_set_brokers(f.model, KEYS, 1, CHAT, false);
    open_link(&f);
    welcome_to(&f, CHAT);
    assert_told(&f, ZCHAT_LINK);
    assert_int_equal(f.event.link, ZCHAT_LINK_UP);
    fixture_fini(&f);
}

static void without_a_chat_the_key_says_which_broker_it_is_R63(void **state)
{
    static const uint64_t same[] = {5, 5};
    struct fixture f = fixture_of(2, 0);

    (void)state;
    open_link(&f);
    welcome_to(&f, 0); /* of an older version */
    lose(&f);
    open_link(&f);
    welcome_to(&f, 0);
    assert_int_equal(move_of(&f)->rc, RC_WRONG_BROKER);
    fixture_fini(&f);

    f = fixture_of(1, 0);
    model_set_brokers(f.model, same, 2, 0, true); /* two addresses of one broker */
    open_link(&f);
    welcome_to(&f, 0);
    lose(&f);
    open_link(&f);
    welcome_to(&f, CHAT); /* which was upgraded meanwhile */
    assert_int_equal(count_of(&f, MODEL_FX_RECONNECT), 0);
    fixture_fini(&f);
}

static void one_that_does_not_let_us_in_is_passed_over_unless_it_is_ours(void **state)
{
    struct fixture f = fixture_of(2, 0);

    (void)state;
    open_link(&f);
    welcome_to(&f, CHAT);
    while (next_tell(&f))
        ;
    lose(&f);
    assert_told(&f, ZCHAT_LINK);
    open_link(&f);
    answer_error(&f, RC_NOT_LET_IN, sent(&f, VERB_HELLO, 0)->ref);
    assert_int_equal(move_of(&f)->broker, 0);
    assert_int_equal(move_of(&f)->rc, RC_NOT_LET_IN);
    assert_no_tell(&f);
    open_link(&f);
    answer_error(&f, RC_REVOKED, sent(&f, VERB_HELLO, 0)->ref);
    assert_told(&f, ZCHAT_LINK);
    assert_int_equal(f.event.link, ZCHAT_LINK_REFUSED);
    assert_int_equal(f.event.rc, RC_REVOKED);
    forget(&f);
    model_lost(f.model, f.now_ms, &f.fx);
    assert_int_equal(f.fx.count, 0);
    fixture_fini(&f);
}

static void a_new_list_is_tried_from_where_the_link_is(void **state)
{
    struct fixture f = fixture_of(1, 0);

    (void)state;
    open_link(&f);
    welcome_to(&f, CHAT);
    assert_int_equal(model_patience_ms(f.model), LINK_DEAD_MS);
    model_set_brokers(f.model, KEYS, 2, CHAT, true);
    assert_int_equal(model_patience_ms(f.model), LINK_DOUBT_MS);
    assert_int_equal(lose(&f).broker, 1);
    open_link(&f);
    welcome_to(&f, CHAT);
    model_set_brokers(f.model, KEYS, 1, CHAT, true); /* the other one was taken out of service */
    const struct model_effect move = lose(&f);
    assert_int_equal(move.broker, 0);
    assert_true(move.delay_ms >= RECONNECT_MIN_MS * 3 / 4);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_broker_is_followed_by_another_at_once_R65),
        cmocka_unit_test(each_is_tried_once_and_then_there_is_a_pause_that_grows_R65),
        cmocka_unit_test(the_clients_of_a_dead_broker_are_spread_over_the_others),
        cmocka_unit_test(a_ping_without_an_answer_ends_the_link_soon_where_there_is_another),
        cmocka_unit_test(an_answer_in_time_keeps_the_link),
        cmocka_unit_test(
            patience_grows_with_each_hasty_move_and_is_as_at_first_after_a_lasting_link),
        cmocka_unit_test(a_hello_without_an_answer_goes_to_the_next),
        cmocka_unit_test(a_broker_that_stops_sends_its_clients_to_others_spread_over_time),
        cmocka_unit_test(a_broker_of_another_chat_is_passed_over_R63),
        cmocka_unit_test(another_broker_of_the_chat_takes_the_session_over_R63),
        cmocka_unit_test(what_an_earlier_run_knew_of_the_chat_counts_R63),
        cmocka_unit_test(an_address_that_moved_to_another_chat_is_no_home_R63),
        cmocka_unit_test(without_a_chat_the_key_says_which_broker_it_is_R63),
        cmocka_unit_test(one_that_does_not_let_us_in_is_passed_over_unless_it_is_ours),
        cmocka_unit_test(a_new_list_is_tried_from_where_the_link_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
