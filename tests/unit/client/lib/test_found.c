/* Searches of the application: rows, pages, how many, and when it is enough. */
#include "tests/unit/client/lib/fixture.h"

static enum rc search(struct fixture *f, uint64_t count, uint32_t *ret_ref)
{
    struct message message = MSG(SEARCH, F(TEXT, text, SPAN("fox")));

    if (count > 0)
        message_set(&message, ROWS, count, count);
    return request(f, message, ret_ref);
}

static uint64_t asked(struct fixture *f)
{
    return sent(f, VERB_SEARCH, 0)->ref;
}

static void find(struct fixture *f, uint64_t ref, uint64_t seq)
{
    receive(f,
            MSG(EVENT, S("#lobby"), F(SEQ, seq, seq), F(TS, ts, 5), F(TYPE, type, SPAN("message")),
                F(FROM, from, SPAN("bob")), F(TEXT, text, SPAN("a fox")), F(SESSION, session, 9),
                F(NUMBER, number, 4), F(REF, ref, ref)));
}

static void end(struct fixture *f, uint64_t ref, uint64_t cursor)
{
    struct message end = MSG(END, F(REF, ref, ref));

    if (cursor != 0)
        message_set(&end, CURSOR, cursor, cursor);
    receive(f, end);
}

static void what_is_found_is_told_with_all_its_fields(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(search(f, 20, &ref), RC_OK);
    assert_true(span_equal(sent(f, VERB_SEARCH, 0)->text, SPAN("fox")));
    assert_int_equal(sent(f, VERB_SEARCH, 0)->count, 20);
    const uint64_t wire_ref = asked(f);
    find(f, wire_ref, 18);
    assert_no_tell(f); /* before the page is whole */
    end(f, wire_ref, 0);
    assert_told(f, ZCHAT_FOUND);
    assert_int_equal(f->event.ref, ref);
    assert_string_equal(f->event.stream, "#lobby");
    assert_string_equal(f->event.from, "bob");
    assert_string_equal(f->event.text, "a fox");
    assert_string_equal(f->event.type, "message");
    assert_int_equal(f->event.seq, 18);
    assert_int_equal(f->event.ts_ms, 5);
    assert_int_equal(f->event.session, 9);
    assert_int_equal(f->event.number, 4);
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.ref, ref);
    assert_int_equal(f->event.rc, RC_OK);
    assert_int_equal(f->event.cursor, 0);
    assert_false(f->event.is_behind);
}

static void pages_are_asked_for_until_there_are_enough(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(search(f, 3, &ref), RC_OK);
    uint64_t wire_ref = asked(f);
    find(f, wire_ref, 9);
    find(f, wire_ref, 8);
    end(f, wire_ref, 77); /* a short page */
    assert_int_equal(sent(f, VERB_SEARCH, 0)->cursor, 77);
    assert_int_equal(sent(f, VERB_SEARCH, 0)->count, 1);
    wire_ref = asked(f);
    find(f, wire_ref, 7);
    end(f, wire_ref, 66);
    assert_int_equal(sent_count(f, VERB_SEARCH), 0);
    for (uint64_t seq = 9; seq >= 7; seq--) {
        assert_told(f, ZCHAT_FOUND);
        assert_int_equal(f->event.seq, seq);
    }
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.cursor, 66); /* where the application may go on */
}

static void without_a_number_all_is_asked_for(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(search(f, 0, &ref), RC_OK);
    assert_int_equal(sent(f, VERB_SEARCH, 0)->count, LIST_PAGE_MAX);
    end(f, asked(f), 5); /* an empty page with more behind it */
    assert_int_equal(sent(f, VERB_SEARCH, 0)->count, LIST_PAGE_MAX);
    end(f, asked(f), 0);
    assert_told(f, ZCHAT_ANSWER);
}

static void an_index_that_is_behind_is_told(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(search(f, 1, &ref), RC_OK);
    receive(f, MSG(END, F(DONE, done, false), F(REF, ref, asked(f))));
    assert_told(f, ZCHAT_ANSWER);
    assert_true(f->event.is_behind);
}

static void an_event_with_a_ref_is_no_news(void **state)
{
    struct fixture *f = *state;

    go_up(f);
    find(f, 4711, 1); /* nobody asked */
    assert_no_tell(f);
}

/* It would take too long the next time, too. */
static void a_search_that_is_busy_three_times_ends(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(search(f, 1, &ref), RC_OK);
    for (int i = 0; i < 3; i++) {
        const uint64_t wire_ref = asked(f);

        assert_no_tell(f);
        receive(f, MSG(ERROR, F(CODE, code, RC_BUSY), F(TEXT, text, SPAN("busy")),
                       F(REF, ref, wire_ref), F(RETRY, retry, 100)));
        while (i < 2 && sent_count(f, VERB_SEARCH) == 0) {
            receive(f, MSG(PONG));
            (void)pass_to_deadline(f);
        }
    }
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.rc, RC_BUSY);
}

static void a_refusal_is_told(void **state)
{
    struct fixture *f = *state;
    uint32_t ref;

    go_up(f);
    assert_int_equal(search(f, 1, &ref), RC_OK);
    receive(f, MSG(ERROR, F(CODE, code, RC_NO_SEARCH), F(TEXT, text, SPAN("not now")),
                   F(REF, ref, asked(f))));
    assert_told(f, ZCHAT_ANSWER);
    assert_int_equal(f->event.rc, RC_NO_SEARCH);
    assert_string_equal(f->event.text, "not now");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(what_is_found_is_told_with_all_its_fields),
        T(pages_are_asked_for_until_there_are_enough),
        T(without_a_number_all_is_asked_for),
        T(an_index_that_is_behind_is_told),
        T(an_event_with_a_ref_is_no_news),
        T(a_search_that_is_busy_three_times_ends),
        T(a_refusal_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
