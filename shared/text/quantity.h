/* quantity.h - numbers, durations and sizes as people write them. */
#ifndef SHARED_TEXT_QUANTITY_H
#define SHARED_TEXT_QUANTITY_H

#include "shared/base/rc.h"

#include <stddef.h>
#include <stdint.h>

#define QUANTITY_BYTES 32 /* of one that is written out */

/* A whole number without sign, in decimal. RC_CONFIG: something else, or above `most`. */
enum rc quantity_number(const char *given, uint64_t most, uint64_t *ret) MUST_CHECK;

/* "500ms", "10s", "5m", "2h", "1d"; a bare number counts seconds. RC_CONFIG: not a duration, or above ten years. */
enum rc quantity_duration(const char *given, uint64_t *ret_ms) MUST_CHECK;

/* "500K", "100M", "2G", "1T", in powers of 1024 and with or without B, iB behind it; a bare number counts
 * `unit` bytes. RC_CONFIG: not a size, or too large for a number of 64 bits. */
enum rc quantity_size(const char *given, uint64_t unit, uint64_t *ret_bytes) MUST_CHECK;

/* In the largest unit that keeps it exact; readable by the functions above (a size with unit 1). */
void quantity_duration_format(uint64_t ms, char buf[static QUANTITY_BYTES]);
void quantity_size_format(uint64_t bytes, char buf[static QUANTITY_BYTES]);

#endif
