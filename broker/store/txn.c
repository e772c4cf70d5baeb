#include "broker/store/txn.h"

#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

/* The answers to a session's last numbers. Each links to the one before, so they are
 * read from the newest back, and only as far as somebody asked. */
struct answers {
    struct event_row item[POST_WINDOW]; /* of number n: [n % POST_WINDOW] */
    uint32_t least;                     /* the oldest number that is read */
    uint64_t entry;                     /* where the one before it lies; 0: nowhere */
};

/* Rows that are remembered over commits, some hundred bytes each; when there are more, all are read again. */
#define KEPT_MAX 16384

void txn_init(struct txn *self, struct backend *backend, struct arena *arena)
{
    *self = (struct txn){.backend = backend, .arena = arena, .own = arena, .is_fresh = true};
    map_init_ours(&self->places);
    map_init(&self->sessions);
    map_init_ours(&self->stands);
}

void txn_fini(struct txn *self)
{
    map_fini(&self->places);
    map_fini(&self->sessions);
    map_fini(&self->stands);
    arena_fini(&self->kept);
}

void txn_forget(struct txn *self)
{
    map_clear(&self->places);
    map_clear(&self->sessions);
    map_clear(&self->stands);
    arena_clear(&self->kept);
    self->kept_count = 0;
    self->is_fresh = true;
}

static void *keep(struct txn *self, size_t size_bytes)
{
    self->kept_count++;
    return arena_alloc(&self->kept, size_bytes);
}

enum rc txn_begin(struct txn *self, enum txn_space space)
{
    arena_clear(self->own);
    if (self->is_open || self->kept_count > KEPT_MAX)
        txn_forget(self);
    self->changed_places = NULL;
    self->changed_sessions = NULL;
    self->space = space;
    self->is_open = true;
    self->number++;

    enum rc rc = self->backend->calls->begin(self->backend);
    if (rc == RC_OK && self->backend->has_others)
        txn_forget(self);
    if (rc == RC_OK && self->is_fresh)
        rc = self->backend->calls->last_stream(self->backend, &self->last_stream);
    self->is_fresh = self->is_fresh && rc != RC_OK;
    return rc;
}

void txn_lend(struct txn *self, struct arena *arena)
{
    self->arena = arena != NULL ? arena : self->own;
}

enum rc txn_needed(struct txn *self, enum rc rc, const char *what)
{
    if (rc != RC_END)
        return rc;
    snprintf(self->backend->why, sizeof(self->backend->why), "the log is damaged: a %s is missing",
             what);
    return RC_STORE;
}

/* What is remembered is what is in the log now. */
static void settle(struct txn *self)
{
    for (struct place *place = self->changed_places; place != NULL; place = place->next_changed)
        place->is_changed = false;
    for (struct session *session = self->changed_sessions; session != NULL;
         session = session->next_changed)
        session->is_changed = false;
    self->is_open = false;
}

enum rc txn_commit(struct txn *self)
{
    for (struct place *place = self->changed_places; place != NULL; place = place->next_changed) {
        const enum rc rc = self->backend->calls->put_place(self->backend, &place->row);

        if (rc != RC_OK)
            return rc;
    }
    for (struct session *session = self->changed_sessions; session != NULL;
         session = session->next_changed) {
        const enum rc rc = self->backend->calls->put_session(self->backend, &session->row);

        if (rc != RC_OK)
            return rc;
    }

    const enum rc rc = self->backend->calls->commit(self->backend);
    if (rc == RC_OK)
        settle(self);
    return rc;
}

enum rc txn_place(struct txn *self, stream_id stream, struct place **ret)
{
    struct place *place = map_get(&self->places, stream.v);

    if (place == NULL) {
        struct place_row row;
        const enum rc rc = self->backend->calls->get_place(self->backend, stream, &row);

        if (rc != RC_OK)
            return rc;
        place = keep(self, sizeof(*place));
        place->row = row;
        map_put(&self->places, stream.v, place);
    }
    *ret = place;
    return RC_OK;
}

void txn_place_changed(struct txn *self, struct place *place)
{
    if (!place->is_changed) {
        place->is_changed = true;
        place->next_changed = self->changed_places;
        self->changed_places = place;
    }
}

enum rc txn_session(struct txn *self, session_id id, struct session **ret)
{
    struct session *session = map_get(&self->sessions, id.v);

    if (session == NULL) {
        struct session_row row = {.id = id};
        const enum rc rc = self->backend->calls->get_session(self->backend, id, &row);

        if (rc != RC_OK && rc != RC_END)
            return rc;
        session = keep(self, sizeof(*session));
        session->row = row;
        map_put(&self->sessions, id.v, session);
    }
    *ret = session;
    return RC_OK;
}

enum rc txn_stream(struct txn *self, stream_id stream, struct stream_row *ret)
{
    const enum rc rc = self->backend->calls->get_stream(self->backend, stream, ret);

    if (rc != RC_OK)
        return rc;
    ret->name = arena_copy(self->arena, ret->name);
    ret->skeleton = arena_copy(self->arena, ret->skeleton);
    ret->topic = arena_copy(self->arena, ret->topic);
    return RC_OK;
}

static enum rc find_stand(struct txn *self, stream_id stream, stream_id account,
                          struct standing **ret)
{
    const uint64_t key = (uint64_t)stream.v << 32 | account.v;
    struct standing *stand = map_get(&self->stands, key);

    if (stand == NULL) {
        struct standing standing = {0};
        const enum rc rc =
            self->backend->calls->get_standing(self->backend, stream, account, &standing);

        if (rc != RC_OK && rc != RC_END)
            return rc;
        stand = keep(self, sizeof(*stand));
        *stand = standing;
        map_put(&self->stands, key, stand);
    }
    *ret = stand;
    return RC_OK;
}

enum rc txn_standing(struct txn *self, stream_id stream, stream_id account,
                     const struct standing **ret)
{
    struct standing *stand = NULL;
    const enum rc rc = find_stand(self, stream, account, &stand);

    if (rc == RC_OK)
        *ret = stand;
    return rc;
}

enum rc txn_set_standing(struct txn *self, stream_id stream, stream_id account,
                         const struct standing *standing)
{
    struct standing *stand;
    const enum rc rc = find_stand(self, stream, account, &stand);

    if (rc != RC_OK)
        return rc;
    *stand = *standing;
    return self->backend->calls->put_standing(self->backend, stream, account, standing);
}

enum rc txn_drop_standings(struct txn *self, stream_id room)
{
    map_clear(&self->stands);
    return self->backend->calls->drop_standings(self->backend, room);
}

static struct span encode(struct txn *self, const struct message *event)
{
    const size_t most = EVENT_BYTES_BESIDE_STRINGS + event->stream.len + event->type.len +
                        event->from.len + event->to.len + event->text.len + event->kind.len +
                        event->room.len;
    struct wire_buf buf = {.data = arena_reserve(self->arena, most), .capacity = most};
    const enum rc rc = wire_write(&buf, event);

    INVARIANT(rc == RC_OK);
    arena_keep(self->arena, buf.len);
    return (struct span){buf.data, buf.len};
}

enum rc txn_append(struct txn *self, struct place *place, struct span stream_name,
                   struct message *event, struct event_row *row, struct appended *ret)
{
    const uint64_t seq = place->row.head + 1;

    if (event->ts < place->row.ts_ms)
        event->ts = place->row.ts_ms;
    message_set(event, STREAM, stream, stream_name);
    message_set(event, SEQ, seq, seq);
    row->entry = entry_of(place->row.stream, seq);
    row->ts_ms = event->ts;
    row->wire = encode(self, event);

    const enum rc rc = self->backend->calls->add_event(self->backend, row);
    if (rc != RC_OK)
        return rc;
    place->row.head = seq;
    place->row.ts_ms = event->ts;
    txn_place_changed(self, place);
    *ret = (struct appended){place->row.stream, seq, event->ts, row->wire};
    return RC_OK;
}

void txn_use_number(struct txn *self, struct session *session, stream_id account,
                    const struct event_row *row)
{
    session->row.account = account;
    session->row.last++;
    session->row.entry = row->entry;
    if (session->answers_of == self->number)
        session->answers->item[session->row.last % POST_WINDOW] = *row;
    if (!session->is_changed) {
        session->is_changed = true;
        session->next_changed = self->changed_sessions;
        self->changed_sessions = session;
    }
}

enum rc txn_answer(struct txn *self, struct session *session, uint32_t number,
                   struct event_row *ret)
{
    INVARIANT(number >= 1 && number <= session->row.last);
    if (session->row.last - number >= POST_WINDOW)
        return RC_END;
    if (session->answers_of != self->number) {
        session->answers = arena_alloc(self->arena, sizeof(*session->answers));
        session->answers_of = self->number;
        session->answers->least = session->row.last + 1;
        session->answers->entry = session->row.entry;
    }

    struct answers *answers = session->answers;
    while (answers->least > number) {
        struct event_row row;
        enum rc rc = RC_END;

        if (answers->entry != 0)
            rc = self->backend->calls->get_event(self->backend, answers->entry, &row);
        if (rc != RC_OK)
            return rc;
        answers->least--;
        answers->item[answers->least % POST_WINDOW] = row;
        answers->entry = row.prev;
    }
    *ret = answers->item[number % POST_WINDOW];
    return RC_OK;
}
