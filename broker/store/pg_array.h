/* pg_array.h - one column of many rows as one parameter: an array in the server's binary form. */
#ifndef BROKER_STORE_PG_ARRAY_H
#define BROKER_STORE_PG_ARRAY_H

#include "broker/store/pg_db.h"

/* Born empty: `struct pg_array array = {0};`. All of its values are numbers, or all are bytes. */
struct pg_array {
    char *bytes;
    size_t len;
    size_t capacity;
    uint32_t count;
    uint32_t type;
};

void pg_array_fini(struct pg_array *self);
void pg_array_clear(struct pg_array *self); /* keeps its memory */

void pg_array_number(struct pg_array *self, uint64_t value);
void pg_array_bytes(struct pg_array *self, struct span value);

/* As the next argument, borrowed until it is queued; there is a value in it. */
void pg_arg_array(struct pg_args *args, struct pg_array *array);

#endif
