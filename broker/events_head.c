#include "broker/events_head.h"

struct message events_head_message(const struct events_head *self)
{
    struct message message = {.verb = VERB_EVENTS};

    message_set(&message, STREAM, stream, self->name);
    if (self->has_ref)
        message_set(&message, REF, ref, self->ref);
    message_set(&message, FIRST, first, self->first);
    message_set(&message, LAST, last, self->last);
    message_set(&message, SEQ, seq, self->head);
    message_set(&message, DONE, done, self->is_last);
    return message;
}
