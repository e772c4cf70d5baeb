/* script.h - a fuzzer's input as a script: bytes that become steps, numbers and whole messages.
 *
 * A script that is over gives zeros for ever, so every prefix of an input is an input too. */
#ifndef TESTS_FUZZ_SCRIPT_H
#define TESTS_FUZZ_SCRIPT_H

#include "shared/proto/verbs.h"
#include "shared/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script {
    const uint8_t *at;
    size_t left;
};

struct script script_over(const uint8_t *data, size_t size);
bool script_is_over(const struct script *self);

uint8_t script_byte(struct script *self);
uint16_t script_u16(struct script *self);
/* Small as a rule, sometimes large or next to `most`; never above it. */
uint64_t script_number(struct script *self, uint64_t most);
/* The next bytes, at most `len` of them; borrowed from the input. */
struct span script_bytes(struct script *self, size_t len);

#define SCRIPT_BLOBS 4

/* What a message may hold; each list of texts ends with NULL. */
struct script_words {
    const char *const *streams;
    const char *const *nicks;       /* without a sigil */
    const char *const *others;      /* types, kinds, states ... */
    struct span blob[SCRIPT_BLOBS]; /* bytes that mean something: keys, invitations */
};

/* Make a message of a verb that goes one of these ways: all that it needs, and some of what it may have.
 * Follows the verb table, so verbs and fields of later versions are made as well. False: the script's byte
 * names no such verb. Spans borrow from the input, the words, or static
 * memory. */
bool script_message(struct script *self, unsigned directions, const struct script_words *words,
                    struct message *ret);

/* The message as bytes in a block of its own, for free(): a read beyond it, or after it, is seen. */
struct span script_wire(const struct message *message);
/* The same of any bytes. */
struct span script_block(struct span bytes);

#endif
