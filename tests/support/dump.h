/* dump.h - one text of all rows of all tables of a SQLite database. Include after check.h. */
#ifndef TESTS_SUPPORT_DUMP_H
#define TESTS_SUPPORT_DUMP_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_UNUSED __attribute__((unused))

/* The caller frees it. `has_device_times`: with when devices came. */
static DUMP_UNUSED char *dump_log(sqlite3 *handle, bool has_device_times)
{
    char *text = strdup("");
    sqlite3_stmt *tables;

    assert_int_equal(
        sqlite3_prepare_v2(
            handle,
            "SELECT name, (SELECT group_concat(CASE WHEN m.name = 'device' AND c.name = 'ts' AND "
            "NOT ?1 THEN '0' ELSE"
            " 'quote(\"' || c.name || '\")' END, ' || '','' || ') FROM pragma_table_info(m.name) c)"
            " FROM sqlite_schema m WHERE type = 'table' ORDER BY name",
            -1, &tables, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_bind_int(tables, 1, has_device_times), SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        char *sql = sqlite3_mprintf("SELECT coalesce(group_concat(row, char(10)), '') FROM (SELECT "
                                    "%s AS row FROM \"%w\" ORDER BY 1)",
                                    sqlite3_column_text(tables, 1), sqlite3_column_text(tables, 0));
        sqlite3_stmt *rows;
        char *more;

        assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &rows, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
        assert_true(asprintf(&more, "%s%s:\n%s\n", text, sqlite3_column_text(tables, 0),
                             sqlite3_column_text(rows, 0)) > 0);
        sqlite3_finalize(rows);
        sqlite3_free(sql);
        free(text);
        text = more;
    }
    sqlite3_finalize(tables);
    return text;
}

#endif
