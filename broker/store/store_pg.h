/* store_pg.h - the log in a PostgreSQL database. */
#ifndef BROKER_STORE_STORE_PG_H
#define BROKER_STORE_STORE_PG_H

#include "broker/store/store.h"

#define PG_FACT_BYTES 256
#define PG_FILES_MAX  5
#define PG_HOSTS_MAX  8 /* in one URL, that are connected to again */

/* What a server says of itself, and what more connections to it will need. */
struct pg_facts {
    char where[PG_FACT_BYTES]; /* user@host:port/database, without secrets */
    int version;               /* 150004 */
    bool is_tls;
    uint16_t port;                /* of TCP; 0: a local socket */
    uint16_t ports[PG_HOSTS_MAX]; /* of all hosts that the URL names, likewise; 0 behind the last */
    bool is_synchronous;          /* a commit waits until a standby has it on disk */
    char replication[PG_FACT_BYTES];         /* in words */
    bool is_fsync_off;                       /* the server does not keep what it commits */
    char files[PG_FILES_MAX][PG_FACT_BYTES]; /* and a folder that TLS reads, or "" */
};

struct pg_options {
    const char *url;
    bool is_alone; /* refuse when anybody else works there */
    /* One of several: refuse when somebody works there alone; tell the others what is done, and hear it from them. */
    bool is_shared;
    /* How long a connection that was lost while nothing was under way is made again, to any of the URL's hosts; 0: not at all. */
    uint32_t reconnect_ms;
};

/* Open the database, and make the schema zchat when it is not there. RC_STORE: it cannot be reached, or what is there is another
 * program's or a newer zchat's; *ret_why (borrowed until the next call) says what is wrong and what is expected, without
 * the password. */
enum rc store_open_pg(const struct pg_options *options, struct store **ret,
                      struct pg_facts *ret_facts, const char **ret_why) MUST_CHECK;

/* Has this URL a password in it? False, too, for what is none. */
bool store_pg_has_password(const char *url);

#endif
