/* tells.h - what happened and was not yet taken by the application, oldest first.
 *
 * A tell owns its strings. Events and rows of lists are counted against `max`; their
 * sources ask tells_room() and leave in the broker's hands what does not fit. States of posts, answers
 * and gaps are always taken: their number is bounded by what the application asked for. */
#ifndef CLIENT_LIB_TELLS_H
#define CLIENT_LIB_TELLS_H

#include "client/lib/zchat.h"
#include "shared/proto/message.h"

struct tell {
    struct tell *next;
    struct zchat_event event; /* its strings lie behind the struct */
    char bytes[];
};

/* The strings of a tell to be made; {0} gives "". */
struct tell_texts {
    struct span stream, type, message_kind, from, to, text, state, room, topic, role;
    struct span address, agent;
    struct span key; /* bytes; told as hex digits */
};

/* Copy event and texts into one tell; text_len comes from texts. Ends with tell_destroy() or in tells_push(). */
struct tell *tell_new(const struct zchat_event *event, const struct tell_texts *texts);
/* A tell of an EVENT message with its needed fields. */
struct tell *tell_of_event(const struct message *message);
void tell_destroy(struct tell **tell_p);

struct tells {
    struct tell *first, *last;
    struct tell *current;   /* taken last; its strings are in the application's hands */
    struct tell *last_link; /* newest untaken ZCHAT_LINK */
    uint32_t max;
    uint32_t counted_count; /* untaken events and rows */
    uint32_t post_count;    /* untaken states of posts */
    uint32_t link_count;
};

void tells_init(struct tells *self, uint32_t max);
void tells_fini(struct tells *self);

/* How many events or rows may still come. */
uint32_t tells_room(const struct tells *self);

/* Takes the tell. Changes of a flapping link that nobody takes are folded into the newest. */
void tells_push(struct tells *self, struct tell **tell_p);
/* Make and push in one. */
void tells_add(struct tells *self, const struct zchat_event *event, const struct tell_texts *texts);

/* The tell taken last, or NULL. */
const struct zchat_event *tells_current(const struct tells *self);
/* Let go of the current one and take the next; false when there is none. */
bool tells_take(struct tells *self, struct zchat_event *ret);

#endif
