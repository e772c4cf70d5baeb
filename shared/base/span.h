/* span.h - bytes that belong to somebody else.
 *
 * A span borrows; whoever hands one out says until when it may be read. Spans
 * are not terminated by NUL and may hold any byte. */
#ifndef SHARED_BASE_SPAN_H
#define SHARED_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;      /* bytes */
};

/* A span over a string literal; its length is known to the compiler. */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

static inline struct span span_of(const char *text)
{
    return (struct span){text, text == NULL ? 0 : strlen(text)};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
