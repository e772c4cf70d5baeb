/* sqlite_held.c - what a transaction writes together at its end: events, places, sessions. */
#include "broker/store/sqlite_rows.h"

#include <stdlib.h>

static void tell_number(sqlite3_context *result, uint64_t number)
{
    sqlite3_result_int64(result, (sqlite3_int64)number);
}

static void tell_event(sqlite3_context *result, const void *row, int column)
{
    const struct event_row *event = row;

    switch (column) {
    case 0:
        tell_number(result, event->entry);
        break;
    case 1:
        tell_number(result, event->ts_ms);
        break;
    case 2:
        tell_number(result, event->sender.v);
        break;
    case 3:
        tell_number(result, event->own_seq);
        break;
    case 4:
        tell_number(result, event->refusal);
        break;
    case 5:
        tell_number(result, event->prev);
        break;
    default:
        sqlite3_result_blob64(result, event->wire.len == 0 ? "" : event->wire.ptr, event->wire.len,
                              SQLITE_STATIC);
    }
}

static void tell_place(sqlite3_context *result, const void *row, int column)
{
    const struct place_row *place = row;
    const uint64_t columns[] = {place->stream.v, place->head, place->confirmed, place->ts_ms};

    tell_number(result, columns[column]);
}

static void tell_session(sqlite3_context *result, const void *row, int column)
{
    const struct session_row *session = row;
    const uint64_t columns[] = {session->id.v, session->account.v, session->last, session->entry};

    tell_number(result, columns[column]);
}

enum rc sqlite_bulk_open(struct sqlite *self)
{
    enum rc rc;

    bulk_init(&self->events, tell_event, sizeof(struct event_row));
    bulk_init(&self->places, tell_place, sizeof(struct place_row));
    bulk_init(&self->sessions, tell_session, sizeof(struct session_row));
    rc = bulk_register(&self->events, &self->db, "bulk_event",
                       "CREATE TABLE bulk (id, ts, sender, own_seq, refusal, prev, wire)");
    if (rc == RC_OK)
        rc = bulk_register(&self->places, &self->db, "bulk_place",
                           "CREATE TABLE bulk (stream, head, confirmed, ts)");
    if (rc == RC_OK)
        rc = bulk_register(&self->sessions, &self->db, "bulk_session",
                           "CREATE TABLE bulk (id, account, last, entry)");
    return rc;
}

void sqlite_bulk_close(struct sqlite *self)
{
    bulk_fini(&self->events);
    bulk_fini(&self->places);
    bulk_fini(&self->sessions);
    arena_fini(&self->wires);
}

static int by_entry(const void *left, const void *right)
{
    const uint64_t a = ((const struct event_row *)left)->entry;
    const uint64_t b = ((const struct event_row *)right)->entry;

    return (a > b) - (a < b);
}

/* In the order of the table each page is looked for once. Events of one stream come in order already. */
static void sort_events(struct bulk *events)
{
    const struct event_row *row = (const struct event_row *)(const void *)events->rows;

    for (size_t i = 1; i < events->count; i++) {
        if (row[i].entry < row[i - 1].entry) {
            qsort(events->rows, events->count, events->row_bytes, by_entry);
            return;
        }
    }
}

static enum rc write_all(struct sqlite *self, struct bulk *bulk, enum statement which)
{
    enum rc rc = RC_OK;

    if (bulk->count > 0)
        rc = run(self, which);
    bulk->count = 0;
    return rc;
}

enum rc sqlite_write_events(struct sqlite *self)
{
    enum rc rc;

    if (self->events.count == 0)
        return RC_OK;
    sort_events(&self->events);
    rc = write_all(self, &self->events, ADD_EVENTS);
    arena_clear(&self->wires);
    return rc;
}

enum rc sqlite_write_rows(struct sqlite *self)
{
    enum rc rc = sqlite_write_events(self);

    if (rc == RC_OK)
        rc = write_all(self, &self->places, PUT_PLACES);
    if (rc == RC_OK)
        rc = write_all(self, &self->sessions, PUT_SESSIONS);
    return rc;
}

void sqlite_drop_rows(struct sqlite *self)
{
    self->events.count = 0;
    self->places.count = 0;
    self->sessions.count = 0;
    arena_clear(&self->wires);
}
