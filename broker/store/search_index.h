/* search_index.h - the index over messages: DATA/search.db, beside the log and behind it.
 *
 * One writer, this one, with its own reader on the log. How far each stream is indexed stands in the same file and
 * changes in the same transaction as the rows, so a crash at any moment neither loses nor doubles one. All of it can be made
 * anew from the log: a file that is not there, damaged or of another version is. Belongs to one thread. */
#ifndef BROKER_STORE_SEARCH_INDEX_H
#define BROKER_STORE_SEARCH_INDEX_H

#include "broker/store/store.h"

#define SEARCH_CHUNK_ROWS 1000 /* events of one transaction, so that it is short */

struct search_index;

/* Open or make `folder`/search.db (0600), and read how far it is. `log` is the index's from now on, and closed with it, also
 * when this fails. RC_STORE: `why` says what is wrong. */
#define SEARCH_WHY_BYTES 512
enum rc search_index_open(const char *folder, struct store_reader *log, struct search_index **ret,
                          char why[static SEARCH_WHY_BYTES]) MUST_CHECK;
void search_index_close(struct search_index **self_p);
/* Nothing is written when less than this is free on the disk: what is said goes first. 0 at first. */
void search_index_set_free_min(struct search_index *self, uint64_t free_bytes_min);

/* Does the index fit this log? What it has of streams that were put back to an earlier state (a restored copy), or of
 * events that the log gave up meanwhile, is forgotten. Once, before the first turn. RC_DISK_FULL, RC_STORE as below. */
enum rc search_index_check(struct search_index *self) MUST_CHECK;

/* Index a chunk of what the log has more. RC_OK: done, and there may be more; RC_END: nothing was to do. RC_DISK_FULL:
 * nothing was changed, try again later; RC_SYSTEM, likewise: the log cannot be read now. RC_STORE: it cannot go on, the file is
 * bad, see search_index_why(). */
enum rc search_index_turn(struct search_index *self) MUST_CHECK;

/* Forget the events of a stream up to `upto`, which the log has given up already; what is left of their words goes from the
 * file with the next turns. Codes as above, but RC_END. */
enum rc search_index_forget(struct search_index *self, stream_id stream, uint64_t upto) MUST_CHECK;

/* Something was purged: forget everything, so that no word is left in any file, and begin anew. Codes as above, but RC_END; after a
 * failure it must be discarded. */
enum rc search_index_renew(struct search_index *self) MUST_CHECK;

/* It is damaged: take the file away, so that searches are refused and the next start makes it anew. */
void search_index_discard(struct search_index *self);
/* Remove the file of a broker that is not to search. */
void search_index_remove(const char *folder);

const char *search_index_why(const struct search_index *self);

#endif
