/* history.h - what one program sent, was told and showed, for the checker (docs/guarantees.md).
 *
 * One JSON object a line, appended as it happens (`--history FILE`). Texts stand in it as hashes, so a
 * history may be handed on. The simulation feeds the same records to the same checker
 * without a file. */
#ifndef SHARED_TEXT_HISTORY_H
#define SHARED_TEXT_HISTORY_H

#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdint.h>

enum history_kind {
    HISTORY_POST = 1, /* run says `number` to `stream`, a text of `hash` */
    HISTORY_RETRY,    /* run says its post number `last` again as `number` */
    HISTORY_STORED,   /* run was told that its `number` stands at `stream` `seq` */
    HISTORY_DELIVERED,
    HISTORY_FAILED,  /* run was told that its `number` will never be stored */
    HISTORY_UNKNOWN, /* run was told that the fate of its `number` is unknown */
    HISTORY_FOLLOW,  /* run begins to follow `stream`, or once more: what is shown starts anew */
    HISTORY_SHOWN, /* run was shown `stream` `seq`: post `number` of `session`, of `hash` (0, 0, 0: no post) */
    HISTORY_GAP,    /* run was told that `stream` `seq`..`last` is no longer kept */
    HISTORY_APPEND, /* the broker appended `stream` `seq`, as above */
    /* What only a test knows, and tells the checker. */
    HISTORY_REMOVED, /* the broker was to remove `stream` `seq`..`last` */
    HISTORY_PURGED,  /* the broker was to empty what `nick` had said until `time` */
    HISTORY_RESTORED, /* the broker goes on from a copy asked for at `time`, in which `stream` ends before `seq`; what
                         stands from there up to `last` is nobody's from now on */
    HISTORY_KINDS
};

struct history_record {
    enum history_kind kind;
    struct span nick;   /* of the run; "" in the broker's */
    uint64_t run;       /* the run's session; 0 in the broker's */
    struct span stream; /* POST: the target */
    uint64_t seq;
    uint64_t last;    /* GAP, RETRY */
    uint64_t session; /* SHOWN, APPEND: the author's */
    uint64_t number;
    uint64_t hash;
    bool is_copy;  /* SHOWN, APPEND: the sender's own copy of a private message */
    uint64_t time; /* when, as a number that grows; 0: not known. Written is the clock's. */
};

/* 64 bits of the text's BLAKE2b; never 0. */
uint64_t history_hash(struct span text);

/* "post", "stored" ...; NULL for numbers out of range. */
const char *history_kind_name(enum history_kind kind);

struct history;

/* Append to that file (0600), made when it is not there. RC_SYSTEM: errno says why. */
enum rc history_open(const char *path, struct history **ret) MUST_CHECK;
void history_close(struct history **self_p);

/* One whole line in one write(2), stamped with the time. A NULL history writes nothing. A line that cannot be
 * written ends the file: later lines are dropped and history_close() says so to stderr. */
void history_write(struct history *self, const struct history_record *record);

#endif
