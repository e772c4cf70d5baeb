/* main.c - zchat-logger: archives streams without gaps or repeats. */
#include "client/logger/logger.h"

#include "shared/base/secret.h"
#include "shared/base/stdfds.h"

int main(int argc, char **argv)
{
    static struct logger_options options;
    char why[CONF_WHY_BYTES];

    stdfds_fill();
    secret_guard_process();
    if (logger_options_parse(argc, argv, &options, why) != RC_OK) {
        fprintf(stderr, "zchat-logger: %s (--help says more)\n", why);
        return 2;
    }
    if (options.common.is_help)
        logger_options_help(stdout);
    else if (options.common.is_version)
        puts("zchat-logger " ZCHAT_VERSION);
    else if (options.common.is_print)
        conf_print(logger_options_schema(), &options, stdout);
    else if (options.common.is_check)
        puts("the configuration is good");
    else
        return logger_run(&options, argc, argv);
    return fflush(stdout) == 0 ? 0 : 1;
}
