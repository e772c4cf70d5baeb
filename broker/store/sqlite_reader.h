/* sqlite_reader.h - a READONLY connection of a reader's own. */
#ifndef BROKER_STORE_SQLITE_READER_H
#define BROKER_STORE_SQLITE_READER_H

#include "broker/store/backend.h"

/* `path` is copied. RC_STORE: it cannot be opened. */
enum rc sqlite_reader_open(const char *path, struct store_reader **ret) MUST_CHECK;

#endif
