/* gone.h - places where nobody need find anything, since the broker was to give them up. */
#ifndef TESTS_CHECKER_GONE_H
#define TESTS_CHECKER_GONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gone_range {
    uint32_t stream;
    uint64_t first, last;
    uint64_t
        since; /* who was told before that something stands there can count on it; 0: nobody can */
};

struct gone {
    struct gone_range *range;
    size_t count;
};

void gone_add(struct gone *self, const struct gone_range *range);
void gone_fini(struct gone *self);

/* Once all are there, and before the questions below. */
void gone_sort(struct gone *self);

/* All of `first` to `last` was given up, in one piece or several. */
bool gone_has(const struct gone *self, uint32_t stream, uint64_t first, uint64_t last);

/* That place was given up, and who was told of it at the time `told` cannot count on it. */
bool gone_excuses(const struct gone *self, uint32_t stream, uint64_t seq, uint64_t told);

#endif
