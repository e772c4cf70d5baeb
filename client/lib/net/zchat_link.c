/* zchat_link.c - what a handle tells about its link: to whom, why not, and what is remembered of it. */
#include "client/lib/net/handle.h"
#include "client/lib/net/known.h"
#include "shared/base/rc.h"

#include <stdio.h>
#include <string.h>

/* The transport refused the key; which of the three it is, it does not say. */
#define KEY_REFUSED \
    "the broker does not let this key in: it is not known there, was removed, or is banned"

/* For who asks. */
void handle_note_brokers(struct zchat *self)
{
    broker_url_format(roster_broker(&self->roster), self->broker);
    if (url_list_format(&self->roster.all, self->brokers) != RC_OK)
        snprintf(self->brokers, sizeof(self->brokers), "%s", self->broker);
}

void zchat_describe(const struct zchat *self, struct zchat_identity *ret)
{
    const struct broker_url *broker = roster_broker(&self->roster);

    memset(ret, 0, sizeof(*ret));
    hex_encode(self->public_key, PUBLIC_KEY_BYTES, ret->key);
    key_fingerprint(self->public_key, ret->fingerprint);
    key_words(self->public_key, ret->words);
    if (broker->has_key) {
        key_fingerprint(broker->key, ret->broker_fingerprint);
        key_words(broker->key, ret->broker_words);
    }
    snprintf(ret->role, sizeof(ret->role), "%s", self->pump.role);
    snprintf(ret->broker_agent, sizeof(ret->broker_agent), "%s", self->pump.broker_agent);
    ret->version = self->pump.version;
    ret->is_up = self->is_up;
}

/* What somebody who is not let in can do about it; NULL: the broker's own sentence says enough. */
static const char *advice(zchat_rc rc)
{
    switch (rc) {
    case RC_BAD_INVITE:
        return "the invitation is not known, used up or over: ask for a new one";
    case RC_NOT_LET_IN:
        return "this broker lets new people in by invitation: ask one of its operators for one, "
               "and give it as "
               "the broker's address";
    case RC_REVOKED:
        return "the key of this device was removed at this broker and cannot come back: move its "
               "key file away and "
               "ask for an invitation for a new one";
    case RC_WRONG_BROKER:
        return "what this address serves is another chat than before: use another --home for it, "
               "or "
               "remove its file from the folder brokers of the state";
    case RC_BANNED:
        return "you are banned at this broker: one of its operators can lift that";
    default:
        return NULL;
    }
}

static void tell_of_others(const struct zchat *self)
{
    const struct why last = handle_why;

    why_set(&handle_why, "%s; its %zu brokers are tried in turn", last.text,
            self->roster.all.count);
}

zchat_rc zchat_trouble(const struct zchat *self, const char **ret_why)
{
    enum rc rc;

    handle_why.text[0] = '\0';
    if (self->is_up) {
        rc = RC_OK;
    } else if (self->pump.phase == PUMP_STOPPED &&
               (self->refused == RC_OK || self->refused == RC_NOT_LET_IN)) {
        why_set(&handle_why, "%s", KEY_REFUSED);
        rc = RC_NOT_LET_IN;
    } else if (self->refused != RC_OK) {
        const char *text = advice(self->refused);

        why_set(&handle_why, "%s", text != NULL ? text : zchat_strerror(self->refused));
        rc = (enum rc)self->refused;
    } else {
        rc = connection_trouble(self->pump.connection, &handle_why);
        if (self->roster.all.count > 1)
            tell_of_others(self);
        if (rc == RC_OK) {
            why_set(&handle_why, "the broker accepts connections but does not answer");
            rc = RC_UNREACHABLE;
        }
    }
    if (ret_why != NULL)
        *ret_why = handle_why.text;
    return rc;
}

static void pin(struct zchat *self, const struct broker_url *broker)
{
    unsigned char pinned[PUBLIC_KEY_BYTES];
    const bool is_first = broker_url_is_same_place(broker, &self->choice.url);

    if (!broker->has_key || (is_first && !self->choice.is_new_key) ||
        (!is_first && known_find(&self->home, broker, pinned, &handle_why) != RC_END))
        return;
    if (known_pin(&self->home, broker, &handle_why) == RC_OK && is_first)
        self->choice.is_new_key = false;
}

/* The broker has proved its key and knows us: worth remembering, and failing at that only costs
 * convenience, but for the pin: there the reason is told at the next start. */
void handle_remember(struct zchat *self)
{
    const struct broker_url *broker = roster_broker(&self->roster);
    if (!model_is_up(self->pump.model)) /* it was lost meanwhile: this may be another one already */
        return;
    pin(self, broker);
    if (self->choice.source == CHOICE_GIVEN ||
        (self->choice.source == CHOICE_LAST &&
         !broker_url_is_same_place(broker, &self->choice.url)))
        home_remember_broker(&self->home, broker);
    roster_keep(&self->roster);
    handle_note_brokers(self);
    if (!self->is_service)
        home_remember_nick(&self->home, &self->nick);
}

static void tell_refusal(struct zchat *self, struct zchat_event *event)
{
    const char *text = self->pump.phase == PUMP_STOPPED ? KEY_REFUSED : advice(event->rc);

    if (text == NULL)
        return;
    why_set(&self->trouble, "%s", text);
    event->text = self->trouble.text;
    event->text_len = strlen(self->trouble.text);
}

/* Where the link is, when it was elsewhere before. */
static void tell_move(struct zchat *self, struct zchat_event *event)
{
    const struct broker_url *broker = roster_broker(&self->roster);
    char place[sizeof(self->place)];

    if (broker->is_ipc)
        snprintf(place, sizeof(place), "%s", broker->host);
    else
        snprintf(place, sizeof(place), "%s:%u", broker->host, (unsigned)broker->port);
    if (self->place[0] != '\0' && strcmp(self->place, place) != 0) {
        event->text = self->place;
        event->text_len = strlen(place);
    }
    memcpy(self->place, place, sizeof(place));
    handle_note_brokers(self);
}

void handle_note_link(struct zchat *self, struct zchat_event *event)
{
    if (event->kind != ZCHAT_LINK)
        return;
    self->is_up = event->link == ZCHAT_LINK_UP;
    self->refused = event->link == ZCHAT_LINK_REFUSED ? event->rc : RC_OK;
    if (event->link == ZCHAT_LINK_REFUSED)
        tell_refusal(self, event);
    if (event->link == ZCHAT_LINK_UP)
        tell_move(self, event);
    if (event->link == ZCHAT_LINK_DOWN && event->text_len == 0) {
        connection_trouble(self->pump.connection, &self->trouble);
        event->text = self->trouble.text;
        event->text_len = strlen(self->trouble.text);
    }
}
