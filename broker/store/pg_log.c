/* pg_log.c - streams, sessions, events and marks in PostgreSQL. */
#include "broker/store/pg_rows.h"

/* What is held goes when it is that much: an import is one long transaction. */
#define EVENTS_HELD_MAX 4096
#define BYTES_HELD_MAX  (4u << 20)

/* --- streams ------------------------------------------------------------------------- */

static enum rc one_stream(struct pg *self, enum statement which, const struct pg_args *args,
                          stream_id *ret)
{
    uint64_t id = 0;
    const enum rc rc = pg_one_number(self, which, args, &id);

    if (rc == RC_OK)
        *ret = (stream_id){(uint32_t)id};
    return rc;
}

static enum rc pg_last_stream(struct backend *base, stream_id *ret)
{
    const enum rc rc = one_stream(pg_of(base), LAST_STREAM, NULL, ret);

    return rc == RC_END ? RC_STORE : rc;
}

static enum rc pg_find_stream(struct backend *base, enum stream_unique by, struct span value,
                              stream_id *ret)
{
    struct pg_args args = {.count = 0};

    pg_arg_bytes(&args, value.ptr, value.len);
    return one_stream(pg_of(base), by == BY_NAME ? FIND_BY_NAME : FIND_BY_SKELETON, &args, ret);
}

enum rc pg_read_stream(struct pg *self, size_t row, struct stream_row *ret)
{
    const struct pg_db *db = &self->db;
    enum rc rc;

    *ret = (struct stream_row){.id = {(uint32_t)pg_number(db, row, 0)},
                               .epoch = (uint32_t)pg_number(db, row, 4),
                               .role = (enum role)pg_number(db, row, 5),
                               .modes = (uint32_t)pg_number(db, row, 6),
                               .open_from = pg_number(db, row, 8),
                               .keep_s = (uint32_t)pg_number(db, row, 9)};
    rc = pg_text(&self->db, row, 1, 2, STREAM_BYTES_MAX, &ret->name);
    if (rc == RC_OK)
        rc = pg_text(&self->db, row, 2, 2, STREAM_BYTES_MAX, &ret->skeleton);
    if (rc == RC_OK)
        rc = pg_text(&self->db, row, 7, 0, SUBJECT_BYTES_MAX, &ret->topic);
    if (rc == RC_OK)
        rc = pg_key(&self->db, row, 3, ret->stream_key, sizeof(ret->stream_key));
    return rc;
}

static enum rc pg_get_stream(struct backend *base, stream_id id, struct stream_row *ret)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc;

    PG_NUMBERS(&args, id.v);
    rc = pg_ask(&self->db, GET_STREAM, &args);
    return rc == RC_OK ? pg_read_stream(self, 0, ret) : rc;
}

static enum rc pg_add_stream(struct backend *base, const struct stream_row *row)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    struct pg_args place = {.count = 0};
    enum rc rc;

    PG_NUMBERS(&args, row->id.v);
    pg_arg_bytes(&args, row->name.ptr, row->name.len);
    pg_arg_bytes(&args, row->skeleton.ptr, row->skeleton.len);
    pg_arg_bytes(&args, row->stream_key, sizeof(row->stream_key));
    PG_NUMBERS(&args, row->epoch, row->role, row->modes);
    pg_arg_bytes(&args, row->topic.ptr, row->topic.len);
    PG_NUMBERS(&args, row->open_from, row->keep_s);
    rc = pg_write(self, ADD_STREAM, &args);
    if (rc != RC_OK)
        return rc;
    PG_NUMBERS(&place, row->id.v);
    return pg_write(self, ADD_PLACE, &place);
}

static enum rc pg_put_stream(struct backend *base, const struct stream_row *row)
{
    struct pg_args args = {.count = 0};

    PG_NUMBERS(&args, row->id.v);
    pg_arg_bytes(&args, row->stream_key, sizeof(row->stream_key));
    PG_NUMBERS(&args, row->epoch, row->role, row->modes);
    pg_arg_bytes(&args, row->topic.ptr, row->topic.len);
    PG_NUMBERS(&args, row->open_from, row->keep_s);
    return pg_write(pg_of(base), PUT_STREAM, &args);
}

static enum rc pg_get_place(struct backend *base, stream_id stream, struct place_row *ret)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc;

    PG_NUMBERS(&args, stream.v);
    rc = pg_ask(&self->db, GET_PLACE, &args);
    if (rc == RC_OK)
        *ret = (struct place_row){.stream = stream,
                                  .head = pg_number(&self->db, 0, 0),
                                  .confirmed = pg_number(&self->db, 0, 1),
                                  .ts_ms = pg_number(&self->db, 0, 2)};
    return rc;
}

static enum rc pg_put_place(struct backend *base, const struct place_row *row)
{
    deferred_place(&pg_of(base)->deferred, row);
    return RC_OK;
}

/* --- sessions and events ------------------------------------------------------------- */

static enum rc pg_get_session(struct backend *base, session_id id, struct session_row *ret)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc;

    PG_NUMBERS(&args, id.v);
    rc = pg_ask(&self->db, GET_SESSION, &args);
    if (rc == RC_OK)
        *ret = (struct session_row){.id = id,
                                    .account = {(uint32_t)pg_number(&self->db, 0, 0)},
                                    .last = (uint32_t)pg_number(&self->db, 0, 1),
                                    .entry = pg_number(&self->db, 0, 2)};
    return rc;
}

static enum rc pg_put_session(struct backend *base, const struct session_row *row)
{
    deferred_session(&pg_of(base)->deferred, row);
    return RC_OK;
}

static enum rc pg_add_event(struct backend *base, const struct event_row *row)
{
    struct pg *self = pg_of(base);
    enum rc rc;

    deferred_event(&self->deferred, row);
    if (self->deferred.events.count < EVENTS_HELD_MAX && self->deferred.wire_bytes < BYTES_HELD_MAX)
        return RC_OK;
    rc = pg_write_events(self);
    return rc == RC_OK ? pg_settle(&self->db) : rc;
}

static enum rc pg_get_event(struct backend *base, uint64_t entry, struct event_row *ret)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc = pg_write_events(self);

    PG_NUMBERS(&args, entry);
    if (rc == RC_OK)
        rc = pg_ask(&self->db, GET_EVENT, &args);
    if (rc == RC_OK)
        *ret = (struct event_row){.entry = entry,
                                  .ts_ms = pg_number(&self->db, 0, 0),
                                  .sender = {(uint32_t)pg_number(&self->db, 0, 1)},
                                  .own_seq = pg_number(&self->db, 0, 2),
                                  .refusal = (enum rc)pg_number(&self->db, 0, 3),
                                  .prev = pg_number(&self->db, 0, 4)};
    return rc;
}

static enum rc pg_get_senders(struct backend *base, stream_id stream, uint64_t first, uint64_t last,
                              struct sender_row *ret, size_t max, size_t *ret_count)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc = pg_write_events(self);

    PG_NUMBERS(&args, entry_of(stream, first), entry_of(stream, last), max);
    if (rc == RC_OK)
        rc = pg_ask(&self->db, GET_SENDERS, &args);
    if (rc != RC_OK && rc != RC_END)
        return rc;
    *ret_count = pg_rows(&self->db);
    for (size_t i = 0; i < *ret_count; i++)
        ret[i] = (struct sender_row){.seq = entry_seq(pg_number(&self->db, i, 0)),
                                     .sender = {(uint32_t)pg_number(&self->db, i, 1)}};
    return RC_OK;
}

/* --- marks --------------------------------------------------------------------------- */

static void mark_args(struct pg_args *args, stream_id account, struct span name, stream_id stream)
{
    PG_NUMBERS(args, account.v);
    pg_arg_bytes(args, name.ptr, name.len);
    PG_NUMBERS(args, stream.v);
}

static enum rc pg_get_mark(struct backend *base, stream_id account, struct span name,
                           stream_id stream, uint64_t *ret_seq)
{
    struct pg_args args = {.count = 0};

    mark_args(&args, account, name, stream);
    return pg_one_number(pg_of(base), GET_MARK, &args, ret_seq);
}

static enum rc pg_put_mark(struct backend *base, stream_id account, struct span name,
                           stream_id stream, uint64_t seq)
{
    struct pg_args args = {.count = 0};

    mark_args(&args, account, name, stream);
    PG_NUMBERS(&args, seq);
    return pg_write(pg_of(base), PUT_MARK, &args);
}

static enum rc pg_count_marks(struct backend *base, stream_id account, size_t *ret)
{
    struct pg_args args = {.count = 0};
    uint64_t count = 0;
    enum rc rc;

    PG_NUMBERS(&args, account.v);
    rc = pg_one_number(pg_of(base), COUNT_MARKS, &args, &count);
    *ret = count;
    return rc;
}

static enum rc pg_get_chat(struct backend *base, uint64_t *ret)
{
    return pg_one_number(pg_of(base), GET_CHAT, NULL, ret);
}

static enum rc pg_put_chat(struct backend *base, uint64_t chat)
{
    struct pg_args args = {.count = 0};

    PG_NUMBERS(&args, chat);
    return pg_write(pg_of(base), PUT_CHAT, &args);
}

void pg_log_calls(struct backend_calls *calls)
{
    calls->last_stream = pg_last_stream;
    calls->find_stream = pg_find_stream;
    calls->get_stream = pg_get_stream;
    calls->add_stream = pg_add_stream;
    calls->put_stream = pg_put_stream;
    calls->get_place = pg_get_place;
    calls->put_place = pg_put_place;
    calls->get_session = pg_get_session;
    calls->put_session = pg_put_session;
    calls->add_event = pg_add_event;
    calls->get_event = pg_get_event;
    calls->get_senders = pg_get_senders;
    calls->get_mark = pg_get_mark;
    calls->put_mark = pg_put_mark;
    calls->count_marks = pg_count_marks;
    calls->get_chat = pg_get_chat;
    calls->put_chat = pg_put_chat;
}
