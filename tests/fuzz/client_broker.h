/* client_broker.h - a broker as small as can be, for a client's fuzzer: it answers what the client asks, truthfully.
 *
 * Three streams, whose events follow from their places; and how far the session's posts have come. */
#ifndef TESTS_FUZZ_CLIENT_BROKER_H
#define TESTS_FUZZ_CLIENT_BROKER_H

#include "shared/proto/message.h"
#include "shared/wire/wire.h"

#define BROKER_STREAMS    3
#define BROKER_EVENTS_MAX 200
#define BROKER_ASKED_MAX  24

extern const char *const broker_streams[BROKER_STREAMS + 1]; /* the last but NULL is the own one */
#define BROKER_NICK    "me"
#define BROKER_SESSION UINT64_C(77)

/* What the client has asked and was not answered. */
struct broker_question {
    enum verb verb;
    bool has_ref;
    uint64_t ref, number, token, first, last, seq;
    unsigned stream; /* BROKER_STREAMS: none of ours */
};

struct client_broker {
    uint32_t head[BROKER_STREAMS];
    struct {
        bool is_receipt;
        uint32_t number; /* of the session's post that it is; 0: somebody else's */
        uint64_t upto;
    } event[BROKER_STREAMS][BROKER_EVENTS_MAX + 1]; /* by place */
    uint32_t next;                                  /* number that is expected */
    struct {
        unsigned stream;
        uint32_t seq;
    } post[BROKER_EVENTS_MAX + 1]; /* by number; seq 0: given up */
    uint64_t confirmed;
    struct broker_question asked[BROKER_ASKED_MAX];
    size_t asked_count;
};

/* The client says this; what is too much is forgotten, as a network would. */
void client_broker_hear(struct client_broker *self, const struct message *message);
/* Forget what was asked: the link is gone. */
void client_broker_cut(struct client_broker *self);

/* Answer the `which`-th question, one frame in *buf; false: nothing is to be said. *ret_is_pub: over PUB, without
 * its topic. */
bool client_broker_answer(struct client_broker *self, size_t which, struct wire_buf *buf,
                          bool *ret_is_pub);

/* Somebody says something in a stream, or (`receipt`) a receipt for all of the session's posts comes to the own
 * one. The event in *buf; false: the stream is full. */
bool client_broker_event(struct client_broker *self, unsigned stream, bool is_receipt,
                         struct wire_buf *buf);

#endif
