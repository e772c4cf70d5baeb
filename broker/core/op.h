/* op.h - what the core asks of the store: operations, each a part of one transaction over a batch.
 *
 * The store gives the numbers (streams, sequence numbers, the verdict on a session's post numbers) and its
 * answers stand in record.h. Spans borrow for the call. */
#ifndef BROKER_CORE_OP_H
#define BROKER_CORE_OP_H

#include "shared/base/ids.h"
#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum op_kind {
    OP_HELLO = 1, /* find or make an account, and look at its session */
    OP_POST,      /* append a message to a room, or to recipient and sender */
    OP_VOID,      /* use up a number without a message: SKIP, or a refused post */
    OP_JOIN,      /* become a member, making the room when `create`; appends a join event */
    OP_LEAVE,     /* appends a leave event */
    OP_CONFIRM,   /* raise a person's confirmed place; appends receipts to the senders' streams */
    OP_MARK,      /* remember a named place of an account in a stream */
    OP_MARK_GET,  /* tell it */
    OP_ROOM,      /* change a room's topic or its modes; appends topic and mode events */
    OP_STANDING,  /* change how somebody stands with a room, or with the broker (no stream) */
    OP_KEY_BAN,   /* ban a key from a room or (no stream) from the broker, or take it back */
    OP_ADMIT,     /* make an invitation */
    OP_REVOKE,    /* remove a person's device, or all of them */
    OP_ROLE,      /* a person's role at the broker */
    OP_PURGE, /* remove a room's events up to `seq`, or empty a person's messages; a chunk at a time */
};

enum role { ROLE_MEMBER, ROLE_OPERATOR, ROLE_OWNER };

/* How a person stands with a room, or with the broker (then without flags). A person without a row has
 * all zero. */
enum { STAND_MEMBER = 1, STAND_OP = 2, STAND_INVITED = 4 };
#define FOR_EVER_MS ((uint64_t)INT64_MAX)

struct standing {
    uint32_t flags;           /* STAND_ */
    uint64_t since;           /* of a member: the place of the join event */
    uint64_t banned_until_ms; /* wall clock; 0: not */
    uint64_t muted_until_ms;
};

/* What OP_STANDING changes. Each is idempotent: what is so already appends nothing. The events stand in the
 * room; INVITE, KICK and BAN also in the person's own stream, with the field `room`; nothing for the broker's. */
enum standing_change {
    STANDING_INVITE = 1, /* set INVITED; event invite, in the person's stream alone */
    STANDING_OP,         /* event role "op"; RC_NOT_MEMBER */
    STANDING_DEOP,       /* event role "none" */
    STANDING_KICK,       /* clear all flags; event kick; RC_NOT_MEMBER */
    STANDING_BAN,        /* until `until_ms`, and clear all flags; event ban */
    STANDING_UNBAN,      /* event unban */
    STANDING_MUTE,       /* until `until_ms`; event mute */
    STANDING_UNMUTE,     /* event unmute */
};

enum { ROOM_PRIVATE = 1, ROOM_PERSISTENT = 2 }; /* a room's modes */

/* How long a room's events are kept, in seconds: these are no times. */
enum { KEEP_AS_BROKER = 0 };
#define KEEP_FOR_EVER UINT32_MAX

struct op {
    enum op_kind kind;
    ticket_id ticket; /* comes back in the result */
    uint64_t ts_ms;   /* the broker's time; the store keeps a stream's times from running back */

    stream_id account; /* who; none in OP_HELLO of somebody new */
    struct span nick;  /* canonical */
    session_id session;
    uint32_t number; /* OP_HELLO: the first that may still come; 0: not told */

    stream_id stream; /* post's target, room, or the confirmed or marked stream; none: new room */
    struct span name; /* its name with sigil ("#lobby", "@bob"); OP_MARK*: the marked stream's */
    struct span skeleton;  /* OP_HELLO, OP_JOIN: of the new name */
    struct span text;      /* OP_POST */
    struct span kind_name; /* OP_POST: "message" or "notice" */
    struct span mark;      /* OP_MARK*: the mark's name */
    uint64_t seq; /* OP_CONFIRM, OP_MARK: the place; OP_PURGE: of a room, the last that may go; of a
                     person, where looking goes on (0: at the beginning), as the result before said */
    enum rc refusal; /* OP_VOID: why; kept as the number's answer */
    unsigned char
        key[PUBLIC_KEY_BYTES]; /* OP_HELLO, OP_KEY_BAN; OP_REVOKE: zeros for all devices */

    /* OP_JOIN of a new (or adopted) room: its modes; OP_ROOM: the modes to set and to clear */
    uint32_t modes_set;
    uint32_t modes_clear;
    bool has_topic; /* OP_ROOM: `text` is the new topic, perhaps empty */
    bool has_keep;  /* OP_ROOM: `keep_s` is how long events are kept from now on */
    uint32_t keep_s;

    /* OP_STANDING, OP_REVOKE, OP_ROLE: whom it is about; OP_ADMIT: whom the invitation is for (name
     * only, may be empty). OP_STANDING KICK, BAN, MUTE: `text` is the reason, perhaps empty. */
    stream_id target;
    struct span target_nick;
    enum standing_change change;
    uint64_t until_ms; /* OP_STANDING, OP_KEY_BAN (0: take it back), OP_ADMIT (FOR_EVER_MS: no end);
                          OP_PURGE: what was said before */
    enum role role;    /* OP_ADMIT, OP_ROLE */
    bool is_device;    /* OP_ADMIT: for a device of the account that makes it */
    struct span label; /* OP_ADMIT: what the device is called, perhaps empty */
    uint32_t limit; /* OP_ADMIT: live invitations of the account; OP_HELLO: devices of an account */
    bool is_known_only;                /* OP_HELLO: nobody new, with an invitation or without */
    bool has_token;                    /* OP_HELLO */
    unsigned char token[INVITE_BYTES]; /* OP_HELLO: the invitation; the store keeps only its hash */
};

#endif
