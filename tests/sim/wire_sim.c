#include "tests/sim/wire_sim.h"

#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdlib.h>
#include <string.h>

#define CALM_DELAY_MS 20

/* --- topics ------------------------------------------------------------------------- */

static size_t find_topic(const struct topics *self, const char *topic, size_t len)
{
    size_t i = 0;

    while (i < self->count &&
           (strlen(self->item[i]) != len || memcmp(self->item[i], topic, len) != 0))
        i++;
    return i;
}

bool topics_has(const struct topics *self, const char *topic, size_t len)
{
    return find_topic(self, topic, len) < self->count;
}

void topics_set(struct topics *self, const char *topic, size_t len, bool is_added)
{
    const size_t at = find_topic(self, topic, len);

    INVARIANT(len < TOPIC_CHARS_MAX);
    if (at < self->count && !is_added) {
        memmove(self->item[at], self->item[--self->count], sizeof self->item[0]);
    } else if (at == self->count && is_added) {
        INVARIANT(self->count < TOPICS_MAX);
        memcpy(self->item[at], topic, len);
        self->item[at][len] = '\0';
        self->count++;
    }
}

/* --- the heap of frames by arrival ---------------------------------------------------- */

static bool is_before(const struct flight *a, const struct flight *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void push(struct world *self, struct flight *flight)
{
    if (self->flights == self->flights_capacity) {
        self->flights_capacity = self->flights_capacity == 0 ? 256 : self->flights_capacity * 2;
        self->flight = x_realloc(self->flight, self->flights_capacity, sizeof *self->flight);
    }
    size_t at = self->flights++;
    while (at > 0 && is_before(flight, self->flight[(at - 1) / 2])) {
        self->flight[at] = self->flight[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    self->flight[at] = flight;
}

static struct flight *pop(struct world *self)
{
    struct flight *first = self->flight[0];
    struct flight *last = self->flight[--self->flights];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= self->flights)
            break;
        if (child + 1 < self->flights && is_before(self->flight[child + 1], self->flight[child]))
            child++;
        if (!is_before(self->flight[child], last))
            break;
        self->flight[at] = self->flight[child];
        at = child;
    }
    if (self->flights > 0)
        self->flight[at] = last;
    return first;
}

/* --- sending -------------------------------------------------------------------------- */

static bool is_upward(enum flight_kind kind)
{
    return kind != FLIGHT_ANSWER && kind != FLIGHT_BROADCAST;
}

static bool is_pipe(enum flight_kind kind)
{
    return kind == FLIGHT_SUBSCRIBE || kind == FLIGHT_UNSUBSCRIBE;
}

static void send_once(struct world *self, enum flight_kind kind, struct conn *conn,
                      const char *bytes, size_t len)
{
    const unsigned most = world_is_storm(self) ? self->weather.delay_ms : CALM_DELAY_MS;
    const struct cut *cut = &self->client[conn->client].cut;
    const uint64_t until_ms = is_upward(kind) ? cut->up_until_ms : cut->down_until_ms;
    struct flight *flight = x_alloc(1, sizeof *flight + len);
    char *copy = (char *)(flight + 1);

    memcpy(copy, bytes, len);
    *flight = (struct flight){.at_ms = self->now_ms + 1 + world_below(self, most + 1),
                              .order = self->flight_order++,
                              .kind = kind,
                              .conn = conn,
                              .len = len,
                              .bytes = copy};
    if (flight->at_ms < until_ms)
        flight->at_ms = until_ms;
    if (is_pipe(kind)) {
        if (flight->at_ms < conn->pipe_ms)
            flight->at_ms = conn->pipe_ms;
        conn->pipe_ms = flight->at_ms;
    }
    if (kind == FLIGHT_BROADCAST)
        conn->pub_queued++;
    push(self, flight);
}

static bool is_dropped(struct world *self, enum flight_kind kind, const struct conn *conn)
{
    const struct cut *cut = &self->client[conn->client].cut;
    const uint64_t until_ms = is_upward(kind) ? cut->up_until_ms : cut->down_until_ms;

    if (kind == FLIGHT_BROADCAST && self->weather.pub_hwm != 0 && world_is_storm(self) &&
        conn->pub_queued >= self->weather.pub_hwm)
        return true;
    if (!world_is_storm(self) || is_pipe(kind))
        return false;
    if (cut->is_lossy && until_ms > self->now_ms)
        return true;
    return world_chance(self, self->weather.loss) ||
           (kind == FLIGHT_BROADCAST && world_chance(self, self->weather.pub_loss));
}

void wire_send(struct world *self, enum flight_kind kind, struct conn *conn, const char *bytes,
               size_t len)
{
    if (is_dropped(self, kind, conn))
        return;
    send_once(self, kind, conn, bytes, len);
    if (world_is_storm(self) && !is_pipe(kind) && world_chance(self, self->weather.dup))
        send_once(self, kind, conn, bytes, len);
}

void wire_send_read(struct world *self, const struct read_order *order)
{
    struct flight *flight = x_alloc(1, sizeof *flight);

    *flight = (struct flight){.at_ms = self->now_ms + world_below(self, 20),
                              .order = self->flight_order++,
                              .kind = FLIGHT_READ,
                              .read = *order};
    push(self, flight);
}

struct flight *wire_take(struct world *self)
{
    if (self->flights == 0 || self->flight[0]->at_ms > self->now_ms)
        return NULL;

    struct flight *flight = pop(self);

    if (flight->kind == FLIGHT_BROADCAST)
        flight->conn->pub_queued--;
    return flight;
}

void wire_put_back(struct world *self, struct flight *flight, uint64_t at_ms)
{
    flight->at_ms = at_ms;
    flight->order = self->flight_order++;
    if (flight->kind == FLIGHT_BROADCAST)
        flight->conn->pub_queued++;
    push(self, flight);
}

uint64_t wire_next_ms(const struct world *self)
{
    return self->flights == 0 ? UINT64_MAX : self->flight[0]->at_ms;
}

void wire_drop_all(struct world *self)
{
    for (size_t i = 0; i < self->flights; i++)
        free(self->flight[i]);
    free(self->flight);
    self->flight = NULL;
    self->flights = 0;
}
