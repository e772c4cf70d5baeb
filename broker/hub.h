/* hub.h - the one thread that owns the chat: sockets, core, and the way of one message. */
#ifndef BROKER_HUB_H
#define BROKER_HUB_H

#include "broker/backup.h"
#include "broker/cluster.h"
#include "broker/core/core.h"
#include "broker/net/front.h"
#include "broker/readers.h"
#include "broker/store/writer.h"
#include "shared/text/history.h"

/* What the hub works with; all of it stays its owner's. */
struct hub_parts {
    struct core *core;
    struct front *front;
    struct announcer *announcer; /* NULL: nobody is told of this broker */
    struct keyring *keyring;     /* NULL: --insecure */
    struct writer *writer;
    struct cluster *cluster; /* NULL: no other broker works in the database */
    struct readers *readers;
    struct backup *backup;
    uint32_t sessions_max;   /* as the core's */
    size_t recent_bytes;     /* of what was just said, in memory; 0: none */
    struct history *history; /* NULL: none is kept */
    void *watch;             /* the hub's end of its link; NULL: nobody watches */
    struct doorman *doorman; /* asked for figures only, and may be NULL, as the next */
    struct zap *zap;
    int signal_fd; /* SIGTERM and SIGINT stop; others go to on_signal */
    void (*on_signal)(void *context, int signal_number);
    void *context;
};

/* Serve until told to stop: then what was accepted is committed and answered, and everybody is told BYE.
 * RC_STORE: the store failed; nothing that waits for it was answered, end the process. */
enum rc hub_run(const struct hub_parts *parts) MUST_CHECK;

#endif
