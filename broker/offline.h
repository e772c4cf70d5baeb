/* offline.h - what is done with the data folder instead of serving: --restore, --check-data, --export, --import,
 * --migrate. */
#ifndef BROKER_OFFLINE_H
#define BROKER_OFFLINE_H

#include "broker/ops/options.h"

/* Is any of it asked for? */
bool offline_is_asked(const struct options *options);

/* Do it, with a word on stderr. Returns the exit code: 0 done (and sound), 1 not. A broker that runs in the folder is refused. */
int offline_run(const struct options *options);

#endif
