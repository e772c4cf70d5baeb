#include "broker/store/pg_db.h"

#include "shared/base/clock.h"
#include "shared/base/invariant.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#define STATE_DISK_FULL "53100"
#define STATE_READ_ONLY "25006"
#define NAME_BYTES      8 /* of a statement: its number */

/* Which statement an answer belongs to, in words. */
#define BY_TEXT UINT8_MAX

void pg_arg_numbers(struct pg_args *self, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int at = self->count++;

        INVARIANT(at < PG_ARGS_MAX);
        self->number[at] = htobe64(numbers[i]);
        self->value[at] = (const char *)&self->number[at];
        self->len[at] = (int)sizeof(self->number[at]);
    }
}

void pg_arg_bytes(struct pg_args *self, const void *bytes, size_t len)
{
    const int at = self->count++;

    INVARIANT(at < PG_ARGS_MAX && len <= INT32_MAX);
    self->value[at] = len == 0 ? "" : bytes; /* NULL would be the value of that name */
    self->len[at] = (int)len;
}

/* --- failures ------------------------------------------------------------------------ */

void pg_one_line(const char *said, char *line, size_t size)
{
    size_t len = 0;

    for (const char *at = said; *at != '\0' && len + 1 < size; at++) {
        const bool is_gap = *at == '\n' || *at == '\t' || *at == ' ';

        if (!is_gap)
            line[len++] = *at;
        else if (len > 0 && line[len - 1] != ' ')
            line[len++] = ' ';
    }
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '.'))
        len--;
    line[len] = '\0';
}

static const char *sql_of(const struct pg_db *self, uint8_t statement)
{
    return statement == BY_TEXT ? "its set-up" : self->sql[statement];
}

/* The connection failed under us: what was on its way may be done or not. */
static enum rc lost(struct pg_db *self, const char *reason)
{
    char line[320];

    pg_one_line(reason, line, sizeof(line));
    snprintf(self->why, self->why_size, "the database: %s", line);
    return RC_STORE;
}

static enum rc refused(struct pg_db *self, const PGresult *result, uint8_t statement)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char line[256];

    if (state == NULL || primary == NULL)
        return lost(self, PQerrorMessage(self->conn));
    pg_one_line(primary, line, sizeof(line));
    snprintf(self->why, self->why_size, "the database: %s (SQLSTATE %s)%s in: %.120s", line, state,
             strcmp(state, STATE_READ_ONLY) == 0 ? "; the store needs a server that can be written"
                                                 : "",
             sql_of(self, statement));
    return strcmp(state, STATE_DISK_FULL) == 0 ? RC_DISK_FULL : RC_STORE;
}

static void on_notice(void *context, const PGresult *result)
{
    struct pg_db *self = context;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (severity == NULL || strcmp(severity, "WARNING") != 0)
        return;
    self->has_warned = true;
    snprintf(self->why, self->why_size, "the database warns: %.300s",
             primary == NULL ? "" : primary);
}

/* --- waiting ------------------------------------------------------------------------- */

/* Send what is to be sent and read what is there, until an answer can be taken without waiting. */
static enum rc wait_for_answer(struct pg_db *self, uint64_t until_ms)
{
    for (;;) {
        const int is_left = PQflush(self->conn);

        if (is_left < 0)
            return lost(self, PQerrorMessage(self->conn));
        if (is_left == 0 && !PQisBusy(self->conn))
            return RC_OK;

        const uint64_t now_ms = clock_mono_ms();
        struct pollfd item = {.fd = PQsocket(self->conn),
                              .events = (short)(POLLIN | (is_left ? POLLOUT : 0))};
        const int ready = now_ms >= until_ms ? 0 : poll(&item, 1, (int)(until_ms - now_ms));

        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return lost(self, "no answer in time; nobody knows what it has done");
        if ((item.revents & ~POLLOUT) != 0 && !PQconsumeInput(self->conn))
            return lost(self, PQerrorMessage(self->conn));
    }
}

static void forget_result(struct pg_db *self)
{
    PQclear(self->result);
    self->result = NULL;
}

void pg_begin(struct pg_db *self, PGconn *conn)
{
    self->conn = conn;
    (void)PQsetNoticeReceiver(conn, on_notice, self);
    (void)PQsetnonblocking(conn, 1);
}

void pg_close(struct pg_db *self)
{
    forget_result(self);
    PQfinish(self->conn);
    self->conn = NULL;
}

enum rc pg_execute(struct pg_db *self, const char *sql)
{
    const uint64_t until_ms = clock_mono_ms() + PG_ANSWER_MS_MAX;
    enum rc rc = RC_OK;
    PGresult *result;

    forget_result(self);
    if (!PQsendQuery(self->conn, sql))
        return lost(self, PQerrorMessage(self->conn));
    for (;;) {
        const enum rc waited = wait_for_answer(self, until_ms);

        if (waited != RC_OK)
            return waited;
        result = PQgetResult(self->conn);
        if (result == NULL)
            return rc;
        forget_result(self);
        if (PQresultStatus(result) != PGRES_TUPLES_OK &&
            PQresultStatus(result) != PGRES_COMMAND_OK && rc == RC_OK)
            rc = refused(self, result, BY_TEXT);
        self->result = result;
    }
}

/* --- the pipeline -------------------------------------------------------------------- */

/* Take the answers up to the mark that pg_settle() set. The first failure counts: what came behind it was passed over. */
static enum rc take_answers(struct pg_db *self)
{
    const uint64_t until_ms = clock_mono_ms() + PG_ANSWER_MS_MAX;
    unsigned at = 0, nothing = 0;
    enum rc rc = RC_OK;

    for (;;) {
        const enum rc waited = wait_for_answer(self, until_ms);
        PGresult *result = waited == RC_OK ? PQgetResult(self->conn) : NULL;

        if (waited != RC_OK)
            return waited;
        if (result == NULL) { /* the end of one statement's answer; two of them: of all */
            if (++nothing > 1)
                return rc == RC_OK ? lost(self, PQerrorMessage(self->conn)) : rc;
            at++;
            continue;
        }
        nothing = 0;
        switch (PQresultStatus(result)) {
        case PGRES_PIPELINE_SYNC:
            PQclear(result);
            return rc;
        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
            forget_result(self);
            self->result = result;
            continue;
        case PGRES_PIPELINE_ABORTED:
            break;
        default:
            if (rc == RC_OK)
                rc = refused(self, result, at < self->queued ? self->queue[at] : BY_TEXT);
        }
        PQclear(result);
    }
}

enum rc pg_settle(struct pg_db *self)
{
    enum rc rc;

    forget_result(self);
    if (!PQpipelineSync(self->conn))
        return lost(self, PQerrorMessage(self->conn));
    rc = take_answers(self);
    self->queued = 0;
    return rc;
}

enum rc pg_queue(struct pg_db *self, unsigned statement, const struct pg_args *args)
{
    static const int binary[PG_ARGS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const struct pg_args none = {.count = 0};
    const struct pg_args *given = args == NULL ? &none : args;
    char name[NAME_BYTES];

    if (self->queued == PG_QUEUED_MAX) {
        const enum rc rc = pg_settle(self);

        if (rc != RC_OK)
            return rc;
    }
    snprintf(name, sizeof(name), "%u", statement);
    if (!PQsendQueryPrepared(self->conn, name, given->count, given->value, given->len, binary, 1))
        return lost(self, PQerrorMessage(self->conn));
    self->queue[self->queued++] = (uint8_t)statement;
    return RC_OK;
}

enum rc pg_commit_queued(struct pg_db *self, unsigned commit)
{
    enum rc rc = pg_queue(self, commit, NULL);

    self->has_warned = false;
    if (rc == RC_OK)
        rc = pg_settle(self);
    return rc == RC_OK && self->has_warned ? RC_STORE : rc;
}

enum rc pg_ask(struct pg_db *self, unsigned statement, const struct pg_args *args)
{
    enum rc rc = pg_queue(self, statement, args);

    if (rc == RC_OK)
        rc = pg_settle(self);
    return rc == RC_OK && pg_rows(self) == 0 ? RC_END : rc;
}

enum rc pg_each(struct pg_db *self, unsigned statement, const struct pg_args *args,
                pg_on_row *on_row, void *context)
{
    enum rc rc = pg_settle(self), told = RC_OK;

    if (rc == RC_OK)
        rc = pg_queue(self, statement, args);
    if (rc != RC_OK)
        return rc;
    if (!PQpipelineSync(self->conn) || !PQsetSingleRowMode(self->conn))
        return lost(self, PQerrorMessage(self->conn));
    for (;;) {
        PGresult *result;

        rc = wait_for_answer(self, clock_mono_ms() + PG_ANSWER_MS_MAX);
        if (rc != RC_OK)
            return rc;
        result = PQgetResult(self->conn);
        if (PQresultStatus(result) != PGRES_SINGLE_TUPLE) {
            if (PQresultStatus(result) != PGRES_TUPLES_OK)
                rc = refused(self, result, (uint8_t)statement);
            PQclear(result);
            break;
        }
        forget_result(self);
        self->result = result;
        if (told == RC_OK)
            told = on_row(context);
    }
    const enum rc ended = take_answers(self);

    self->queued = 0;
    if (rc != RC_OK || ended != RC_OK)
        return rc == RC_OK ? ended : rc;
    return told;
}

enum rc pg_prepare(struct pg_db *self, const char *const *sql, size_t count)
{
    enum rc rc = RC_OK;

    INVARIANT(count < BY_TEXT);
    self->sql = sql;
    if (!PQenterPipelineMode(self->conn))
        return lost(self, PQerrorMessage(self->conn));
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        char name[NAME_BYTES];

        snprintf(name, sizeof(name), "%zu", i);
        if (!PQsendPrepare(self->conn, name, sql[i], 0, NULL))
            return lost(self, PQerrorMessage(self->conn));
        self->queue[self->queued++] = (uint8_t)i;
    }
    return pg_settle(self);
}

/* --- rows ---------------------------------------------------------------------------- */

size_t pg_rows(const struct pg_db *self)
{
    return self->result == NULL ? 0 : (size_t)PQntuples(self->result);
}

struct span pg_bytes(const struct pg_db *self, size_t row, int column)
{
    return (struct span){PQgetvalue(self->result, (int)row, column),
                         (size_t)PQgetlength(self->result, (int)row, column)};
}

uint64_t pg_number(const struct pg_db *self, size_t row, int column)
{
    const struct span bytes = pg_bytes(self, row, column);
    uint64_t number = 0;

    for (size_t i = 0; i < bytes.len && i < sizeof(number); i++) /* none: NULL, which is 0 */
        number = number << 8 | (unsigned char)bytes.ptr[i];
    return number;
}

enum rc pg_key(struct pg_db *self, size_t row, int column, void *ret, size_t len)
{
    struct span bytes;
    const enum rc rc = pg_text(self, row, column, len, len, &bytes);

    if (rc == RC_OK)
        memcpy(ret, bytes.ptr, len);
    return rc;
}

enum rc pg_text(struct pg_db *self, size_t row, int column, size_t least, size_t most,
                struct span *ret)
{
    const struct span bytes = pg_bytes(self, row, column);

    if (bytes.len < least || bytes.len > most) {
        snprintf(self->why, self->why_size,
                 "the database: the log is damaged: %s has %zu bytes, expected %zu to %zu",
                 PQfname(self->result, column), bytes.len, least, most);
        return RC_STORE;
    }
    *ret = bytes;
    return RC_OK;
}
