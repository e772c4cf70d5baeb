#include "tests/support/core/as_stored.h"

#include "broker/core/core_internal.h"

#include <stdio.h>
#include <string.h>

struct comparison {
    const struct core *core;
    uint64_t wall_ms;
    uint32_t streams, devices, standings,
        keybans; /* told; of the last two, those that say something */
    char why[160];
};

static void differ(struct comparison *self, struct span name, const char *what)
{
    if (self->why[0] == '\0')
        snprintf(self->why, sizeof self->why, "the %s of %.*s is not as it is stored", what,
                 (int)name.len, name.ptr);
}

static bool is_same_time(const struct comparison *self, uint64_t a_ms, uint64_t b_ms)
{
    return a_ms == b_ms || (a_ms <= self->wall_ms && b_ms <= self->wall_ms);
}

/* What is over may be forgotten, or not yet. */
static bool says_something(const struct comparison *self, const struct standing *standing)
{
    return standing->flags != 0 || standing->banned_until_ms > self->wall_ms ||
           standing->muted_until_ms > self->wall_ms;
}

static void compare_room(struct comparison *self, const struct stream *room,
                         const struct record *record)
{
    if (room->modes != record->modes || room->open_from != record->open_from ||
        room->keep_s != record->keep_s)
        differ(self, record->name, "mode");
    if (!span_equal(stream_topic(room), record->topic))
        differ(self, record->name, "topic");
}

static void compare_stream(struct comparison *self, const struct record *record)
{
    const uint32_t row = streams_by_id(&self->core->streams, record->stream);
    const struct stream *stream = &self->core->streams.row[row];

    self->streams++;
    if (row == 0 || !span_equal(stream_name(stream), record->name)) {
        differ(self, record->name, "name");
        return;
    }
    if (stream->head != record->head)
        differ(self, record->name, "head");
    if (stream->epoch != record->epoch ||
        memcmp(stream->stream_key, record->stream_key, STREAM_KEY_BYTES) != 0)
        differ(self, record->name, "key");
    if (stream_is_room(stream))
        compare_room(self, stream, record);
    else if (stream->confirmed != record->confirmed)
        differ(self, record->name, "confirmed place");
    else if (stream->role != record->role)
        differ(self, record->name, "role");
}

static void compare_standing(struct comparison *self, const struct record *record)
{
    const uint32_t room = streams_by_id(&self->core->streams, record->stream);
    const uint32_t person = streams_by_id(&self->core->streams, record->member);
    const struct standing *told = &record->standing;
    const struct span name = stream_name(&self->core->streams.row[person]);

    if (room == 0) {
        if (!is_same_time(self, self->core->streams.row[person].banned_until_ms,
                          told->banned_until_ms))
            differ(self, name, "ban by the broker");
        return;
    }
    const struct standing *known = members_standing(&self->core->members, room, person);
    self->standings += says_something(self, told);
    if (known->flags != told->flags ||
        ((told->flags & STAND_MEMBER) && known->since != told->since))
        differ(self, name, "membership");
    if (!is_same_time(self, known->banned_until_ms, told->banned_until_ms))
        differ(self, name, "ban");
    if (!is_same_time(self, known->muted_until_ms, told->muted_until_ms))
        differ(self, name, "mute");
}

static void compare_device(struct comparison *self, const struct record *record)
{
    const uint32_t row = devices_by_key(&self->core->devices, record->key);
    const struct device *device = &self->core->devices.row[row];

    self->devices++;
    if (row == 0 || device->person != streams_by_id(&self->core->streams, record->member) ||
        device->is_revoked != record->is_revoked)
        differ(self, stream_name(&self->core->streams.row[device->person]), "device");
}

static void compare_key_ban(struct comparison *self, const struct record *record)
{
    const uint32_t room = streams_by_id(&self->core->streams, record->stream);
    const uint32_t row = keybans_find(&self->core->keybans, room, record->key);
    const uint64_t known_ms = row == 0 ? 0 : self->core->keybans.row[row].until_ms;

    self->keybans += record->until_ms > self->wall_ms;
    if (!is_same_time(self, known_ms, record->until_ms))
        differ(self, stream_name(&self->core->streams.row[room]), "banned key");
}

static void on_record(void *context, const struct record *record)
{
    struct comparison *self = context;

    switch (record->kind) {
    case RECORD_STREAM:
        compare_stream(self, record);
        break;
    case RECORD_DEVICE:
        compare_device(self, record);
        break;
    case RECORD_STANDING:
        compare_standing(self, record);
        break;
    case RECORD_KEY_BAN:
        compare_key_ban(self, record);
        break;
    }
}

/* What is known beyond what was told. */
static void compare_counts(struct comparison *self)
{
    const struct core *core = self->core;
    uint32_t standings = 0, keybans = 0;

    for (uint32_t room = 1; room <= core->streams.count; room++) {
        for (uint32_t row = 0; (row = members_next_standing(&core->members, room, row)) != 0;)
            standings += stream_is_room(&core->streams.row[room]) &&
                         says_something(self, &core->members.row[row].standing);
    }
    for (uint32_t row = 1; row <= core->keybans.rows_max; row++)
        keybans += core->keybans.row[row].until_ms > self->wall_ms;
    if (core->streams.count != self->streams)
        differ(self, SPAN("all"), "number of streams");
    if (core->devices.count != self->devices)
        differ(self, SPAN("all"), "number of devices");
    if (standings != self->standings)
        differ(self, SPAN("all"), "number of standings");
    if (keybans != self->keybans)
        differ(self, SPAN("all"), "number of banned keys");
}

bool core_is_as_stored(const struct core *core, struct store *store, uint64_t wall_ms,
                       const char **ret_why)
{
    static struct comparison comparison;

    comparison = (struct comparison){.core = core, .wall_ms = wall_ms};
    if (store_replay(store, on_record, &comparison) != RC_OK)
        differ(&comparison, SPAN("all"), "record");
    compare_counts(&comparison);
    *ret_why = comparison.why;
    return comparison.why[0] == '\0';
}
