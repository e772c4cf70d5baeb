/* configured.h - the command line with what the configuration adds to it. */
#ifndef CLIENT_CLI_CONFIGURED_H
#define CLIENT_CLI_CONFIGURED_H

#include "client/cli/args.h"
#include "client/conf/settings.h"

/* Read the configuration: the file of --config, or zchat.conf in the folder of the configuration when it is there; and
 * put into `args` what was neither given there nor in the environment. `settings` outlives args.
 * RC_CONFIG: `why` is one sentence. */
enum rc configured(struct args *args, struct client_settings *settings,
                   char why[static CONF_WHY_BYTES]) MUST_CHECK;

#endif
