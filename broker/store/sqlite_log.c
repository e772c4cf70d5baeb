/* sqlite_log.c - streams, sessions, events and marks on disk. */
#include "broker/store/sqlite_rows.h"

#define EVENTS_HELD_MAX 4096 /* an import is one long transaction */

/* --- streams ------------------------------------------------------------------------- */

/* The first column of the only row, which is then done with; RC_END: there is no row. */
enum rc one_number(struct sqlite *self, enum statement which, uint64_t *ret)
{
    const enum rc rc = db_row(&self->db, self->statements[which]);

    if (rc == RC_OK) {
        *ret = db_column_number(self->statements[which], 0);
        db_done(self->statements[which]);
    }
    return rc;
}

static enum rc sqlite_last_stream(struct backend *base, stream_id *ret)
{
    uint64_t id = 0;
    const enum rc rc = one_number(sqlite_of(base), LAST_STREAM, &id);

    if (rc == RC_OK)
        *ret = (stream_id){(uint32_t)id};
    return rc == RC_END ? RC_STORE : rc;
}

static enum rc sqlite_find_stream(struct backend *base, enum stream_unique by, struct span value,
                                  stream_id *ret)
{
    struct sqlite *self = sqlite_of(base);
    const enum statement which = by == BY_NAME ? FIND_BY_NAME : FIND_BY_SKELETON;
    uint64_t id = 0;
    enum rc rc;

    db_bind_text(self->statements[which], 1, value);
    rc = one_number(self, which, &id);
    if (rc == RC_OK)
        *ret = (stream_id){(uint32_t)id};
    return rc;
}

enum rc keep_text(struct sqlite *self, char *buffer, size_t least, size_t most, struct span text,
                  struct span *ret)
{
    if (text.len < least || text.len > most) {
        snprintf(self->base.why, sizeof(self->base.why),
                 "%s: the log is damaged: a text has %zu bytes, expected %zu to %zu", self->db.path,
                 text.len, least, most);
        return RC_STORE;
    }
    if (text.len > 0)
        memcpy(buffer, text.ptr, text.len);
    *ret = (struct span){buffer, text.len};
    return RC_OK;
}

enum rc read_stream(struct sqlite *self, sqlite3_stmt *row, struct stream_row *ret)
{
    enum rc rc;

    *ret = (struct stream_row){.id = {(uint32_t)db_column_number(row, 0)},
                               .epoch = (uint32_t)db_column_number(row, 4),
                               .role = (enum role)db_column_number(row, 5),
                               .modes = (uint32_t)db_column_number(row, 6),
                               .open_from = db_column_number(row, 8),
                               .keep_s = (uint32_t)db_column_number(row, 9)};
    rc = keep_text(self, self->name, 2, sizeof(self->name), db_column_text(row, 1), &ret->name);
    if (rc == RC_OK)
        rc = keep_text(self, self->skeleton, 2, sizeof(self->skeleton), db_column_text(row, 2),
                       &ret->skeleton);
    if (rc == RC_OK)
        rc = keep_text(self, self->topic, 0, sizeof(self->topic), db_column_text(row, 7),
                       &ret->topic);
    if (rc == RC_OK)
        rc = db_column_bytes(&self->db, row, 3, ret->stream_key, sizeof(ret->stream_key));
    return rc;
}

static enum rc sqlite_get_stream(struct backend *base, stream_id id, struct stream_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_STREAM];
    enum rc rc;

    db_bind_number(statement, 1, id.v);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    rc = read_stream(self, statement, ret);
    db_done(statement);
    return rc;
}

static void bind_stream(sqlite3_stmt *statement, const struct stream_row *row)
{
    db_bind_number(statement, 1, row->id.v);
    db_bind_bytes(statement, 4, row->stream_key, sizeof(row->stream_key));
    db_bind_number(statement, 5, row->epoch);
    db_bind_number(statement, 6, row->role);
    db_bind_number(statement, 7, row->modes);
    db_bind_text(statement, 8, row->topic);
    db_bind_number(statement, 9, row->open_from);
    db_bind_number(statement, 10, row->keep_s);
}

static enum rc sqlite_add_stream(struct backend *base, const struct stream_row *row)
{
    struct sqlite *self = sqlite_of(base);
    enum rc rc;

    bind_stream(self->statements[ADD_STREAM], row);
    db_bind_text(self->statements[ADD_STREAM], 2, row->name);
    db_bind_text(self->statements[ADD_STREAM], 3, row->skeleton);
    rc = run(self, ADD_STREAM);
    if (rc != RC_OK)
        return rc;
    db_bind_number(self->statements[ADD_PLACE], 1, row->id.v);
    return run(self, ADD_PLACE);
}

static enum rc sqlite_put_stream(struct backend *base, const struct stream_row *row)
{
    struct sqlite *self = sqlite_of(base);

    bind_stream(self->statements[PUT_STREAM], row);
    return run(self, PUT_STREAM);
}

static enum rc sqlite_get_place(struct backend *base, stream_id stream, struct place_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_PLACE];
    enum rc rc;

    db_bind_number(statement, 1, stream.v);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret = (struct place_row){.stream = stream,
                              .head = db_column_number(statement, 0),
                              .confirmed = db_column_number(statement, 1),
                              .ts_ms = db_column_number(statement, 2)};
    db_done(statement);
    return RC_OK;
}

static enum rc sqlite_put_place(struct backend *base, const struct place_row *row)
{
    deferred_place(&sqlite_of(base)->deferred, row);
    return RC_OK;
}

/* --- sessions and events ------------------------------------------------------------- */

static enum rc sqlite_get_session(struct backend *base, session_id id, struct session_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_SESSION];
    enum rc rc;

    db_bind_number(statement, 1, id.v);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret = (struct session_row){.id = id,
                                .account = {(uint32_t)db_column_number(statement, 0)},
                                .last = (uint32_t)db_column_number(statement, 1),
                                .entry = db_column_number(statement, 2)};
    db_done(statement);
    return RC_OK;
}

static enum rc sqlite_put_session(struct backend *base, const struct session_row *row)
{
    deferred_session(&sqlite_of(base)->deferred, row);
    return RC_OK;
}

static enum rc sqlite_add_event(struct backend *base, const struct event_row *row)
{
    struct sqlite *self = sqlite_of(base);

    deferred_event(&self->deferred, row);
    return self->deferred.events.count < EVENTS_HELD_MAX ? RC_OK : sqlite_write_events(self);
}

static enum rc sqlite_get_event(struct backend *base, uint64_t entry, struct event_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_EVENT];
    enum rc rc = sqlite_write_events(self);

    if (rc != RC_OK)
        return rc;
    db_bind_number(statement, 1, entry);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret = (struct event_row){.entry = entry,
                              .ts_ms = db_column_number(statement, 0),
                              .sender = {(uint32_t)db_column_number(statement, 1)},
                              .own_seq = db_column_number(statement, 2),
                              .refusal = (enum rc)db_column_number(statement, 3),
                              .prev = db_column_number(statement, 4)};
    db_done(statement);
    return RC_OK;
}

static enum rc sqlite_get_senders(struct backend *base, stream_id stream, uint64_t first,
                                  uint64_t last, struct sender_row *ret, size_t max,
                                  size_t *ret_count)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_SENDERS];
    size_t count = 0;
    enum rc rc = sqlite_write_events(self);

    if (rc != RC_OK)
        return rc;
    db_bind_number(statement, 1, entry_of(stream, first));
    db_bind_number(statement, 2, entry_of(stream, last));
    db_bind_number(statement, 3, max);
    while (count < max && (rc = db_row(&self->db, statement)) != RC_END) {
        if (rc != RC_OK)
            return rc;
        ret[count++] = (struct sender_row){.seq = entry_seq(db_column_number(statement, 0)),
                                           .sender = {(uint32_t)db_column_number(statement, 1)}};
    }
    db_done(statement);
    *ret_count = count;
    return RC_OK;
}

/* --- marks --------------------------------------------------------------------------- */

static void bind_mark(sqlite3_stmt *statement, stream_id account, struct span name,
                      stream_id stream)
{
    db_bind_number(statement, 1, account.v);
    db_bind_text(statement, 2, name);
    db_bind_number(statement, 3, stream.v);
}

static enum rc sqlite_get_mark(struct backend *base, stream_id account, struct span name,
                               stream_id stream, uint64_t *ret_seq)
{
    struct sqlite *self = sqlite_of(base);

    bind_mark(self->statements[GET_MARK], account, name, stream);
    return one_number(self, GET_MARK, ret_seq);
}

static enum rc sqlite_put_mark(struct backend *base, stream_id account, struct span name,
                               stream_id stream, uint64_t seq)
{
    struct sqlite *self = sqlite_of(base);

    bind_mark(self->statements[PUT_MARK], account, name, stream);
    db_bind_number(self->statements[PUT_MARK], 4, seq);
    return run(self, PUT_MARK);
}

static enum rc sqlite_count_marks(struct backend *base, stream_id account, size_t *ret)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t count = 0;
    enum rc rc;

    db_bind_number(self->statements[COUNT_MARKS], 1, account.v);
    rc = one_number(self, COUNT_MARKS, &count);
    *ret = count;
    return rc;
}

static enum rc sqlite_get_chat(struct backend *base, uint64_t *ret)
{
    return one_number(sqlite_of(base), GET_CHAT, ret);
}

static enum rc sqlite_put_chat(struct backend *base, uint64_t chat)
{
    struct sqlite *self = sqlite_of(base);

    db_bind_number(self->statements[PUT_CHAT], 1, chat);
    return run(self, PUT_CHAT);
}

void sqlite_log_calls(struct backend_calls *calls)
{
    calls->last_stream = sqlite_last_stream;
    calls->find_stream = sqlite_find_stream;
    calls->get_stream = sqlite_get_stream;
    calls->add_stream = sqlite_add_stream;
    calls->put_stream = sqlite_put_stream;
    calls->get_place = sqlite_get_place;
    calls->put_place = sqlite_put_place;
    calls->get_session = sqlite_get_session;
    calls->put_session = sqlite_put_session;
    calls->add_event = sqlite_add_event;
    calls->get_event = sqlite_get_event;
    calls->get_senders = sqlite_get_senders;
    calls->get_mark = sqlite_get_mark;
    calls->put_mark = sqlite_put_mark;
    calls->count_marks = sqlite_count_marks;
    calls->get_chat = sqlite_get_chat;
    calls->put_chat = sqlite_put_chat;
}
