#include "client/cli/words.h"

#include "shared/base/alloc.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

char *words_join(const struct args *args, size_t first)
{
    size_t size = 1, len = 0;
    char *text;

    for (size_t i = first; i < args->word_count; i++)
        size += strlen(args->word[i]) + 1;
    text = x_alloc(size, 1);
    for (size_t i = first; i < args->word_count; i++)
        len +=
            (size_t)snprintf(text + len, size - len, "%s%s", i > first ? " " : "", args->word[i]);
    return text;
}

void words_until(uint64_t until_ms, char buf[static WORDS_UNTIL_BYTES])
{
    time_t seconds = (time_t)(until_ms / 1000);
    struct tm when;

    if (until_ms == 0 || localtime_r(&seconds, &when) == NULL ||
        strftime(buf, WORDS_UNTIL_BYTES, "%Y-%m-%d %H:%M:%S", &when) == 0)
        snprintf(buf, WORDS_UNTIL_BYTES, "for ever");
}
