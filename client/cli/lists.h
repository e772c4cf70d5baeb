/* lists.h - the answers to questions that have rows, as people and programs read them. */
#ifndef CLIENT_CLI_LISTS_H
#define CLIENT_CLI_LISTS_H

#include "client/lib/zchat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Rows of WHO are one for each membership: they are gathered first, then merged by nick. */
struct people {
    struct person *item;
    size_t count, capacity;
};

/* Take a ZCHAT_PERSON; the signature is cli_row_function's. */
void people_take(void *people, const struct zchat_event *row);
/* Print by nick. With `has_members` the role of who is simply a member is named to people, too. */
void people_print(FILE *out, struct people *self, bool is_json, bool has_members);
void people_fini(struct people *self);

/* Each prints one row. */
void room_print(FILE *out, const struct zchat_event *row, bool is_json);
void device_print(FILE *out, const struct zchat_event *row, bool is_json);
void session_print(FILE *out, const struct zchat_event *row, bool is_json);
void brokers_head(FILE *out); /* above the rows, for people */
void broker_print(FILE *out, const struct zchat_event *row, bool is_json);
void stat_print(FILE *out, const struct zchat_event *row, bool is_json);
void ban_print(FILE *out, const struct zchat_event *row, bool is_json);

#endif
