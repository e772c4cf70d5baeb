/* logger.h - the archive at work: follows every stream asked for and writes what it is told. */
#ifndef CLIENT_LOGGER_LOGGER_H
#define CLIENT_LOGGER_LOGGER_H

#include "client/logger/options.h"

/* Run until SIGTERM or SIGINT; SIGHUP reads the settings again, from the same command line. Returns the exit code: 0 stopped, 1 failed, 5 not let in; what was
 * wrong is on stderr. */
int logger_run(struct logger_options *options, int argc, char *const *argv);

#endif
