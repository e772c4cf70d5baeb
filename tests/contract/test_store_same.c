/* test_store_same.c - the same random operations give the same on all stores. */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

static uint64_t next_random(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint32_t below(uint64_t *seed, uint32_t limit)
{
    return (uint32_t)(next_random(seed) % limit);
}

static const char *const NICKS[] = {"ann", "bob", "cat", "dan", "eve", "fay"};
static const char *const PEOPLE[] = {"@ann", "@bob", "@cat", "@dan", "@eve", "@fay"};
static const char *const ROOMS[] = {"#one", "#two", "#0ne", "#new"};

/* The operations of people and rooms. Tokens are each store's own, so HELLO has none here. */
static struct op random_door(struct box *box, uint64_t *seed)
{
    const uint32_t whom = below(seed, 6);
    const uint32_t where = below(seed, 5) == 0 ? 0 : 7 + below(seed, 3);
    struct op op = {.ts_ms = ++box->now_ms,
                    .account = {below(seed, 6) + 1},
                    .nick = SPAN("ann"),
                    .stream = {where},
                    .name = SPAN("#one"),
                    .target = {whom + 1},
                    .target_nick = span_of(NICKS[whom]),
                    .change = (enum standing_change)(1 + below(seed, 8)),
                    .until_ms = below(seed, 3) == 0 ? 0 : box->now_ms + below(seed, 200),
                    .text = span_of(below(seed, 2) ? "why" : ""),
                    .role = (enum role)below(seed, 3),
                    .limit = below(seed, 4),
                    .modes_set = below(seed, 4),
                    .modes_clear = below(seed, 4),
                    .has_topic = below(seed, 2)};
    const uint32_t kind = below(seed, 16);

    memset(op.key, (int)below(seed, 3), sizeof(op.key));
    if (kind >= 10)
        op.kind = OP_STANDING;
    else
        op.kind = kind < 5    ? OP_ROOM
                  : kind < 7  ? OP_KEY_BAN
                  : kind == 7 ? OP_ADMIT
                  : kind == 8 ? OP_REVOKE
                              : OP_ROLE;
    if (op.kind == OP_ROOM && where == 0)
        op.stream = (stream_id){7};
    if (op.kind == OP_STANDING && op.change != STANDING_BAN && op.change != STANDING_MUTE)
        op.until_ms = 0;
    return op;
}

/* What a core would ask, and what it would never ask: the people are streams 1 to 6, a session belongs
 * mostly to one of them, and numbers are mostly near the one that comes next. */
static struct op random_op(struct box *box, uint64_t *seed, const uint32_t next[8])
{
    const uint32_t who = below(seed, 6);
    const stream_id account = {who + 1};
    const uint32_t slot = below(seed, 20) == 0 ? below(seed, 8) : who;
    const uint64_t session = 500 + slot;
    const uint32_t number = below(seed, 3) > 0 ? next[slot] : next[slot] + 2 - below(seed, 6);
    const uint32_t target = below(seed, 12);
    const char *name = target < 6 ? PEOPLE[target] : ROOMS[target % 4];
    struct op op = {0};

    switch (below(seed, 16)) {
    case 0:
        op = op_hello(box, NICKS[who], (unsigned char)below(seed, 3), session);
        break;
    case 1:
        op = op_join(box, NICKS[who], account, ROOMS[below(seed, 4)], (stream_id){0});
        if (below(seed, 4) == 0)
            op.skeleton = SPAN("one");
        op.modes_set = below(seed, 4);
        memset(op.key, (int)below(seed, 3), sizeof(op.key));
        break;
    case 2:
        op = op_leave(box, NICKS[who], account, "#one", (stream_id){7});
        break;
    case 3:
        op = op_void(box, account, session, number, below(seed, 2) ? RC_VOIDED : RC_BAD_TEXT);
        break;
    case 4:
        op = op_confirm(box, NICKS[who], account, below(seed, 200));
        break;
    case 5:
        op = op_mark(box, below(seed, 2) ? OP_MARK : OP_MARK_GET, account, NICKS[below(seed, 2)],
                     account, below(seed, 9));
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        op = random_door(box, seed);
        break;
    default:
        op = op_post(box, NICKS[who], account, name, (stream_id){target < 6 ? target + 1 : target},
                     session, number, "some text");
    }
    op.ts_ms += below(seed, 100);
    return op;
}

static void assert_same_standing(const struct standing *a, const struct standing *b)
{
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->since, b->since);
    assert_int_equal(a->banned_until_ms, b->banned_until_ms);
    assert_int_equal(a->muted_until_ms, b->muted_until_ms);
}

static void assert_same_result(const struct op_result *a, const struct op_result *b)
{
    assert_int_equal(a->rc, b->rc);
    assert_int_equal(a->is_duplicate, b->is_duplicate);
    assert_int_equal(a->stream.v, b->stream.v);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->own_seq, b->own_seq);
    assert_int_equal(a->ts_ms, b->ts_ms);
    assert_int_equal(a->confirmed, b->confirmed);
    assert_int_equal(a->next, b->next);
    assert_int_equal(a->is_new, b->is_new);
    assert_int_equal(a->is_new_room, b->is_new_room);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->role, b->role);
    assert_int_equal(a->modes, b->modes);
    assert_int_equal(a->open_from, b->open_from);
    assert_int_equal(a->is_adopted, b->is_adopted);
    assert_int_equal(a->is_new_device, b->is_new_device);
    assert_same_standing(&a->standing, &b->standing);
    assert_int_equal(a->rekeyed_count, b->rekeyed_count);
    for (size_t i = 0; i < a->rekeyed_count; i++) {
        assert_int_equal(a->rekeyed[i].stream.v, b->rekeyed[i].stream.v);
        assert_int_equal(a->rekeyed[i].epoch, b->rekeyed[i].epoch);
    }
    assert_int_equal(a->appended_count, b->appended_count);
    for (size_t i = 0; i < a->appended_count; i++) {
        assert_int_equal(a->appended[i].stream.v, b->appended[i].stream.v);
        assert_int_equal(a->appended[i].seq, b->appended[i].seq);
        assert_int_equal(a->appended[i].ts_ms, b->appended[i].ts_ms);
        assert_int_equal(a->appended[i].wire.len, b->appended[i].wire.len);
        assert_memory_equal(a->appended[i].wire.ptr, b->appended[i].wire.ptr,
                            a->appended[i].wire.len);
    }
}

static void assert_same_log(struct box *a, struct box *b)
{
    static struct told told[2];

    told[0].count = told[1].count = 0;
    assert_int_equal(store_replay(a->store, tell, &told[0]), RC_OK);
    assert_int_equal(store_replay(b->store, tell, &told[1]), RC_OK);
    assert_int_equal(told[0].count, told[1].count);
    for (size_t i = 0; i < told[0].count; i++) {
        const struct record *one = &told[0].record[i];
        const struct record *other = &told[1].record[i];

        assert_int_equal(one->kind, other->kind);
        assert_int_equal(one->stream.v, other->stream.v);
        assert_int_equal(one->member.v, other->member.v);
        assert_int_equal(one->head, other->head);
        assert_int_equal(one->confirmed, other->confirmed);
        assert_memory_equal(one->key, other->key, sizeof(one->key));
        assert_same_standing(&one->standing, &other->standing);
        assert_int_equal(one->modes, other->modes);
        assert_int_equal(one->role, other->role);
        assert_int_equal(one->open_from, other->open_from);
        assert_int_equal(one->epoch, other->epoch);
        assert_int_equal(one->until_ms, other->until_ms);
        assert_int_equal(one->ts_ms, other->ts_ms);
        assert_int_equal(one->is_revoked, other->is_revoked);
        assert_memory_equal(told[0].text[i], told[1].text[i], sizeof(told[0].text[i]));
    }
    for (uint32_t id = 1; id < 12; id++) {
        for (uint64_t first = 1, step = 0; step < 4; first += 97, step++) {
            const struct store_page one = read_range(a, (stream_id){id}, first, 0, 0);
            const struct store_page other = read_range(b, (stream_id){id}, first, 0, 0);

            assert_int_equal(one.count, other.count);
            assert_int_equal(one.first, other.first);
            assert_int_equal(one.last, other.last);
            assert_int_equal(one.head, other.head);
            assert_int_equal(one.kept, other.kept);
            assert_int_equal(one.wire.len, other.wire.len);
            if (one.wire.len > 0)
                assert_memory_equal(one.wire.ptr, other.wire.ptr, one.wire.len);
        }
    }
}

static void run_same_batches(struct box *a, struct box *b, uint64_t *seed)
{
    uint32_t next[8] = {1, 1, 1, 1, 1, 1, 1, 1};

    for (int turn = 0; turn < 60; turn++) {
        struct op ops[40];
        struct op_result one[40], other[40];
        const size_t count = 1 + below(seed, 40);

        for (size_t i = 0; i < count; i++)
            ops[i] = random_op(a, seed, next);
        assert_int_equal(store_apply(a->store, ops, count, one), RC_OK);
        assert_int_equal(store_apply(b->store, ops, count, other), RC_OK);
        for (size_t i = 0; i < count; i++) {
            assert_same_result(&one[i], &other[i]);
            if (ops[i].session.v >= 500 && one[i].next > next[ops[i].session.v - 500])
                next[ops[i].session.v - 500] = one[i].next;
        }
        if (below(seed, 10) == 0) {
            box_close(b);
            box_open(b);
        }
    }
}

/* Against the store in memory, which is simple enough to be right. */
static void run_against(enum box_kind kind, uint64_t rounds)
{
    for (uint64_t round = 1; round <= rounds; round++) {
        struct box *memory = box_new(BOX_MEMORY);
        struct box *other = box_new(kind);
        uint64_t seed = round;

        for (size_t i = 0; i < 6; i++) {
            person(memory, NICKS[i]);
            person(other, NICKS[i]);
        }
        run_same_batches(memory, other, &seed);
        assert_same_log(memory, other);
        box_close(other);
        box_open(other);
        assert_same_log(memory, other);
        box_destroy(memory);
        box_destroy(other);
    }
}

static void random_operations_give_the_same_in_memory_and_on_sqlite(void **state)
{
    (void)state;
    run_against(BOX_SQLITE, 12);
}

static void random_operations_give_the_same_in_memory_and_on_postgresql(void **state)
{
    (void)state;
    run_against(BOX_PG, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_give_the_same_in_memory_and_on_sqlite),
        cmocka_unit_test(random_operations_give_the_same_in_memory_and_on_postgresql),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
