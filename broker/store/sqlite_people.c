/* sqlite_people.c - devices, standings, bans and invitations on disk. */
#include "broker/store/sqlite_rows.h"

static enum rc count(struct sqlite *self, enum statement which, stream_id account, size_t *ret)
{
    uint64_t number = 0;
    enum rc rc;

    db_bind_number(self->statements[which], 1, account.v);
    rc = one_number(self, which, &number);
    *ret = number;
    return rc;
}

static enum rc run_for(struct sqlite *self, enum statement which, uint64_t number)
{
    db_bind_number(self->statements[which], 1, number);
    return run(self, which);
}

/* --- devices ------------------------------------------------------------------------- */

enum rc read_device(struct sqlite *self, sqlite3_stmt *row, struct device_row *ret)
{
    const enum rc rc = db_column_bytes(&self->db, row, 0, ret->key, sizeof(ret->key));

    ret->account = (stream_id){(uint32_t)db_column_number(row, 1)};
    ret->ts_ms = db_column_number(row, 3);
    ret->is_revoked = db_column_number(row, 4) != 0;
    return rc == RC_OK ? keep_text(self, self->label, 0, sizeof(self->label),
                                   db_column_text(row, 2), &ret->label)
                       : rc;
}

static enum rc sqlite_get_device(struct backend *base, const unsigned char *key,
                                 struct device_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_DEVICE];
    enum rc rc;

    db_bind_bytes(statement, 1, key, PUBLIC_KEY_BYTES);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    rc = read_device(self, statement, ret);
    db_done(statement);
    return rc;
}

static enum rc sqlite_add_device(struct backend *base, const struct device_row *row)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[ADD_DEVICE];

    db_bind_bytes(statement, 1, row->key, sizeof(row->key));
    db_bind_number(statement, 2, row->account.v);
    db_bind_text(statement, 3, row->label);
    db_bind_number(statement, 4, row->ts_ms);
    db_bind_number(statement, 5, row->is_revoked);
    return run(self, ADD_DEVICE);
}

static enum rc sqlite_revoke_device(struct backend *base, const unsigned char *key)
{
    struct sqlite *self = sqlite_of(base);

    db_bind_bytes(self->statements[REVOKE_DEVICE], 1, key, PUBLIC_KEY_BYTES);
    return run(self, REVOKE_DEVICE);
}

static enum rc sqlite_revoke_devices(struct backend *base, stream_id account)
{
    return run_for(sqlite_of(base), REVOKE_DEVICES, account.v);
}

static enum rc sqlite_count_devices(struct backend *base, stream_id account, size_t *ret)
{
    return count(sqlite_of(base), COUNT_DEVICES, account, ret);
}

/* --- standings ----------------------------------------------------------------------- */

struct standing read_standing(sqlite3_stmt *row)
{
    return (struct standing){.flags = (uint32_t)db_column_number(row, 0),
                             .since = db_column_number(row, 1),
                             .banned_until_ms = db_column_number(row, 2),
                             .muted_until_ms = db_column_number(row, 3)};
}

static void bind_pair(sqlite3_stmt *statement, stream_id one, stream_id other)
{
    db_bind_number(statement, 1, one.v);
    db_bind_number(statement, 2, other.v);
}

static enum rc sqlite_get_standing(struct backend *base, stream_id stream, stream_id account,
                                   struct standing *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_STANDING];
    enum rc rc;

    bind_pair(statement, stream, account);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret = read_standing(statement);
    db_done(statement);
    return RC_OK;
}

static enum rc sqlite_put_standing(struct backend *base, stream_id stream, stream_id account,
                                   const struct standing *standing)
{
    struct sqlite *self = sqlite_of(base);
    const bool is_none =
        standing->flags == 0 && standing->banned_until_ms == 0 && standing->muted_until_ms == 0;
    const enum statement which = is_none ? DROP_STANDING : PUT_STANDING;
    sqlite3_stmt *statement = self->statements[which];

    bind_pair(statement, stream, account);
    if (!is_none) {
        db_bind_number(statement, 3, standing->flags);
        db_bind_number(statement, 4, standing->since);
        db_bind_number(statement, 5, standing->banned_until_ms);
        db_bind_number(statement, 6, standing->muted_until_ms);
    }
    return run(self, which);
}

static enum rc sqlite_has_members(struct backend *base, stream_id room)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t one;

    db_bind_number(self->statements[HAS_MEMBERS], 1, room.v);
    return one_number(self, HAS_MEMBERS, &one);
}

static enum rc sqlite_other_owner(struct backend *base, stream_id account, uint64_t now_ms)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t one;

    db_bind_number(self->statements[OTHER_OWNER], 1, account.v);
    db_bind_number(self->statements[OTHER_OWNER], 2, now_ms);
    return one_number(self, OTHER_OWNER, &one);
}

static enum rc sqlite_next_private_room(struct backend *base, stream_id account, stream_id after,
                                        stream_id *ret)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t id = 0;
    enum rc rc;

    bind_pair(self->statements[NEXT_PRIVATE_ROOM], account, after);
    rc = one_number(self, NEXT_PRIVATE_ROOM, &id);
    if (rc == RC_OK)
        *ret = (stream_id){(uint32_t)id};
    return rc;
}

/* --- key bans ------------------------------------------------------------------------ */

static void bind_key(sqlite3_stmt *statement, stream_id stream, const unsigned char *key)
{
    db_bind_number(statement, 1, stream.v);
    db_bind_bytes(statement, 2, key, PUBLIC_KEY_BYTES);
}

static enum rc sqlite_get_key_ban(struct backend *base, stream_id stream, const unsigned char *key,
                                  uint64_t *ret_until_ms)
{
    struct sqlite *self = sqlite_of(base);

    bind_key(self->statements[GET_KEY_BAN], stream, key);
    return one_number(self, GET_KEY_BAN, ret_until_ms);
}

static enum rc sqlite_put_key_ban(struct backend *base, stream_id stream, const unsigned char *key,
                                  uint64_t until_ms)
{
    struct sqlite *self = sqlite_of(base);
    const enum statement which = until_ms == 0 ? DROP_KEY_BAN : PUT_KEY_BAN;

    bind_key(self->statements[which], stream, key);
    if (until_ms != 0)
        db_bind_number(self->statements[which], 3, until_ms);
    return run(self, which);
}

static enum rc sqlite_drop_standings(struct backend *base, stream_id room)
{
    struct sqlite *self = sqlite_of(base);
    const enum rc rc = run_for(self, DROP_STANDINGS, room.v);

    return rc == RC_OK ? run_for(self, DROP_KEY_BANS, room.v) : rc;
}

/* --- invitations --------------------------------------------------------------------- */

static enum rc sqlite_get_invitation(struct backend *base, const unsigned char *hash,
                                     struct invitation_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_INVITATION];
    enum rc rc;

    db_bind_bytes(statement, 1, hash, INVITATION_HASH_BYTES);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret = (struct invitation_row){.maker = {(uint32_t)db_column_number(statement, 0)},
                                   .role = (enum role)db_column_number(statement, 1),
                                   .is_device = db_column_number(statement, 3) != 0,
                                   .until_ms = db_column_number(statement, 5)};
    memcpy(ret->hash, hash, sizeof(ret->hash));
    rc = keep_text(self, self->nick, 0, sizeof(self->nick), db_column_text(statement, 2),
                   &ret->nick);
    if (rc == RC_OK)
        rc = keep_text(self, self->label, 0, sizeof(self->label), db_column_text(statement, 4),
                       &ret->label);
    db_done(statement);
    return rc;
}

static enum rc sqlite_add_invitation(struct backend *base, const struct invitation_row *row)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[ADD_INVITATION];

    db_bind_bytes(statement, 1, row->hash, sizeof(row->hash));
    db_bind_number(statement, 2, row->maker.v);
    db_bind_number(statement, 3, row->role);
    db_bind_text(statement, 4, row->nick);
    db_bind_number(statement, 5, row->is_device);
    db_bind_text(statement, 6, row->label);
    db_bind_number(statement, 7, row->until_ms);
    return run(self, ADD_INVITATION);
}

static enum rc sqlite_drop_invitation(struct backend *base, const unsigned char *hash)
{
    struct sqlite *self = sqlite_of(base);

    db_bind_bytes(self->statements[DROP_INVITATION], 1, hash, INVITATION_HASH_BYTES);
    return run(self, DROP_INVITATION);
}

static enum rc sqlite_drop_invitations_of(struct backend *base, stream_id maker)
{
    return run_for(sqlite_of(base), DROP_INVITATIONS_OF, maker.v);
}

static enum rc sqlite_drop_invitations_over(struct backend *base, uint64_t now_ms)
{
    return run_for(sqlite_of(base), DROP_INVITATIONS_OVER, now_ms);
}

static enum rc sqlite_count_invitations(struct backend *base, stream_id maker, size_t *ret)
{
    return count(sqlite_of(base), COUNT_INVITATIONS, maker, ret);
}

void sqlite_people_calls(struct backend_calls *calls)
{
    calls->get_device = sqlite_get_device;
    calls->add_device = sqlite_add_device;
    calls->revoke_device = sqlite_revoke_device;
    calls->revoke_devices = sqlite_revoke_devices;
    calls->count_devices = sqlite_count_devices;
    calls->other_owner = sqlite_other_owner;
    calls->get_standing = sqlite_get_standing;
    calls->put_standing = sqlite_put_standing;
    calls->has_members = sqlite_has_members;
    calls->next_private_room = sqlite_next_private_room;
    calls->get_key_ban = sqlite_get_key_ban;
    calls->put_key_ban = sqlite_put_key_ban;
    calls->drop_standings = sqlite_drop_standings;
    calls->get_invitation = sqlite_get_invitation;
    calls->add_invitation = sqlite_add_invitation;
    calls->drop_invitation = sqlite_drop_invitation;
    calls->drop_invitations_of = sqlite_drop_invitations_of;
    calls->drop_invitations_over = sqlite_drop_invitations_over;
    calls->count_invitations = sqlite_count_invitations;
}
