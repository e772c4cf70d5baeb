/* store_pg.h - the log in a PostgreSQL database. */
#ifndef BROKER_STORE_STORE_PG_H
#define BROKER_STORE_STORE_PG_H

#include "broker/store/store.h"

#define PG_FACT_BYTES 256
#define PG_FILES_MAX  5

/* What a server says of itself, and what more connections to it will need. */
struct pg_facts {
    char where[PG_FACT_BYTES]; /* user@host:port/database, without secrets */
    int version;               /* 150004 */
    bool is_tls;
    uint16_t port;                           /* of TCP; 0: a local socket */
    bool is_synchronous;                     /* a commit waits until a standby has it on disk */
    char replication[PG_FACT_BYTES];         /* in words */
    bool is_fsync_off;                       /* the server does not keep what it commits */
    char files[PG_FILES_MAX][PG_FACT_BYTES]; /* and a folder that TLS reads, or "" */
};

struct pg_options {
    const char *url;
    bool is_alone; /* refuse when another one has been opened so */
};

/* Open the database, and make the schema zchat when it is not there. RC_STORE: it cannot be reached, or what is there is another
 * program's or a newer zchat's; *ret_why (borrowed until the next call) says what is wrong and what is expected, without
 * the password. */
enum rc store_open_pg(const struct pg_options *options, struct store **ret,
                      struct pg_facts *ret_facts, const char **ret_why) MUST_CHECK;

/* Has this URL a password in it? False, too, for what is none. */
bool store_pg_has_password(const char *url);

#endif
