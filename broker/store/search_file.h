/* search_file.h - DATA/search.db as a file: made, opened, taken away. */
#ifndef BROKER_STORE_SEARCH_FILE_H
#define BROKER_STORE_SEARCH_FILE_H

#include "broker/store/sqlite_db.h"

#include <sys/types.h>

#define SEARCH_FILE "search.db"

struct search_file {
    char *path;
    int folder;  /* descriptor */
    ino_t inode; /* another one: the file was taken away since */
};

/* Open for writing; a file that is not there, damaged, or not of this version is made anew. `db->why` must be set.
 * RC_SYSTEM, RC_STORE, RC_DISK_FULL: db->why tells; everything is closed. */
enum rc search_file_open(struct search_file *self, const char *folder, struct db *db) MUST_CHECK;
/* Open for reading what another connection has made. Codes as above. */
enum rc search_file_read(struct search_file *self, const char *folder, struct db *db) MUST_CHECK;
void search_file_close(struct search_file *self, struct db *db);

/* Empty it for good: no word of it is left in any of its files. RC_DISK_FULL, RC_STORE: db->why tells. */
enum rc search_file_empty(struct db *db) MUST_CHECK;

/* False: it was removed or replaced. */
bool search_file_is_there(const struct search_file *self);
/* Remove it with its companions. */
void search_file_remove(int folder);

#endif
