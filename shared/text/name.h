/* name.h - what a nick or a room may be called (protocol 4.1).
 *
 * A name is 1 to NAME_CHARS_MAX Unicode letters, marks, digits, `-` and `_`, in NFKC
 * case-folded form, of one script (UAX 39, "highly restrictive"), starting with a
 * letter or digit. `#` and `@` are not part of it. ICU decides; ASCII takes a
 * short way. */
#ifndef SHARED_TEXT_NAME_H
#define SHARED_TEXT_NAME_H

#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

/* A checked name: canonical form, and the skeleton under which names that look
 * alike are equal (UTS 39 4). Both are NUL-terminated as well. */
struct name {
    char text[NAME_BYTES_MAX + 1];
    char skeleton[NAME_BYTES_MAX + 1];
    unsigned char text_len;
    unsigned char skeleton_len;
};

/* RC_BAD_NAME: not a name; *ret is untouched. Skeletons longer than the buffer
 * are hashed into it. Safe for many threads. */
enum rc name_parse(struct span given, struct name *ret) MUST_CHECK;

static inline struct span name_text(const struct name *self)
{
    return (struct span){self->text, self->text_len};
}

static inline struct span name_skeleton(const struct name *self)
{
    return (struct span){self->skeleton, self->skeleton_len};
}

/* NFKC case-folded `given`, NUL-terminated: what a name is compared in, for patterns of names, which are none themselves.
 * RC_BAD_NAME: it is not valid UTF-8. RC_NO_SPACE. */
enum rc name_fold(struct span given, char *buf, size_t capacity) MUST_CHECK;

/* A stream's name: `#room` or `@nick`. */
struct stream_name {
    char sigil; /* '#' or '@' */
    struct name name;
    char text[STREAM_BYTES_MAX + 1]; /* with the sigil, canonical, NUL-terminated */
    unsigned char text_len;
};

/* RC_BAD_NAME as above, also when the sigil is missing. */
enum rc stream_name_parse(struct span given, struct stream_name *ret) MUST_CHECK;

static inline struct span stream_name_text(const struct stream_name *self)
{
    return (struct span){self->text, self->text_len};
}

#endif
