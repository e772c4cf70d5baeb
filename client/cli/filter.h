/* filter.h - which messages a verb is about: --match, --from, --mention. */
#ifndef CLIENT_CLI_FILTER_H
#define CLIENT_CLI_FILTER_H

#include "client/cli/args.h"
#include "client/cli/exit_code.h"
#include "client/lib/zchat.h"
#include "shared/text/name.h"

struct pattern;

struct filter {
    struct pattern *pattern; /* NULL: any text */
    struct name from;        /* empty: anybody */
    bool is_mention;
};

/* From the command line; EXIT_GO_ON, or EXIT_USAGE after saying why. filter_fini() may be called in either case. */
enum exit_code filter_init(struct filter *self, const struct args *args);
void filter_fini(struct filter *self);

/* Is this ZCHAT_EVENT a message that was asked for? `nick` is one's own, for --mention. A text that takes the
 * pattern too long does not match, and that is said on stderr. */
bool filter_matches(const struct filter *self, const struct zchat_event *event, const char *nick);

#endif
