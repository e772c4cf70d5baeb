/* unshown.h - of the own stream: what was told and is not on the screen yet. Pure.
 *
 * Bounded by what is told between two pictures: ranges that follow each other are one. */
#ifndef CLIENT_TUI_UNSHOWN_H
#define CLIENT_TUI_UNSHOWN_H

#include <stddef.h>
#include <stdint.h>

struct unshown {
    struct {
        uint64_t first, last;
    } * range;
    size_t count, capacity;
};

void unshown_fini(struct unshown *self);
void unshown_add(struct unshown *self, uint64_t first, uint64_t last);

#endif
