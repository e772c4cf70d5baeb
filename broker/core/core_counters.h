/* core_counters.h - what the core counts: what it did, and what it refused by each limit.
 *
 * A table of names, so that a log line or a page can walk over it. */
#ifndef BROKER_CORE_CORE_COUNTERS_H
#define BROKER_CORE_CORE_COUNTERS_H

#include <stdint.h>

/* X(symbol, name) */
#define CORE_COUNTER_DONE(X)                                                                \
    X(COUNT_POSTS, "posts")                                                                 \
    X(COUNT_RETRIES, "retries") /* numbers that came again, before or after their answer */ \
    X(COUNT_DUPLICATES, "duplicates")                                                       \
    X(COUNT_CONFIRMS, "confirms")                                                           \
    X(COUNT_REPUBLISHED, "republished")                                                     \
    X(COUNT_EXPIRED, "expired")                                                             \
    X(COUNT_EXPELLED, "expelled") /* keys revoked or banned, connected or not */            \
    X(COUNT_REFUSALS, "refusals") /* all of them */

/* Refused by a limit of the broker's configuration; "refused." and the setting's key with underscores. */
#define CORE_COUNTER_SETTINGS(X)                                  \
    X(REFUSED_ACCOUNTS, "refused.accounts_max")                   \
    X(REFUSED_ROOMS, "refused.rooms_max")                         \
    X(REFUSED_ROOM_MEMBERS, "refused.room_members_max")           \
    X(REFUSED_MEMBERSHIPS, "refused.memberships_max")             \
    X(REFUSED_SESSIONS, "refused.sessions_max")                   \
    X(REFUSED_PENDING, "refused.pending_max")                     \
    X(REFUSED_DEVICES, "refused.devices_max")                     \
    X(REFUSED_KEY_BANS, "refused.key_bans_max")                   \
    X(REFUSED_ACCOUNT_DEVICES, "refused.account_devices")         \
    X(REFUSED_ACCOUNT_SESSIONS, "refused.account_sessions")       \
    X(REFUSED_ACCOUNT_ROOMS, "refused.account_rooms")             \
    X(REFUSED_ACCOUNT_MEMBERSHIPS, "refused.account_memberships") \
    X(REFUSED_ACCOUNT_INVITATIONS, "refused.account_invitations") \
    X(REFUSED_ROOM_BANS, "refused.room_bans")                     \
    X(REFUSED_MAILBOX, "refused.mailbox_max")                     \
    X(REFUSED_FETCHES, "refused.session_fetches")                 \
    X(REFUSED_ACCOUNT_RATE, "refused.account_rate")               \
    X(REFUSED_ROOM_RATE, "refused.room_rate")                     \
    X(REFUSED_STRANGER_RATE, "refused.stranger_rate")             \
    X(REFUSED_ADDRESS_RATE, "refused.stranger_address_rate")

/* Refused by a number that the protocol fixes for everybody (protocol 12). */
#define CORE_COUNTER_FIXED(X)                                                  \
    X(REFUSED_TEXT_SIZE, "refused.text_size")                                  \
    X(REFUSED_NAME_SIZE, "refused.name_size")                                  \
    X(REFUSED_FIELD_SIZE, "refused.field_size")                                \
    X(REFUSED_WINDOW, "refused.window")     /* posts in flight of a session */ \
    X(REFUSED_ASKS, "refused.asks")         /* questions of one connection */  \
    X(REFUSED_MARKS, "refused.marks")       /* of one account */               \
    X(REFUSED_SEARCHES, "refused.searches") /* of one session, or of all */

enum core_counter {
#define X(symbol, name) symbol,
    CORE_COUNTER_DONE(X) CORE_COUNTER_SETTINGS(X) CORE_COUNTER_FIXED(X)
#undef X
        CORE_COUNTERS
};

#define REFUSED_FIRST        REFUSED_ACCOUNTS     /* from here on they count refusals by a limit */
#define REFUSED_LAST_SETTING REFUSED_ADDRESS_RATE /* up to here the limit is a setting */

/* "refused.account_rooms"; static. */
const char *core_counter_name(enum core_counter counter);

struct core_stats {
    uint32_t accounts, rooms, memberships, sessions, pending, reads; /* now */
    uint64_t unconfirmed;          /* now: events that their people have not confirmed, over all */
    uint64_t count[CORE_COUNTERS]; /* since the start */
};

#endif
