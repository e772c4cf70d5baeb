/* model.h - the client as a pure function: outbox, retry, order, gap repair, confirmation.
 *
 * Events in, effects out, as in broker/core/core.h: no socket, clock or disk. The connection
 * (client/lib/net) carries the effects out; the simulation does too. It keeps the
 * texts of the outbox and the reorder buffers, so it allocates; all of them are bounded by
 * struct model_limits. Its jitter comes from the seed in model_options. */
#ifndef CLIENT_LIB_MODEL_H
#define CLIENT_LIB_MODEL_H

#include "client/lib/zchat.h"
#include "shared/base/ids.h"
#include "shared/base/rc.h"
#include "shared/proto/message.h"

struct model;

struct model_limits {
    uint32_t outbox_max;  /* posts without a final state */
    uint32_t follows_max; /* streams */
    uint32_t held_max;    /* later events held per stream while a hole is filled */
    uint32_t requests_max;
    uint32_t tells_max; /* untaken tells; when full, live events are dropped and fetched again */
};
#define MODEL_LIMITS_DEFAULTS                                                          \
    {                                                                                  \
        .outbox_max = 1024, .follows_max = 8192, .held_max = 1024, .requests_max = 64, \
        .tells_max = 4096                                                              \
    }

struct model_options {
    const char *nick; /* canonical */
    const char *agent;
    session_id session;
    bool is_inbox;
    bool confirms_late; /* only what model_shown() names was shown */
    uint64_t seed;      /* of the jitter */
    const unsigned char
        *invite; /* INVITE_BYTES, said with each HELLO until WELCOME came; NULL: none */
    struct model_limits limits;
};

struct model *model_new(const struct model_options *options); /* NULL: no memory */
void model_destroy(struct model **self_p);

enum model_effect_kind {
    MODEL_FX_SEND = 1, /* `message` to the broker; if it cannot be queued, drop it: it is retried */
    MODEL_FX_SUBSCRIBE, /* `topic`, without its NUL */
    MODEL_FX_UNSUBSCRIBE,
    MODEL_FX_RECONNECT, /* close both sockets, open new ones to `broker` after delay_ms, then model_opened() */
};

/* Spans borrow from the model until its next call. */
struct model_effect {
    enum model_effect_kind kind;
    struct message message;
    struct span topic;
    uint32_t broker; /* index: model_set_brokers() */
    uint32_t delay_ms;
    enum rc
        rc; /* why the broker before is passed over: RC_WRONG_BROKER, it serves another chat; RC_OK: it is not */
};

/* A growing list that the caller empties: model functions append. */
struct model_effects {
    size_t count;
    size_t capacity;
    struct model_effect *item;
};
void model_effects_fini(struct model_effects *self);

/* The brokers of this chat, at most BROKERS_MAX; without this call there is one. 0 is where the link is, or goes first, and
 * `keys` say which have the same key (the same number). `chat` is what an earlier run knew of (0: nothing), `is_home`
 * whether that was of the first. Before the first model_opened(), or while the link is up. */
void model_set_brokers(struct model *self, const uint64_t *keys, size_t count, uint64_t chat,
                       bool is_home);
bool model_is_up(const struct model *self); /* WELCOME came */
/* How long a broker may take to shake hands. */
uint32_t model_patience_ms(const struct model *self);

/* The sockets are open and connecting: subscribes and says HELLO (again until WELCOME). */
void model_opened(struct model *self, uint64_t now_ms, struct model_effects *fx);
/* The SUB has shaken hands, which it does after WELCOME, or has come back: whoever calls this does so each
 * time. Subscriptions are probed at once, and what was missed is looked for. */
void model_listening(struct model *self, uint64_t now_ms, struct model_effects *fx);
/* The transport says the link is gone, or was not reached: told as ZCHAT_LINK_DOWN; goes to the next broker at once, or,
 * when all were tried, with backoff. */
void model_lost(struct model *self, uint64_t now_ms, struct model_effects *fx);
/* The transport says entry was refused for good (CURVE, ZAP): told as ZCHAT_LINK_REFUSED with rc. */
void model_refused(struct model *self, enum rc rc, uint64_t now_ms, struct model_effects *fx);
/* A message came from the broker: over DEALER or, `from_pub`, over SUB (unsealed already). */
void model_received(struct model *self, const struct message *message, bool from_pub,
                    uint64_t now_ms, struct model_effects *fx);
/* Time has come to model_next_deadline_ms(). */
void model_tick(struct model *self, uint64_t now_ms, struct model_effects *fx);
uint64_t model_next_deadline_ms(const struct model *self); /* UINT64_MAX: never */

/* The next thing to tell; false when there is none. Its strings live until the next call of
 * model_tell(). Taking the next one means that the one before was shown (confirmation). Also
 * called once when none is left, it marks the last one as shown. */
bool model_tell(struct model *self, struct zchat_event *ret, uint64_t now_ms,
                struct model_effects *fx);

/* For who has options.confirms_late: the own stream was shown from `first` to `last`; told with the next model_tell(). */
void model_shown(struct model *self, uint64_t first, uint64_t last);

/* Nothing more will be told: what was shown is confirmed now, however much is left untold. */
void model_closing(struct model *self, uint64_t now_ms, struct model_effects *fx);

/* The key of that epoch of the own stream or of a followed room, or NULL: it is not known (any more). */
const unsigned char *model_stream_key(const struct model *self, struct span stream, uint32_t epoch);

/* A box of this place came over SUB and could not be opened: no key, or a wrong one. The place is known now, so FETCH
 * brings the event in clear; HEAD asks for the key, at a bounded rate. */
void model_unreadable(struct model *self, struct span stream, uint32_t epoch, uint64_t seq,
                      uint64_t now_ms, struct model_effects *fx);

/* The API of zchat.h; targets and rooms are canonical stream names. */
enum rc model_post(struct model *self, struct span target, struct span kind, struct span text,
                   uint32_t number_or_0, uint32_t timeout_ms, uint64_t now_ms,
                   struct model_effects *fx, uint32_t *ret_number) MUST_CHECK;
enum rc model_retry(struct model *self, uint32_t number, uint32_t timeout_ms, uint64_t now_ms,
                    struct model_effects *fx, uint32_t *ret_number) MUST_CHECK;
/* Whether the person is away: said at once, and with every PING. */
void model_set_away(struct model *self, bool is_away, uint64_t now_ms, struct model_effects *fx);
size_t model_unanswered(const struct model *self);

/* What an earlier run of this session left without an answer: first of all, in the order of the numbers, and once
 * behind the last one the number of the next new post. Each is told as ZCHAT_WAITING with its target and text.
 * RC_LIMIT, RC_BAD_FIELD: this cannot be one outbox; make another model. */
enum rc model_restore(struct model *self, uint32_t number, struct span target, struct span kind,
                      struct span text, uint32_t timeout_ms, uint64_t now_ms) MUST_CHECK;
enum rc model_restored(struct model *self, uint32_t next) MUST_CHECK;
/* For writing a post down before it is made: the number that model_post() would give it now, or the code of its
 * refusal; and a refused post that model_retry() would give a new number (spans: until the next call). */
enum rc model_next_number(const struct model *self, struct span target, struct span kind,
                          struct span text, uint32_t *ret) MUST_CHECK;
bool model_failed(const struct model *self, uint32_t number, struct span *ret_target,
                  struct span *ret_kind, struct span *ret_text);

enum rc model_follow(struct model *self, struct span stream, struct zchat_place from,
                     uint64_t until, uint64_t now_ms, struct model_effects *fx) MUST_CHECK;
void model_unfollow(struct model *self, struct span stream, struct model_effects *fx);

/* A request: any verb that is answered with JOINED, LEFT, END, PONG, MARK, DONE or INVITATION, with its fields, which
 * are copied; the model gives the ref, repeats it until answered, follows cursors of lists to their end. The answer to
 * ADMIT is told with the token in `key`, the nick in `from`: the address around it is the caller's. */
enum rc model_request(struct model *self, const struct message *message, uint64_t now_ms,
                      struct model_effects *fx, uint32_t *ret_ref) MUST_CHECK;

#endif
