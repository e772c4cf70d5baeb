/* SEARCH (protocol 7.8): where somebody may look. */
#include "tests/support/core/talk.h"

static struct message search_of(const char *text, const char *stream)
{
    struct message search = ask_of(VERB_SEARCH, stream);

    message_set(&search, TEXT, text, span_of(text));
    return search;
}

static void search(struct stage *stage, peer_id peer, const char *stream)
{
    const struct message message = search_of("hi", stream);

    stage_say(stage, peer, &message);
}

static const struct effect *expect_search(struct stage *stage)
{
    const struct said *said = stage_take(stage, FX_SEARCH);

    assert_non_null(said);
    return &said->effect;
}

static uint32_t id_of(struct stage *stage, const char *room)
{
    say(stage, ALICE, VERB_FETCH, room);
    const struct said *said = stage_take(stage, FX_READ);

    assert_non_null(said);
    const uint32_t id = said->effect.stream.v;
    if (stage->has_hands_off)
        stage_read_done(stage, ALICE);
    stage_clear(stage);
    return id;
}

/* The scope of that stream, or NULL: none. */
static const struct scope *scope_of(const struct effect *effect, uint32_t stream)
{
    const struct scope *found = NULL;

    for (size_t i = 0; i < effect->search.scope_count; i++) {
        if (effect->search.scope[i].stream.v != stream)
            continue;
        assert_null(found);
        found = &effect->search.scope[i];
    }
    return found;
}

static void run_room(struct stage *stage, peer_id peer, enum verb verb, const char *room,
                     const char *nick)
{
    struct message order = ask_of(verb, room);

    if (nick != NULL)
        message_set(&order, NICK, nick, span_of(nick));
    stage_say(stage, peer, &order);
    stage_commit_all(stage);
    expect(stage, peer, VERB_DONE);
    stage_clear(stage);
}

static void set_private(struct stage *stage, const char *room, bool is_private)
{
    struct message mode = ask_of(VERB_MODE, room);

    message_set(&mode, PRIVATE, is_private, is_private);
    stage_say(stage, ALICE, &mode);
    stage_commit_all(stage);
    expect(stage, ALICE, VERB_DONE);
    stage_clear(stage);
}

/* alice and bob in #lobby, alice alone in #lab, which is private; carol in none. */
static void furnish(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    enter(stage, CAROL, "carol", 13);
    join(stage, ALICE, "#lobby");
    join(stage, BOB, "#lobby");
    join(stage, ALICE, "#lab");
    set_private(stage, "#lab", true);
    post(stage, ALICE, 1, "#lobby");
    post(stage, ALICE, 2, "#lab");
    post(stage, ALICE, 3, "@bob");
}

static void everything_that_may_be_read_is_searched_and_nothing_else_r51(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    stage->has_hands_off = true;
    const uint32_t lobby = id_of(stage, "#lobby"), lab = id_of(stage, "#lab");
    search(stage, ALICE, NULL);
    const struct effect *asked = expect_search(stage);
    assert_int_equal(asked->peer.v, ALICE.v);
    assert_span(asked->search.text, "hi");
    assert_true(asked->search.has_ref);
    assert_int_equal(asked->search.ref, 7);
    assert_int_equal(asked->search.count, LIST_PAGE_MAX);
    assert_int_equal(asked->search.scope_count, 3); /* with her own stream */
    assert_int_equal(scope_of(asked, lobby)->first, 1);
    assert_int_equal(scope_of(asked, lobby)->last, 3);
    assert_int_equal(scope_of(asked, lab)->first, 1);
    search(stage, BOB, NULL);
    asked = expect_search(stage);
    assert_int_equal(asked->search.scope_count, 2);
    assert_null(scope_of(asked, lab));
    search(stage, CAROL, NULL); /* public rooms are everybody's; nothing was said to her */
    asked = expect_search(stage);
    assert_int_equal(asked->search.scope_count, 1);
    assert_non_null(scope_of(asked, lobby));
}

static void one_stream_is_allowed_as_for_fetch_r51(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    search(stage, BOB, "#lab");
    assert_span(expect_error(stage, BOB, RC_PRIVATE)->stream, "#lab");
    search(stage, BOB, "@alice");
    expect_error(stage, BOB, RC_DENIED);
    search(stage, BOB, "@nobody");
    expect_error(stage, BOB, RC_NO_SUCH_NICK);
    search(stage, BOB, "#none");
    expect_error(stage, BOB, RC_NO_SUCH_ROOM);
    assert_null(stage_take(stage, FX_SEARCH));
    search(stage, BOB, "@bob");
    assert_int_equal(expect_search(stage)->search.scope_count, 1);
    assert_int_equal(expect(stage, BOB, VERB_EVENT)->ref, 7);
    expect(stage, BOB, VERB_END);
}

static void who_was_put_out_finds_nothing_from_behind_r51(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    const uint32_t lab = id_of(stage, "#lab");
    run_room(stage, ALICE, VERB_INVITE, "#lab", "bob");
    join(stage, BOB, "#lab");
    stage->has_hands_off = true;
    search(stage, BOB, NULL);
    const uint64_t head = scope_of(expect_search(stage), lab)->last;
    run_room(stage, ALICE, VERB_KICK, "#lab", "bob");
    post(stage, ALICE, 4, "#lab");
    search(stage, BOB, NULL);
    assert_null(scope_of(expect_search(stage), lab));
    search(stage, BOB, "#lab");
    expect_error(stage, BOB, RC_PRIVATE);
    assert_true(head >= 4); /* and the search before ends where the room ended then */
}

static void what_was_said_while_a_room_was_private_stays_its_members_r51(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    const uint32_t lab = id_of(stage, "#lab");
    set_private(stage, "#lab", false);
    post(stage, ALICE, 4, "#lab");
    stage->has_hands_off = true;
    search(stage, BOB, NULL);
    const struct scope *scope = scope_of(expect_search(stage), lab);
    assert_int_equal(scope->first, scope->last - 1); /* the turn to public, and the post */
    search(stage, ALICE, NULL);
    assert_int_equal(scope_of(expect_search(stage), lab)->first, 1);
    stage->has_hands_off = false;
    stage_search_done(stage, ALICE);
    stage_search_done(stage, BOB);
    search(stage, BOB, "#lab");
    assert_int_equal(expect(stage, BOB, VERB_EVENT)->seq, scope->last);
    expect(stage, BOB, VERB_END);
}

static void a_search_needs_words_or_a_sender(void **state)
{
    struct stage *stage = *state;
    char text[SEARCH_BYTES_MAX + 2] = {0};
    struct message question = ask_of(VERB_SEARCH, "#lobby");

    furnish(stage);
    stage_say(stage, ALICE, &question);
    assert_span(expect_error(stage, ALICE, RC_BAD_FIELD)->stream, "#lobby");
    question = search_of("", NULL);
    stage_say(stage, ALICE, &question);
    expect_error(stage, ALICE, RC_BAD_FIELD);
    memset(text, 'x', sizeof text - 1);
    question = search_of(text, NULL);
    stage_say(stage, ALICE, &question);
    expect_error(stage, ALICE, RC_TOO_BIG);
    question = ask_of(VERB_SEARCH, NULL);
    message_set(&question, FROM, from, SPAN("nobody"));
    stage_say(stage, ALICE, &question);
    expect_error(stage, ALICE, RC_NO_SUCH_NICK);
    message_set(&question, FROM, from, SPAN("bob"));
    message_set(&question, NICK, nick, SPAN("nobody"));
    stage_say(stage, ALICE, &question);
    expect_error(stage, ALICE, RC_NO_SUCH_NICK);
    message_set(&question, NICK, nick, SPAN("carol"));
    message_set(&question, SINCE, since, 5);
    message_set(&question, UNTIL, until, 6);
    message_set(&question, CURSOR, cursor, 7);
    message_set(&question, ROWS, count, 8);
    stage_say(stage, ALICE, &question);
    const struct effect *asked = expect_search(stage);
    assert_span(asked->search.from, "bob");
    assert_span(asked->search.with, "carol");
    assert_int_equal(asked->search.text.len, 0);
    assert_int_equal(asked->search.since_ms, 5);
    assert_int_equal(asked->search.until_ms, 6);
    assert_int_equal(asked->search.cursor, 7);
    assert_int_equal(asked->search.count, 8);
}

static void where_nothing_was_said_nothing_is_asked(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    search(stage, ALICE, NULL);
    assert_int_equal(stage_count(stage, FX_SEARCH), 0);
    assert_int_equal(expect(stage, ALICE, VERB_END)->ref, 7);
}

static void searches_without_their_answer_are_bounded_r53(void **state)
{
    struct stage *stage = *state;

    furnish(stage);
    stage->has_hands_off = true;
    for (int i = 0; i < SEARCH_OUTSTANDING_MAX; i++)
        search(stage, ALICE, NULL);
    search(stage, ALICE, NULL);
    expect_error(stage, ALICE, RC_BUSY);
    say(stage, ALICE, VERB_FETCH, "#lobby"); /* that is counted for itself */
    stage_read_done(stage, ALICE);
    search(stage, ALICE, NULL);
    expect_error(stage, ALICE, RC_BUSY);
    enter(stage, ALICE, "alice", 21); /* another session is no way around it */
    search(stage, ALICE, NULL);
    expect_error(stage, ALICE, RC_BUSY);
    search(stage, BOB, NULL);
    expect_silence(stage, BOB);
    stage_search_done(stage, ALICE);
    search(stage, ALICE, NULL);
    expect_silence(stage, ALICE);
}

static void searches_of_all_together_are_bounded_r53(void **state)
{
    struct stage *stage = *state;
    int taken = 0;

    furnish(stage);
    stage->has_hands_off = true;
    for (uint64_t session = 100; session < 130; session++) {
        say_hello(stage, (peer_id){(uint32_t)session - 70}, "alice", session);
        stage_commit_all(stage);
        stage_clear(stage);
        for (int i = 0; i < SEARCH_OUTSTANDING_MAX; i++)
            search(stage, (peer_id){(uint32_t)session - 70}, NULL);
        taken += (int)stage_count(stage, FX_SEARCH);
        stage_clear(stage);
    }
    assert_int_equal(taken, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(everything_that_may_be_read_is_searched_and_nothing_else_r51),
        on_stage(one_stream_is_allowed_as_for_fetch_r51),
        on_stage(who_was_put_out_finds_nothing_from_behind_r51),
        on_stage(what_was_said_while_a_room_was_private_stays_its_members_r51),
        on_stage(a_search_needs_words_or_a_sender),
        on_stage(where_nothing_was_said_nothing_is_asked),
        on_stage(searches_without_their_answer_are_bounded_r53),
        on_stage(searches_of_all_together_are_bounded_r53),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
