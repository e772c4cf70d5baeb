#include "broker/tally.h"

#include "broker/net/doorman.h"
#include "broker/net/zap.h"
#include "shared/base/clock.h"

#define FULL_MS \
    10000 /* so long a refusal for a full disk is news: posts are tried again until then */

void tally_begin(struct tally *self, uint64_t now_ms)
{
    *self = (struct tally){.begun_ms = now_ms};
}

void tally_effect(struct tally *self, const struct effect *effect)
{
    const struct message *message = &effect->message;

    if (effect->kind == FX_PUBLISH)
        self->events++;
    else if (effect->kind == FX_READ)
        self->fetches++;
    else if (effect->kind == FX_SEARCH)
        self->searches++;
    else if (effect->kind == FX_REPLY && message->verb == VERB_ACK)
        self->acks++;
    else if (effect->kind == FX_REPLY && message->verb == VERB_ERROR &&
             message->code < REFUSED_CODES)
        self->refused[message->code]++;
}

void tally_submitted(struct tally *self, uint64_t now_ms)
{
    if (self->batches++ == 0)
        self->writer_ms = now_ms;
}

void tally_stored(struct tally *self, const struct batch *batch, uint64_t now_ms)
{
    const struct op_result *results = batch_results(batch);
    const uint64_t took_us = clock_mono_us() - batch_begun_us(batch);
    uint64_t posts = 0;

    self->batches--;
    self->writer_ms = now_ms;
    for (size_t i = 0; i < batch_count(batch); i++) {
        posts += results[i].kind == OP_POST && results[i].rc == RC_OK && !results[i].is_duplicate;
        if (results[i].rc == RC_DISK_FULL)
            self->full_ms = now_ms;
    }
    if (posts > 0)
        histogram_add_many(&self->ack, took_us, posts);
}

/* Collecting */

static void collect_core(const struct tally *self, const struct hub_parts *parts,
                         struct figures *ret)
{
    uint64_t *value = ret->value;
    struct core_stats core;

    core_get_stats(parts->core, &core);
    value[FIG_SESSIONS] = core.sessions;
    value[FIG_PEOPLE] = core.accounts;
    value[FIG_ROOMS] = core.rooms;
    value[FIG_MEMBERSHIPS] = core.memberships;
    value[FIG_MAILBOX] = core.unconfirmed;
    value[FIG_POSTS] = core.count[COUNT_POSTS];
    value[FIG_ACKS] = self->acks;
    value[FIG_RETRIES] = core.count[COUNT_RETRIES];
    value[FIG_DUPLICATES] = core.count[COUNT_DUPLICATES];
    value[FIG_EVENTS] = self->events;
    value[FIG_REPAIRS] = self->fetches;
    value[FIG_RECALLED] = self->recalled;
    value[FIG_SEARCHES] = self->searches;
    value[FIG_GAPS] = self->gone;
    value[FIG_REPUBLISHED] = core.count[COUNT_REPUBLISHED];
    value[FIG_CONFIRMS] = core.count[COUNT_CONFIRMS];
    value[FIG_EXPIRED] = core.count[COUNT_EXPIRED];
    value[FIG_EXPELLED] = core.count[COUNT_EXPELLED];
    value[FIG_QUEUE_PENDING] = core.pending;
    value[FIG_QUEUE_READS] = core.reads;
    memcpy(ret->refused, self->refused, sizeof(ret->refused));
    memcpy(ret->limited, &core.count[REFUSED_FIRST], sizeof(ret->limited));
}

static void collect_store(const struct tally *self, const struct hub_parts *parts, uint64_t now_ms,
                          struct figures *ret)
{
    const struct writer_stats *writer = writer_get_stats(parts->writer);
    uint64_t *value = ret->value;

    value[FIG_QUEUE_WRITER] = self->batches;
    value[FIG_WRITER_WAIT] = self->batches == 0 ? 0 : (now_ms - self->writer_ms) / 1000;
    value[FIG_COMMITS] = writer->commits;
    value[FIG_OPERATIONS] = writer->operations;
    value[FIG_DISK_FULL] = self->full_ms != 0 && now_ms - self->full_ms < FULL_MS;
    ret->commit = writer->commit;
    ret->ack = self->ack;
}

static void collect_cluster(const struct hub_parts *parts, uint64_t *value)
{
    struct cluster_stats cluster;

    if (parts->cluster == NULL)
        return;
    cluster_get_stats(parts->cluster, &cluster);
    value[FIG_BROKERS] = cluster.brokers;
    value[FIG_TURNS] = writer_get_stats(parts->writer)->turns;
    value[FIG_TURNS_BEHIND] = cluster.behind;
    value[FIG_HINTS_TOLD] = cluster.told;
    value[FIG_HINTS_HEARD] = cluster.heard;
}

static void collect_front(const struct hub_parts *parts, uint64_t *value)
{
    const struct front_stats *front = front_get_stats(parts->front);

    value[FIG_FRAMES_IN] = front->received;
    value[FIG_FRAMES_SENT] = front->sent;
    value[FIG_FRAMES_PUBLISHED] = front->published;
    value[FIG_DROPS_SLOW] = front->slow;
    value[FIG_DROPS_DEPARTED] = front->departed;
    value[FIG_DROPS_OVERSIZED] = front->oversized;
    value[FIG_FRAMES_REFUSED_PARTS] = front->refused_parts;
    value[FIG_FRAMES_REFUSED_SIZE] = front->refused_size;
    value[FIG_FRAMES_REFUSED_ID] = front->refused_id;
    value[FIG_FRAMES_REFUSED_KEY] = front->refused_key;
}

static void collect_doors(const struct hub_parts *parts, uint64_t *value)
{
    struct doorman_stats doorman = {0};
    struct zap_stats zap = {0};

    if (parts->doorman != NULL)
        doorman_get_stats(parts->doorman, &doorman);
    if (parts->zap != NULL)
        zap_get_stats(parts->zap, &zap);
    value[FIG_CONNECTIONS] = doorman.connections;
    value[FIG_ADDRESSES] = doorman.addresses;
    value[FIG_ACCEPTED] = doorman.accepted;
    value[FIG_CUT_FULL] = doorman.cut_full;
    value[FIG_CUT_ADDRESS] = doorman.cut_address;
    value[FIG_CUT_PENDING] = doorman.cut_pending;
    value[FIG_CUT_DESCRIPTORS] = doorman.hung_up;
    value[FIG_ADMITTED] = zap.admitted;
    value[FIG_REFUSED_MALFORMED] = zap.malformed;
    value[FIG_REFUSED_EXPELLED] = zap.expelled;
    value[FIG_REFUSED_STRANGERS] = zap.strangers;
    value[FIG_REFUSED_PER_ADDRESS] = zap.per_address;
    value[FIG_REFUSED_PER_KEY] = zap.per_key;
    value[FIG_DELAYED] = zap.delayed;
}

/* Of a server's database its readers know how large it is. */
static void collect_host(const struct host_figures *host, uint64_t database_bytes, uint64_t *value)
{
    value[FIG_DESCRIPTORS] = host->descriptors;
    value[FIG_DESCRIPTORS_MAX] = host->descriptors_max;
    value[FIG_RESIDENT] = host->resident_bytes;
    value[FIG_ALLOCATED] = host->allocated_bytes;
    value[FIG_DATABASE] = host->database_bytes + database_bytes;
    value[FIG_WAL] = host->wal_bytes;
    value[FIG_DISK_FREE] = host->disk_free_bytes;
    value[FIG_DISK_SIZE] = host->disk_size_bytes;
}

void tally_collect(const struct tally *self, const struct hub_parts *parts, uint64_t now_ms,
                   struct figures *ret)
{
    *ret = (struct figures){.value = {[FIG_UPTIME] = (now_ms - self->begun_ms) / 1000}};
    collect_core(self, parts, ret);
    ret->value[FIG_QUEUE_WAITING] = readers_waiting(parts->readers);
    collect_store(self, parts, now_ms, ret);
    collect_cluster(parts, ret->value);
    collect_front(parts, ret->value);
    collect_doors(parts, ret->value);
    collect_host(&self->host, readers_database_bytes(parts->readers, now_ms), ret->value);
}
