/* pg_people.c - devices, standings, bans and invitations in PostgreSQL. */
#include "broker/store/pg_rows.h"

static enum rc count(struct pg *self, enum statement which, stream_id account, size_t *ret)
{
    struct pg_args args = {.count = 0};
    uint64_t number = 0;
    enum rc rc;

    PG_NUMBERS(&args, account.v);
    rc = pg_one_number(self, which, &args, &number);
    *ret = number;
    return rc;
}

static enum rc write_for(struct pg *self, enum statement which, uint64_t number)
{
    struct pg_args args = {.count = 0};

    PG_NUMBERS(&args, number);
    return pg_write(self, which, &args);
}

/* --- devices ------------------------------------------------------------------------- */

enum rc pg_read_device(struct pg *self, size_t row, struct device_row *ret)
{
    const enum rc rc = pg_key(&self->db, row, 0, ret->key, sizeof(ret->key));

    ret->account = (stream_id){(uint32_t)pg_number(&self->db, row, 1)};
    ret->ts_ms = pg_number(&self->db, row, 3);
    ret->is_revoked = pg_number(&self->db, row, 4) != 0;
    return rc == RC_OK ? pg_text(&self->db, row, 2, 0, MARK_NAME_BYTES_MAX, &ret->label) : rc;
}

static enum rc pg_get_device(struct backend *base, const unsigned char *key, struct device_row *ret)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc;

    pg_arg_bytes(&args, key, PUBLIC_KEY_BYTES);
    rc = pg_ask(&self->db, GET_DEVICE, &args);
    return rc == RC_OK ? pg_read_device(self, 0, ret) : rc;
}

static enum rc pg_add_device(struct backend *base, const struct device_row *row)
{
    struct pg_args args = {.count = 0};

    pg_arg_bytes(&args, row->key, sizeof(row->key));
    PG_NUMBERS(&args, row->account.v);
    pg_arg_bytes(&args, row->label.ptr, row->label.len);
    PG_NUMBERS(&args, row->ts_ms, row->is_revoked);
    return pg_write(pg_of(base), ADD_DEVICE, &args);
}

static enum rc pg_revoke_device(struct backend *base, const unsigned char *key)
{
    struct pg_args args = {.count = 0};

    pg_arg_bytes(&args, key, PUBLIC_KEY_BYTES);
    return pg_write(pg_of(base), REVOKE_DEVICE, &args);
}

static enum rc pg_revoke_devices(struct backend *base, stream_id account)
{
    return write_for(pg_of(base), REVOKE_DEVICES, account.v);
}

static enum rc pg_count_devices(struct backend *base, stream_id account, size_t *ret)
{
    return count(pg_of(base), COUNT_DEVICES, account, ret);
}

static enum rc pg_other_owner(struct backend *base, stream_id account, uint64_t now_ms)
{
    struct pg_args args = {.count = 0};

    PG_NUMBERS(&args, account.v, now_ms);
    return pg_ask(&pg_of(base)->db, OTHER_OWNER, &args);
}

/* --- standings ----------------------------------------------------------------------- */

struct standing pg_read_standing(const struct pg *self, size_t row)
{
    return (struct standing){.flags = (uint32_t)pg_number(&self->db, row, 0),
                             .since = pg_number(&self->db, row, 1),
                             .banned_until_ms = pg_number(&self->db, row, 2),
                             .muted_until_ms = pg_number(&self->db, row, 3)};
}

static enum rc pg_get_standing(struct backend *base, stream_id stream, stream_id account,
                               struct standing *ret)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc;

    PG_NUMBERS(&args, stream.v, account.v);
    rc = pg_ask(&self->db, GET_STANDING, &args);
    if (rc == RC_OK)
        *ret = pg_read_standing(self, 0);
    return rc;
}

static enum rc pg_put_standing(struct backend *base, stream_id stream, stream_id account,
                               const struct standing *standing)
{
    const bool is_none =
        standing->flags == 0 && standing->banned_until_ms == 0 && standing->muted_until_ms == 0;
    struct pg_args args = {.count = 0};

    PG_NUMBERS(&args, stream.v, account.v);
    if (!is_none)
        PG_NUMBERS(&args, standing->flags, standing->since, standing->banned_until_ms,
                   standing->muted_until_ms);
    return pg_write(pg_of(base), is_none ? DROP_STANDING : PUT_STANDING, &args);
}

static enum rc pg_has_members(struct backend *base, stream_id room)
{
    struct pg_args args = {.count = 0};

    PG_NUMBERS(&args, room.v);
    return pg_ask(&pg_of(base)->db, HAS_MEMBERS, &args);
}

static enum rc pg_next_private_room(struct backend *base, stream_id account, stream_id after,
                                    stream_id *ret)
{
    struct pg_args args = {.count = 0};
    uint64_t id = 0;
    enum rc rc;

    PG_NUMBERS(&args, account.v, after.v);
    rc = pg_one_number(pg_of(base), NEXT_PRIVATE_ROOM, &args, &id);
    if (rc == RC_OK)
        *ret = (stream_id){(uint32_t)id};
    return rc;
}

/* --- key bans ------------------------------------------------------------------------ */

static void key_args(struct pg_args *args, stream_id stream, const unsigned char *key)
{
    PG_NUMBERS(args, stream.v);
    pg_arg_bytes(args, key, PUBLIC_KEY_BYTES);
}

static enum rc pg_get_key_ban(struct backend *base, stream_id stream, const unsigned char *key,
                              uint64_t *ret_until_ms)
{
    struct pg_args args = {.count = 0};

    key_args(&args, stream, key);
    return pg_one_number(pg_of(base), GET_KEY_BAN, &args, ret_until_ms);
}

static enum rc pg_put_key_ban(struct backend *base, stream_id stream, const unsigned char *key,
                              uint64_t until_ms)
{
    struct pg_args args = {.count = 0};

    key_args(&args, stream, key);
    if (until_ms != 0)
        PG_NUMBERS(&args, until_ms);
    return pg_write(pg_of(base), until_ms == 0 ? DROP_KEY_BAN : PUT_KEY_BAN, &args);
}

static enum rc pg_drop_standings(struct backend *base, stream_id room)
{
    struct pg *self = pg_of(base);
    const enum rc rc = write_for(self, DROP_STANDINGS, room.v);

    return rc == RC_OK ? write_for(self, DROP_KEY_BANS, room.v) : rc;
}

/* --- invitations --------------------------------------------------------------------- */

static enum rc pg_get_invitation(struct backend *base, const unsigned char *hash,
                                 struct invitation_row *ret)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc;

    pg_arg_bytes(&args, hash, INVITATION_HASH_BYTES);
    rc = pg_ask(&self->db, GET_INVITATION, &args);
    if (rc != RC_OK)
        return rc;
    *ret = (struct invitation_row){.maker = {(uint32_t)pg_number(&self->db, 0, 0)},
                                   .role = (enum role)pg_number(&self->db, 0, 1),
                                   .is_device = pg_number(&self->db, 0, 3) != 0,
                                   .until_ms = pg_number(&self->db, 0, 5)};
    memcpy(ret->hash, hash, sizeof(ret->hash));
    rc = pg_text(&self->db, 0, 2, 0, NAME_BYTES_MAX, &ret->nick);
    return rc == RC_OK ? pg_text(&self->db, 0, 4, 0, MARK_NAME_BYTES_MAX, &ret->label) : rc;
}

static enum rc pg_add_invitation(struct backend *base, const struct invitation_row *row)
{
    struct pg_args args = {.count = 0};

    pg_arg_bytes(&args, row->hash, sizeof(row->hash));
    PG_NUMBERS(&args, row->maker.v, row->role);
    pg_arg_bytes(&args, row->nick.ptr, row->nick.len);
    PG_NUMBERS(&args, row->is_device);
    pg_arg_bytes(&args, row->label.ptr, row->label.len);
    PG_NUMBERS(&args, row->until_ms);
    return pg_write(pg_of(base), ADD_INVITATION, &args);
}

static enum rc pg_drop_invitation(struct backend *base, const unsigned char *hash)
{
    struct pg_args args = {.count = 0};

    pg_arg_bytes(&args, hash, INVITATION_HASH_BYTES);
    return pg_write(pg_of(base), DROP_INVITATION, &args);
}

static enum rc pg_drop_invitations_of(struct backend *base, stream_id maker)
{
    return write_for(pg_of(base), DROP_INVITATIONS_OF, maker.v);
}

static enum rc pg_drop_invitations_over(struct backend *base, uint64_t now_ms)
{
    return write_for(pg_of(base), DROP_INVITATIONS_OVER, now_ms);
}

static enum rc pg_count_invitations(struct backend *base, stream_id maker, size_t *ret)
{
    return count(pg_of(base), COUNT_INVITATIONS, maker, ret);
}

void pg_people_calls(struct backend_calls *calls)
{
    calls->get_device = pg_get_device;
    calls->add_device = pg_add_device;
    calls->revoke_device = pg_revoke_device;
    calls->revoke_devices = pg_revoke_devices;
    calls->count_devices = pg_count_devices;
    calls->other_owner = pg_other_owner;
    calls->get_standing = pg_get_standing;
    calls->put_standing = pg_put_standing;
    calls->has_members = pg_has_members;
    calls->next_private_room = pg_next_private_room;
    calls->get_key_ban = pg_get_key_ban;
    calls->put_key_ban = pg_put_key_ban;
    calls->drop_standings = pg_drop_standings;
    calls->get_invitation = pg_get_invitation;
    calls->add_invitation = pg_add_invitation;
    calls->drop_invitation = pg_drop_invitation;
    calls->drop_invitations_of = pg_drop_invitations_of;
    calls->drop_invitations_over = pg_drop_invitations_over;
    calls->count_invitations = pg_count_invitations;
}
