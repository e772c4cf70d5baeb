/* canonical.h - the names of a message in the form in which they are compared, stored and sent
 * (protocol 4.1). */
#ifndef BROKER_CANONICAL_H
#define BROKER_CANONICAL_H

#include "shared/proto/message.h"
#include "shared/text/name.h"

/* Where the canonical names live; `skeleton` is of the stream's name, else of the nick (core.h). */
struct canonical {
    struct name nick;
    struct name from;
    struct stream_name stream;
    struct span skeleton;
};

/* Put the canonical names in place of those given; the message then borrows from *ret. RC_BAD_NAME. */
enum rc canonicalise(struct message *message, struct canonical *ret) MUST_CHECK;

#endif
