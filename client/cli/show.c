#include "client/cli/show.h"

#include "client/cli/format.h"
#include "client/lib/net/event_json.h"

struct show show_for(const struct args *args)
{
    struct show self = {
        .is_json = args->is_json && args->format == NULL, /* it may be of the configuration */
        .template = args->format,
        .style = style_for(stdout),
    };

    self.style.is_verbose = args->is_verbose;
    self.style.is_utc = args->is_utc;
    return self;
}

bool show_event(const struct show *self, const struct zchat_event *event)
{
    if (self->is_json) {
        event_json(stdout, event);
        return true;
    }
    if (self->template != NULL) {
        if (event->kind == ZCHAT_EVENT && !print_is_told(&self->style, event))
            return false;
        format_print(stdout, &self->style, self->template, event);
        return true;
    }
    if (event->kind == ZCHAT_EVENT)
        return print_event(stdout, &self->style, event, "");
    print_gap(stdout, &self->style, event);
    return true;
}
