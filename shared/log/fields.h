/* fields.h - the words behind an event's name, taken apart: key=value and key="several words", and what is neither. */
#ifndef SHARED_LOG_FIELDS_H
#define SHARED_LOG_FIELDS_H

#include "shared/base/span.h"

#define LOG_FIELDS_MAX 32
#define LOG_REST_BYTES 1024

struct log_field {
    struct span key, value; /* borrow from the text */
};

struct log_fields {
    size_t count;
    struct log_field field[LOG_FIELDS_MAX];
    size_t rest_len;
    char rest[LOG_REST_BYTES]; /* the other words, with spaces between; NUL-terminated */
};

void log_fields_read(struct span text, struct log_fields *ret);

#endif
