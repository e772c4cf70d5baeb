#include "client/lib/confirm.h"

#define CONFIRM_BATCH 50

void confirm_shown(struct confirm *self, uint64_t first, uint64_t last)
{
    const bool is_apart = first > self->run_last + 1 || last + 1 < self->run_first;
    const bool is_due = self->run_last > self->confirmed && self->run_first <= self->confirmed + 1;

    if (first == 0 || last < first || last <= self->confirmed)
        return;
    if (self->run_last == 0 || (is_apart && !is_due)) {
        self->run_first = first;
        self->run_last = last;
    } else if (
        is_apart) { /* of a part that is read back: it does not replace what is to be confirmed */
        return;
    } else {
        if (first < self->run_first)
            self->run_first = first;
        if (last > self->run_last)
            self->run_last = last;
    }
    self->unsent_count++;
}

void confirm_known(struct confirm *self, uint64_t confirmed)
{
    if (confirmed > self->confirmed)
        self->confirmed = confirmed;
    self->sent = confirmed;
}

uint64_t confirm_due(struct confirm *self, bool is_drained)
{
    if (self->run_last <= self->confirmed || self->run_first > self->confirmed + 1 ||
        self->run_last <= self->sent)
        return 0;
    if (!is_drained && self->unsent_count < CONFIRM_BATCH)
        return 0;
    self->sent = self->run_last;
    self->unsent_count = 0;
    return self->run_last;
}
