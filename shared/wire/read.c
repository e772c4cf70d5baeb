#include "shared/wire/token.h"
#include "shared/wire/wire.h"

#include <string.h>

/* What one map has brought so far. The verb may stand behind the fields, so what is wrong with a
 * field is remembered and judged when the verb, and with it the allowed fields, is known. */
struct map_facts {
    bool has_verb;
    bool is_twice;      /* a key came twice */
    bool is_wrong_verb; /* "v" is not a string */
    uint64_t seen;      /* HAS_... of the fields that came, good or bad */
    uint64_t bad;       /* of these: wrong type, out of range, ill-formed UTF-8 */
    uint64_t too_big;
    uint64_t bad_text; /* ill-formed UTF-8 where that has a code of its own (protocol 4.2) */
};

struct wire_reader wire_reader_over(struct span frame, unsigned directions)
{
    const unsigned char *at = (const unsigned char *)frame.ptr;

    return (struct wire_reader){
        .at = at, .end = frame.len == 0 ? at : at + frame.len, .directions = directions};
}

static void on_verb(struct map_facts *facts, const struct token *value, struct message *ret)
{
    if (facts->has_verb)
        facts->is_twice = true;
    else if (value->kind != TOKEN_TEXT)
        facts->is_wrong_verb = true;
    else
        ret->verb =
            verb_from_name((struct span){(const char *)value->bytes, (size_t)value->number});
    facts->has_verb = true;
}

/* Take a text or binary value. False: it is a bad field. */
static bool take_span(struct map_facts *facts, uint64_t bit, const struct field_row *row,
                      const struct token *value, void *member)
{
    if (value->kind != (row->type == FIELD_TEXT ? TOKEN_TEXT : TOKEN_BYTES))
        return false;

    struct span span = {(const char *)value->bytes, (size_t)value->number};

    if (span.len > row->most) {
        facts->too_big |= bit;
        return true;
    }
    if (row->type == FIELD_TEXT && !wire_is_utf8(span)) {
        facts->bad_text |= bit & HAS_TEXT;
        return bit == HAS_TEXT;
    }
    *(struct span *)member = span;
    return true;
}

static void on_field(struct map_facts *facts, enum field field, const struct token *value,
                     struct message *ret)
{
    const struct field_row *row = field_row(field);
    void *member = (char *)ret + row->offset;
    uint64_t bit = UINT64_C(1) << field;
    bool is_good = false;

    if ((facts->seen & bit) != 0) {
        facts->is_twice = true; /* the first one stands, for the answer */
        return;
    }
    facts->seen |= bit;
    switch (row->type) {
    case FIELD_UINT:
        is_good = value->kind == TOKEN_UINT && value->number <= row->most;
        if (is_good)
            *(uint64_t *)member = value->number;
        break;
    case FIELD_FLAG:
        is_good = value->kind == TOKEN_FLAG;
        if (is_good)
            *(bool *)member = value->number != 0;
        break;
    case FIELD_TEXT:
    case FIELD_BYTES:
        is_good = take_span(facts, bit, row, value, member);
        break;
    }
    if (!is_good)
        facts->bad |= bit;
}

/* Read one pair. False: malformed. */
static bool read_pair(struct wire_reader *self, struct map_facts *facts, struct message *ret)
{
    struct token key;
    struct token value;
    enum field field = FIELD_COUNT;

    if (!token_read(&self->at, self->end, &key) || key.kind != TOKEN_TEXT ||
        key.number > KEY_BYTES_MAX || !token_read(&self->at, self->end, &value))
        return false;
    if (key.number == 1 && key.bytes[0] == 'v') {
        on_verb(facts, &value, ret);
    } else {
        field = field_from_key((struct span){(const char *)key.bytes, (size_t)key.number});
        if (field != FIELD_COUNT)
            on_field(facts, field, &value, ret);
    }
    return token_skip_items(&self->at, self->end, &value);
}

/* Judge a map that was read to its end. */
static enum rc judge(const struct wire_reader *self, const struct map_facts *facts,
                     const struct message *message)
{
    const struct verb_row *row = verb_row(message->verb);

    if (!facts->has_verb || facts->is_wrong_verb)
        return RC_BAD_FIELD;
    if (row == NULL || (row->directions & self->directions) == 0)
        return RC_UNKNOWN_VERB;
    if (facts->is_twice || (facts->bad & row->allowed) != 0 || (row->needed & ~facts->seen) != 0)
        return RC_BAD_FIELD;
    if ((facts->too_big & row->allowed) != 0)
        return RC_TOO_BIG;
    return (facts->bad_text & row->allowed) != 0 ? RC_BAD_TEXT : RC_OK;
}

/* Leave only the fields `keep`; the others are as if they had never come. */
static void keep_fields(struct message *self, uint64_t has, uint64_t keep)
{
    static const size_t sizes[] = {
        [FIELD_UINT] = sizeof(uint64_t),
        [FIELD_TEXT] = sizeof(struct span),
        [FIELD_BYTES] = sizeof(struct span),
        [FIELD_FLAG] = sizeof(bool),
    };

    self->has = has & keep;
    for (uint64_t drop = has & ~keep; drop != 0; drop &= drop - 1) {
        const struct field_row *row = field_row((enum field)__builtin_ctzll(drop));

        memset((char *)self + row->offset, 0, sizes[row->type]);
    }
}

static enum rc read_map(struct wire_reader *self, struct message *ret)
{
    struct map_facts facts = {0};
    struct token head;

    if (self->maps == MAPS_PER_FRAME_MAX || !token_read(&self->at, self->end, &head) ||
        head.kind != TOKEN_MAP || head.number > MAP_KEYS_MAX)
        return RC_MALFORMED;
    for (uint64_t i = 0; i < head.number; i++) {
        if (!read_pair(self, &facts, ret))
            return RC_MALFORMED;
    }

    enum rc rc = judge(self, &facts, ret);
    uint64_t good = facts.seen & ~(facts.bad | facts.too_big | facts.bad_text);

    keep_fields(ret, good, rc == RC_OK ? verb_row(ret->verb)->allowed : HAS_REF | HAS_NUMBER);
    return rc;
}

enum rc wire_read(struct wire_reader *self, struct message *ret)
{
    struct span bytes;

    return wire_read_raw(self, ret, &bytes);
}

enum rc wire_read_raw(struct wire_reader *self, struct message *ret, struct span *ret_bytes)
{
    const unsigned char *start = self->at;
    size_t len = (size_t)(self->end - self->at);
    enum rc rc;

    /* Absent fields are zero, so that a forgotten look at `has` reads nothing of a former map. */
    memset(ret, 0, sizeof(*ret));
    if (len == 0 && self->maps > 0)
        return RC_END;
    if (self->maps == 0 && len > FRAME_BYTES_MAX)
        rc = RC_TOO_BIG;
    else
        rc = read_map(self, ret);
    self->maps++;
    if (rc == RC_MALFORMED)
        memset(ret, 0, sizeof(*ret));
    if (rc == RC_MALFORMED || len > FRAME_BYTES_MAX)
        self->at = self->end;
    if (rc == RC_OK)
        *ret_bytes = (struct span){(const char *)start, (size_t)(self->at - start)};
    return rc;
}

enum rc wire_split_topic(struct span frame, struct span *ret_topic, struct span *ret_body)
{
    size_t room = frame.len < TOPIC_BYTES_MAX ? frame.len : TOPIC_BYTES_MAX;
    const char *nul = room == 0 ? NULL : memchr(frame.ptr, '\0', room);

    if (nul == NULL)
        return RC_MALFORMED;

    size_t topic_len = (size_t)(nul - frame.ptr);

    *ret_topic = (struct span){frame.ptr, topic_len};
    *ret_body = (struct span){nul + 1, frame.len - topic_len - 1};
    return RC_OK;
}
