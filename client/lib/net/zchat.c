/* zchat.c - the public API of libzchat, over the pump: the handle, what happens, posts. */
#include "client/lib/zchat.h"

#include "client/lib/net/handle.h"
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
    .room = "",
    .topic = "",
    .role = "",
    .key = "",
};

_Thread_local struct why handle_why;

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

/* The model, with what an earlier run left in it. */
static enum rc make_model(struct zchat *self, const struct zchat_options *options,
                          struct model **ret, struct why *why)
{
    struct model_options model_options = {
        .nick = self->nick.text,
        .agent = options->agent == NULL ? "libzchat/" ZCHAT_VERSION : options->agent,
        .is_inbox = options->is_inbox,
        .confirms_late = options->confirms_late,
        .limits = MODEL_LIMITS_DEFAULTS,
        .invite = self->choice.url.has_invite ? self->choice.url.invite : NULL,
    };
    struct model *model = NULL;
    enum rc rc = random_number(&model_options.seed, why);

    if (rc != RC_OK)
        return rc;
    for (;;) {
        if (self->session == 0)
            rc = random_number(&self->session, why);
        if (rc != RC_OK)
            return rc;
        model_options.session = (session_id){self->session};
        model = model_new(&model_options);
        if (model == NULL) {
            why_set(why, "there is no memory for a client");
            return RC_SYSTEM;
        }
        if (keeper_restore(&self->keeper, model, clock_mono_ms()) == RC_OK)
            break;
        model_destroy(&model); /* it was set aside */
        self->session = 0;
    }
    self->note.viewer = self->keeper.adopted > 0 ? model_options.seed : self->session;
    *ret = model;
    return RC_OK;
}

static enum rc start(struct zchat *self, const struct zchat_options *options, struct why *why)
{
    struct key_pair keys;
    struct connection *connection;
    struct model *model;
    enum rc rc = home_key(&self->home, &self->nick, &keys, why);

    if (rc != RC_OK)
        return rc;
    memcpy(self->public_key, keys.public_key, sizeof(self->public_key));
    roster_open(&self->roster, &self->home, &self->choice);
    connection = connection_new(roster_broker(&self->roster), &keys);
    explicit_bzero(&keys, sizeof(keys));
    if (connection == NULL) {
        why_set(why, "the system has no sockets for us: %s", strerror(errno));
        return RC_SYSTEM;
    }
    self->session = options->session;
    rc = keeper_open(&self->keeper, options, &self->home, &self->nick, &self->roster.named,
                     &self->session, why);
    if (rc == RC_OK)
        rc = make_model(self, options, &model, why);
    if (rc != RC_OK) {
        connection_destroy(&connection);
        return rc;
    }
    broker_url_strip_invite(&self->choice.url); /* the model alone has it from here on */
    if (options->keeps_outbox)
        keeper_begin(&self->keeper, self->session);
    pump_init(&self->pump, connection, model, &self->keeper, &self->roster);
    return RC_OK;
}

/* Said here and now: counts for more than an invitation's nick, which counts for more than the last one used. */
static bool is_nick_given(const struct zchat_options *options)
{
    const char *environment = getenv("ZCHAT_NICK");

    return (options->nick != NULL && options->nick[0] != '\0') ||
           (environment != NULL && environment[0] != '\0');
}

static enum rc choose(struct zchat *self, const struct zchat_options *options)
{
    const bool is_given = is_nick_given(options);
    enum rc rc = RC_OK;

    if (is_given)
        rc = choice_nick(&self->home, options->nick, &self->nick, &handle_why);
    if (rc == RC_OK)
        rc = choice_broker(&self->home, options->broker, &self->choice, &handle_why);
    if (rc == RC_OK && !is_given)
        rc = choice_nick(&self->home, self->choice.url.nick, &self->nick, &handle_why);
    return rc;
}

zchat_rc zchat_open(const struct zchat_options *options, struct zchat **ret, const char **ret_why)
{
    static const struct zchat_options defaults;
    struct zchat *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    handle_why.text[0] = '\0';
    if (options == NULL)
        options = &defaults;
    rc = home_open(options->home, &self->home, &handle_why);
    if (rc == RC_OK)
        rc = choose(self, options);
    if (rc == RC_OK)
        rc = note_open(&self->note, options->history, &handle_why);
    if (rc == RC_OK)
        rc = start(self, options, &handle_why);
    if (rc != RC_OK) {
        keeper_close(&self->keeper);
        note_close(&self->note);
        broker_url_strip_invite(&self->choice.url);
        free(self);
        if (ret_why != NULL)
            *ret_why = handle_why.text;
        return rc;
    }
    handle_note_brokers(self);
    self->note.nick = name_text(&self->nick);
    self->note.run = self->session;
    self->is_service = options->is_service;
    *ret = self;
    return RC_OK;
}

/* What became known and was not told any more: those posts need not be sent again by the next run. */
static void take_last_states(struct zchat *self)
{
    struct zchat_event event;

    pump_stop(&self->pump); /* from here on nothing counts as shown to somebody */
    while (self->keeper.outbox != NULL &&
           model_tell(self->pump.model, &event, clock_mono_ms(), &self->pump.fx))
        keeper_told(&self->keeper, &event);
}

void zchat_close(struct zchat **self_p)
{
    struct zchat *self = *self_p;

    if (self == NULL)
        return;
    take_last_states(self);
    pump_fini(&self->pump);
    keeper_close(&self->keeper);
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

const char *zchat_brokers(const struct zchat *self)
{
    return self->brokers;
}

/* The milliseconds to wait: until the caller's end, the model's deadline, or for ever (-1). */
static int wait_ms(const struct zchat *self, uint64_t end_ms, uint64_t now_ms)
{
    uint64_t deadline_ms = pump_deadline_ms(&self->pump);
    uint64_t save_ms = keeper_deadline_ms(&self->keeper);

    if (save_ms < deadline_ms)
        deadline_ms = save_ms;
    if (end_ms < deadline_ms)
        deadline_ms = end_ms;
    if (deadline_ms == UINT64_MAX)
        return -1;
    if (deadline_ms <= now_ms)
        return 0;
    return deadline_ms - now_ms > INT_MAX ? INT_MAX : (int)(deadline_ms - now_ms);
}

/* The answer to zchat_admit() holds a token: around it belongs the address of this broker. */
static void tell_invitation(struct zchat *self, struct zchat_event *event)
{
    struct broker_url url = *roster_broker(&self->roster);

    explicit_bzero(self->invitation, sizeof(self->invitation));
    if (event->kind != ZCHAT_ANSWER || event->key[0] == '\0')
        return;
    if (hex_decode(span_of(event->key), url.invite, sizeof(url.invite)) == RC_OK) {
        url.has_invite = true;
        snprintf(url.nick, sizeof(url.nick), "%s", event->from);
        broker_url_format(&url, self->invitation);
    }
    event->text = self->invitation;
    event->text_len = strlen(self->invitation);
    event->key = "";
    broker_url_strip_invite(&url);
}

static bool take_tell(struct zchat *self, struct zchat_event *ret, uint64_t now_ms)
{
    bool is_told = model_tell(self->pump.model, ret, now_ms, &self->pump.fx);

    pump_carry(&self->pump, now_ms);
    if (is_told) {
        keeper_told(&self->keeper, ret);
        handle_note_link(self, ret);
        note_told(&self->note, ret);
        tell_invitation(self, ret);
    }
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
        keeper_tick(&self->keeper, now_ms);
        if (take_tell(self, ret, now_ms))
            return RC_OK;
        pump_turn(&self->pump, now_ms);
        if (pump_take_welcome(&self->pump))
            handle_remember(self);
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

/* Into the history, then onto the disk, then to the model: a run that is killed in between has at most said more
 * than it did. */
static enum rc write_down(struct zchat *self, const struct outbox_post *post)
{
    note_post(&self->note, post->number, post->target, post->text);
    return keeper_post(&self->keeper, post);
}

static enum rc post(struct zchat *self, uint32_t number_or_0, const char *target, const char *kind,
                    struct span text, uint32_t timeout_ms, uint32_t *ret_number)
{
    uint64_t now_ms = clock_mono_ms();
    struct outbox_post post = {.text = text,
                               .timeout_ms = timeout_ms,
                               .kind = kind == NULL ? SPAN("message") : span_of(kind)};
    struct stream_name name;
    enum rc rc = stream_name_parse(span_of(target), &name);

    if (rc == RC_OK)
        rc = check_text(text);
    if (rc == RC_OK && !span_equal(post.kind, SPAN("message")) &&
        !span_equal(post.kind, SPAN("notice")))
        rc = RC_BAD_FIELD;
    if (rc != RC_OK)
        return rc;
    post.target = stream_name_text(&name);
    rc = model_next_number(self->pump.model, post.target, post.kind, text, &post.number);
    if (rc == RC_OK && number_or_0 != 0)
        post.number = number_or_0;
    if (rc == RC_OK)
        rc = write_down(self, &post);
    if (rc == RC_OK)
        rc = model_post(self->pump.model, post.target, post.kind, text, number_or_0, timeout_ms,
                        now_ms, &self->pump.fx, ret_number);
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
    struct outbox_post again = {.timeout_ms = timeout_ms};
    uint32_t given = 0;
    enum rc rc = RC_OK;

    if (model_failed(self->pump.model, number, &again.target, &again.kind, &again.text)) {
        rc = model_next_number(self->pump.model, again.target, again.kind, again.text,
                               &again.number);
        if (rc == RC_OK)
            note_retry(&self->note, again.number, number);
        if (rc == RC_OK)
            rc = keeper_post(&self->keeper, &again);
    }
    if (rc == RC_OK)
        rc = model_retry(self->pump.model, number, timeout_ms, now_ms, &self->pump.fx, &given);
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

void zchat_outbox(const struct zchat *self, struct zchat_outbox *ret)
{
    const struct outbox_file *file = self->keeper.outbox;

    *ret = (struct zchat_outbox){.adopted = self->keeper.adopted,
                                 .kept = file == NULL ? 0 : outbox_file_count(file),
                                 .waiting = outbox_folder_waiting(&self->keeper.folder)};
}

const char *zchat_outbox_trouble(const struct zchat *self)
{
    return self->keeper.trouble.text;
}

uint64_t zchat_place(const struct zchat *self, const char *stream)
{
    return self->keeper.places == NULL ? 0 : places_get(self->keeper.places, span_of(stream));
}

void zchat_set_place(struct zchat *self, const char *stream, uint64_t seq)
{
    if (self->keeper.places != NULL)
        places_set(self->keeper.places, span_of(stream), seq);
}
