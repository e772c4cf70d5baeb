/* core_room_for.h - is there room for one more, and what is counted when there is none. */
#ifndef BROKER_CORE_CORE_ROOM_FOR_H
#define BROKER_CORE_CORE_ROOM_FOR_H

#include "broker/core/core_internal.h"

static inline void core_count(struct core *self, enum core_counter counter)
{
    self->stats.count[counter]++;
}

/* Count a result that says that a limit is reached; returns it. */
static inline enum rc core_counted(struct core *self, enum core_counter counter, enum rc rc)
{
    self->stats.count[counter] += rc == RC_LIMIT;
    return rc;
}

/* Rows of struct members that this broker may fill: as many again for bans, mutes and invitations of who is no member. */
static inline uint32_t core_standings_max(const struct core *self)
{
    return 2 * self->limits.memberships_max;
}

/* Is there room for one row more? RC_LIMIT: no. RC_BUSY: only rows kept free for work in the store's hands
 * are left, and that work may not need them (several people make one room at the same time). */
static inline enum rc core_room_for_one(uint32_t count, uint32_t reserved, uint32_t max)
{
    if (count >= max)
        return RC_LIMIT;
    return reserved >= max - count ? RC_BUSY : RC_OK;
}

/* The same for a share of which 0 means that there is no limit. */
static inline enum rc core_share_for_one(uint32_t count, uint32_t reserved, uint32_t max)
{
    return max == 0 ? RC_OK : core_room_for_one(count, reserved, max);
}

#endif
