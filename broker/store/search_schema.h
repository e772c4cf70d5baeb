/* search_schema.h - the tables of DATA/search.db, and how a row's number is made.
 *
 * `found` is over `doc`: FTS5 keeps the lists of words, doc what they were made of, since forgetting a row needs it. Tags
 * say of which stream a row is (s), from whom (f), and, of private messages, with whom (w). doc.id begins with the event's
 * time, so the newest is first whatever was indexed first. */
#ifndef BROKER_STORE_SEARCH_SCHEMA_H
#define BROKER_STORE_SEARCH_SCHEMA_H

#include <stdint.h>

#define SEARCH_APPLICATION_ID 0x7a637366 /* "zcsf" */
#define SEARCH_VERSION        1

#define SEARCH_TABLES                                                    \
    "CREATE TABLE doc ("                                                 \
    " id INTEGER PRIMARY KEY,"                                           \
    " entry INTEGER NOT NULL UNIQUE,"                                    \
    " tags TEXT NOT NULL,"                                               \
    " body TEXT NOT NULL) STRICT;"                                       \
    "CREATE TABLE place ("                                               \
    " stream INTEGER PRIMARY KEY,"                                       \
    " seq INTEGER NOT NULL,"                                             \
    " ts INTEGER NOT NULL) STRICT;"                                      \
    "CREATE VIRTUAL TABLE found USING fts5(tags, body, content = 'doc'," \
    " content_rowid = 'id', columnsize = 0,"                             \
    " tokenize = 'unicode61 remove_diacritics 2');"

/* Of an event at that time: the first of 2^21 ids. */
#define SEARCH_ID_BITS 21
#define SEARCH_TS_MAX  ((UINT64_C(1) << (63 - SEARCH_ID_BITS)) - 1)

static inline uint64_t search_first_id(uint64_t ts_ms)
{
    return (ts_ms < SEARCH_TS_MAX ? ts_ms : SEARCH_TS_MAX) << SEARCH_ID_BITS;
}

#endif
