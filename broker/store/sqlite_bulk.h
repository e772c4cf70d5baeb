/* sqlite_bulk.h - rows in memory as a table, so that one statement writes all of them.
 *
 * A statement has its price whatever it does: locks, cursors, places bound one by one. `INSERT INTO event SELECT * FROM
 * bulk_event` pays it once a commit. The table is of that connection alone and in no file. */
#ifndef BROKER_STORE_SQLITE_BULK_H
#define BROKER_STORE_SQLITE_BULK_H

#include "broker/store/deferred.h"
#include "broker/store/sqlite_db.h"

/* Tell one column of a row; what it borrows must stay until the statement is done. */
typedef void bulk_column(sqlite3_context *result, const void *row, int column);

struct bulk {
    bulk_column *column;
    const struct deferred_rows *deferred; /* borrowed */
    const char *declaration;              /* a CREATE TABLE with its columns */
};

/* Make it a table of this connection; it must live as long. */
enum rc bulk_register(struct bulk *self, struct db *db, const char *name) MUST_CHECK;

#endif
