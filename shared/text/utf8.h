/* utf8.h - text as characters, strictly: no surrogates, no overlong forms, at most U+10FFFF. */
#ifndef SHARED_TEXT_UTF8_H
#define SHARED_TEXT_UTF8_H

#include "shared/base/span.h"

#include <stdint.h>

#define UTF8_ILL UINT32_MAX /* not a character: an ill-formed byte */

/* The character at the front of `text`, which must not be empty. Returns its length in bytes. An
 * ill-formed byte is UTF8_ILL, of length 1. */
size_t utf8_next(struct span text, uint32_t *ret_point);

/* True for what must not reach a terminal or a line of a log: C0 (TAB and LF too), DEL, C1, line and
 * paragraph separators, bidi controls, the byte-order mark, tags and other invisible format
 * controls. Joiners and variation selectors are safe: Persian and emoji need them. */
bool utf8_is_unsafe(uint32_t point);

#endif
