/* core_doors.h - who must go, and which keys the shell lets in. */
#ifndef BROKER_CORE_CORE_DOORS_H
#define BROKER_CORE_CORE_DOORS_H

#include "broker/core/core_internal.h"

static inline struct span core_role_name(enum role role)
{
    return role == ROLE_OWNER ? SPAN("owner")
                              : (role == ROLE_OPERATOR ? SPAN("operator") : SPAN("member"));
}

void core_set_role(struct core *self, uint32_t person, enum role role);
/* The last owner who can still come in? */
bool core_is_last_owner(const struct core *self, uint32_t person);
/* One change of somebody's place at the broker at a time, and one of any owner's: or two owners could remove
 * each other. RC_BUSY: wait for the one that is in the store's hands. */
enum rc core_may_change(const struct core *self, uint32_t person) MUST_CHECK;
void core_begin_change(struct core *self, uint32_t person);
void core_end_change(struct core *self, uint32_t person);
void core_set_ban(struct core *self, uint32_t person, uint64_t until_ms);
void core_set_key_ban(struct core *self, uint32_t room, const unsigned char *key,
                      uint64_t until_ms);
void core_revoke(struct core *self, uint32_t device);
/* End sessions and tell the shell as far as *fx has room; the rest comes with ticks. */
void core_mind_doors(struct core *self);
/* Bans of the broker that are over. */
void core_look_at_bans(struct core *self);
/* When it wants to be called again. */
uint64_t core_doors_deadline_ms(const struct core *self);

#endif
