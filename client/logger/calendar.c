#include "client/logger/calendar.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S      86400
#define YEAR_9999S INT64_C(253402214400) /* its last day's first second */

void calendar_of(uint64_t ts_ms, bool is_utc, struct calendar *ret)
{
    const uint64_t seconds = ts_ms / 1000;
    const time_t at = (time_t)(seconds < YEAR_9999S ? seconds : YEAR_9999S);
    struct tm parts = {.tm_year = 70, .tm_mday = 1};

    if (is_utc || localtime_r(&at, &parts) == NULL)
        gmtime_r(&at, &parts);
    strftime(ret->date, sizeof ret->date, "%Y-%m-%d", &parts);
    strftime(ret->time, sizeof ret->time, "%H:%M:%S", &parts);
    strftime(ret->zone, sizeof ret->zone, "%z", &parts);
}

/* `count` digits at *text, which moves behind them and behind `stop`; -1: there are none. */
static int take(const char **text, int count, char stop)
{
    int value = 0;

    for (; count > 0; count--, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return -1;
        value = value * 10 + (**text - '0');
    }
    if (stop != '\0' && *(*text)++ != stop)
        return -1;
    return value;
}

static bool take_date(const char **text, char stop, struct tm *ret)
{
    ret->tm_year = take(text, 4, '-') - 1900;
    if (ret->tm_year < 70)
        return false;
    ret->tm_mon = take(text, 2, '-') - 1;
    if (ret->tm_mon < 0 || ret->tm_mon > 11)
        return false;
    ret->tm_mday = take(text, 2, stop);
    return ret->tm_mday >= 1 && ret->tm_mday <= 31;
}

uint64_t calendar_parse(const char *text, unsigned long len)
{
    static const char form[] = "2026-11-23T09:21:50.123Z";
    char copy[sizeof form];
    const char *at = copy;
    struct tm parts = {.tm_isdst = 0};
    int ms;

    if (len < sizeof form - 1)
        return 0;
    memcpy(copy, text, sizeof form - 1);
    copy[sizeof form - 1] = '\0';
    if (!take_date(&at, 'T', &parts) || (parts.tm_hour = take(&at, 2, ':')) < 0 ||
        (parts.tm_min = take(&at, 2, ':')) < 0 || (parts.tm_sec = take(&at, 2, '.')) < 0 ||
        (ms = take(&at, 3, 'Z')) < 0)
        return 0;
    return (uint64_t)timegm(&parts) * 1000 + (uint64_t)ms;
}

uint64_t calendar_day(const char *date)
{
    struct tm parts = {.tm_isdst = 0};

    if (!take_date(&date, '\0', &parts))
        return 0;
    return (uint64_t)timegm(&parts) / DAY_S;
}
