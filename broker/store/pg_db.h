/* pg_db.h - one connection to PostgreSQL, and its failures as our codes.
 *
 * Prepared statements only, in the pipeline: what needs no answer is queued and goes out with the next question, so a
 * transaction's writes cost one round trip. Numbers and bytes travel in binary. Every wait has an end.
 *
 * RC_DISK_FULL: the server has no room, and said so before anything was committed. RC_STORE: anything else. */
#ifndef BROKER_STORE_PG_DB_H
#define BROKER_STORE_PG_DB_H

#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PG_ARGS_MAX   10
#define PG_QUEUED_MAX 256 /* statements that wait for their answers */

/* After the longest time that the server may take for a statement (pg_link.c): then nobody knows what it did. */
#define PG_ANSWER_MS_MAX 60000

struct pg_db {
    PGconn *conn;
    const char *const *sql; /* of the prepared statements; borrowed */
    PGresult *result;       /* of the last question; its rows can be read until the next call */
    unsigned queued;
    uint8_t queue[PG_QUEUED_MAX]; /* which statements, for words about a failure */
    bool has_warned; /* the server had a warning, which stands in `why`, since this was set false */
    char *why;       /* borrowed: where the last failure is told */
    size_t why_size;
};

/* What a statement gets; bytes are borrowed until it is queued. Begin with `struct pg_args args = {.count = 0};`. */
struct pg_args {
    int count;
    const char *value[PG_ARGS_MAX];
    int len[PG_ARGS_MAX];
    uint64_t number[PG_ARGS_MAX]; /* as they travel */
};

void pg_arg_numbers(struct pg_args *self, const uint64_t *numbers, size_t count);
void pg_arg_bytes(struct pg_args *self, const void *bytes, size_t len);
#define PG_NUMBERS(args, ...)                               \
    pg_arg_numbers((args), (const uint64_t[]){__VA_ARGS__}, \
                   sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Take over an open connection: from here on warnings are noted, and nothing blocks beyond PG_ANSWER_MS_MAX. */
void pg_begin(struct pg_db *self, PGconn *conn);
void pg_close(struct pg_db *self);

/* Statements by their text, before pg_prepare(); the rows of the last one, as text, are in `result`. */
enum rc pg_execute(struct pg_db *self, const char *sql) MUST_CHECK;

/* Prepare the statements, at most 255, which from here on are called by their numbers. `sql` is borrowed. */
enum rc pg_prepare(struct pg_db *self, const char *const *sql, size_t count) MUST_CHECK;

/* It is carried out in its turn; a failure comes with the next question. */
enum rc pg_queue(struct pg_db *self, unsigned statement, const struct pg_args *args) MUST_CHECK;
/* Wait for the answers to all that is queued; the rows of the last statement are in `result`. */
enum rc pg_settle(struct pg_db *self) MUST_CHECK;
/* The same of a transaction's end. The server may say COMMIT though it has given up waiting for its standby, and only warn of
 * it: what is acknowledged then is what one power cut can lose. So any warning is RC_STORE: the outcome is not the one that was
 * asked for. */
enum rc pg_commit_queued(struct pg_db *self, unsigned commit) MUST_CHECK;
/* Both. RC_END: it has no row. */
enum rc pg_ask(struct pg_db *self, unsigned statement, const struct pg_args *args) MUST_CHECK;

/* Row after row, for answers of any length; `on_row` gets each as the only one in `result`, and ends it by another code
 * than RC_OK. */
typedef enum rc pg_on_row(void *context);
enum rc pg_each(struct pg_db *self, unsigned statement, const struct pg_args *args,
                pg_on_row *on_row, void *context) MUST_CHECK;

size_t pg_rows(const struct pg_db *self);
/* Columns of a row in `result`; spans live as long. */
uint64_t pg_number(const struct pg_db *self, size_t row, int column);
struct span pg_bytes(const struct pg_db *self, size_t row, int column);
/* RC_STORE: it has another length. */
enum rc pg_key(struct pg_db *self, size_t row, int column, void *ret, size_t len) MUST_CHECK;
/* A text of `least` to `most` bytes. RC_STORE: it has another length. */
enum rc pg_text(struct pg_db *self, size_t row, int column, size_t least, size_t most,
                struct span *ret) MUST_CHECK;

/* What the server or libpq says, in one line without a full stop. */
void pg_one_line(const char *said, char *line, size_t size);

#endif
