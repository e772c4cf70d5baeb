/* migrate_ends.h - what a log that is copied, or copied to, must be able to do; the files of migrate.h alone include it. */
#ifndef BROKER_STORE_MIGRATE_ENDS_H
#define BROKER_STORE_MIGRATE_ENDS_H

#include "broker/store/migrate.h"
#include "shared/base/span.h"

#include <stddef.h>

#define CELLS_MAX 10

/* A table has the same columns everywhere. */
struct migrate_table {
    const char *name;
    const char *columns;
    const char *types; /* one letter a column: a number, a text, or bytes */
    const char *order;
};

enum { TABLE_STREAM, TABLE_PLACE, TABLE_SESSION, TABLE_DEVICE, TABLE_EVENT = 9, TABLE_COUNT };
extern const struct migrate_table MIGRATE_TABLES[TABLE_COUNT];

struct cell {
    uint64_t number;
    struct span bytes; /* of a text, too */
};

typedef enum rc on_cells(void *context, const struct cell *cells);

struct migrate_end;
struct migrate_calls {
    void (*close)(struct migrate_end *self); /* what was not finished is undone */
    /* Tell all rows of a table, in its order; ended by another code than RC_OK. */
    enum rc (*each)(struct migrate_end *self, size_t table, on_cells *on_row, void *context);
    enum rc (*put)(struct migrate_end *self, size_t table, const struct cell *cells);
    enum rc (*finish)(struct migrate_end *self);
};

struct migrate_end { /* first member of each kind */
    const struct migrate_calls *calls;
};

/* A log to copy. RC_STORE: `why`. */
enum rc migrate_from_sqlite(const char *folder, char *why, struct migrate_end **ret) MUST_CHECK;
enum rc migrate_from_pg(const char *url, char *why, struct migrate_end **ret) MUST_CHECK;
/* An empty one, made when there is none. RC_EXISTS: it is not empty. */
enum rc migrate_to_sqlite(const char *folder, char *why, struct migrate_end **ret) MUST_CHECK;
enum rc migrate_to_pg(const char *url, char *why, struct migrate_end **ret) MUST_CHECK;

#endif
