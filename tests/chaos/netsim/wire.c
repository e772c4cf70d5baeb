#include "tests/chaos/netsim/wire.h"

#include "shared/base/alloc.h"
#include "tests/chaos/netsim/damage.h"

#include <string.h>

struct wire {
    struct direction direction[HOSTS_MAX][HOSTS_MAX];
    struct packet *heap; /* by due_ns, then order */
    size_t count, capacity;
    uint64_t next_order;
    uint64_t random;
};

static uint64_t next_random(struct wire *self)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return self->random;
}

/* 0 <= it < 1 */
static double next_share(struct wire *self)
{
    return (double)(next_random(self) >> 11) / 9007199254740992.0;
}

static bool happens(struct wire *self, double pct)
{
    return pct > 0 && next_share(self) * 100 < pct;
}

struct wire *wire_new(uint64_t seed)
{
    struct wire *self = x_alloc(1, sizeof(*self));

    self->random = UINT64_C(88172645463325252) ^ (seed * UINT64_C(0x9E3779B97F4A7C15));
    if (self->random == 0)
        self->random = 1;
    return self;
}

void wire_destroy(struct wire **self_p)
{
    struct wire *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->count; i++)
        free(self->heap[i].data);
    free(self->heap);
    free(self);
    *self_p = NULL;
}

struct direction *wire_direction(struct wire *self, size_t from, size_t to)
{
    return &self->direction[from][to];
}

/* The heap */

static bool is_before(const struct packet *a, const struct packet *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void swap(struct packet *a, struct packet *b)
{
    const struct packet kept = *a;

    *a = *b;
    *b = kept;
}

static void push(struct wire *self, const struct packet *packet)
{
    size_t at = self->count++;

    if (self->count > self->capacity) {
        self->capacity = self->capacity == 0 ? 1024 : self->capacity * 2;
        self->heap = x_realloc(self->heap, self->capacity, sizeof(*self->heap));
    }
    self->heap[at] = *packet;
    while (at > 0 && is_before(&self->heap[at], &self->heap[(at - 1) / 2])) {
        swap(&self->heap[at], &self->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct packet pop(struct wire *self)
{
    const struct packet first = self->heap[0];
    size_t at = 0;

    self->heap[0] = self->heap[--self->count];
    for (;;) {
        size_t least = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < self->count; child++) {
            if (is_before(&self->heap[child], &self->heap[least]))
                least = child;
        }
        if (least == at)
            return first;
        swap(&self->heap[at], &self->heap[least]);
        at = least;
    }
}

/* On and off */

static uint64_t due_of(struct wire *self, struct direction *direction, size_t len, uint64_t now_ns)
{
    const struct faults *faults = &direction->faults;
    uint64_t due_ns = now_ns;
    double late_ms;

    if (faults->rate_kbit > 0) {
        if (direction->busy_until_ns > due_ns)
            due_ns = direction->busy_until_ns;
        due_ns += (uint64_t)((double)len * 8e6 / faults->rate_kbit);
        direction->busy_until_ns = due_ns;
    }
    if (happens(self, faults->reorder_pct))
        return due_ns; /* it overtakes those that are delayed */
    late_ms = faults->delay_ms + (next_share(self) * 2 - 1) * faults->jitter_ms;
    return late_ms > 0 ? due_ns + (uint64_t)(late_ms * 1e6) : due_ns;
}

static void put_one(struct wire *self, size_t from, size_t to, const uint8_t *data, size_t len,
                    uint64_t now_ns)
{
    struct direction *direction = &self->direction[from][to];
    const struct faults *faults = &direction->faults;
    struct packet packet = {.from = from, .to = to, .len = len};

    if (faults->is_cut != 0 || happens(self, faults->loss_pct)) {
        direction->lost++;
        return;
    }
    if (faults->queue_max > 0 && (double)direction->on_way >= faults->queue_max) {
        direction->overflowed++;
        return;
    }
    packet.data = x_alloc(len, 1);
    memcpy(packet.data, data, len);
    if (happens(self, faults->corrupt_pct) && damage_bit(packet.data, len, next_random(self)))
        direction->damaged++;
    if (happens(self, faults->mangle_pct) && damage_payload(packet.data, len, next_random(self)))
        direction->damaged++;
    packet.due_ns = due_of(self, direction, len, now_ns);
    packet.order = self->next_order++;
    direction->on_way++;
    push(self, &packet);
}

void wire_put(struct wire *self, size_t from, size_t to, const uint8_t *data, size_t len,
              uint64_t now_ns)
{
    put_one(self, from, to, data, len, now_ns);
    if (happens(self, self->direction[from][to].faults.dup_pct)) {
        self->direction[from][to].doubled++;
        put_one(self, from, to, data, len, now_ns);
    }
}

uint64_t wire_next_due_ns(const struct wire *self)
{
    return self->count > 0 ? self->heap[0].due_ns : UINT64_MAX;
}

bool wire_take(struct wire *self, uint64_t now_ns, struct packet *ret)
{
    if (self->count == 0 || self->heap[0].due_ns > now_ns)
        return false;
    *ret = pop(self);
    self->direction[ret->from][ret->to].on_way--;
    return true;
}
