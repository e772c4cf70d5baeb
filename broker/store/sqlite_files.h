/* sqlite_files.h - the log's files: one broker at a time, for the owner's eyes only, of a known schema. */
#ifndef BROKER_STORE_SQLITE_FILES_H
#define BROKER_STORE_SQLITE_FILES_H

#include "broker/store/sqlite_db.h"

struct files {
    char *path; /* of the database */
    int folder; /* descriptors; the lock lives as long as its file is open */
    int lock;
};

/* Open the folder and lock it, create zchat.db when it is not there, and open it for writing: `db` is
 * then of the known schema and writes as DESIGN 5 says. `db->why` must be set.
 * RC_SYSTEM, RC_STORE: db->why tells why, with path and expectation; everything is closed. */
enum rc files_open(struct files *self, const char *where, struct db *db) MUST_CHECK;
void files_close(struct files *self, struct db *db);

#endif
