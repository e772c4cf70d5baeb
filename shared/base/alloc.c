#include "shared/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    static const char line[] = "out of memory\n";
    /* write(2): stdio may want memory itself. Nobody is left to hear of a failure. */
    ssize_t written = write(STDERR_FILENO, line, sizeof(line) - 1);

    (void)written;
    _exit(EXIT_FAILURE);
}

void *x_alloc(size_t count, size_t size)
{
    bool is_nothing = count == 0 || size == 0;
    void *memory = is_nothing ? calloc(1, 1) : calloc(count, size);

    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *x_realloc(void *old, size_t count, size_t size)
{
    bool is_nothing = count == 0 || size == 0;
    void *memory = is_nothing ? realloc(old, 1) : reallocarray(old, count, size);

    if (memory == NULL)
        out_of_memory();
    return memory;
}

char *x_strdup(const char *text)
{
    return x_spandup(span_of(text));
}

char *x_spandup(struct span text)
{
    if (text.len == SIZE_MAX)
        out_of_memory();

    char *copy = x_alloc(text.len + 1, 1);

    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}
