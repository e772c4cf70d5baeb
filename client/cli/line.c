#include "client/cli/verbs.h"
enum exit_code line_mode(const struct args *args)
{
    (void)args;
    return EXIT_OTHER;
}
