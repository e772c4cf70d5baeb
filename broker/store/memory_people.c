/* memory_people.c - devices, standings, bans and invitations in memory: small arrays, looked through. */
#include "broker/store/memory_rows.h"
#include "broker/store/record_of.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

/* --- devices ------------------------------------------------------------------------- */

static struct device_row *device_of(struct memory *self, const unsigned char *key)
{
    for (size_t i = 0; i < self->device_count; i++) {
        if (memcmp(self->devices[i].key, key, PUBLIC_KEY_BYTES) == 0)
            return &self->devices[i];
    }
    return NULL;
}

static enum rc memory_get_device(struct backend *base, const unsigned char *key,
                                 struct device_row *ret)
{
    const struct device_row *device = device_of(memory_of(base), key);

    if (device == NULL)
        return RC_END;
    *ret = *device;
    return RC_OK;
}

static enum rc memory_add_device(struct backend *base, const struct device_row *row)
{
    struct memory *self = memory_of(base);
    struct device_row *device;

    self->devices = x_realloc(self->devices, self->device_count + 1, sizeof(*self->devices));
    device = &self->devices[self->device_count++];
    *device = *row;
    device->label = arena_copy(&self->arena, row->label);
    return RC_OK;
}

static enum rc memory_revoke_device(struct backend *base, const unsigned char *key)
{
    struct device_row *device = device_of(memory_of(base), key);

    if (device != NULL)
        device->is_revoked = true;
    return RC_OK;
}

static enum rc memory_revoke_devices(struct backend *base, stream_id account)
{
    struct memory *self = memory_of(base);

    for (size_t i = 0; i < self->device_count; i++) {
        if (stream_equal(self->devices[i].account, account))
            self->devices[i].is_revoked = true;
    }
    return RC_OK;
}

static enum rc memory_count_devices(struct backend *base, stream_id account, size_t *ret)
{
    const struct memory *self = memory_of(base);
    size_t count = 0;

    for (size_t i = 0; i < self->device_count; i++)
        count += stream_equal(self->devices[i].account, account) && !self->devices[i].is_revoked;
    *ret = count;
    return RC_OK;
}

/* --- standings ----------------------------------------------------------------------- */

/* Where the account stands among those of the stream, or would stand. */
static size_t standing_index(const struct memory_stream *stream, stream_id account,
                             bool *ret_is_there)
{
    size_t low = 0;
    size_t high = stream->standing_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (stream->standings[middle].account.v < account.v)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_is_there =
        low < stream->standing_count && stream_equal(stream->standings[low].account, account);
    return low;
}

static enum rc memory_get_standing(struct backend *base, stream_id id, stream_id account,
                                   struct standing *ret)
{
    const struct memory_stream *stream = stream_at(memory_of(base), id);
    bool is_there;
    const size_t at = standing_index(stream, account, &is_there);

    if (!is_there)
        return RC_END;
    *ret = stream->standings[at].standing;
    return RC_OK;
}

static enum rc memory_put_standing(struct backend *base, stream_id id, stream_id account,
                                   const struct standing *standing)
{
    struct memory_stream *stream = stream_at(memory_of(base), id);
    const bool is_none =
        standing->flags == 0 && standing->banned_until_ms == 0 && standing->muted_until_ms == 0;
    bool is_there;
    const size_t at = standing_index(stream, account, &is_there);
    size_t behind;

    if (is_none && !is_there)
        return RC_OK;
    if (!is_there) {
        stream->standings =
            x_realloc(stream->standings, stream->standing_count + 1, sizeof(*stream->standings));
        behind = stream->standing_count++ - at;
        memmove(&stream->standings[at + 1], &stream->standings[at],
                behind * sizeof(*stream->standings));
    }
    stream->standings[at] = (struct memory_standing){account, *standing};
    if (is_none) {
        behind = --stream->standing_count - at;
        memmove(&stream->standings[at], &stream->standings[at + 1],
                behind * sizeof(*stream->standings));
    }
    return RC_OK;
}

static enum rc memory_has_members(struct backend *base, stream_id room)
{
    const struct memory_stream *stream = stream_at(memory_of(base), room);

    for (size_t i = 0; i < stream->standing_count; i++) {
        if (stream->standings[i].standing.flags & STAND_MEMBER)
            return RC_OK;
    }
    return RC_END;
}

static bool is_locked_out(const struct memory *self, stream_id account)
{
    bool has_devices = false;

    for (size_t i = 0; i < self->device_count; i++) {
        if (!stream_equal(self->devices[i].account, account))
            continue;
        if (!self->devices[i].is_revoked)
            return false;
        has_devices = true;
    }
    return has_devices;
}

static enum rc memory_other_owner(struct backend *base, stream_id account, uint64_t now_ms)
{
    struct memory *self = memory_of(base);

    for (uint32_t i = 1; i < self->stream_count; i++) {
        const struct stream_row *row = &self->streams[i].row;
        struct standing standing = {.flags = 0};

        if (row->role != ROLE_OWNER || i == account.v || is_locked_out(self, row->id))
            continue;
        (void)(memory_get_standing(base, REFUSED_STREAM, row->id, &standing) == RC_OK);
        if (standing.banned_until_ms <= now_ms)
            return RC_OK;
    }
    return RC_END;
}

static enum rc memory_next_private_room(struct backend *base, stream_id account, stream_id after,
                                        stream_id *ret)
{
    struct memory *self = memory_of(base);

    for (size_t i = (size_t)after.v + 1; i < self->stream_count; i++) {
        const struct memory_stream *stream = &self->streams[i];
        bool is_there;
        const size_t at = standing_index(stream, account, &is_there);

        if ((stream->row.modes & ROOM_PRIVATE) && is_there &&
            (stream->standings[at].standing.flags & STAND_MEMBER)) {
            *ret = stream->row.id;
            return RC_OK;
        }
    }
    return RC_END;
}

/* --- key bans ------------------------------------------------------------------------ */

static size_t key_ban_index(const struct memory *self, stream_id stream, const unsigned char *key,
                            bool *ret_is_there)
{
    size_t at = 0;
    int order = -1;

    for (; at < self->key_ban_count; at++) {
        const struct memory_key_ban *ban = &self->key_bans[at];

        order = ban->stream.v != stream.v ? (ban->stream.v < stream.v ? -1 : 1)
                                          : memcmp(ban->key, key, sizeof(ban->key));
        if (order >= 0)
            break;
    }
    *ret_is_there = at < self->key_ban_count && order == 0;
    return at;
}

static enum rc memory_get_key_ban(struct backend *base, stream_id stream, const unsigned char *key,
                                  uint64_t *ret_until_ms)
{
    const struct memory *self = memory_of(base);
    bool is_there;
    const size_t at = key_ban_index(self, stream, key, &is_there);

    if (!is_there)
        return RC_END;
    *ret_until_ms = self->key_bans[at].until_ms;
    return RC_OK;
}

static enum rc memory_put_key_ban(struct backend *base, stream_id stream, const unsigned char *key,
                                  uint64_t until_ms)
{
    struct memory *self = memory_of(base);
    struct memory_key_ban ban = {.stream = stream, .until_ms = until_ms};
    bool is_there;
    const size_t at = key_ban_index(self, stream, key, &is_there);
    size_t behind;

    memcpy(ban.key, key, sizeof(ban.key));
    if (until_ms == 0 && !is_there)
        return RC_OK;
    if (!is_there) {
        self->key_bans =
            x_realloc(self->key_bans, self->key_ban_count + 1, sizeof(*self->key_bans));
        behind = self->key_ban_count++ - at;
        memmove(&self->key_bans[at + 1], &self->key_bans[at], behind * sizeof(ban));
    }
    self->key_bans[at] = ban;
    if (until_ms == 0) {
        behind = --self->key_ban_count - at;
        memmove(&self->key_bans[at], &self->key_bans[at + 1], behind * sizeof(ban));
    }
    return RC_OK;
}

static enum rc memory_drop_standings(struct backend *base, stream_id room)
{
    struct memory *self = memory_of(base);
    size_t kept = 0;

    stream_at(self, room)->standing_count = 0;
    for (size_t i = 0; i < self->key_ban_count; i++) {
        if (!stream_equal(self->key_bans[i].stream, room))
            self->key_bans[kept++] = self->key_bans[i];
    }
    self->key_ban_count = kept;
    return RC_OK;
}

/* --- invitations --------------------------------------------------------------------- */

static enum rc memory_get_invitation(struct backend *base, const unsigned char *hash,
                                     struct invitation_row *ret)
{
    const struct memory *self = memory_of(base);

    for (size_t i = 0; i < self->invitation_count; i++) {
        if (memcmp(self->invitations[i].hash, hash, INVITATION_HASH_BYTES) == 0) {
            *ret = self->invitations[i];
            return RC_OK;
        }
    }
    return RC_END;
}

static enum rc memory_add_invitation(struct backend *base, const struct invitation_row *row)
{
    struct memory *self = memory_of(base);
    struct invitation_row *kept;

    self->invitations =
        x_realloc(self->invitations, self->invitation_count + 1, sizeof(*self->invitations));
    kept = &self->invitations[self->invitation_count++];
    *kept = *row;
    kept->nick = arena_copy(&self->arena, row->nick);
    kept->label = arena_copy(&self->arena, row->label);
    return RC_OK;
}

static enum rc memory_drop_invitation(struct backend *base, const unsigned char *hash)
{
    struct memory *self = memory_of(base);
    size_t kept = 0;

    for (size_t i = 0; i < self->invitation_count; i++) {
        if (memcmp(self->invitations[i].hash, hash, INVITATION_HASH_BYTES) != 0)
            self->invitations[kept++] = self->invitations[i];
    }
    self->invitation_count = kept;
    return RC_OK;
}

static enum rc memory_drop_invitations_of(struct backend *base, stream_id maker)
{
    struct memory *self = memory_of(base);
    size_t kept = 0;

    for (size_t i = 0; i < self->invitation_count; i++) {
        if (!stream_equal(self->invitations[i].maker, maker))
            self->invitations[kept++] = self->invitations[i];
    }
    self->invitation_count = kept;
    return RC_OK;
}

static enum rc memory_drop_invitations_over(struct backend *base, uint64_t now_ms)
{
    struct memory *self = memory_of(base);
    size_t kept = 0;

    for (size_t i = 0; i < self->invitation_count; i++) {
        if (self->invitations[i].until_ms > now_ms)
            self->invitations[kept++] = self->invitations[i];
    }
    self->invitation_count = kept;
    return RC_OK;
}

static enum rc memory_count_invitations(struct backend *base, stream_id maker, size_t *ret)
{
    const struct memory *self = memory_of(base);
    size_t count = 0;

    for (size_t i = 0; i < self->invitation_count; i++)
        count += stream_equal(self->invitations[i].maker, maker);
    *ret = count;
    return RC_OK;
}

/* --- together ------------------------------------------------------------------------ */

void memory_people_calls(struct backend_calls *calls)
{
    calls->get_device = memory_get_device;
    calls->add_device = memory_add_device;
    calls->revoke_device = memory_revoke_device;
    calls->revoke_devices = memory_revoke_devices;
    calls->count_devices = memory_count_devices;
    calls->other_owner = memory_other_owner;
    calls->get_standing = memory_get_standing;
    calls->put_standing = memory_put_standing;
    calls->has_members = memory_has_members;
    calls->next_private_room = memory_next_private_room;
    calls->get_key_ban = memory_get_key_ban;
    calls->put_key_ban = memory_put_key_ban;
    calls->drop_standings = memory_drop_standings;
    calls->get_invitation = memory_get_invitation;
    calls->add_invitation = memory_add_invitation;
    calls->drop_invitation = memory_drop_invitation;
    calls->drop_invitations_of = memory_drop_invitations_of;
    calls->drop_invitations_over = memory_drop_invitations_over;
    calls->count_invitations = memory_count_invitations;
}

static void replay_standings(const struct memory_stream *stream, store_on_record *on_record,
                             void *context)
{
    for (size_t i = 0; i < stream->standing_count; i++) {
        const struct record record = {.kind = RECORD_STANDING,
                                      .stream = stream->row.id,
                                      .member = stream->standings[i].account,
                                      .standing = stream->standings[i].standing};

        on_record(context, &record);
    }
}

void memory_people_replay(struct memory *self, store_on_record *on_record, void *context)
{
    for (size_t i = 0; i < self->device_count; i++) {
        const struct record record = record_of_device(&self->devices[i]);

        on_record(context, &record);
    }
    for (size_t i = 0; i < self->stream_count; i++)
        replay_standings(&self->streams[i], on_record, context);
    for (size_t i = 0; i < self->key_ban_count; i++) {
        const struct memory_key_ban *ban = &self->key_bans[i];
        struct record record = {
            .kind = RECORD_KEY_BAN, .stream = ban->stream, .until_ms = ban->until_ms};

        memcpy(record.key, ban->key, sizeof(record.key));
        on_record(context, &record);
    }
}

void memory_people_free(struct memory *self)
{
    for (size_t i = 0; i < self->stream_count; i++)
        free(self->streams[i].standings);
    free(self->devices);
    free(self->key_bans);
    free(self->invitations);
}
