/* published.h - the broker's history of what it published, for the checker (--history). */
#ifndef BROKER_PUBLISHED_H
#define BROKER_PUBLISHED_H

#include "shared/base/span.h"
#include "shared/text/history.h"

/* Note one stored event as it goes to PUB. `wire` is its map. A NULL history notes nothing. */
void published_note(struct history *history, struct span wire);

#endif
