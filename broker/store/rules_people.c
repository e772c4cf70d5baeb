/* rules_people.c - accounts, their devices and roles, and invitations (protocol 5.1, 5.3). */
#include "broker/store/rules_internal.h"

#include "shared/base/invariant.h"

#include <sodium.h>

_Static_assert(INVITATION_HASH_BYTES == crypto_generichash_BYTES, "one hash");

static void hash_token(const unsigned char *token, unsigned char *ret)
{
    crypto_generichash(ret, INVITATION_HASH_BYTES, token, INVITE_BYTES, NULL, 0);
}

/* --- HELLO --------------------------------------------------------------------------- */

/* What a HELLO finds before anything is written. */
struct arrival {
    struct span name;      /* with sigil */
    stream_id account;     /* of the nick; none: it is free */
    bool has_key;          /* no: --insecure */
    stream_id key_account; /* whose the key is; none: nobody's */
    bool is_invited;       /* with the invitation below */
    struct invitation_row invitation;
};

static enum rc find_key(struct txn *txn, const struct op *op, struct arrival *arrival,
                        struct op_result *result)
{
    struct device_row device;
    enum rc rc;

    arrival->has_key = !is_zero(op->key, sizeof(op->key));
    if (!arrival->has_key)
        return RC_OK;
    rc = txn->backend->calls->get_device(txn->backend, op->key, &device);
    if (rc == RC_OK && device.is_revoked)
        return verdict(result, RC_REVOKED);
    if (rc == RC_OK)
        arrival->key_account = device.account;
    return rc == RC_END ? RC_OK : rc;
}

/* The invitation of the token, if it is live: RC_BAD_INVITE is the verdict if not. */
static enum rc find_invitation(struct txn *txn, const struct op *op, struct arrival *arrival,
                               struct op_result *result)
{
    struct invitation_row *row = &arrival->invitation;
    unsigned char hash[INVITATION_HASH_BYTES];
    enum rc rc;

    if (!op->has_token)
        return RC_OK;
    hash_token(op->token, hash);
    rc = txn->backend->calls->get_invitation(txn->backend, hash, row);
    if (rc == RC_END || (rc == RC_OK && row->until_ms <= op->ts_ms))
        return verdict(result, RC_BAD_INVITE);
    if (rc != RC_OK)
        return rc;
    row->nick = arena_copy(txn->arena, row->nick);
    row->label = arena_copy(txn->arena, row->label);
    arrival->is_invited = true;
    return RC_OK;
}

/* Whether a key that nobody has may become a device of the nick's account (protocol R-15). */
static enum rc check_device(struct txn *txn, const struct op *op, const struct arrival *arrival,
                            struct op_result *result)
{
    const struct invitation_row *invitation = &arrival->invitation;
    size_t count = 0;
    enum rc rc;

    if (!arrival->is_invited || !invitation->is_device ||
        !stream_equal(invitation->maker, arrival->account))
        return verdict(result, RC_NICK_IN_USE);
    rc = txn->backend->calls->count_devices(txn->backend, arrival->account, &count);
    if (rc == RC_OK && op->limit != 0 && count >= op->limit)
        return verdict(result, RC_LIMIT);
    if (rc == RC_OK && txn->space != SPACE_FOR_ALL)
        return verdict(result, RC_DISK_FULL);
    return rc;
}

/* The key becomes a device of the account, and the invitation is used up. */
static enum rc bind_key(struct txn *txn, const struct op *op, const struct arrival *arrival,
                        stream_id account, struct op_result *result)
{
    const struct backend_calls *calls = txn->backend->calls;
    struct device_row device = {
        .account = account, .label = arrival->invitation.label, .ts_ms = op->ts_ms};
    enum rc rc = RC_OK;

    if (arrival->is_invited)
        rc = calls->drop_invitation(txn->backend, arrival->invitation.hash);
    if (rc != RC_OK || !arrival->has_key)
        return rc;
    memcpy(device.key, op->key, sizeof(device.key));
    result->is_new_device = true;
    result->label = device.label;
    return calls->add_device(txn->backend, &device);
}

/* A nick that nobody has. */
static enum rc make_account(struct txn *txn, const struct op *op, struct arrival *arrival,
                            struct op_result *result)
{
    const struct invitation_row *invitation = &arrival->invitation;
    struct stream_row row = {.name = arrival->name};
    enum rc rc;

    if (!stream_is_none(arrival->key_account))
        return verdict(result, RC_WRONG_NICK);
    if (op->is_known_only)
        return verdict(result, RC_NOT_LET_IN);
    rc = find_invitation(txn, op, arrival, result);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    if (arrival->is_invited) {
        if (invitation->is_device ||
            (invitation->nick.len > 0 && !span_equal(invitation->nick, op->nick)))
            return verdict(result, RC_BAD_INVITE);
        row.role = invitation->role;
    }
    rc = make_stream(txn, op, result, &row);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    arrival->account = row.id;
    result->is_new = true;
    return bind_key(txn, op, arrival, row.id, result);
}

/* A nick that somebody has. Without keys (--insecure) it is whoever says so. */
static enum rc enter_account(struct txn *txn, const struct op *op, struct arrival *arrival,
                             struct op_result *result)
{
    enum rc rc;

    if (!arrival->has_key || stream_equal(arrival->key_account, arrival->account))
        return RC_OK;
    if (!stream_is_none(arrival->key_account))
        return verdict(result, op->has_token ? RC_WRONG_NICK : RC_NICK_IN_USE);
    rc = find_invitation(txn, op, arrival, result);
    if (rc == RC_OK && result->rc == RC_OK)
        rc = check_device(txn, op, arrival, result);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    return bind_key(txn, op, arrival, arrival->account, result);
}

/* What WELCOME tells. */
static enum rc describe_account(struct txn *txn, stream_id account, struct op_result *result)
{
    struct stream_row row;
    struct place *place;
    enum rc rc = txn->backend->calls->get_stream(txn->backend, account, &row);

    if (rc == RC_OK)
        rc = txn_place(txn, account, &place);
    rc = txn_needed(txn, rc, "person's stream");
    if (rc != RC_OK)
        return rc;
    result->stream = account;
    result->role = row.role;
    result->epoch = row.epoch;
    memcpy(result->key, row.stream_key, sizeof(result->key));
    result->seq = place->row.head;
    result->confirmed = place->row.confirmed;
    return RC_OK;
}

/* The client says which number it goes on with, and all before were answered: by a log of which this one is an older
 * copy. What it may still send is new to us (protocol R-60). */
static void go_on(struct txn *txn, const struct op *op, stream_id account, struct session *session)
{
    const struct event_row nothing = {.entry = 0};

    if (op->number <= session->row.last + 1 || op->number == UINT32_MAX ||
        txn->space != SPACE_FOR_ALL)
        return;
    session->answers_of = 0; /* what was read is of other numbers */
    session->row.last = op->number - 2;
    txn_use_number(txn, session, account, &nothing);
}

enum rc do_hello(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct arrival arrival = {.account = {0}};
    struct full_name buffer;
    struct session *session;
    enum rc rc = find_key(txn, op, &arrival, result);

    if (rc == RC_OK && result->rc == RC_OK)
        rc = txn_session(txn, op->session, &session);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    arrival.name = full_name(&buffer, '@', op->nick);
    rc = find_stream(txn, BY_NAME, arrival.name, &arrival.account);
    if (rc != RC_OK && rc != RC_END)
        return rc;
    if (session->row.last != 0 && !stream_equal(session->row.account, arrival.account))
        return verdict(result, RC_SESSION_TAKEN);
    rc = rc == RC_OK ? enter_account(txn, op, &arrival, result)
                     : make_account(txn, op, &arrival, result);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    go_on(txn, op, arrival.account, session);
    result->next = session->row.last + 1;
    return describe_account(txn, arrival.account, result);
}

/* --- invitations --------------------------------------------------------------------- */

enum rc do_admit(struct txn *txn, const struct op *op, struct op_result *result)
{
    const struct backend_calls *calls = txn->backend->calls;
    struct invitation_row row = {.maker = op->account,
                                 .role = op->role,
                                 .nick = op->target_nick,
                                 .is_device = op->is_device,
                                 .label = op->label,
                                 .until_ms = op->until_ms};
    size_t count = 0;
    enum rc rc;

    if (txn->space != SPACE_FOR_ALL)
        return verdict(result, RC_DISK_FULL);
    rc = calls->drop_invitations_over(txn->backend, op->ts_ms);
    if (rc == RC_OK && stream_is_none(op->account)) /* the broker's own: there is one */
        rc = calls->drop_invitations_of(txn->backend, op->account);
    if (rc == RC_OK)
        rc = calls->count_invitations(txn->backend, op->account, &count);
    if (rc != RC_OK)
        return rc;
    if (op->limit != 0 && count >= op->limit)
        return verdict(result, RC_LIMIT);
    txn->entropy(txn->entropy_context, result->token, sizeof(result->token));
    hash_token(result->token, row.hash);
    result->role = op->role;
    return calls->add_invitation(txn->backend, &row);
}

/* --- owners ------------------------------------------------------------------------ */

enum rc keep_an_owner(struct txn *txn, stream_id account, uint64_t now_ms, struct op_result *result)
{
    struct stream_row row;
    enum rc rc = txn_stream(txn, account, &row);

    if (rc != RC_OK || row.role != ROLE_OWNER)
        return rc == RC_END ? RC_OK : rc;
    rc = txn->backend->calls->other_owner(txn->backend, account, now_ms);
    return rc == RC_END ? verdict(result, RC_DENIED) : rc;
}

/* --- devices and roles --------------------------------------------------------------- */

/* Take away the key, or all of them; *ret_count: how many that was. */
static enum rc revoke_keys(struct txn *txn, const struct op *op, struct op_result *result,
                           size_t *ret_count)
{
    const struct backend_calls *calls = txn->backend->calls;
    struct device_row device;
    enum rc rc;

    *ret_count = 0;
    if (is_zero(op->key, sizeof(op->key))) {
        rc = calls->count_devices(txn->backend, op->target, ret_count);
        if (rc == RC_OK && *ret_count > 0)
            rc = keep_an_owner(txn, op->target, op->ts_ms, result);
        return rc == RC_OK && result->rc == RC_OK && *ret_count > 0
                   ? calls->revoke_devices(txn->backend, op->target)
                   : rc;
    }
    rc = calls->get_device(txn->backend, op->key, &device);
    if (rc == RC_END || (rc == RC_OK && !stream_equal(device.account, op->target)))
        return verdict(result, RC_NO_SUCH_NICK);
    if (rc != RC_OK || device.is_revoked)
        return rc;
    rc = calls->count_devices(txn->backend, op->target, ret_count);
    if (rc == RC_OK && *ret_count == 1)
        rc = keep_an_owner(txn, op->target, op->ts_ms, result);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    *ret_count = 1;
    return calls->revoke_device(txn->backend, op->key);
}

/* New keys for the person's stream and for all private rooms the person is in (protocol R-42). */
static enum rc rekey_person(struct txn *txn, stream_id person, struct op_result *result)
{
    const struct backend_calls *calls = txn->backend->calls;
    struct rekeyed *rekeyed;
    struct stream_row row;
    stream_id at = {0};
    size_t count = 1;
    enum rc rc;

    while ((rc = calls->next_private_room(txn->backend, person, at, &at)) == RC_OK)
        count++;
    if (rc != RC_END)
        return rc;
    rekeyed = arena_alloc(txn->arena, count * sizeof(*rekeyed));
    result->rekeyed = rekeyed;
    at = person;
    for (size_t i = 0; i < count; i++) {
        rc = txn_needed(txn, txn_stream(txn, at, &row), "stream");
        if (rc == RC_OK)
            rc = rekey(txn, &row, &rekeyed[i]);
        if (rc != RC_OK)
            return rc;
        result->rekeyed_count++;
        rc = calls->next_private_room(txn->backend, person, i == 0 ? REFUSED_STREAM : at, &at);
        if (rc != RC_OK && rc != RC_END)
            return rc;
    }
    return RC_OK;
}

/* Not refused on a full disk: a stolen key does not wait. Invitations go with the key, which may have made
 * one for its thief. */
enum rc do_revoke(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct place *place;
    size_t count = 0;
    enum rc rc = txn_place(txn, op->target, &place);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_NICK);
    if (rc != RC_OK)
        return rc;
    if (txn->space == SPACE_FOR_NOTHING)
        return verdict(result, RC_DISK_FULL);
    result->stream = op->target;
    rc = revoke_keys(txn, op, result, &count);
    if (rc != RC_OK || result->rc != RC_OK || count == 0)
        return rc;
    rc = txn->backend->calls->drop_invitations_of(txn->backend, op->target);
    return rc == RC_OK ? rekey_person(txn, op->target, result) : rc;
}

/* Who has less to say from now on has made no invitations either: they might be of the lost role. */
enum rc do_role(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct stream_row row;
    enum rc rc = txn_stream(txn, op->target, &row);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_NICK);
    if (rc != RC_OK)
        return rc;
    result->stream = op->target;
    result->role = op->role;
    if (row.role == op->role)
        return RC_OK;
    if (txn->space != SPACE_FOR_ALL)
        return verdict(result, RC_DISK_FULL);
    if (op->role < row.role)
        rc = keep_an_owner(txn, op->target, op->ts_ms, result);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    if (op->role < row.role)
        rc = txn->backend->calls->drop_invitations_of(txn->backend, op->target);
    row.role = op->role;
    return rc == RC_OK ? txn->backend->calls->put_stream(txn->backend, &row) : rc;
}
