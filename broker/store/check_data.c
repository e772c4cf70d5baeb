#include "broker/store/check_data.h"

#include "broker/store/rows.h"
#include "broker/store/sqlite_db.h"
#include "broker/store/sqlite_schema.h"
#include "shared/wire/wire.h"

#include <inttypes.h>
#include <string.h>

#define FIRST_OF(stream) "((" stream ") << 39)"

/* Each query gives, for every fault, where it is. */
static const struct {
    const char *about;
    const char *sql;
} RULES[] = {
    {"streams without a place",
     "SELECT name FROM stream WHERE id NOT IN (SELECT stream FROM place)"},
    {"places of no stream", "SELECT stream FROM place WHERE stream NOT IN (SELECT id FROM stream)"},
    {"heads of stream that are below what is confirmed",
     "SELECT stream FROM place WHERE confirmed > head"},
    {"events of no stream", "SELECT id >> 39 || ' ' || (id & 0x7fffffffff) FROM event"
                            " WHERE id >> 39 NOT IN (SELECT id FROM stream)"},
    {"events behind the head of their stream",
     "SELECT name || ' ' || (SELECT max(id) & 0x7fffffffff FROM event WHERE id "
     ">= " FIRST_OF("s.id") " AND id < " FIRST_OF(
         "s.id + 1") ") FROM stream s JOIN place ON stream = s.id WHERE"
                     " (SELECT max(id) & 0x7fffffffff FROM event WHERE id >= " FIRST_OF(
                         "s.id") " AND id < " FIRST_OF("s.id + 1") ") > head"},
    {"missing events between kept ones",
     "SELECT s.name || ' ' || (e.before + 1) || ' to ' || (e.seq - 1) FROM ("
     " SELECT id >> 39 AS stream, id & 0x7fffffffff AS seq,"
     "  lag(id & 0x7fffffffff) OVER (PARTITION BY id >> 39 ORDER BY id) AS before FROM "
     "event) e"
     " JOIN stream s ON s.id = e.stream WHERE e.seq != e.before + 1 AND NOT EXISTS (SELECT "
     "1 FROM hole h"
     "  WHERE h.stream = e.stream AND h.first = e.before + 1 AND h.last = e.seq - 1)"},
    {"missing events before the head",
     "SELECT s.name || ' ' || (k.last + 1) || ' to ' || p.head FROM (SELECT id >> 39 AS "
     "stream,"
     " max(id) & 0x7fffffffff AS last FROM event GROUP BY 1) k JOIN place p ON p.stream = "
     "k.stream"
     " JOIN stream s ON s.id = k.stream WHERE k.last < p.head AND NOT EXISTS (SELECT 1 "
     "FROM hole h WHERE"
     " h.stream = k.stream AND h.first = k.last + 1 AND h.last = p.head)"},
    {"times that run back within a stream",
     "SELECT stream || ' ' || seq FROM (SELECT id >> 39 AS stream, id & 0x7fffffffff AS "
     "seq, ts,"
     " lag(ts) OVER (PARTITION BY id >> 39 ORDER BY id) AS before FROM event WHERE id "
     ">= " FIRST_OF("1") ") WHERE ts < before"},
    {"sessions of nobody", "SELECT printf('%016x', id) FROM session WHERE account NOT IN "
                           "(SELECT id FROM stream)"},
    {"sessions whose last answer is behind its stream's head",
     "SELECT printf('%016x', id) FROM session WHERE entry != 0 AND NOT EXISTS"
     " (SELECT 1 FROM place WHERE stream = entry >> 39 AND head >= entry & 0x7fffffffff)"},
    {"answers that come after the ones that follow them",
     "SELECT e.id >> 39 || ' ' || (e.id & 0x7fffffffff) FROM event e WHERE prev != 0 AND "
     "NOT EXISTS"
     " (SELECT 1 FROM place WHERE stream = prev >> 39 AND head >= prev & 0x7fffffffff)"},
    {"members, bans and mutes of unknown rooms or people",
     "SELECT stream || ' ' || account FROM standing WHERE stream NOT IN (SELECT id FROM "
     "stream)"
     " OR account NOT IN (SELECT id FROM stream WHERE name LIKE '@%')"},
    {"members who came in behind the head of their room",
     "SELECT s.stream || ' ' || s.account FROM standing s JOIN place p ON p.stream = "
     "s.stream"
     " WHERE s.flags & 1 AND s.since > p.head"},
    {"devices of nobody", "SELECT hex(key) FROM device WHERE account NOT IN (SELECT id "
                          "FROM stream WHERE name LIKE '@%')"},
    {"marks of unknown streams or people",
     "SELECT name FROM mark WHERE stream NOT IN (SELECT id FROM stream)"
     " OR account NOT IN (SELECT id FROM stream)"},
    {"keys of streams that have a wrong length",
     "SELECT name FROM stream WHERE id > 0 AND length(stream_key) != 32"},
};

struct checking {
    struct db db;
    FILE *out;
    uint64_t faults;
};

static void found(struct checking *self, const char *about, uint64_t count, struct span first)
{
    if (count == 0)
        return;
    self->faults += count;
    fprintf(self->out, "fault: %s: %" PRIu64 ", the first: %.*s\n", about, count, (int)first.len,
            first.ptr);
}

static enum rc check_rule(struct checking *self, const char *about, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    char first[128] = "";
    uint64_t count = 0;
    enum rc rc = db_prepare(&self->db, sql, &statement);

    while (rc == RC_OK && (rc = db_row(&self->db, statement)) == RC_OK) {
        const struct span where = db_column_text(statement, 0);

        if (count++ == 0)
            snprintf(first, sizeof(first), "%.*s", (int)where.len, where.ptr);
    }
    sqlite3_finalize(statement);
    found(self, about, count, span_of(first));
    return rc == RC_END ? RC_OK : rc;
}

/* Does the map say what its row says? */
static bool is_right(struct span wire, struct span stream, uint64_t seq, uint64_t ts_ms)
{
    struct wire_reader reader = wire_reader_over(wire, TO_CLIENT | TO_EVERYBODY);
    struct message event;

    return wire_read(&reader, &event) == RC_OK && event.verb == VERB_EVENT &&
           reader.at == reader.end && span_equal(event.stream, stream) && event.seq == seq &&
           event.ts == ts_ms;
}

static enum rc check_maps(struct checking *self)
{
    sqlite3_stmt *statement = NULL;
    char first[2 * STREAM_BYTES_MAX] = "";
    uint64_t count = 0;
    enum rc rc = db_prepare(&self->db,
                            "SELECT e.id, e.ts, e.wire, s.name FROM event e JOIN stream s"
                            " ON s.id = e.id >> 39 WHERE e.id >= " FIRST_OF("1") " ORDER BY e.id",
                            &statement);

    while (rc == RC_OK && (rc = db_row(&self->db, statement)) == RC_OK) {
        const uint64_t seq = entry_seq(db_column_number(statement, 0));
        const struct span name = db_column_text(statement, 3);

        if (is_right(db_column_text(statement, 2), name, seq, db_column_number(statement, 1)))
            continue;
        if (count++ == 0)
            snprintf(first, sizeof(first), "%.*s %" PRIu64, (int)name.len, name.ptr, seq);
    }
    sqlite3_finalize(statement);
    found(self, "events that cannot be read, or say another place", count, span_of(first));
    return rc == RC_END ? RC_OK : rc;
}

static enum rc check_file(struct checking *self)
{
    sqlite3_stmt *statement = NULL;
    enum rc rc = db_prepare(&self->db, "PRAGMA integrity_check(20)", &statement);

    while (rc == RC_OK && (rc = db_row(&self->db, statement)) == RC_OK) {
        const struct span line = db_column_text(statement, 0);

        if (!span_equal(line, SPAN("ok")))
            found(self, "the file is damaged", 1, line);
    }
    sqlite3_finalize(statement);
    return rc == RC_END ? RC_OK : rc;
}

static enum rc sum_up(struct checking *self)
{
    int64_t events = 0, streams = 0, sessions = 0;
    enum rc rc = db_number(&self->db, "SELECT count(*) FROM event", &events);

    if (rc == RC_OK)
        rc = db_number(&self->db, "SELECT count(*) - 1 FROM stream", &streams);
    if (rc == RC_OK)
        rc = db_number(&self->db, "SELECT count(*) FROM session", &sessions);
    if (rc == RC_OK)
        fprintf(self->out,
                "%s: %" PRId64 " events in %" PRId64 " streams, %" PRId64 " sessions; %" PRIu64
                " faults\n",
                self->faults == 0 ? "sound" : "NOT sound", events, streams, sessions, self->faults);
    return rc;
}

static enum rc check_schema(struct checking *self)
{
    int version = 0;
    enum rc rc = schema_check(&self->db, &version);

    if (rc != RC_OK || version == SCHEMA_VERSION)
        return rc;
    snprintf(self->db.why, self->db.why_size,
             "%s: schema %d, wanted %d: start the broker once, which brings it up", self->db.path,
             version, SCHEMA_VERSION);
    return RC_STORE;
}

enum rc store_check_data(const char *data, FILE *out, char why[static COPY_WHY_BYTES])
{
    char path[1024];
    struct checking self = {.db = {.path = path, .why = why, .why_size = COPY_WHY_BYTES},
                            .out = out};
    enum rc rc;

    snprintf(path, sizeof(path), "%.1000s/zchat.db", data);
    rc = db_open(&self.db, DB_READER);
    if (rc == RC_OK)
        rc = check_schema(&self);
    if (rc == RC_OK)
        rc = check_file(&self);
    for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]) && rc == RC_OK; i++)
        rc = check_rule(&self, RULES[i].about, RULES[i].sql);
    if (rc == RC_OK)
        rc = check_maps(&self);
    if (rc == RC_OK)
        rc = sum_up(&self);
    db_close(&self.db);
    if (rc == RC_OK && self.faults > 0)
        snprintf(why, COPY_WHY_BYTES, "%.400s: not sound", path);
    return rc == RC_OK && self.faults == 0 ? RC_OK : RC_FAILED;
}
