#include "shared/text/quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_MS_MAX (UINT64_C(3650) * 24 * 3600 * 1000)

/* Digits at `at`, and what stands behind them. */
static bool take_digits(const char *at, uint64_t *ret, const char **ret_end)
{
    char *end;
    unsigned long long value;

    if (at[0] < '0' || at[0] > '9')
        return false;
    errno = 0;
    value = strtoull(at, &end, 10);
    if (errno != 0)
        return false;
    *ret = value;
    *ret_end = end;
    return true;
}

enum rc quantity_number(const char *given, uint64_t most, uint64_t *ret)
{
    const char *end;
    uint64_t value;

    if (!take_digits(given, &value, &end) || *end != '\0' || value > most)
        return RC_CONFIG;
    *ret = value;
    return RC_OK;
}

/* From the smallest to the largest; seconds are known without their name, too. */
static const struct {
    const char *name;
    uint64_t ms;
} durations[] = {{"ms", 1},        {"", 1000},         {"s", 1000},
                 {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000}};
#define DURATION_COUNT (sizeof(durations) / sizeof(durations[0]))

enum rc quantity_duration(const char *given, uint64_t *ret_ms)
{
    const char *unit;
    uint64_t value;

    if (!take_digits(given, &value, &unit))
        return RC_CONFIG;
    for (size_t i = 0; i < DURATION_COUNT; i++) {
        if (strcmp(unit, durations[i].name) != 0)
            continue;
        if (value > DURATION_MS_MAX / durations[i].ms)
            return RC_CONFIG;
        *ret_ms = value * durations[i].ms;
        return RC_OK;
    }
    return RC_CONFIG;
}

void quantity_duration_format(uint64_t ms, char buf[static QUANTITY_BYTES])
{
    size_t unit = DURATION_COUNT - 1;

    while (unit > 0 && ms % durations[unit].ms != 0)
        unit--;
    if (ms == 0)
        unit = 2;
    snprintf(buf, QUANTITY_BYTES, "%" PRIu64 "%s", ms / durations[unit].ms, durations[unit].name);
}

static const char size_units[] = "KMGT";

enum rc quantity_size(const char *given, uint64_t unit, uint64_t *ret_bytes)
{
    const char *at;
    uint64_t value, factor = unit;

    if (!take_digits(given, &value, &at))
        return RC_CONFIG;
    if (*at != '\0') {
        const char *found = strchr(size_units, *at & ~0x20);

        factor = 1;
        if (found != NULL && *at != ' ') {
            factor <<= 10 * (found - size_units + 1);
            at++;
            at += at[0] == 'i' && at[1] == 'B' ? 1 : 0;
        }
        at += *at == 'B' ? 1 : 0;
    }
    if (*at != '\0' || (factor > 0 && value > UINT64_MAX / factor))
        return RC_CONFIG;
    *ret_bytes = value * factor;
    return RC_OK;
}

void quantity_size_format(uint64_t bytes, char buf[static QUANTITY_BYTES])
{
    size_t unit = 0;

    while (bytes != 0 && bytes % 1024 == 0 && unit < sizeof(size_units) - 1) {
        bytes /= 1024;
        unit++;
    }
    snprintf(buf, QUANTITY_BYTES, "%" PRIu64 "%.1s", bytes, unit == 0 ? "" : size_units + unit - 1);
}
