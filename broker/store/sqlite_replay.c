/* sqlite_replay.c - all records from disk, for a core that begins. */
#include "broker/store/record_of.h"
#include "broker/store/sqlite_rows.h"

static enum rc tell_stream(struct sqlite *self, sqlite3_stmt *row, struct record *ret)
{
    struct stream_row stream;
    const enum rc rc = read_stream(self, row, &stream);

    if (rc != RC_OK)
        return rc;
    *ret = record_of_stream(&stream);
    ret->head = db_column_number(row, 10);
    ret->confirmed = db_column_number(row, 11);
    ret->absent = db_column_number(row, 12);
    ret->absent_last = db_column_number(row, 13);
    return RC_OK;
}

static enum rc tell_device(struct sqlite *self, sqlite3_stmt *row, struct record *ret)
{
    struct device_row device;
    const enum rc rc = read_device(self, row, &device);

    if (rc != RC_OK)
        return rc;
    *ret = record_of_device(&device);
    return RC_OK;
}

static enum rc tell_standing(struct sqlite *self, sqlite3_stmt *row, struct record *ret)
{
    (void)self;
    *ret = (struct record){.kind = RECORD_STANDING,
                           .stream = {(uint32_t)db_column_number(row, 4)},
                           .member = {(uint32_t)db_column_number(row, 5)},
                           .standing = read_standing(row)};
    return RC_OK;
}

static enum rc tell_key_ban(struct sqlite *self, sqlite3_stmt *row, struct record *ret)
{
    *ret = (struct record){.kind = RECORD_KEY_BAN,
                           .stream = {(uint32_t)db_column_number(row, 0)},
                           .until_ms = db_column_number(row, 2)};
    return db_column_bytes(&self->db, row, 1, ret->key, sizeof(ret->key));
}

static enum rc sqlite_replay(struct backend *base, store_on_record *on_record, void *context)
{
    static const struct {
        enum statement all;
        enum rc (*tell)(struct sqlite *self, sqlite3_stmt *row, struct record *ret);
    } kinds[] = {{ALL_STREAMS, tell_stream},
                 {ALL_DEVICES, tell_device},
                 {ALL_STANDINGS, tell_standing},
                 {ALL_KEY_BANS, tell_key_ban}};
    struct sqlite *self = sqlite_of(base);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        sqlite3_stmt *statement = self->statements[kinds[i].all];
        struct record record;
        enum rc rc;

        while ((rc = db_row(&self->db, statement)) == RC_OK) {
            rc = kinds[i].tell(self, statement, &record);
            if (rc != RC_OK)
                break;
            on_record(context, &record);
        }
        db_done(statement);
        if (rc != RC_END)
            return RC_STORE;
    }
    return RC_OK;
}

void sqlite_replay_calls(struct backend_calls *calls)
{
    calls->replay = sqlite_replay;
}
