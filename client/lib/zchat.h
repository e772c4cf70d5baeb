/* zchat.h - libzchat: a zchat client for C programs.
 *
 * One handle is one session with one broker (protocol 5.1). It reconnects, retries what
 * was not acknowledged, repairs gaps, and tells everything in order, once.
 * A handle is for one thread. Functions return an enum zchat_rc, never block but in
 * zchat_next(), and never end the process. */
#ifndef ZCHAT_H
#define ZCHAT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct zchat;

/* Where the codes come from: protocol 9. 0 is success. Names: zchat_strerror(). */
typedef int zchat_rc;
const char *zchat_strerror(zchat_rc rc); /* one sentence, static */
const char *zchat_errname(zchat_rc rc);  /* "nick_in_use", static */

struct zchat_options {
    /* zchat://..., which may be an invitation, and behind it, separated by commas or spaces, other brokers of the same
     * chat; or "@PATH": that is the first line of that file, which must be its owner's alone (0600) when it holds an
     * invitation. Brokers that these tell of are known from then on. NULL: $ZCHAT_BROKER (likewise), the last one
     * used, the local one. An invitation's token is kept nowhere: not on disk, not in zchat_broker(). */
    const char *broker;
    const char *nick;  /* NULL: $ZCHAT_NICK, the invitation's, the last one used, the login name */
    const char *home;  /* one folder for keys and state; NULL: $ZCHAT_HOME, else the XDG folders */
    const char *agent; /* the program's name and version, for the broker's log; may be NULL */
    bool is_inbox;     /* shows this person's private messages to somebody, so may confirm them */
    bool
        confirms_late; /* with is_inbox: only zchat_confirm() confirms, telling an event does not */
    const char *history; /* append what is sent, told and shown to this file; may be NULL */
    uint64_t session;    /* 0: a new one; else repeat this session's posts (see zchat_post_as) */
    bool is_service; /* a program beside the person's client: its nick is not the "last one used" */
    bool keeps_outbox; /* posts without an answer survive this run: see zchat_outbox() */
    bool keeps_places; /* remember how far streams were shown: see zchat_place() */
};

/* Make a handle; does not wait for the network. On failure *ret_why (valid until the next call in
 * this thread) is one sentence that names what was wrong. */
zchat_rc zchat_open(const struct zchat_options *options, struct zchat **ret, const char **ret_why);
void zchat_close(struct zchat **self_p); /* says BYE when it can; never waits longer than 200 ms */

uint64_t zchat_session(const struct zchat *self);
const char *zchat_nick(const struct zchat *self);   /* canonical */
const char *zchat_broker(const struct zchat *self); /* the address in use */
/* Those of all brokers that the handle may go to, separated by spaces. Both live until the next zchat_next(). */
const char *zchat_brokers(const struct zchat *self);

/* Who talks with whom, for people to compare. Fields that are not known (yet) are "" and 0. */
struct zchat_identity {
    char key[65];                /* own public key, hex */
    char fingerprint[40];        /* of the own key */
    char broker_fingerprint[40]; /* of the broker's key; "" with --insecure */
    char words[128];             /* the own fingerprint in words */
    char broker_words[128];
    char role[17];         /* at this broker: "member", "operator", "owner"; "": not known yet */
    char broker_agent[65]; /* the broker's name and version, cleaned */
    uint32_t version;      /* of the protocol */
    bool is_up;
};
void zchat_describe(const struct zchat *self, struct zchat_identity *ret);

/* Why there is no link now: 0 when it is up, else a code, and in *ret_why (valid until the next call in
 * this thread) one sentence that names the address. A handle goes on trying all the same. */
zchat_rc zchat_trouble(const struct zchat *self, const char **ret_why);

/* What happens, as zchat_next() tells it. */
enum zchat_event_kind {
    ZCHAT_NONE, /* the time is over */
    ZCHAT_LINK, /* the link changed: `link`, and `rc` with `text` when it was refused for good; UP with `text`: it is
                     another broker than before, HOST:PORT; DOWN with `rc` not
                     0: the broker puts us off (disk_full, busy, too_fast, limit), told once until it is up */
    ZCHAT_EVENT,  /* an event of a followed stream, in order, once */
    ZCHAT_POST,   /* a post's state changed: `number`, `post`, `rc`, `stream`, `seq` */
    ZCHAT_LIVE,   /* a followed stream has been read up to `seq`; what comes now is new */
    ZCHAT_GAP,    /* events first..last of `stream` are no longer kept by the broker */
    ZCHAT_PERSON, /* a row of an answer to zchat_who(): `from`, `state`, `devices`, `stream` or "" */
    ZCHAT_ROOM,   /* a row of an answer to zchat_rooms(): `stream`, `seq`, `people`, `is_member` */
    ZCHAT_ANSWER, /* request `ref` is done: `rc`, `text` when refused, `seq`, `round_trip_ms`;
                     of zchat_admit(): `text` is the invitation (zchat://...), `until_ms`; of zchat_search():
                     `cursor`, `is_behind` */
    ZCHAT_DEVICE, /* a row of zchat_devices(): `key`, `text` (its name), `ts_ms`, `is_own` (this one) */
    ZCHAT_SESSION, /* a row of zchat_sessions(): `from`, `session`, `state`, `ts_ms`, `key`, `text` (which other broker) */
    ZCHAT_STAT,    /* a row of zchat_stats(): `text` (the figure's name), `value` */
    ZCHAT_BAN, /* a row of zchat_bans(): `state` ("ban", "mute", "invite"), `stream`, `from` or `key`,
                      `until_ms` (0: for ever) */
    ZCHAT_FOUND,  /* a row of zchat_search(), with the fields of a ZCHAT_EVENT */
    ZCHAT_BROKER, /* a row of zchat_ask_brokers(); see libzchat(3) */
};

enum zchat_link { ZCHAT_LINK_DOWN, ZCHAT_LINK_UP, ZCHAT_LINK_REFUSED };

enum zchat_post_state {
    ZCHAT_WAITING, /* in the outbox. Told of an earlier run's posts, with `stream`, `text` and rc 0; and once, until
                      something is answered, when the broker puts a post off: `rc` is too_fast, busy or disk_full, `text`
                      its sentence. It is sent again by itself. */
    ZCHAT_STORED,    /* on the broker's disk, at `stream` `seq` */
    ZCHAT_DELIVERED, /* the recipient's client has it */
    ZCHAT_UNKNOWN,   /* its deadline is over without an answer: zchat_retry() is safe */
    ZCHAT_FAILED,    /* refused, never stored: `rc` says why */
};

/* Strings are NUL-terminated, never NULL ("" when absent), and live until the next
 * zchat_next(). Peer text is not cleaned for terminals. */
struct zchat_event {
    enum zchat_event_kind kind;
    zchat_rc rc;
    uint32_t ref;
    enum zchat_link link;

    const char *stream; /* "#lobby", "@alice" */
    uint64_t seq;
    uint64_t ts_ms; /* since 1970 */
    const char *
        type; /* "message", "receipt", "join", "leave", "topic", "mode", "role", "kick", "ban" ... */
    const char *message_kind; /* "message", "notice" */
    const char *from;         /* nick */
    const char *to;           /* nick; private messages */
    const char *text;
    size_t text_len;
    uint64_t session; /* the sender's session and number */
    uint32_t number;
    uint64_t peer_seq; /* own copy of a private message: its place in the recipient's stream */
    uint64_t upto;     /* receipt: `from` has everything of its stream up to here */
    const char *room;  /* invite, kick, ban in the own stream: which room */
    uint64_t until_ms; /* ban, mute: when it ends, since 1970; 0: never */

    enum zchat_post_state post;
    uint64_t first, last;
    uint32_t people, devices;
    const char *state; /* "online", "away", "silent", "gone"; see also ZCHAT_BAN */
    bool is_member;
    uint32_t round_trip_ms;
    const char *topic; /* ZCHAT_ROOM, and ZCHAT_ANSWER of a join */
    const char *role;  /* ZCHAT_PERSON: "operator", "owner", or "" */
    const char *key;   /* a device's public key, hex */
    bool is_private, is_persistent;
    bool is_op;      /* ZCHAT_PERSON with `stream`: of that room; ZCHAT_ROOM: this person is */
    bool is_own;     /* ZCHAT_DEVICE */
    uint64_t cursor; /* of a search: where it goes on; 0: there is no more */
    bool is_behind;  /* of a search: the broker's index is: what is newest may be missing */
    uint64_t value;  /* ZCHAT_STAT */
    uint64_t size;   /* ZCHAT_ANSWER of zchat_backup(): bytes */
    uint64_t events; /* likewise, and of zchat_purge(): how many */
    uint32_t
        seconds; /* likewise: what it took; ZCHAT_ROOM: how long events are kept (zchat_keep()) */
    const char *address, *agent; /* ZCHAT_BROKER */
    uint64_t seen_ms;            /* likewise: when it was heard of last */
    uint32_t lease_ms;           /* likewise: how long it counts as living without another sign */
};

/* Wait at most timeout_ms (negative: for ever) for the next thing to happen. `extra`
 * (may be NULL) are the caller's own descriptors: when one of them is ready, the call returns
 * ZCHAT_NONE early with their revents set. Telling an event and calling again means it was
 * shown: an inbox handle then confirms it to the broker. */
zchat_rc zchat_next(struct zchat *self, int timeout_ms, struct pollfd *extra, size_t extra_count,
                    struct zchat_event *ret);

/* With options.confirms_late: the events first..last of the own stream are done with. Only what joins on to what was
 * confirmed before counts: nothing is passed over. */
void zchat_confirm(struct zchat *self, uint64_t first, uint64_t last);

/* Post to "#room" or "@nick". The text is copied. `kind`: NULL for "message", or "notice".
 * After timeout_ms (0: no deadline) without an answer the post becomes ZCHAT_UNKNOWN.
 * RC_BUSY (16): the outbox is full, wait for states. */
zchat_rc zchat_post(struct zchat *self, const char *target, const char *kind, const char *text,
                    size_t text_len, uint32_t timeout_ms, uint32_t *ret_number);
/* As zchat_post() under a number given before, with options.session: safe to repeat. Only
 * as the first post of a handle. */
zchat_rc zchat_post_as(struct zchat *self, uint32_t number, const char *target, const char *kind,
                       const char *text, size_t text_len, uint32_t timeout_ms);
/* Try a post again that is ZCHAT_UNKNOWN (same number) or ZCHAT_FAILED (a new one). */
zchat_rc zchat_retry(struct zchat *self, uint32_t number, uint32_t timeout_ms,
                     uint32_t *ret_number);
void zchat_set_away(struct zchat *self, bool is_away); /* shown to others; false at first */
size_t zchat_unanswered(const struct zchat *self);     /* posts waiting in the outbox */

/* The outbox on disk. A handle that keeps it writes posts down before it sends them, and begins with what a run that
 * was killed has left: in that run's session, told first of all as ZCHAT_WAITING, and sent again. */
struct zchat_outbox {
    size_t adopted; /* posts of an earlier run, when this one began */
    size_t kept;    /* posts without an answer: the next run would send them */
    size_t waiting; /* those of further ended runs; each next handle takes over one run's */
};
void zchat_outbox(const struct zchat *self, struct zchat_outbox *ret); /* looks at the disk */
/* What could not be written (then zchat_post() gives RC_SYSTEM, 103), or was set aside, and where: a sentence, or "". */
const char *zchat_outbox_trouble(const struct zchat *self);

/* Where following begins. */
enum zchat_place_kind {
    ZCHAT_FROM_HEAD,      /* only what is new */
    ZCHAT_FROM_SEQ,       /* at `value` */
    ZCHAT_FROM_LAST,      /* the last `value` events before the end */
    ZCHAT_FROM_TIME,      /* not older than `value` milliseconds since 1970 */
    ZCHAT_FROM_CONFIRMED, /* own stream: behind the last confirmed one */
};
struct zchat_place {
    enum zchat_place_kind kind;
    uint64_t value;
};

/* Follow a stream: ZCHAT_EVENTs in order from `from` on, ZCHAT_LIVE once when the head is
 * reached, then live for ever. With `until` not 0: history; it ends with ZCHAT_LIVE behind the event
 * `until` or the head, whichever is earlier, and is no longer followed. A stream that does not exist
 * gives ZCHAT_ANSWER with ref 0, its name in `stream`, and rc. Reconnects keep the place. */
zchat_rc zchat_follow(struct zchat *self, const char *stream, struct zchat_place from,
                      uint64_t until);
void zchat_unfollow(struct zchat *self, const char *stream);

/* How far a stream was shown to this person here, by any client that keeps places; 0: not known. Setting it is the
 * program's business; 0 forgets. It is on disk within a second, and at the end. */
uint64_t zchat_place(const struct zchat *self, const char *stream);
void zchat_set_place(struct zchat *self, const char *stream, uint64_t seq);

/* Requests; the answer carries *ret_ref. They wait for the link and are asked again over
 * reconnects. */
zchat_rc zchat_join(struct zchat *self, const char *room, bool create, uint32_t *ret_ref);
zchat_rc zchat_leave(struct zchat *self, const char *room, uint32_t *ret_ref);
/* As zchat_join() with create, for a room that does not exist or that nobody is in. */
zchat_rc zchat_create(struct zchat *self, const char *room, bool is_private, bool is_persistent,
                      uint32_t *ret_ref);

/* Run a room, or the broker (protocol 7.6, 5.3): one thing about one room or person. `what` is the verb: "topic", "private",
 * "public", "persistent", "passing", "invite", "op", "deop", "kick", "ban", "unban", "mute", "unmute", "revoke",
 * "role". The answer carries *ret_ref; asking again is harmless. RC_BAD_FIELD (3): no such verb, or something
 * is missing. */
struct zchat_order {
    const char *what;
    const char *
        room; /* "#lab"; NULL for "revoke", "role", and for "ban" and "unban" of the broker itself */
    const char *nick; /* whom; NULL when `key` says it, or it is about the room */
    const char *key;  /* a device's public key, 64 hex digits: "ban", "unban", "revoke" */
    const char *text; /* the topic, or the reason; "role": "member", "operator", "owner" */
    uint32_t seconds; /* "ban", "mute": how long; 0: for ever */
};
zchat_rc zchat_order(struct zchat *self, const struct zchat_order *order, uint32_t *ret_ref);
zchat_rc zchat_bans(struct zchat *self, const char *room_or_null, uint32_t *ret_ref);

/* How long a room's events are kept: 0 as the broker does, ZCHAT_KEEP_FOR_EVER, or seconds. */
#define ZCHAT_KEEP_FOR_EVER UINT32_MAX
zchat_rc zchat_keep(struct zchat *self, const char *room, uint32_t seconds, uint32_t *ret_ref);

/* For the broker's owners and operators (protocol 5.4). The answer may take its time: it comes when all is done. */
/* A copy of all that is stored, in the file `name` of the broker's own folder for them. */
zchat_rc zchat_backup(struct zchat *self, const char *name, uint32_t *ret_ref);
/* Remove a room's ("#room") events, or empty a person's ("@nick") messages: those before `before_ms` (since 1970; 0: all). */
zchat_rc zchat_purge(struct zchat *self, const char *stream, uint64_t before_ms, uint32_t *ret_ref);

/* An invitation, good once: for a new person (of `role`; `nick` or NULL: whoever brings it), or for one more device
 * of this person, which `device_name` names. `seconds` 0: a day. */
struct zchat_admission {
    const char *nick;
    const char *role; /* NULL: "member" */
    bool is_device;
    const char *device_name;
    uint32_t seconds;
};
zchat_rc zchat_admit(struct zchat *self, const struct zchat_admission *whom, uint32_t *ret_ref);
zchat_rc zchat_devices(struct zchat *self, const char *nick_or_null, uint32_t *ret_ref);
zchat_rc zchat_sessions(struct zchat *self, uint32_t *ret_ref);
/* The broker's figures, as its metrics page has them, and which brokers serve this chat; for operators and owners. */
zchat_rc zchat_stats(struct zchat *self, uint32_t *ret_ref);
zchat_rc zchat_ask_brokers(struct zchat *self, uint32_t *ret_ref);
zchat_rc zchat_who(struct zchat *self, const char *room_or_null, uint32_t *ret_ref);
zchat_rc zchat_rooms(struct zchat *self, bool mine, uint32_t *ret_ref);
zchat_rc zchat_ping(struct zchat *self, uint32_t *ret_ref);
/* Search all messages that this person may read, newest first. What is found comes as ZCHAT_FOUND, and ZCHAT_ANSWER behind
 * it. RC_NO_SEARCH (32) as its rc: the broker does not search. RC_BAD_FIELD (3): there is no word in it. */
struct zchat_query {
    const char *
        words; /* all must be in it: words, "some words in a row", beginnings*; may be NULL with `from` */
    const char *
        stream; /* "#room"; "@nick": private messages with that person; own nick: all of them; NULL: everywhere */
    const char *from;  /* nick of the sender; NULL: anybody */
    uint64_t since_ms; /* not older, since 1970 */
    uint64_t until_ms; /* older; 0: no bound */
    uint32_t count;    /* at most so many; 0: all there are */
    uint64_t cursor;   /* go on where an answer ended; 0: begin with the newest */
};
zchat_rc zchat_search(struct zchat *self, const struct zchat_query *query, uint32_t *ret_ref);
/* A named place at the broker (`tail --durable`): remember it, or (seq 0) ask for it. */
zchat_rc zchat_mark(struct zchat *self, const char *name, const char *stream, uint64_t seq,
                    uint32_t *ret_ref);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
