#include "broker/core/rights.h"

#include "broker/core/core_internal.h"

static enum role role_of(const struct core *self, uint32_t person)
{
    return self->streams.row[person].role;
}

/* In a private room the broker's operators have no say unless they are in it, but that they may keep order
 * there. */
static bool runs_room(const struct core *self, const struct asked *asked)
{
    const struct stream *room = &self->streams.row[asked->stream];
    const uint32_t flags = members_standing(&self->members, asked->stream, asked->person)->flags;

    if ((flags & (STAND_MEMBER | STAND_OP)) == (STAND_MEMBER | STAND_OP))
        return true;
    if (role_of(self, asked->person) < ROLE_OPERATOR)
        return false;
    return asked->right == RIGHT_KEEPER || (room->modes & ROOM_PRIVATE) == 0 ||
           (flags & STAND_MEMBER) != 0;
}

static bool may_invite(const struct core *self, const struct asked *asked)
{
    const bool is_private = (self->streams.row[asked->stream].modes & ROOM_PRIVATE) != 0;

    return runs_room(self, asked) ||
           (!is_private && members_has(&self->members, asked->stream, asked->person));
}

static enum rc check_room(const struct core *self, const struct asked *asked)
{
    if (asked->stream == 0 || !stream_is_room(&self->streams.row[asked->stream]))
        return RC_NO_SUCH_ROOM;
    if (asked->right == RIGHT_MEMBER)
        return may_invite(self, asked) ? RC_OK : RC_DENIED;
    return runs_room(self, asked) ? RC_OK : RC_DENIED;
}

enum rc rights_check(const struct core *self, const struct asked *asked)
{
    if (asked->right == RIGHT_NOBODY)
        return RC_UNKNOWN_VERB;
    if (asked->session == 0)
        return asked->right == RIGHT_STRANGER ? RC_OK : RC_HELLO_FIRST;

    const struct session *session = &self->sessions.row[asked->session];
    const enum rc rc = core_may_stay(self, session->person, session->device);
    if (rc != RC_OK)
        return rc;
    switch (asked->right) {
    case RIGHT_MEMBER:
    case RIGHT_ROOM_OP:
        return check_room(self, asked);
    case RIGHT_KEEPER:
        if (message_has(asked->message, HAS_STREAM))
            return check_room(self, asked);
        return role_of(self, asked->person) >= ROLE_OPERATOR ? RC_OK : RC_DENIED;
    case RIGHT_OPERATOR:
        return role_of(self, asked->person) >= ROLE_OPERATOR ? RC_OK : RC_DENIED;
    case RIGHT_OWNER:
        return role_of(self, asked->person) == ROLE_OWNER ? RC_OK : RC_DENIED;
    default:
        return RC_OK;
    }
}

enum rc rights_over_member(const struct core *self, uint32_t person, uint32_t target)
{
    return role_of(self, target) >= ROLE_OPERATOR && role_of(self, person) < ROLE_OPERATOR
               ? RC_DENIED
               : RC_OK;
}

enum rc rights_over_account(const struct core *self, uint32_t person, uint32_t target)
{
    if (person == target || role_of(self, person) == ROLE_OWNER)
        return RC_OK;
    return role_of(self, person) == ROLE_OPERATOR && role_of(self, target) == ROLE_MEMBER
               ? RC_OK
               : RC_DENIED;
}

enum rc rights_to_keep(const struct core *self, uint32_t person, uint32_t keep_s)
{
    const uint32_t usual_s = self->limits.keep_s;

    if (role_of(self, person) >= ROLE_OPERATOR || keep_s == KEEP_AS_BROKER)
        return RC_OK;
    return keep_s == KEEP_FOR_EVER || (usual_s != 0 && keep_s > usual_s) ? RC_DENIED : RC_OK;
}

enum rc rights_to_admit(const struct core *self, uint32_t person, enum role role)
{
    const enum role own = role_of(self, person);

    return own == ROLE_OWNER || (own == ROLE_OPERATOR && role == ROLE_MEMBER) ? RC_OK : RC_DENIED;
}
