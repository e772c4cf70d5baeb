/* keeper.h - what a handle keeps on disk when it is asked to: its outbox and its places. */
#ifndef CLIENT_LIB_NET_KEEPER_H
#define CLIENT_LIB_NET_KEEPER_H

#include "client/lib/model.h"
#include "client/lib/net/outbox_folder.h"
#include "client/lib/net/places.h"

/* All zero keeps nothing. */
struct keeper {
    struct outbox_folder folder;
    struct outbox_file *outbox; /* NULL: posts are not kept */
    struct places *places;      /* NULL: places are not kept */
    size_t adopted;             /* posts of an earlier run */
    struct why trouble;
};

/* *session is 0, or one that is repeated; with an outbox of an earlier run it becomes that run's, else it stays.
 * RC_BAD_FIELD, RC_SYSTEM: `why`. */
enum rc keeper_open(struct keeper *self, const struct zchat_options *options,
                    const struct home *home, const struct name *nick, const struct broker_url *url,
                    uint64_t *session, struct why *why) MUST_CHECK;
void keeper_close(struct keeper *self);

/* Hand what was adopted over to the model of that session. Else: it cannot be read, or makes no sense; it was set
 * aside, and session and model are to be made anew. */
enum rc keeper_restore(struct keeper *self, struct model *model, uint64_t now_ms) MUST_CHECK;
/* The session is settled: new posts belong to it. */
void keeper_begin(struct keeper *self, uint64_t session);

/* Write a post down before the model has it. RC_SYSTEM: the trouble says why. */
enum rc keeper_post(struct keeper *self, const struct outbox_post *post) MUST_CHECK;
/* What the application is told also ends a post's stay in the outbox. */
void keeper_told(struct keeper *self, const struct zchat_event *event);
/* Before anything leaves for the broker. */
void keeper_sync(struct keeper *self);

/* Places are saved when it is time. */
void keeper_tick(struct keeper *self, uint64_t now_ms);
uint64_t keeper_deadline_ms(const struct keeper *self);

#endif
