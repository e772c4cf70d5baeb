#include "broker/cluster.h"

#include "shared/base/alloc.h"
#include "shared/base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct cluster {
    struct writer *writer;
    struct hints *hints;
    struct core *core; /* NULL: what it tells comes from elsewhere */
    struct store_brokers known;
    uint64_t leases; /* as many looks as `known` is of */
    uint64_t told;   /* the own turn that others were told of last */
    uint64_t asked;  /* the turn that the writer was asked to look for */
};

struct cluster *cluster_new(struct writer *writer, struct hints *hints)
{
    struct cluster *self = x_alloc(1, sizeof(*self));

    self->writer = writer;
    self->hints = hints;
    return self;
}

void cluster_destroy(struct cluster **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void *cluster_socket(const struct cluster *self)
{
    return self == NULL || self->hints == NULL ? NULL : hints_socket(self->hints);
}

static const struct store_broker *find(const struct store_brokers *among, uint64_t id)
{
    for (size_t i = 0; i < among->count; i++) {
        if (among->row[i].id == id)
            return &among->row[i];
    }
    return NULL;
}

static bool has_hints(const struct cluster *self, const struct store_broker *broker)
{
    return self->hints != NULL && broker->hints[0] != '\0';
}

/* Before those who came: one that was started anew listens where it did before. */
static void note_gone(struct cluster *self, const struct store_brokers *now)
{
    for (size_t i = 0; i < self->known.count; i++) {
        const struct store_broker *broker = &self->known.row[i];

        if (broker->is_own || find(now, broker->id) != NULL)
            continue;
        if (has_hints(self, broker))
            hints_leave(self->hints, broker->hints);
        log_warn("cluster.gone", "id=%016" PRIx64 " name=%s", broker->id, broker->name);
    }
}

static void note_come(struct cluster *self, const struct store_brokers *now)
{
    for (size_t i = 0; i < now->count; i++) {
        const struct store_broker *broker = &now->row[i];

        if (broker->is_own || find(&self->known, broker->id) != NULL)
            continue;
        if (has_hints(self, broker))
            hints_listen(self->hints, broker->hints);
        log_info("cluster.joined", "id=%016" PRIx64 " name=%s address=%s hints=%s", broker->id,
                 broker->name, broker->address, broker->hints);
    }
}

/* As many as fit; those who were first stand first. */
static void tell_clients(const struct cluster *self)
{
    char list[BROKERS_BYTES_MAX];
    size_t len = 0;

    if (self->core == NULL)
        return;
    for (size_t i = 0; i < self->known.count; i++) {
        const char *address = self->known.row[i].address;
        const size_t more = strlen(address);

        if (len + 1 + more > sizeof(list))
            break;
        if (len > 0)
            list[len++] = ' ';
        memcpy(list + len, address, more);
        len += more;
    }
    core_set_brokers(self->core, (struct span){list, len});
}

void cluster_tell(struct cluster *self, struct core *core)
{
    if (self == NULL)
        return;
    self->core = core;
    tell_clients(self);
}

void cluster_turn(struct cluster *self)
{
    const struct writer_stats *writer = writer_get_stats(self->writer);

    if (self->hints != NULL && writer->own_turn > self->told) {
        self->told = writer->own_turn;
        hints_tell(self->hints, self->told);
    }
    if (writer->leases == self->leases)
        return;
    const struct store_brokers *now = writer_brokers(self->writer);

    self->leases = writer->leases;
    note_gone(self, now);
    note_come(self, now);
    self->known = *now;
    tell_clients(self);
}

/* Under load most are old news: what was committed elsewhere came with a transaction of ours. */
void cluster_listen(struct cluster *self)
{
    uint64_t turn;

    if (self->hints == NULL || !hints_take(self->hints, &turn))
        return;
    if (turn <= writer_get_stats(self->writer)->heard || turn <= self->asked)
        return;
    self->asked = turn;
    writer_follow(self->writer);
}

void cluster_get_stats(const struct cluster *self, struct cluster_stats *ret)
{
    const struct writer_stats *writer = writer_get_stats(self->writer);
    struct cluster_stats stats = {.brokers = self->known.count};

    if (self->known.turn > writer->heard)
        stats.behind = self->known.turn - writer->heard;
    if (self->hints != NULL) {
        stats.told = hints_get_stats(self->hints)->told;
        stats.heard = hints_get_stats(self->hints)->heard;
    }
    *ret = stats;
}
