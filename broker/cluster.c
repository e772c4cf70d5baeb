#include "broker/cluster.h"

#include "shared/base/alloc.h"
#include "shared/base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Leases, which it goes with, are renewed each second, or a little sooner. */
#define TELL_EVERY_MS 500
/* That others reach the database and this broker does not is no accident of who was first then. */
#define CUT_OFF_MS 2000

struct cluster {
    struct core *core;
    struct writer *writer;
    struct hints *hints;
    bool is_telling_clients;
    uint64_t tell_at_ms;    /* when others are told again who is here */
    struct page_told *page; /* what they were told */
    struct store_brokers known;
    uint64_t leases;          /* as many looks as `known` is of */
    uint64_t told;            /* the own turn that others were told of last */
    uint64_t asked;           /* the turn that the writer was asked to look for */
    uint64_t others_since_ms; /* heard since then while the database is away from here; 0: not */
    bool is_cut_off;
};

struct page_told {
    size_t len;
    unsigned char bytes[PAGE_BYTES_MAX];
};

struct cluster *cluster_new(struct core *core, struct writer *writer, struct hints *hints)
{
    struct cluster *self = x_alloc(1, sizeof(*self));

    self->core = core;
    self->writer = writer;
    self->hints = hints;
    self->page = x_alloc(core_presence_pages(core), sizeof(*self->page));
    return self;
}

void cluster_destroy(struct cluster **self_p)
{
    if (*self_p == NULL)
        return;
    free((*self_p)->page);
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

static bool is_used(const struct store_brokers *among, const char *hints)
{
    for (size_t i = 0; i < among->count; i++) {
        if (strcmp(among->row[i].hints, hints) == 0)
            return true;
    }
    return false;
}

/* Before those who came. One that was started anew listens where it did before, and is known already if that was sooner than the
 * lease of its last life ended: connecting twice to one place is one connection. */
static void note_gone(struct cluster *self, const struct store_brokers *now)
{
    for (size_t i = 0; i < self->known.count; i++) {
        const struct store_broker *broker = &self->known.row[i];

        if (broker->is_own || find(now, broker->id) != NULL)
            continue;
        if (has_hints(self, broker) && !is_used(now, broker->hints))
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

    if (!self->is_telling_clients)
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

void cluster_tell_clients(struct cluster *self, bool is_told)
{
    if (self == NULL)
        return;
    self->is_telling_clients = is_told;
    tell_clients(self);
}

/* --- who is where ----------------------------------------------------------------------- */

static struct core_broker as_core(const struct store_broker *broker, uint64_t looked_ms)
{
    struct core_broker told = {.id = broker->id,
                               .since_ms = broker->since_ms,
                               .turn = broker->turn,
                               .turns = broker->turns,
                               .lag_ms = broker->lag_ms,
                               .sessions = broker->sessions,
                               .is_own = broker->is_own,
                               .is_live = broker->is_live};

    _Static_assert(sizeof(told.name) == sizeof(broker->name) &&
                       sizeof(told.address) == sizeof(broker->address) &&
                       sizeof(told.agent) == sizeof(broker->agent),
                   "texts of the same size");
    told.seen_ms = looked_ms > broker->unseen_ms ? looked_ms - broker->unseen_ms : 1;
    memcpy(told.name, broker->name, sizeof(told.name));
    memcpy(told.address, broker->address, sizeof(told.address));
    memcpy(told.agent, broker->agent, sizeof(told.agent));
    return told;
}

static void tell_core(const struct cluster *self)
{
    const uint64_t looked_ms = writer_get_stats(self->writer)->lease_ms;
    struct core_broker brokers[STORE_BROKERS_KNOWN];

    for (size_t i = 0; i < self->known.known; i++)
        brokers[i] = as_core(&self->known.row[i], looked_ms);
    core_know_brokers(self->core, brokers, self->known.known);
}

static void take_pages(struct cluster *self)
{
    struct presence rows[PRESENCE_PAGE];
    struct page *page;

    while ((page = pages_take(writer_pages(self->writer))) != NULL) {
        if (page_decode((struct span){(const char *)page->bytes, page->len}, rows) == RC_OK)
            core_take_presence(self->core, page->broker, page->number, rows);
        else
            log_warn("presence.malformed", "broker=%016" PRIx64 " page=%u", page->broker,
                     page->number);
        free(page);
    }
}

static void add_changed(struct cluster *self, uint32_t number, uint64_t now_ms, struct pages *to)
{
    struct page_told *told = &self->page[number];
    struct presence rows[PRESENCE_PAGE];
    struct page_told now;

    core_give_presence(self->core, number, now_ms, rows);
    now.len = page_encode(rows, now.bytes);
    if (now.len == told->len && memcmp(now.bytes, told->bytes, now.len) == 0)
        return;
    told->len = now.len;
    memcpy(told->bytes, now.bytes, now.len);
    pages_add(to, 0, number, (struct span){(const char *)told->bytes, told->len});
}

/* All of it is looked at: so no message has to note that something is different now. */
static void tell_others(struct cluster *self, uint64_t now_ms)
{
    const uint32_t pages = core_presence_pages(self->core);
    const uint64_t lease_ms = writer_get_stats(self->writer)->lease_ms;
    struct lease_told *told;
    struct core_stats stats;

    if (now_ms < self->tell_at_ms)
        return;
    self->tell_at_ms = now_ms + TELL_EVERY_MS;
    core_get_stats(self->core, &stats);
    told = x_alloc(1, sizeof(*told));
    told->sessions = (uint32_t)stats.sessions;
    told->lag_ms = now_ms > lease_ms ? now_ms - lease_ms : 0; /* it came behind all turns of then */
    for (uint32_t i = 0; i < pages; i++)
        add_changed(self, i, now_ms, &told->pages);
    writer_tell(self->writer, &told);
}

void cluster_turn(struct cluster *self, uint64_t now_ms)
{
    const struct writer_stats *writer = writer_get_stats(self->writer);

    /* With each lease, too, though nothing is new: it says that the database is there. */
    if (self->hints != NULL && (writer->own_turn > self->told || writer->leases != self->leases)) {
        self->told = writer->own_turn;
        hints_tell(self->hints, self->told);
    }
    if (writer->leases == self->leases)
        return;
    const struct store_brokers *now = writer_brokers(self->writer);

    self->leases = writer->leases;
    self->others_since_ms = 0;
    note_gone(self, now);
    note_come(self, now);
    self->known = *now;
    tell_clients(self);
    tell_core(self);
    take_pages(self);
    tell_others(self, now_ms);
}

/* Whoever tells something has just had an answer of the database. When it is away from all, nobody does. */
static void hear_others(struct cluster *self, uint64_t now_ms)
{
    if (!writer_is_away(self->writer))
        self->others_since_ms = 0;
    else if (self->others_since_ms == 0)
        self->others_since_ms = now_ms;
    else if (now_ms - self->others_since_ms >= CUT_OFF_MS)
        self->is_cut_off = true;
}

bool cluster_is_cut_off(const struct cluster *self)
{
    return self->is_cut_off;
}

/* Under load most are old news: what was committed elsewhere came with a transaction of ours. */
void cluster_listen(struct cluster *self, uint64_t now_ms)
{
    uint64_t turn;

    if (self->hints == NULL || !hints_take(self->hints, &turn))
        return;
    hear_others(self, now_ms);
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
