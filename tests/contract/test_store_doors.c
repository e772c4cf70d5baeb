/* test_store_doors.c - devices, invitations and roles: all stores keep record.h's word (protocol 5.3). */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

static struct op op_admit(struct box *box, stream_id maker, const char *nick)
{
    return (struct op){.kind = OP_ADMIT,
                       .ts_ms = ++box->now_ms,
                       .account = maker,
                       .target_nick = span_of(nick),
                       .until_ms = box->now_ms + 1000};
}

/* HELLO with the token that the last ADMIT gave. */
static struct op with_token(struct op hello, const struct op_result *admitted)
{
    hello.has_token = true;
    memcpy(hello.token, admitted->token, sizeof(hello.token));
    return hello;
}

static struct op_result admit(struct box *box, const struct op *op)
{
    assert_int_equal(box_apply(box, op), RC_OK);
    return box->result;
}

/* Alice has key 1 and, by invitation, key 2. */
static stream_id alice_with_two_devices(struct box *box)
{
    struct op op = op_hello(box, "alice", 1, 0);
    stream_id alice;

    assert_int_equal(box_apply(box, &op), RC_OK);
    alice = box->result.stream;
    op = op_admit(box, alice, "");
    op.is_device = true;
    op.label = SPAN("laptop");
    const struct op_result admitted = admit(box, &op);
    op = with_token(op_hello(box, "alice", 2, 0), &admitted);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_true(box->result.is_new_device);
    assert_false(box->result.is_new);
    assert_span_equal(box->result.label, "laptop");
    return alice;
}

static struct op op_revoke(struct box *box, stream_id target, unsigned char key)
{
    struct op op = {.kind = OP_REVOKE, .ts_ms = ++box->now_ms, .target = target};

    memset(op.key, key, sizeof(op.key));
    return op;
}

static void an_invitation_gives_its_role_once_R_15(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    struct op op = op_admit(box, alice, "");

    op.role = ROLE_OPERATOR;
    const struct op_result admitted = admit(box, &op);
    op = with_token(op_hello(box, "bob", 5, 0), &admitted);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.role, ROLE_OPERATOR);
    assert_true(box->result.is_new);
    assert_true(box->result.is_new_device);
    assert_int_equal(box_apply(box, &op), RC_OK); /* known now: the token is ignored */
    assert_false(box->result.is_new_device);
    assert_int_equal(box->result.role, ROLE_OPERATOR);
    op = with_token(op_hello(box, "carol", 6, 0), &admitted);
    assert_int_equal(box_apply(box, &op), RC_BAD_INVITE);
    op.has_token = false;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.role, ROLE_MEMBER);
}

static void where_nobody_new_is_wanted_who_is_known_comes_in(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    struct op op = op_admit(box, alice, "");
    const struct op_result admitted = admit(box, &op);

    op = with_token(op_hello(box, "bob", 5, 0), &admitted);
    op.is_known_only = true;
    assert_int_equal(box_apply(box, &op), RC_NOT_LET_IN);
    op.has_token = false;
    assert_int_equal(box_apply(box, &op), RC_NOT_LET_IN);
    op.is_known_only = false;
    assert_int_equal(box_apply(box, &op), RC_OK);
    op.is_known_only = true;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_false(box->result.is_new);
}

static void an_invitation_is_for_its_nick_and_its_time_R_15(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    struct op op = op_admit(box, alice, "bob");
    const struct op_result admitted = admit(box, &op);

    op = with_token(op_hello(box, "carol", 6, 0), &admitted);
    assert_int_equal(box_apply(box, &op), RC_BAD_INVITE);
    op = with_token(op_hello(box, "bob", 6, 0), &admitted);
    op.ts_ms += 1000;
    assert_int_equal(box_apply(box, &op), RC_BAD_INVITE); /* over */
    op.ts_ms -= 1000;
    assert_int_equal(box_apply(box, &op), RC_OK);
}

static void a_device_invitation_binds_a_key_to_its_maker_alone_R_15(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    struct op op = op_admit(box, alice, "");

    person(box, "bob");
    op.is_device = true;
    const struct op_result admitted = admit(box, &op);
    op = with_token(op_hello(box, "bob", 5, 0), &admitted);
    assert_int_equal(box_apply(box, &op), RC_NICK_IN_USE);
    op = with_token(op_hello(box, "carol", 5, 0), &admitted);
    assert_int_equal(box_apply(box, &op), RC_BAD_INVITE);
    op = with_token(op_hello(box, "alice", 5, 0), &admitted);
    op.limit = 1;
    assert_int_equal(box_apply(box, &op), RC_LIMIT);
    op.limit = 2;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.stream.v, alice.v);
    op = op_hello(box, "alice", 6, 0);
    assert_int_equal(box_apply(box, &op), RC_NICK_IN_USE);
}

static void live_invitations_are_limited_and_those_that_are_over_do_not_count(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    struct op op = op_admit(box, alice, "");

    op.limit = 2;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box_apply(box, &op), RC_LIMIT);
    op.ts_ms += 1000;
    op.until_ms += 1000;
    assert_int_equal(box_apply(box, &op), RC_OK);
}

static void the_brokers_own_invitation_replaces_the_one_before(void **state)
{
    struct box *box = *state;
    struct op op = op_admit(box, (stream_id){0}, "");

    op.role = ROLE_OWNER;
    op.until_ms = FOR_EVER_MS;
    op.limit = 1;
    const struct op_result first = admit(box, &op);
    const struct op_result second = admit(box, &op);
    op = with_token(op_hello(box, "alice", 1, 0), &first);
    assert_int_equal(box_apply(box, &op), RC_BAD_INVITE);
    op = with_token(op_hello(box, "alice", 1, 0), &second);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.role, ROLE_OWNER);
}

static void a_revoked_key_never_comes_back_and_the_stream_gets_a_new_key_R_42(void **state)
{
    struct box *box = *state;
    const stream_id alice = alice_with_two_devices(box);
    struct op op = op_revoke(box, alice, 2);

    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.rekeyed_count, 1);
    assert_int_equal(box->result.rekeyed[0].stream.v, alice.v);
    assert_int_equal(box->result.rekeyed[0].epoch, 2);
    assert_int_equal(box_apply(box, &op), RC_OK); /* it is so already */
    assert_int_equal(box->result.rekeyed_count, 0);
    op = op_hello(box, "alice", 2, 0);
    assert_int_equal(box_apply(box, &op), RC_REVOKED);
    op = op_hello(box, "zoe", 2, 0);
    assert_int_equal(box_apply(box, &op), RC_REVOKED);
    op = op_hello(box, "alice", 1, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.epoch, 2);
    op = op_revoke(box, alice, 9);
    assert_int_equal(box_apply(box, &op), RC_NO_SUCH_NICK);
}

static void revoking_all_devices_rekeys_the_private_rooms_too_R_42(void **state)
{
    struct box *box = *state;
    const stream_id alice = alice_with_two_devices(box);
    struct op op = op_join(box, "alice", alice, "#open", (stream_id){0});
    stream_id rooms[2];

    assert_int_equal(box_apply(box, &op), RC_OK);
    for (int i = 0; i < 2; i++) {
        op = op_join(box, "alice", alice, i == 0 ? "#one" : "#two", (stream_id){0});
        op.modes_set = ROOM_PRIVATE;
        assert_int_equal(box_apply(box, &op), RC_OK);
        rooms[i] = box->result.stream;
    }
    op = op_revoke(box, alice, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.rekeyed_count, 3);
    assert_int_equal(box->result.rekeyed[0].stream.v, alice.v);
    assert_int_equal(box->result.rekeyed[1].stream.v, rooms[0].v);
    assert_int_equal(box->result.rekeyed[2].stream.v, rooms[1].v);
    op = op_hello(box, "alice", 1, 0);
    assert_int_equal(box_apply(box, &op), RC_REVOKED);
}

static void invitations_end_with_what_made_them(void **state)
{
    struct box *box = *state;
    const stream_id alice = alice_with_two_devices(box);
    struct op op = op_admit(box, alice, "");

    op.is_device = true;
    const struct op_result thiefs = admit(box, &op);
    op = op_revoke(box, alice, 2);
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = with_token(op_hello(box, "alice", 7, 0), &thiefs);
    assert_int_equal(box_apply(box, &op), RC_BAD_INVITE);

    op = (struct op){.kind = OP_ROLE, .target = alice, .role = ROLE_OWNER};
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_admit(box, alice, "");
    op.role = ROLE_OWNER;
    const struct op_result owners = admit(box, &op);
    op = (struct op){
        .kind = OP_ROLE, .target = person(box, "bob"), .role = ROLE_OWNER}; /* one there must be */
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = (struct op){.kind = OP_ROLE, .target = alice, .role = ROLE_MEMBER};
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = with_token(op_hello(box, "dan", 8, 0), &owners);
    assert_int_equal(box_apply(box, &op), RC_BAD_INVITE);
}

static struct op op_role(struct box *box, stream_id target, enum role role)
{
    return (struct op){.kind = OP_ROLE, .ts_ms = ++box->now_ms, .target = target, .role = role};
}

static struct op op_ban(struct box *box, stream_id target, const char *nick, uint64_t until_ms)
{
    return (struct op){.kind = OP_STANDING,
                       .ts_ms = ++box->now_ms,
                       .target = target,
                       .target_nick = {nick, strlen(nick)},
                       .change = until_ms == 0 ? STANDING_UNBAN : STANDING_BAN,
                       .until_ms = until_ms};
}

/* The core has looked; but of two who remove each other at two brokers the second is here too late. */
static void the_last_owner_stays_R_43(void **state)
{
    struct box *box = *state;
    const stream_id alice = alice_with_two_devices(box);
    struct op op = op_hello(box, "bob", 9, 0);

    assert_int_equal(box_apply(box, &op), RC_OK);
    const stream_id bob = box->result.stream;
    op = op_role(box, alice, ROLE_OWNER);
    assert_int_equal(box_apply(box, &op), RC_OK);
    for (int with_bob = 0; with_bob < 2; with_bob++) {
        op = op_role(box, alice, ROLE_OPERATOR);
        assert_int_equal(box_apply(box, &op), RC_DENIED);
        op = op_ban(box, alice, "alice", FOR_EVER_MS);
        assert_int_equal(box_apply(box, &op), RC_DENIED);
        assert_int_equal(box->result.standing.banned_until_ms, 0);
        op = op_revoke(box, alice, 0);
        assert_int_equal(box_apply(box, &op), RC_DENIED);
        assert_int_equal(box->result.rekeyed_count, 0);
        if (with_bob == 1)
            break;
        op = op_revoke(box, alice, 2); /* not the last one of hers */
        assert_int_equal(box_apply(box, &op), RC_OK);
        op = op_revoke(box, alice, 1);
        assert_int_equal(box_apply(box, &op), RC_DENIED);
        op = op_role(box, bob, ROLE_OWNER); /* who is banned, and so none who can come */
        assert_int_equal(box_apply(box, &op), RC_OK);
        op = op_ban(box, bob, "bob", FOR_EVER_MS);
        assert_int_equal(box_apply(box, &op), RC_OK);
    }
    op = op_ban(box, bob, "bob", 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_ban(box, alice, "alice", box->now_ms + 100);
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_role(box, bob, ROLE_MEMBER);
    assert_int_equal(box_apply(box, &op), RC_DENIED);
    box->now_ms += 200; /* alice's ban is over */
    op = op_revoke(box, bob, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_role(box, alice, ROLE_MEMBER); /* bob is an owner without a key */
    assert_int_equal(box_apply(box, &op), RC_DENIED);
}

static void devices_roles_and_bans_are_told_after_a_restart(void **state)
{
    struct box *box = *state;
    static struct told told;
    const stream_id alice = alice_with_two_devices(box);
    struct op op = op_revoke(box, alice, 1);

    assert_int_equal(box_apply(box, &op), RC_OK);
    op = (struct op){.kind = OP_ROLE, .target = alice, .role = ROLE_OPERATOR};
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = (struct op){.kind = OP_STANDING,
                     .target = alice,
                     .target_nick = SPAN("alice"),
                     .change = STANDING_BAN,
                     .until_ms = 5000};
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.appended_count, 0);
    op = (struct op){.kind = OP_KEY_BAN, .until_ms = FOR_EVER_MS};
    memset(op.key, 9, sizeof(op.key));
    assert_int_equal(box_apply(box, &op), RC_OK);
    if (box->kind != BOX_MEMORY) {
        box_close(box);
        box_open(box);
    }
    told.count = 0;
    assert_int_equal(store_replay(box->store, tell, &told), RC_OK);
    assert_int_equal(told.count, 5);
    assert_int_equal(told.record[0].role, ROLE_OPERATOR);
    assert_int_equal(told.record[0].epoch, 2);
    assert_int_equal(told.record[1].kind, RECORD_DEVICE);
    assert_int_equal(told.record[1].key[0], 1);
    assert_true(told.record[1].is_revoked);
    assert_int_equal(told.record[2].key[0], 2);
    assert_false(told.record[2].is_revoked);
    assert_int_equal(told.record[2].label.len, 6);
    assert_int_equal(told.record[3].kind, RECORD_STANDING);
    assert_true(stream_is_none(told.record[3].stream));
    assert_int_equal(told.record[3].standing.banned_until_ms, 5000);
    assert_int_equal(told.record[4].kind, RECORD_KEY_BAN);
    assert_int_equal(told.record[4].until_ms, FOR_EVER_MS);
}

static void a_full_disk_still_lets_a_device_be_removed(void **state)
{
    struct box *box = *state;
    const struct store_limits none_free = BOX_LIMITS_FULL;
    const stream_id alice = alice_with_two_devices(box);
    struct op op = op_admit(box, alice, "");

    (void)room(box, "#lobby", "alice", alice); /* what is limited must be more than nothing */
    op.is_device = true;
    const struct op_result admitted = admit(box, &op);
    store_set_limits(box->store, &none_free);
    assert_int_equal(box_apply(box, &op), RC_DISK_FULL);
    op = with_token(op_hello(box, "alice", 3, 0), &admitted);
    assert_int_equal(box_apply(box, &op), RC_DISK_FULL);
    op = op_revoke(box, alice, 2);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.rekeyed_count, 1);
}

#define CONTRACT(X)                                                      \
    X(an_invitation_gives_its_role_once_R_15)                            \
    X(where_nobody_new_is_wanted_who_is_known_comes_in)                  \
    X(an_invitation_is_for_its_nick_and_its_time_R_15)                   \
    X(a_device_invitation_binds_a_key_to_its_maker_alone_R_15)           \
    X(live_invitations_are_limited_and_those_that_are_over_do_not_count) \
    X(the_brokers_own_invitation_replaces_the_one_before)                \
    X(a_revoked_key_never_comes_back_and_the_stream_gets_a_new_key_R_42) \
    X(revoking_all_devices_rekeys_the_private_rooms_too_R_42)            \
    X(invitations_end_with_what_made_them)                               \
    X(the_last_owner_stays_R_43)                                         \
    X(devices_roles_and_bans_are_told_after_a_restart)                   \
    X(a_full_disk_still_lets_a_device_be_removed)

STORE_CONTRACT_MAIN(CONTRACT)
