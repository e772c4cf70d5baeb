#include "broker/store/search_index.h"

#include "broker/store/arena.h"
#include "broker/store/disk.h"
#include "broker/store/rows.h"
#include "broker/store/search_file.h"
#include "broker/store/search_schema.h"
#include "broker/store/search_terms.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/wire/wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK_BYTES_MAX  (2u << 20)
#define CHECKPOINT_PAGES 4000
#define MERGE_PAGES      200 /* of one step, behind forgetting */
#define VACUUM           "PRAGMA incremental_vacuum(500)"

#define STATEMENTS(X)                                                                           \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                 \
    X(COMMIT, "COMMIT")                                                                         \
    X(PLACES, "SELECT stream, seq, ts FROM place")                                              \
    X(PUT_PLACE, "INSERT INTO place VALUES (?1, ?2, ?3)"                                        \
                 " ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, ts = excluded.ts")    \
    X(DROP_PLACE, "DELETE FROM place WHERE stream = ?1")                                        \
    X(LAST_ID, "SELECT id FROM doc WHERE id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT 1")        \
    X(ADD_DOC, "INSERT INTO doc VALUES (?1, ?2, ?3, ?4)")                                       \
    X(ADD_FOUND, "INSERT INTO found (rowid, tags, body) VALUES (?1, ?2, ?3)")                   \
    X(FIRST_DOC, "SELECT id, tags, body FROM doc WHERE entry >= ?1 AND entry <= ?2"             \
                 " ORDER BY entry LIMIT 1")                                                     \
    X(DROP_FOUND, "INSERT INTO found (found, rowid, tags, body) VALUES ('delete', ?1, ?2, ?3)") \
    X(DROP_DOC, "DELETE FROM doc WHERE id = ?1")                                                \
    X(MERGE, "INSERT INTO found (found, rank) VALUES ('merge', ?1)")

enum statement {
#define X(statement, sql) statement,
    STATEMENTS(X)
#undef X
        STATEMENT_COUNT
};

static const char *const SQL[STATEMENT_COUNT] = {
#define X(statement, sql) [statement] = sql,
    STATEMENTS(X)
#undef X
};

/* How a stream stands; ids are small numbers without holes. */
struct standing_place {
    uint64_t place; /* indexed up to here */
    uint64_t ts_ms; /* of that event */
    uint64_t head;  /* of the log when it was looked at last */
};

struct row {
    uint64_t entry;
    uint64_t ts_ms;
    struct span tags;
    struct span body;
};

struct search_index {
    struct search_file file;
    struct db db;
    char why[SEARCH_WHY_BYTES];
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct store_reader *log;
    uint64_t version; /* of the log when its heads were read */
    bool has_heads;
    struct disk disk;
    int wal_pages;
    bool is_merging; /* forgotten words are still in lists that were not written anew */
    bool is_merge_begun;
    bool is_vacuuming; /* and then in pages that nobody uses */

    struct standing_place *streams; /* by id */
    uint32_t stream_count;
    uint32_t at; /* the stream that comes next */

    struct row row[SEARCH_CHUNK_ROWS]; /* the chunk that is made */
    size_t row_count;
    size_t event_count; /* looked at, with those that are no messages */
    size_t bytes;
    uint32_t changed[SEARCH_CHUNK_ROWS]; /* streams whose places it moves */
    size_t changed_count;
    struct arena arena;
};

const char *search_index_why(const struct search_index *self)
{
    return self->why;
}

static sqlite3_stmt *bare(struct search_index *self, enum statement which)
{
    return self->statements[which];
}

static enum rc log_failed(struct search_index *self)
{
    snprintf(self->why, sizeof(self->why), "the log cannot be read");
    return RC_SYSTEM;
}

static enum rc run(struct search_index *self, enum statement which)
{
    return db_run(&self->db, self->statements[which]);
}

static void abandon(struct search_index *self)
{
    if (!sqlite3_get_autocommit(self->db.handle))
        (void)sqlite3_exec(self->db.handle, "ROLLBACK", NULL, NULL, NULL);
}

static struct standing_place *place_of(struct search_index *self, stream_id stream)
{
    if (stream.v >= self->stream_count) {
        const uint32_t count = stream.v + stream.v / 2 + 64;

        self->streams = x_realloc(self->streams, count, sizeof(*self->streams));
        memset(self->streams + self->stream_count, 0,
               (count - self->stream_count) * sizeof(*self->streams));
        self->stream_count = count;
    }
    return &self->streams[stream.v];
}

/* --- life ----------------------------------------------------------------------------- */

static int on_commit(void *context, sqlite3 *handle, const char *database, int wal_pages)
{
    (void)handle;
    (void)database;
    ((struct search_index *)context)->wal_pages = wal_pages;
    return SQLITE_OK;
}

static enum rc read_places(struct search_index *self)
{
    enum rc rc;

    while ((rc = db_row(&self->db, bare(self, PLACES))) == RC_OK) {
        const uint64_t stream = db_column_number(bare(self, PLACES), 0);

        if (stream == 0 || stream > STREAMS_MAX) {
            snprintf(self->why, sizeof(self->why), "%s: a place of no stream", self->file.path);
            db_done(bare(self, PLACES));
            return RC_STORE;
        }
        struct standing_place *place = place_of(self, (stream_id){(uint32_t)stream});
        place->place = db_column_number(bare(self, PLACES), 1);
        place->ts_ms = db_column_number(bare(self, PLACES), 2);
    }
    return rc == RC_END ? RC_OK : rc;
}

enum rc search_index_open(const char *folder, struct store_reader *log, struct search_index **ret,
                          char why[static SEARCH_WHY_BYTES])
{
    struct search_index *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    self->log = log;
    self->db = (struct db){.why = self->why, .why_size = sizeof(self->why)};
    rc = search_file_open(&self->file, folder, &self->db);
    if (rc == RC_OK)
        sqlite3_wal_hook(self->db.handle, on_commit, self);
    for (size_t i = 0; i < STATEMENT_COUNT && rc == RC_OK; i++)
        rc = db_prepare(&self->db, SQL[i], &self->statements[i]);
    if (rc == RC_OK)
        rc = read_places(self);
    if (rc == RC_OK) {
        self->disk = (struct disk){.folder = self->file.folder};
        *ret = self;
        return RC_OK;
    }
    memcpy(why, self->why, SEARCH_WHY_BYTES);
    if (rc == RC_STORE && self->db.handle != NULL)
        search_index_discard(self);
    search_index_close(&self);
    return RC_STORE;
}

void search_index_close(struct search_index **self_p)
{
    struct search_index *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(self->statements[i]);
    search_file_close(&self->file, &self->db);
    store_reader_close(&self->log);
    arena_fini(&self->arena);
    free(self->streams);
    free(self);
}

void search_index_set_free_min(struct search_index *self, uint64_t free_bytes_min)
{
    self->disk = (struct disk){.folder = self->file.folder, .free_bytes_min = free_bytes_min};
}

void search_index_discard(struct search_index *self)
{
    search_file_remove(self->file.folder);
}

void search_index_remove(const char *folder)
{
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (descriptor < 0)
        return;
    search_file_remove(descriptor);
    close(descriptor);
}

/* --- a chunk is made --------------------------------------------------------------------- */

static struct span tags_of(struct search_index *self, stream_id stream, const struct message *event)
{
    const bool has_to = message_has(event, HAS_TO) && event->stream.ptr[0] == '@';
    char *buf = arena_reserve(&self->arena, 16 + 4 * SEARCH_TAG_BYTES(NAME_BYTES_MAX));
    size_t len = search_terms_stream_tag(stream.v, buf);

    buf[len++] = ' ';
    len += search_terms_tag('f', event->from, buf + len);
    if (has_to) {
        buf[len++] = ' ';
        len += search_terms_tag('w', event->from, buf + len);
        buf[len++] = ' ';
        len += search_terms_tag('w', event->to, buf + len);
    }
    arena_keep(&self->arena, len);
    return (struct span){buf, len};
}

static void take_event(struct search_index *self, stream_id stream, const struct message *event)
{
    struct row *row = &self->row[self->row_count];
    char *body;

    self->event_count++;
    if (!span_equal(event->type, SPAN("message")) || !message_has(event, HAS_TEXT))
        return;
    row->entry = entry_of(stream, event->seq);
    row->ts_ms = event->ts;
    row->tags = tags_of(self, stream, event);
    body = arena_reserve(&self->arena, SEARCH_CUT_BYTES(event->text.len));
    row->body = (struct span){body, search_terms_cut(event->text, body)};
    arena_keep(&self->arena, row->body.len);
    self->bytes += row->body.len;
    self->row_count++;
}

/* One page of one stream. */
static enum rc take_page(struct search_index *self, stream_id stream, struct standing_place *place)
{
    const size_t left = SEARCH_CHUNK_ROWS - self->event_count;
    const struct store_range range = {
        .stream = stream,
        .first = place->place + 1,
        .last = place->head,
        .events_max = left < FETCH_PAGE_EVENTS_MAX ? left : FETCH_PAGE_EVENTS_MAX,
        .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct store_page page;
    struct message event;

    if (store_read(self->log, &range, &page) != RC_OK)
        return log_failed(self);
    struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT);
    for (size_t i = 0; i < page.count && wire_read(&reader, &event) == RC_OK; i++) {
        take_event(self, stream, &event);
        place->ts_ms = event.ts;
    }
    place->place = page.count > 0 ? page.last : place->head; /* what is gone is gone */
    return RC_OK;
}

static bool is_full(const struct search_index *self)
{
    return self->event_count == SEARCH_CHUNK_ROWS || self->changed_count == SEARCH_CHUNK_ROWS ||
           self->bytes >= CHUNK_BYTES_MAX;
}

/* Stream by stream, going on where the last chunk ended, so that none waits for a busy one. */
static enum rc gather(struct search_index *self)
{
    enum rc rc = RC_OK;

    self->row_count = self->event_count = self->bytes = self->changed_count = 0;
    arena_clear(&self->arena);
    for (uint32_t n = 0; n < self->stream_count && !is_full(self) && rc == RC_OK; n++) {
        const uint32_t stream = self->at;
        struct standing_place *place = &self->streams[stream];

        self->at = self->at + 1 < self->stream_count ? self->at + 1 : 0;
        if (place->place >= place->head)
            continue;
        self->changed[self->changed_count++] = stream;
        while (place->place < place->head && !is_full(self) && rc == RC_OK)
            rc = take_page(self, (stream_id){stream}, place);
    }
    return rc;
}

/* Within a list of words ids may only rise, or it is written out early. */
static int by_time(const void *a, const void *b)
{
    const struct row *left = a, *right = b;

    if (left->ts_ms != right->ts_ms)
        return left->ts_ms < right->ts_ms ? -1 : 1;
    return left->entry < right->entry ? -1 : left->entry > right->entry;
}

/* --- and written ------------------------------------------------------------------------- */

/* The next free id of that time. */
static enum rc next_id(struct search_index *self, uint64_t ts_ms, uint64_t *ret)
{
    const uint64_t first = search_first_id(ts_ms);
    sqlite3_stmt *statement = bare(self, LAST_ID);
    enum rc rc;

    db_bind_number(statement, 1, first);
    db_bind_number(statement, 2, first + (UINT64_C(1) << SEARCH_ID_BITS));
    rc = db_row(&self->db, statement);
    if (rc == RC_OK)
        *ret = db_column_number(statement, 0) + 1;
    else if (rc == RC_END)
        *ret = first;
    else
        return rc;
    db_done(statement);
    return RC_OK;
}

static enum rc add_row(struct search_index *self, const struct row *row)
{
    uint64_t id = 0;
    enum rc rc = next_id(self, row->ts_ms, &id);

    /* Two million messages of one millisecond: a clock that stands. What is more is not found. */
    if (rc == RC_OK && id >= search_first_id(row->ts_ms) + (UINT64_C(1) << SEARCH_ID_BITS))
        return RC_OK;
    if (rc != RC_OK)
        return rc;
    db_bind_number(bare(self, ADD_DOC), 1, id);
    db_bind_number(bare(self, ADD_DOC), 2, row->entry);
    db_bind_text(bare(self, ADD_DOC), 3, row->tags);
    db_bind_text(bare(self, ADD_DOC), 4, row->body);
    rc = run(self, ADD_DOC);
    if (rc != RC_OK)
        return rc;
    db_bind_number(bare(self, ADD_FOUND), 1, id);
    db_bind_text(bare(self, ADD_FOUND), 2, row->tags);
    db_bind_text(bare(self, ADD_FOUND), 3, row->body);
    return run(self, ADD_FOUND);
}

static enum rc put_place(struct search_index *self, uint32_t stream)
{
    db_bind_number(bare(self, PUT_PLACE), 1, stream);
    db_bind_number(bare(self, PUT_PLACE), 2, self->streams[stream].place);
    db_bind_number(bare(self, PUT_PLACE), 3, self->streams[stream].ts_ms);
    return run(self, PUT_PLACE);
}

static enum rc write_chunk(struct search_index *self)
{
    enum rc rc = run(self, BEGIN);

    for (size_t i = 0; i < self->row_count && rc == RC_OK; i++)
        rc = add_row(self, &self->row[i]);
    for (size_t i = 0; i < self->changed_count && rc == RC_OK; i++)
        rc = put_place(self, self->changed[i]);
    if (rc == RC_OK)
        rc = run(self, COMMIT);
    if (rc != RC_OK)
        abandon(self);
    return rc;
}

static enum rc fold_back(struct search_index *self)
{
    if (self->wal_pages < CHECKPOINT_PAGES)
        return RC_OK;
    const int code =
        sqlite3_wal_checkpoint_v2(self->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY)
        return RC_OK;
    return db_failed(&self->db, "checkpoint");
}

/* --- turns --------------------------------------------------------------------------------- */

static void on_head(void *context, stream_id stream, uint64_t head)
{
    if (stream.v <= STREAMS_MAX)
        place_of(context, stream)->head = head;
}

/* How far it is now, if it has changed. */
static enum rc look_at_log(struct search_index *self)
{
    uint64_t version = 0;

    if (store_read_version(self->log, &version) != RC_OK)
        return log_failed(self);
    if (self->has_heads && version == self->version)
        return RC_OK;
    if (store_read_heads(self->log, on_head, self) != RC_OK)
        return log_failed(self);
    self->version = version;
    self->has_heads = true;
    return RC_OK;
}

/* Pages that were given up leave the file, some at a time. */
static enum rc vacuum(struct search_index *self)
{
    int64_t unused = 0;
    enum rc rc = db_execute(&self->db, VACUUM);

    if (rc == RC_OK)
        rc = db_number(&self->db, "PRAGMA freelist_count", &unused);
    self->is_vacuuming = unused > 0;
    return rc;
}

/* Lists with forgotten words are written anew, a piece at a time. */
static enum rc merge(struct search_index *self)
{
    const int before = sqlite3_total_changes(self->db.handle);
    enum rc rc;

    db_bind_number(bare(self, MERGE), 1,
                   self->is_merge_begun ? MERGE_PAGES : (uint64_t)(int64_t)-MERGE_PAGES);
    rc = run(self, MERGE);
    self->is_merge_begun = true;
    /* FTS5 says so: less than two changes, and there was nothing to do. */
    self->is_merging = rc == RC_OK && sqlite3_total_changes(self->db.handle) - before >= 2;
    return rc;
}

/* The places in memory ran ahead of a chunk that was not written. */
static void take_back(struct search_index *self, enum rc rc)
{
    if (rc == RC_OK)
        return;
    self->has_heads = false;
    for (uint32_t i = 0; i < self->stream_count; i++)
        self->streams[i].place = self->streams[i].ts_ms = 0;
}

enum rc search_index_renew(struct search_index *self)
{
    take_back(self, RC_END);
    return search_file_empty(&self->db);
}

enum rc search_index_turn(struct search_index *self)
{
    enum rc rc = look_at_log(self);

    if (rc == RC_OK && !disk_has_room(&self->disk, clock_mono_ms()))
        return RC_DISK_FULL;
    if (rc == RC_OK)
        rc = gather(self);
    if (rc != RC_OK) { /* the log's server is away, and comes back */
        take_back(self, rc);
        return read_places(self) == RC_OK ? rc : RC_STORE;
    }
    if (self->changed_count == 0) {
        if (!self->is_merging && !self->is_vacuuming)
            return RC_END;
        rc = self->is_merging ? merge(self) : vacuum(self);
        return rc == RC_OK ? fold_back(self) : rc;
    }
    if (self->row_count > 1)
        qsort(self->row, self->row_count, sizeof(self->row[0]), by_time);
    rc = write_chunk(self);
    take_back(self, rc);
    if (rc == RC_DISK_FULL && read_places(self) != RC_OK)
        rc = RC_STORE;
    return rc == RC_OK ? fold_back(self) : rc;
}

/* --- forgetting ---------------------------------------------------------------------------- */

/* RC_END: there is none from `first` to `last`. */
static enum rc forget_one(struct search_index *self, uint64_t first, uint64_t last)
{
    sqlite3_stmt *doc = bare(self, FIRST_DOC);
    uint64_t id;
    enum rc rc;

    db_bind_number(doc, 1, first);
    db_bind_number(doc, 2, last);
    rc = db_row(&self->db, doc);
    if (rc != RC_OK)
        return rc;
    id = db_column_number(doc, 0);
    db_bind_number(bare(self, DROP_FOUND), 1, id);
    db_bind_text(bare(self, DROP_FOUND), 2, db_column_text(doc, 1));
    db_bind_text(bare(self, DROP_FOUND), 3, db_column_text(doc, 2));
    rc = run(self, DROP_FOUND);
    db_done(doc);
    if (rc != RC_OK)
        return rc;
    db_bind_number(bare(self, DROP_DOC), 1, id);
    return run(self, DROP_DOC);
}

static enum rc forget_some(struct search_index *self, uint64_t first, uint64_t last)
{
    enum rc rc = run(self, BEGIN);
    enum rc end = RC_OK;

    for (size_t i = 0; i < SEARCH_CHUNK_ROWS && rc == RC_OK && end == RC_OK; i++) {
        rc = forget_one(self, first, last);
        if (rc == RC_END) {
            end = RC_END;
            rc = RC_OK;
        } else if (rc == RC_OK) {
            self->is_merging = self->is_vacuuming = true;
            self->is_merge_begun = false;
        }
    }
    if (rc == RC_OK)
        rc = run(self, COMMIT);
    if (rc != RC_OK)
        abandon(self);
    return rc == RC_OK ? end : rc;
}

enum rc search_index_forget(struct search_index *self, stream_id stream, uint64_t upto)
{
    const uint64_t last = upto < ENTRY_SEQ_MAX ? upto : ENTRY_SEQ_MAX;
    enum rc rc;

    do
        rc = forget_some(self, entry_of(stream, 0), entry_of(stream, last));
    while (rc == RC_OK && (rc = fold_back(self)) == RC_OK);
    return rc == RC_END ? RC_OK : rc;
}

/* All of the stream is another one's: begin anew. */
static enum rc start_again(struct search_index *self, stream_id stream)
{
    enum rc rc = search_index_forget(self, stream, ENTRY_SEQ_MAX);

    if (rc != RC_OK)
        return rc;
    db_bind_number(bare(self, DROP_PLACE), 1, stream.v);
    rc = run(self, DROP_PLACE);
    if (rc == RC_OK)
        self->streams[stream.v] = (struct standing_place){0};
    return rc;
}

static enum rc check_stream(struct search_index *self, stream_id stream)
{
    const struct standing_place *place = &self->streams[stream.v];
    const struct store_range range = {.stream = stream,
                                      .first = place->place,
                                      .last = place->place,
                                      .events_max = 1,
                                      .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct store_page page;
    struct message event;

    if (store_read(self->log, &range, &page) != RC_OK)
        return log_failed(self);
    if (place->place > page.head)
        return start_again(self, stream);
    struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT);
    if (page.count > 0 && (wire_read(&reader, &event) != RC_OK || event.ts != place->ts_ms))
        return start_again(self, stream);
    return page.kept > 1 ? search_index_forget(self, stream, page.kept - 1) : RC_OK;
}

enum rc search_index_check(struct search_index *self)
{
    enum rc rc = RC_OK;

    for (uint32_t i = 1; i < self->stream_count && rc == RC_OK; i++) {
        if (self->streams[i].place > 0)
            rc = check_stream(self, (stream_id){i});
    }
    return rc;
}
