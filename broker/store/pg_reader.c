#include "broker/store/pg_reader.h"

#include "broker/store/rows.h"
#include "shared/base/alloc.h"
#include "shared/base/log.h"

#include <stdlib.h>

#define CHUNK_ROWS \
    64 /* events are asked for in so many: a page seldom holds more of a common length */

enum statement { BEGIN, END, BOUNDS, HOLE, TS, EVENTS, HEADS, VERSION, SIZE, STATEMENT_COUNT };

static const char *const SQL[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [END] = "COMMIT",
    [BOUNDS] = "SELECT (SELECT head FROM zchat.place WHERE stream = $1),"
               " (SELECT id FROM zchat.event WHERE id >= $2 AND id <= $3 ORDER BY id LIMIT 1)",
    [HOLE] = "SELECT first, last FROM zchat.hole WHERE stream = $1 AND last >= $2"
             " ORDER BY first LIMIT 1",
    [TS] = "SELECT id, ts FROM zchat.event WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT 1",
    [EVENTS] = "SELECT id, wire FROM zchat.event WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3",
    [HEADS] = "SELECT stream, head FROM zchat.place WHERE head > 0 AND stream > 0",
    [VERSION] = "SELECT commits FROM zchat.meta",
    [SIZE] = "SELECT pg_database_size(current_database())",
};

struct pg_reader {
    struct store_reader base;
    const struct pg_link *link; /* borrowed */
    struct pg_db db;
    char why[256];
    uint64_t first; /* the walk: what is asked for next */
    uint64_t last;
    size_t at; /* the row of the chunk that is told next */
    size_t rows;
    bool is_end; /* nothing comes behind this chunk */
};

static struct pg_reader *reader_of(struct store_reader *base)
{
    return (struct pg_reader *)base;
}

static void reader_close(struct store_reader *base)
{
    struct pg_reader *self = reader_of(base);

    pg_close(&self->db);
    free(self);
}

static enum rc connect_reader(struct pg_reader *self)
{
    enum rc rc;

    pg_close(&self->db);
    self->db = (struct pg_db){.why = self->why, .why_size = sizeof(self->why)};
    rc = pg_link_again(self->link, &self->db);
    return rc == RC_OK ? pg_prepare(&self->db, SQL, STATEMENT_COUNT) : rc;
}

/* A connection of a reader may be cut without the writer's being: then it is made again, once. */
static enum rc ask(struct pg_reader *self, enum statement which, const struct pg_args *args)
{
    enum rc rc = pg_ask(&self->db, which, args);

    if (rc == RC_OK || rc == RC_END || PQstatus(self->db.conn) == CONNECTION_OK)
        return rc;
    log_warn("reader.lost", "reason=\"%s\" action=\"connects again\"", self->why);
    rc = connect_reader(self);
    return rc == RC_OK ? pg_ask(&self->db, which, args) : rc;
}

/* Asked for an answer, so that a lost connection is found before the view is there. */
static enum rc reader_begin(struct store_reader *base)
{
    const enum rc rc = ask(reader_of(base), BEGIN, NULL);

    return rc == RC_END ? RC_OK : rc;
}

static enum rc reader_end(struct store_reader *base)
{
    const enum rc rc = pg_ask(&reader_of(base)->db, END, NULL);

    return rc == RC_END ? RC_OK : rc;
}

static enum rc reader_bounds(struct store_reader *base, stream_id stream, uint64_t *ret_kept,
                             uint64_t *ret_head)
{
    struct pg_db *db = &reader_of(base)->db;
    struct pg_args args = {.count = 0};
    uint64_t kept;
    enum rc rc;

    PG_NUMBERS(&args, stream.v, entry_of(stream, 0), entry_of(stream, ENTRY_SEQ_MAX));
    rc = pg_ask(db, BOUNDS, &args);
    if (rc != RC_OK)
        return rc == RC_END ? RC_STORE : rc;
    *ret_head = pg_number(db, 0, 0); /* of a stream that is not there: NULL, 0 */
    kept = pg_number(db, 0, 1);
    *ret_kept = kept == 0 ? *ret_head + 1 : entry_seq(kept);
    return RC_OK;
}

static enum rc two_numbers(struct pg_db *db, enum statement which, const struct pg_args *args,
                           uint64_t *ret_one, uint64_t *ret_other)
{
    const enum rc rc = pg_ask(db, which, args);

    if (rc == RC_OK) {
        *ret_one = pg_number(db, 0, 0);
        *ret_other = pg_number(db, 0, 1);
    }
    return rc;
}

static enum rc reader_hole(struct store_reader *base, stream_id stream, uint64_t first,
                           uint64_t *ret_first, uint64_t *ret_last)
{
    struct pg_args args = {.count = 0};

    PG_NUMBERS(&args, stream.v, first);
    return two_numbers(&reader_of(base)->db, HOLE, &args, ret_first, ret_last);
}

static enum rc reader_ts_at(struct store_reader *base, uint64_t first, uint64_t last,
                            uint64_t *ret_entry, uint64_t *ret_ts_ms)
{
    struct pg_args args = {.count = 0};

    PG_NUMBERS(&args, first, last);
    return two_numbers(&reader_of(base)->db, TS, &args, ret_entry, ret_ts_ms);
}

static enum rc reader_seek(struct store_reader *base, uint64_t first, uint64_t last)
{
    struct pg_reader *self = reader_of(base);

    self->first = first;
    self->last = last;
    self->at = self->rows = 0;
    self->is_end = first > last;
    return RC_OK;
}

static enum rc next_chunk(struct pg_reader *self)
{
    struct pg_args args = {.count = 0};
    enum rc rc;

    PG_NUMBERS(&args, self->first, self->last, CHUNK_ROWS);
    rc = pg_ask(&self->db, EVENTS, &args);
    if (rc != RC_OK)
        return rc;
    self->at = 0;
    self->rows = pg_rows(&self->db);
    self->first = pg_number(&self->db, self->rows - 1, 0) + 1;
    self->is_end = self->rows < CHUNK_ROWS || self->first > self->last;
    return RC_OK;
}

static enum rc reader_next(struct store_reader *base, struct span *ret_wire)
{
    struct pg_reader *self = reader_of(base);

    if (self->at == self->rows) {
        const enum rc rc = self->is_end ? RC_END : next_chunk(self);

        if (rc != RC_OK)
            return rc;
    }
    *ret_wire = pg_bytes(&self->db, self->at++, 1);
    return RC_OK;
}

struct telling {
    struct pg_reader *reader;
    store_on_head *on_head;
    void *context;
};

static enum rc tell_head(void *context)
{
    const struct telling *self = context;
    const struct pg_db *db = &self->reader->db;

    self->on_head(self->context, (stream_id){(uint32_t)pg_number(db, 0, 0)}, pg_number(db, 0, 1));
    return RC_OK;
}

static enum rc reader_heads(struct store_reader *base, store_on_head *on_head, void *context)
{
    struct telling telling = {reader_of(base), on_head, context};

    return pg_each(&telling.reader->db, HEADS, NULL, tell_head, &telling);
}

static enum rc reader_version(struct store_reader *base, uint64_t *ret)
{
    struct pg_reader *self = reader_of(base);
    const enum rc rc = ask(self, VERSION, NULL);

    if (rc == RC_OK)
        *ret = pg_number(&self->db, 0, 0);
    return rc == RC_END ? RC_STORE : rc;
}

static enum rc reader_size(struct store_reader *base, uint64_t *ret)
{
    struct pg_reader *self = reader_of(base);
    const enum rc rc = ask(self, SIZE, NULL);

    if (rc == RC_OK)
        *ret = pg_number(&self->db, 0, 0);
    return rc == RC_END ? RC_STORE : rc;
}

enum rc pg_reader_open(const struct pg_link *link, struct store_reader **ret)
{
    static const struct reader_calls calls = {
        .close = reader_close,
        .begin = reader_begin,
        .end = reader_end,
        .bounds = reader_bounds,
        .hole = reader_hole,
        .ts_at = reader_ts_at,
        .seek = reader_seek,
        .next = reader_next,
        .heads = reader_heads,
        .version = reader_version,
        .size = reader_size,
    };
    struct pg_reader *self = x_alloc(1, sizeof(*self));

    self->base.calls = &calls;
    self->link = link;
    if (connect_reader(self) != RC_OK) {
        log_error("reader.not_opened", "%s", self->why);
        reader_close(&self->base);
        return RC_STORE;
    }
    *ret = &self->base;
    return RC_OK;
}
