/* alloc.h - memory at the edges: running out of it ends the process with one line. */
#ifndef SHARED_BASE_ALLOC_H
#define SHARED_BASE_ALLOC_H

#include "shared/base/span.h"

#include <stddef.h>

void *x_alloc(size_t count, size_t size)
    __attribute__((malloc));                           /* zeroed; size 0 gives one byte */
void *x_realloc(void *old, size_t count, size_t size); /* count * size is checked */
char *x_strdup(const char *text);
char *x_spandup(struct span text); /* NUL-terminated copy */

#endif
