/* sqlite_bulk.h - rows in memory as a table, so that one statement writes all of them.
 *
 * A statement has its price whatever it does: locks, cursors, places bound one by one. `INSERT INTO event SELECT * FROM
 * bulk_event` pays it once a commit. The table is of that connection alone and in no file. */
#ifndef BROKER_STORE_SQLITE_BULK_H
#define BROKER_STORE_SQLITE_BULK_H

#include "broker/store/sqlite_db.h"

/* Tell one column of a row; what it borrows must stay until the statement is done. */
typedef void bulk_column(sqlite3_context *result, const void *row, int column);

struct bulk {
    bulk_column *column;
    size_t row_bytes;
    char *rows; /* `count` of them, in the order of writing */
    size_t count;
    size_t capacity;
};

void bulk_init(struct bulk *self, bulk_column *column, size_t row_bytes);
void bulk_fini(struct bulk *self);

/* Copy one more row; what it points to stays borrowed. */
void bulk_add(struct bulk *self, const void *row);

/* Make it a table of this connection; `declaration` is a CREATE TABLE with its columns. It must live as long. */
enum rc bulk_register(struct bulk *self, struct db *db, const char *name,
                      const char *declaration) MUST_CHECK;

#endif
