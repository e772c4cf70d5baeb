/* faults_sim.c - what a storm brings beside the wire's tricks: crashes at any step, partitions, sleeping
 * processes, full disks, clocks that jump. */
#include "tests/sim/world.h"

#define EVERY_MS     500
#define CUT_MS       15000
#define STALL_MS     12000
#define FULL_MS      10000
#define JUMP_MS      (6 * 3600 * 1000)
#define STEPS_MAX    60 /* a planned crash comes within so many effects */
#define BACK_DAYS_MS INT64_C(100000000000)

/* A time up to `most_ms` from now; faults do not outlive the storm. */
static uint64_t until(struct world *self, unsigned most_ms)
{
    const uint64_t at_ms = self->now_ms + 1 + world_below(self, most_ms);

    return at_ms < self->weather.storm_ms ? at_ms : self->weather.storm_ms;
}

static void partition(struct world *self)
{
    const unsigned direction = world_below(self, 3);
    const bool is_lossy = world_below(self, 2) == 0;
    const uint64_t until_ms = until(self, CUT_MS - 1000) + 1000;
    const unsigned which = 1 + world_below(self, (1u << self->weather.clients) - 1);

    for (unsigned i = 0; i < self->weather.clients; i++) {
        struct cut *cut = &self->client[i].cut;

        if ((which >> i & 1) == 0)
            continue;
        cut->is_lossy = is_lossy;
        if (direction != 0)
            cut->up_until_ms = until_ms;
        if (direction != 1)
            cut->down_until_ms = until_ms;
        world_tell(self, "%s is cut off%s until %llu; frames %s", self->client[i].nick,
                   direction == 0   ? " from what the broker sends"
                   : direction == 1 ? " from what it sends"
                                    : "",
                   (unsigned long long)until_ms, is_lossy ? "are lost" : "come late");
    }
}

/* With one broker nothing is drawn: its seeds stay what they are. */
static struct broker *any_broker(struct world *self)
{
    return &self->broker[world_has_several(self) ? world_below(self, self->weather.brokers) : 0];
}

static void stall(struct world *self)
{
    const uint64_t until_ms = until(self, STALL_MS);
    const unsigned which = world_below(self, self->weather.clients + 1);

    if (which == self->weather.clients)
        any_broker(self)->stalled_until_ms = until_ms;
    else
        self->client[which].stalled_until_ms = until_ms;
    if (which < self->weather.clients)
        self->client[which].is_touched = true;
    world_tell(self, "%s sleeps until %llu",
               which == self->weather.clients ? "the broker" : self->client[which].nick,
               (unsigned long long)until_ms);
}

static void jump(struct world *self)
{
    self->wall_jump_ms += (int64_t)world_below(self, 2 * JUMP_MS) - JUMP_MS;
    if (self->wall_jump_ms < -BACK_DAYS_MS)
        self->wall_jump_ms = 0;
    world_tell(self, "the broker's clock is %lld s off", (long long)(self->wall_jump_ms / 1000));
}

static void plan_crash(struct world *self, struct broker *broker)
{
    if (broker->core == NULL)
        return;
    if (world_below(self, 4) == 0)
        broker_crash(self, broker);
    else
        broker->crash_in = 1 + world_below(self, STEPS_MAX);
}

void faults_turn(struct world *self)
{
    const struct weather *weather = &self->weather;

    self->faults_at_ms = self->now_ms + EVERY_MS;
    if (world_chance(self, weather->broker_crashes))
        plan_crash(self, any_broker(self));
    if (world_chance(self, weather->partitions))
        partition(self);
    if (world_chance(self, weather->stalls))
        stall(self);
    if (world_chance(self, weather->clock_jumps))
        jump(self);
    if (world_chance(self, weather->purges))
        retention_purge(self);
    if (world_chance(self, weather->disk_full)) {
        self->full_until_ms = until(self, FULL_MS);
        world_tell(self, "the disk is full until %llu", (unsigned long long)self->full_until_ms);
    }
}

/* ZeroMQ's sockets connect again by themselves and bring their subscriptions; the client knows nothing of it
 * until the broker asks for HELLO. Some only find out by silence. */
void faults_revive(struct world *self, const struct broker *broker)
{
    for (unsigned i = 0; i < self->weather.clients; i++) {
        struct client *client = &self->client[i];

        if (client->conn == NULL || client->conn->is_served ||
            client->conn->broker != broker_index(self, broker) || world_below(self, 4) == 0)
            continue;
        client->conn->is_open = false;
        struct conn *conn = client_connect(self, i, broker_index(self, broker));
        world_tell(self, "%s is connected again and knows nothing of it", client->nick);
        for (size_t n = 0; n < client->topics.count; n++)
            wire_send(self, FLIGHT_SUBSCRIBE, conn, client->topics.item[n],
                      strlen(client->topics.item[n]));
    }
}
