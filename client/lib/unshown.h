/* unshown.h - of the own stream: what was told to a program that says itself when it has shown something.
 *
 * Bounded by what is told in between: ranges that follow each other are one. */
#ifndef CLIENT_LIB_UNSHOWN_H
#define CLIENT_LIB_UNSHOWN_H

#include "client/lib/confirm.h"
#include "client/lib/zchat.h"

#include <stddef.h>

struct unshown {
    struct {
        uint64_t first, last;
    } * range;
    size_t count, capacity;
};

void unshown_fini(struct unshown *self);
/* An event or a gap of the own stream; others are left out. Twice does no harm. */
void unshown_add(struct unshown *self, const struct zchat_event *told);
/* All of it was shown. */
void unshown_flush(struct unshown *self, struct confirm *confirm);

#endif
