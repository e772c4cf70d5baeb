/* event_line.h - an event as one JSON line: the same from `zchat tail --json`, in archives and exports. */
#ifndef SHARED_TEXT_EVENT_LINE_H
#define SHARED_TEXT_EVENT_LINE_H

#include "shared/base/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What is empty or 0 is left out, but the text of a message. */
struct event_line {
    struct span stream;
    bool is_gap; /* events `first` to `last` are no longer kept; nothing below counts then */
    uint64_t first, last;
    uint64_t seq;
    uint64_t ts_ms, until_ms;
    struct span type, kind, from, to, text, room;
    uint64_t session, number;
    uint64_t peer_seq, upto;
};

/* Write the line and flush it. "stream" and "seq" come first, in this order; a gap's seq is the last missing event, so
 * the seq of a line is always how far its reader has come. */
void event_line_write(FILE *out, const struct event_line *line);

#endif
