#include "broker/searcher.h"

#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/invariant.h"

#include <stdlib.h>
#include <time.h>

#define WAIT_MS        1000 /* for an index that is behind by no more than ... */
#define WAIT_EVENTS    5000
#define WAIT_STEP_MS   5
#define END_BYTES_MAX  128 /* kept free for END */
#define RETRY_LATER_MS RETRY_MAX_MS

struct search_ask {
    bool has_ref;
    uint64_t ref;
    struct search_question question;
    uint32_t count;
    size_t scope_count;
    struct scope *scope;
    char *texts;
    size_t name_len;
    char name[STREAM_BYTES_MAX];
};

static int by_stream(const void *a, const void *b)
{
    const uint32_t left = ((const struct scope *)a)->stream.v;
    const uint32_t right = ((const struct scope *)b)->stream.v;

    return left < right ? -1 : left > right;
}

static struct span keep(char **at, struct span text)
{
    const struct span copy = {*at, text.len};

    if (text.len > 0)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return copy;
}

struct search_ask *search_ask_new(const struct effect *effect)
{
    struct search_ask *self = x_alloc(1, sizeof(*self));
    const struct span text = effect->search.text, from = effect->search.from,
                      with = effect->search.with;
    char *at;

    INVARIANT(effect->kind == FX_SEARCH && effect->search.scope_count > 0);
    INVARIANT(effect->name.len <= sizeof(self->name));
    self->has_ref = effect->search.has_ref;
    self->ref = effect->search.ref;
    self->count = effect->search.count;
    self->name_len = effect->name.len;
    if (effect->name.len > 0)
        memcpy(self->name, effect->name.ptr, effect->name.len);
    self->scope_count = effect->search.scope_count;
    self->scope = x_alloc(self->scope_count, sizeof(*self->scope));
    memcpy(self->scope, effect->search.scope, self->scope_count * sizeof(*self->scope));
    qsort(self->scope, self->scope_count, sizeof(*self->scope), by_stream);
    at = self->texts = x_alloc(text.len + from.len + with.len, 1);
    self->question = (struct search_question){.text = keep(&at, text),
                                              .from = keep(&at, from),
                                              .with = keep(&at, with),
                                              .since_ms = effect->search.since_ms,
                                              .until_ms = effect->search.until_ms,
                                              .before = effect->search.cursor,
                                              .scope = self->scope,
                                              .scope_count = self->scope_count,
                                              .time_ms = SEARCH_MS};
    return self;
}

void search_ask_destroy(struct search_ask **self_p)
{
    struct search_ask *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    free(self->scope);
    free(self->texts);
    free(self);
}

/* --- the answer --------------------------------------------------------------------------- */

static void write_error(const struct search_ask *self, enum rc rc, struct wire_buf *buf)
{
    struct message error = {.verb = VERB_ERROR};

    message_set(&error, CODE, code, rc);
    message_set(&error, ERROR, error, span_of(rc_name(rc)));
    message_set(&error, TEXT, text, span_of(rc_sentence(rc)));
    if (rc_is_transient(rc))
        message_set(&error, RETRY, retry, RETRY_LATER_MS);
    if (self->name_len > 0)
        message_set(&error, STREAM, stream, ((struct span){self->name, self->name_len}));
    if (self->has_ref)
        message_set(&error, REF, ref, self->ref);
    buf->len = 0;
    INVARIANT(wire_write(buf, &error) == RC_OK);
}

static void write_end(const struct search_ask *self, uint64_t cursor, bool is_whole,
                      struct wire_buf *buf)
{
    struct message end = {.verb = VERB_END};

    if (cursor != 0)
        message_set(&end, CURSOR, cursor, cursor);
    if (!is_whole)
        message_set(&end, DONE, done, false);
    if (self->has_ref)
        message_set(&end, REF, ref, self->ref);
    INVARIANT(wire_write(buf, &end) == RC_OK);
}

/* RC_OK: it stands in buf, or is not there any more. RC_NO_SPACE: it belongs to the next page. */
static enum rc write_event(const struct search_ask *self, struct store_reader *log,
                           const struct search_hit *hit, uint32_t *told, struct wire_buf *buf)
{
    const struct store_range range = {.stream = hit->stream,
                                      .first = hit->seq,
                                      .last = hit->seq,
                                      .events_max = 1,
                                      .bytes_max = FETCH_PAGE_BYTES_MAX};
    const size_t before = buf->len;
    struct store_page page;
    struct message event;

    if (store_read(log, &range, &page) != RC_OK)
        return RC_BUSY;
    struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT);
    /* Given up by the log since it was indexed. */
    if (page.count == 0 || page.first != hit->seq || wire_read(&reader, &event) != RC_OK ||
        event.seq != hit->seq || !span_equal(event.type, SPAN("message")))
        return RC_OK;
    if (self->has_ref)
        message_set(&event, REF, ref, self->ref);
    if (wire_write(buf, &event) != RC_OK)
        return RC_NO_SPACE;
    if (*told > 0 && buf->len > FETCH_PAGE_BYTES_MAX) {
        buf->len = before;
        return RC_NO_SPACE;
    }
    ++*told;
    return RC_OK;
}

/* What the person said a moment ago is to be found now. */
static enum rc wait_for_index(const struct search_ask *self, struct search_reader *index,
                              bool *ret_is_whole)
{
    const uint64_t until_ms = clock_mono_ms() + WAIT_MS;
    const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000};
    uint64_t missing = 0;
    enum rc rc;

    for (;;) {
        rc = search_reader_missing(index, self->scope, self->scope_count, &missing);
        *ret_is_whole = missing == 0;
        if (rc != RC_OK || missing == 0 || missing > WAIT_EVENTS || clock_mono_ms() >= until_ms)
            return rc;
        (void)nanosleep(&step, NULL);
    }
}

/* Events into buf. RC_OK: *ret_cursor says where it goes on, 0: that was all. */
static enum rc write_events(const struct search_ask *self, struct store_reader *log,
                            struct search_reader *index, uint64_t *ret_cursor, struct wire_buf *buf)
{
    struct search_hit hit;
    uint64_t last = 0; /* dealt with */
    uint32_t told = 0;
    enum rc rc;

    *ret_cursor = 0;
    while ((rc = search_reader_next(index, &hit)) == RC_OK) {
        if (told == self->count) {
            *ret_cursor = last;
            return RC_OK;
        }
        rc = write_event(self, log, &hit, &told, buf);
        if (rc == RC_NO_SPACE) {
            *ret_cursor = last;
            return RC_OK;
        }
        if (rc != RC_OK)
            return rc;
        last = hit.id;
    }
    if (rc == RC_END)
        return RC_OK;
    if (rc != RC_BUSY || search_reader_seen(index) == 0)
        return rc;
    *ret_cursor = search_reader_seen(index); /* so much was looked at in time */
    return RC_OK;
}

void search_answer(const struct search_ask *ask, struct store_reader *log,
                   struct search_reader *index, struct wire_buf *buf)
{
    struct wire_buf page = {buf->data, 0, buf->capacity - END_BYTES_MAX};
    uint64_t cursor = 0;
    bool is_whole = true;
    enum rc rc = wait_for_index(ask, index, &is_whole);

    if (rc == RC_OK)
        rc = search_reader_ask(index, &ask->question);
    if (rc == RC_OK)
        rc = write_events(ask, log, index, &cursor, &page);
    search_reader_done(index);
    if (rc != RC_OK) {
        write_error(ask, rc, buf);
        return;
    }
    buf->len = page.len;
    write_end(ask, cursor, is_whole, buf);
}
