#include "broker/store/pg_array.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <endian.h>
#include <stdlib.h>

#define OID_BYTEA  17
#define OID_BIGINT 20

/* Dimensions, whether there are NULLs, the type of the values, then of the one dimension how many there are and the first index. */
#define HEAD_WORDS   5
#define HEAD_BYTES   (HEAD_WORDS * sizeof(uint32_t))
#define CAPACITY_MIN 1024

void pg_array_fini(struct pg_array *self)
{
    free(self->bytes);
    *self = (struct pg_array){.bytes = NULL};
}

void pg_array_clear(struct pg_array *self)
{
    self->len = 0;
    self->count = 0;
}

/* Room for the head, which is filled in at the end, comes with the first value. */
static char *more(struct pg_array *self, uint32_t type, size_t len)
{
    const size_t head = self->count == 0 ? HEAD_BYTES : 0;
    char *value;

    if (self->len + head + len > self->capacity) {
        self->capacity = 2 * (self->len + head + len) + CAPACITY_MIN;
        self->bytes = x_realloc(self->bytes, self->capacity, 1);
    }
    value = self->bytes + self->len + head;
    self->len += head + len;
    self->count++;
    self->type = type;
    return value;
}

static char *put_word(char *at, uint32_t value)
{
    const uint32_t travels = htobe32(value);

    memcpy(at, &travels, sizeof(travels));
    return at + sizeof(travels);
}

void pg_array_number(struct pg_array *self, uint64_t value)
{
    const uint64_t travels = htobe64(value);
    char *at = more(self, OID_BIGINT, sizeof(uint32_t) + sizeof(travels));

    memcpy(put_word(at, sizeof(travels)), &travels, sizeof(travels));
}

void pg_array_bytes(struct pg_array *self, struct span value)
{
    char *at = put_word(more(self, OID_BYTEA, sizeof(uint32_t) + value.len), (uint32_t)value.len);

    if (value.len > 0)
        memcpy(at, value.ptr, value.len);
}

void pg_arg_array(struct pg_args *args, struct pg_array *array)
{
    const uint32_t head[HEAD_WORDS] = {1, 0, array->type, array->count, 1};
    char *at = array->bytes;

    INVARIANT(array->count > 0);
    for (size_t i = 0; i < HEAD_WORDS; i++)
        at = put_word(at, head[i]);
    pg_arg_bytes(args, array->bytes, array->len);
}
