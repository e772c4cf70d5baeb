/* rights.h - who may use which verb (protocol 5.3, 7.6).
 *
 * Every verb names one right in the table of core.c; the check stands here and nowhere else. */
#ifndef BROKER_CORE_RIGHTS_H
#define BROKER_CORE_RIGHTS_H

#include "broker/core/record.h"
#include "shared/base/rc.h"

#include <stdbool.h>
#include <stdint.h>

enum right {
    RIGHT_NOBODY,   /* a verb without a row */
    RIGHT_STRANGER, /* any connection: HELLO */
    RIGHT_PERSON,   /* whoever has a session */
    RIGHT_MEMBER,   /* a member of message->stream; in a private room one of its operators */
    RIGHT_ROOM_OP,  /* an operator of message->stream */
    RIGHT_KEEPER, /* the same; the broker's operators also in private rooms they are not in; without
                       a stream it is the broker that is meant: RIGHT_OPERATOR */
    RIGHT_OPERATOR, /* an operator or owner of the broker */
    RIGHT_OWNER,
};

struct core;
struct asked;

/* RC_OK, or RC_HELLO_FIRST, RC_REVOKED, RC_BANNED, RC_NO_SUCH_ROOM, RC_DENIED. */
enum rc rights_check(const struct core *self, const struct asked *asked) MUST_CHECK;

/* May this person put that one out of a room, or mute it there? */
enum rc rights_over_member(const struct core *self, uint32_t person, uint32_t target) MUST_CHECK;

/* May this person run that one's account: its devices, its place at the broker (5.3)? Everybody may run their own. */
enum rc rights_over_account(const struct core *self, uint32_t person, uint32_t target) MUST_CHECK;

/* May the person, who runs a room, have its events kept so long (KEEP_ of op.h)? The disk is the broker's: longer than there takes
 * its operators. */
enum rc rights_to_keep(const struct core *self, uint32_t person, uint32_t keep_s) MUST_CHECK;

/* May this person let in somebody with that role? */
enum rc rights_to_admit(const struct core *self, uint32_t person, enum role role) MUST_CHECK;

#endif
