#include "broker/store/sqlite_bulk.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

#define ROWS_ESTIMATED 64

/* What SQLite asks a module for: a table, and cursors over it. */
struct bulk_table {
    sqlite3_vtab base;
    const struct bulk *bulk;
};

struct bulk_cursor {
    sqlite3_vtab_cursor base;
    size_t at;
};

static const struct bulk *bulk_of(const sqlite3_vtab_cursor *cursor)
{
    return ((const struct bulk_table *)cursor->pVtab)->bulk;
}

static int bulk_connect(sqlite3 *handle, void *context, int argc, const char *const *argv,
                        sqlite3_vtab **ret, char **ret_why)
{
    const struct bulk *bulk = context;
    const int code = sqlite3_declare_vtab(handle, bulk->declaration);
    struct bulk_table *table;

    (void)argc;
    (void)argv;
    (void)ret_why;
    if (code != SQLITE_OK)
        return code;
    table = x_alloc(1, sizeof(*table));
    table->bulk = bulk;
    *ret = &table->base;
    return SQLITE_OK;
}

static int bulk_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

static int bulk_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedCost = ROWS_ESTIMATED;
    info->estimatedRows = ROWS_ESTIMATED;
    return SQLITE_OK;
}

static int bulk_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret)
{
    struct bulk_cursor *cursor = x_alloc(1, sizeof(*cursor));

    (void)table;
    *ret = &cursor->base;
    return SQLITE_OK;
}

static int bulk_close(sqlite3_vtab_cursor *cursor)
{
    free(cursor);
    return SQLITE_OK;
}

static int bulk_filter(sqlite3_vtab_cursor *cursor, int index, const char *name, int argc,
                       sqlite3_value **argv)
{
    (void)index;
    (void)name;
    (void)argc;
    (void)argv;
    ((struct bulk_cursor *)cursor)->at = 0;
    return SQLITE_OK;
}

static int bulk_next(sqlite3_vtab_cursor *cursor)
{
    ((struct bulk_cursor *)cursor)->at++;
    return SQLITE_OK;
}

static int bulk_eof(sqlite3_vtab_cursor *cursor)
{
    return ((struct bulk_cursor *)cursor)->at >= bulk_of(cursor)->deferred->count;
}

static int bulk_tell(sqlite3_vtab_cursor *cursor, sqlite3_context *result, int column)
{
    const struct bulk *bulk = bulk_of(cursor);

    bulk->column(result,
                 bulk->deferred->rows +
                     ((struct bulk_cursor *)cursor)->at * bulk->deferred->row_bytes,
                 column);
    return SQLITE_OK;
}

static int bulk_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)((struct bulk_cursor *)cursor)->at;
    return SQLITE_OK;
}

enum rc bulk_register(struct bulk *self, struct db *db, const char *name)
{
    /* Without xCreate there is no CREATE VIRTUAL TABLE: it is there under its own name, and never in the schema. */
    static const sqlite3_module module = {
        .xConnect = bulk_connect,
        .xBestIndex = bulk_best_index,
        .xDisconnect = bulk_disconnect,
        .xOpen = bulk_open,
        .xClose = bulk_close,
        .xFilter = bulk_filter,
        .xNext = bulk_next,
        .xEof = bulk_eof,
        .xColumn = bulk_tell,
        .xRowid = bulk_rowid,
    };

    if (sqlite3_create_module_v2(db->handle, name, &module, self, NULL) != SQLITE_OK)
        return db_failed(db, name);
    return RC_OK;
}
