/* A monkey at the keyboard of many peers: random commands, commits, failures, time and crashes on a
 * core with tiny tables. Whatever comes, the core keeps its promises. */
#include "tests/support/core/talk.h"

#include "shared/base/invariant.h"

#include <stdio.h>

enum {
    PEERS = 7,
    SESSIONS = 9,
    NUMBERS_MAX = 60000,
    STREAMS = 16,
    STEPS = 200000,
};

struct answer {
    bool is_given;
    bool is_ack;
    uint32_t seq_or_code;
};

struct monkey {
    uint64_t seed;
    struct answer *answers; /* [SESSIONS][NUMBERS_MAX] */
    uint32_t last[SESSIONS];
    uint64_t heads[STREAMS];
    char names[STREAMS][8];
    uint32_t ref; /* a fresh one for each question */
    uint32_t reads[PEERS + 1];
    uint64_t session_of[PEERS + 1]; /* as the last WELCOME said */
    uint64_t acks, publications, restarts, errors[32];
};

static uint32_t any(struct monkey *monkey, uint32_t count)
{
    monkey->seed = monkey->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(monkey->seed >> 33) % count;
}

/* --- what must hold ------------------------------------------------------------------ */

/* A number has one answer, whenever it is asked (R-20, R-21). */
static void check_answer(struct monkey *monkey, uint64_t session, const struct message *message)
{
    const bool is_ack = message->verb == VERB_ACK;

    if (!is_ack && (rc_is_transient((enum rc)message->code) || message->code == RC_TOO_OLD ||
                    message->code == RC_SESSION_TAKEN))
        return;
    INVARIANT(session >= 1 && session <= SESSIONS && message->number < NUMBERS_MAX);
    struct answer *answer = &monkey->answers[(session - 1) * NUMBERS_MAX + message->number];
    const uint32_t what = (uint32_t)(is_ack ? message->seq : message->code);

    if (answer->is_given) {
        assert_int_equal(answer->is_ack, is_ack);
        assert_int_equal(answer->seq_or_code, what);
    }
    *answer = (struct answer){true, is_ack, what};
    if (message->number > monkey->last[session - 1])
        monkey->last[session - 1] = (uint32_t)message->number;
}

/* Events of a stream are published each once and in order (R-29). */
static void check_publication(struct monkey *monkey, const struct effect *effect)
{
    size_t i = 0;

    while (i < STREAMS && monkey->names[i][0] != '\0' &&
           !span_equal(span_of(monkey->names[i]), effect->name))
        i++;
    INVARIANT(i < STREAMS);
    if (monkey->names[i][0] == '\0')
        memcpy(monkey->names[i], effect->name.ptr, effect->name.len);
    assert_int_equal(effect->seq, monkey->heads[i] + 1);
    assert_true((effect->seal_key == NULL) == (effect->name.ptr[0] == '#'));
    monkey->heads[i]++;
    monkey->publications++;
}

static void check_command(struct monkey *monkey, const struct effects *fx,
                          const struct core_event *event)
{
    const struct message *message = event->command.message;
    size_t stores = 0, replies = 0, others = 0;

    for (size_t i = 0; i < fx->count; i++) {
        const struct effect *effect = &fx->item[i];

        stores += effect->kind == FX_STORE;
        replies += effect->kind == FX_REPLY;
        others += effect->kind == FX_READ || effect->kind == FX_ANNOUNCE;
        assert_int_not_equal(effect->kind, FX_PUBLISH);
        if (effect->kind == FX_READ)
            monkey->reads[effect->peer.v]++;
        if (effect->kind != FX_REPLY)
            continue;
        assert_int_equal(effect->peer.v, event->command.peer.v);
        /* These say that something is on disk. */
        assert_int_not_equal(effect->message.verb, VERB_ACK);
        assert_int_not_equal(effect->message.verb, VERB_WELCOME);
        assert_int_not_equal(effect->message.verb, VERB_MARK);
        if (message_has(&effect->message, HAS_NUMBER))
            assert_true(rc_is_transient((enum rc)effect->message.code));
        if (message->verb != VERB_POST && message->verb != VERB_SKIP)
            assert_int_equal(effect->message.ref, message->ref);
        if (effect->message.verb == VERB_ERROR)
            monkey->errors[effect->message.code]++;
    }
    assert_true(stores + others <= 1);
    assert_true(replies == 0 || stores + others == 0);
    /* Only these may be met with silence: on its way already, or no answer is due. */
    if (fx->count == 0)
        assert_true(message->verb == VERB_POST || message->verb == VERB_SKIP ||
                    message->verb == VERB_CONFIRM || message->verb == VERB_BYE);
}

static void check_stored(struct stage *stage, const struct core_event *event)
{
    struct monkey *monkey = stage->context;
    const struct op_result *result = event->stored;
    size_t replies = 0, publications = 0;

    for (size_t i = 0; i < stage->fx.count; i++) {
        const struct effect *effect = &stage->fx.item[i];

        if (effect->kind == FX_PUBLISH) {
            check_publication(monkey, effect);
            publications++;
        }
        if (effect->kind != FX_REPLY)
            continue;
        replies++;
        if (effect->message.verb == VERB_ACK) {
            assert_int_equal(result->rc, RC_OK);
            assert_int_equal(effect->message.seq, result->seq);
            monkey->acks++;
        }
        if (effect->message.verb == VERB_ERROR)
            monkey->errors[effect->message.code]++;
    }
    assert_int_equal(publications, result->appended_count);
    const bool is_post = result->kind == OP_POST || result->kind == OP_VOID;
    if (result->kind == OP_CONFIRM)
        assert_int_equal(replies, 0);
    else if (is_post)
        assert_true(replies <= 1); /* none when its session is gone */
    else
        assert_int_equal(replies, 1); /* every ticket is answered */
}

static void on_step(struct stage *stage, const struct core_event *event)
{
    struct monkey *monkey = stage->context;

    assert_true(stage->fx.count <= EFFECTS_MAX);
    switch (event->kind) {
    case CORE_EV_COMMAND:
        check_command(monkey, &stage->fx, event);
        break;
    case CORE_EV_STORED:
        check_stored(stage, event);
        break;
    default:
        for (size_t i = 0; i < stage->fx.count; i++)
            assert_true(stage->fx.item[i].kind == FX_ANNOUNCE ||
                        stage->fx.item[i].kind == FX_REPUBLISH);
    }
}

static void check_limits(const struct stage *stage)
{
    struct core_stats stats;

    core_get_stats(stage->core, &stats);
    assert_true(stats.accounts <= stage->limits.accounts_max);
    assert_true(stats.rooms <= stage->limits.rooms_max);
    assert_true(stats.memberships <= stage->limits.memberships_max);
    assert_true(stats.sessions <= stage->limits.sessions_max);
    assert_true(stats.pending <= stage->limits.pending_max);
    assert_int_equal(stats.pending, stage->held_count);
}

/* --- what the monkey does ------------------------------------------------------------ */

static struct span any_name(struct monkey *monkey)
{
    static const char *const names[] = {"#r0", "#r1", "#r2", "#r3", "#r0", "#r1", "@p0",
                                        "@p1", "@p2", "@p3", "@p4", "",    "#",   "x"};

    return span_of(names[any(monkey, sizeof names / sizeof *names)]);
}

static struct span any_nick(struct monkey *monkey, peer_id peer)
{
    static const char *const nicks[] = {"p0", "p1", "p2", "p3", "p4", "p5", ""};

    /* Mostly one's own, or nobody with a key would get anywhere. */
    return span_of(nicks[any(monkey, 10) != 0 ? peer.v % 4 : any(monkey, 7)]);
}

static uint64_t any_number(struct monkey *monkey, peer_id peer)
{
    const uint64_t session = monkey->session_of[peer.v];
    const uint64_t last = session == 0 ? 0 : monkey->last[session - 1];

    switch (any(monkey, 12)) {
    case 0:
        return any(monkey, (uint32_t)last + 3);
    case 1:
        return last + any(monkey, 5);
    case 2:
        return any(monkey, 50) == 0 ? 0 : last;
    default:
        return last + 1;
    }
}

static struct message any_command(struct monkey *monkey, peer_id peer)
{
    static const enum verb verbs[] = {VERB_BYE,   VERB_SKIP,    VERB_POST,  VERB_POST, VERB_POST,
                                      VERB_POST,  VERB_POST,    VERB_SKIP,  VERB_JOIN, VERB_JOIN,
                                      VERB_LEAVE, VERB_CONFIRM, VERB_FETCH, VERB_HEAD, VERB_PING,
                                      VERB_PROBE, VERB_WHO,     VERB_ROOMS, VERB_MARK};
    static const char long_mark[200] = "far too long";
    struct message message = {.verb = verbs[any(monkey, sizeof verbs / sizeof *verbs)]};

    if (monkey->session_of[peer.v] == 0 || any(monkey, 40) == 0)
        message.verb = VERB_HELLO;
    if (any(monkey, 30) == 0)
        message.verb = (enum verb)any(monkey, VERB_COUNT + 1);
    message.low = any(monkey, 30) == 0 ? 2 : 1;
    message.high = message.low;
    message.nick = any_nick(monkey, peer);
    /* Mostly one that belongs to this nick. */
    message.session = 1 + (any(monkey, 20) != 0 ? peer.v % 4 + 4 * any(monkey, 2) : any(monkey, 9));
    if (any(monkey, 50) == 0)
        message.session = 0;
    message.inbox = any(monkey, 2) == 0;
    message.number = any_number(monkey, peer);
    message.stream = any_name(monkey);
    message.text = span_of(any(monkey, 20) == 0 ? "" : "hi");
    message.kind = span_of(any(monkey, 2) == 0 ? "notice" : "message");
    message.seq = any(monkey, 300);
    message.name = any(monkey, 9) == 0 ? (struct span){long_mark, any(monkey, 200)} : SPAN("m");
    message.create = true;
    message.mine = any(monkey, 2) == 0;
    message.cursor = any(monkey, 4) == 0 ? (uint64_t)any(monkey, 60) << any(monkey, 40) : 0;
    message.ref = ++monkey->ref;
    /* All there may be, but what changes the meaning by being there. */
    message.has = ~(HAS_SINCE | HAS_FIRST | HAS_LAST | HAS_CREDIT | HAS_INVITE | HAS_KEY);
    if (any(monkey, 2) == 0)
        message.has &= ~(HAS_SEQ | HAS_CREATE | HAS_STREAM | HAS_INBOX | HAS_KIND);
    if (message.verb != VERB_WHO && message.verb != VERB_ROOMS)
        message.has |= HAS_STREAM;
    if (message.verb == VERB_CONFIRM)
        message.has |= HAS_SEQ;
    message.has |= HAS_CREATE;
    return message;
}

static void take_answers(struct stage *stage)
{
    struct monkey *monkey = stage->context;
    const struct said *said;

    while ((said = stage_take(stage, FX_REPLY)) != NULL) {
        const uint32_t peer = said->effect.peer.v;

        if (said->message.verb == VERB_ERROR && said->message.code == RC_HELLO_FIRST)
            monkey->session_of[peer] = 0;
        else if (said->message.verb == VERB_WELCOME)
            monkey->session_of[peer] = said->message.session;
        else if (message_has(&said->message, HAS_NUMBER))
            check_answer(monkey, monkey->session_of[peer], &said->message);
    }
    stage_clear(stage);
}

static void command(struct stage *stage)
{
    struct monkey *monkey = stage->context;
    const peer_id peer = {1 + any(monkey, PEERS)};
    static const enum rc refusals[] = {RC_BAD_FIELD, RC_BAD_NAME, RC_TOO_BIG, RC_BAD_TEXT, RC_BUSY};
    const struct message message = any_command(monkey, peer);

    if (any(monkey, 40) == 0)
        stage_say_refused(stage, peer, &message, refusals[any(monkey, 5)]);
    else
        stage_say(stage, peer, &message);
}

static void restart(struct stage *stage)
{
    struct monkey *monkey = stage->context;

    stage_restart(stage);
    memset(monkey->reads, 0, sizeof monkey->reads);
    monkey->restarts++;
}

static void act(struct stage *stage)
{
    struct monkey *monkey = stage->context;
    const uint32_t choice = any(monkey, 1000);
    const uint32_t peer = 1 + any(monkey, PEERS);

    if (choice < 750) {
        command(stage);
    } else if (choice < 900) {
        stage_commit(stage);
    } else if (choice < 930) {
        if (stage->held_count > 0)
            stage_fail(stage, RC_DISK_FULL, 0);
    } else if (choice < 970) {
        stage_wait(stage, any(monkey, 20) == 0 ? 12000 : any(monkey, 2000));
    } else if (choice < 999 || any(monkey, 4) != 0) {
        if (monkey->reads[peer] > 0) {
            monkey->reads[peer]--;
            stage_read_done(stage, (peer_id){peer});
        }
    } else if (any(monkey, 4) == 0) {
        stage_stop(stage);
        for (int i = 0; i < 50; i++)
            command(stage);
        stage_commit_all(stage);
        restart(stage);
    } else {
        restart(stage);
    }
}

static void run(struct stage *stage, uint64_t seed, bool has_keys)
{
    const struct core_limits limits = {.accounts_max = 5,
                                       .rooms_max = 3,
                                       .memberships_max = 8,
                                       .room_members_max = 2,
                                       .sessions_max = 4,
                                       .pending_max = 7,
                                       .hash_key = "a tiny table..."};
    struct monkey *monkey = calloc(1, sizeof *monkey);

    monkey->seed = seed;
    monkey->answers = calloc((size_t)SESSIONS * NUMBERS_MAX, sizeof *monkey->answers);
    reopen_stage(stage, &limits);
    stage_follow(stage);
    stage->has_hands_off = true;
    stage->on_step = on_step;
    stage->context = monkey;
    for (uint32_t peer = 1; has_keys && peer <= PEERS; peer++)
        stage_key(stage, (peer_id){peer}, (unsigned char)(1 + peer % 4));
    for (int i = 0; i < STEPS; i++) {
        act(stage);
        take_answers(stage);
        check_limits(stage);
    }
    stage_commit_all(stage);
    take_answers(stage);
    check_limits(stage);
    assert_int_equal(stage->held_count, 0);
    print_message("seed %u: %u acks, %u publications, %u restarts\n", (unsigned)seed,
                  (unsigned)monkey->acks, (unsigned)monkey->publications,
                  (unsigned)monkey->restarts);
    /* Or the monkey does not get far enough to prove anything. */
    assert_true(monkey->acks > STEPS / 100);
    static const enum rc wanted[] = {
        RC_BAD_FIELD,  RC_VERSION,   RC_HELLO_FIRST, RC_NO_SUCH_ROOM, RC_LIMIT,  RC_NO_SUCH_NICK,
        RC_NOT_MEMBER, RC_ROOM_FULL, RC_BUSY,        RC_DISK_FULL,    RC_DENIED, RC_TOO_OLD,
        RC_BAD_TEXT,   RC_VOIDED,    RC_STOPPING,    RC_SESSION_TAKEN};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (monkey->errors[wanted[i]] == 0)
            fail_msg("%s was never met", rc_name(wanted[i]));
    }
    free(monkey->answers);
    free(monkey);
}

static void a_core_of_nicks_keeps_its_promises(void **state)
{
    for (uint64_t seed = 1; seed <= 2; seed++)
        run(*state, seed, false);
}

static void a_core_of_keys_keeps_its_promises(void **state)
{
    for (uint64_t seed = 11; seed <= 12; seed++)
        run(*state, seed, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(a_core_of_nicks_keeps_its_promises),
        on_stage(a_core_of_keys_keeps_its_promises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
