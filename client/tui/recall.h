/* recall.h - what was written before, bounded; for Up, Down and C-r.
 *
 * Entries have ids that ascend and stay. A text that is there already moves to the newest place. One for each buffer keeps
 * a private message from being sent to a room by one key too many; one for all is possible. */
#ifndef CLIENT_TUI_RECALL_H
#define CLIENT_TUI_RECALL_H

#include "shared/base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define RECALL_ENTRIES_MAX 500
#define RECALL_BYTES_MAX   1048576
#define RECALL_NEWEST      UINT64_MAX /* behind all entries */

struct recall;

struct recall *recall_new(void);
void recall_destroy(struct recall **self_p);

/* Empty text is no entry. The oldest go when there are too many, or too many bytes. Returns its id, or 0. */
uint64_t recall_add(struct recall *self, struct span text);

/* The entry next to `id`, older or newer; false: there is none. *ret_text is good until recall_add(). */
bool recall_older(const struct recall *self, uint64_t id, uint64_t *ret_id, struct span *ret_text);
bool recall_newer(const struct recall *self, uint64_t id, uint64_t *ret_id, struct span *ret_text);

/* The newest entry older than `id` that holds `part` as it stands. */
bool recall_find(const struct recall *self, uint64_t id, struct span part, uint64_t *ret_id,
                 struct span *ret_text);

#endif
