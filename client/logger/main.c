/* main.c - zchat-logger: archives streams without gaps or repeats. */
#include "client/logger/logger.h"

#include "shared/base/secret.h"
#include "shared/base/secret_args.h"
#include "shared/base/stdfds.h"
#include "shared/text/completion.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 64

/* --print-completion SHELL, from what --help says. */
static int print_completion(const char *shell)
{
    struct completion_option options[OPTIONS_MAX];
    struct completion completion = {.program = "zchat-logger", .options = options, .use = 1};
    char *help = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&help, &len);
    enum rc rc = RC_SYSTEM;

    if (out != NULL) {
        logger_options_help(out);
        fclose(out);
        completion.option_count = completion_scan(help, options, OPTIONS_MAX);
        rc = completion_print(stdout, shell, &completion);
    }
    free(help);
    if (rc != RC_OK)
        fputs("zchat-logger: --print-completion takes bash, zsh or fish\n", stderr);
    return rc == RC_OK && fflush(stdout) == 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
    static struct logger_options options;
    char why[CONF_WHY_BYTES];

    stdfds_fill();
    secret_guard_process();
    if (argc == 3 && strcmp(argv[1], "--print-completion") == 0)
        return print_completion(argv[2]);
    if (secret_take(argc, argv, "ZCHAT_BROKER"))
        fprintf(stderr, "zchat-logger: %s\n", SECRET_ADVICE);
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
