#include "broker/store/rules.h"

#include "shared/base/invariant.h"

/* Two answers in one function: what it returns says whether the transaction lives (RC_END is
 * looked at where it can come), result->rc is the operation's verdict. */

static enum rc verdict(struct op_result *result, enum rc rc)
{
    result->rc = rc;
    return RC_OK;
}

/* A stream's name: the sigil and the bare name. */
struct full_name {
    char text[STREAM_BYTES_MAX];
    size_t len;
};

static struct span full_name(struct full_name *self, char sigil, struct span bare)
{
    INVARIANT(bare.len > 0 && bare.len <= NAME_BYTES_MAX);
    self->text[0] = sigil;
    memcpy(self->text + 1, bare.ptr, bare.len);
    self->len = bare.len + 1;
    return (struct span){self->text, self->len};
}

static struct span without_sigil(struct span name)
{
    return (struct span){name.ptr + 1, name.len - 1};
}

static bool is_zero(const unsigned char *bytes, size_t len)
{
    unsigned char all = 0;

    for (size_t i = 0; i < len; i++)
        all |= bytes[i];
    return all == 0;
}

static struct message event_of(const struct op *op, struct span type)
{
    struct message event = {.verb = VERB_EVENT};

    message_set(&event, TS, ts, op->ts_ms);
    message_set(&event, TYPE, type, type);
    message_set(&event, FROM, from, op->nick);
    return event;
}

/* --- streams: people and rooms ------------------------------------------------------- */

static enum rc find_stream(struct txn *txn, enum stream_unique by, struct span value,
                           stream_id *ret)
{
    return txn->backend->calls->find_stream(txn->backend, by, value, ret);
}

/* Make a stream whose name is known to be free. RC_CONFUSABLE and the like are verdicts. */
static enum rc make_stream(struct txn *txn, const struct op *op, struct span name,
                           struct op_result *result, struct stream_row *row)
{
    struct full_name skeleton;
    stream_id taken;

    *row = (struct stream_row){.name = name, .epoch = 1};
    row->skeleton = full_name(&skeleton, name.ptr[0], op->skeleton);
    const enum rc rc = find_stream(txn, BY_SKELETON, row->skeleton, &taken);
    if (rc == RC_OK)
        return verdict(result, RC_CONFUSABLE);
    if (rc != RC_END)
        return rc;
    if (txn->is_full)
        return verdict(result, RC_DISK_FULL);
    if (txn->last_stream.v >= STREAMS_MAX)
        return verdict(result, RC_LIMIT);
    row->id = (stream_id){txn->last_stream.v + 1};
    row->has_owner = op->kind == OP_HELLO && !is_zero(op->key, sizeof(op->key));
    memcpy(row->owner_key, op->key, sizeof(row->owner_key));
    txn->entropy(txn->entropy_context, row->stream_key, sizeof(row->stream_key));
    txn->last_stream = row->id;
    return txn->backend->calls->add_stream(txn->backend, row);
}

/* A nick that nobody has. */
static enum rc make_account(struct txn *txn, const struct op *op, struct span name,
                            struct op_result *result, struct stream_row *row)
{
    if (!is_zero(op->key, sizeof(op->key))) {
        const struct span key = {(const char *)op->key, sizeof(op->key)};
        stream_id other;
        const enum rc rc = find_stream(txn, BY_OWNER_KEY, key, &other);

        if (rc == RC_OK)
            return verdict(result, RC_WRONG_NICK);
        if (rc != RC_END)
            return rc;
    }
    return make_stream(txn, op, name, result, row);
}

/* A nick that somebody has. Without keys (--insecure) it is whoever says so. */
static enum rc find_account(struct txn *txn, const struct op *op, stream_id account,
                            struct op_result *result, struct stream_row *row)
{
    const enum rc rc =
        txn_needed(txn, txn->backend->calls->get_stream(txn->backend, account, row), "stream");

    if (rc == RC_OK && !is_zero(op->key, sizeof(op->key)) &&
        memcmp(row->owner_key, op->key, sizeof(op->key)) != 0)
        result->rc = RC_NICK_IN_USE;
    return rc;
}

static enum rc do_hello(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct stream_row row = {0};
    struct full_name buffer;
    struct session *session;
    struct place *place;
    stream_id account = {0};
    const struct span name = full_name(&buffer, '@', op->nick);
    enum rc rc = txn_session(txn, op->session, &session);

    if (rc == RC_OK)
        rc = find_stream(txn, BY_NAME, name, &account);
    if (rc != RC_OK && rc != RC_END)
        return rc;
    if (session->row.last != 0 && !stream_equal(session->row.account, account))
        return verdict(result, RC_SESSION_TAKEN);
    if (rc == RC_OK)
        rc = find_account(txn, op, account, result, &row);
    else
        rc = make_account(txn, op, name, result, &row);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    rc = txn_needed(txn, txn_place(txn, row.id, &place), "place of a stream");
    if (rc != RC_OK)
        return rc;
    result->is_new = stream_is_none(account);
    result->stream = row.id;
    result->seq = place->row.head;
    result->confirmed = place->row.confirmed;
    result->next = session->row.last + 1;
    result->epoch = row.epoch;
    memcpy(result->key, row.stream_key, sizeof(result->key));
    return RC_OK;
}

/* --- rooms --------------------------------------------------------------------------- */

static enum rc append_membership(struct txn *txn, const struct op *op, struct place *room,
                                 struct span type, struct op_result *result)
{
    struct message event = event_of(op, type);
    struct event_row row = {0};
    struct appended *appended = arena_alloc(txn->arena, sizeof(*appended));
    const enum rc rc = txn_append(txn, room, op->name, &event, &row, appended);

    result->appended = appended;
    result->appended_count = 1;
    result->is_new = true;
    result->seq = room->row.head;
    return rc;
}

/* The room of the operation: by number, or by name, made when it is not there. */
static enum rc find_room(struct txn *txn, const struct op *op, struct op_result *result,
                         stream_id *ret)
{
    struct stream_row row;
    enum rc rc;

    *ret = op->stream;
    if (!stream_is_none(op->stream))
        return RC_OK;
    rc = find_stream(txn, BY_NAME, op->name, ret);
    if (rc != RC_END)
        return rc;
    rc = make_stream(txn, op, op->name, result, &row);
    if (rc == RC_OK && result->rc == RC_OK) {
        result->is_new_room = true;
        *ret = row.id;
    }
    return rc;
}

static enum rc do_join(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct place *room;
    stream_id id;
    enum rc rc = find_room(txn, op, result, &id);

    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    rc = txn_place(txn, id, &room);
    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_ROOM);
    if (rc != RC_OK)
        return rc;
    result->stream = id;
    result->seq = room->row.head;
    rc = txn->backend->calls->has_member(txn->backend, id, op->account);
    if (rc != RC_END)
        return rc;
    if (txn->is_full)
        return verdict(result, RC_DISK_FULL);
    rc = txn->backend->calls->add_member(txn->backend, id, op->account);
    return rc == RC_OK ? append_membership(txn, op, room, SPAN("join"), result) : rc;
}

static enum rc do_leave(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct place *room;
    enum rc rc = txn_place(txn, op->stream, &room);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_ROOM);
    if (rc != RC_OK)
        return rc;
    result->stream = op->stream;
    result->seq = room->row.head;
    rc = txn->backend->calls->has_member(txn->backend, op->stream, op->account);
    if (rc != RC_OK)
        return rc == RC_END ? RC_OK : rc;
    if (txn->is_full)
        return verdict(result, RC_DISK_FULL);
    rc = txn->backend->calls->drop_member(txn->backend, op->stream, op->account);
    return rc == RC_OK ? append_membership(txn, op, room, SPAN("leave"), result) : rc;
}

/* --- numbers and posts --------------------------------------------------------------- */

/* The number was used up: answer as it was answered then (protocol ). */
static enum rc answer_again(struct txn *txn, const struct op *op, struct session *session,
                            struct op_result *result)
{
    struct event_row first;
    const enum rc rc = txn_answer(txn, session, op->number, &first);

    if (rc == RC_END)
        return verdict(result, RC_TOO_OLD);
    if (rc != RC_OK)
        return rc;
    result->is_duplicate = true;
    result->ts_ms = first.ts_ms;
    if (stream_is_none(entry_stream(first.entry)))
        return verdict(result, first.refusal);
    result->stream = entry_stream(first.entry);
    result->seq = entry_seq(first.entry);
    result->own_seq = first.own_seq;
    return RC_OK;
}

/* *ret is the session when the number is its next one, else NULL and the verdict is given. On a full
 * disk every new number is refused alike: EXPECT would make the client send again at once. */
static enum rc check_number(struct txn *txn, const struct op *op, struct op_result *result,
                            struct session **ret)
{
    struct session *session;
    const enum rc rc = txn_session(txn, op->session, &session);

    *ret = NULL;
    if (rc != RC_OK)
        return rc;
    if (session->row.last != 0 && !stream_equal(session->row.account, op->account))
        return verdict(result, RC_SESSION_TAKEN);
    result->next = session->row.last + 1;
    if (op->number == 0)
        return verdict(result, RC_BAD_FIELD);
    if (op->number <= session->row.last)
        return answer_again(txn, op, session, result);
    if (txn->is_full)
        return verdict(result, RC_DISK_FULL);
    if (op->number != result->next)
        return verdict(result, RC_BAD_FIELD);
    if (op->number == UINT32_MAX)
        return verdict(result, RC_LIMIT);
    *ret = session;
    return RC_OK;
}

static enum rc do_void(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct session *session;
    struct place *place;
    enum rc rc = check_number(txn, op, result, &session);

    if (rc != RC_OK || session == NULL)
        return rc;
    INVARIANT(rc_is_wire(op->refusal) && !rc_is_transient(op->refusal));
    rc = txn_needed(txn, txn_place(txn, REFUSED_STREAM, &place), "place of stream 0");
    if (rc != RC_OK)
        return rc;

    const struct event_row row = {.entry = entry_of(REFUSED_STREAM, place->row.head + 1),
                                  .ts_ms = op->ts_ms,
                                  .refusal = op->refusal,
                                  .prev = session->row.entry};
    rc = txn->backend->calls->add_event(txn->backend, &row);
    if (rc != RC_OK)
        return rc;
    place->row.head++;
    txn_place_changed(txn, place);
    txn_use_number(txn, session, op->account, &row);
    result->next = session->row.last + 1;
    return verdict(result, op->refusal);
}

/* Where a post goes: `own` is NULL unless the sender gets a copy. */
struct target {
    struct place *place;
    struct place *own;
};

static enum rc find_target(struct txn *txn, const struct op *op, struct op_result *result,
                           struct target *ret)
{
    const bool is_private = op->name.ptr[0] == '@';
    enum rc rc = txn_place(txn, op->stream, &ret->place);

    ret->own = NULL;
    if (rc == RC_OK && is_private && !stream_equal(op->stream, op->account))
        rc = txn_place(txn, op->account, &ret->own);
    if (rc == RC_END)
        return verdict(result, is_private ? RC_NO_SUCH_NICK : RC_NO_SUCH_ROOM);
    return rc;
}

static enum rc append_post(struct txn *txn, const struct op *op, const struct target *target,
                           struct event_row *row, struct op_result *result)
{
    const size_t count = target->own == NULL ? 1 : 2;
    struct appended *appended = arena_alloc(txn->arena, count * sizeof(*appended));
    struct message event = event_of(op, SPAN("message"));
    enum rc rc;

    message_set(&event, TEXT, text, op->text);
    message_set(&event, SESSION, session, op->session.v);
    message_set(&event, NUMBER, number, op->number);
    if (op->name.ptr[0] == '@')
        message_set(&event, TO, to, without_sigil(op->name));
    if (!span_equal(op->kind_name, event.type))
        message_set(&event, KIND, kind, op->kind_name);
    row->sender = op->account;
    row->own_seq = target->own == NULL ? 0 : target->own->row.head + 1;
    rc = txn_append(txn, target->place, op->name, &event, row, &appended[0]);
    if (rc == RC_OK && target->own != NULL) {
        struct event_row copy = {.sender = op->account};
        struct full_name own_name;

        message_set(&event, PEER_SEQ, peer_seq, appended[0].seq);
        event.ts = op->ts_ms; /* raised for the other stream, perhaps */
        rc = txn_append(txn, target->own, full_name(&own_name, '@', op->nick), &event, &copy,
                        &appended[1]);
    }
    result->appended = appended;
    result->appended_count = count;
    return rc;
}

static enum rc do_post(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct session *session;
    struct target target;
    enum rc rc = check_number(txn, op, result, &session);

    if (rc != RC_OK || session == NULL)
        return rc;
    rc = find_target(txn, op, result, &target);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;

    struct event_row row = {.prev = session->row.entry};
    rc = append_post(txn, op, &target, &row, result);
    if (rc != RC_OK)
        return rc;
    txn_use_number(txn, session, op->account, &row);
    result->stream = op->stream;
    result->seq = result->appended[0].seq;
    result->own_seq = row.own_seq;
    result->ts_ms = result->appended[0].ts_ms;
    result->next = session->row.last + 1;
    return RC_OK;
}

/* --- confirming ---------------------------------------------------------------------- */

/* The senders of the messages that a confirmation covers, each once. */
struct senders {
    stream_id item[OP_APPENDED_MAX];
    size_t count;
};

/* False: there is no room for another one. */
static bool senders_add(struct senders *self, stream_id sender)
{
    for (size_t i = 0; i < self->count; i++) {
        if (stream_equal(self->item[i], sender))
            return true;
    }
    if (self->count == OP_APPENDED_MAX)
        return false;
    self->item[self->count++] = sender;
    return true;
}

/* Collect senders from behind the confirmed place up to `upto`; *ret_upto is how far they and the work
 * allowed to one operation reach. */
static enum rc collect_senders(struct txn *txn, const struct place *owner, uint64_t upto,
                               struct senders *senders, uint64_t *ret_upto)
{
    const stream_id self = owner->row.stream;
    const uint64_t first = owner->row.confirmed + 1;
    uint64_t at = first;

    if (upto - first >= CONFIRM_EVENTS_MAX)
        upto = first + CONFIRM_EVENTS_MAX - 1;
    while (at <= upto) {
        struct sender_row rows[256];
        size_t count;
        const enum rc rc =
            txn->backend->calls->get_senders(txn->backend, self, at, upto, rows, 256, &count);

        if (rc != RC_OK)
            return rc;
        for (size_t i = 0; i < count; i++) {
            const stream_id sender = rows[i].sender;

            if (stream_is_none(sender) || stream_equal(sender, self))
                continue;
            if (!senders_add(senders, sender)) {
                *ret_upto = rows[i].seq - 1;
                return RC_OK;
            }
        }
        if (count < 256)
            break;
        at = rows[count - 1].seq + 1;
    }
    *ret_upto = upto;
    return RC_OK;
}

static enum rc append_receipt(struct txn *txn, const struct op *op, stream_id sender, uint64_t upto,
                              struct appended *ret)
{
    struct message event = event_of(op, SPAN("receipt"));
    struct event_row row = {0};
    struct stream_row stream;
    struct full_name name;
    struct place *place;
    enum rc rc = txn_place(txn, sender, &place);

    if (rc == RC_OK)
        rc = txn->backend->calls->get_stream(txn->backend, sender, &stream);
    rc = txn_needed(txn, rc, "sender's stream");
    if (rc != RC_OK)
        return rc;
    message_set(&event, UPTO, upto, upto);
    /* A copy: the row's name lasts only until the backend is called again. */
    full_name(&name, '@', without_sigil(stream.name));
    return txn_append(txn, place, (struct span){name.text, name.len}, &event, &row, ret);
}

static enum rc do_confirm(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct senders senders = {.count = 0};
    struct appended *appended;
    struct place *owner;
    uint64_t upto;
    enum rc rc = txn_place(txn, op->stream, &owner);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_NICK);
    if (rc != RC_OK)
        return rc;
    result->stream = op->stream;
    result->seq = owner->row.confirmed;
    upto = op->seq < owner->row.head ? op->seq : owner->row.head;
    if (upto <= owner->row.confirmed)
        return RC_OK;
    if (txn->is_full)
        return verdict(result, RC_DISK_FULL);
    rc = collect_senders(txn, owner, upto, &senders, &upto);
    if (rc != RC_OK)
        return rc;
    appended = arena_alloc(txn->arena, senders.count * sizeof(*appended));
    for (size_t i = 0; i < senders.count; i++) {
        rc = append_receipt(txn, op, senders.item[i], upto, &appended[i]);
        if (rc != RC_OK)
            return rc;
    }
    owner->row.confirmed = upto;
    txn_place_changed(txn, owner);
    result->seq = upto;
    result->appended = appended;
    result->appended_count = senders.count;
    return RC_OK;
}

/* --- marks --------------------------------------------------------------------------- */

static enum rc do_mark(struct txn *txn, const struct op *op, struct op_result *result)
{
    const struct backend_calls *calls = txn->backend->calls;
    uint64_t seq;
    size_t count;
    enum rc rc = calls->get_mark(txn->backend, op->account, op->mark, op->stream, &seq);

    result->stream = op->stream;
    result->seq = op->seq;
    if (rc == RC_OK && seq == op->seq)
        return RC_OK;
    if (rc != RC_OK && rc != RC_END)
        return rc;
    if (txn->is_full)
        return verdict(result, RC_DISK_FULL);
    if (rc == RC_END) {
        rc = calls->count_marks(txn->backend, op->account, &count);
        if (rc != RC_OK)
            return rc;
        if (count >= MARKS_PER_ACCOUNT_MAX)
            return verdict(result, RC_LIMIT);
    }
    return calls->put_mark(txn->backend, op->account, op->mark, op->stream, op->seq);
}

static enum rc do_mark_get(struct txn *txn, const struct op *op, struct op_result *result)
{
    uint64_t seq = 0;
    const enum rc rc =
        txn->backend->calls->get_mark(txn->backend, op->account, op->mark, op->stream, &seq);

    result->stream = op->stream;
    result->seq = rc == RC_OK ? seq : 0;
    return rc == RC_END ? RC_OK : rc;
}

enum rc rules_carry_out(struct txn *txn, const struct op *op, struct op_result *ret)
{
    *ret = (struct op_result){.ticket = op->ticket, .kind = op->kind};
    switch (op->kind) {
    case OP_HELLO:
        return do_hello(txn, op, ret);
    case OP_POST:
        return do_post(txn, op, ret);
    case OP_VOID:
        return do_void(txn, op, ret);
    case OP_JOIN:
        return do_join(txn, op, ret);
    case OP_LEAVE:
        return do_leave(txn, op, ret);
    case OP_CONFIRM:
        return do_confirm(txn, op, ret);
    case OP_MARK:
        return do_mark(txn, op, ret);
    case OP_MARK_GET:
        return do_mark_get(txn, op, ret);
    case OP_ROOM:
    case OP_STANDING:
    case OP_KEY_BAN:
    case OP_ADMIT:
    case OP_REVOKE:
    case OP_ROLE:
        return verdict(ret, RC_DENIED); /* not yet */
    }
    INVARIANT(!"an operation of the table");
    return RC_STORE;
}
