/* logger.h - the archive at work: follows every stream asked for and writes what it is told. */
#ifndef CLIENT_LOGGER_LOGGER_H
#define CLIENT_LOGGER_LOGGER_H

#include "client/logger/options.h"

/* Run until SIGTERM or SIGINT. Returns the exit code: 0 stopped, 1 failed, 5 not let in; what was
 * wrong is on stderr. */
int logger_run(const struct logger_options *options);

#endif
