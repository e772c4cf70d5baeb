/* pending.h - what is in the store's hands, and whom its answer is for. */
#ifndef BROKER_CORE_PENDING_H
#define BROKER_CORE_PENDING_H

#include "broker/core/list.h"
#include "broker/core/record.h"
#include "shared/proto/message.h"

#include <stdbool.h>
#include <stdint.h>

struct ticket {
    enum op_kind kind; /* 0: free */
    bool is_foreign;   /* another broker asked: nobody is answered here, and nothing counted */
    peer_id peer;      /* who asked; posts are answered to their session instead */
    peer_id asker;     /* whose questions it is counted among; 0: nobody's */
    uint64_t ref;
    bool has_ref;
    bool is_inbox;    /* HELLO */
    bool is_reserved; /* a row of some table is kept free for the outcome */
    session_id session;
    uint32_t session_row; /* where it stood when it asked */
    uint32_t number;
    uint32_t person; /* stream rows; 0: not there yet */
    uint32_t stream;
    uint64_t seq;                        /* CONFIRM, MARK: the place asked for */
    unsigned char key[PUBLIC_KEY_BYTES]; /* HELLO, KEY_BAN, REVOKE: zeros for all devices */
    bool has_device;                     /* HELLO: a row of struct devices is kept free */
    bool has_topic;                      /* ROOM: it changes to `topic` */
    uint32_t target;                     /* stream row: the person it is about */
    uint64_t until_ms;                   /* KEY_BAN, ADMIT */
    enum role role;                      /* ADMIT, ROLE */
    bool is_for_device;                  /* ADMIT */
    uint16_t topic_len;
    uint8_t name_len;
    /* From here on nothing is cleared for a new ticket. */
    char topic[SUBJECT_BYTES_MAX]; /* ROOM */
    char name[STREAM_BYTES_MAX];   /* HELLO, ADMIT: nick; JOIN: "#room"; MARK: the mark */
};

/* Who asks is counted by the low bits of the peer's number: libzmq counts peers up, so two share a place only
 * when thousands have connected between them. */
#define ASKERS 4096

struct pending {
    struct ticket *row; /* 1..rows_max; a ticket's id is its row */
    struct links *links;
    struct list free;
    uint32_t count;
    uint32_t rows_max;
    uint16_t asks[ASKERS];
};

bool pending_init(struct pending *self, uint32_t rows_max);
void pending_fini(struct pending *self);

static inline bool pending_is_full(const struct pending *self)
{
    return self->free.head == 0;
}

/* Whether that peer may ask one more: nobody fills the table alone. Peer 0 always may. */
static inline bool pending_may_ask(const struct pending *self, peer_id peer)
{
    return peer.v == 0 || self->asks[peer.v % ASKERS] < ASKS_OUTSTANDING_MAX;
}

/* A clean row; the table must not be full. Counts among the questions of `asker`, unless that is 0. */
uint32_t pending_take(struct pending *self, enum op_kind kind, peer_id asker);
void pending_free(struct pending *self, uint32_t row);
/* The row of a ticket that is in use, else NULL. */
struct ticket *pending_get(struct pending *self, ticket_id id);

/* Keep of the operation, which is complete, what its result will be read with; rows of tables are the caller's. */
void ticket_keep(struct ticket *self, const struct op *op);

static inline struct span ticket_topic(const struct ticket *self)
{
    return (struct span){self->topic, self->topic_len};
}

static inline struct span ticket_name(const struct ticket *self)
{
    return (struct span){self->name, self->name_len};
}

#endif
