/* event_json.h - an event as one JSON line, the same for `zchat tail --json` and archives. */
#ifndef CLIENT_LIB_NET_EVENT_JSON_H
#define CLIENT_LIB_NET_EVENT_JSON_H

#include "client/lib/zchat.h"

#include <stdio.h>

/* Write a ZCHAT_EVENT or a ZCHAT_GAP as one line and flush it; fields that the event does not have are
 * left out. "stream" and "seq" come first, in this order; a gap's seq is the last missing event, so
 * the seq of a line is always how far its reader has come. */
void event_json(FILE *out, const struct zchat_event *event);

#endif
