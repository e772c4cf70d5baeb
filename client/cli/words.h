/* words.h - what stands behind a verb as one text, and times as people read them. */
#ifndef CLIENT_CLI_WORDS_H
#define CLIENT_CLI_WORDS_H

#include "client/cli/args.h"

/* The words from `first` on, with a space between them; the caller frees it. */
char *words_join(const struct args *args, size_t first);

/* "2026-11-24 18:00:00" here, or "for ever" for 0; `buf` has 40 bytes. */
#define WORDS_UNTIL_BYTES 40
void words_until(uint64_t until_ms, char buf[static WORDS_UNTIL_BYTES]);

#endif
