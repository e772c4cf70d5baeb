/* pg_link.h - how a PostgreSQL server is reached: by a URL, and again by what is known of it then.
 *
 * libpq reads the URL: several hosts, TLS, ~/.pgpass. What nobody said is set here: time-outs, keep-alives, and that the
 * server can be written, so that of several hosts the primary is found. */
#ifndef BROKER_STORE_PG_LINK_H
#define BROKER_STORE_PG_LINK_H

#include "broker/store/pg_db.h"
#include "broker/store/store_pg.h"

/* For a lock, which others hold no longer than a transaction. */
#define PG_LOCK_TIMEOUT "'20s'"

/* Where one server is, so that more connections go to the same one without looking for it: what a sandbox forbids. */
struct pg_link {
    char **keywords; /* NULL-terminated */
    char **values;
};

/* Connect by a URL. RC_STORE: db->why says what is wrong and what is expected, without the password. The connection is
 * open then, and its session set up; db->why must be set. `ret_link` is the caller's to forget. */
enum rc pg_link_open(const char *url, struct pg_db *db, struct pg_link *ret_link) MUST_CHECK;
/* One more connection to the same server. */
enum rc pg_link_again(const struct pg_link *self, struct pg_db *db) MUST_CHECK;
void pg_link_forget(struct pg_link *self);

/* Before pg_prepare(). */
enum rc pg_link_facts(struct pg_db *db, struct pg_facts *ret) MUST_CHECK;

#endif
