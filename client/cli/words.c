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

void words_time(uint64_t ts_ms, bool is_utc, bool has_date, char buf[static WORDS_TIME_BYTES])
{
    const time_t seconds = (time_t)(ts_ms / 1000);
    struct tm when;
    size_t len;

    buf[0] = '\0';
    if ((is_utc ? gmtime_r(&seconds, &when) : localtime_r(&seconds, &when)) == NULL)
        return;
    len = strftime(buf, WORDS_TIME_BYTES - 1, has_date ? "%Y-%m-%d %H:%M:%S" : "%H:%M", &when);
    snprintf(buf + len, WORDS_TIME_BYTES - len, "%s", is_utc && len > 0 ? "Z" : "");
}

void words_until(uint64_t until_ms, char buf[static WORDS_TIME_BYTES])
{
    if (until_ms != 0)
        words_time(until_ms, false, true, buf);
    if (until_ms == 0 || buf[0] == '\0')
        snprintf(buf, WORDS_TIME_BYTES, "for ever");
}
