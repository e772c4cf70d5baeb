/* cluster.h - the hub's side of other brokers over the same database: who they are, who is there, hints from them and to them.
 *
 * Belongs to the hub's thread. */
#ifndef BROKER_CLUSTER_H
#define BROKER_CLUSTER_H

#include "broker/core/core.h"
#include "broker/net/hints.h"
#include "broker/store/writer.h"

struct cluster;

/* `hints` NULL: what others do is seen within a second. All stay their owner's. */
struct cluster *cluster_new(struct core *core, struct writer *writer, struct hints *hints);
void cluster_destroy(struct cluster **self_p);

/* Whether clients are told who lives (core_set_brokers()); if not, as at first, the settings say it. */
void cluster_tell_clients(struct cluster *self, bool is_told);

/* NULL: there are no hints. */
void *cluster_socket(const struct cluster *self);

/* Behind what was taken of the writer: tell others what we have committed, look who lives, and who is there; and tell them who is
 * here, at most once a second. */
void cluster_turn(struct cluster *self, uint64_t now_ms);

/* There may be hints. */
void cluster_listen(struct cluster *self, uint64_t now_ms);

/* The database answers others, as they tell, and not this broker: at them its clients are served. */
bool cluster_is_cut_off(const struct cluster *self);

struct cluster_stats {
    uint64_t brokers; /* that live, this one too; 0: not known yet */
    uint64_t behind;  /* turns that there were when we looked last, and were not told yet */
    uint64_t told;    /* hints */
    uint64_t heard;
};
void cluster_get_stats(const struct cluster *self, struct cluster_stats *ret);

#endif
