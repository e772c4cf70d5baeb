/* follow_table.h - the followed streams: found by name, lined up by what they wait for.
 *
 * A stream can be followed live and, beside it, read back (`until`): two follows. Every
 * follow stands in exactly one line. Names are the application's own choice, so a plain hash does. */
#ifndef CLIENT_LIB_FOLLOW_TABLE_H
#define CLIENT_LIB_FOLLOW_TABLE_H

#include "client/lib/context.h"
#include "client/lib/held.h"

enum follow_line {
    LINE_PROBE, /* is the subscription there? (protocol 7.1) */
    LINE_HEAD,  /* wants to ask HEAD */
    LINE_FETCH, /* wants to ask FETCH */
    LINE_ASKED, /* a question is out, or is put off after a refusal */
    LINE_IDLE,  /* has everything that is known to exist */
    LINE_COUNT
};

/* The newest key of a sealed stream that the broker gave us, and how patient we are about a newer one: sealed.h */
struct follow_key {
    bool is_known;
    uint32_t epoch;
    unsigned char bytes[STREAM_KEY_BYTES];
    uint64_t ask_at_ms; /* not before */
    uint32_t ask_ms;    /* 0: nothing was asked since the key came */
};

struct follow {
    struct follow *chain;           /* hash bucket */
    struct follow *before, *behind; /* in its line */
    enum follow_line line;

    char *name;
    struct zchat_place from;
    uint64_t until;    /* 0: live */
    bool is_located;   /* `live_at` is known */
    bool is_live_told; /* once */
    uint64_t next;     /* the seq to tell next; 0: the place is not known yet */
    uint64_t head;     /* the highest seq known to exist */
    uint64_t live_at;  /* behind this one it is live */
    struct held held;
    uint32_t probe_round; /* the first probe that covers its subscription */

    uint32_t ref; /* of the question that is out; 0: none */
    enum verb asked;
    uint64_t ask_at_ms; /* LINE_ASKED: ask (again) */
    uint32_t ask_ms;    /* grows while there are no answers */
    uint64_t page_last; /* FETCH: the last event of the last page, once its header is here; 0 */
    uint32_t reserved;  /* FETCH: tells it may bring */
    bool has_brought;   /* something new came since it was asked */

    struct follow_key key;
    uint32_t head_ref; /* of the last HEAD asked beside the questions; 0: none */
    enum rc ended_rc;  /* this person was put out of the room, and that was told; RC_OK: no */
};

struct follow_table {
    struct follow **bucket;
    uint32_t bucket_count, count, max;
    struct {
        struct follow *first, *last;
        uint32_t count;
    } line[LINE_COUNT];
    struct follow *dead; /* effects of this call may still borrow their names */
};

void follow_table_init(struct follow_table *self, uint32_t max);
void follow_table_fini(struct follow_table *self);

static inline struct span follow_stream(const struct follow *follow)
{
    return span_of(follow->name);
}

static inline bool follow_is_history(const struct follow *follow)
{
    return follow->until != 0;
}

/* Where its reading ends, as far as is known. */
static inline uint64_t follow_goal(const struct follow *follow)
{
    return follow_is_history(follow) ? follow->live_at : follow->head;
}

static inline bool follow_is_complete(const struct follow *follow)
{
    return follow->next != 0 && follow->next > follow_goal(follow);
}

/* May this stream be followed from there? RC_BAD_NAME, RC_BAD_FIELD. */
enum rc follow_check(const struct model_context *ctx, struct span stream,
                     struct zchat_place from) MUST_CHECK;

/* The last events of a stream were asked, and where they should begin there is a hole (protocol R-34). True: it begins
 * again, before the hole. */
bool follow_last_again(struct follow *follow, const struct message *gone);

/* An event is told that puts this person out of the room: nothing behind it is for us. What was over before
 * following began does not count. */
void follow_note_put_out(const struct model_context *ctx, struct follow *follow,
                         const struct zchat_event *event);

struct follow *follow_table_find(const struct follow_table *self, struct span stream,
                                 bool is_history);
/* The follow whose question has this ref, or NULL. */
struct follow *follow_table_find_asked(const struct follow_table *self, uint32_t ref);

/* The follow whose `head_ref` this is, or NULL. Looks at all of them: for refusals, which are few. */
struct follow *follow_table_find_head(const struct follow_table *self, uint32_t ref);

/* A new follow at the end of `line`. RC_BUSY: it is there already. RC_LIMIT: the table is full. */
enum rc follow_table_add(struct follow_table *self, struct span stream, bool is_history,
                         enum follow_line line, struct follow **ret) MUST_CHECK;
void follow_table_move(struct follow_table *self, struct follow *follow, enum follow_line line);

/* It is gone at once; its memory is freed by follow_table_sweep() at the model's next call. */
void follow_table_remove(struct follow_table *self, struct follow *follow);
void follow_table_sweep(struct follow_table *self);

#endif
