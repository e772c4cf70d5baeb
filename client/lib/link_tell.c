#include "client/lib/link_tell.h"

static void tell(struct link_tell *self, struct model_context *ctx, enum zchat_link link,
                 enum rc rc, struct span text)
{
    const struct zchat_event event = {.kind = ZCHAT_LINK, .link = link, .rc = (zchat_rc)rc};

    self->is_told = true;
    self->told = link;
    tells_add(&ctx->tells, &event, &(struct tell_texts){.text = text});
}

void link_tell(struct link_tell *self, struct model_context *ctx, enum zchat_link link, enum rc rc,
               struct span text)
{
    if (link == ZCHAT_LINK_UP)
        self->is_put_off_told = false;
    if (!self->is_told || self->told != link)
        tell(self, ctx, link, rc, text);
}

void link_tell_put_off(struct link_tell *self, struct model_context *ctx, enum rc rc,
                       struct span text)
{
    if (self->is_put_off_told || rc == RC_STOPPING)
        return;
    self->is_put_off_told = true;
    tell(self, ctx, ZCHAT_LINK_DOWN, rc, text);
}
