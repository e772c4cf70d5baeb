/* complete.h - Tab: what the word before the cursor may become.
 *
 * `/command` at the begin of the line, `#room`, `@nick`, else a nick: first those who spoke last, then the others by alphabet. Names
 * fit without regard to case and forms of letters (NFKC case-folded, as names are). Among ideographs, where words are
 * not parted by spaces, the end of a run is tried as well. A nick at the line's begin is followed by ": ", everything
 * else by " ".
 *
 * Pure: it tells what to put where; editor_replace() does it. */
#ifndef CLIENT_TUI_COMPLETE_H
#define CLIENT_TUI_COMPLETE_H

#include "shared/base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define COMPLETE_CANDIDATES_MAX 4096 /* looked at; more are left out */
#define COMPLETE_BYTES          160  /* a name with its sigil and what follows it */

/* Each gives the name of that index, without sigil, until it returns false; borrowed until complete_step() returns. */
typedef bool complete_list(void *context, size_t index, struct span *ret);

struct complete_source {
    void *context;
    complete_list *speakers; /* nicks, newest speaker first; any may be NULL */
    complete_list *nicks;    /* in any order; may name speakers again */
    complete_list *rooms;    /* in any order */
    complete_list *commands; /* in any order */
};

struct completion {
    size_t begin, end; /* replace these bytes of the text */
    char text[COMPLETE_BYTES];
    size_t text_len;
    size_t index, count; /* this is candidate `index` of `count` */
};

struct complete;

struct complete *complete_new(void);
void complete_destroy(struct complete **self_p);

/* One Tab (or S-Tab: `backwards`) on this text. When text and cursor are as the last step left them, the next candidate
 * takes the place of the last; else it begins anew. False: nothing fits. */
bool complete_step(struct complete *self, const struct complete_source *source, struct span text,
                   size_t cursor, bool backwards, struct completion *ret);

/* Another key was pressed: the next step begins anew. */
void complete_cancel(struct complete *self);

/* The candidates of the running cycle, to be shown; false behind the last. Until the next step. */
bool complete_candidate(const struct complete *self, size_t index, struct span *ret);

#endif
