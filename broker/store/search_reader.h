/* search_reader.h - finds messages in the index, newest first. It tells places; the texts are the log's.
 *
 * A READONLY connection of its own; belongs to one thread. Whatever the index holds, nothing outside the question's scope
 * is told. */
#ifndef BROKER_STORE_SEARCH_READER_H
#define BROKER_STORE_SEARCH_READER_H

#include "broker/core/core.h"

struct search_reader;

/* The file must have been made by search_index_open(). RC_NO_SEARCH: there is no index. */
enum rc search_reader_open(const char *folder, struct search_reader **ret) MUST_CHECK;
void search_reader_close(struct search_reader **self_p);

struct search_question {
    struct span text; /* as in FX_SEARCH */
    struct span from;
    struct span with;
    uint64_t since_ms;
    uint64_t until_ms;         /* 0: no bound */
    uint64_t before;           /* what was told last; 0: begin with the newest */
    const struct scope *scope; /* by rising stream */
    size_t scope_count;
    uint32_t time_ms; /* how long it may take in all */
};

struct search_hit {
    uint64_t id; /* where to go on: search_question.before */
    stream_id stream;
    uint64_t seq;
};

/* Begin. RC_BAD_FIELD: there is no word in it. RC_TOO_BIG: too many. RC_NO_SEARCH: there is no index any more. The
 * question must live until search_reader_done(). */
enum rc search_reader_ask(struct search_reader *self,
                          const struct search_question *question) MUST_CHECK;
/* RC_END: there is no more. RC_BUSY: the time is over. RC_NO_SEARCH: the index is damaged. */
enum rc search_reader_next(struct search_reader *self, struct search_hit *ret) MUST_CHECK;
/* The id that was looked at last, in scope or not; 0: none. */
uint64_t search_reader_seen(const struct search_reader *self);
void search_reader_done(struct search_reader *self);

/* How many events of the scope are not indexed yet. RC_NO_SEARCH. */
enum rc search_reader_missing(struct search_reader *self, const struct scope *scope,
                              size_t scope_count, uint64_t *ret) MUST_CHECK;

#endif
