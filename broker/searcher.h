/* searcher.h - answers SEARCH (protocol 7.8): places from the index, events from the log. */
#ifndef BROKER_SEARCHER_H
#define BROKER_SEARCHER_H

#include "broker/core/core.h"
#include "broker/store/search_reader.h"
#include "broker/store/store.h"
#include "shared/wire/wire.h"

/* An FX_SEARCH with copies of all that it borrowed; its scope is by rising stream. */
struct search_ask;

struct search_ask *search_ask_new(const struct effect *effect);
void search_ask_destroy(struct search_ask **self_p);

/* Write the whole answer: events and END, or ERROR. Takes up to SEARCH_MS, and waits a little for an index that is close
 * behind, so that what was acknowledged before the question is found. `buf` is empty, of FRAME_BYTES_MAX. */
void search_answer(const struct search_ask *ask, struct store_reader *log,
                   struct search_reader *index, struct wire_buf *buf);

#endif
