/* roster.h - the brokers that a handle may go to: those that were given, and those that WELCOME told (protocol 5.5).
 *
 * What was told is kept in STATE/brokers/ID, a file (0600) for each chat of several brokers, so that a run that begins while
 * the usual broker is dead finds another. ID is that of the broker where the chat was met first: outbox and places of the
 * chat are named by it, whichever of its brokers is in use. */
#ifndef CLIENT_LIB_NET_ROSTER_H
#define CLIENT_LIB_NET_ROSTER_H

#include "client/lib/model.h"
#include "client/lib/net/choice.h"

struct roster {
    const struct home *home;
    struct url_list given;
    struct url_list all; /* where to go; none with an invitation */
    size_t at;           /* in `all`: the one in use, or the next */
    struct broker_url named;
    uint64_t chat; /* 0: not known */
    bool is_kept;  /* there is a file */
};

/* What was chosen, and what an earlier run learnt about it. */
void roster_open(struct roster *self, const struct home *home, const struct choice *choice);

/* The one in use, or the next. */
static inline const struct broker_url *roster_broker(const struct roster *self)
{
    return &self->all.item[self->at];
}

/* Before the model's first step: it hears how many there are. */
void roster_begin(const struct roster *self, struct model *model);
/* The model went up by this WELCOME, or a PONG tells `brokers`, at the one in use, which is the first from now on. */
void roster_learn(struct roster *self, struct model *model, const struct message *message);

/* Keep what was learnt, where there is more than one broker; failing at that costs convenience alone. */
void roster_keep(struct roster *self);

#endif
