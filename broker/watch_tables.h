/* watch_tables.h - the owner's tables as JSON: {"total":N,"rooms":[...]} or "sessions". Names are cleaned. */
#ifndef BROKER_WATCH_TABLES_H
#define BROKER_WATCH_TABLES_H

#include "broker/watch_link.h"

#include <stdio.h>

void watch_rooms_json(const struct room_row *rows, size_t count, uint64_t total, FILE *out);
void watch_sessions_json(const struct session_row *rows, size_t count, uint64_t total, FILE *out);

#endif
