/* model_internal.h - what model.c, which minds the link, and model_app.c, which the application speaks to, share. */
#ifndef CLIENT_LIB_MODEL_INTERNAL_H
#define CLIENT_LIB_MODEL_INTERNAL_H

#include "client/lib/confirm.h"
#include "client/lib/context.h"
#include "client/lib/delivery.h"
#include "client/lib/follow.h"
#include "client/lib/link_tell.h"
#include "client/lib/outbox.h"
#include "client/lib/request.h"
#include "client/lib/round.h"
#include "client/lib/sealed.h"

enum link_state {
    LINK_CLOSED,   /* no sockets: waiting for model_opened() */
    LINK_GREETING, /* HELLO is out */
    LINK_UP,
    LINK_REFUSED,
};

struct model {
    struct model_context ctx;
    struct outbox *outbox;
    struct delivery *delivery;
    struct requests *requests;
    struct follows *follows;
    struct confirm confirm;

    char *nick, *agent, *own_stream;
    session_id session;
    bool is_inbox, confirms_late;

    enum link_state state;
    struct link_tell link_tell;
    enum rc
        put_off_rc; /* the last transient refusal of HELLO that was told; RC_OK: none since WELCOME */
    uint32_t hello_ref;
    uint64_t hello_at_ms, ping_at_ms, heard_at_ms;
    uint64_t asked_at_ms; /* PING or HELLO, and nothing was heard since; 0: something was */
    uint32_t ping_ms;
    struct round round;

    bool has_invite;
    unsigned char invite[INVITE_BYTES];

    struct follow_key own_key; /* of the own stream, whether it is followed or not */
};

/* Every entry begins here: what the last effects borrowed may go. */
struct model_context *model_enter(struct model *self, uint64_t now_ms, struct model_effects *fx);

static inline bool model_is_open(const struct model *self)
{
    return self->state == LINK_GREETING || self->state == LINK_UP;
}

/* Tell the broker how far the own stream was shown, if that is news; `is_drained`: nothing is left to tell. */
void model_send_confirm(struct model *self, bool is_drained);

#endif
