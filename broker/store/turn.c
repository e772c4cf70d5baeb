#include "broker/store/turn.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

/* Tags never change their meaning; what goes leaves its number unused. A tag travels as twice its number, and one more
 * when bytes follow. */
enum {
    TAG_END = 0, /* of an operation */
    TAG_KIND = 1,
    TAG_REKEYED = 60,
    TAG_APPENDED = 61,
};

enum type { U32, U64, FLAG, TEXT, KEY };

struct field {
    uint32_t tag;
    enum type type;
    size_t at;      /* of the member */
    uint32_t kinds; /* of operations, a bit each */
    uint64_t most;  /* the greatest number, the longest text */
};

#define ON(kind)         (UINT32_C(1) << (kind))
#define ALL              UINT32_MAX
#define OP(member)       offsetof(struct op, member)
#define RESULT(member)   offsetof(struct op_result, member)
#define REKEYED(member)  offsetof(struct rekeyed, member)
#define APPENDED(member) offsetof(struct appended, member)
#define KIND_LAST        OP_PURGE
#define POSTS            (ON(OP_POST) | ON(OP_VOID))
#define RC_LAST          (RC_END - 1) /* of those that travel */

_Static_assert(sizeof(enum rc) == 4 && sizeof(enum role) == 4 && sizeof(stream_id) == 4 &&
                   sizeof(session_id) == 8 && PUBLIC_KEY_BYTES == STREAM_KEY_BYTES,
               "members are read as numbers and keys of these sizes");

/* clang-format off */
static const struct field OF_OP[] = {
    {2, U32, OP(account), ALL, UINT32_MAX},
    {3, U32, OP(stream), ALL, UINT32_MAX},
    {4, U32, OP(target), ALL, UINT32_MAX},
    {5, U64, OP(session), ON(OP_HELLO) | POSTS, UINT64_MAX},
    {6, TEXT, OP(nick), ON(OP_HELLO), NAME_BYTES_MAX},
    {7, TEXT, OP(name), ON(OP_JOIN), STREAM_BYTES_MAX},
    {8, KEY, OP(key), ON(OP_HELLO) | ON(OP_KEY_BAN) | ON(OP_REVOKE), 0},
    {9, FLAG, OP(has_topic), ON(OP_ROOM), 1},
    {10, TEXT, OP(text), ON(OP_ROOM), SUBJECT_BYTES_MAX},
    {13, U64, OP(seq), ON(OP_PURGE), UINT64_MAX},
    {11, U64, OP(until_ms), ON(OP_KEY_BAN), UINT64_MAX},
    {12, U32, OP(role), ON(OP_ROLE), ROLE_OWNER},
};

static const struct field OF_RESULT[] = {
    {20, U32, RESULT(rc), POSTS, RC_LAST},
    {21, U32, RESULT(stream), ON(OP_HELLO) | ON(OP_JOIN), UINT32_MAX},
    {22, U64, RESULT(seq), ON(OP_HELLO) | ON(OP_CONFIRM) | ON(OP_PURGE), UINT64_MAX},
    {23, U64, RESULT(confirmed), ON(OP_HELLO), UINT64_MAX},
    {24, U32, RESULT(next), POSTS, UINT32_MAX},
    {25, FLAG, RESULT(is_new_room), ON(OP_JOIN), 1},
    {26, FLAG, RESULT(is_adopted), ON(OP_JOIN), 1},
    {27, U32, RESULT(epoch), ON(OP_HELLO) | ON(OP_JOIN), UINT32_MAX},
    {28, KEY, RESULT(key), ON(OP_HELLO) | ON(OP_JOIN), 0},
    {29, U32, RESULT(role), ON(OP_HELLO), ROLE_OWNER},
    {30, TEXT, RESULT(label), ON(OP_HELLO), MARK_NAME_BYTES_MAX},
    {31, U32, RESULT(modes), ON(OP_JOIN) | ON(OP_ROOM), UINT32_MAX},
    {32, U64, RESULT(open_from), ON(OP_JOIN) | ON(OP_ROOM), UINT64_MAX},
    {38, FLAG, RESULT(is_more), ON(OP_PURGE), 1},
    {33, U32, RESULT(keep_s), ON(OP_JOIN) | ON(OP_ROOM), UINT32_MAX},
    {34, U32, RESULT(standing.flags), ON(OP_JOIN) | ON(OP_LEAVE) | ON(OP_STANDING), UINT32_MAX},
    {35, U64, RESULT(standing.since), ON(OP_JOIN) | ON(OP_LEAVE) | ON(OP_STANDING), UINT64_MAX},
    {36, U64, RESULT(standing.banned_until_ms), ON(OP_JOIN) | ON(OP_LEAVE) | ON(OP_STANDING), UINT64_MAX},
    {37, U64, RESULT(standing.muted_until_ms), ON(OP_JOIN) | ON(OP_LEAVE) | ON(OP_STANDING), UINT64_MAX},
};

static const struct field OF_REKEYED[] = {
    {1, U32, REKEYED(stream), ALL, UINT32_MAX},
    {2, U32, REKEYED(epoch), ALL, UINT32_MAX},
    {3, KEY, REKEYED(key), ALL, 0},
};

static const struct field OF_APPENDED[] = {
    {1, U32, APPENDED(stream), ALL, UINT32_MAX},
    {2, U64, APPENDED(seq), ALL, UINT64_MAX},
    {3, TEXT, APPENDED(wire), ALL, FRAME_BYTES_MAX},
};
/* clang-format on */

#define FIELDS(table) (table), sizeof(table) / sizeof((table)[0])

/* --- writing ------------------------------------------------------------------------- */

#define VARINT_BYTES_MAX 10

void turn_bytes_fini(struct turn_bytes *self)
{
    if (self->data != NULL)
        explicit_bzero(self->data, self->capacity); /* keys */
    free(self->data);
    *self = (struct turn_bytes){.data = NULL};
}

static char *reserve(struct turn_bytes *self, size_t len)
{
    if (self->capacity - self->len < len) {
        self->capacity = 2 * self->capacity + len + 256;
        self->data = x_realloc(self->data, self->capacity, 1);
    }
    return self->data + self->len;
}

static void put_number(struct turn_bytes *self, uint64_t number)
{
    char *at = reserve(self, VARINT_BYTES_MAX);
    size_t len = 0;

    while (number > 0x7f) {
        at[len++] = (char)(number | 0x80);
        number >>= 7;
    }
    at[len++] = (char)number;
    self->len += len;
}

static void put_bytes(struct turn_bytes *self, uint32_t tag, struct span bytes)
{
    put_number(self, (uint64_t)tag << 1 | 1);
    put_number(self, bytes.len);
    if (bytes.len > 0)
        memcpy(reserve(self, bytes.len), bytes.ptr, bytes.len);
    self->len += bytes.len;
}

static uint64_t number_at(const void *member, enum type type)
{
    uint32_t number;
    uint64_t wide;

    if (type == FLAG)
        return *(const bool *)member;
    if (type == U32) {
        memcpy(&number, member, sizeof(number));
        return number;
    }
    memcpy(&wide, member, sizeof(wide));
    return wide;
}

static bool is_zero(const unsigned char *key)
{
    static const unsigned char none[PUBLIC_KEY_BYTES];

    return memcmp(key, none, sizeof(none)) == 0;
}

/* What is zero or empty is not told. */
static void put_field(struct turn_bytes *self, const struct field *field, const void *of)
{
    const void *member = (const char *)of + field->at;

    if (field->type == TEXT) {
        const struct span *text = member;

        if (text->len > 0)
            put_bytes(self, field->tag, *text);
    } else if (field->type == KEY) {
        if (!is_zero(member))
            put_bytes(self, field->tag, (struct span){member, PUBLIC_KEY_BYTES});
    } else if (number_at(member, field->type) != 0) {
        put_number(self, (uint64_t)field->tag << 1);
        put_number(self, number_at(member, field->type));
    }
}

static void put_fields(struct turn_bytes *self, uint32_t kind, const void *of,
                       const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((fields[i].kinds & ON(kind)) != 0)
            put_field(self, &fields[i], of);
    }
}

/* Fields within a field: their length stands before them, and is known when they are written. */
static void put_group(struct turn_bytes *self, uint32_t tag, const void *of,
                      const struct field *fields, size_t count)
{
    char len[VARINT_BYTES_MAX];
    size_t begin, end;

    put_number(self, (uint64_t)tag << 1 | 1);
    begin = self->len;
    put_fields(self, 0, of, fields, count);
    end = self->len;
    put_number(self, end - begin);
    const size_t len_bytes = self->len - end;
    memcpy(len, self->data + end, len_bytes);
    memmove(self->data + begin + len_bytes, self->data + begin, end - begin);
    memcpy(self->data + begin, len, len_bytes);
}

/* A purge when it is done; what has no ticket the store has removed by itself. */
static bool is_told(const struct op_result *result)
{
    return op_result_is_followed(result) || (result->kind == OP_PURGE && result->rc == RC_OK &&
                                             (!result->is_more || result->ticket.v == 0));
}

static void put_op(struct turn_bytes *self, const struct op *op, const struct op_result *result)
{
    struct op told = *op;

    if (!op->has_topic)
        told.text = (struct span){NULL, 0}; /* a reason, or what the event says itself */
    put_number(self, TAG_KIND << 1);
    put_number(self, op->kind);
    put_fields(self, op->kind, &told, FIELDS(OF_OP));
    put_fields(self, op->kind, result, FIELDS(OF_RESULT));
    for (size_t i = 0; i < result->rekeyed_count; i++)
        put_group(self, TAG_REKEYED, &result->rekeyed[i], FIELDS(OF_REKEYED));
    for (size_t i = 0; i < result->appended_count; i++)
        put_group(self, TAG_APPENDED, &result->appended[i], FIELDS(OF_APPENDED));
    put_number(self, TAG_END);
}

void turn_add(struct turn_bytes *self, const struct op *ops, const struct op_result *results,
              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_told(&results[i]))
            put_op(self, &ops[i], &results[i]);
    }
}

bool turn_encode(struct turn_bytes *self, const struct op *ops, const struct op_result *results,
                 size_t count)
{
    self->len = 0;
    turn_add(self, ops, results, count);
    return self->len > 0;
}

/* --- reading ------------------------------------------------------------------------- */

struct reader {
    const unsigned char *at;
    const unsigned char *end;
};

/* What a tag brings. */
struct value {
    uint32_t tag;
    bool is_bytes;
    uint64_t number;
    struct span bytes;
};

static bool get_number(struct reader *self, uint64_t *ret)
{
    uint64_t number = 0;

    for (unsigned shift = 0; shift < 64 && self->at < self->end; shift += 7) {
        const unsigned char byte = *self->at++;

        if (shift == 63 && byte > 1)
            return false;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret = number;
            return true;
        }
    }
    return false;
}

static bool get_value(struct reader *self, struct value *ret)
{
    struct value value = {.bytes = {NULL, 0}};
    uint64_t tag;

    if (!get_number(self, &tag) || tag >> 1 > UINT32_MAX)
        return false;
    value.tag = (uint32_t)(tag >> 1);
    value.is_bytes = (tag & 1) != 0;
    if (tag != TAG_END && !get_number(self, &value.number))
        return false;
    if (value.is_bytes) {
        if (value.number > (uint64_t)(self->end - self->at))
            return false;
        value.bytes = (struct span){(const char *)self->at, (size_t)value.number};
        self->at += value.number;
    }
    *ret = value;
    return true;
}

static bool set_number(const struct field *field, void *member, uint64_t number)
{
    const uint32_t narrow = (uint32_t)number;

    if (number > field->most)
        return false;
    if (field->type == FLAG)
        *(bool *)member = number != 0;
    else if (field->type == U32)
        memcpy(member, &narrow, sizeof(narrow));
    else
        memcpy(member, &number, sizeof(number));
    return true;
}

static bool set_field(const struct field *field, void *of, const struct value *value,
                      struct arena *arena)
{
    void *member = (char *)of + field->at;
    const bool wants_bytes = field->type == TEXT || field->type == KEY;

    if (value->is_bytes != wants_bytes)
        return false;
    if (field->type == KEY) {
        if (value->bytes.len != PUBLIC_KEY_BYTES)
            return false;
        memcpy(member, value->bytes.ptr, PUBLIC_KEY_BYTES);
        return true;
    }
    if (field->type != TEXT)
        return set_number(field, member, value->number);
    if (value->bytes.len > field->most)
        return false;
    *(struct span *)member = arena_copy(arena, value->bytes);
    return true;
}

/* Whether it is what it says, if it is one of these; *ret_is_known: it is. */
static bool take_field(const struct field *fields, size_t count, void *of,
                       const struct value *value, struct arena *arena, bool *ret_is_known)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].tag == value->tag) {
            *ret_is_known = true;
            return set_field(&fields[i], of, value, arena);
        }
    }
    return true;
}

static bool get_group(struct span bytes, void *of, const struct field *fields, size_t count,
                      struct arena *arena)
{
    struct reader reader = {(const unsigned char *)bytes.ptr,
                            (const unsigned char *)bytes.ptr + bytes.len};
    struct value value;
    bool is_known;

    while (reader.at < reader.end) {
        if (!get_value(&reader, &value) || !take_field(fields, count, of, &value, arena, &is_known))
            return false;
    }
    return true;
}

/* What an operation has more than one of, until its end. */
struct lists {
    size_t appended_count, rekeyed_count, rekeyed_max;
    struct appended appended[OP_APPENDED_MAX];
    struct rekeyed *rekeyed;
};

static bool get_listed(struct lists *self, const struct value *value, struct arena *arena)
{
    if (!value->is_bytes)
        return false;
    if (value->tag == TAG_APPENDED) {
        if (self->appended_count == OP_APPENDED_MAX)
            return false;
        struct appended *event = &self->appended[self->appended_count++];

        *event = (struct appended){.seq = 0};
        return get_group(value->bytes, event, FIELDS(OF_APPENDED), arena) &&
               !stream_is_none(event->stream);
    }
    if (self->rekeyed_count == self->rekeyed_max) { /* as many as somebody has private rooms */
        self->rekeyed_max = 2 * self->rekeyed_max + 8;
        self->rekeyed = x_realloc(self->rekeyed, self->rekeyed_max, sizeof(*self->rekeyed));
    }
    struct rekeyed *rekeyed = &self->rekeyed[self->rekeyed_count++];

    *rekeyed = (struct rekeyed){.epoch = 0};
    return get_group(value->bytes, rekeyed, FIELDS(OF_REKEYED), arena) &&
           !stream_is_none(rekeyed->stream);
}

static void *keep(struct arena *arena, const void *rows, size_t size_bytes)
{
    return size_bytes == 0 ? NULL : memcpy(arena_alloc(arena, size_bytes), rows, size_bytes);
}

/* The kind comes first, then fields in any order. */
static bool get_op(struct reader *reader, struct arena *arena, struct lists *lists, struct op *op,
                   struct op_result *result)
{
    struct value value;
    bool is_good = get_value(reader, &value) && value.tag == TAG_KIND && !value.is_bytes &&
                   value.number >= OP_HELLO && value.number <= KIND_LAST;

    lists->appended_count = lists->rekeyed_count = 0;
    *op = (struct op){.kind = is_good ? (enum op_kind)value.number : 0};
    *result = (struct op_result){.kind = op->kind};
    while (is_good && get_value(reader, &value)) {
        bool is_known = false;

        if (value.tag == TAG_END && !value.is_bytes) {
            result->appended_count = lists->appended_count;
            result->appended =
                keep(arena, lists->appended, lists->appended_count * sizeof(*lists->appended));
            result->rekeyed_count = lists->rekeyed_count;
            result->rekeyed =
                keep(arena, lists->rekeyed, lists->rekeyed_count * sizeof(*lists->rekeyed));
            return is_told(result);
        }
        if (value.tag == TAG_APPENDED || value.tag == TAG_REKEYED)
            is_good = get_listed(lists, &value, arena);
        else
            is_good = take_field(FIELDS(OF_OP), op, &value, arena, &is_known) &&
                      (is_known || take_field(FIELDS(OF_RESULT), result, &value, arena, &is_known));
    }
    return false;
}

enum rc turn_decode(struct span body, struct batch **ret)
{
    struct reader reader = {(const unsigned char *)body.ptr,
                            (const unsigned char *)body.ptr + body.len};
    struct lists *lists = x_alloc(1, sizeof(*lists));
    struct batch *batch = batch_new();
    bool is_good = body.len > 0;

    while (is_good && reader.at < reader.end) {
        struct op op;
        struct op_result result;

        is_good = get_op(&reader, &batch->arena, lists, &op, &result);
        if (is_good)
            batch_add_foreign(batch, &op, &result);
    }
    free(lists->rekeyed);
    free(lists);
    if (!is_good) {
        batch_destroy(&batch);
        return RC_MALFORMED;
    }
    *ret = batch;
    return RC_OK;
}
