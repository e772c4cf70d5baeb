/* talk.h - what tests of the core say and expect, in short words. Included by tests alone. */
#ifndef TESTS_SUPPORT_CORE_TALK_H
#define TESTS_SUPPORT_CORE_TALK_H

#include "tests/support/core/stage.h"

#include "tests/support/check.h"

#define TALK static __attribute__((unused))

TALK const peer_id ALICE = {1};
TALK const peer_id BOB = {2};
TALK const peer_id CAROL = {3};

/* --- a stage for each test ----------------------------------------------------------- */

TALK int open_stage(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);

    stage_open(stage, NULL);
    stage_follow(stage);
    *state = stage;
    return 0;
}

TALK int close_stage(void **state)
{
    struct stage *stage = *state;

    if (stage->follower != NULL && stage->held_count == 0)
        stage_check_follower(stage);
    stage_close(stage);
    free(stage);
    return 0;
}

#define on_stage(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

/* The same with other tables. */
TALK void reopen_stage(struct stage *stage, const struct core_limits *limits)
{
    stage_close(stage);
    stage_open(stage, limits);
}

/* --- saying -------------------------------------------------------------------------- */

TALK struct message hello_of(const char *nick, uint64_t session)
{
    struct message hello = {.verb = VERB_HELLO};

    message_set(&hello, LOW, low, 1);
    message_set(&hello, HIGH, high, 1);
    message_set(&hello, NICK, nick, span_of(nick));
    message_set(&hello, SESSION, session, session);
    return hello;
}

TALK void say_hello(struct stage *stage, peer_id peer, const char *nick, uint64_t session)
{
    const struct message hello = hello_of(nick, session);

    stage_say(stage, peer, &hello);
}

TALK struct message post_of(uint64_t number, const char *stream, const char *text)
{
    struct message post = {.verb = VERB_POST};

    message_set(&post, NUMBER, number, number);
    message_set(&post, STREAM, stream, span_of(stream));
    message_set(&post, TEXT, text, span_of(text));
    return post;
}

TALK void say_post(struct stage *stage, peer_id peer, uint64_t number, const char *stream)
{
    const struct message post = post_of(number, stream, "hi");

    stage_say(stage, peer, &post);
}

TALK void say_skip(struct stage *stage, peer_id peer, uint64_t number)
{
    struct message skip = {.verb = VERB_SKIP};

    message_set(&skip, NUMBER, number, number);
    stage_say(stage, peer, &skip);
}

/* A verb that has a stream, or none when `stream` is NULL, with ref 7. */
TALK struct message ask_of(enum verb verb, const char *stream)
{
    struct message ask = {.verb = verb};

    message_set(&ask, REF, ref, 7);
    if (stream != NULL)
        message_set(&ask, STREAM, stream, span_of(stream));
    return ask;
}

TALK void say(struct stage *stage, peer_id peer, enum verb verb, const char *stream)
{
    const struct message ask = ask_of(verb, stream);

    stage_say(stage, peer, &ask);
}

TALK void say_join(struct stage *stage, peer_id peer, const char *room)
{
    struct message join = ask_of(VERB_JOIN, room);

    message_set(&join, CREATE, create, true);
    stage_say(stage, peer, &join);
}

TALK void say_confirm(struct stage *stage, peer_id peer, const char *stream, uint64_t seq)
{
    struct message confirm = {.verb = VERB_CONFIRM};

    message_set(&confirm, STREAM, stream, span_of(stream));
    message_set(&confirm, SEQ, seq, seq);
    stage_say(stage, peer, &confirm);
}

/* --- expecting ----------------------------------------------------------------------- */

#define assert_span(given, wanted)                         \
    do {                                                   \
        const struct span span_ = (given);                 \
        assert_int_equal(span_.len, strlen(wanted));       \
        assert_memory_equal(span_.ptr, wanted, span_.len); \
    } while (0)

/* The peer's next answer, which must be of this verb; the ones before it fail the test. */
#define expect(stage, peer, wanted) expect_at(stage, peer, wanted, __FILE__, __LINE__)
TALK const struct message *expect_at(struct stage *stage, peer_id peer, enum verb wanted,
                                     const char *file, int line)
{
    const struct said *said = stage_take_reply(stage, peer, VERB_NONE);

    if (said == NULL || said->message.verb != wanted) {
        print_error("expected verb %d for peer %u, got %d (error code %d)\n", wanted,
                    (unsigned)peer.v, said == NULL ? -1 : (int)said->message.verb,
                    said == NULL ? -1 : (int)said->message.code);
        _fail(file, line);
    }
    return &said->message;
}

#define expect_error(stage, peer, rc) expect_error_at(stage, peer, rc, __FILE__, __LINE__)
TALK const struct message *expect_error_at(struct stage *stage, peer_id peer, enum rc rc,
                                           const char *file, int line)
{
    const struct message *error = expect_at(stage, peer, VERB_ERROR, file, line);

    if (error->code != (uint64_t)rc) {
        print_error("expected error %s, got %d\n", rc_name(rc), (int)error->code);
        _fail(file, line);
    }
    return error;
}

#define expect_silence(stage, peer) assert_int_equal(stage_count_replies(stage, peer, VERB_NONE), 0)

/* An event or announcement on a topic, the next one. */
#define expect_topic(stage, topic, verb) expect_topic_at(stage, topic, verb, __FILE__, __LINE__)
TALK const struct message *expect_topic_at(struct stage *stage, const char *topic, enum verb verb,
                                           const char *file, int line)
{
    const struct said *said = stage_take_topic(stage, topic, verb);

    if (said == NULL) {
        print_error("expected verb %d on %s\n", verb, topic);
        _fail(file, line);
    }
    return &said->message;
}

/* --- whole steps --------------------------------------------------------------------- */

/* HELLO to WELCOME; what was said is forgotten. */
TALK void enter(struct stage *stage, peer_id peer, const char *nick, uint64_t session)
{
    say_hello(stage, peer, nick, session);
    stage_commit_all(stage);
    expect(stage, peer, VERB_WELCOME);
    stage_clear(stage);
}

/* The same for a client that shows private messages to somebody. */
TALK void enter_inbox(struct stage *stage, peer_id peer, const char *nick, uint64_t session)
{
    struct message hello = hello_of(nick, session);

    message_set(&hello, INBOX, inbox, true);
    stage_say(stage, peer, &hello);
    stage_commit_all(stage);
    expect(stage, peer, VERB_WELCOME);
    stage_clear(stage);
}

TALK void join(struct stage *stage, peer_id peer, const char *room)
{
    say_join(stage, peer, room);
    stage_commit_all(stage);
    expect(stage, peer, VERB_JOINED);
    stage_clear(stage);
}

TALK void post(struct stage *stage, peer_id peer, uint64_t number, const char *stream)
{
    say_post(stage, peer, number, stream);
    stage_commit_all(stage);
    expect(stage, peer, VERB_ACK);
    stage_clear(stage);
}

#endif
