/* pg_schema.h - the tables in PostgreSQL's schema zchat, and how older ones become them. */
#ifndef BROKER_STORE_PG_SCHEMA_H
#define BROKER_STORE_PG_SCHEMA_H

#include "broker/store/pg_db.h"

#define PG_SCHEMA_VERSION 3

/* The lock of the schema's making and of every transaction, in the space of the database. */
#define PG_LOCK      UINT64_C(0x7a63686174) /* "zchat" */
#define PG_LOCK_WORK UINT64_C(0x7a63686175) /* held by all brokers that work in the database */

/* What an event takes beside its map: its row, its place in the index. */
#define PG_EVENT_ROW_BYTES 128

/* A number's digits in a statement. */
#define PG_DIGITS_OF_(number) #number
#define PG_DIGITS_OF(number)  PG_DIGITS_OF_(number)

/* Before pg_prepare(): be the one who works in this database, or one of several who all say so (`is_shared`), for as long as the
 * connection lives. RC_STORE: somebody is there who does not want that, and stays for some seconds: of a broker that was just
 * killed the server may not know yet. */
enum rc pg_schema_take(struct pg_db *db, bool is_shared) MUST_CHECK;

/* Before pg_prepare(): make the tables, or make them the newest, in one transaction that other brokers wait for.
 * RC_STORE: another program's, or a newer zchat's; db->why tells. */
enum rc pg_schema_bring_up(struct pg_db *db) MUST_CHECK;

#endif
