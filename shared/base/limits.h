/* limits.h - every limit and every timer of protocol 1, in one place.
 *
 * Units stand in the names; a name without one counts things. What a broker may
 * set for itself (table sizes) stands in broker/core/core_limits.h. */
#ifndef SHARED_BASE_LIMITS_H
#define SHARED_BASE_LIMITS_H

#define PROTOCOL_VERSION_LOW  1
#define PROTOCOL_VERSION_HIGH 1

/* The wire (protocol 3) */
#define FRAME_BYTES_MAX    65536 /* payload of one frame, either way */
#define PUB_IN_BYTES_MAX   300   /* what a subscriber may send to PUB: a subscription */
#define MAPS_PER_FRAME_MAX 1024
#define MAP_KEYS_MAX       32
#define KEY_BYTES_MAX      32
#define SKIP_DEPTH_MAX     4    /* nesting of an unknown key's value */
#define SKIP_ITEMS_MAX     1024 /* items within an unknown key's value */

/* Names and text (protocol 4) */
#define NAME_BYTES_MAX      128 /* without # or @; UTF-8, canonical form */
#define NAME_CHARS_MAX      32
#define STREAM_BYTES_MAX    (NAME_BYTES_MAX + 1)
#define TOPIC_BYTES_MAX     200 /* libzmq 4.3.4 breaks subscriptions of 246 to 255 bytes */
#define TEXT_BYTES_MAX      16384
#define AGENT_BYTES_MAX     64
#define MARK_NAME_BYTES_MAX 64
#define STREAM_KEY_BYTES    32   /* a sealed stream's key */
#define ADDRESS_BYTES       16   /* where a connection comes from, as limits tell it apart */
#define PUBLIC_KEY_BYTES    32   /* a CURVE public key */
#define INVITE_BYTES        16   /* an invitation's token */
#define SUBJECT_BYTES_MAX   400  /* a room's topic, as people call it */
#define BROKERS_MAX         16   /* that serve one chat */
#define BROKERS_BYTES_MAX   4096 /* their addresses */
#define BROKER_BYTES_MAX    511  /* one address */

/* Answers and flow (protocol 6, 7) */
#define POST_WINDOW           256 /* posts of one session in flight */
#define FETCH_PAGE_EVENTS_MAX 256
#define FETCH_PAGE_BYTES_MAX  49152
#define FETCH_CREDIT_MAX      16  /* pages answered to one FETCH */
#define FETCH_OUTSTANDING_MAX 32  /* reads of one session, if the broker says no other */
#define FETCH_OUTSTANDING_MIN 16  /* so many every broker allows */
#define ASKS_OUTSTANDING_MAX  64  /* questions of one connection in the store's hands; then busy */
#define LIST_PAGE_MAX         128 /* rows of one page of a list */
#define REPUBLISH_EVENTS_MAX  64

/* Searching (protocol 7.8) */
#define SEARCH_BYTES_MAX       512 /* what is searched for */
#define SEARCH_TERMS_MAX       16
#define SEARCH_OUTSTANDING_MAX 4    /* questions of one session without an answer */
#define SEARCH_MS              2000 /* how long one may take */

/* Timers (protocol 8) */
#define PING_MS           3000
#define SILENT_MS         6500  /* nothing heard for two PINGs: the person is silent */
#define SESSION_EXPIRE_MS 10000 /* nothing heard: the session is gone */
#define HEAD_DELAY_MS     1000  /* HEAD follows a stream's last event by this */
#define REPUBLISH_MIN_MS  1000
#define REPUBLISH_MAX_MS  30000
#define RETRY_MIN_MS      500
#define RETRY_MAX_MS      8000
#define PROBE_MS          300
#define PROBE_MAX_MS      5000
#define FETCH_RETRY_MS    1000
#define BUSY_RETRY_MS     200
#define LINK_DEAD_MS      10000 /* the client heard nothing: open new sockets */
#define RECONNECT_MIN_MS  100
#define RECONNECT_MAX_MS  5000
#define LINK_DOUBT_MS \
    2000            /* the same where there is another broker to go to: a PING without an answer */
#define MOVE_MS 100 /* at most, before the next broker is tried */

#define DEFAULT_PORT 5670

/* Invitations and bans (protocol 5.3, 7.6) */
#define INVITE_SECONDS_DEFAULT 86400
#define INVITE_SECONDS_MIN     60
#define INVITE_SECONDS_MAX     31536000 /* also of bans and mutes that end */

#endif
