/* backend.h - what a place that keeps the log must be able to do: rows in, rows out.
 *
 * The rules of the operations stand above it (rules.h), once for all. Spans that it hands out borrow until its next call.
 *
 * Unless a comment says otherwise the functions return RC_OK; RC_END: there is no such row; RC_DISK_FULL:
 * no room, roll back; RC_STORE: failed, `why` says how, and the outcome is unknown. */
#ifndef BROKER_STORE_BACKEND_H
#define BROKER_STORE_BACKEND_H

#include "broker/store/rows.h"
#include "broker/store/sharing.h"

#include <stdbool.h>

enum stream_unique { BY_NAME, BY_SKELETON };

struct backend;
struct backend_calls {
    void (*close)(struct backend *self, bool has_failed);
    bool (*has_room)(struct backend *self); /* false: writing would fill the disk */
    void (*set_limits)(struct backend *self, const struct store_limits *limits);

    enum rc (*begin)(struct backend *self);
    enum rc (*commit)(struct backend *self);
    enum rc (*rollback)(struct backend *self);
    enum rc (*maintain)(struct backend *self);

    /* The newest stream's id; none when there is none. */
    enum rc (*last_stream)(struct backend *self, stream_id *ret);
    enum rc (*find_stream)(struct backend *self, enum stream_unique by, struct span value,
                           stream_id *ret);
    enum rc (*get_stream)(struct backend *self, stream_id id, struct stream_row *ret);
    enum rc (*add_stream)(struct backend *self, const struct stream_row *row); /* at place 0 */
    /* All but name and skeleton. */
    enum rc (*put_stream)(struct backend *self, const struct stream_row *row);
    enum rc (*get_place)(struct backend *self, stream_id stream, struct place_row *ret);
    enum rc (*put_place)(struct backend *self, const struct place_row *row);
    enum rc (*get_session)(struct backend *self, session_id id, struct session_row *ret);
    enum rc (*put_session)(struct backend *self, const struct session_row *row);
    enum rc (*add_event)(struct backend *self, const struct event_row *row);
    enum rc (*get_event)(struct backend *self, uint64_t entry, struct event_row *ret); /* no wire */
    /* The kept events from `first` to `last`, at most `max`: fewer only when there are no more. */
    enum rc (*get_senders)(struct backend *self, stream_id stream, uint64_t first, uint64_t last,
                           struct sender_row *ret, size_t max, size_t *ret_count);

    /* The first stream from `from` on; with `only_kept` among those that have a time of their own. */
    enum rc (*next_kept)(struct backend *self, stream_id from, bool only_kept,
                         struct kept_row *ret);
    /* Kept events from `first` to `last`, in order of their entries over all streams, at most `max`. */
    enum rc (*get_aged)(struct backend *self, uint64_t first, uint64_t last, struct aged_row *ret,
                        size_t max, size_t *ret_count);
    enum rc (*remove_events)(struct backend *self, uint64_t first, uint64_t last); /* entries */
    /* Another map in the place of the event's own; it is purged. */
    enum rc (*purge_event)(struct backend *self, uint64_t entry, struct span wire);
    enum rc (*used_bytes)(struct backend *self,
                          uint64_t *ret); /* what the log takes, without free pages */
    enum rc (*give_back)(
        struct backend *self); /* some free pages to the system, when there are many */
    /* What was removed leaves the files. RC_BUSY: somebody is reading, try again. Not in a transaction. */
    enum rc (*scrub)(struct backend *self);

    /* Devices are never removed. */
    enum rc (*get_device)(struct backend *self, const unsigned char *key, struct device_row *ret);
    enum rc (*add_device)(struct backend *self, const struct device_row *row);
    enum rc (*revoke_device)(struct backend *self, const unsigned char *key);
    enum rc (*revoke_devices)(struct backend *self, stream_id account); /* all of them */
    enum rc (*count_devices)(struct backend *self, stream_id account,
                             size_t *ret); /* not revoked */

    /* RC_END: nobody but this account is an owner who can come: not banned from the broker, and with a key that is not
     * revoked, unless there are no keys (--insecure). */
    enum rc (*other_owner)(struct backend *self, stream_id account, uint64_t now_ms);

    /* How an account stands with a stream; a standing of zeros has no row. */
    enum rc (*get_standing)(struct backend *self, stream_id stream, stream_id account,
                            struct standing *ret);
    enum rc (*put_standing)(struct backend *self, stream_id stream, stream_id account,
                            const struct standing *standing);
    enum rc (*has_members)(struct backend *self, stream_id room); /* RC_END: nobody is in it */
    /* The first private room behind `after` that the account is a member of. */
    enum rc (*next_private_room)(struct backend *self, stream_id account, stream_id after,
                                 stream_id *ret);
    enum rc (*get_key_ban)(struct backend *self, stream_id stream, const unsigned char *key,
                           uint64_t *ret_until_ms);
    enum rc (*put_key_ban)(struct backend *self, stream_id stream, const unsigned char *key,
                           uint64_t until_ms);                       /* 0: none */
    enum rc (*drop_standings)(struct backend *self, stream_id room); /* and its key bans */

    enum rc (*get_invitation)(struct backend *self, const unsigned char *hash,
                              struct invitation_row *ret);
    enum rc (*add_invitation)(struct backend *self, const struct invitation_row *row);
    enum rc (*drop_invitation)(struct backend *self, const unsigned char *hash);
    enum rc (*drop_invitations_of)(struct backend *self, stream_id maker);
    enum rc (*drop_invitations_over)(struct backend *self, uint64_t now_ms); /* until_ms <= now */
    enum rc (*count_invitations)(struct backend *self, stream_id maker, size_t *ret);

    enum rc (*get_mark)(struct backend *self, stream_id account, struct span name, stream_id stream,
                        uint64_t *ret_seq);
    enum rc (*put_mark)(struct backend *self, stream_id account, struct span name, stream_id stream,
                        uint64_t seq);
    enum rc (*count_marks)(struct backend *self, stream_id account, size_t *ret);

    /* Which log this is; 0: it has no number yet. */
    enum rc (*get_chat)(struct backend *self, uint64_t *ret);
    enum rc (*put_chat)(struct backend *self, uint64_t chat);

    enum rc (*replay)(struct backend *self, store_on_record *on_record, void *context);
    enum rc (*open_reader)(struct backend *self, struct store_reader **ret);
};

struct backend { /* first member of every backend */
    const struct backend_calls *calls;
    bool has_others; /* begin: somebody else has committed since: what is remembered is old */
    struct sharing sharing;
    char why[512]; /* the last failure in words */
};

/* A reader's view of the committed log between begin and end. */
struct reader_calls {
    void (*close)(struct store_reader *self);
    enum rc (*begin)(struct store_reader *self);
    enum rc (*end)(struct store_reader *self);
    /* `kept`: the oldest event there is, head + 1 when none. An unknown stream has head 0. */
    enum rc (*bounds)(struct store_reader *self, stream_id stream, uint64_t *ret_kept,
                      uint64_t *ret_head);
    /* The first places from `first` on that nobody will ever see. RC_END: there are none. */
    enum rc (*hole)(struct store_reader *self, stream_id stream, uint64_t first,
                    uint64_t *ret_first, uint64_t *ret_last);
    /* The first event from `first` to `last`, and when it was. */
    enum rc (*ts_at)(struct store_reader *self, uint64_t first, uint64_t last, uint64_t *ret_entry,
                     uint64_t *ret_ts_ms);
    /* Walk the events from `first` to `last`: seek, then next until RC_END. */
    enum rc (*seek)(struct store_reader *self, uint64_t first, uint64_t last);
    enum rc (*next)(struct store_reader *self, struct span *ret_wire);
    /* These two need no view: they take the newest state. */
    enum rc (*heads)(struct store_reader *self, store_on_head *on_head, void *context);
    enum rc (*version)(struct store_reader *self, uint64_t *ret);
    enum rc (*size)(struct store_reader *self, uint64_t *ret); /* NULL: store_read_size() */
};

struct store_reader { /* first member of every backend's reader */
    const struct reader_calls *calls;
    char *page;
    size_t page_capacity;
};

/* Make a store over an open backend, which it then owns. */
struct store *store_over(struct backend *backend, store_entropy *entropy, void *context);

#endif
