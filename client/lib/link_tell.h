/* link_tell.h - what the application knows about the link: each state is told once. */
#ifndef CLIENT_LIB_LINK_TELL_H
#define CLIENT_LIB_LINK_TELL_H

#include "client/lib/context.h"

/* All zero: nothing was told. */
struct link_tell {
    bool is_told;
    bool is_put_off_told; /* that HELLO is put off: once until the link is up */
    enum zchat_link told;
};

/* The link is in this state now. */
void link_tell(struct link_tell *self, struct model_context *ctx, enum zchat_link link, enum rc rc,
               struct span text);

/* The broker is there but takes nobody now: ZCHAT_LINK_DOWN with rc. A broker that stops is told as down alone. */
void link_tell_put_off(struct link_tell *self, struct model_context *ctx, enum rc rc,
                       struct span text);

#endif
