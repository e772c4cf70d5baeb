/* read.c - pages of events over any backend: how far, from where, how much. */
#include "broker/store/backend.h"
#include "shared/base/alloc.h"

#include <stdlib.h>

void store_reader_close(struct store_reader **self_p)
{
    struct store_reader *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    free(self->page);
    self->calls->close(self);
}

/* The first event from `kept` to `head` that is not older than `since_ms`, head + 1 when all are: times
 * never run back within a stream. */
static enum rc find_since(struct store_reader *self, stream_id stream, uint64_t since_ms,
                          uint64_t kept, uint64_t head, uint64_t *ret_first)
{
    uint64_t low = kept;
    uint64_t high = head + 1;

    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        uint64_t entry, ts_ms;
        const enum rc rc = self->calls->ts_at(self, entry_of(stream, middle),
                                              entry_of(stream, high - 1), &entry, &ts_ms);

        if (rc != RC_OK && rc != RC_END)
            return rc;
        if (rc == RC_OK && ts_ms < since_ms)
            low = entry_seq(entry) + 1;
        else
            high = middle;
    }
    *ret_first = low;
    return RC_OK;
}

static void put_wire(struct store_reader *self, struct store_page *page, struct span wire)
{
    if (wire.len > self->page_capacity - page->wire.len) {
        self->page_capacity = page->wire.len + wire.len + FETCH_PAGE_BYTES_MAX;
        self->page = x_realloc(self->page, self->page_capacity, 1);
    }
    memcpy(self->page + page->wire.len, wire.ptr, wire.len);
    page->wire = (struct span){self->page, page->wire.len + wire.len};
}

static enum rc fill(struct store_reader *self, const struct store_range *range, uint64_t first,
                    uint64_t last, struct store_page *page)
{
    struct span wire;
    enum rc rc =
        self->calls->seek(self, entry_of(range->stream, first), entry_of(range->stream, last));

    while (rc == RC_OK && (page->count == 0 || page->count < range->events_max) &&
           (rc = self->calls->next(self, &wire)) == RC_OK) {
        if (page->count > 0 &&
            (page->wire.len > range->bytes_max || wire.len > range->bytes_max - page->wire.len))
            break;
        put_wire(self, page, wire);
        page->count++;
    }
    if (page->count > 0) {
        page->first = first;
        page->last = first + page->count - 1;
    }
    return rc == RC_END ? RC_OK : rc;
}

/* From `first` on, the first place that is none of a hole (page->there); *last is moved before the next hole. */
static enum rc step_over_holes(struct store_reader *self, stream_id stream, uint64_t first,
                               uint64_t *last, struct store_page *page)
{
    uint64_t from = 0, upto = 0;
    enum rc rc;

    page->there = first;
    while ((rc = self->calls->hole(self, stream, page->there, &from, &upto)) == RC_OK &&
           from <= page->there) {
        if (page->there == first && from > page->kept)
            page->before = from - 1;
        page->there = upto + 1;
    }
    if (rc == RC_OK && *last >= from)
        *last = from - 1;
    return rc == RC_END ? RC_OK : rc;
}

static enum rc read_page(struct store_reader *self, const struct store_range *range,
                         struct store_page *page)
{
    uint64_t first = range->first;
    uint64_t last = range->last;
    enum rc rc = self->calls->bounds(self, range->stream, &page->kept, &page->head);

    if (rc == RC_OK && first == 0 && range->since_ms != 0)
        rc = find_since(self, range->stream, range->since_ms, page->kept, page->head, &first);
    if (rc != RC_OK)
        return rc;
    if (first < page->kept)
        first = page->kept;
    if (last == 0 || last > page->head)
        last = page->head;
    rc = step_over_holes(self, range->stream, first, &last, page);
    return rc == RC_OK && page->there <= last ? fill(self, range, page->there, last, page) : rc;
}

enum rc store_read(struct store_reader *self, const struct store_range *range,
                   struct store_page *ret)
{
    struct store_page page = {0};
    enum rc rc = self->calls->begin(self);

    if (rc != RC_OK)
        return RC_STORE;
    rc = read_page(self, range, &page);
    /* Also after a failure: a view left open would keep the log from being folded back. */
    if (self->calls->end(self) != RC_OK || rc != RC_OK)
        return RC_STORE;
    *ret = page;
    return RC_OK;
}

enum rc store_read_heads(struct store_reader *self, store_on_head *on_head, void *context)
{
    return self->calls->heads(self, on_head, context) == RC_OK ? RC_OK : RC_STORE;
}

enum rc store_read_version(struct store_reader *self, uint64_t *ret)
{
    return self->calls->version(self, ret) == RC_OK ? RC_OK : RC_STORE;
}

enum rc store_read_size(struct store_reader *self, uint64_t *ret)
{
    if (self->calls->size == NULL)
        return RC_END;
    return self->calls->size(self, ret) == RC_OK ? RC_OK : RC_STORE;
}
