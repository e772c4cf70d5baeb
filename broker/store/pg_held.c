/* pg_held.c - what a transaction writes together at its end: one statement a table, an array for each column. */
#include "broker/store/pg_rows.h"

/* libpq has made a copy of them. */
static enum rc write_columns(struct pg *self, enum statement which, size_t count)
{
    struct pg_args args = {.count = 0};
    enum rc rc;

    for (size_t i = 0; i < count; i++)
        pg_arg_array(&args, &self->columns[i]);
    rc = pg_write(self, which, &args);
    for (size_t i = 0; i < count; i++)
        pg_array_clear(&self->columns[i]);
    return rc;
}

static void put_numbers(struct pg *self, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pg_array_number(&self->columns[i], numbers[i]);
}

enum rc pg_write_events(struct pg *self)
{
    const struct deferred *deferred = &self->deferred;

    if (deferred->events.count == 0)
        return RC_OK;
    deferred_sort_events(&self->deferred);
    for (size_t row = 0; row < deferred->events.count; row++) {
        const struct event_row *event = deferred_event_at(deferred, row);
        const uint64_t numbers[] = {event->entry,   event->ts_ms,   event->sender.v,
                                    event->own_seq, event->refusal, event->prev};

        put_numbers(self, numbers, 6);
        pg_array_bytes(&self->columns[6], event->wire);
    }
    self->event_bytes_more += deferred->wire_bytes + deferred->events.count * PG_EVENT_ROW_BYTES;
    deferred_drop_events(&self->deferred);
    return write_columns(self, ADD_EVENTS, 7);
}

static enum rc write_places(struct pg *self)
{
    const struct deferred *deferred = &self->deferred;

    if (deferred->places.count == 0)
        return RC_OK;
    for (size_t row = 0; row < deferred->places.count; row++) {
        const struct place_row *place = deferred_place_at(deferred, row);
        const uint64_t numbers[] = {place->stream.v, place->head, place->confirmed, place->ts_ms};

        put_numbers(self, numbers, 4);
    }
    return write_columns(self, PUT_PLACES, 4);
}

static enum rc write_sessions(struct pg *self)
{
    const struct deferred *deferred = &self->deferred;

    if (deferred->sessions.count == 0)
        return RC_OK;
    for (size_t row = 0; row < deferred->sessions.count; row++) {
        const struct session_row *session = deferred_session_at(deferred, row);
        const uint64_t numbers[] = {session->id.v, session->account.v, session->last,
                                    session->entry};

        put_numbers(self, numbers, 4);
    }
    return write_columns(self, PUT_SESSIONS, 4);
}

enum rc pg_write_rows(struct pg *self)
{
    enum rc rc = pg_write_events(self);

    if (rc == RC_OK)
        rc = write_places(self);
    if (rc == RC_OK)
        rc = write_sessions(self);
    if (rc == RC_OK)
        deferred_drop(&self->deferred);
    return rc;
}
