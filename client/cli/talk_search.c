/* talk_search.c - /search: what was said, from everywhere, the newest first. */
#include "client/cli/query.h"
#include "client/cli/talk.h"

#include "client/lib/net/event_json.h"
#include "shared/base/clock.h"

#define COUNT 20

void talk_search(struct talk *self, const char *words)
{
    char why[QUERY_WHY_BYTES];
    struct query query;
    uint32_t ref = 0;
    zchat_rc rc;

    query_init(&query, clock_wall_ms());
    query.ask.count = COUNT;
    if (query_take(&query, words, why) != RC_OK || query_check(&query, why) != RC_OK) {
        talk_remark(self, "%s: /search words from:nick in:#room after:1d", why);
        return;
    }
    if (talk_is_asking(self, ASK_SEARCH)) {
        talk_remark(self, "one search at a time: the last one has no answer yet");
        return;
    }
    rc = zchat_search(self->chat, &query.ask, &ref);
    self->found = 0;
    talk_ask_for(self, ASK_SEARCH, rc, ref, query.ask.stream == NULL ? "" : query.ask.stream);
}

void talk_found(struct talk *self, const struct zchat_event *event)
{
    const struct talk_ask *ask = talk_ask_find(self, ASK_SEARCH, NULL);
    struct style style = self->style;
    FILE *out;

    if (ask == NULL || event->ref != ask->ref)
        return; /* too late: that there is no answer was said */
    self->found++;
    out = self->face->list_begin(self);
    style.has_date = true; /* it may be long ago */
    style.has_color = style.has_color && out == stdout;
    if (self->is_json)
        event_json(out, event);
    else
        print_event(out, &style, event, "");
    self->face->list_end(self);
}

void talk_searched(struct talk *self, const struct zchat_event *answer)
{
    if (self->found == 0)
        talk_remark(self, "nothing was found");
    else if (answer->cursor != 0)
        talk_remark(self, "there is more: before:, after:, in: or from: narrow it");
    if (answer->is_behind)
        talk_remark(self, "the broker is still indexing: not everything can be found yet");
}
