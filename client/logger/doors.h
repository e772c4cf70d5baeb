/* doors.h - streams that were asked for and are not (yet) open to the logger: what is told of them, and when it asks.
 *
 * Rooms that may be read are found in the broker's listing. A room that was asked for by its name and is not there is asked
 * about, so that it can be said what is missing; and an invitation to a room that was asked for is taken up. */
#ifndef CLIENT_LOGGER_DOORS_H
#define CLIENT_LOGGER_DOORS_H

#include "client/lib/zchat.h"
#include "client/logger/patterns.h"
#include "client/logger/streams.h"
#include "shared/base/limits.h"

#define DOORS_INVITED_MAX 32

struct doors {
    const struct patterns *patterns; /* borrowed */
    const char *nick;                /* borrowed; our own */
    zchat_rc told[PATTERNS_MAX];     /* of each pattern that is a name; 0: nothing */
    bool is_asked[PATTERNS_MAX];
    uint64_t ask_at_ms;
    char invited[DOORS_INVITED_MAX][STREAM_BYTES_MAX + 1];
    size_t invited_count;
    bool has_told_private;
};

/* Says at once which streams can never be read. */
void doors_init(struct doors *self, const struct patterns *patterns, const char *nick);

/* May this row of the listing be archived? A private room takes a pattern of the user's own. */
bool doors_may_list(struct doors *self, const char *stream, bool is_private);

/* An event of the own stream. */
void doors_on_own(struct doors *self, const struct zchat_event *event);

/* The listing is complete: ask about rooms with a name that were not there, take up invitations. */
void doors_listed(struct doors *self, struct zchat *chat, const struct streams *streams,
                  uint64_t now_ms);

/* A stream without a row was refused (ZCHAT_ANSWER with ref 0) or could be read (ZCHAT_LIVE). */
void doors_answered(struct doors *self, struct zchat *chat, const struct zchat_event *event);

/* What it takes to read a stream that was refused with this code, a sentence. */
const char *doors_need(zchat_rc rc);

#endif
