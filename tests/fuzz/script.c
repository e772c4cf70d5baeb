#include "tests/fuzz/script.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdlib.h>

struct script script_over(const uint8_t *data, size_t size)
{
    return (struct script){data, size};
}

bool script_is_over(const struct script *self)
{
    return self->left == 0;
}

uint8_t script_byte(struct script *self)
{
    if (self->left == 0)
        return 0;
    self->left--;
    return *self->at++;
}

uint16_t script_u16(struct script *self)
{
    const uint16_t low = script_byte(self);

    return (uint16_t)(low | script_byte(self) << 8);
}

static uint64_t read_uint(struct script *self, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)script_byte(self) << 8 * i;
    return value;
}

uint64_t script_number(struct script *self, uint64_t most)
{
    const uint8_t byte = script_byte(self);
    uint64_t value = byte;

    switch (byte) {
    case 249:
        value = most > 0 ? most - 1 : 0;
        break;
    case 250:
        value = most;
        break;
    case 251:
        value = most / 2;
        break;
    case 252:
        value = UINT32_MAX;
        break;
    case 253:
        value = read_uint(self, 2);
        break;
    case 254:
        value = read_uint(self, 4);
        break;
    case 255:
        value = read_uint(self, 8);
        break;
    default:
        break;
    }
    return value < most ? value : most;
}

struct span script_bytes(struct script *self, size_t len)
{
    const struct span bytes = {(const char *)self->at, len < self->left ? len : self->left};

    self->at += bytes.len;
    self->left -= bytes.len;
    return bytes;
}

static struct span word_of(struct script *self, const char *const *words, size_t most)
{
    const uint8_t byte = script_byte(self);
    struct span word;
    size_t count = 0;

    while (words[count] != NULL)
        count++;
    if (byte < 240) {
        word = span_of(words[byte % count]);
    } else { /* of its own, behind its length */
        word = script_bytes(self, script_byte(self));
        if (!wire_is_utf8(word))
            word = span_of(words[0]);
    }
    return word.len <= most ? word : SPAN("");
}

static struct span text_of(struct script *self, enum field field, const struct script_words *words)
{
    const struct field_row *row = field_row(field);

    switch (field) {
    case FIELD_STREAM_:
    case FIELD_ROOM_:
        return word_of(self, words->streams, row->most);
    case FIELD_NICK_:
    case FIELD_FROM_:
    case FIELD_TO_:
        return word_of(self, words->nicks, row->most);
    default:
        return word_of(self, words->others, row->most);
    }
}

/* One that means something, or the same byte again and again, which the keys of a test are made of. */
static struct span blob_of(struct script *self, const struct script_words *words, size_t most)
{
    static char same[4][64];
    const uint8_t len = script_byte(self);
    const uint8_t which = script_byte(self) % (4 + SCRIPT_BLOBS);

    if (which >= 4) {
        const struct span blob = words->blob[which - 4];

        return blob.len <= most ? blob : SPAN("");
    }
    memset(same[which], 1 + which, sizeof same[which]);
    if (len == 0)
        return (struct span){same[which], most < 32 ? most : 32};
    return (struct span){same[which], len % 65 < most ? len % 65 : most};
}

static void set_field(struct script *self, const struct script_words *words, enum field field,
                      struct message *message)
{
    const struct field_row *row = field_row(field);
    void *member = (char *)message + row->offset;

    message->has |= UINT64_C(1) << field;
    switch (row->type) {
    case FIELD_UINT:
        *(uint64_t *)member = script_number(self, row->most);
        break;
    case FIELD_FLAG:
        *(bool *)member = script_byte(self) & 1;
        break;
    case FIELD_TEXT:
        *(struct span *)member = text_of(self, field, words);
        break;
    case FIELD_BYTES:
        *(struct span *)member = blob_of(self, words, row->most);
        break;
    }
}

bool script_message(struct script *self, unsigned directions, const struct script_words *words,
                    struct message *ret)
{
    const enum verb verb = script_byte(self) % VERB_COUNT;
    const struct verb_row *row = verb_row(verb);
    unsigned choice = 0;
    size_t choices = 0;

    if (row == NULL || (row->directions & directions) == 0)
        return false;
    *ret = (struct message){.verb = verb};
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        if ((row->allowed >> field & 1) == 0)
            continue;
        if ((row->needed >> field & 1) == 0) {
            if (choices++ % 8 == 0)
                choice = script_byte(self);
            if ((choice >> (choices - 1) % 8 & 1) == 0)
                continue;
        }
        set_field(self, words, (enum field)field, ret);
    }
    return true;
}

struct span script_block(struct span bytes)
{
    char *block = x_alloc(bytes.len + (bytes.len == 0), 1);

    if (bytes.len > 0)
        memcpy(block, bytes.ptr, bytes.len);
    return (struct span){block, bytes.len};
}

struct span script_wire(const struct message *message)
{
    static char bytes[FRAME_BYTES_MAX];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};
    const enum rc rc = wire_write(&buf, message);

    INVARIANT(rc == RC_OK);
    return script_block((struct span){bytes, buf.len});
}
