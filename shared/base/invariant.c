#include "shared/base/invariant.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void invariant_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant failed: %s\n", file, line, condition);
    abort();
}
