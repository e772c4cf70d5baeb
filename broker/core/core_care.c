/* core_care.c - BACKUP and PURGE (protocol 5.4): long work, one at a time. */
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_orders.h"
#include "broker/core/rights.h"

#include <string.h>

/* The same question once more, perhaps over a new connection. */
static bool is_again(const struct core *self, const struct asked *asked)
{
    const struct care *care = &self->care;

    return care->verb == asked->message->verb && care->has_ref &&
           message_has(asked->message, HAS_REF) && care->ref == asked->message->ref &&
           care->session.v == self->sessions.row[asked->session].id.v;
}

static void answer(struct core *self)
{
    const struct care *care = &self->care;
    struct message *done = core_reply(self, care->peer, VERB_DONE, care->has_ref, care->ref);

    message_set(done, EVENTS, events, care->events);
    if (care->stream != 0)
        message_set(done, STREAM, stream, stream_name(core_stream(self, care->stream)));
    if (care->target != 0)
        message_set(done, NICK, nick, core_nick(self, care->target));
    if (care->verb != VERB_BACKUP)
        return;
    message_set(done, NAME, name, ((struct span){care->name, care->name_len}));
    message_set(done, SIZE, size, care->size_bytes);
    message_set(done, SECONDS, seconds, (care->took_ms + 999) / 1000);
}

/* It failed: asking again begins anew. */
static void give_up(struct core *self, enum rc rc)
{
    struct care *care = &self->care;

    care->is_running = false;
    core_error(self, care->peer, care->has_ref, care->ref, rc);
}

/* RC_END: it was asked before, and is answered, now or when it is done. */
static enum rc begin(struct core *self, const struct asked *asked)
{
    struct care *care = &self->care;

    if (is_again(self, asked) && (care->is_running || care->is_done)) {
        care->peer = asked->peer;
        if (care->is_done)
            answer(self);
        return RC_END;
    }
    if (self->is_stopping)
        return RC_STOPPING;
    if (care->is_running)
        return RC_BUSY;
    *care = (struct care){.verb = asked->message->verb,
                          .session = self->sessions.row[asked->session].id,
                          .has_ref = message_has(asked->message, HAS_REF),
                          .ref = asked->message->ref,
                          .peer = asked->peer,
                          .person = asked->person};
    return RC_OK;
}

/* --- BACKUP ---------------------------------------------------------------------------- */

/* A file's name that cannot leave its folder, be hidden, or look like an option. */
static bool is_file_name(struct span name)
{
    if (name.len == 0 || name.len > MARK_NAME_BYTES_MAX || name.ptr[0] == '.' || name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == '_'))
            return false;
    }
    return true;
}

void core_on_backup(struct core *self, const struct asked *asked)
{
    const struct span name = asked->message->name;
    struct care *care = &self->care;
    enum rc rc = is_file_name(name) ? begin(self, asked) : RC_BAD_FIELD;

    if (rc == RC_END)
        return;
    if (rc != RC_OK) {
        core_refuse(self, asked, rc);
        return;
    }
    memcpy(care->name, name.ptr, name.len);
    care->name_len = (uint8_t)name.len;
    care->is_running = true;
    core_effect(self, FX_BACKUP)->name = (struct span){care->name, care->name_len};
}

void core_backed_up(struct core *self, const struct core_event *event)
{
    struct care *care = &self->care;

    if (event->backup.rc != RC_OK) {
        give_up(self, event->backup.rc);
        return;
    }
    care->size_bytes = event->backup.size_bytes;
    care->events = event->backup.events;
    care->took_ms = event->backup.took_ms;
    care->is_running = false;
    care->is_done = true;
    answer(self);
}

/* --- PURGE ----------------------------------------------------------------------------- */

/* The next chunk; `asked` is NULL behind the first. `seq` as in struct op. */
static enum rc ask_chunk(struct core *self, const struct asked *asked, uint64_t seq)
{
    const struct care *care = &self->care;
    struct ticket *ticket;
    struct op *op;

    if (!core_store(self, OP_PURGE, care->person, asked, &op, &ticket))
        return RC_BUSY;
    op->seq = seq;
    op->until_ms = care->until_ms;
    if (care->stream != 0) {
        op->stream = core_stream(self, care->stream)->id;
        op->name = stream_name(core_stream(self, care->stream));
    } else {
        op->target = core_stream(self, care->target)->id;
        op->target_nick = core_nick(self, care->target);
    }
    return RC_OK;
}

/* Whose: *ret_room or *ret_person is the row, the other 0. */
static enum rc find_purged(const struct core *self, const struct asked *asked, uint32_t *ret_room,
                           uint32_t *ret_person)
{
    const struct message *purge = asked->message;
    const bool has_room = message_has(purge, HAS_STREAM);

    if (has_room == message_has(purge, HAS_NICK))
        return RC_BAD_FIELD;
    if (has_room) {
        *ret_room = asked->stream;
        *ret_person = 0;
        return asked->stream != 0 && stream_is_room(&self->streams.row[asked->stream])
                   ? RC_OK
                   : RC_NO_SUCH_ROOM;
    }
    *ret_room = 0;
    *ret_person = core_person(self, purge->nick);
    return *ret_person == 0 ? RC_NO_SUCH_NICK
                            : rights_over_account(self, asked->person, *ret_person);
}

void core_on_purge(struct core *self, const struct asked *asked)
{
    const struct message *purge = asked->message;
    struct care *care = &self->care;
    uint32_t room = 0, person = 0;
    enum rc rc = find_purged(self, asked, &room, &person);

    if (rc == RC_OK)
        rc = begin(self, asked);
    if (rc == RC_END)
        return;
    if (rc == RC_OK) {
        care->stream = room;
        care->target = person;
        care->until_ms = message_has(purge, HAS_UNTIL) ? purge->until : FOR_EVER_MS;
        rc = ask_chunk(self, asked, room != 0 ? core_stream(self, room)->head : 0);
    }
    if (rc == RC_OK)
        care->is_running = true;
    else
        core_refuse_about(self, asked, rc);
}

void core_stored_purge(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    struct care *care = &self->care;
    enum rc rc = result->rc;

    (void)ticket;
    care->events += result->rc == RC_OK ? result->count : 0;
    if (rc == RC_OK && result->is_more)
        rc = self->is_stopping ? RC_STOPPING : ask_chunk(self, NULL, result->seq);
    if (rc != RC_OK) {
        give_up(self, rc);
    } else if (!result->is_more) {
        care->is_running = false;
        care->is_done = true;
        answer(self);
    }
}
