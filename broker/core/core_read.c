/* core_read.c - FETCH, HEAD and MARK (protocol 7.1, 7.2, 7.5). */
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_orders.h"
#include "broker/core/core_room_for.h"

uint64_t core_open_from(const struct core *self, uint32_t room, uint32_t person)
{
    const struct stream *stream = &self->streams.row[room];

    if (!stream_is_room(stream) || stream->open_from <= 1)
        return 0;
    const struct standing *standing = members_standing(&self->members, room, person);
    return (standing->flags & STAND_MEMBER) != 0 && standing->since < stream->open_from
               ? 0
               : stream->open_from;
}

static void answer_gone(struct core *self, const struct asked *asked, uint32_t row, uint64_t first)
{
    struct message *gone = core_answer(self, asked, VERB_GONE);

    message_set(gone, STREAM, stream, stream_name(core_stream(self, row)));
    message_set(gone, FIRST, first, first);
    message_set(gone, SEQ, seq, core_stream(self, row)->head);
}

/* What a FETCH may bring is decided now: what is said in a closed stream later may be for others. */
static void ask_readers(struct core *self, const struct asked *asked, uint32_t row, uint64_t first,
                        uint64_t from_least)
{
    const struct message *fetch = asked->message;
    const struct stream *stream = core_stream(self, row);
    uint64_t last = message_has(fetch, HAS_LAST) ? fetch->last : 0;

    /* The answer may be read much later, when the asker was put out, or the room has become private. */
    if (last == 0 || last > stream->head)
        last = stream->head;
    struct effect *effect = core_effect(self, FX_READ);
    effect->peer = asked->peer;
    effect->stream = stream->id;
    effect->name = stream_name(stream);
    effect->seq = stream->head;
    effect->read.has_ref = message_has(fetch, HAS_REF);
    effect->read.ref = effect->read.has_ref ? fetch->ref : 0;
    effect->read.first = first;
    effect->read.last = last;
    effect->read.since_ms = first == 0 ? fetch->since : 0;
    effect->read.from_least = first == 0 ? from_least : 0;
    effect->read.credit =
        message_has(fetch, HAS_CREDIT) && fetch->credit > 0 ? (uint32_t)fetch->credit : 1;
    self->sessions.row[asked->session].fetches++;
    self->reads++;
}

void core_on_fetch(struct core *self, const struct asked *asked)
{
    const struct message *fetch = asked->message;
    const bool has_since = message_has(fetch, HAS_SINCE) && fetch->since != 0;
    const uint64_t last = message_has(fetch, HAS_LAST) ? fetch->last : 0;
    uint64_t first = message_has(fetch, HAS_FIRST) ? fetch->first : 0;
    uint32_t row = 0;
    enum rc rc = core_readable(self, asked->person, fetch->stream, &row);

    if (first == 0 && !has_since)
        first = 1;
    if (rc == RC_OK && last != 0 && first > last)
        rc = RC_BAD_FIELD;
    if (rc == RC_OK)
        rc = core_check_work(self, asked);
    if (rc != RC_OK) {
        core_refuse_about(self, asked, rc);
        return;
    }
    const uint64_t least = core_open_from(self, row, asked->person);
    if (first != 0 && first < least)
        answer_gone(self, asked, row, least);
    else
        ask_readers(self, asked, row, first, least);
}

void core_on_head(struct core *self, const struct asked *asked)
{
    const struct message *head = asked->message;
    uint32_t row = 0;
    const enum rc rc = core_readable(self, asked->person, head->stream, &row);

    if (rc != RC_OK) {
        message_set(core_refuse(self, asked, rc), STREAM, stream, head->stream);
        return;
    }
    struct message *reply = core_answer(self, asked, VERB_HEAD);
    message_set(reply, STREAM, stream, stream_name(core_stream(self, row)));
    message_set(reply, SEQ, seq, core_stream(self, row)->head);
    core_tell_key(self, reply, row);
}

void core_on_mark(struct core *self, const struct asked *asked)
{
    const struct message *mark = asked->message;
    const bool is_set = message_has(mark, HAS_SEQ);
    struct ticket *ticket;
    struct op *op;
    uint32_t row = 0;
    enum rc rc = core_readable(self, asked->person, mark->stream, &row);

    if (rc == RC_OK && mark->name.len == 0)
        rc = RC_BAD_FIELD;
    if (rc == RC_OK && mark->name.len > MARK_NAME_BYTES_MAX) {
        rc = RC_TOO_BIG;
        core_count(self, REFUSED_FIELD_SIZE);
    }
    if (rc == RC_OK && self->is_stopping)
        rc = RC_STOPPING;
    if (rc == RC_OK &&
        !core_store(self, is_set ? OP_MARK : OP_MARK_GET, asked->person, asked, &op, &ticket))
        rc = RC_BUSY;
    if (rc != RC_OK) {
        message_set(core_refuse(self, asked, rc), STREAM, stream, mark->stream);
        return;
    }
    op->stream = core_stream(self, row)->id;
    op->name = stream_name(core_stream(self, row));
    op->mark = mark->name;
    op->seq = is_set ? mark->seq : 0;
    ticket->peer = asked->peer;
    ticket->has_ref = message_has(mark, HAS_REF);
    ticket->ref = mark->ref;
    ticket->stream = row;
    ticket_keep(ticket, op);
}

void core_stored_mark(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    if (core_counted(self, REFUSED_MARKS, result->rc) != RC_OK) {
        core_error(self, ticket->peer, ticket->has_ref, ticket->ref, result->rc);
        return;
    }
    struct message *reply = core_reply(self, ticket->peer, VERB_MARK, ticket->has_ref, ticket->ref);
    message_set(reply, NAME, name, ticket_name(ticket));
    message_set(reply, STREAM, stream, stream_name(core_stream(self, ticket->stream)));
    message_set(reply, SEQ, seq, ticket->kind == OP_MARK ? ticket->seq : result->seq);
}
