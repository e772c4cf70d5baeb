/* core_replay.c - what a restarted core is told of the store. */
#include "broker/core/core_doors.h"
#include "broker/core/core_internal.h"

#include <string.h>

static enum rc replay_stream(struct core *self, const struct record *record)
{
    const bool is_room = record->name.len > 0 && record->name.ptr[0] == '#';
    const uint32_t have = is_room ? self->streams.rooms : self->streams.people;

    if (record->name.len < 2 || record->name.len > STREAM_BYTES_MAX)
        return RC_BAD_NAME;
    if (have >=
        (is_room ? self->limits.rooms_max : self->limits.accounts_max) + self->limits.others_max)
        return RC_LIMIT;
    const uint32_t row = streams_add(&self->streams, record->stream, record->name);
    if (row == 0)
        return RC_LIMIT;
    struct stream *stream = core_stream(self, row);
    streams_begin_at(&self->streams, row, record->head, record->confirmed);
    stream->confirming = record->confirmed;
    stream->absent = record->absent;
    stream->absent_last = record->absent_last;
    stream->epoch = record->epoch;
    stream->modes = record->modes;
    stream->open_from = record->open_from;
    stream->keep_s = record->keep_s;
    stream_set_topic(stream, record->topic);
    memcpy(stream->stream_key, record->stream_key, sizeof stream->stream_key);
    if (!is_room)
        core_set_role(self, row, record->role);
    return RC_OK;
}

static enum rc replay_standing(struct core *self, const struct record *record)
{
    const uint32_t room = streams_by_id(&self->streams, record->stream);
    const uint32_t person = streams_by_id(&self->streams, record->member);

    if (person == 0 || (room == 0 && !stream_is_none(record->stream)))
        return RC_BAD_FIELD;
    if (room == 0) {
        core_set_ban(self, person, record->standing.banned_until_ms);
        return RC_OK;
    }
    if ((record->standing.flags & STAND_MEMBER) != 0 &&
        self->members.count >= self->limits.memberships_max + self->limits.others_max &&
        !members_has(&self->members, room, person))
        return RC_LIMIT;
    return members_set(&self->members, room, person, &record->standing) ? RC_OK : RC_LIMIT;
}

static enum rc replay_device(struct core *self, const struct record *record)
{
    const uint32_t person = streams_by_id(&self->streams, record->member);

    if (person == 0 || devices_by_key(&self->devices, record->key) != 0)
        return RC_BAD_FIELD;
    const uint32_t row =
        devices_add(&self->devices, record->key, person, record->label, record->ts_ms);
    if (row == 0)
        return RC_LIMIT;
    /* A ban of the key may have been told before. */
    self->devices.row[row].is_banned = keybans_find(&self->keybans, 0, record->key) != 0;
    if (record->is_revoked)
        devices_revoke(&self->devices, row);
    return RC_OK;
}

static enum rc replay_key_ban(struct core *self, const struct record *record)
{
    const uint32_t room = streams_by_id(&self->streams, record->stream);

    if (room == 0 && !stream_is_none(record->stream))
        return RC_BAD_FIELD;
    if (self->keybans.count >= self->limits.key_bans_max + self->limits.others_max)
        return RC_LIMIT;
    core_set_key_ban(self, room, record->key, record->until_ms);
    return RC_OK;
}

enum rc core_replay(struct core *self, const struct record *record)
{
    switch (record->kind) {
    case RECORD_STREAM:
        return replay_stream(self, record);
    case RECORD_STANDING:
        return replay_standing(self, record);
    case RECORD_DEVICE:
        return replay_device(self, record);
    case RECORD_KEY_BAN:
        return replay_key_ban(self, record);
    }
    return RC_BAD_FIELD;
}

void core_begin(struct core *self)
{
    for (uint32_t row = 1; row <= self->devices.count; row++) {
        struct device *device = &self->devices.row[row];

        device->is_admitted = core_may_stay(self, device->person, row) == RC_OK;
    }
    self->is_replayed = true;
}

uint32_t core_next_device(const struct core *self, uint32_t row, const unsigned char **ret_key,
                          bool *ret_is_admitted)
{
    if (row >= self->devices.count)
        return 0;
    const struct device *device = &self->devices.row[row + 1];
    *ret_key = device->key;
    *ret_is_admitted = core_may_stay(self, device->person, row + 1) == RC_OK;
    return row + 1;
}
