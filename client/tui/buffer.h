/* buffer.h - one conversation on the screen: a room, a person, or the program itself.
 *
 * Items stand in the order of their numbers; what has none (remarks, own posts that wait) stands where it came, and
 * what waits stays last. Bounded: the oldest go first. Pure: no clock, no screen. All texts are
 * cleaned on the way in, so nothing in a buffer can hurt a terminal. */
#ifndef CLIENT_TUI_BUFFER_H
#define CLIENT_TUI_BUFFER_H

#include "client/conf/settings.h"
#include "client/tui/nicks.h"
#include "shared/base/limits.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUFFER_ITEMS_MAX   5000  /* unless told otherwise */
#define BUFFER_HISTORY_MAX 20000 /* while somebody looks back */

enum item_kind {
    ITEM_MESSAGE,
    ITEM_NOTICE, /* of a program */
    ITEM_EVENT,  /* what happened: "bob set the topic: ..." */
    ITEM_FOLD,   /* joins and leaves that follow each other */
    ITEM_GAP,    /* what the broker no longer keeps */
    ITEM_REMARK, /* of this program */
};

enum item_state {
    ITEM_NONE, /* of others */
    ITEM_WAITING,
    ITEM_STORED,
    ITEM_DELIVERED,
    ITEM_FAILED, /* refused, or its fate is unknown: /retry */
};

struct item {
    uint64_t id;  /* of this buffer, ascending with time of arrival; never 0 */
    uint64_t seq; /* its place in its stream, of a fold or gap the last one; 0: none */
    uint64_t ts_ms;
    uint64_t peer_seq; /* own private message: its place in the recipient's stream */
    uint32_t number;   /* own post of this run; 0: none */
    enum item_kind kind;
    enum item_state state;
    bool is_own, is_mention;
    char *from; /* nick, "" when there is none */
    char *text; /* cleaned; lines are separated by LF */
    struct fold *fold;
    int rows, rows_width; /* the view's: how many rows it takes at this width */
};

enum buffer_kind { BUFFER_ROOM, BUFFER_PERSON, BUFFER_PROGRAM };

struct buffer {
    char name[STREAM_BYTES_MAX + 1]; /* "#lobby", "@bob"; "zchat" of the program */
    enum buffer_kind kind;
    enum settings_notify level;            /* what calls */
    char topic[2 * SUBJECT_BYTES_MAX + 1]; /* cleaned */
    bool is_member;                        /* of a room; persons and the program: true */
    uint32_t people;                       /* in the room; 0: not known */

    struct nicks members;

    struct item **ring; /* capacity is a power of two */
    size_t start, count, capacity, max;
    uint64_t next_id;

    uint32_t unread, mentions;
    uint64_t line_id;  /* the unread line stands above this item; 0: none */
    uint64_t read_seq; /* shown up to here */
    uint64_t last_active_ms;

    /* Looking back: the row at the bottom belongs to this item; 0: the end is shown. */
    uint64_t anchor_id;
    int anchor_rows; /* rows of that item below the bottom */

    struct editor *editor; /* the desk's: what is being written here */
    struct recall *recall;
};

struct buffer *buffer_new(const char *name, size_t max);
void buffer_destroy(struct buffer **self_p);

/* What an item is made of; texts are borrowed and get cleaned. */
struct item_given {
    enum item_kind kind;
    enum item_state state;
    uint64_t seq, ts_ms, peer_seq;
    uint32_t number;
    bool is_own, is_mention;
    const char *from;
    struct span text;
};
/* Put it at its place. With a seq that stands here already nothing happens: NULL. The item lives
 * until the next call that adds. */
struct item *buffer_add(struct buffer *self, const struct item_given *given);
/* Somebody came or went: folded into a neighbour when there is one. */
struct item *buffer_add_fold(struct buffer *self, uint64_t seq, uint64_t ts_ms, const char *nick,
                             bool is_join);

struct item *buffer_at(const struct buffer *self, size_t index);
/* SIZE_MAX: it is not here (any more). */
size_t buffer_index_of(const struct buffer *self, uint64_t id);
struct item *buffer_find_number(const struct buffer *self, uint32_t number);
struct item *buffer_find_seq(const struct buffer *self, uint64_t seq);
uint64_t buffer_first_seq(const struct buffer *self); /* 0: none has one */

/* An own post is stored at `seq`: the item moves to its place. If the event of it stands there
 * already, the two become one. */
void buffer_stored(struct buffer *self, struct item *item, uint64_t seq, uint64_t ts_ms);
/* A receipt: what the peer has. */
void buffer_delivered(struct buffer *self, uint64_t upto_peer_seq);
void buffer_remove(struct buffer *self, struct item *item);

/* Something new came that nobody looked at; sets the unread line when there is none. */
void buffer_note_unread(struct buffer *self, const struct item *item);
/* It is being looked at: counts go, the line stays until the buffer is left or something is said. */
void buffer_note_shown(struct buffer *self);
void buffer_clear_line(struct buffer *self);

/* Throw away what is beyond the bound, when nobody looks back. */
void buffer_trim(struct buffer *self);

#endif
