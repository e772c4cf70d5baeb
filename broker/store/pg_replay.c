/* pg_replay.c - all records from PostgreSQL, for a core that begins. */
#include "broker/store/pg_rows.h"
#include "broker/store/record_of.h"

struct replaying {
    struct pg *pg;
    enum rc (*tell)(struct pg *self, struct record *ret); /* of the one row */
    store_on_record *on_record;
    void *context;
};

static enum rc tell_stream(struct pg *self, struct record *ret)
{
    struct stream_row stream;
    const enum rc rc = pg_read_stream(self, 0, &stream);

    if (rc != RC_OK)
        return rc;
    *ret = record_of_stream(&stream);
    ret->head = pg_number(&self->db, 0, 10);
    ret->confirmed = pg_number(&self->db, 0, 11);
    ret->absent = pg_number(&self->db, 0, 12);
    ret->absent_last = pg_number(&self->db, 0, 13);
    return RC_OK;
}

static enum rc tell_device(struct pg *self, struct record *ret)
{
    struct device_row device;
    const enum rc rc = pg_read_device(self, 0, &device);

    if (rc != RC_OK)
        return rc;
    *ret = record_of_device(&device);
    return RC_OK;
}

static enum rc tell_standing(struct pg *self, struct record *ret)
{
    *ret = (struct record){.kind = RECORD_STANDING,
                           .stream = {(uint32_t)pg_number(&self->db, 0, 4)},
                           .member = {(uint32_t)pg_number(&self->db, 0, 5)},
                           .standing = pg_read_standing(self, 0)};
    return RC_OK;
}

static enum rc tell_key_ban(struct pg *self, struct record *ret)
{
    *ret = (struct record){.kind = RECORD_KEY_BAN,
                           .stream = {(uint32_t)pg_number(&self->db, 0, 0)},
                           .until_ms = pg_number(&self->db, 0, 2)};
    return pg_key(&self->db, 0, 1, ret->key, sizeof(ret->key));
}

static enum rc tell_row(void *context)
{
    const struct replaying *self = context;
    struct record record;
    const enum rc rc = self->tell(self->pg, &record);

    if (rc == RC_OK)
        self->on_record(self->context, &record);
    return rc;
}

/* In one view, so that what other brokers do is either in it or behind the turn that it stands at. */
static enum rc pg_replay(struct backend *base, store_on_record *on_record, void *context)
{
    static const struct {
        enum statement all;
        enum rc (*tell)(struct pg *self, struct record *ret);
    } kinds[] = {{ALL_STREAMS, tell_stream},
                 {ALL_DEVICES, tell_device},
                 {ALL_STANDINGS, tell_standing},
                 {ALL_KEY_BANS, tell_key_ban}};
    struct pg *self = pg_of(base);
    enum rc rc = pg_queue(&self->db, SNAPSHOT, NULL);

    if (rc == RC_OK)
        rc = pg_ask(&self->db, LOOK, NULL);
    if (rc != RC_OK)
        return RC_STORE;
    pg_take_meta(self);
    self->base.sharing.heard = self->turns;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct replaying replaying = {self, kinds[i].tell, on_record, context};

        if (pg_each(&self->db, kinds[i].all, NULL, tell_row, &replaying) != RC_OK)
            return RC_STORE;
    }
    rc = pg_queue(&self->db, COMMIT, NULL);
    return rc == RC_OK ? pg_settle(&self->db) : rc;
}

void pg_replay_calls(struct backend_calls *calls)
{
    calls->replay = pg_replay;
}
