#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

#include <msgpack.h>

/* msgpack-c's writer: it says -1 when a write did not fit, and the message is given up. */
static int put(void *to, const char *data, size_t len)
{
    struct wire_buf *buf = to;

    if (len > buf->capacity - buf->len)
        return -1;
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return 0;
}

static int put_text(msgpack_packer *packer, struct span text)
{
    int failed = msgpack_pack_str(packer, text.len);

    return failed != 0 || text.len == 0 ? failed
                                        : msgpack_pack_str_body(packer, text.ptr, text.len);
}

static int put_bytes(msgpack_packer *packer, struct span bytes)
{
    int failed = msgpack_pack_bin(packer, bytes.len);

    return failed != 0 || bytes.len == 0 ? failed
                                         : msgpack_pack_bin_body(packer, bytes.ptr, bytes.len);
}

static int put_value(msgpack_packer *packer, const struct field_row *row, const void *member)
{
    switch (row->type) {
    case FIELD_UINT:
        return msgpack_pack_uint64(packer, *(const uint64_t *)member);
    case FIELD_FLAG:
        return *(const bool *)member ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
    case FIELD_TEXT:
        return put_text(packer, *(const struct span *)member);
    case FIELD_BYTES:
        return put_bytes(packer, *(const struct span *)member);
    }
    return -1;
}

static int put_message(msgpack_packer *packer, const struct verb_row *verb,
                       const struct message *message)
{
    uint64_t rest = message->has & verb->allowed;
    int failed = msgpack_pack_map(packer, 1 + (size_t)__builtin_popcountll(rest));

    failed |= put_text(packer, SPAN("v"));
    failed |= put_text(packer, span_of(verb->name));
    for (; rest != 0 && failed == 0; rest &= rest - 1) {
        const struct field_row *row = field_row((enum field)__builtin_ctzll(rest));

        failed |= put_text(packer, (struct span){row->key, row->key_len});
        failed |= put_value(packer, row, (const char *)message + row->offset);
    }
    return failed;
}

enum rc wire_write(struct wire_buf *buf, const struct message *message)
{
    const struct verb_row *verb = verb_row(message->verb);
    size_t len_before = buf->len;
    msgpack_packer packer;

    INVARIANT(verb != NULL);
    INVARIANT(buf->len <= buf->capacity);
    msgpack_packer_init(&packer, buf, put);
    if (put_message(&packer, verb, message) != 0) {
        buf->len = len_before;
        return RC_NO_SPACE;
    }
    return RC_OK;
}

enum rc wire_append(struct wire_buf *buf, struct span bytes)
{
    INVARIANT(buf->len <= buf->capacity);
    if (bytes.len == 0)
        return RC_OK;
    return put(buf, bytes.ptr, bytes.len) == 0 ? RC_OK : RC_NO_SPACE;
}

enum rc wire_write_topic(struct wire_buf *buf, struct span stream)
{
    INVARIANT(buf->len <= buf->capacity);
    INVARIANT(stream.len < TOPIC_BYTES_MAX && memchr(stream.ptr, '\0', stream.len) == NULL);
    if (stream.len + 1 > buf->capacity - buf->len)
        return RC_NO_SPACE;
    memcpy(buf->data + buf->len, stream.ptr, stream.len);
    buf->data[buf->len + stream.len] = '\0';
    buf->len += stream.len + 1;
    return RC_OK;
}
