/* core_search.c - SEARCH: who may search where (protocol 7.8). What is found is the readers' business. */
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_orders.h"

static void add_scope(struct core *self, uint32_t row, uint32_t person, size_t *count)
{
    const struct stream *stream = core_stream(self, row);
    const uint64_t open_from = core_open_from(self, row, person);

    if (stream->head == 0 || open_from > stream->head)
        return;
    /* As for FETCH: the answer may be read later, when the asker was put out. */
    self->scope[(*count)++] =
        (struct scope){stream->id, open_from == 0 ? 1 : open_from, stream->head};
}

/* All that this person may read. */
static size_t whole_scope(struct core *self, uint32_t person)
{
    size_t count = 0;

    for (uint32_t row = 1; row <= self->streams.count; row++) {
        const struct stream *stream = core_stream(self, row);
        const bool is_own = row == person;
        const bool is_open = stream_is_room(stream) && (!stream_is_sealed(stream) ||
                                                        members_has(&self->members, row, person));

        if (is_own || is_open)
            add_scope(self, row, person, &count);
    }
    return count;
}

/* Is it a question at all? */
static enum rc check(const struct core *self, const struct asked *asked)
{
    const struct message *search = asked->message;

    if ((!message_has(search, HAS_TEXT) || search->text.len == 0) &&
        !message_has(search, HAS_FROM) && !message_has(search, HAS_NICK))
        return RC_BAD_FIELD;
    if (message_has(search, HAS_TEXT) && search->text.len > SEARCH_BYTES_MAX)
        return RC_TOO_BIG;
    if (message_has(search, HAS_FROM) && core_person(self, search->from) == 0)
        return RC_NO_SUCH_NICK;
    if (message_has(search, HAS_NICK) && core_person(self, search->nick) == 0)
        return RC_NO_SUCH_NICK;
    return RC_OK;
}

static void ask_searchers(struct core *self, const struct asked *asked, size_t scope_count)
{
    const struct message *search = asked->message;
    const struct span none = {0};
    struct effect *effect = core_effect(self, FX_SEARCH);

    effect->peer = asked->peer;
    effect->name = message_has(search, HAS_STREAM) ? search->stream : none;
    effect->search.has_ref = message_has(search, HAS_REF);
    effect->search.ref = effect->search.has_ref ? search->ref : 0;
    effect->search.text = message_has(search, HAS_TEXT) ? search->text : none;
    effect->search.from = message_has(search, HAS_FROM) ? search->from : none;
    effect->search.with = message_has(search, HAS_NICK) ? search->nick : none;
    effect->search.since_ms = message_has(search, HAS_SINCE) ? search->since : 0;
    effect->search.until_ms = message_has(search, HAS_UNTIL) ? search->until : 0;
    effect->search.cursor = message_has(search, HAS_CURSOR) ? search->cursor : 0;
    effect->search.count = message_has(search, HAS_ROWS) && search->count > 0
                               ? (uint32_t)search->count
                               : LIST_PAGE_MAX;
    effect->search.scope = self->scope;
    effect->search.scope_count = scope_count;
    self->sessions.row[asked->session].searches++;
    self->searches++;
}

void core_on_search(struct core *self, const struct asked *asked)
{
    const struct message *search = asked->message;
    size_t scope_count = 0;
    uint32_t row = 0;
    enum rc rc = RC_OK;

    if (message_has(search, HAS_STREAM))
        rc = core_readable(self, asked->person, search->stream, &row);
    if (rc == RC_OK)
        rc = check(self, asked);
    if (rc == RC_OK)
        rc = core_check_work(self, asked);
    if (rc != RC_OK) {
        core_refuse_about(self, asked, rc);
        return;
    }
    if (row != 0)
        add_scope(self, row, asked->person, &scope_count);
    else
        scope_count = whole_scope(self, asked->person);
    if (scope_count == 0)
        core_end_list(self, asked, 0);
    else
        ask_searchers(self, asked, scope_count);
}
