/* lists.h - the answers to WHO and ROOMS as people and programs read them. */
#ifndef CLIENT_CLI_LISTS_H
#define CLIENT_CLI_LISTS_H

#include "client/lib/zchat.h"

#include <stdbool.h>
#include <stddef.h>

/* Rows of WHO are one for each membership: they are gathered first, then merged by nick. */
struct people {
    struct person *item;
    size_t count, capacity;
};

/* Take a ZCHAT_PERSON; the signature is cli_row_function's. */
void people_take(void *people, const struct zchat_event *row);
/* Print to stdout, by nick. */
void people_print(struct people *self, bool is_json);
void people_fini(struct people *self);

/* Print a ZCHAT_ROOM to stdout. */
void room_print(const struct zchat_event *row, bool is_json);

#endif
