/* limits.h - the limits of the broker's parts, as the configuration has them: at the start, and while it runs. */
#ifndef BROKER_LIMITS_H
#define BROKER_LIMITS_H

#include "broker/cluster.h"
#include "broker/core/core.h"
#include "broker/net/doorman.h"
#include "broker/net/zap.h"
#include "broker/ops/options.h"
#include "broker/store/writer.h"
#include "broker/watch.h"

struct watch_limits limits_of_watch(const struct options *options);
struct store_limits limits_of_store(const struct options *options);
struct doorman_limits limits_of_doorman(const struct options *options);
struct zap_options limits_of_handshakes(const struct options *options); /* without a keyring */
struct keyring_policy limits_of_strangers(const struct options *options);

/* The parts that take other limits while they run. Without encryption there are neither keyring nor ZAP (NULL). */
struct limited {
    struct core *core;
    struct keyring *keyring;
    struct zap *zap;
    struct doorman *doorman;
    struct writer *writer;
    struct watch *watch;
    struct cluster *cluster; /* NULL: it is alone */
};

/* Between two turns of the hub, by its thread. */
void limits_apply(const struct limited *parts, const struct options *options);

/* Who serves this chat is said by the settings, or else by the leases of the brokers that live. */
void limits_tell_brokers(struct core *core, struct cluster *cluster, const struct options *options);

#endif
