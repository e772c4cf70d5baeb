/* store.h - the log on disk: one writer, many readers.
 *
 * A backend (SQLite, PostgreSQL, memory) carries out batches of core operations, each batch in
 * one transaction, and answers reads over committed events. This interface is
 * synchronous; broker/store/writer.h runs it on a thread of its own.
 *
 * The writer side belongs to one thread. A reader belongs to one thread too, but
 * any number of readers may be open beside the writer. */
#ifndef BROKER_STORE_STORE_H
#define BROKER_STORE_STORE_H

#include "broker/core/record.h"

struct arena;
struct batch;
struct store;
struct store_reader;

/* A page of events for FETCH (protocol 7.2). `wire` holds `count` event maps back to
 * back, first..last without a hole; it borrows from the reader until its next call. */
struct store_page {
    uint64_t first; /* 0 when the page is empty */
    uint64_t last;
    size_t count;
    uint64_t head;   /* of the stream when the page was read */
    uint64_t kept;   /* the oldest event still there; head + 1 when none is */
    uint64_t there;  /* the first one there from the asked one on: likewise */
    uint64_t before; /* when the first asked event is missing: the last one before it; 0: none */
    struct span wire;
};

struct store_range {
    stream_id stream;
    uint64_t first;    /* 0 with since_ms: find it */
    uint64_t last;     /* 0: up to the head */
    uint64_t since_ms; /* first event not older than this; 0: not asked */
    size_t events_max;
    size_t bytes_max; /* a page always holds at least one event if there is one */
};

/* Open or create. `where` is a folder for SQLite (it makes zchat.db in it, 0600), ignored by memory.
 * RC_SYSTEM, RC_STORE: *ret_why (borrowed until the next call) says what is wrong, with
 * path and expectation. `entropy` fills stream keys; NULL takes libsodium's. */
typedef void store_entropy(void *context, unsigned char *bytes, size_t len);

enum rc store_open_sqlite(const char *where, struct store **ret, const char **ret_why) MUST_CHECK;
enum rc store_open_memory(store_entropy *entropy, void *context, struct store **ret) MUST_CHECK;
void store_close(struct store **self_p);

/* Which log this is: a number that it gets once, never 0 then, and that goes along when it is copied, restored or moved. 0: it
 * has none yet, and nothing can be written now. Before store_replay(). */
enum rc store_chat(struct store *self, uint64_t *ret) MUST_CHECK;

/* Tell all records, streams before members, oldest first. */
typedef void store_on_record(void *context, const struct record *record);
enum rc store_replay(struct store *self, store_on_record *on_record, void *context) MUST_CHECK;

/* Carry out `count` operations in one durable transaction and fill results[count].
 * RC_OK: committed; every result stands. RC_STORE: the outcome is unknown; the process must
 * end (never try again). Results and what they borrow live until store_release() or
 * the next store_apply(). A full disk is not RC_STORE: each result says RC_DISK_FULL. */
enum rc store_apply(struct store *self, const struct op *ops, size_t count,
                    struct op_result *results) MUST_CHECK;
void store_release(struct store *self);

/* Operations of one owner. `results` has room for as many; they and what they borrow, which lies in `arena`, are the owner's: the
 * store keeps nothing of them. `arena` NULL: they borrow from the store, as those of store_apply(). */
struct store_part {
    const struct op *ops;
    size_t count;
    struct op_result *results;
    struct arena *arena;
};
/* store_apply() for the operations of several owners, one part after the other, in one transaction. */
enum rc store_apply_parts(struct store *self, const struct store_part *parts,
                          size_t count) MUST_CHECK;

/* A store that several brokers share has one order of their transactions (ADR 0032). What others have done, store_apply() takes
 * along: all that stands before its own, and nothing behind it. This asks for it when there is nothing to apply. RC_STORE as
 * above, and when something of it is there no more. RC_END: nobody else works in this store. */
enum rc store_follow(struct store *self) MUST_CHECK;
/* How far that is, and the last turn that was this store's own; 0: none. */
uint64_t store_heard(const struct store *self);
uint64_t store_own_turn(const struct store *self);
/* The next of what was taken along, the caller's (broker/store/writer.h); it comes before what was applied by the same call. RC_END:
 * there is none. */
enum rc store_take_turn(struct store *self, struct batch **ret) MUST_CHECK;

/* After answering: fold the log back when it has grown (PASSIVE checkpoint). RC_STORE as above. */
enum rc store_maintain(struct store *self) MUST_CHECK;

/* Told after the commit, on the writer's thread: of this stream nothing up to `upto` is there any more; `upto` 0: something
 * was purged, and nothing of it shall be left anywhere. */
typedef void store_on_removed(void *context, stream_id stream, uint64_t upto);
void store_on_removed_set(struct store *self, store_on_removed *on_removed, void *context);

/* Places of a stream that are not there any more. */
struct removed {
    stream_id stream;
    uint64_t first, last;
};

/* Remove one small chunk of what is due, in a transaction of its own. RC_OK: it did, there may be more; RC_END: nothing
 * is due. RC_STORE as above. */
enum rc store_clean(struct store *self, uint64_t now_ms, uint64_t wall_ms,
                    struct removed *ret) MUST_CHECK;

/* What is kept no longer (broker/store/clean.c): 0 is no limit. A room's own time (op.h, keep_s) outdoes all of it. Private
 * messages that were not confirmed yet go by age alone. */
struct store_keep {
    uint64_t age_ms;
    uint64_t events;     /* of one stream */
    uint64_t size_bytes; /* of the log: the oldest of all streams go first */
};

/* When the store refuses to write, before the disk does (RC_DISK_FULL; what needs no writing is still
 * answered). It writes again by itself when there is room. */
struct store_limits {
    uint64_t free_bytes_min; /* left on the file system; looked at once a second at most */
    uint64_t size_bytes_max; /* of the database file; 0: no limit */
    uint64_t ballast_bytes;  /* a file to give up when the disk is full: deleting needs room too */
    struct store_keep keep;
};
#define STORE_LIMITS_DEFAULTS                                                        \
    {                                                                                \
        .free_bytes_min = 32u << 20, .size_bytes_max = 0, .ballast_bytes = 16u << 20 \
    }
void store_set_limits(struct store *self, const struct store_limits *limits);

/* The last failure in words, for the log; borrowed until the next call. */
const char *store_why(const struct store *self);

/* A reader over committed events; with SQLite its own READONLY connection. Any thread may ask, so the reason of
 * RC_STORE is in the log (reader.not_opened) and not in store_why(); errno is EIO. */
enum rc store_reader_open(struct store *self, struct store_reader **ret) MUST_CHECK;
void store_reader_close(struct store_reader **self_p);

/* RC_OK with count 0 when there is nothing in the range. RC_STORE: cannot read. */
enum rc store_read(struct store_reader *self, const struct store_range *range,
                   struct store_page *ret) MUST_CHECK;

/* Tell where every stream with events stands: `head` is its last one. RC_STORE: cannot read. */
typedef void store_on_head(void *context, stream_id stream, uint64_t head);
enum rc store_read_heads(struct store_reader *self, store_on_head *on_head,
                         void *context) MUST_CHECK;
/* A number that changes when something was committed since the last call; cheap. RC_STORE: cannot read. */
enum rc store_read_version(struct store_reader *self, uint64_t *ret) MUST_CHECK;

/* Bytes that a server's database takes, with all there is in it. RC_END: it is no server's. RC_STORE: cannot read. */
enum rc store_read_size(struct store_reader *self, uint64_t *ret) MUST_CHECK;

#endif
