/* when.h - durations and points in time as people write them. */
#ifndef CLIENT_CLI_WHEN_H
#define CLIENT_CLI_WHEN_H

#include "shared/base/rc.h"

#include <stdbool.h>
#include <stdint.h>

/* A whole number without sign, in decimal. RC_CONFIG: something else, or above `most`. */
enum rc when_number(const char *given, uint64_t most, uint64_t *ret) MUST_CHECK;

/* "500ms", "10s", "5m", "2h", "1d"; a bare number counts seconds. RC_CONFIG: not a duration. */
enum rc when_duration(const char *given, uint64_t *ret_ms) MUST_CHECK;

/* The same in whole seconds, rounded up. RC_CONFIG: not a duration, or not from `least` to `most`. */
enum rc when_seconds(const char *given, uint32_t least, uint32_t most, uint32_t *ret) MUST_CHECK;

/* Where reading begins: "all", a sequence number, a duration back from now ("10m"), or a time: "2026-11-23",
 * "2026-11-23 09:21[:50]" (here), "2026-11-23T09:21:50[.123]Z" (UTC) or with "+02:00". */
struct since {
    bool is_time;
    uint64_t value; /* seq, or milliseconds since 1970 */
};
enum rc when_since(const char *given, uint64_t now_wall_ms, struct since *ret) MUST_CHECK;

#endif
