/* take.h - one source of values, a file or the command line, and what it has given so far. */
#ifndef SHARED_CONF_TAKE_H
#define SHARED_CONF_TAKE_H

#include "shared/base/span.h"
#include "shared/conf/value.h"

struct conf_take_element {
    size_t row, index;
    unsigned line;
};

struct conf_take {
    const struct conf_schema *schema;
    void *settings;
    bool may_repeat;  /* the last one counts */
    unsigned source;  /* its number, from 1 */
    unsigned *owners; /* of CONF_ROWS_MAX rows: whose elements a list has; shared by all sources */
    unsigned lines[CONF_ROWS_MAX];     /* in which a key stands; 0: not given */
    struct conf_take_element *element; /* of lists with names; owned */
    size_t element_count;
};
void conf_take_fini(struct conf_take *self);

/* The row of a key, and what stands in the place of its `*` (empty: it has none); schema->count: there is none. */
size_t conf_take_find(const struct conf_schema *schema, struct span key, struct span *ret_name);

/* Returns NULL, or what was expected: static, or in `buf`. */
const char *conf_take_give(struct conf_take *self, size_t row, struct span name, const char *text,
                           unsigned line, char buf[static CONF_EXPECTED_BYTES]);

#endif
