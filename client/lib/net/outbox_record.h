/* outbox_record.h - the lines of an outbox on disk.
 *
 *     zchat outbox 1 SESSION NEXT BORN SUM       the first one, once
 *     post NUMBER TIMEOUT TARGET KIND LEN SUM    and behind it LEN bytes of text and a newline
 *     done NUMBER SUM
 *
 * SUM covers the record, its place in the file and the session, so a record that somebody quotes within a text is
 * none. KIND is "-" for the usual one. */
#ifndef CLIENT_LIB_NET_OUTBOX_RECORD_H
#define CLIENT_LIB_NET_OUTBOX_RECORD_H

#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdint.h>

#define OUTBOX_LINE_MAX   320 /* a record without its text */
#define OUTBOX_RECORD_MAX (OUTBOX_LINE_MAX + TEXT_BYTES_MAX + 1)

enum outbox_record_kind { OUTBOX_HEAD, OUTBOX_POST, OUTBOX_DONE };

struct outbox_post {
    uint32_t number;
    uint32_t timeout_ms; /* 0: no deadline */
    struct span target, kind, text;
};

struct outbox_record {
    enum outbox_record_kind kind;
    size_t size;             /* as read: bytes in the file */
    uint64_t session;        /* HEAD */
    uint64_t born_ms;        /* HEAD: since 1970 */
    struct outbox_post post; /* POST; DONE: the number; HEAD: the number above all that were used */
};

/* Read the record that begins at `bytes` and stands at `offset` of its file; spans borrow from bytes.
 * RC_MALFORMED: it is not one, not whole, or damaged. */
enum rc outbox_record_read(struct span bytes, size_t offset, uint64_t session,
                           struct outbox_record *ret) MUST_CHECK;

/* Write it into buf, of OUTBOX_RECORD_MAX bytes; returns how many it took. */
size_t outbox_record_write(const struct outbox_record *record, size_t offset, uint64_t session,
                           char *buf);

#endif
