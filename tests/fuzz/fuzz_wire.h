/* fuzz_wire.h - any bytes as a frame; what reads well must read the same when written again. */
#ifndef TESTS_FUZZ_FUZZ_WIRE_H
#define TESTS_FUZZ_FUZZ_WIRE_H

#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

static void fuzz_check_borrowed(struct span frame, struct span part)
{
    INVARIANT(part.len == 0 || (part.ptr >= frame.ptr && part.len <= frame.len &&
                                part.ptr + part.len <= frame.ptr + frame.len));
}

/* The rows of all fields, looked up once. */
static const struct field_row *const *fuzz_rows(void)
{
    static const struct field_row *rows[FIELD_COUNT];

    for (int field = 0; rows[FIELD_COUNT - 1] == NULL; field++)
        rows[field] = field_row((enum field)field);
    return rows;
}

/* Fields that are present are within their limits and borrow from the frame; absent ones are zero. */
static void fuzz_check_fields(struct span frame, const struct message *message)
{
    const struct field_row *const *rows = fuzz_rows();

    for (int field = 0; field < FIELD_COUNT; field++) {
        const struct field_row *row = rows[field];
        const void *member = (const char *)message + row->offset;
        bool is_there = (message->has >> field & 1) != 0;

        if (row->type == FIELD_UINT) {
            INVARIANT(*(const uint64_t *)member <= (is_there ? row->most : 0));
        } else if (row->type == FIELD_FLAG) {
            INVARIANT(is_there || !*(const bool *)member);
        } else {
            const struct span *span = member;

            INVARIANT(span->len <= (is_there ? row->most : 0));
            INVARIANT(is_there || span->ptr == NULL);
            INVARIANT(row->type != FIELD_TEXT || wire_is_utf8(*span));
            fuzz_check_borrowed(frame, *span);
        }
    }
}

static void fuzz_check_same(const struct message *a, const struct message *b)
{
    const struct field_row *const *rows = fuzz_rows();

    INVARIANT(a->verb == b->verb && a->has == b->has);
    for (int field = 0; field < FIELD_COUNT; field++) {
        const struct field_row *row = rows[field];
        const void *one = (const char *)a + row->offset;
        const void *other = (const char *)b + row->offset;

        if (row->type == FIELD_UINT)
            INVARIANT(*(const uint64_t *)one == *(const uint64_t *)other);
        else if (row->type == FIELD_FLAG)
            INVARIANT(*(const bool *)one == *(const bool *)other);
        else
            INVARIANT(span_equal(*(const struct span *)one, *(const struct span *)other));
    }
}

static void fuzz_check_again(const struct message *message, size_t len, unsigned directions)
{
    static char bytes[FRAME_BYTES_MAX];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof(bytes)};
    struct message again;

    INVARIANT(wire_write(&buf, message) == RC_OK);
    INVARIANT(buf.len <= len); /* ours is the shortest form */

    struct wire_reader reader = wire_reader_over((struct span){bytes, buf.len}, directions);

    INVARIANT(wire_read(&reader, &again) == RC_OK);
    fuzz_check_same(message, &again);
    INVARIANT(wire_read(&reader, &again) == RC_END);
}

static void fuzz_frame(struct span frame, unsigned directions)
{
    struct wire_reader reader = wire_reader_over(frame, directions);
    struct message message;
    struct span bytes;
    size_t maps = 0;
    size_t len = 0;
    enum rc rc;

    while ((rc = wire_read_raw(&reader, &message, &bytes)) != RC_END) {
        INVARIANT(maps++ <= MAPS_PER_FRAME_MAX);
        fuzz_check_fields(frame, &message);
        if (rc == RC_OK) {
            INVARIANT((verb_row(message.verb)->needed & ~message.has) == 0);
            fuzz_check_borrowed(frame, bytes);
            len += bytes.len;
            fuzz_check_again(&message, bytes.len, directions);
        } else {
            INVARIANT(rc_is_wire(rc) && (message.has & ~(HAS_REF | HAS_NUMBER)) == 0);
        }
    }
    INVARIANT(maps > 0 && len <= frame.len);
    INVARIANT(reader.at == reader.end);
}

#endif
