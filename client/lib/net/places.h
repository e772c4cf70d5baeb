/* places.h - how far each stream was shown to one nick at one broker: STATE/places/NICK@BROKER, a line each.
 *
 * Several clients of one nick may share the file: what is saved is the farther place of both. A lost place costs
 * a second look at some lines, so trouble with the file is not told. */
#ifndef CLIENT_LIB_NET_PLACES_H
#define CLIENT_LIB_NET_PLACES_H

#include "client/lib/net/home.h"

#define PLACES_EVERY_MS 1000 /* at most one write in this time */

struct places;

/* `id` names the file: outbox_folder_id(). */
struct places *places_open(const struct home *home, const char *id);
/* Saves first. */
void places_close(struct places **self_p);

/* 0: none is known. */
uint64_t places_get(const struct places *self, struct span stream);
/* A place before the known one stands even if the file knows a farther one; 0 forgets. */
void places_set(struct places *self, struct span stream, uint64_t seq);

/* Write when something is new and the last write is long enough ago. */
void places_tick(struct places *self, uint64_t now_ms);
uint64_t places_deadline_ms(const struct places *self); /* UINT64_MAX: nothing is new */

#endif
