/* import_file.h - a file of events, one JSON object a line, becomes a room's (--import). */
#ifndef BROKER_IMPORT_FILE_H
#define BROKER_IMPORT_FILE_H

#include "broker/store/store.h"
#include "shared/text/name.h"

#define IMPORT_WHY_BYTES 1024

struct import_counts {
    uint64_t events;
    uint64_t gaps; /* lines that tell of a gap: left out */
};

/* All of it or nothing; "-" is standard input. `why` is a sentence, with the line that is wrong. */
enum rc import_file(struct store *store, const char *file, const struct stream_name *room,
                    struct import_counts *ret, char why[static IMPORT_WHY_BYTES]) MUST_CHECK;

#endif
