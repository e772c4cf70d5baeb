/* query.h - what people write to search for, taken apart: words, and from:, in:, before:, after: among them. */
#ifndef CLIENT_CLI_QUERY_H
#define CLIENT_CLI_QUERY_H

#include "client/lib/zchat.h"
#include "shared/base/limits.h"
#include "shared/base/rc.h"

#define QUERY_WHY_BYTES 256

struct query {
    struct zchat_query ask; /* borrows from the rest: do not copy a query */
    uint64_t now_ms;        /* wall clock: "1d" is counted from here */
    char words[SEARCH_BYTES_MAX + 1];
    char in[STREAM_BYTES_MAX + 2];
    char from[NAME_BYTES_MAX + 2];
};

void query_init(struct query *self, uint64_t now_wall_ms);

/* Take words and what stands among them. What is in quotes is never a filter. RC_CONFIG: `why` says what is wrong; a filter
 * stands there once. */
enum rc query_take(struct query *self, const char *text,
                   char why[static QUERY_WHY_BYTES]) MUST_CHECK;
/* One filter: "from", "in", "before" or "after". */
enum rc query_set(struct query *self, const char *filter, const char *value,
                  char why[static QUERY_WHY_BYTES]) MUST_CHECK;
/* Is there something to search for? */
enum rc query_check(const struct query *self, char why[static QUERY_WHY_BYTES]) MUST_CHECK;

#endif
