/* core_post.c - POST, SKIP and CONFIRM: numbers, answers, receipts (protocol 6). */
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_room_for.h"

static enum rc check_room(const struct core *self, const struct asked *asked)
{
    if (asked->stream == 0)
        return RC_NO_SUCH_ROOM;
    const struct standing *standing =
        members_standing(&self->members, asked->stream, asked->person);
    if ((standing->flags & STAND_MEMBER) == 0)
        return RC_NOT_MEMBER;
    if (standing->muted_until_ms > self->wall_ms)
        return RC_MUTED;
    return asked->key != NULL &&
                   keybans_hold(&self->keybans, asked->stream, asked->key, self->wall_ms)
               ? RC_BANNED
               : RC_OK;
}

static enum rc check_person(const struct core *self, const struct asked *asked)
{
    if (asked->stream == 0)
        return RC_NO_SUCH_NICK;
    const struct stream *person = &self->streams.row[asked->stream];
    return self->limits.mailbox_max != 0 &&
                   person->head - person->confirmed - person->absent >= self->limits.mailbox_max
               ? RC_MAILBOX_FULL
               : RC_OK;
}

/* Where a post goes, and whether this person may post there. */
static enum rc find_target(const struct core *self, const struct asked *asked, uint32_t *ret_row)
{
    const struct span name = asked->message->stream;
    const bool is_room = name.len > 0 && name.ptr[0] == '#';
    const uint32_t row = asked->stream;
    const enum rc rc = is_room ? check_room(self, asked) : check_person(self, asked);

    if (rc == RC_OK)
        *ret_row = row;
    return rc;
}

static enum rc check_post(const struct core *self, const struct asked *asked, uint32_t *ret_row)
{
    const struct message *post = asked->message;

    if (post->text.len == 0)
        return RC_BAD_TEXT;
    if (post->text.len > TEXT_BYTES_MAX)
        return RC_TOO_BIG;
    if (message_has(post, HAS_KIND) && !span_equal(post->kind, SPAN("message")) &&
        !span_equal(post->kind, SPAN("notice")))
        return RC_BAD_FIELD;
    return find_target(self, asked, ret_row);
}

/* Hand this number to the store: as a post when `refusal` is RC_OK, else used up with it. */
static void submit(struct core *self, const struct asked *asked, uint32_t target, enum rc refusal)
{
    const struct message *message = asked->message;
    struct session *session = &self->sessions.row[asked->session];
    struct ticket *ticket;
    struct op *op;

    if (self->is_stopping || !core_store(self, refusal == RC_OK ? OP_POST : OP_VOID, asked->person,
                                         asked, &op, &ticket)) {
        core_refuse(self, asked, self->is_stopping ? RC_STOPPING : RC_BUSY);
        return;
    }
    op->session = session->id;
    op->number = (uint32_t)message->number;
    op->refusal = refusal;
    if (refusal == RC_OK) {
        op->stream = core_stream(self, target)->id;
        op->name = stream_name(core_stream(self, target));
        op->text = message->text;
        op->kind_name = message_has(message, HAS_KIND) ? message->kind : SPAN("message");
    }
    ticket_keep(ticket, op);
    ticket->session_row = asked->session;
    session->pending++;
    if (op->number > session->accepted)
        session->accepted = op->number;
}

static void expect(struct core *self, peer_id peer, uint32_t next)
{
    struct message *reply = core_reply(self, peer, VERB_EXPECT, false, 0);

    message_set(reply, NEXT, next, next);
}

/* True when this number is the next one. Otherwise it has been answered, or will be: a later
 * number is told which one is expected, one in the store's hands gets its answer soon, and
 * the store knows the answers of earlier ones. */
static bool is_next(struct core *self, const struct asked *asked)
{
    const struct session *session = &self->sessions.row[asked->session];
    const uint64_t number = asked->message->number;
    const uint64_t next = (uint64_t)session->accepted + 1;

    if (number == next)
        return true;
    if (number == 0) {
        core_refuse(self, asked, RC_BAD_FIELD);
    } else if (number > next) {
        expect(self, asked->peer, next);
    } else {
        core_count(self, COUNT_RETRIES);
        if (number <= session->stored)
            submit(self, asked, 0, RC_VOIDED); /* the store answers as it did the first time */
    }
    return false;
}

void core_on_post(struct core *self, const struct asked *asked)
{
    uint32_t target = 0;

    if (!is_next(self, asked))
        return;
    const enum rc rc = check_post(self, asked, &target);
    if (rc == RC_MAILBOX_FULL)
        core_count(self, REFUSED_MAILBOX);
    if (rc == RC_TOO_BIG)
        core_count(self, REFUSED_TEXT_SIZE);
    submit(self, asked, target, rc);
}

void core_refuse_post(struct core *self, const struct asked *asked, enum rc rc)
{
    if (rc_is_transient(rc))
        core_refuse(self, asked, rc);
    else if (is_next(self, asked))
        submit(self, asked, 0, rc);
}

void core_on_skip(struct core *self, const struct asked *asked)
{
    if (is_next(self, asked))
        submit(self, asked, 0, RC_VOIDED);
}

static void acknowledge(struct core *self, peer_id peer, const struct ticket *ticket,
                        const struct op_result *result)
{
    const uint32_t row = streams_by_id(&self->streams, result->stream);
    struct message *ack = core_reply(self, peer, VERB_ACK, false, 0);

    message_set(ack, NUMBER, number, ticket->number);
    message_set(ack, STREAM, stream, row == 0 ? SPAN("") : stream_name(core_stream(self, row)));
    message_set(ack, SEQ, seq, result->seq);
    message_set(ack, TS, ts, result->ts_ms);
    if (result->own_seq != 0)
        message_set(ack, OWN_SEQ, own_seq, result->own_seq);
}

/* RC_BAD_FIELD is either the store's "another number comes first", or the refusal that an
 * earlier post with a bad field had: then the expected number is already behind it. */
static bool is_too_early(const struct ticket *ticket, const struct op_result *result)
{
    return result->rc == RC_BAD_FIELD && result->next < ticket->number;
}

/* Keep the session's numbers in step with the store's verdict. */
static void follow_store(struct session *session, const struct ticket *ticket,
                         const struct op_result *result)
{
    if (session->pending > 0)
        session->pending--;
    if (rc_is_transient(result->rc)) {
        if (session->accepted >= ticket->number)
            session->accepted = ticket->number - 1;
    } else if (is_too_early(ticket, result)) {
        session->accepted = result->next - 1;
    } else if (ticket->number > session->stored) {
        session->stored = ticket->number;
    }
    if (session->accepted < session->stored)
        session->accepted = session->stored;
}

/* A session that is alive here has posted at another broker, late, or before it came here: its numbers are used up. The
 * same number of somebody else's session has no say: the store has given no `next` then. */
static void follow_elsewhere(struct session *session, const struct op_result *result)
{
    if (result->next > session->stored + 1)
        session->stored = result->next - 1;
    if (session->accepted < session->stored)
        session->accepted = session->stored;
}

static void answer_post(struct core *self, peer_id peer, const struct ticket *ticket,
                        const struct op_result *result)
{
    if (result->rc == RC_OK) {
        acknowledge(self, peer, ticket, result);
    } else if (is_too_early(ticket, result)) {
        expect(self, peer, result->next);
    } else {
        struct message *error = core_error(self, peer, false, 0, result->rc);

        message_set(error, NUMBER, number, ticket->number);
    }
}

void core_stored_post(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    const uint32_t row = sessions_by_id_at(&self->sessions, ticket->session, ticket->session_row);
    struct session *session = row == 0 ? NULL : &self->sessions.row[row];

    if (ticket->is_foreign) {
        if (session != NULL && session->person == ticket->person)
            follow_elsewhere(session, result);
        core_publish(self, result);
        return;
    }
    if (result->rc == RC_OK)
        core_count(self, result->is_duplicate ? COUNT_DUPLICATES : COUNT_POSTS);
    if (session != NULL) {
        follow_store(session, ticket, result);
        answer_post(self, session->peer, ticket, result);
    }
    core_publish(self, result);
}

/* The place goes to the store only when it is higher than what is there or on its way. */
static bool ask_confirm(struct core *self, uint32_t person, const struct asked *asked, uint64_t seq)
{
    struct stream *stream = core_stream(self, person);
    struct ticket *ticket;
    struct op *op;

    if (!core_store(self, OP_CONFIRM, person, asked, &op, &ticket))
        return false;
    op->stream = stream->id;
    op->name = stream_name(stream);
    op->seq = seq;
    ticket_keep(ticket, op);
    stream->confirming = seq;
    return true;
}

void core_on_confirm(struct core *self, const struct asked *asked)
{
    const struct message *confirm = asked->message;
    const struct stream *stream = core_stream(self, asked->person);

    if (!span_equal(confirm->stream, stream_name(stream)) ||
        !self->sessions.row[asked->session].is_inbox) {
        core_refuse(self, asked, RC_DENIED);
    } else if (confirm->seq > stream->head) {
        core_refuse(self, asked, RC_BAD_FIELD);
    } else if (confirm->seq > stream->confirming && !self->is_stopping) {
        if (!ask_confirm(self, asked->person, asked, confirm->seq))
            core_refuse(self, asked, RC_BUSY); /* the client confirms again after a PONG */
    }
}

void core_stored_confirm(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    struct stream *stream = core_stream(self, ticket->person);

    if (result->rc != RC_OK) { /* a full disk: the client confirms again after a PONG */
        stream->confirming = stream->confirmed;
        return;
    }
    const bool is_raised = result->seq > stream->confirmed;
    if (is_raised) {
        streams_confirmed(&self->streams, ticket->person, result->seq);
        if (stream->confirmed >= stream->absent_last)
            stream->absent = 0;
        if (!ticket->is_foreign)
            core_count(self, COUNT_CONFIRMS);
    }
    if (stream->confirming < stream->confirmed)
        stream->confirming = stream->confirmed;
    core_publish(self, result);
    if (is_raised)
        core_republish_soon(self, ticket->person);
    /* More receipts than one result holds: the store stopped early; who asked asks for the rest. */
    if (!ticket->is_foreign && result->seq < ticket->seq &&
        !ask_confirm(self, ticket->person, NULL, ticket->seq))
        stream->confirming = stream->confirmed;
}
