#include "broker/store/jsonl.h"

#include "broker/store/sqlite_db.h"
#include "shared/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

enum { VALID, TYPE, TS, STREAM, FROM, TO, TEXT, KIND, UNTIL, COLUMN_COUNT };

/* The library that keeps the log reads JSON too. A value of another type than text counts as missing. */
#define TEXT_AT(path) \
    "CASE WHEN json_type(j, '" path "') = 'text' THEN json_extract(j, '" path "') END"
#define TIME_AT(path) \
    "CAST(round((julianday(" TEXT_AT(path) ") - 2440587.5) * 86400000.0) AS INTEGER)"

static const char READ[] =
    "SELECT 1, " TEXT_AT("$.type") ", " TIME_AT("$.ts") ", " TEXT_AT("$.stream") ", " TEXT_AT(
        "$."
        "fro"
        "m") ", " TEXT_AT("$.to") ", " TEXT_AT("$.text") ", " TEXT_AT("$.kind") ", " TIME_AT("$."
                                                                                             "unti"
                                                                                             "l") " FROM "
                                                                                                  "(SELECT "
                                                                                                  "CASE WHEN "
                                                                                                  "json_valid(?"
                                                                                                  "1) AND "
                                                                                                  "json_type(?"
                                                                                                  "1) = "
                                                                                                  "'object' "
                                                                                                  "THEN ?1 END "
                                                                                                  "AS j)"
                                                                                                  " WHERE j IS "
                                                                                                  "NOT NULL";

struct jsonl {
    struct db db;
    sqlite3_stmt *read;
    char why[JSONL_WHY_BYTES];
};

enum rc jsonl_open(struct jsonl **ret)
{
    struct jsonl *self = x_alloc(1, sizeof(*self));

    self->db = (struct db){.path = "JSON", .why = self->why, .why_size = sizeof(self->why)};
    if (sqlite3_open_v2(":memory:", &self->db.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) == SQLITE_OK &&
        db_prepare(&self->db, READ, &self->read) == RC_OK) {
        *ret = self;
        return RC_OK;
    }
    jsonl_close(&self);
    return RC_STORE;
}

void jsonl_close(struct jsonl **self_p)
{
    struct jsonl *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    sqlite3_finalize(self->read);
    db_close(&self->db);
    free(self);
}

static enum rc wrong(char *why, const char *what)
{
    snprintf(why, JSONL_WHY_BYTES, "%s", what);
    return RC_BAD_FIELD;
}

static bool is_there(const struct jsonl *self, int column)
{
    return sqlite3_column_type(self->read, column) != SQLITE_NULL;
}

static enum rc check_type(struct span type, char *why)
{
    static const char *const known[] = {"message", "join", "leave", "topic", "mode",   "role",
                                        "kick",    "ban",  "unban", "mute",  "unmute", "purged"};

    if (span_equal(type, SPAN("gap")))
        return RC_END;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (span_equal(type, span_of(known[i])))
            return RC_OK;
    }
    return wrong(why,
                 "\"type\" is none that a room has: message, join, leave, topic, mode, role, kick, "
                 "ban, unban, mute, unmute, purged or gap");
}

static void take_text(struct jsonl *self, int column, struct span *ret, uint64_t *has, uint64_t bit)
{
    if (!is_there(self, column))
        return;
    *ret = db_column_text(self->read, column);
    *has |= bit;
}

static enum rc take(struct jsonl *self, struct message *ret, char *why)
{
    const bool is_message = span_equal(db_column_text(self->read, TYPE), SPAN("message"));

    if (!is_there(self, TYPE))
        return wrong(why, "\"type\" is missing, or no text");
    const enum rc rc = check_type(db_column_text(self->read, TYPE), why);
    if (rc != RC_OK)
        return rc;
    if (!is_there(self, TS) || sqlite3_column_int64(self->read, TS) < 0)
        return wrong(why, "\"ts\" is missing, or no time like \"2026-11-23T09:21:50.123Z\"");
    if (!is_there(self, STREAM))
        return wrong(why, "\"stream\" is missing, or no text");
    if (!is_there(self, FROM))
        return wrong(why, "\"from\" is missing, or no text");
    if (is_message && !is_there(self, TEXT))
        return wrong(why, "\"text\" is missing, or no text");
    if (is_there(self, UNTIL))
        message_set(ret, UNTIL, until, db_column_number(self->read, UNTIL));
    message_set(ret, TS, ts, db_column_number(self->read, TS));
    take_text(self, TYPE, &ret->type, &ret->has, HAS_TYPE);
    take_text(self, STREAM, &ret->stream, &ret->has, HAS_STREAM);
    take_text(self, FROM, &ret->from, &ret->has, HAS_FROM);
    take_text(self, TO, &ret->to, &ret->has, HAS_TO);
    take_text(self, TEXT, &ret->text, &ret->has, HAS_TEXT);
    take_text(self, KIND, &ret->kind, &ret->has, HAS_KIND);
    if (message_has(ret, HAS_KIND) && span_equal(ret->kind, SPAN("message")))
        ret->has &= ~HAS_KIND;
    return RC_OK;
}

enum rc jsonl_read(struct jsonl *self, struct span line, struct message *ret,
                   char why[static JSONL_WHY_BYTES])
{
    struct message event = {.verb = VERB_EVENT};
    enum rc rc;

    sqlite3_reset(self->read);
    db_bind_text(self->read, 1, line);
    rc = db_row(&self->db, self->read);
    if (rc != RC_OK)
        return wrong(why, "this is no JSON object");
    rc = take(self, &event, why);
    if (rc == RC_OK)
        *ret = event;
    return rc;
}
