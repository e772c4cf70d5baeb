#include "client/lib/net/why.h"

#include <stdarg.h>
#include <stdio.h>

void why_set(struct why *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(self->text, sizeof(self->text), format, args);
    va_end(args);
}
