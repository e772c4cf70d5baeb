/* search_terms.h - texts as the index takes them in, and words as people write them as questions to it.
 *
 * Pure. What has no spaces between words (Chinese, Japanese, Thai ...; Korean, whose endings stick) is cut into
 * single characters on both sides, and asked for as a phrase: so any part of it is found. */
#ifndef BROKER_STORE_SEARCH_TERMS_H
#define BROKER_STORE_SEARCH_TERMS_H

#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdint.h>

/* Room for what search_terms_cut() makes of `len` bytes. */
#define SEARCH_CUT_BYTES(len) (3 * (len))

/* Write `text`, cut as above, into buf; returns its length. */
size_t search_terms_cut(struct span text, char *buf);

/* Room for any expression that search_terms_match() makes. */
#define SEARCH_MATCH_BYTES (SEARCH_CUT_BYTES(SEARCH_BYTES_MAX) + 16 * SEARCH_TERMS_MAX)

/* Write words, "phrases" and beginnings* as an expression of FTS5 of which all parts must be found. All that came
 * from the asker stands in quotes, in which nothing has a meaning. Returns its length in *ret_len, 0 when there is no
 * word in it. RC_TOO_BIG: more than SEARCH_BYTES_MAX bytes or SEARCH_TERMS_MAX terms. */
enum rc search_terms_match(struct span words, char buf[static SEARCH_MATCH_BYTES],
                           size_t *ret_len) MUST_CHECK;

/* A token that stands for a name or a number, of letters and digits alone: `mark`, then hex digits. */
#define SEARCH_TAG_BYTES(len) (2 * (len) + 2)
size_t search_terms_tag(char mark, struct span name, char *buf);
size_t search_terms_stream_tag(uint32_t stream, char buf[static 16]);

#endif
