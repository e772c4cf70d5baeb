/* care.h - the backup or purge that runs, or was done last: there is one at a time. */
#ifndef BROKER_CORE_CARE_H
#define BROKER_CORE_CARE_H

#include "shared/base/ids.h"
#include "shared/base/limits.h"
#include "shared/proto/message.h"

#include <stdbool.h>
#include <stdint.h>

/* A client that lost the answer asks again: what was asked and how it ended is remembered until the next one. */
struct care {
    enum verb verb; /* VERB_NONE: there was none */
    bool is_running, is_done;
    session_id session;
    bool has_ref;
    uint64_t ref;
    peer_id peer; /* who is answered */
    uint32_t person;
    uint32_t stream, target; /* PURGE: the room, or the person; rows */
    uint64_t until_ms;       /* PURGE: what was said before */
    uint64_t size_bytes, events, took_ms;
    uint8_t name_len; /* BACKUP */
    char name[MARK_NAME_BYTES_MAX];
};

#endif
