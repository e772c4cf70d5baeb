#include "broker/store/clean.h"

#include "broker/store/store.h"

#define STREAMS_PER_TURN 256
#define CHUNK_BYTES_MAX  (256u << 10) /* overwriting long texts takes its time */
#define PASS_EVERY_MS    1000
#define PASS_SHARE       100 /* a pass may take a hundredth of the time */
#define SIZE_STEP        32  /* a part of the log's age, for each pass while it is too large */
#define SIZE_STEP_MIN_MS 50

/* Events of a stream that are due. */
struct cut {
    uint64_t age_ms;  /* older ones, whatever they are */
    uint64_t size_ms; /* older ones up to `limit` */
    uint64_t upto;    /* up to here, but not beyond `limit` */
    uint64_t limit;   /* of a person: what was not confirmed goes by age alone */
};

void cleaner_init(struct cleaner *self, const struct store_keep *keep)
{
    *self = (struct cleaner){.keep = *keep, .oldest_ms = UINT64_MAX};
}

static uint64_t before(uint64_t wall_ms, uint64_t age_ms)
{
    return age_ms == 0 || age_ms > wall_ms ? 0 : wall_ms - age_ms;
}

static struct cut cut_of(const struct cleaner *self, const struct kept_row *row, uint64_t wall_ms)
{
    struct cut cut = {.limit = row->is_person ? row->confirmed : row->head};

    if (row->keep_s == KEEP_FOR_EVER)
        return (struct cut){0};
    cut.age_ms = before(wall_ms, row->keep_s == KEEP_AS_BROKER ? self->keep.age_ms
                                                               : (uint64_t)row->keep_s * 1000);
    cut.size_ms = self->size_cut_ms;
    /* In stream 0 lie the answers to refused posts: each session's are few, all together are not. */
    if (!stream_is_none(row->stream) && self->keep.events > 0 && row->head > self->keep.events)
        cut.upto = row->head - self->keep.events;
    return cut;
}

static bool is_due(const struct cut *cut, const struct aged_row *event)
{
    const uint64_t seq = entry_seq(event->entry);

    return event->ts_ms < cut->age_ms ||
           (seq <= cut->limit && (event->ts_ms < cut->size_ms || seq <= cut->upto));
}

/* How many of the stream's oldest events are due. */
static enum rc look(struct cleaner *self, struct backend *backend, const struct kept_row *row,
                    uint64_t wall_ms, uint64_t *ret_first, uint64_t *ret_last)
{
    static _Thread_local struct aged_row rows[REMOVE_CHUNK_MAX];
    const struct cut cut = cut_of(self, row, wall_ms);
    const uint64_t first = entry_of(row->stream, 1), last = entry_of(row->stream, row->head);
    size_t count = 0, due = 0, bytes = 0;
    enum rc rc = row->head == 0 || row->keep_s == KEEP_FOR_EVER
                     ? RC_OK
                     : backend->calls->get_aged(backend, first, last, rows, 1, &count);

    if (rc != RC_OK || count == 0)
        return rc == RC_OK ? RC_END : rc;
    if (!is_due(&cut, &rows[0])) {
        if (entry_seq(rows[0].entry) <= cut.limit && rows[0].ts_ms < self->oldest_ms)
            self->oldest_ms = rows[0].ts_ms;
        return RC_END;
    }
    rc = backend->calls->get_aged(backend, first, last, rows, REMOVE_CHUNK_MAX, &count);
    while (rc == RC_OK && due < count && bytes < CHUNK_BYTES_MAX && is_due(&cut, &rows[due]))
        bytes += rows[due++].bytes;
    if (rc != RC_OK)
        return rc;
    *ret_first = rows[0].entry;
    *ret_last = rows[due - 1].entry;
    return RC_OK;
}

/* A pass is over: is the log small enough now? */
static enum rc end_pass(struct cleaner *self, struct backend *backend, uint64_t now_ms,
                        uint64_t wall_ms)
{
    const uint64_t took_ms = now_ms - self->pass_began_ms;
    const uint64_t oldest_ms = self->oldest_ms;
    uint64_t used = 0;
    enum rc rc = RC_OK;

    self->at = REFUSED_STREAM;
    self->oldest_ms = UINT64_MAX;
    self->next_pass_ms =
        now_ms + (took_ms * PASS_SHARE > PASS_EVERY_MS ? took_ms * PASS_SHARE : PASS_EVERY_MS);
    if (self->keep.size_bytes == 0)
        return RC_END;
    rc = backend->calls->used_bytes(backend, &used);
    if (rc != RC_OK)
        return rc;
    if (used <= self->keep.size_bytes) {
        self->size_cut_ms = 0;
    } else if (oldest_ms < wall_ms) {
        const uint64_t step_ms = (wall_ms - oldest_ms) / SIZE_STEP;

        self->size_cut_ms = oldest_ms + (step_ms > SIZE_STEP_MIN_MS ? step_ms : SIZE_STEP_MIN_MS);
        self->next_pass_ms = now_ms;
    }
    return RC_END;
}

enum rc cleaner_find(struct cleaner *self, struct backend *backend, uint64_t now_ms,
                     uint64_t wall_ms, uint64_t *ret_first, uint64_t *ret_last)
{
    const struct store_keep *keep = &self->keep;
    const bool only_kept = keep->age_ms == 0 && keep->events == 0 && keep->size_bytes == 0;

    if (stream_is_none(self->at)) {
        if (now_ms < self->next_pass_ms)
            return RC_END;
        self->pass_began_ms = now_ms;
    }
    for (int n = 0; n < STREAMS_PER_TURN; n++) {
        struct kept_row row;
        enum rc rc = backend->calls->next_kept(backend, self->at, only_kept, &row);

        if (rc == RC_END)
            return end_pass(self, backend, now_ms, wall_ms);
        if (rc == RC_OK)
            rc = look(self, backend, &row, wall_ms, ret_first, ret_last);
        if (rc != RC_END) {
            self->at = row.stream; /* there may be more of it */
            return rc;
        }
        self->at = (stream_id){row.stream.v + 1};
    }
    return RC_END;
}
