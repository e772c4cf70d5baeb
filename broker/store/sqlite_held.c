/* sqlite_held.c - what a transaction writes together at its end: events, places, sessions. */
#include "broker/store/sqlite_rows.h"

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

    deferred_init(&self->deferred);
    self->bulk_events =
        (struct bulk){tell_event, &self->deferred.events,
                      "CREATE TABLE bulk (id, ts, sender, own_seq, refusal, prev, wire)"};
    self->bulk_places = (struct bulk){tell_place, &self->deferred.places,
                                      "CREATE TABLE bulk (stream, head, confirmed, ts)"};
    self->bulk_sessions = (struct bulk){tell_session, &self->deferred.sessions,
                                        "CREATE TABLE bulk (id, account, last, entry)"};
    rc = bulk_register(&self->bulk_events, &self->db, "bulk_event");
    if (rc == RC_OK)
        rc = bulk_register(&self->bulk_places, &self->db, "bulk_place");
    if (rc == RC_OK)
        rc = bulk_register(&self->bulk_sessions, &self->db, "bulk_session");
    return rc;
}

void sqlite_bulk_close(struct sqlite *self)
{
    deferred_fini(&self->deferred);
}

enum rc sqlite_write_events(struct sqlite *self)
{
    enum rc rc;

    if (self->deferred.events.count == 0)
        return RC_OK;
    deferred_sort_events(&self->deferred);
    rc = run(self, ADD_EVENTS);
    deferred_drop_events(&self->deferred);
    return rc;
}

enum rc sqlite_write_rows(struct sqlite *self)
{
    enum rc rc = sqlite_write_events(self);

    if (rc == RC_OK && self->deferred.places.count > 0)
        rc = run(self, PUT_PLACES);
    if (rc == RC_OK && self->deferred.sessions.count > 0)
        rc = run(self, PUT_SESSIONS);
    if (rc == RC_OK)
        deferred_drop(&self->deferred);
    return rc;
}
