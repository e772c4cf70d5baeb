/* Private rooms: their keys, what cannot be opened, and being put out (protocol 7.4, 7.6). */
#include "tests/unit/client/lib/follow_fixture.h"

#define LAB "#lab"

static unsigned char key_a[STREAM_KEY_BYTES], key_b[STREAM_KEY_BYTES];

static void set_key(struct message *message, const unsigned char *key, uint32_t epoch)
{
    message_set(message, EPOCH, epoch, epoch);
    message_set(message, KEY, key, ((struct span){(const char *)key, STREAM_KEY_BYTES}));
}

static void make_keys(void)
{
    memset(key_a, 'a', sizeof(key_a));
    memset(key_b, 'b', sizeof(key_b));
}

/* Follow the room, which stands at `head`, with the key of epoch 1. */
static void follow_lab(struct fixture *f, uint64_t head)
{
    struct message answer;

    make_keys();
    go_up(f);
    assert_int_equal(follow(f, LAB, ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    answer_probe(f);
    answer = *sent(f, VERB_HEAD, 0);
    message_set(&answer, SEQ, seq, head);
    set_key(&answer, key_a, 1);
    receive(f, answer);
    assert_told_live(f, LAB, head);
}

static void unreadable(struct fixture *f, uint32_t epoch, uint64_t seq)
{
    forget(f);
    model_unreadable(f->model, SPAN(LAB), epoch, seq, f->now_ms, &f->fx);
}

static void keys_of_rooms_come_with_head_and_joined(void **state)
{
    struct fixture *f = *state;
    struct message joined = MSG(JOINED, S(LAB), F(SEQ, seq, 4), F(PEOPLE, people, 2));

    follow_lab(f, 4);
    assert_memory_equal(model_stream_key(f->model, SPAN(LAB), 1), key_a, sizeof(key_a));
    assert_null(model_stream_key(f->model, SPAN(LAB), 2));
    assert_null(model_stream_key(f->model, SPAN("#other"), 1));
    set_key(&joined, key_b, 2);
    receive(f, joined);
    assert_memory_equal(model_stream_key(f->model, SPAN(LAB), 2), key_b, sizeof(key_b));
    assert_null(model_stream_key(f->model, SPAN(LAB), 1)); /* old ones are not kept */
}

static void no_key_is_taken_from_broadcasts(void **state)
{
    struct fixture *f = *state;
    struct message head = head_message(LAB, 4);

    follow_lab(f, 4);
    set_key(&head, key_b, 2);
    broadcast(f, head);
    assert_null(model_stream_key(f->model, SPAN(LAB), 2));
}

static void a_key_goes_with_its_follow(void **state)
{
    struct fixture *f = *state;

    follow_lab(f, 4);
    forget(f);
    model_unfollow(f->model, SPAN(LAB), &f->fx);
    assert_null(model_stream_key(f->model, SPAN(LAB), 1));
}

static void R45_what_cannot_be_opened_is_fetched_and_its_key_asked(void **state)
{
    struct fixture *f = *state;
    struct message answer, fetch;

    follow_lab(f, 4);
    unreadable(f, 2, 5);
    assert_int_equal(sent_count(f, VERB_HEAD), 1);
    assert_int_equal(sent_count(f, VERB_FETCH), 1);
    answer = *sent(f, VERB_HEAD, 0);
    fetch = *sent(f, VERB_FETCH, 0);
    assert_int_equal(fetch.first, 5);
    message_set(&answer, SEQ, seq, 5);
    set_key(&answer, key_b, 2);
    receive(f, answer);
    assert_memory_equal(model_stream_key(f->model, SPAN(LAB), 2), key_b, sizeof(key_b));
    answer_page(f, fetch, 5, 5, 5, true);
    assert_told_event(f, LAB, 5);
    assert_no_tell(f);
}

static void a_box_of_an_older_epoch_is_no_reason_to_ask(void **state)
{
    struct fixture *f = *state;
    struct message joined = MSG(JOINED, S(LAB), F(SEQ, seq, 4), F(PEOPLE, people, 2));

    follow_lab(f, 4);
    set_key(&joined, key_b, 2);
    receive(f, joined);
    unreadable(f, 1, 4); /* published again */
    assert_int_equal(f->fx.count, 0);
    unreadable(f, 1, 5); /* overtaken: but its place counts */
    assert_int_equal(sent_count(f, VERB_HEAD), 0);
    assert_int_equal(sent_count(f, VERB_FETCH), 1);
}

static void forged_boxes_make_few_questions(void **state)
{
    struct fixture *f = *state;
    size_t heads = 0, fetches = 0;

    follow_lab(f, 4);
    for (unsigned i = 0; i < 6000;
         i++) { /* a minute of a hundred a second, under the epoch we have */
        unreadable(f, 1, 4);
        heads += sent_count(f, VERB_HEAD);
        fetches += sent_count(f, VERB_FETCH);
        f->now_ms += 10;
    }
    assert_in_range(heads, 2, 13);
    assert_int_equal(fetches, 0);
}

static void a_new_key_makes_asking_quick_again(void **state)
{
    struct fixture *f = *state;
    struct message answer;

    follow_lab(f, 4);
    for (int i = 0; i < 100; i++) {
        unreadable(f, 2, 4);
        f->now_ms += 100;
    }
    unreadable(f, 2, 4);
    answer = head_message(LAB, 4);
    set_key(&answer, key_b, 2);
    receive(f, answer);
    unreadable(f, 3, 4);
    assert_int_equal(sent_count(f, VERB_HEAD), 1);
}

static void unreadable_streams_that_nobody_follows_are_ignored(void **state)
{
    struct fixture *f = *state;

    follow_lab(f, 4);
    unreadable(f, 2, 0); /* no place */
    assert_int_equal(f->fx.count, 0);
    model_unfollow(f->model, SPAN(LAB), &f->fx);
    unreadable(f, 1, 9);
    assert_int_equal(f->fx.count, 0);
}

static void a_refused_head_ends_the_follow_once(void **state)
{
    struct fixture *f = *state;
    uint64_t ref;

    follow_lab(f, 4);
    unreadable(f, 2, 4);
    ref = sent(f, VERB_HEAD, 0)->ref;
    answer_error(f, RC_TOO_FAST, ref); /* no refusal */
    assert_no_tell(f);
    answer_error(f, RC_PRIVATE, ref);
    assert_true(has_topic(f, MODEL_FX_UNSUBSCRIBE, LAB));
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.ref, 0);
    assert_int_equal(f->event.rc, RC_PRIVATE);
    assert_string_equal(f->event.stream, LAB);
    assert_null(model_stream_key(f->model, SPAN(LAB), 1));
    answer_error(f, RC_PRIVATE, ref);
    assert_no_tell(f);
}

static void the_heads_of_a_ping_find_out_too(void **state)
{
    struct fixture *f = *state;

    follow_lab(f, 4);
    pass(f, PING_MS);
    answer_error(f, RC_PRIVATE, sent(f, VERB_HEAD, 0)->ref);
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.rc, RC_PRIVATE);
}

static struct message put_out(const char *type, uint64_t seq, const char *whom)
{
    struct message m = event_message(LAB, seq);

    m.has &= ~(HAS_SESSION | HAS_NUMBER);
    m.type = span_of(type);
    message_set(&m, TO, to, span_of(whom));
    return m;
}

static void being_put_out_is_told_and_ends_the_follow(void **state)
{
    struct fixture *f = *state;

    follow_lab(f, 4);
    broadcast(f, put_out("kick", 5, "bob")); /* not us */
    broadcast(f, event_message(LAB, 7));     /* held: a hole before it */
    broadcast(f, put_out("kick", 6, "alice"));
    assert_true(has_topic(f, MODEL_FX_UNSUBSCRIBE, LAB));
    assert_told_event(f, LAB, 5);
    assert_told_event(f, LAB, 6);
    assert_string_equal(f->event.type, "kick");
    assert_string_equal(f->event.to, "alice");
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.ref, 0);
    assert_int_equal(f->event.rc, RC_NOT_MEMBER);
    assert_string_equal(f->event.stream, LAB);
    assert_no_tell(f); /* nothing behind it */
    assert_null(model_stream_key(f->model, SPAN(LAB), 1));
    assert_int_equal(follow(f, LAB, ZCHAT_FROM_HEAD, 0, 0), RC_OK); /* a new one */
}

static void a_ban_says_so(void **state)
{
    struct fixture *f = *state;
    struct message ban = put_out("ban", 5, "alice");

    follow_lab(f, 4);
    message_set(&ban, UNTIL, until, 99);
    broadcast(f, ban);
    assert_told_event(f, LAB, 5);
    assert_int_equal(f->event.until_ms, 99);
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.rc, RC_BANNED);
}

static void being_put_out_is_found_in_what_is_fetched(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    follow_lab(f, 4);
    broadcast(f, head_message(LAB, 6));
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f, events_message(&fetch, 5, 6, 6, true));
    receive(f, put_out("kick", 5, "alice"));
    receive(f, event_message(LAB, 6));
    assert_told_event(f, LAB, 5);
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.rc, RC_NOT_MEMBER);
    assert_no_tell(f);
}

static void an_old_kick_ends_nothing(void **state)
{
    struct fixture *f = *state;
    struct message fetch;

    make_keys();
    go_up(f);
    locate(f, LAB, ZCHAT_FROM_LAST, 2, 2);
    fetch = *sent(f, VERB_FETCH, 0);
    receive(f, events_message(&fetch, 1, 2, 2, true));
    receive(f, put_out("kick", 1, "alice"));
    receive(f, event_message(LAB, 2));
    assert_told_event(f, LAB, 1);
    assert_told_event(f, LAB, 2);
    assert_told_live(f, LAB, 2);
    assert_no_tell(f);
}

static void R41_after_a_cut_subscriptions_are_probed_and_holes_found(void **state)
{
    struct fixture *f = *state;

    follow_lab(f, 4);
    forget(f);
    model_listening(f->model, f->now_ms, &f->fx); /* it came back by itself */
    assert_int_equal(sent_count(f, VERB_PROBE), 1);
    assert_int_equal(count_of(f, MODEL_FX_RECONNECT), 0);
    answer_probe(f);
    answer_head(f, 0, 6);
    answer_page(f, *sent(f, VERB_FETCH, 0), 5, 6, 6, true);
    assert_told_event(f, LAB, 5);
    assert_told_event(f, LAB, 6);
    assert_no_tell(f);
}

static void R40_a_probe_that_was_sent_too_early_is_sent_again_at_once(void **state)
{
    struct fixture *f = *state;
    uint64_t first;

    open_link(f);
    assert_int_equal(follow(f, LAB, ZCHAT_FROM_HEAD, 0, 0), RC_OK);
    welcome(f, 1);
    first = sent(f, VERB_PROBE, 0)->token;
    forget(f);
    model_listening(f->model, f->now_ms, &f->fx);
    assert_int_equal(sent_count(f, VERB_PROBE), 1);
    assert_true(sent(f, VERB_PROBE, 0)->token != first);
    answer_probe(f);
    assert_int_equal(sent_count(f, VERB_HEAD), 1);
}

static void reading_back_is_not_disturbed_by_a_cut(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    assert_int_equal(follow(f, LAB, ZCHAT_FROM_SEQ, 1, 100), RC_OK);
    answer_head(f, 0, 2);
    assert_int_equal(sent_count(f, VERB_FETCH), 1);

    const struct message fetch = *sent(f, VERB_FETCH, 0);

    forget(f);
    model_listening(f->model, f->now_ms, &f->fx);
    assert_int_equal(f->fx.count, 0);
    answer_page(f, fetch, 1, 2, 2, true);
    assert_told_events(f, LAB, 1, 2);
    assert_told_live(f, LAB, 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(keys_of_rooms_come_with_head_and_joined),
        T(no_key_is_taken_from_broadcasts),
        T(a_key_goes_with_its_follow),
        T(R45_what_cannot_be_opened_is_fetched_and_its_key_asked),
        T(a_box_of_an_older_epoch_is_no_reason_to_ask),
        T(forged_boxes_make_few_questions),
        T(a_new_key_makes_asking_quick_again),
        T(unreadable_streams_that_nobody_follows_are_ignored),
        T(a_refused_head_ends_the_follow_once),
        T(the_heads_of_a_ping_find_out_too),
        T(being_put_out_is_told_and_ends_the_follow),
        T(a_ban_says_so),
        T(being_put_out_is_found_in_what_is_fetched),
        T(an_old_kick_ends_nothing),
        T(R41_after_a_cut_subscriptions_are_probed_and_holes_found),
        T(R40_a_probe_that_was_sent_too_early_is_sent_again_at_once),
        T(reading_back_is_not_disturbed_by_a_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
