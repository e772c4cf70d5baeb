/* patterns.h - which streams are asked for. */
#ifndef CLIENT_LOGGER_PATTERNS_H
#define CLIENT_LOGGER_PATTERNS_H

#include "shared/base/rc.h"

#include <stdbool.h>
#include <stddef.h>

#define PATTERNS_MAX      64
#define PATTERN_WHY_BYTES 160
#define PATTERN_BYTES     512

struct pattern {
    char text[PATTERN_BYTES]; /* folded as names are, so case does not matter */
    bool is_exclude;
    bool is_name; /* without a wildcard: `text` is the stream's name */
};

struct patterns {
    struct pattern item[PATTERNS_MAX];
    size_t count;
};

/* Add a list with commas or blanks between, each with the wildcards of sh(1) (`*`, `?`, `[a-z]`, `\` takes their meaning
 * away): "#team-*", "@logger", and "!#secret*" for what is left out. A backslash in front keeps a comma or a blank. RC_CONFIG: `why` says what was
 * expected ("'lobby' to begin with # or @"). */
enum rc patterns_add(struct patterns *self, const char *list,
                     char why[static PATTERN_WHY_BYTES]) MUST_CHECK;

/* Is the stream asked for? Some pattern takes it (with excludes alone: every room), and no exclude does. */
bool patterns_match(const struct patterns *self, const char *stream);

#endif
