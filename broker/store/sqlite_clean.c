/* sqlite_clean.c - what goes from the disk: old events, purged texts, free pages. */
#include "broker/store/sqlite_rows.h"

#define FREE_PAGES_MAX 512 /* so many are kept for what comes */
#define SCRUB_BUSY_MS  100 /* readers hold a view no longer than one page takes */
#define PAGE_BYTES     4096

static enum rc sqlite_next_kept(struct backend *base, stream_id from, bool only_kept,
                                struct kept_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[NEXT_KEPT];
    struct span name;
    enum rc rc;

    db_bind_number(statement, 1, from.v);
    db_bind_number(statement, 2, only_kept);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    name = db_column_text(statement, 1);
    *ret = (struct kept_row){.stream = {(uint32_t)db_column_number(statement, 0)},
                             .is_person = name.len > 0 && name.ptr[0] == '@',
                             .keep_s = (uint32_t)db_column_number(statement, 2),
                             .head = db_column_number(statement, 3),
                             .confirmed = db_column_number(statement, 4)};
    db_done(statement);
    return RC_OK;
}

static enum rc sqlite_get_aged(struct backend *base, uint64_t first, uint64_t last,
                               struct aged_row *ret, size_t max, size_t *ret_count)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_AGED];
    size_t count = 0;
    enum rc rc = sqlite_write_events(self);

    if (rc != RC_OK)
        return rc;
    db_bind_number(statement, 1, first);
    db_bind_number(statement, 2, last);
    db_bind_number(statement, 3, max);
    while (count < max && (rc = db_row(&self->db, statement)) != RC_END) {
        if (rc != RC_OK)
            return rc;
        ret[count++] = (struct aged_row){.entry = db_column_number(statement, 0),
                                         .ts_ms = db_column_number(statement, 1),
                                         .sender = {(uint32_t)db_column_number(statement, 2)},
                                         .is_purged = db_column_number(statement, 3) != RC_OK,
                                         .bytes = (size_t)db_column_number(statement, 4)};
    }
    db_done(statement);
    *ret_count = count;
    return RC_OK;
}

static enum rc sqlite_remove_events(struct backend *base, uint64_t first, uint64_t last)
{
    struct sqlite *self = sqlite_of(base);
    const enum rc rc = sqlite_write_events(self);

    if (rc != RC_OK)
        return rc;
    db_bind_number(self->statements[REMOVE_EVENTS], 1, first);
    db_bind_number(self->statements[REMOVE_EVENTS], 2, last);
    return run(self, REMOVE_EVENTS);
}

static enum rc sqlite_purge_event(struct backend *base, uint64_t entry, struct span wire)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[PURGE_EVENT];
    const enum rc rc = sqlite_write_events(self);

    if (rc != RC_OK)
        return rc;
    db_bind_number(statement, 1, entry);
    db_bind_number(statement, 2, EVENT_PURGED);
    db_bind_bytes(statement, 3, wire.ptr, wire.len);
    return run(self, PURGE_EVENT);
}

static enum rc sqlite_used_bytes(struct backend *base, uint64_t *ret)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t pages = 0, free_pages = 0;
    enum rc rc = one_number(self, PAGE_COUNT, &pages);

    if (rc == RC_OK)
        rc = one_number(self, FREE_COUNT, &free_pages);
    if (rc == RC_OK)
        *ret = (pages - free_pages) * PAGE_BYTES;
    return rc == RC_END ? RC_STORE : rc;
}

static enum rc sqlite_give_back(struct backend *base)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t free_pages = 0;
    enum rc rc = one_number(self, FREE_COUNT, &free_pages);

    if (rc != RC_OK)
        return rc == RC_END ? RC_STORE : rc;
    if (free_pages <= FREE_PAGES_MAX)
        return RC_OK;
    /* It has a row for each page that it gives back. */
    while ((rc = db_row(&self->db, self->statements[GIVE_BACK])) == RC_OK)
        continue;
    return rc == RC_END ? RC_OK : rc;
}

/* The pages in the file are overwritten (secure_delete); the log before it still has them as they were. */
static enum rc sqlite_scrub(struct backend *base)
{
    struct sqlite *self = sqlite_of(base);
    int code;

    sqlite3_busy_timeout(self->db.handle, SCRUB_BUSY_MS);
    code = sqlite3_wal_checkpoint_v2(self->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(self->db.handle, DB_BUSY_MS);
    if ((code & 0xff) == SQLITE_BUSY)
        return RC_BUSY;
    if (code != SQLITE_OK)
        return db_failed(&self->db, "checkpoint");
    self->wal_pages = 0;
    return RC_OK;
}

void sqlite_clean_calls(struct backend_calls *calls)
{
    calls->next_kept = sqlite_next_kept;
    calls->get_aged = sqlite_get_aged;
    calls->remove_events = sqlite_remove_events;
    calls->purge_event = sqlite_purge_event;
    calls->used_bytes = sqlite_used_bytes;
    calls->give_back = sqlite_give_back;
    calls->scrub = sqlite_scrub;
}
