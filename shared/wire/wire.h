/* wire.h - messages to bytes and back (protocol 3).
 *
 * Encoding uses msgpack-c into a buffer of ours; decoding is a pull reader that
 * allocates nothing, borrows from the frame and bounds every count, since
 * msgpack-c's unpacker reserves by the peer's counts. */
#ifndef SHARED_WIRE_WIRE_H
#define SHARED_WIRE_WIRE_H

#include "shared/base/rc.h"
#include "shared/proto/message.h"
#include "shared/proto/verbs.h"

#include <stddef.h>
#include <stdint.h>

/* A buffer of fixed capacity that someone else owns. Writes that do not fit
 * leave it as it was. */
struct wire_buf {
    char *data;
    size_t len; /* bytes written */
    size_t capacity;
};

/* Append one message. Writes the fields of `message->has` that the verb allows.
 * RC_NO_SPACE: did not fit; the buffer is unchanged. */
enum rc wire_write(struct wire_buf *buf, const struct message *message) MUST_CHECK;

/* Append bytes that are messages already (a stored event). RC_NO_SPACE as above. */
enum rc wire_append(struct wire_buf *buf, struct span bytes) MUST_CHECK;

/* Append a stream's topic: its name and one NUL (protocol 3.2). RC_NO_SPACE as above. */
enum rc wire_write_topic(struct wire_buf *buf, struct span stream) MUST_CHECK;

/* Split a PUB frame: the topic without its NUL, and the messages behind it.
 * RC_MALFORMED: no NUL within TOPIC_BYTES_MAX. */
enum rc wire_split_topic(struct span frame, struct span *ret_topic,
                         struct span *ret_body) MUST_CHECK;

struct wire_reader {
    const unsigned char *at;
    const unsigned char *end;
    size_t maps;         /* read so far */
    unsigned directions; /* of enum direction: verbs sent another way are RC_UNKNOWN_VERB */
};

struct wire_reader wire_reader_over(struct span frame, unsigned directions);

/* Read the next message of the frame; its spans borrow from the frame.
 *
 * RC_END: the frame is read to its end.
 * RC_MALFORMED: these bytes are not the protocol's; the rest of the frame is lost,
 *   further calls return RC_END.
 * RC_UNKNOWN_VERB, RC_BAD_FIELD, RC_TOO_BIG, RC_BAD_TEXT (`text` is not UTF-8): this map is
 *   well-formed but refused; `ret` holds what could be read of verb, ref and number, for the
 *   answer; the next call goes on behind it.
 * An empty frame is RC_MALFORMED, one over FRAME_BYTES_MAX RC_TOO_BIG. Unknown keys, and known ones
 * that the verb does not allow, are skipped; a known key given twice is RC_BAD_FIELD; texts must be
 * valid UTF-8. Members of fields that are not in `ret->has` are zero. */
enum rc wire_read(struct wire_reader *self, struct message *ret) MUST_CHECK;

/* As wire_read(), and the span of the map's own bytes within the frame. */
enum rc wire_read_raw(struct wire_reader *self, struct message *ret,
                      struct span *ret_bytes) MUST_CHECK;

/* True when `text` is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool wire_is_utf8(struct span text);

#endif
