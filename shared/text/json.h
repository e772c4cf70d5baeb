/* json.h - JSON lines, one object a line (RFC 8259), written as we go. */
#ifndef SHARED_TEXT_JSON_H
#define SHARED_TEXT_JSON_H

#include "shared/base/span.h"

#include <stdint.h>
#include <stdio.h>

/* An object being written to `out`; flat or nested by begin/end pairs. */
struct json {
    FILE *out;
    bool is_first; /* no comma is due */
};

/* json_open() writes `{`; json_close() writes `}`, a newline, and flushes. */
void json_open(struct json *self, FILE *out);
void json_close(struct json *self);

/* Keys are ours and plain ASCII; values are escaped: quotes, backslash, all controls,
 * U+2028, U+2029 and bidi controls as \u escapes; ill-formed bytes as U+FFFD. */
void json_text(struct json *self, const char *key, struct span value);
void json_uint(struct json *self, const char *key, uint64_t value);
void json_flag(struct json *self, const char *key, bool value);
/* 64-bit ids as 16 hex digits in quotes: JSON numbers lose them beyond 2^53. */
void json_id(struct json *self, const char *key, uint64_t value);
/* Milliseconds since 1970 as "2026-11-23T09:21:50.123Z". */
void json_time(struct json *self, const char *key, uint64_t ts_ms);

void json_array_open(struct json *self, const char *key);
void json_array_text(struct json *self, struct span value);
void json_array_close(struct json *self);

/* "2026-11-23T09:21:50.123Z" into buf (at least 25 bytes). */
void time_format_utc(uint64_t ts_ms, char buf[static 25]);

#endif
