/* verbs.h - the grammar as a table: who may send a verb, and with which fields
 * (protocol 5 to 9). The codec checks messages against it; documents and tests read it. */
#ifndef SHARED_PROTO_VERBS_H
#define SHARED_PROTO_VERBS_H

#include "shared/base/rc.h"
#include "shared/proto/message.h"

enum direction {
    TO_BROKER = 1,   /* DEALER to ROUTER */
    TO_CLIENT = 2,   /* ROUTER to DEALER */
    TO_EVERYBODY = 4 /* PUB */
};

struct verb_row {
    const char *name;
    unsigned directions; /* of enum direction */
    uint64_t needed;     /* HAS_... that must be there */
    uint64_t allowed;    /* HAS_... that are read; others are skipped */
};

/* The row of a verb; VERB_NONE and numbers out of range give NULL. */
const struct verb_row *verb_row(enum verb verb);

/* The verb of that name, or VERB_NONE. */
enum verb verb_from_name(struct span name);

struct field_row {
    const char *key;
    size_t key_len;
    enum field_type type;
    uint64_t most; /* largest value, or bytes */
    size_t offset; /* of the member in struct message */
};

const struct field_row *field_row(enum field field);

/* The field of that key, or FIELD_COUNT when this version does not know it. */
enum field field_from_key(struct span key);

#endif
