/* pg_reader.h - a reader's own connection to PostgreSQL. */
#ifndef BROKER_STORE_PG_READER_H
#define BROKER_STORE_PG_READER_H

#include "broker/store/backend.h"
#include "broker/store/pg_link.h"

/* `link` is borrowed, also for connecting again: the store lives longer than its readers. RC_STORE: it cannot be
 * reached. */
enum rc pg_reader_open(const struct pg_link *link, struct store_reader **ret) MUST_CHECK;

#endif
