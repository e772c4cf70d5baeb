/* calendar.h - an event's time as the people of one place write it. */
#ifndef CLIENT_LOGGER_CALENDAR_H
#define CLIENT_LOGGER_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

struct calendar {
    char date[11]; /* "2026-11-23" */
    char time[9];  /* "09:21:50" */
    char zone[6];  /* "+0100"; what has to be taken off for UTC, as it was at that time */
};

/* ts_ms since 1970, in UTC or in this process' time zone ($TZ, else the system's). Years beyond 9999 are 9999. */
void calendar_of(uint64_t ts_ms, bool is_utc, struct calendar *ret);

/* The time of "2026-11-23T09:21:50.123Z" in milliseconds; 0: it is none. `text` need not end there. */
uint64_t calendar_parse(const char *text, unsigned long len);

/* The day's number, counted since 1970, of "2026-11-23"; 0: it is no date. */
uint64_t calendar_day(const char *date);

#endif
