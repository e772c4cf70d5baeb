#include "client/lib/model.h"

#include "tests/unit/client/lib/fixture.h"

static void hello_is_said_behind_the_subscriptions(void **state)
{
    struct fixture *f = *state;
    const struct zchat_place head = {ZCHAT_FROM_HEAD, 0};

    assert_int_equal(model_follow(f->model, SPAN("#lobby"), head, 0, f->now_ms, &f->fx), RC_OK);
    assert_int_equal(f->fx.count, 0); /* there are no sockets yet */
    open_link(f);
    assert_int_equal(f->fx.count, 3);
    assert_int_equal(f->fx.item[0].kind, MODEL_FX_SUBSCRIBE);
    assert_true(span_equal(f->fx.item[0].topic, SPAN("#lobby")));
    assert_int_equal(f->fx.item[1].kind, MODEL_FX_SUBSCRIBE);
    assert_true(span_equal(f->fx.item[1].topic, SPAN(PROBE_TOPIC)));

    const struct message *hello = sent(f, VERB_HELLO, 0);

    assert_true(span_equal(hello->nick, SPAN("alice")));
    assert_true(span_equal(hello->agent, SPAN("test 1")));
    assert_int_equal(hello->session, SESSION_OF_TEST);
    assert_true(hello->inbox);
    assert_int_equal(hello->low, PROTOCOL_VERSION_LOW);
    assert_int_equal(hello->high, PROTOCOL_VERSION_HIGH);
    assert_true(message_has(hello, HAS_REF));
}

static void hello_is_repeated_every_second_until_welcome(void **state)
{
    struct fixture *f = *state;

    open_link(f);
    assert_int_equal(pass_to_deadline(f), 1000);
    assert_int_equal(sent_count(f, VERB_HELLO), 1);
    assert_int_equal(pass_to_deadline(f), 1000);
    assert_int_equal(sent_count(f, VERB_HELLO), 1);
    welcome(f, 1);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.link, ZCHAT_LINK_UP);
    pass(f, 1000);
    assert_int_equal(sent_count(f, VERB_HELLO), 0);
}

static void a_second_welcome_changes_nothing(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    post_to(f, "#lobby", 0);
    welcome(f, 1);
    assert_int_equal(sent_count(f, VERB_POST), 0);
    assert_no_tell(f);
}

static void a_welcome_of_another_session_is_ignored(void **state)
{
    struct fixture *f = *state;
    struct message other = welcome_message(1);

    open_link(f);
    other.session = 99;
    receive(f, other);
    assert_no_tell(f);
    receive(f, MSG(WELCOME));
    assert_no_tell(f);
}

static void a_late_welcome_does_not_answer_a_newer_hello(void **state)
{
    struct fixture *f = *state;
    struct message late = welcome_message(1);

    open_link(f);
    message_set(&late, REF, ref, sent(f, VERB_HELLO, 0)->ref);
    receive(f, late);
    answer_error(f, RC_HELLO_FIRST, 1); /* the broker was restarted: HELLO is said again */
    late.ref = sent(f, VERB_HELLO, 0)->ref - 1;
    post_to(f, "#lobby", 0);
    receive(f, late);
    assert_int_equal(f->fx.count, 0);
    late.ref++;
    receive(f, late);
    assert_int_equal(sent_count(f, VERB_POST), 1);
}

static void ping_is_sent_every_ping_ms(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(pass_to_deadline(f), PING_MS);
        assert_int_equal(sent_count(f, VERB_PING), 1);
        receive(f,
                MSG(PONG, F(TS, ts, 1), S("@alice"), F(SEQ, seq, 0), F(CONFIRMED, confirmed, 0)));
    }
    assert_no_tell(f);
}

static void ping_ms_of_the_broker_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct message greedy = welcome_message(1);

    greedy.ping_ms = 0;
    open_link(f);
    receive(f, greedy);
    assert_int_equal(pass_to_deadline(f), 100);
}

static void silence_ends_the_link_once_and_reconnects_with_backoff(void **state)
{
    struct fixture *f = *state;
    uint32_t delay = 0;

    go_up(f);
    for (int i = 0; i < 3; i++) {
        pass_to_deadline(f);
        assert_int_equal(sent_count(f, VERB_PING), 1);
        broadcast(f, event_message("#other", 1)); /* says nothing about the way of commands */
    }
    assert_int_equal(pass_to_deadline(f), 1000);
    assert_int_equal(count_of(f, MODEL_FX_RECONNECT), 1);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.link, ZCHAT_LINK_DOWN);
    assert_true(model_next_deadline_ms(f->model) == UINT64_MAX);

    for (int i = 0; i < 12; i++) {
        open_link(f);
        forget(f);
        model_lost(f->model, f->now_ms, &f->fx);
        assert_int_equal(count_of(f, MODEL_FX_RECONNECT), 1);
        delay = f->fx.item[f->fx.count - 1].delay_ms;
        assert_true(delay <= RECONNECT_MAX_MS + RECONNECT_MAX_MS / 4);
        assert_no_tell(f);
    }
    assert_true(delay >= RECONNECT_MAX_MS * 3 / 4);
    go_up(f);
    forget(f);
    model_lost(f->model, f->now_ms, &f->fx);
    assert_true(f->fx.item[0].delay_ms <= RECONNECT_MIN_MS * 5 / 4);
    forget(f);
    model_lost(f->model, f->now_ms, &f->fx); /* twice is once */
    assert_int_equal(f->fx.count, 0);
}

static void a_broker_that_never_answers_is_left_after_ten_seconds(void **state)
{
    struct fixture *f = *state;
    uint64_t waited = 0;

    open_link(f);
    do
        waited += pass_to_deadline(f);
    while (count_of(f, MODEL_FX_RECONNECT) == 0);
    assert_int_equal(waited, LINK_DEAD_MS);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.link, ZCHAT_LINK_DOWN);
}

static void nothing_is_heard_between_two_connections(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    model_lost(f->model, f->now_ms, &f->fx);
    assert_told(f, ZCHAT_LINK);
    welcome(f, 1);
    assert_no_tell(f);
}

static void a_refused_hello_is_final(void **state)
{
    struct fixture *f = *state;
    static const enum rc final[] = {RC_NICK_IN_USE, RC_VERSION,    RC_NOT_LET_IN,   RC_WRONG_NICK,
                                    RC_BAD_NAME,    RC_CONFUSABLE, RC_SESSION_TAKEN};

    for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++) {
        struct fixture g = fixture_with((struct model_options){0});

        open_link(&g);
        answer_error(&g, final[i], sent(&g, VERB_HELLO, 0)->ref);
        assert_told(&g, ZCHAT_LINK);
        assert_int_equal(g.event.link, ZCHAT_LINK_REFUSED);
        assert_int_equal(g.event.rc, final[i]);
        assert_string_equal(g.event.text, "no");
        assert_true(model_next_deadline_ms(g.model) == UINT64_MAX);
        welcome(&g, 1);
        assert_no_tell(&g);
        fixture_fini(&g);
    }
    forget(f);
    model_refused(f->model, RC_WRONG_BROKER, f->now_ms, &f->fx);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.rc, RC_WRONG_BROKER);
    assert_true(strlen(f->event.text) > 0);
    model_lost(f->model, f->now_ms, &f->fx);
    assert_int_equal(count_of(f, MODEL_FX_RECONNECT), 0);
}

static void a_hello_that_is_put_off_is_said_again_later(void **state)
{
    struct fixture *f = *state;

    open_link(f);

    const uint64_t ref = sent(f, VERB_HELLO, 0)->ref;

    receive(f, MSG(ERROR, F(CODE, code, RC_LIMIT), F(REF, ref, ref), F(RETRY, retry, 3000)));
    assert_told(f, ZCHAT_LINK); /* people want to know why they wait */
    assert_int_equal(f->event.link, ZCHAT_LINK_DOWN);
    assert_int_equal(f->event.rc, RC_LIMIT);
    assert_in_range(pass_to_deadline(f), 3000, 3000 * 5 / 4);
    assert_int_equal(sent_count(f, VERB_HELLO), 1);
    answer_error(f, RC_STOPPING, ref);
    assert_in_range(pass_to_deadline(f), 1000, 1250);
    assert_int_equal(sent_count(f, VERB_HELLO), 1);
    answer_error(f, RC_DISK_FULL, ref); /* once is enough */
    assert_no_tell(f);
    welcome(f, 1);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.link, ZCHAT_LINK_UP);
}

static void an_invitation_is_said_with_each_hello_until_welcome(void **state)
{
    static const unsigned char token[INVITE_BYTES] = "0123456789abcdef";
    struct fixture f = fixture_with((struct model_options){.invite = token});

    (void)state;
    open_link(&f);
    assert_int_equal(sent(&f, VERB_HELLO, 0)->invite.len, INVITE_BYTES);
    assert_memory_equal(sent(&f, VERB_HELLO, 0)->invite.ptr, token, INVITE_BYTES);
    pass_to_deadline(&f); /* no answer */
    assert_true(message_has(sent(&f, VERB_HELLO, 0), HAS_INVITE));
    forget(&f);
    model_lost(f.model, f.now_ms, &f.fx);
    open_link(&f);
    assert_true(message_has(sent(&f, VERB_HELLO, 0), HAS_INVITE));
    welcome(&f, 1);
    receive(&f, MSG(ERROR, F(CODE, code, RC_HELLO_FIRST)));
    assert_false(message_has(sent(&f, VERB_HELLO, 0), HAS_INVITE)); /* it is used up */
    fixture_fini(&f);
}

static void only_errors_that_fit_answer_a_hello(void **state)
{
    struct fixture *f = *state;

    open_link(f);
    answer_error(f, RC_NICK_IN_USE, 999999);
    receive(f, MSG(ERROR, F(CODE, code, RC_MALFORMED)));
    refuse_post(f, 1, RC_DENIED);
    receive(f, MSG(ERROR, F(CODE, code, RC_HELLO_FIRST)));
    assert_no_tell(f);
    receive(f, MSG(ERROR, F(CODE, code, RC_NOT_LET_IN))); /* a broker that gives no ref */
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.link, ZCHAT_LINK_REFUSED);
    assert_true(strlen(f->event.text) > 0);
}

static void R42_a_session_whose_key_is_removed_ends_with_a_word(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(request(f, MSG(JOIN, S("#lab")), &ref), RC_OK);
    answer_error(f, RC_BANNED, ref); /* of that room */
    assert_told(f, ZCHAT_ANSWER);
    assert_no_tell(f);
    receive(f, MSG(ERROR, F(CODE, code, RC_REVOKED), F(TEXT, text, SPAN("gone"))));
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.link, ZCHAT_LINK_REFUSED);
    assert_int_equal(f->event.rc, RC_REVOKED);
    assert_no_tell(f);
}

static void an_unknown_code_is_like_denied(void **state)
{
    struct fixture *f = *state;

    open_link(f);
    answer_error(f, (enum rc)77, sent(f, VERB_HELLO, 0)->ref);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.rc, RC_DENIED);
}

static void hello_first_is_answered_with_hello_and_everything_again(void **state)
{
    struct fixture *f = *state;
    const struct zchat_place head = {ZCHAT_FROM_HEAD, 0};

    go_up(f);
    post_to(f, "#lobby", 0);
    assert_int_equal(model_follow(f->model, SPAN("#lobby"), head, 0, f->now_ms, &f->fx), RC_OK);
    refuse_post(f, 1, RC_HELLO_FIRST);
    assert_int_equal(sent_count(f, VERB_HELLO), 1);
    answer_error(f, RC_HELLO_FIRST, 5);
    assert_int_equal(sent_count(f, VERB_HELLO), 0); /* it is on its way */
    welcome(f, 1);
    assert_int_equal(sent_count(f, VERB_POST), 1);
    assert_int_equal(sent_count(f, VERB_PROBE), 1);
    assert_no_tell(f);
}

static void bye_of_the_broker_is_followed_by_a_reconnect_after_its_time(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    receive(f, MSG(BYE, F(RETRY, retry, 2000)));
    assert_int_equal(count_of(f, MODEL_FX_RECONNECT), 1);
    assert_in_range(f->fx.item[0].delay_ms, 2000, 3100);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.link, ZCHAT_LINK_DOWN);
}

static void the_stream_key_is_given_for_its_stream_and_epoch_alone(void **state)
{
    struct fixture *f = *state;
    struct message m = welcome_message(1);
    unsigned char key[STREAM_KEY_BYTES];

    memset(key, 42, sizeof(key));
    open_link(f);
    assert_null(model_stream_key(f->model, SPAN("@alice"), 3));
    message_set(&m, EPOCH, epoch, 3);
    message_set(&m, KEY, key, ((struct span){(const char *)key, sizeof(key) - 1}));
    receive(f, m);
    assert_null(model_stream_key(f->model, SPAN("@alice"), 3)); /* a byte is missing */
    m.key.len++;
    receive(f, m);
    assert_memory_equal(model_stream_key(f->model, SPAN("@alice"), 3), key, sizeof(key));
    assert_null(model_stream_key(f->model, SPAN("@alice"), 4));
    assert_null(model_stream_key(f->model, SPAN("@bob"), 3));
}

static void shown_private_messages_are_confirmed(void **state)
{
    struct fixture *f = *state;
    const struct zchat_place place = {ZCHAT_FROM_CONFIRMED, 0};

    go_up(f);
    assert_int_equal(model_follow(f->model, SPAN("@alice"), place, 0, f->now_ms, &f->fx), RC_OK);
    broadcast(f, MSG(PROBE, F(TOKEN, token, sent(f, VERB_PROBE, 0)->token)));

    struct message head = head_message("@alice", 0);

    message_set(&head, REF, ref, sent(f, VERB_HEAD, 0)->ref);
    receive(f, head);
    assert_told_live(f, "@alice", 0);
    broadcast(f, event_message("@alice", 1));
    broadcast(f, event_message("@alice", 2));
    assert_told_event(f, "@alice", 1);
    assert_int_equal(sent_count(f, VERB_CONFIRM), 0);
    assert_told_event(f, "@alice", 2);
    assert_int_equal(sent_count(f, VERB_CONFIRM), 0); /* 1 is shown, 2 is being shown */
    assert_no_tell(f);
    assert_int_equal(sent(f, VERB_CONFIRM, 0)->seq, 2);
    assert_true(span_equal(sent(f, VERB_CONFIRM, 0)->stream, SPAN("@alice")));

    /* At the end what was shown is confirmed, whatever is left untold. */
    for (uint64_t seq = 3; seq <= 6; seq++)
        broadcast(f, event_message("@alice", seq));
    for (uint64_t seq = 3; seq <= 5; seq++)
        assert_told_event(f, "@alice", seq);
    assert_int_equal(sent_count(f, VERB_CONFIRM), 0);
    model_closing(f->model, f->now_ms, &f->fx);
    assert_int_equal(sent(f, VERB_CONFIRM, 0)->seq, 4);
    assert_told_event(f, "@alice", 6);
    assert_no_tell(f);

    /* It was lost: PONG tells. */
    receive(f, MSG(PONG, F(TS, ts, 1), S("@alice"), F(SEQ, seq, 6), F(CONFIRMED, confirmed, 0)));
    assert_int_equal(sent(f, VERB_CONFIRM, 0)->seq, 6);
    receive(f, MSG(PONG, F(TS, ts, 1), S("@alice"), F(SEQ, seq, 6), F(CONFIRMED, confirmed, 6)));
    assert_int_equal(sent_count(f, VERB_CONFIRM), 0);
}

static void a_gap_that_was_shown_is_confirmed_with_what_follows(void **state)
{
    struct fixture *f = *state;
    const struct zchat_place place = {ZCHAT_FROM_CONFIRMED, 0};
    struct message fetch;

    go_up(f);
    forget(f);
    assert_int_equal(model_follow(f->model, SPAN("@alice"), place, 0, f->now_ms, &f->fx), RC_OK);
    broadcast(f, MSG(PROBE, F(TOKEN, token, sent(f, VERB_PROBE, 0)->token)));

    struct message head = head_message("@alice", 3);

    message_set(&head, REF, ref, sent(f, VERB_HEAD, 0)->ref);
    receive(f, head);
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f, MSG(GONE, S("@alice"), F(FIRST, first, 3), F(SEQ, seq, 3), F(REF, ref, fetch.ref)));
    broadcast(f, event_message("@alice", 3));
    assert_told(f, ZCHAT_GAP);
    assert_told_event(f, "@alice", 3);
    assert_told_live(f, "@alice", 3);
    assert_no_tell(f);
    assert_int_equal(sent(f, VERB_CONFIRM, 0)->seq, 3);
}

static void a_client_without_inbox_confirms_nothing(void **state)
{
    struct fixture f = fixture_with((struct model_options){.is_inbox = false});
    const struct zchat_place place = {ZCHAT_FROM_SEQ, 1};

    (void)state;
    go_up(&f);
    assert_int_equal(model_follow(f.model, SPAN("@alice"), place, 0, f.now_ms, &f.fx), RC_OK);
    broadcast(&f, MSG(PROBE, F(TOKEN, token, sent(&f, VERB_PROBE, 0)->token)));

    struct message head = head_message("@alice", 0);

    message_set(&head, REF, ref, sent(&f, VERB_HEAD, 0)->ref);
    receive(&f, head);
    broadcast(&f, event_message("@alice", 1));
    assert_told(&f, ZCHAT_LIVE);
    assert_told_event(&f, "@alice", 1);
    assert_no_tell(&f);
    assert_int_equal(sent_count(&f, VERB_CONFIRM), 0);
    fixture_fini(&f);
}

static void who_confirms_late_confirms_what_is_done_and_not_what_was_told(void **state)
{
    struct fixture f =
        fixture_with((struct model_options){.is_inbox = true, .confirms_late = true});
    const struct zchat_place place = {ZCHAT_FROM_CONFIRMED, 0};

    (void)state;
    go_up(&f);
    assert_int_equal(model_follow(f.model, SPAN("@alice"), place, 0, f.now_ms, &f.fx), RC_OK);
    broadcast(&f, MSG(PROBE, F(TOKEN, token, sent(&f, VERB_PROBE, 0)->token)));

    struct message head = head_message("@alice", 0);

    message_set(&head, REF, ref, sent(&f, VERB_HEAD, 0)->ref);
    receive(&f, head);
    broadcast(&f, event_message("@alice", 1));
    broadcast(&f, event_message("@alice", 2));
    assert_told_live(&f, "@alice", 0);
    assert_told_event(&f, "@alice", 1);
    assert_told_event(&f, "@alice", 2);
    assert_no_tell(&f);
    assert_int_equal(sent_count(&f, VERB_CONFIRM), 0);
    model_shown(f.model, 2, 2); /* does not join on to what was confirmed */
    assert_no_tell(&f);
    assert_int_equal(sent_count(&f, VERB_CONFIRM), 0);
    model_shown(f.model, 1, 1);
    assert_no_tell(&f);
    assert_int_equal(sent(&f, VERB_CONFIRM, 0)->seq, 2);
    fixture_fini(&f);
}

static void messages_without_their_fields_are_ignored(void **state)
{
    struct fixture *f = *state;
    const struct zchat_place place = {ZCHAT_FROM_SEQ, 1};
    uint32_t ref;

    go_up(f);
    assert_int_equal(model_follow(f->model, SPAN("#lobby"), place, 0, f->now_ms, &f->fx), RC_OK);
    post_to(f, "#lobby", 0);
    assert_int_equal(request(f, MSG(WHO), &ref), RC_OK);
    for (int verb = VERB_NONE; verb <= VERB_COUNT; verb++) {
        struct message bare = {.verb = (enum verb)verb};

        if (verb == VERB_BYE)
            continue;
        receive(f, bare);
        broadcast(f, bare);
        message_set(&bare, REF, ref, 12345);
        receive(f, bare);
        message_set(&bare, NUMBER, number, UINT32_MAX);
        receive(f, bare);
    }
    assert_int_equal(model_unanswered(f->model), 1);
    assert_no_tell(f);
}

static void the_broadcast_socket_answers_no_questions(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    post_to(f, "#lobby", 0);
    broadcast(f, MSG(ACK, F(NUMBER, number, 1), S("#lobby"), F(SEQ, seq, 1)));
    broadcast(f, MSG(BYE));
    assert_int_equal(model_unanswered(f->model), 1);
    assert_no_tell(f);
}

static void a_flapping_link_does_not_fill_the_queue(void **state)
{
    struct fixture *f = *state;
    size_t told = 0;

    for (int i = 0; i < 1000; i++) {
        open_link(f);
        welcome(f, 1);
        forget(f);
        model_lost(f->model, f->now_ms, &f->fx);
    }
    while (next_tell(f))
        told++;
    assert_in_range(told, 1, 64);
    assert_int_equal(f->event.link, ZCHAT_LINK_DOWN); /* the last one is true */
    open_link(f);
    welcome(f, 1);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.link, ZCHAT_LINK_UP);
}

static void unknown_requests_and_bad_posts_are_refused(void **state)
{
    struct fixture *f = *state;
    uint32_t got = 0;
    static char big[TEXT_BYTES_MAX + 1];
    static const struct {
        const char *target, *kind, *text;
        enum rc rc;
    } bad[] = {
        {"", "", "x", RC_BAD_NAME},
        {"#", "", "x", RC_BAD_NAME},
        {"lobby", "", "x", RC_BAD_NAME},
        {"#a", "", "", RC_BAD_TEXT},
        {"#a", "12345678901234567", "x", RC_BAD_FIELD},
    };

    assert_int_equal(request(f, MSG(POST), &got), RC_UNKNOWN_VERB);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(model_post(f->model, span_of(bad[i].target), span_of(bad[i].kind),
                                    span_of(bad[i].text), 0, 0, f->now_ms, &f->fx, &got),
                         bad[i].rc);
    assert_int_equal(model_post(f->model, SPAN("#a"), (struct span){0},
                                (struct span){big, sizeof(big)}, 0, 0, f->now_ms, &f->fx, &got),
                     RC_TOO_BIG);
    assert_int_equal(got, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(hello_is_said_behind_the_subscriptions),
        T(hello_is_repeated_every_second_until_welcome),
        T(a_second_welcome_changes_nothing),
        T(a_welcome_of_another_session_is_ignored),
        T(a_late_welcome_does_not_answer_a_newer_hello),
        T(ping_is_sent_every_ping_ms),
        T(ping_ms_of_the_broker_is_bounded),
        T(silence_ends_the_link_once_and_reconnects_with_backoff),
        T(a_broker_that_never_answers_is_left_after_ten_seconds),
        T(nothing_is_heard_between_two_connections),
        T(a_refused_hello_is_final),
        T(a_hello_that_is_put_off_is_said_again_later),
        cmocka_unit_test(an_invitation_is_said_with_each_hello_until_welcome),
        T(only_errors_that_fit_answer_a_hello),
        T(R42_a_session_whose_key_is_removed_ends_with_a_word),
        T(an_unknown_code_is_like_denied),
        T(hello_first_is_answered_with_hello_and_everything_again),
        T(bye_of_the_broker_is_followed_by_a_reconnect_after_its_time),
        T(the_stream_key_is_given_for_its_stream_and_epoch_alone),
        T(shown_private_messages_are_confirmed),
        T(a_gap_that_was_shown_is_confirmed_with_what_follows),
        cmocka_unit_test(a_client_without_inbox_confirms_nothing),
        cmocka_unit_test(who_confirms_late_confirms_what_is_done_and_not_what_was_told),
        T(messages_without_their_fields_are_ignored),
        T(the_broadcast_socket_answers_no_questions),
        T(a_flapping_link_does_not_fill_the_queue),
        T(unknown_requests_and_bad_posts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
