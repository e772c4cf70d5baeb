/* zchat.c - the public API of libzchat, over the pump. */
#include "client/lib/zchat.h"

#include "client/lib/net/choice.h"
#include "client/lib/net/known.h"
#include "client/lib/net/note.h"
#include "client/lib/net/pump.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "shared/text/name.h"
#include "shared/wire/wire.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct zchat {
    struct pump pump;
    struct home home;
    struct choice choice;
    struct name nick;
    uint64_t session;
    unsigned char public_key[PUBLIC_KEY_BYTES];
    char broker[URL_BYTES_MAX];
    struct why trouble;
    bool is_up;
    bool has_posted;
    bool is_service;
    unsigned tells_in_row;
    struct note note;
};

#define TELLS_IN_ROW_MAX 64

static const struct zchat_event nothing = {
    .kind = ZCHAT_NONE,
    .stream = "",
    .type = "",
    .message_kind = "",
    .from = "",
    .to = "",
    .text = "",
    .state = "",
};

static _Thread_local struct why last_why;

const char *zchat_strerror(zchat_rc rc)
{
    return rc_sentence((enum rc)rc);
}

const char *zchat_errname(zchat_rc rc)
{
    return rc_name((enum rc)rc);
}

static enum rc random_number(uint64_t *ret, struct why *why)
{
    uint64_t number = 0;

    while (number == 0) {
        if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
            if (errno == EINTR)
                continue;
            why_set(why, "this system has no random numbers: %s", strerror(errno));
            return RC_SYSTEM;
        }
    }
    *ret = number;
    return RC_OK;
}

static enum rc start(struct zchat *self, const struct zchat_options *options, struct why *why)
{
    struct key_pair keys;
    struct connection *connection;
    uint64_t seed;
    enum rc rc = home_key(&self->home, &self->nick, &keys, why);

    if (rc != RC_OK)
        return rc;
    memcpy(self->public_key, keys.public_key, sizeof(self->public_key));
    connection = connection_new(&self->choice.url, &keys);
    explicit_bzero(&keys, sizeof(keys));
    if (connection == NULL) {
        why_set(why, "the system has no sockets for us: %s", strerror(errno));
        return RC_SYSTEM;
    }
    rc = random_number(&seed, why);
    self->session = options->session;
    if (rc == RC_OK && self->session == 0)
        rc = random_number(&self->session, why);
    if (rc == RC_OK) {
        const struct model_options model_options = {
            .nick = self->nick.text,
            .agent = options->agent == NULL ? "libzchat/" ZCHAT_VERSION : options->agent,
            .session = {self->session},
            .is_inbox = options->is_inbox,
            .seed = seed,
            .limits = MODEL_LIMITS_DEFAULTS,
        };
        struct model *model = model_new(&model_options);

        if (model != NULL) {
            pump_init(&self->pump, connection, model);
            return RC_OK;
        }
        why_set(why, "there is no memory for a client");
        rc = RC_SYSTEM;
    }
    connection_destroy(&connection);
    return rc;
}

zchat_rc zchat_open(const struct zchat_options *options, struct zchat **ret, const char **ret_why)
{
    static const struct zchat_options defaults;
    struct zchat *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    last_why.text[0] = '\0';
    if (options == NULL)
        options = &defaults;
    rc = home_open(options->home, &self->home, &last_why);
    if (rc == RC_OK)
        rc = choice_nick(&self->home, options->nick, &self->nick, &last_why);
    if (rc == RC_OK)
        rc = choice_broker(&self->home, options->broker, &self->choice, &last_why);
    if (rc == RC_OK)
        rc = note_open(&self->note, options->history, &last_why);
    if (rc == RC_OK)
        rc = start(self, options, &last_why);
    if (rc != RC_OK) {
        note_close(&self->note);
        free(self);
        if (ret_why != NULL)
            *ret_why = last_why.text;
        return rc;
    }
    broker_url_format(&self->choice.url, self->broker);
    self->note.nick = name_text(&self->nick);
    self->note.run = self->session;
    self->is_service = options->is_service;
    *ret = self;
    return RC_OK;
}

void zchat_close(struct zchat **self_p)
{
    struct zchat *self = *self_p;

    if (self == NULL)
        return;
    pump_fini(&self->pump);
    note_close(&self->note);
    explicit_bzero(self, sizeof(*self));
    free(self);
    *self_p = NULL;
}

uint64_t zchat_session(const struct zchat *self)
{
    return self->session;
}

const char *zchat_nick(const struct zchat *self)
{
    return self->nick.text;
}

const char *zchat_broker(const struct zchat *self)
{
    return self->broker;
}

void zchat_describe(const struct zchat *self, struct zchat_identity *ret)
{
    memset(ret, 0, sizeof(*ret));
    hex_encode(self->public_key, PUBLIC_KEY_BYTES, ret->key);
    key_fingerprint(self->public_key, ret->fingerprint);
    if (self->choice.url.has_key)
        key_fingerprint(self->choice.url.key, ret->broker_fingerprint);
    snprintf(ret->broker_agent, sizeof(ret->broker_agent), "%s", self->pump.broker_agent);
    ret->version = self->pump.version;
    ret->is_up = self->is_up;
}

zchat_rc zchat_trouble(const struct zchat *self, const char **ret_why)
{
    enum rc rc;

    last_why.text[0] = '\0';
    if (self->is_up) {
        rc = RC_OK;
    } else if (self->pump.phase == PUMP_STOPPED) {
        why_set(&last_why, "the broker does not let this key in");
        rc = RC_NOT_LET_IN;
    } else {
        rc = connection_trouble(self->pump.connection, &last_why);
        if (rc == RC_OK) {
            why_set(&last_why, "the broker accepts connections but does not answer");
            rc = RC_UNREACHABLE;
        }
    }
    if (ret_why != NULL)
        *ret_why = last_why.text;
    return rc;
}

/* The broker has proved its key and knows us: worth remembering, and failing at that only costs
 * convenience, but for the pin: there the reason is told at the next start. */
static void remember(struct zchat *self)
{
    if (self->choice.is_new_key && known_pin(&self->home, &self->choice.url, &last_why) == RC_OK)
        self->choice.is_new_key = false;
    if (self->choice.source == CHOICE_GIVEN)
        home_remember_broker(&self->home, &self->choice.url);
    if (!self->is_service)
        home_remember_nick(&self->home, &self->nick);
}

/* The milliseconds to wait: until the caller's end, the model's deadline, or for ever (-1). */
static int wait_ms(const struct zchat *self, uint64_t end_ms, uint64_t now_ms)
{
    uint64_t deadline_ms = pump_deadline_ms(&self->pump);

    if (end_ms < deadline_ms)
        deadline_ms = end_ms;
    if (deadline_ms == UINT64_MAX)
        return -1;
    if (deadline_ms <= now_ms)
        return 0;
    return deadline_ms - now_ms > INT_MAX ? INT_MAX : (int)(deadline_ms - now_ms);
}

static void note_link(struct zchat *self, struct zchat_event *event)
{
    if (event->kind != ZCHAT_LINK)
        return;
    self->is_up = event->link == ZCHAT_LINK_UP;
    if (event->link == ZCHAT_LINK_DOWN && event->text_len == 0) {
        connection_trouble(self->pump.connection, &self->trouble);
        event->text = self->trouble.text;
        event->text_len = strlen(self->trouble.text);
    }
}

static bool take_tell(struct zchat *self, struct zchat_event *ret, uint64_t now_ms)
{
    bool is_told = model_tell(self->pump.model, ret, now_ms, &self->pump.fx);

    pump_carry(&self->pump, now_ms);
    if (is_told)
        note_link(self, ret);
    if (is_told)
        note_told(&self->note, ret);
    return is_told;
}

zchat_rc zchat_next(struct zchat *self, int timeout_ms, struct pollfd *extra, size_t extra_count,
                    struct zchat_event *ret)
{
    uint64_t now_ms = clock_mono_ms();
    uint64_t end_ms = timeout_ms < 0 ? UINT64_MAX : now_ms + (uint64_t)timeout_ms;

    for (size_t i = 0; i < extra_count; i++)
        extra[i].revents = 0;
    /* A long row of tells must neither starve the timers nor hold back what is to be sent. */
    if (now_ms >= pump_deadline_ms(&self->pump) || ++self->tells_in_row >= TELLS_IN_ROW_MAX) {
        pump_turn(&self->pump, now_ms);
        self->tells_in_row = 0;
    }
    for (;;) {
        if (take_tell(self, ret, now_ms))
            return RC_OK;
        pump_turn(&self->pump, now_ms);
        if (pump_take_welcome(&self->pump))
            remember(self);
        if (take_tell(self, ret, now_ms))
            return RC_OK;
        if (connection_wait(self->pump.connection, wait_ms(self, end_ms, now_ms), extra,
                            extra_count) ||
            now_ms >= end_ms)
            break;
        now_ms = clock_mono_ms();
    }
    *ret = nothing;
    return RC_OK;
}

static enum rc check_text(struct span text)
{
    if (text.len > TEXT_BYTES_MAX)
        return RC_TOO_BIG;
    return text.len > 0 && wire_is_utf8(text) ? RC_OK : RC_BAD_TEXT;
}

static enum rc post(struct zchat *self, uint32_t number_or_0, const char *target, const char *kind,
                    struct span text, uint32_t timeout_ms, uint32_t *ret_number)
{
    uint64_t now_ms = clock_mono_ms();
    struct stream_name name;
    enum rc rc = stream_name_parse(span_of(target), &name);

    if (rc == RC_OK)
        rc = check_text(text);
    if (rc == RC_OK && kind != NULL && strcmp(kind, "message") != 0 && strcmp(kind, "notice") != 0)
        rc = RC_BAD_FIELD;
    if (rc == RC_OK)
        rc = model_post(self->pump.model, stream_name_text(&name),
                        span_of(kind == NULL ? "message" : kind), text, number_or_0, timeout_ms,
                        now_ms, &self->pump.fx, ret_number);
    if (rc == RC_OK)
        note_post(&self->note, *ret_number, stream_name_text(&name), text);
    pump_carry(&self->pump, now_ms);
    if (rc == RC_OK)
        self->has_posted = true;
    return rc;
}

zchat_rc zchat_post(struct zchat *self, const char *target, const char *kind, const char *text,
                    size_t text_len, uint32_t timeout_ms, uint32_t *ret_number)
{
    uint32_t number;
    enum rc rc = post(self, 0, target, kind, (struct span){text, text_len}, timeout_ms, &number);

    if (rc == RC_OK && ret_number != NULL)
        *ret_number = number;
    return rc;
}

zchat_rc zchat_post_as(struct zchat *self, uint32_t number, const char *target, const char *kind,
                       const char *text, size_t text_len, uint32_t timeout_ms)
{
    uint32_t ignored;

    if (number == 0 || self->has_posted)
        return RC_BAD_FIELD;
    return post(self, number, target, kind, (struct span){text, text_len}, timeout_ms, &ignored);
}

zchat_rc zchat_retry(struct zchat *self, uint32_t number, uint32_t timeout_ms, uint32_t *ret_number)
{
    uint64_t now_ms = clock_mono_ms();
    uint32_t given = 0;
    enum rc rc = model_retry(self->pump.model, number, timeout_ms, now_ms, &self->pump.fx, &given);

    if (rc == RC_OK && given != number)
        note_retry(&self->note, given, number);
    pump_carry(&self->pump, now_ms);
    if (rc == RC_OK && ret_number != NULL)
        *ret_number = given;
    return rc;
}

void zchat_set_away(struct zchat *self, bool is_away)
{
    uint64_t now_ms = clock_mono_ms();

    model_set_away(self->pump.model, is_away, now_ms, &self->pump.fx);
    pump_carry(&self->pump, now_ms);
}

size_t zchat_unanswered(const struct zchat *self)
{
    return model_unanswered(self->pump.model);
}

zchat_rc zchat_follow(struct zchat *self, const char *stream, struct zchat_place from,
                      uint64_t until)
{
    uint64_t now_ms = clock_mono_ms();
    struct stream_name name;
    enum rc rc = stream_name_parse(span_of(stream), &name);

    if (rc != RC_OK)
        return rc;
    rc = model_follow(self->pump.model, stream_name_text(&name), from, until, now_ms,
                      &self->pump.fx);
    pump_carry(&self->pump, now_ms);
    return rc;
}

void zchat_unfollow(struct zchat *self, const char *stream)
{
    struct stream_name name;

    if (stream_name_parse(span_of(stream), &name) != RC_OK)
        return;
    model_unfollow(self->pump.model, stream_name_text(&name), &self->pump.fx);
    pump_carry(&self->pump, clock_mono_ms());
}

static zchat_rc request(struct zchat *self, const struct message *message, uint32_t *ret_ref)
{
    uint64_t now_ms = clock_mono_ms();
    uint32_t ref = 0;
    enum rc rc = model_request(self->pump.model, message, now_ms, &self->pump.fx, &ref);

    pump_carry(&self->pump, now_ms);
    if (rc == RC_OK && ret_ref != NULL)
        *ret_ref = ref;
    return rc;
}

static zchat_rc request_room(struct zchat *self, struct message *message, const char *room,
                             uint32_t *ret_ref)
{
    struct stream_name name;

    if (stream_name_parse(span_of(room), &name) != RC_OK || name.sigil != '#')
        return RC_BAD_NAME;
    message_set(message, STREAM, stream, stream_name_text(&name));
    return request(self, message, ret_ref);
}

zchat_rc zchat_join(struct zchat *self, const char *room, bool create, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_JOIN};

    if (create)
        message_set(&message, CREATE, create, true);
    return request_room(self, &message, room, ret_ref);
}

zchat_rc zchat_leave(struct zchat *self, const char *room, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_LEAVE};

    return request_room(self, &message, room, ret_ref);
}

zchat_rc zchat_who(struct zchat *self, const char *room_or_null, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_WHO};

    if (room_or_null != NULL)
        return request_room(self, &message, room_or_null, ret_ref);
    return request(self, &message, ret_ref);
}

zchat_rc zchat_rooms(struct zchat *self, bool mine, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_ROOMS};

    if (mine)
        message_set(&message, MINE, mine, true);
    return request(self, &message, ret_ref);
}

zchat_rc zchat_ping(struct zchat *self, uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_PING};

    return request(self, &message, ret_ref);
}

zchat_rc zchat_mark(struct zchat *self, const char *name, const char *stream, uint64_t seq,
                    uint32_t *ret_ref)
{
    struct message message = {.verb = VERB_MARK};
    struct stream_name parsed;

    if (stream_name_parse(span_of(stream), &parsed) != RC_OK)
        return RC_BAD_NAME;
    if (strlen(name) == 0 || strlen(name) > MARK_NAME_BYTES_MAX || !wire_is_utf8(span_of(name)))
        return RC_BAD_NAME;
    message_set(&message, NAME, name, span_of(name));
    message_set(&message, STREAM, stream, stream_name_text(&parsed));
    if (seq != 0)
        message_set(&message, SEQ, seq, seq);
    return request(self, &message, ret_ref);
}
