/* transcript.h - dialogues as text, one step a line. tests/transcripts/README.md is the format. */
#ifndef TESTS_TRANSCRIPTS_TRANSCRIPT_H
#define TESTS_TRANSCRIPTS_TRANSCRIPT_H

#include "shared/base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WORDS_MAX 40

/* `verb`, `key=value`, `key="a value"`, `key="x"*100`, `-key`. */
struct word {
    char key[32];   /* or the whole word when there is no value */
    bool has_value; /* there was a `=` */
    bool is_quoted;
    struct span value; /* borrows from the line */
};

struct line {
    unsigned number;
    char *text; /* owns what the words borrow */
    char *expanded[WORDS_MAX];
    size_t count;
    struct word word[WORDS_MAX];
};

/* Read the next line that is a step for this runner ("core" or "broker"): neither empty, a comment nor
 * marked for the other. False: the end. A line that cannot be read ends the process with its number. */
bool line_read(struct line *self, FILE *file, const char *runner);
void line_free(struct line *self);

/* The line is wrong: end the process with its number and this. */
_Noreturn void line_fail(const struct line *self, const char *what);

uint64_t word_number(const struct line *line, const struct word *word);

#endif
