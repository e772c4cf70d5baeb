/* wire_sim.c - the lossy wire: a heap of frames by arrival. */
#include "tests/sim/world.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

static bool is_before(const struct flight *a, const struct flight *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void push(struct world *self, const struct flight *flight)
{
    if (self->flights == self->flights_capacity) {
        self->flights_capacity = self->flights_capacity == 0 ? 256 : self->flights_capacity * 2;
        self->flight = x_realloc(self->flight, self->flights_capacity, sizeof *self->flight);
    }
    size_t at = self->flights++;
    while (at > 0 && is_before(flight, &self->flight[(at - 1) / 2])) {
        self->flight[at] = self->flight[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    self->flight[at] = *flight;
}

static struct flight pop(struct world *self)
{
    const struct flight first = self->flight[0];
    const struct flight last = self->flight[--self->flights];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= self->flights)
            break;
        if (child + 1 < self->flights && is_before(&self->flight[child + 1], &self->flight[child]))
            child++;
        if (!is_before(&self->flight[child], &last))
            break;
        self->flight[at] = self->flight[child];
        at = child;
    }
    if (self->flights > 0)
        self->flight[at] = last;
    return first;
}

static void send_once(struct world *self, enum flight_kind kind, struct conn *conn,
                      const char *bytes, size_t len)
{
    const unsigned most = world_is_storm(self) ? self->weather.delay_ms : 20;
    struct flight flight = {.at_ms = self->now_ms + 1 + world_below(self, most + 1),
                            .order = self->flight_order++,
                            .kind = kind,
                            .conn = conn,
                            .len = len,
                            .bytes = x_alloc(len + 1, 1)};

    memcpy(flight.bytes, bytes, len);
    if (kind == FLIGHT_SUBSCRIBE || kind == FLIGHT_UNSUBSCRIBE) {
        if (flight.at_ms < conn->pipe_ms)
            flight.at_ms = conn->pipe_ms;
        conn->pipe_ms = flight.at_ms;
    }
    push(self, &flight);
}

void wire_send(struct world *self, enum flight_kind kind, struct conn *conn, const char *bytes,
               size_t len)
{
    const bool is_pipe = kind == FLIGHT_SUBSCRIBE || kind == FLIGHT_UNSUBSCRIBE;
    const bool is_storm = world_is_storm(self) && !is_pipe;

    if (is_storm && world_chance(self, self->weather.loss))
        return;
    if (is_storm && kind == FLIGHT_BROADCAST && world_chance(self, self->weather.pub_loss))
        return;
    send_once(self, kind, conn, bytes, len);
    if (is_storm && world_chance(self, self->weather.dup))
        send_once(self, kind, conn, bytes, len);
}

void wire_send_read(struct world *self, const struct read_order *order)
{
    const struct flight flight = {.at_ms = self->now_ms + world_below(self, 20),
                                  .order = self->flight_order++,
                                  .kind = FLIGHT_READ,
                                  .read = *order};

    push(self, &flight);
}

bool wire_take(struct world *self, struct flight *ret)
{
    if (self->flights == 0 || self->flight[0].at_ms > self->now_ms)
        return false;
    *ret = pop(self);
    return true;
}

uint64_t wire_next_ms(const struct world *self)
{
    return self->flights == 0 ? UINT64_MAX : self->flight[0].at_ms;
}

void wire_drop_all(struct world *self)
{
    for (size_t i = 0; i < self->flights; i++)
        free(self->flight[i].bytes);
    free(self->flight);
    self->flight = NULL;
    self->flights = 0;
}
