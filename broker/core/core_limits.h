/* core_limits.h - what a broker allows: sizes of its tables, shares of one account or room, rates.
 *
 * Each is a setting (broker/ops/options.c), and what it refuses has a counter (CORE_COUNTER_SETTINGS), which a test
 * reaches. Sizes of frames, texts and names are no settings: the protocol fixes them (shared/base/limits.h). */
#ifndef BROKER_CORE_CORE_LIMITS_H
#define BROKER_CORE_CORE_LIMITS_H

#include <stdint.h>

enum registration {
    REGISTRATION_OPEN,   /* a free nick belongs to the first key that asks */
    REGISTRATION_INVITE, /* an invitation is needed */
    REGISTRATION_CLOSED, /* nobody new */
};

/* Table sizes are fixed at birth; a full table is RC_LIMIT to whoever wanted more. Shares and buckets of 0 are
 * no limit; tables of 0 devices or key bans get a size that goes with accounts_max. */
struct core_limits {
    uint32_t accounts_max;
    uint32_t rooms_max;
    uint32_t memberships_max; /* over all rooms */
    /* Of one room: RC_ROOM_FULL; joins that race to make it may exceed it. */
    uint32_t room_members_max;
    uint32_t sessions_max;
    uint32_t devices_max;  /* over all accounts, revoked ones too */
    uint32_t key_bans_max; /* over all rooms and the broker */
    /* Shares of one account or room, so that nobody takes all: RC_LIMIT, and a counter each. */
    uint32_t account_devices_max;
    uint32_t account_sessions_max;
    uint32_t account_rooms_max;       /* rooms it has made and still runs */
    uint32_t account_memberships_max; /* rooms it is in */
    uint32_t account_invitations_max; /* live ones it has made */
    uint32_t session_fetches_max;     /* reads of one session without their last frame */
    uint32_t room_standings_max; /* bans, mutes and invitations without membership, of one room */
    uint32_t keep_s;      /* how long events are kept, unless a room says otherwise; 0: for ever */
    uint32_t mailbox_max; /* events a person has not confirmed: RC_MAILBOX_FULL */
    /* Token buckets, in units of the verbs' costs: RC_TOO_FAST. 0: no limit. */
    uint32_t account_rate, account_burst;   /* a second; what may come at once */
    uint32_t room_rate, room_burst;         /* posts to one room, or to one person */
    uint32_t stranger_rate, stranger_burst; /* of one key without a session */
    uint32_t address_rate, address_burst;   /* of all those from one address together */
    uint32_t pending_max; /* operations in the store's hands, and reads: beyond it RC_BUSY */
    /* Rows of each table beyond its size, for what other brokers over the same store make before this one hears of it:
     * the pending_max of each. 0: there is no other broker. No setting: the shell knows how many there are. */
    uint32_t others_max;
    enum registration registration;
    unsigned char hash_key[16]; /* SipHash key of the tables: random, peers choose names and ids */
};

#define CORE_LIMITS_DEFAULTS                                                                       \
    {                                                                                              \
        .accounts_max = 16384, .rooms_max = 8192, .memberships_max = 262144,                       \
        .room_members_max = 4096, .sessions_max = 8192, .pending_max = 8192, .devices_max = 65536, \
        .key_bans_max = 4096, .account_devices_max = 16, .account_sessions_max = 256,              \
        .account_rooms_max = 256, .account_memberships_max = 1024, .account_invitations_max = 64,  \
        .session_fetches_max = 32, .room_standings_max = 1024, .mailbox_max = 100000,              \
        .account_rate = 5000, .account_burst = 50000, .room_rate = 20000, .room_burst = 200000,    \
        .stranger_rate = 20, .stranger_burst = 100, .address_rate = 2000, .address_burst = 30000,  \
        .registration = REGISTRATION_OPEN                                                          \
    }

#endif
