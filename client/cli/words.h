/* words.h - what stands behind a verb as one text, and times as people read them. */
#ifndef CLIENT_CLI_WORDS_H
#define CLIENT_CLI_WORDS_H

#include "client/cli/args.h"

#include <stdbool.h>
#include <stdint.h>

/* The words from `first` on, with a space between them; the caller frees it. */
char *words_join(const struct args *args, size_t first);

/* "2026-11-24 18:00:00" here, or "2026-11-24 18:00:00Z" in UTC; without the date "18:00". "" for what no calendar has. */
#define WORDS_TIME_BYTES 40
void words_time(uint64_t ts_ms, bool is_utc, bool has_date, char buf[static WORDS_TIME_BYTES]);

/* "2026-11-24 18:00:00" here, or "for ever" for 0. */
void words_until(uint64_t until_ms, char buf[static WORDS_TIME_BYTES]);

#endif
