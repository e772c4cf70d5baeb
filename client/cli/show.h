/* show.h - events on standard output as the command line asks: --json, --format, or for people. */
#ifndef CLIENT_CLI_SHOW_H
#define CLIENT_CLI_SHOW_H

#include "client/cli/args.h"
#include "client/cli/print.h"

struct show {
    bool is_json;
    const char *template; /* NULL: none was given */
    struct style style;
};

struct show show_for(const struct args *args);

/* Print a ZCHAT_EVENT or ZCHAT_GAP; false: it has no form for people. The caller flushes. */
bool show_event(const struct show *self, const struct zchat_event *event);

#endif
