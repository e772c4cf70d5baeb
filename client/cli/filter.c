#include "client/cli/filter.h"

#include "client/cli/cli.h"
#include "client/cli/pattern.h"
#include "shared/text/clean.h"
#include "shared/text/mention.h"

#include <inttypes.h>
#include <string.h>

enum exit_code filter_init(struct filter *self, const struct args *args)
{
    const char *from = args->from;
    char why[PATTERN_WHY_BYTES];

    *self = (struct filter){.is_mention = args->is_mention};
    if (args->ignores_case && args->match == NULL)
        return cli_usage("--ignore-case goes with --match REGEX");
    if (args->match != NULL &&
        pattern_new(args->match, args->ignores_case, &self->pattern, why) != RC_OK)
        return cli_usage("--match takes a regular expression: %s", why);
    if (from == NULL)
        return EXIT_GO_ON;
    if (name_parse(span_of(from[0] == '@' ? from + 1 : from), &self->from) != RC_OK) {
        filter_fini(self);
        return cli_usage("--from takes a nick: 1 to 32 letters, digits, - or _");
    }
    return EXIT_GO_ON;
}

void filter_fini(struct filter *self)
{
    pattern_destroy(&self->pattern);
}

bool filter_matches(const struct filter *self, const struct zchat_event *event, const char *nick)
{
    const struct span text = {event->text, event->text_len};
    char stream[256];

    if (strcmp(event->type, "message") != 0)
        return false;
    if (self->from.text_len > 0 && strcmp(self->from.text, event->from) != 0)
        return false;
    if (self->is_mention && !mention_is_in(text, span_of(nick)))
        return false;
    if (self->pattern == NULL)
        return true;
    switch (pattern_match(self->pattern, text)) {
    case PATTERN_YES:
        return true;
    case PATTERN_GAVE_UP:
        clean_copy(stream, sizeof(stream), span_of(event->stream));
        cli_say("%s %" PRIu64 ": --match takes too long on this message, which is left out", stream,
                event->seq);
        return false;
    default:
        return false;
    }
}
