/* main.c - zchat-logger: archives streams without gaps or repeats. */
#include "client/logger/logger.h"

#include "shared/base/secret.h"
#include "shared/base/stdfds.h"

int main(int argc, char **argv)
{
    struct logger_options options;
    char why[160];
    int status;

    stdfds_fill();
    secret_guard_process();
    if (logger_options_parse(argc, argv, &options, why) != RC_OK) {
        fprintf(stderr, "zchat-logger: %s (--help says more)\n", why);
        return 2;
    }
    if (options.wants_help) {
        logger_options_help(stdout);
        status = 0;
    } else if (options.wants_version) {
        puts("zchat-logger " ZCHAT_VERSION);
        status = 0;
    } else {
        status = logger_run(&options);
    }
    logger_options_fini(&options);
    return status;
}
