/* effect.h - what the core asks of the shell, which carries effects out in the order they stand. */
#ifndef BROKER_CORE_EFFECT_H
#define BROKER_CORE_EFFECT_H

#include "broker/core/op.h"
#include "shared/proto/message.h"

enum effect_kind {
    FX_REPLY = 1, /* send `message` to `peer` over ROUTER */
    FX_STORE,     /* hand `op` to the store */
    FX_PUBLISH,   /* put `wire`, an event, on PUB under `name`; sealed when `seal_key` is there */
    FX_ANNOUNCE,  /* put `message` on PUB under `name`, in clear (HEAD, probe) */
    FX_READ,      /* read `range` and answer EVENTS or GONE to `peer`, then CORE_EV_READ */
    FX_SEARCH,    /* find events and answer them and END to `peer`, then CORE_EV_READ */
    FX_REPUBLISH, /* read first..last of `stream` and put them on PUB again, see core_seal() */
    FX_FIGURES, /* tell `peer` a page of the broker's figures, from row `seq` on, then `message`, an END */
    FX_BACKUP, /* copy what is stored into the file `name` of the folder for copies; one at a time */
    FX_ADMIT,  /* `key` may open connections: it is a device of an account */
    FX_EXPEL,  /* `key` may not any more: refuse it, and cut all its connections */
};

/* Where somebody may look: these events of a stream, and no others. */
struct scope {
    stream_id stream;
    uint64_t first;
    uint64_t last;
};

/* Pointers borrow from the core or from the event; carry effects out before the next step. */
struct effect {
    enum effect_kind kind;
    peer_id peer;
    stream_id stream;
    struct span name;              /* topic: the stream's name, or "~SESSION" for a probe */
    const unsigned char *seal_key; /* STREAM_KEY_BYTES, or NULL: the stream is public */
    uint32_t epoch;
    const unsigned char *key; /* FX_ADMIT, FX_EXPEL: PUBLIC_KEY_BYTES */
    uint64_t seq;             /* FX_PUBLISH, FX_FIGURES; FX_READ: the stream's head */
    struct span wire;         /* FX_PUBLISH */
    union {
        struct message message; /* FX_REPLY, FX_FIGURES, FX_ANNOUNCE */
        struct op op;           /* FX_STORE */
        struct {
            bool has_ref; /* FX_READ: the answers carry `ref` */
            uint64_t ref;
            uint64_t first; /* 0: by since_ms */
            uint64_t last;  /* 0: to the head */
            uint64_t since_ms;
            uint64_t from_least; /* by since_ms: nothing before this place */
            uint32_t credit;     /* pages */
        } read;                  /* FX_READ, FX_REPUBLISH */
        struct {
            bool has_ref;
            uint64_t ref;
            struct span text; /* words, as people write them; perhaps empty */
            struct span from; /* nick; empty: of anybody */
            struct span
                with; /* nick: private messages with that person alone; empty: all messages */
            uint64_t since_ms;
            uint64_t until_ms; /* 0: no bound */
            uint64_t cursor;   /* 0: from the newest on */
            uint32_t count;
            const struct scope *scope; /* at least one, each stream once */
            size_t scope_count;
        } search; /* FX_SEARCH */
    };
};

#define EFFECTS_MAX 192 /* no single step has more: see LIST_PAGE_MAX, OP_APPENDED_MAX */

struct effects {
    size_t count;
    struct effect item[EFFECTS_MAX];
};

#endif
