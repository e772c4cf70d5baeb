/* token.h - MessagePack, one token at a time, for the reader alone.
 *
 * A token is one scalar, or the head of an array or a map whose items follow as tokens of their
 * own. Nothing is copied or reserved: a count is only a number until its items are there. */
#ifndef SHARED_WIRE_TOKEN_H
#define SHARED_WIRE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
    TOKEN_UINT,  /* `number`; signed widths too when they are not negative */
    TOKEN_FLAG,  /* `number` is 0 or 1 */
    TOKEN_TEXT,  /* `bytes`, `number` of them; UTF-8 is not checked */
    TOKEN_BYTES, /* as TEXT */
    TOKEN_ARRAY, /* `number` items follow */
    TOKEN_MAP,   /* `number` pairs follow */
    TOKEN_OTHER, /* nil, float, extension or a negative number: stepped over */
};

struct token {
    enum token_kind kind;
    uint64_t number;
    const unsigned char *bytes;
};

/* Read the token at *at_p and step behind it (for arrays and maps: behind the head).
 * False: the bytes end within it, or are no MessagePack; *at_p is then anywhere. */
bool token_read(const unsigned char **at_p, const unsigned char *end, struct token *ret);

/* Step over the items of `head`, which was read just before; a scalar has none.
 * False also when they nest deeper than SKIP_DEPTH_MAX, or are more than SKIP_ITEMS_MAX. */
bool token_skip_items(const unsigned char **at_p, const unsigned char *end,
                      const struct token *head);

#endif
