/* checker.h - do these histories keep every promise? (docs/guarantees.md)
 *
 * One code for the simulation and for real processes. Records may come in any order: each
 * promise is a property of the whole set. */
#ifndef TESTS_CHECKER_CHECKER_H
#define TESTS_CHECKER_CHECKER_H

#include "shared/text/history.h"

#include <stddef.h>
#include <stdio.h>

struct checker;

struct checker *checker_new(void);
void checker_destroy(struct checker **self_p);

/* Copies what it keeps. */
void checker_add(struct checker *self, const struct history_record *record);

/* Read a file of history lines. A torn last line is left out (its writer was killed). RC_SYSTEM: errno;
 * RC_MALFORMED: *ret_line is not a history line. */
enum rc checker_add_file(struct checker *self, const char *path, size_t *ret_line) MUST_CHECK;

struct checker_options {
    bool
        is_complete; /* the histories of all authors and the final log are here: what is missing is lost */
};

/* Check everything; broken promises are told to `out` (may be NULL), one sentence a line,
 * at most `most` of them. Returns how many there are. */
size_t checker_judge(struct checker *self, const struct checker_options *options, FILE *out,
                     size_t most);

struct checker_counts {
    size_t records, runs, posts, stored, delivered, failed, unknown, shown, appended, streams;
};
void checker_get_counts(const struct checker *self, struct checker_counts *ret);

#endif
