/* value.h - one value: from text to a member, and back. */
#ifndef SHARED_CONF_VALUE_H
#define SHARED_CONF_VALUE_H

#include "shared/conf/conf.h"

#define CONF_EXPECTED_BYTES 256

/* Where the value of the index-th element (of a single value: 0) stands, and its bytes. */
void *conf_value_at(const struct conf_row *row, const void *settings, size_t index,
                    size_t *ret_size);

/* Returns NULL, or what was expected: static, or in `buf`; the member is untouched then. */
const char *conf_value_parse(const struct conf_row *row, const char *text, void *member,
                             size_t size, char buf[static CONF_EXPECTED_BYTES]);

/* As it would be given on the command line; "": a text or an address that is empty. */
void conf_value_format(const struct conf_row *row, const void *member, size_t size,
                       char buf[static CONF_VALUE_BYTES]);

/* How many values it has: 1 of what is no list. */
size_t conf_value_count(const struct conf_row *row, const void *settings);

/* True when both settings have the same in this row. */
bool conf_value_equal(const struct conf_row *row, const void *a, const void *b);

#endif
