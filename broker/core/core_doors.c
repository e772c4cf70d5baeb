/* core_doors.c - who must go: removed devices, bans of the broker and their end (protocol 5.3, R-41).
 *
 * First the sessions are told and ended, then the shell hears which keys it lets in no more. There may be more
 * of both than one step has room for: what is left is done with the next ticks, and until then refused. */
#include "broker/core/core_doors.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_room_for.h"

#include "shared/base/invariant.h"

#include <string.h>

enum rc core_may_stay(const struct core *self, uint32_t person, uint32_t device)
{
    if (device != 0 && self->devices.row[device].is_revoked)
        return RC_REVOKED;
    if (device != 0 && self->devices.row[device].is_banned)
        return RC_BANNED;
    /* One that ends is over only when core_look_at_bans() has said so: the shell must hear of it too. */
    return self->streams.row[person].banned_until_ms != 0 ? RC_BANNED : RC_OK;
}

/* Before the first step nobody is there, and the shell asks core_next_device(). */
static void changed(struct core *self, uint32_t device)
{
    if (self->is_replayed)
        devices_changed(&self->devices, device);
    if (self->sessions.count > 0)
        self->sweep = 1;
}

static void all_changed(struct core *self, uint32_t person)
{
    uint32_t device = 0;

    while ((device = devices_next(&self->devices, person, device)) != 0)
        changed(self, device);
    if (self->sessions.count > 0) /* with --insecure there are no devices */
        self->sweep = 1;
}

void core_set_role(struct core *self, uint32_t person, enum role role)
{
    struct stream *stream = core_stream(self, person);

    self->owners += (role == ROLE_OWNER) - (stream->role == ROLE_OWNER);
    stream->role = role;
}

bool core_has_owner(const struct core *self)
{
    return self->owners > 0;
}

static bool is_live_owner(const struct core *self, uint32_t row)
{
    const struct stream *person = &self->streams.row[row];
    const bool has_devices = self->devices.by_person[row].head != 0;

    return person->role == ROLE_OWNER && person->banned_until_ms == 0 &&
           (!has_devices || self->devices.live[row] > 0);
}

bool core_is_last_owner(const struct core *self, uint32_t person)
{
    if (self->streams.row[person].role != ROLE_OWNER)
        return false;
    for (uint32_t row = 1; row <= self->streams.count; row++) {
        if (row != person && !stream_is_room(&self->streams.row[row]) && is_live_owner(self, row))
            return false;
    }
    return true;
}

enum rc core_may_change(const struct core *self, uint32_t person)
{
    const struct stream *stream = &self->streams.row[person];

    return stream->is_changing || (stream->role == ROLE_OWNER && self->owners_changing > 0)
               ? RC_BUSY
               : RC_OK;
}

void core_begin_change(struct core *self, uint32_t person)
{
    core_stream(self, person)->is_changing = true;
    core_stream(self, person)->was_owner = core_stream(self, person)->role == ROLE_OWNER;
    self->owners_changing += core_stream(self, person)->was_owner;
}

void core_end_change(struct core *self, uint32_t person)
{
    core_stream(self, person)->is_changing = false;
    self->owners_changing -= core_stream(self, person)->was_owner;
}

static bool ends(uint64_t until_ms)
{
    return until_ms != 0 && until_ms < FOR_EVER_MS;
}

void core_set_ban(struct core *self, uint32_t person, uint64_t until_ms)
{
    struct stream *stream = core_stream(self, person);

    self->ending_bans += ends(until_ms) - ends(stream->banned_until_ms);
    stream->banned_until_ms = until_ms;
    all_changed(self, person);
}

void core_set_key_ban(struct core *self, uint32_t room, const unsigned char *key, uint64_t until_ms)
{
    const uint32_t row = keybans_find(&self->keybans, room, key);
    const uint64_t before_ms = row == 0 ? 0 : self->keybans.row[row].until_ms;
    const bool has_room = keybans_set(&self->keybans, room, key, until_ms);

    INVARIANT(has_room); /* the row was reserved */
    if (room != 0)
        return;
    self->ending_bans += ends(until_ms) - ends(before_ms);
    const uint32_t device = devices_by_key(&self->devices, key);
    if (device == 0)
        return;
    self->devices.row[device].is_banned = until_ms != 0;
    changed(self, device);
}

void core_revoke(struct core *self, uint32_t device)
{
    devices_revoke(&self->devices, device);
    changed(self, device);
}

/* The sessions from self->sweep on. False: *fx is full, the rest comes later. */
static bool sweep(struct core *self)
{
    for (; self->sweep != 0 && self->sweep <= self->sessions.rows_max; self->sweep++) {
        const struct session *session = &self->sessions.row[self->sweep];

        if (session->id.v == 0)
            continue;
        const enum rc rc = core_may_stay(self, session->person, session->device);
        if (rc == RC_OK)
            continue;
        if (self->fx->count == EFFECTS_MAX)
            return false;
        core_error(self, session->peer, false, 0, rc);
        core_end_session(self, self->sweep);
    }
    self->sweep = 0;
    return true;
}

void core_mind_doors(struct core *self)
{
    uint32_t row;

    if (!sweep(self))
        return;
    while (self->fx->count < EFFECTS_MAX && (row = devices_take_changed(&self->devices)) != 0) {
        struct device *device = &self->devices.row[row];
        const bool is_admitted = core_may_stay(self, device->person, row) == RC_OK;

        if (device->is_admitted == is_admitted)
            continue;
        device->is_admitted = is_admitted;
        if (!is_admitted)
            core_count(self, COUNT_EXPELLED);
        core_effect(self, is_admitted ? FX_ADMIT : FX_EXPEL)->key = device->key;
    }
}

void core_look_at_bans(struct core *self)
{
    if (self->ending_bans == 0 || self->now_ms < self->look_at_ms)
        return;
    self->look_at_ms = self->now_ms + BANS_LOOKED_MS;
    for (uint32_t row = 1; row <= self->streams.count; row++) {
        const uint64_t until_ms = self->streams.row[row].banned_until_ms;

        if (until_ms != 0 && until_ms <= self->wall_ms)
            core_set_ban(self, row, 0);
    }
    for (uint32_t row = 1; row <= self->keybans.rows_max; row++) {
        const struct keyban *ban = &self->keybans.row[row];

        if (ban->until_ms != 0 && ban->room == 0 && ban->until_ms <= self->wall_ms) {
            unsigned char key[PUBLIC_KEY_BYTES];

            memcpy(key, ban->key, sizeof key);
            core_set_key_ban(self, 0, key, 0);
        }
    }
}

uint64_t core_doors_deadline_ms(const struct core *self)
{
    if (self->sweep != 0 || self->devices.untold.head != 0)
        return 0;
    return self->ending_bans > 0 ? self->look_at_ms : UINT64_MAX;
}
