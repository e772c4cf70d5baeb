#include "broker/store/search_reader.h"

#include "broker/store/rows.h"
#include "broker/store/search_file.h"
#include "broker/store/search_schema.h"
#include "broker/store/search_terms.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#include <stdlib.h>

/* So many streams are asked for by their tags; where more may be read, each row is looked at. */
#define SCOPE_TAGS_MAX 32
#define LOOK_AT_CLOCK  64 /* steps of SQLite's machine between looks */

#define TAGS_BYTES  (SCOPE_TAGS_MAX * 24 + 2 * (SEARCH_TAG_BYTES(NAME_BYTES_MAX) + 8) + 32)
#define MATCH_BYTES (SEARCH_MATCH_BYTES + TAGS_BYTES + 64)

enum statement { FIND, PLACES, PLACE, STATEMENT_COUNT };

static const char *const SQL[STATEMENT_COUNT] = {
    [FIND] = ("SELECT rowid, (SELECT entry FROM doc WHERE id = found.rowid) FROM found"
              " WHERE found MATCH ?1 AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC"),
    [PLACES] = "SELECT stream, seq FROM place",
    [PLACE] = "SELECT seq FROM place WHERE stream = ?1",
};

struct search_reader {
    struct search_file file;
    struct db db;
    char why[256];
    sqlite3_stmt *statements[STATEMENT_COUNT];
    const struct search_question *question;
    uint64_t until_ms; /* monotonic */
    uint64_t seen;
    bool is_over;
    char match[MATCH_BYTES];
    size_t match_len;
};

static int is_time_over(void *context)
{
    struct search_reader *self = context;

    self->is_over = self->question != NULL && clock_mono_ms() >= self->until_ms;
    return self->is_over ? 1 : 0;
}

/* A damaged file goes, so that the next start makes it anew; until then its absence refuses searches. */
static enum rc failed(struct search_reader *self)
{
    const int code = sqlite3_errcode(self->db.handle) & 0xff;

    log_error("search.failed", "%s", self->why);
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        search_file_remove(self->file.folder);
    return RC_NO_SEARCH;
}

enum rc search_reader_open(const char *folder, struct search_reader **ret)
{
    struct search_reader *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    self->db = (struct db){.why = self->why, .why_size = sizeof(self->why)};
    rc = search_file_read(&self->file, folder, &self->db);
    for (size_t i = 0; i < STATEMENT_COUNT && rc == RC_OK; i++)
        rc = db_prepare(&self->db, SQL[i], &self->statements[i]);
    if (rc != RC_OK) {
        log_warn("search.not_read", "%s", self->why);
        search_reader_close(&self);
        return RC_NO_SEARCH;
    }
    sqlite3_progress_handler(self->db.handle, LOOK_AT_CLOCK, is_time_over, self);
    *ret = self;
    return RC_OK;
}

void search_reader_close(struct search_reader **self_p)
{
    struct search_reader *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(self->statements[i]);
    search_file_close(&self->file, &self->db);
    free(self);
}

/* --- the expression ---------------------------------------------------------------------- */

static void put(struct search_reader *self, struct span text)
{
    memcpy(self->match + self->match_len, text.ptr, text.len);
    self->match_len += text.len;
}

/* tags : (...), or what follows it. */
static void put_tag(struct search_reader *self, struct span before, char mark, struct span name)
{
    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return;
    put(self, before);
    self->match_len += search_terms_tag(mark, name, self->match + self->match_len);
    put(self, SPAN(")"));
}

static void put_streams(struct search_reader *self, const struct search_question *question)
{
    put(self, SPAN("tags : ("));
    for (size_t i = 0; i < question->scope_count; i++) {
        if (i > 0)
            put(self, SPAN(" OR "));
        self->match_len +=
            search_terms_stream_tag(question->scope[i].stream.v, self->match + self->match_len);
    }
    put(self, SPAN(")"));
}

/* All parts must hold. RC_BAD_FIELD: there is nothing to look for. */
static enum rc make_match(struct search_reader *self, const struct search_question *question)
{
    const char *and = "";
    size_t len = 0;
    enum rc rc;

    self->match_len = 0;
    if (question->scope_count <= SCOPE_TAGS_MAX) {
        put_streams(self, question);
        and = " AND ";
    }
    const struct {
        char mark;
        struct span name;
    } tags[] = {{'f', question->from}, {'w', question->with}};
    for (size_t i = 0; i < 2; i++) {
        if (tags[i].name.len == 0)
            continue;
        put(self, span_of(and));
        put_tag(self, SPAN("tags : ("), tags[i].mark, tags[i].name);
        and = " AND ";
    }
    put(self, span_of(and));
    put(self, SPAN("body : ("));
    rc = search_terms_match(question->text, self->match + self->match_len, &len);
    if (rc != RC_OK)
        return rc;
    if (len > 0) {
        self->match_len += len;
        put(self, SPAN(")"));
        return RC_OK;
    }
    if (question->text.len > 0 || question->from.len + question->with.len == 0)
        return RC_BAD_FIELD;
    self->match_len -= strlen(and) + strlen("body : (");
    return RC_OK;
}

enum rc search_reader_ask(struct search_reader *self, const struct search_question *question)
{
    sqlite3_stmt *find = self->statements[FIND];
    uint64_t before = question->before;
    enum rc rc;

    if (!search_file_is_there(&self->file))
        return RC_NO_SEARCH;
    rc = make_match(self, question);
    if (rc != RC_OK)
        return rc;
    if (question->until_ms != 0 && (before == 0 || search_first_id(question->until_ms) < before))
        before = search_first_id(question->until_ms);
    self->question = question;
    self->seen = 0;
    self->until_ms = clock_mono_ms() + question->time_ms;
    db_done(find);
    db_bind_text(find, 1, (struct span){self->match, self->match_len});
    db_bind_number(find, 2, search_first_id(question->since_ms));
    db_bind_number(find, 3, before == 0 ? INT64_MAX : before);
    return RC_OK;
}

/* --- hits ----------------------------------------------------------------------------------- */

static int by_stream(const void *key, const void *element)
{
    const uint32_t stream = ((const stream_id *)key)->v;
    const uint32_t other = ((const struct scope *)element)->stream.v;

    return stream < other ? -1 : stream > other;
}

static const struct scope *scope_of(const struct scope *scope, size_t count, stream_id stream)
{
    return bsearch(&stream, scope, count, sizeof(*scope), by_stream);
}

static bool is_in_scope(const struct search_question *question, stream_id stream, uint64_t seq)
{
    const struct scope *scope = scope_of(question->scope, question->scope_count, stream);

    return scope != NULL && seq >= scope->first && seq <= scope->last;
}

enum rc search_reader_next(struct search_reader *self, struct search_hit *ret)
{
    sqlite3_stmt *find = self->statements[FIND];
    enum rc rc;

    while ((rc = db_row(&self->db, find)) == RC_OK) {
        const uint64_t entry = db_column_number(find, 1);
        const struct search_hit hit = {db_column_number(find, 0), entry_stream(entry),
                                       entry_seq(entry)};

        self->seen = hit.id;
        if (is_in_scope(self->question, hit.stream, hit.seq)) {
            *ret = hit;
            return RC_OK;
        }
    }
    if (rc == RC_END)
        return RC_END;
    if (self->is_over)
        return RC_BUSY;
    return failed(self);
}

uint64_t search_reader_seen(const struct search_reader *self)
{
    return self->seen;
}

void search_reader_done(struct search_reader *self)
{
    db_done(self->statements[FIND]);
    self->question = NULL;
    self->is_over = false;
    /* People search now and then: the pages it took stay in the system's cache, not in ours. */
    (void)sqlite3_db_release_memory(self->db.handle);
}

/* --- how far the index is -------------------------------------------------------------------- */

static uint64_t count_of(const struct scope *scope, uint64_t place)
{
    return place < scope->last ? scope->last - place : 0;
}

static enum rc missing_of_one(struct search_reader *self, const struct scope *scope, uint64_t *ret)
{
    sqlite3_stmt *statement = self->statements[PLACE];
    enum rc rc;

    db_bind_number(statement, 1, scope->stream.v);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK && rc != RC_END)
        return rc;
    *ret = count_of(scope, rc == RC_OK ? db_column_number(statement, 0) : 0);
    db_done(statement);
    return RC_OK;
}

static enum rc missing_of_all(struct search_reader *self, const struct scope *scope, size_t count,
                              uint64_t *ret)
{
    sqlite3_stmt *statement = self->statements[PLACES];
    uint64_t missing = 0;
    enum rc rc;

    for (size_t i = 0; i < count; i++)
        missing += scope[i].last;
    while ((rc = db_row(&self->db, statement)) == RC_OK) {
        const stream_id stream = {(uint32_t)db_column_number(statement, 0)};
        const struct scope *one = scope_of(scope, count, stream);

        if (one != NULL)
            missing -= one->last - count_of(one, db_column_number(statement, 1));
    }
    *ret = missing;
    return rc == RC_END ? RC_OK : rc;
}

enum rc search_reader_missing(struct search_reader *self, const struct scope *scope,
                              size_t scope_count, uint64_t *ret)
{
    const enum rc rc = scope_count == 1 ? missing_of_one(self, scope, ret)
                                        : missing_of_all(self, scope, scope_count, ret);

    if (rc == RC_OK)
        return RC_OK;
    return failed(self);
}
