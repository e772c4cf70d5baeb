#include "client/cli/when.h"

#include "shared/text/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum rc when_number(const char *given, uint64_t most, uint64_t *ret)
{
    return quantity_number(given, most, ret);
}

enum rc when_duration(const char *given, uint64_t *ret_ms)
{
    return quantity_duration(given, ret_ms);
}

enum rc when_seconds(const char *given, uint32_t least, uint32_t most, uint32_t *ret)
{
    uint64_t ms;

    if (when_duration(given, &ms) != RC_OK || ms > (uint64_t)most * 1000 ||
        ms < (uint64_t)least * 1000)
        return RC_CONFIG;
    *ret = (uint32_t)((ms + 999) / 1000);
    return RC_OK;
}

/* "Z", "+02:00" or "-0530" to seconds east of UTC. */
static bool take_zone(const char *at, int *ret_east_s)
{
    int sign = at[0] == '-' ? -1 : 1;
    unsigned hours, minutes;
    int len = 0;

    if (strcmp(at, "Z") == 0) {
        *ret_east_s = 0;
        return true;
    }
    if (at[0] != '+' && at[0] != '-')
        return false;
    if ((sscanf(at + 1, "%2u:%2u%n", &hours, &minutes, &len) != 2 || at[1 + len] != '\0') &&
        (sscanf(at + 1, "%2u%2u%n", &hours, &minutes, &len) != 2 || at[1 + len] != '\0'))
        return false;
    if (hours > 14 || minutes > 59)
        return false;
    *ret_east_s = sign * (int)(hours * 3600 + minutes * 60);
    return true;
}

/* strptime() is lenient about what follows; each form must match to its end. */
static bool parse_time(const char *given, uint64_t *ret_ms)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
                                        "%Y-%m-%d %H:%M", "%Y-%m-%d"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm when = {.tm_isdst = -1};
        const char *end = strptime(given, forms[i], &when);
        uint64_t ms = 0;
        int east_s = 0;
        time_t seconds;

        if (end == NULL)
            continue;
        if (*end == '.') { /* fractions of a second: the first three digits count */
            uint64_t unit = 100;

            for (end++; isdigit((unsigned char)*end); end++, unit /= 10)
                ms += (uint64_t)(*end - '0') * unit;
        }
        if (*end == '\0')
            seconds = mktime(&when);
        else if (take_zone(end, &east_s))
            seconds = timegm(&when) - east_s;
        else
            continue;
        if (seconds < 0)
            return false;
        *ret_ms = (uint64_t)seconds * 1000 + ms;
        return true;
    }
    return false;
}

enum rc when_since(const char *given, uint64_t now_wall_ms, struct since *ret)
{
    uint64_t value;

    if (strcmp(given, "all") == 0) {
        *ret = (struct since){false, 1};
        return RC_OK;
    }
    if (when_number(given, INT64_MAX, &value) == RC_OK) {
        *ret = (struct since){false, value == 0 ? 1 : value};
        return RC_OK;
    }
    if (when_duration(given, &value) == RC_OK) {
        *ret = (struct since){true, value < now_wall_ms ? now_wall_ms - value : 0};
        return RC_OK;
    }
    if (parse_time(given, &value)) {
        *ret = (struct since){true, value};
        return RC_OK;
    }
    return RC_CONFIG;
}
