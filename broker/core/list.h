/* list.h - doubly linked lists through tables: members are row numbers, links live in
 * an array beside the rows, so nothing is allocated. Row 0 is nobody. */
#ifndef BROKER_CORE_LIST_H
#define BROKER_CORE_LIST_H

#include <stdbool.h>
#include <stdint.h>

struct links {
    uint32_t prev;
    uint32_t next;
};

/* All zero is the empty list. */
struct list {
    uint32_t head;
    uint32_t tail;
};

static inline bool list_has(const struct list *self, const struct links *links, uint32_t row)
{
    return links[row].prev != 0 || self->head == row;
}

static inline void list_append(struct list *self, struct links *links, uint32_t row)
{
    links[row] = (struct links){.prev = self->tail, .next = 0};
    if (self->tail != 0)
        links[self->tail].next = row;
    else
        self->head = row;
    self->tail = row;
}

/* Harmless when `row` is not in the list. */
static inline void list_remove(struct list *self, struct links *links, uint32_t row)
{
    if (!list_has(self, links, row))
        return;
    if (links[row].prev != 0)
        links[links[row].prev].next = links[row].next;
    else
        self->head = links[row].next;
    if (links[row].next != 0)
        links[links[row].next].prev = links[row].prev;
    else
        self->tail = links[row].prev;
    links[row] = (struct links){0, 0};
}

#endif
