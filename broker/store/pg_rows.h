/* pg_rows.h - the connection that writes, and its statements; the PostgreSQL store's own files alone include it. */
#ifndef BROKER_STORE_PG_ROWS_H
#define BROKER_STORE_PG_ROWS_H

#include "broker/store/backend.h"
#include "broker/store/deferred.h"
#include "broker/store/pg_array.h"
#include "broker/store/pg_link.h"
#include "broker/store/pg_schema.h"

#define STREAM_COLUMNS "id, name, skeleton, stream_key, epoch, role, modes, topic, open_from, keep"
#define DEVICE_COLUMNS "key, account, label, ts, is_revoked"
#define EVENT_COLUMNS  "id, ts, sender, own_seq, refusal, prev, wire"

/* LEASE_MS; how long a dead broker's turns are kept for it, and one that lives but does not hear them. */
#define LEASE         "interval '5 s'"
#define IS_LIVE       "(lease > clock_timestamp())"
#define KEPT_FOR_DEAD "interval '60 s'"
#define TURN_AGE_MAX  "interval '10 min'"

/* X(statement, SQL). Those that are held travel as an array for each column. */
#define STATEMENTS(X)                                                                              \
    X(BEGIN, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")                                    \
    X(LOCK, "SELECT pg_advisory_xact_lock($1)")                                                    \
    X(LOOK, "SELECT commits, event_bytes, turns FROM zchat.meta")                                  \
    X(COUNT, "UPDATE zchat.meta SET commits = commits + 1, event_bytes = event_bytes + $1,"        \
             " turns = turns + $2")                                                                \
    X(ADD_TURN, "INSERT INTO zchat.turn (no, broker, body) VALUES ($1, $2, $3)")                   \
    X(NEXT_TURNS, "SELECT turns, no, body FROM zchat.meta LEFT JOIN zchat.turn ON no > $1"         \
                  " ORDER BY no LIMIT $2")                                                         \
    X(BEGIN_LEASE, "INSERT INTO zchat.broker (id, name, address, hints, turn, lease)"              \
                   " SELECT $1, '', '', '', turns, clock_timestamp() FROM zchat.meta")             \
    X(RENEW_LEASE, "INSERT INTO zchat.broker (id, name, address, hints, turn, agent, sessions,"    \
                   " lag, version, turns, lease) VALUES ($1, $2, $3, $4, $5::bigint, $6, $7,"      \
                   " greatest($8, coalesce((SELECT floor(extract(epoch FROM clock_timestamp()"     \
                   " - at) * 1000)::bigint FROM zchat.turn WHERE no = $5::bigint + 1), 0)), $9,"   \
                   " (SELECT turns FROM zchat.meta), clock_timestamp() + " LEASE ")"               \
                   " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"                         \
                   " address = excluded.address, hints = excluded.hints, turn = excluded.turn,"    \
                   " agent = excluded.agent, sessions = excluded.sessions, lag = excluded.lag,"    \
                   " version = excluded.version, turns = excluded.turns, lease = excluded.lease")  \
    X(PUT_PAGE, "INSERT INTO zchat.presence (broker, page, version, body) VALUES ($1, $2, $3, $4)" \
                " ON CONFLICT (broker, page) DO UPDATE SET version = excluded.version,"            \
                " body = excluded.body")                                                           \
    X(NEXT_PAGES, "SELECT page, version, body FROM zchat.presence WHERE broker = $1"               \
                  " AND version > $2 ORDER BY version LIMIT $3")                                   \
    X(FORGET_BROKERS, "DELETE FROM zchat.broker WHERE id IN (SELECT id FROM zchat.broker WHERE"    \
                      " lease < clock_timestamp() - " KEPT_FOR_DEAD " FOR UPDATE SKIP LOCKED)")    \
    X(DROP_TURNS, "DELETE FROM zchat.turn WHERE (no <= (SELECT min(turn) FROM zchat.broker)"       \
                  " OR at < clock_timestamp() - " TURN_AGE_MAX ") AND $1 = (SELECT min(id)"        \
                  " FROM zchat.broker WHERE lease > clock_timestamp())")                           \
    X(ALL_BROKERS, "SELECT id, name, address, hints, floor(extract(epoch FROM since) * 1000)"      \
                   "::bigint, turn, agent, sessions, lag, version, turns, greatest(0, floor("      \
                   "extract(epoch FROM clock_timestamp() - lease + " LEASE ") * 1000)::bigint),"   \
                   " " IS_LIVE "::int::bigint FROM zchat.broker ORDER BY " IS_LIVE " DESC,"        \
                   " CASE WHEN " IS_LIVE " THEN since END, lease DESC, id LIMIT 64")               \
    X(DROP_LEASE, "DELETE FROM zchat.broker WHERE id = $1")                                        \
    X(SNAPSHOT, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")                                 \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(LAST_STREAM, "SELECT max(id) FROM zchat.stream")                                             \
    X(FIND_BY_NAME, "SELECT id FROM zchat.stream WHERE name = $1")                                 \
    X(FIND_BY_SKELETON, "SELECT id FROM zchat.stream WHERE skeleton = $1")                         \
    X(GET_STREAM, "SELECT " STREAM_COLUMNS " FROM zchat.stream WHERE id = $1")                     \
    X(ADD_STREAM, "INSERT INTO zchat.stream (" STREAM_COLUMNS ")"                                  \
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")                             \
    X(PUT_STREAM, "UPDATE zchat.stream SET stream_key = $2, epoch = $3, role = $4, modes = $5,"    \
                  " topic = $6, open_from = $7, keep = $8 WHERE id = $1")                          \
    X(ADD_PLACE, "INSERT INTO zchat.place (stream, head, confirmed, ts) VALUES ($1, 0, 0, 0)")     \
    X(GET_PLACE, "SELECT head, confirmed, ts FROM zchat.place WHERE stream = $1")                  \
    X(PUT_PLACES, "UPDATE zchat.place p SET head = n.head, confirmed = n.confirmed, ts = n.ts"     \
                  " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])"           \
                  " AS n (stream, head, confirmed, ts) WHERE p.stream = n.stream")                 \
    X(GET_SESSION, "SELECT account, last, entry FROM zchat.session WHERE id = $1")                 \
    X(PUT_SESSIONS, "INSERT INTO zchat.session (id, account, last, entry) SELECT * FROM"           \
                    " unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])"              \
                    " ON CONFLICT (id) DO UPDATE SET account = excluded.account,"                  \
                    " last = excluded.last, entry = excluded.entry")                               \
    X(ADD_EVENTS, "INSERT INTO zchat.event (" EVENT_COLUMNS ") SELECT * FROM"                      \
                  " unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],"                \
                  " $5::bigint[], $6::bigint[], $7::bytea[])")                                     \
    X(GET_EVENT, "SELECT ts, sender, own_seq, refusal, prev FROM zchat.event WHERE id = $1")       \
    X(GET_SENDERS, "SELECT id, sender FROM zchat.event WHERE id >= $1 AND id <= $2 ORDER BY id"    \
                   " LIMIT $3")                                                                    \
    X(NEXT_KEPT, "SELECT id, name, keep, head, confirmed FROM zchat.stream JOIN zchat.place"       \
                 " ON place.stream = stream.id WHERE id >= $1 AND (keep > 0 OR $2::bigint = 0)"    \
                 " ORDER BY id LIMIT 1")                                                           \
    X(GET_AGED, "SELECT id, ts, sender, refusal, octet_length(wire) FROM zchat.event"              \
                " WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3")                               \
    X(REMOVE_EVENTS, "WITH gone AS (DELETE FROM zchat.event WHERE id >= $1 AND id <= $2"           \
                     " RETURNING octet_length(wire) + " PG_DIGITS_OF(                              \
                         PG_EVENT_ROW_BYTES) " AS bytes)"                                          \
                                             " UPDATE zchat.meta SET event_bytes = event_bytes"    \
                                             " - (SELECT coalesce(sum(bytes), 0) FROM gone)")      \
    X(PURGE_EVENT,                                                                                 \
      "WITH old AS (SELECT octet_length(wire) AS bytes FROM zchat.event WHERE id = $1),"           \
      " new AS (UPDATE zchat.event SET refusal = $2, wire = $3 WHERE id = $1"                      \
      " RETURNING octet_length(wire) AS bytes)"                                                    \
      " UPDATE zchat.meta SET event_bytes = event_bytes"                                           \
      " + coalesce((SELECT new.bytes - old.bytes FROM old, new), 0)")                              \
    X(GET_MARK, "SELECT seq FROM zchat.mark WHERE account = $1 AND name = $2 AND stream = $3")     \
    X(PUT_MARK, "INSERT INTO zchat.mark (account, name, stream, seq) VALUES ($1, $2, $3, $4)"      \
                " ON CONFLICT (account, name, stream) DO UPDATE SET seq = excluded.seq")           \
    X(COUNT_MARKS, "SELECT count(*) FROM zchat.mark WHERE account = $1")                           \
    X(GET_CHAT, "SELECT epoch FROM zchat.stream WHERE id = 0")                                     \
    X(PUT_CHAT, "UPDATE zchat.stream SET epoch = $1 WHERE id = 0")                                 \
    X(GET_DEVICE, "SELECT " DEVICE_COLUMNS " FROM zchat.device WHERE key = $1")                    \
    X(ADD_DEVICE, "INSERT INTO zchat.device (" DEVICE_COLUMNS ") VALUES ($1, $2, $3, $4, $5)")     \
    X(REVOKE_DEVICE, "UPDATE zchat.device SET is_revoked = 1 WHERE key = $1")                      \
    X(REVOKE_DEVICES, "UPDATE zchat.device SET is_revoked = 1 WHERE account = $1")                 \
    X(COUNT_DEVICES, "SELECT count(*) FROM zchat.device WHERE account = $1 AND is_revoked = 0")    \
    X(OTHER_OWNER,                                                                                 \
      "SELECT 1 FROM zchat.stream s WHERE role = 2 AND id <> $1"                                   \
      " AND NOT EXISTS (SELECT 1 FROM zchat.standing t WHERE t.stream = 0 AND t.account = s.id"    \
      "  AND t.banned_until > $2)"                                                                 \
      " AND (NOT EXISTS (SELECT 1 FROM zchat.device d WHERE d.account = s.id)"                     \
      "  OR EXISTS (SELECT 1 FROM zchat.device d WHERE d.account = s.id AND d.is_revoked = 0))"    \
      " LIMIT 1")                                                                                  \
    X(GET_STANDING, "SELECT flags, since, banned_until, muted_until FROM zchat.standing"           \
                    " WHERE stream = $1 AND account = $2")                                         \
    X(PUT_STANDING, "INSERT INTO zchat.standing (stream, account, flags, since, banned_until,"     \
                    " muted_until) VALUES ($1, $2, $3, $4, $5, $6)"                                \
                    " ON CONFLICT (stream, account) DO UPDATE SET flags = excluded.flags,"         \
                    " since = excluded.since, banned_until = excluded.banned_until,"               \
                    " muted_until = excluded.muted_until")                                         \
    X(DROP_STANDING, "DELETE FROM zchat.standing WHERE stream = $1 AND account = $2")              \
    X(DROP_STANDINGS, "DELETE FROM zchat.standing WHERE stream = $1")                              \
    X(HAS_MEMBERS, "SELECT 1 FROM zchat.standing WHERE stream = $1 AND flags & 1 = 1 LIMIT 1")     \
    X(NEXT_PRIVATE_ROOM, "SELECT id FROM zchat.stream JOIN zchat.standing ON stream = id"          \
                         " WHERE account = $1 AND id > $2 AND modes & 1 = 1 AND flags & 1 = 1"     \
                         " ORDER BY id LIMIT 1")                                                   \
    X(GET_KEY_BAN, "SELECT until FROM zchat.key_ban WHERE stream = $1 AND key = $2")               \
    X(PUT_KEY_BAN, "INSERT INTO zchat.key_ban (stream, key, until) VALUES ($1, $2, $3)"            \
                   " ON CONFLICT (stream, key) DO UPDATE SET until = excluded.until")              \
    X(DROP_KEY_BAN, "DELETE FROM zchat.key_ban WHERE stream = $1 AND key = $2")                    \
    X(DROP_KEY_BANS, "DELETE FROM zchat.key_ban WHERE stream = $1")                                \
    X(GET_INVITATION, "SELECT maker, role, nick, is_device, label, until FROM zchat.invitation"    \
                      " WHERE token_hash = $1")                                                    \
    X(ADD_INVITATION, "INSERT INTO zchat.invitation (token_hash, maker, role, nick, is_device,"    \
                      " label, until) VALUES ($1, $2, $3, $4, $5, $6, $7)")                        \
    X(DROP_INVITATION, "DELETE FROM zchat.invitation WHERE token_hash = $1")                       \
    X(DROP_INVITATIONS_OF, "DELETE FROM zchat.invitation WHERE maker = $1")                        \
    X(DROP_INVITATIONS_OVER, "DELETE FROM zchat.invitation WHERE until <= $1")                     \
    X(COUNT_INVITATIONS, "SELECT count(*) FROM zchat.invitation WHERE maker = $1")                 \
    X(ALL_STREAMS,                                                                                 \
      "SELECT " STREAM_COLUMNS ", head, confirmed,"                                                \
      " (SELECT coalesce(sum(last - first + 1), 0)::bigint FROM zchat.hole"                        \
      "  WHERE hole.stream = id AND first > confirmed),"                                           \
      " (SELECT coalesce(max(last), 0) FROM zchat.hole WHERE hole.stream = id)"                    \
      " FROM zchat.stream JOIN zchat.place ON place.stream = stream.id WHERE id > 0 ORDER BY id")  \
    X(ALL_DEVICES, "SELECT " DEVICE_COLUMNS " FROM zchat.device ORDER BY id")                      \
    X(ALL_STANDINGS, "SELECT flags, since, banned_until, muted_until, stream, account"             \
                     " FROM zchat.standing ORDER BY stream, account")                              \
    X(ALL_KEY_BANS, "SELECT stream, key, until FROM zchat.key_ban ORDER BY stream, key")

enum statement {
#define X(statement, sql) statement,
    STATEMENTS(X)
#undef X
        STATEMENT_COUNT
};

#define PG_COLUMNS_MAX 7

struct pg {
    struct backend base;
    struct backend_calls calls;
    struct pg_db db;
    struct pg_link link;
    struct deferred deferred;                /* of the transaction, not sent yet */
    struct pg_array columns[PG_COLUMNS_MAX]; /* of the statement that sends them */
    bool has_written;                        /* the transaction changes something */
    bool has_turn;                           /* it tells others of it */
    bool is_open;                            /* there is a transaction */
    bool is_alone;
    uint32_t reconnect_ms;
    uint64_t id; /* of this broker's life, among others: random, not 0 */
    uint64_t page_version;
    uint64_t lease_since_ms; /* as the row of the own lease said; 0: there was none yet */
    bool is_anew;            /* the connection was made again since the lease was renewed */
    /* Transactions that have changed something, when this one's last transaction began or ended; others' too. */
    uint64_t commits;
    uint64_t turns; /* likewise: those that others have to hear of */
    uint64_t event_bytes;
    uint64_t event_bytes_more; /* by this transaction's new events */
    uint64_t size_bytes_max;   /* 0: no limit */
    uint64_t full_until_ms;    /* the server had no room: asked again then */
};

static inline struct pg *pg_of(struct backend *base)
{
    return (struct pg *)base;
}

/* Queue a statement that changes something. */
enum rc pg_write(struct pg *self, enum statement which, const struct pg_args *args) MUST_CHECK;
/* Ask; outside of a transaction a connection that is lost is made again first, and the question asked once more. */
enum rc pg_ask_anew(struct pg *self, enum statement which, const struct pg_args *args) MUST_CHECK;
/* The connection is gone, and nothing of ours was under way: it can be made again. */
bool pg_is_lost(const struct pg *self, enum rc rc);
enum rc pg_reconnect(struct pg *self) MUST_CHECK;
/* Of the row that LOOK brought. */
void pg_take_meta(struct pg *self);
/* The first column of the only row. */
enum rc pg_one_number(struct pg *self, enum statement which, const struct pg_args *args,
                      uint64_t *ret) MUST_CHECK;

/* Rows of the STREAM_ and DEVICE_COLUMNS, and the four of a standing. */
enum rc pg_read_stream(struct pg *self, size_t row, struct stream_row *ret) MUST_CHECK;
enum rc pg_read_device(struct pg *self, size_t row, struct device_row *ret) MUST_CHECK;
struct standing pg_read_standing(const struct pg *self, size_t row);

/* The rows that are written together at the end of a transaction. Before somebody looks at events, those so far must be
 * queued. */
enum rc pg_write_events(struct pg *self) MUST_CHECK;
enum rc pg_write_rows(struct pg *self) MUST_CHECK;

/* What `turns` says is not less than what was told already. RC_STORE: an older copy of the database. */
enum rc pg_check_turns(struct pg *self) MUST_CHECK;

/* Set the calls of pg_log.c, pg_people.c, pg_replay.c, and pg_clean.c. */
void pg_clean_calls(struct backend_calls *calls);
void pg_log_calls(struct backend_calls *calls);
void pg_people_calls(struct backend_calls *calls);
void pg_replay_calls(struct backend_calls *calls);
/* What is done for others over the same database (sharing.h): pg_turns.c, pg_brokers.c. */
const struct sharing_calls *pg_sharing(void);
enum rc pg_renew(struct backend *base, const struct store_broker *own,
                 const struct page *const *pages, size_t count,
                 struct store_brokers *ret) MUST_CHECK;
enum rc pg_read_pages(struct backend *base, uint64_t broker, uint64_t *version_p,
                      struct pages *to) MUST_CHECK;
/* Before anything is read: from here on the turns behind it are kept. */
enum rc pg_brokers_begin(struct pg *self) MUST_CHECK;
/* Nobody has to wait for the end of a lease that is given up. */
void pg_brokers_leave(struct pg *self);

#endif
