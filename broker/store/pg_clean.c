/* pg_clean.c - what goes from the database: old events, purged texts. Their room is the server's to use again. What to remove is
 * looked for outside of a transaction, on a connection that may have been lost since. */
#include "broker/store/pg_rows.h"

static enum rc pg_next_kept(struct backend *base, stream_id from, bool only_kept,
                            struct kept_row *ret)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    struct span name;
    enum rc rc;

    PG_NUMBERS(&args, from.v, only_kept);
    rc = pg_ask_anew(self, NEXT_KEPT, &args);
    if (rc != RC_OK)
        return rc;
    name = pg_bytes(&self->db, 0, 1);
    *ret = (struct kept_row){.stream = {(uint32_t)pg_number(&self->db, 0, 0)},
                             .is_person = name.len > 0 && name.ptr[0] == '@',
                             .keep_s = (uint32_t)pg_number(&self->db, 0, 2),
                             .head = pg_number(&self->db, 0, 3),
                             .confirmed = pg_number(&self->db, 0, 4)};
    return RC_OK;
}

static enum rc pg_get_aged(struct backend *base, uint64_t first, uint64_t last,
                           struct aged_row *ret, size_t max, size_t *ret_count)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc = pg_write_events(self);

    PG_NUMBERS(&args, first, last, max);
    if (rc == RC_OK)
        rc = pg_ask_anew(self, GET_AGED, &args);
    if (rc != RC_OK && rc != RC_END)
        return rc;
    *ret_count = pg_rows(&self->db);
    for (size_t i = 0; i < *ret_count; i++)
        ret[i] = (struct aged_row){.entry = pg_number(&self->db, i, 0),
                                   .ts_ms = pg_number(&self->db, i, 1),
                                   .sender = {(uint32_t)pg_number(&self->db, i, 2)},
                                   .is_purged = pg_number(&self->db, i, 3) != RC_OK,
                                   .bytes = (size_t)pg_number(&self->db, i, 4)};
    return RC_OK;
}

static enum rc pg_remove_events(struct backend *base, uint64_t first, uint64_t last)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    const enum rc rc = pg_write_events(self);

    PG_NUMBERS(&args, first, last);
    return rc == RC_OK ? pg_write(self, REMOVE_EVENTS, &args) : rc;
}

static enum rc pg_purge_event(struct backend *base, uint64_t entry, struct span wire)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    const enum rc rc = pg_write_events(self);

    PG_NUMBERS(&args, entry, EVENT_PURGED);
    pg_arg_bytes(&args, wire.ptr, wire.len);
    return rc == RC_OK ? pg_write(self, PURGE_EVENT, &args) : rc;
}

/* The events, as they are counted with every commit: what the files take the server alone knows, and never gives back. */
static enum rc pg_used_bytes(struct backend *base, uint64_t *ret)
{
    struct pg *self = pg_of(base);
    const enum rc rc = pg_ask_anew(self, LOOK, NULL);

    if (rc != RC_OK)
        return rc == RC_END ? RC_STORE : rc;
    self->event_bytes = pg_number(&self->db, 0, 1);
    *ret = self->event_bytes;
    return RC_OK;
}

void pg_clean_calls(struct backend_calls *calls)
{
    calls->next_kept = pg_next_kept;
    calls->get_aged = pg_get_aged;
    calls->remove_events = pg_remove_events;
    calls->purge_event = pg_purge_event;
    calls->used_bytes = pg_used_bytes;
}
