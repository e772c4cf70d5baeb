/* fold.h - joins and leaves that follow each other, as one line: "bob, carol joined; dave left". */
#ifndef CLIENT_TUI_FOLD_H
#define CLIENT_TUI_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fold;

struct fold *fold_new(void);
void fold_destroy(struct fold **self_p);

/* Who came or went last counts; coming and going again stays as what it was last. */
void fold_add(struct fold *self, uint64_t seq, const char *nick, bool is_join);
bool fold_has_seq(const struct fold *self, uint64_t seq);
uint64_t fold_first_seq(const struct fold *self);
uint64_t fold_last_seq(const struct fold *self);
/* The line; the caller frees it. */
char *fold_text(const struct fold *self);

#endif
