/* sqlite_schema.h - the tables of zchat.db, and how older ones become them. */
#ifndef BROKER_STORE_SQLITE_SCHEMA_H
#define BROKER_STORE_SQLITE_SCHEMA_H

#include "broker/store/sqlite_db.h"

#define SCHEMA_VERSION 3

/* Which schema the database has; 0: it is empty. RC_STORE: another program's, or a newer zchat's; db->why tells. */
enum rc schema_check(struct db *db, int *ret_version) MUST_CHECK;

/* Make it the newest, in one transaction: after a failure or a crash it is as it was. */
enum rc schema_bring_up(struct db *db, int version) MUST_CHECK;

#endif
