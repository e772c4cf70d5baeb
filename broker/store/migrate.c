#include "broker/store/migrate_ends.h"

const struct migrate_table MIGRATE_TABLES[TABLE_COUNT] = {
    [TABLE_STREAM] = {"stream",
                      "id, name, skeleton, stream_key, epoch, role, modes, topic, open_from, keep",
                      "nttbnnntnn", "id"},
    [TABLE_PLACE] = {"place", "stream, head, confirmed, ts", "nnnn", "stream"},
    [TABLE_SESSION] = {"session", "id, account, last, entry", "nnnn", "id"},
    [TABLE_DEVICE] = {"device", "id, key, account, label, ts, is_revoked", "nbntnn", "id"},
    {"standing", "stream, account, flags, since, banned_until, muted_until", "nnnnnn",
     "stream, account"},
    {"key_ban", "stream, key, until", "nbn", "stream, key"},
    {"invitation", "token_hash, maker, role, nick, is_device, label, until", "bnntntn",
     "token_hash"},
    {"mark", "account, name, stream, seq", "ntnn", "account, name, stream"},
    {"hole", "stream, first, last", "nnn", "stream, first"},
    [TABLE_EVENT] = {"event", "id, ts, sender, own_seq, refusal, prev, wire", "nnnnnnb", "id"},
};

struct moving {
    struct migrate_end *to;
    size_t table;
    uint64_t rows[TABLE_COUNT];
};

static enum rc move_row(void *context, const struct cell *cells)
{
    struct moving *self = context;

    self->rows[self->table]++;
    return self->to->calls->put(self->to, self->table, cells);
}

static enum rc move_all(struct migrate_end *from, struct migrate_end *to, struct migrate_done *ret)
{
    struct moving moving = {.to = to};
    enum rc rc = RC_OK;

    for (; moving.table < TABLE_COUNT && rc == RC_OK; moving.table++)
        rc = from->calls->each(from, moving.table, move_row, &moving);
    if (rc == RC_OK)
        rc = to->calls->finish(to);
    if (rc == RC_OK)
        *ret = (struct migrate_done){.streams = moving.rows[TABLE_STREAM] - 1, /* 0 is nobody's */
                                     .sessions = moving.rows[TABLE_SESSION],
                                     .events = moving.rows[TABLE_EVENT]};
    return rc;
}

enum rc store_migrate(const struct migrate_place *from, const struct migrate_place *to,
                      struct migrate_done *ret, char why[static MIGRATE_WHY_BYTES])
{
    struct migrate_end *source = NULL, *target = NULL;
    enum rc rc = from->folder != NULL ? migrate_from_sqlite(from->folder, why, &source)
                                      : migrate_from_pg(from->url, why, &source);

    if (rc == RC_OK)
        rc = to->folder != NULL ? migrate_to_sqlite(to->folder, why, &target)
                                : migrate_to_pg(to->url, why, &target);
    if (rc == RC_OK)
        rc = move_all(source, target, ret);
    if (target != NULL)
        target->calls->close(target);
    if (source != NULL)
        source->calls->close(source);
    return rc == RC_OK || rc == RC_EXISTS || rc == RC_DISK_FULL ? rc : RC_FAILED;
}
