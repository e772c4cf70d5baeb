#include "broker/core/elsewhere.h"

#include <stdlib.h>

bool elsewhere_init(struct elsewhere *self, uint32_t sessions_max, uint32_t streams_max,
                    const unsigned char key[16])
{
    *self = (struct elsewhere){.broker_count = 0};
    if (sessions_max == 0)
        return true;
    self->slot_rows = (sessions_max + PRESENCE_PAGE - 1) / PRESENCE_PAGE * PRESENCE_PAGE;
    self->rows_max = CORE_OTHERS_MAX * self->slot_rows;
    self->row = calloc((size_t)self->rows_max + 1, sizeof *self->row);
    self->person = calloc((size_t)streams_max + 1, sizeof *self->person);
    return table_init(&self->by_id, self->rows_max, key) && self->row != NULL &&
           self->person != NULL;
}

void elsewhere_fini(struct elsewhere *self)
{
    free(self->row);
    free(self->person);
    table_fini(&self->by_id);
}

static uint64_t hash_of(const struct elsewhere *self, uint64_t id)
{
    return table_hash(&self->by_id, &id, sizeof id);
}

/* The row that was told last; 0: none. */
static uint32_t find(const struct elsewhere *self, uint64_t id)
{
    const uint64_t hash = hash_of(self, id);
    uint32_t cursor = 0, last = 0;
    uint32_t row;

    while ((row = table_next(&self->by_id, hash, &cursor)) != 0) {
        if (self->row[row].id == id &&
            (last == 0 || self->row[row].telling > self->row[last].telling))
            last = row;
    }
    return last;
}

static void count(struct elsewhere *self, struct far_session *session, bool is_counted)
{
    struct far_person *person = &self->person[session->person];
    const uint32_t one = is_counted ? 1 : UINT32_MAX; /* one less */

    if (session->is_counted == is_counted)
        return;
    session->is_counted = is_counted;
    self->count += one;
    person->devices += one;
    if (session->is_away)
        person->away += one;
    if (session->is_silent)
        person->silent += one;
}

/* Another broker may tell of it, too, which was told before: a broker that hears late of a move takes back what it told last. */
static void leave(struct elsewhere *self, uint32_t row)
{
    struct far_session *session = &self->row[row];
    const bool was_counted = session->is_counted;
    const uint64_t id = session->id;
    uint32_t other;

    if (id == 0)
        return;
    count(self, session, false);
    table_remove(&self->by_id, hash_of(self, id), row);
    session->id = 0;
    other = was_counted ? find(self, id) : 0;
    if (other != 0)
        count(self, &self->row[other], true);
}

static bool is_same(const struct far_session *a, const struct far_session *b)
{
    return a->id == b->id && a->since_ms == b->since_ms && a->person == b->person &&
           a->device == b->device && a->is_away == b->is_away && a->is_silent == b->is_silent;
}

/* What is told again without a change takes nothing back from another broker that has told it since. */
void elsewhere_set(struct elsewhere *self, uint32_t row, const struct far_session *session,
                   bool is_here)
{
    if (is_same(&self->row[row], session))
        return;
    leave(self, row);
    if (session->id == 0)
        return;
    const uint32_t before = find(self, session->id);

    if (before != 0)
        count(self, &self->row[before], false);
    self->row[row] = *session;
    self->row[row].is_counted = false;
    self->row[row].telling = ++self->tellings;
    table_put(&self->by_id, hash_of(self, session->id), row);
    if (!is_here)
        count(self, &self->row[row], true);
}

static bool is_living(const struct elsewhere *self, uint64_t id)
{
    for (uint32_t i = 0; i < self->broker_count; i++) {
        const struct core_broker *broker = &self->broker[i];

        if (broker->id == id && broker->is_live && !broker->is_own)
            return true;
    }
    return false;
}

void elsewhere_forget(struct elsewhere *self)
{
    for (uint32_t slot = 0; slot < CORE_OTHERS_MAX; slot++) {
        const uint32_t before = slot * self->slot_rows;

        if (self->slot[slot] == 0 || is_living(self, self->slot[slot]))
            continue;
        for (uint32_t i = 1; i <= self->slot_rows; i++)
            leave(self, before + i);
        self->slot[slot] = 0;
    }
}

bool elsewhere_rows_of(struct elsewhere *self, uint64_t broker, uint32_t *ret_before)
{
    uint32_t slot = 0, free_slot = CORE_OTHERS_MAX;

    for (; slot < CORE_OTHERS_MAX && self->slot[slot] != broker; slot++) {
        if (self->slot[slot] == 0 && free_slot == CORE_OTHERS_MAX)
            free_slot = slot;
    }
    if (slot == CORE_OTHERS_MAX)
        slot = free_slot;
    if (slot == CORE_OTHERS_MAX || self->rows_max == 0 || !is_living(self, broker))
        return false;
    self->slot[slot] = broker;
    *ret_before = slot * self->slot_rows;
    return true;
}

static void set_counted(struct elsewhere *self, session_id id, bool is_counted)
{
    const uint32_t row = self->rows_max == 0 ? 0 : find(self, id.v);

    if (row != 0)
        count(self, &self->row[row], is_counted);
}

void elsewhere_hide(struct elsewhere *self, session_id id)
{
    set_counted(self, id, false);
}

void elsewhere_show(struct elsewhere *self, session_id id)
{
    set_counted(self, id, true);
}

bool elsewhere_has(const struct elsewhere *self, uint32_t person, session_id id)
{
    const uint32_t row = self->rows_max == 0 ? 0 : find(self, id.v);

    return row != 0 && self->row[row].is_counted && self->row[row].person == person;
}

struct far_person elsewhere_person(const struct elsewhere *self, uint32_t person)
{
    return self->rows_max == 0 ? (struct far_person){.devices = 0} : self->person[person];
}

const struct core_broker *elsewhere_broker_of(const struct elsewhere *self, uint32_t row)
{
    const uint64_t id = self->slot[(row - 1) / self->slot_rows];
    uint32_t i = 0;

    while (i + 1 < self->broker_count && self->broker[i].id != id)
        i++;
    return &self->broker[i];
}
