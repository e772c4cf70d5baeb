/* asides.h - the files of a stream that were put aside, by us or by another program.
 *
 * Ours are NAME.2026-11-23.jsonl, NAME.000000000042.jsonl (the seq of the last event), NAME.2026-11-23.000000000042.jsonl,
 * each also with .gz behind it. Others (NAME.jsonl.1, NAME.jsonl-20261123, NAME.jsonl.2.gz) are read, and otherwise left
 * alone. */
#ifndef CLIENT_LOGGER_ASIDES_H
#define CLIENT_LOGGER_ASIDES_H

#include "client/logger/logfile.h"

#include <limits.h>
#include <stddef.h>

struct aside {
    char name[NAME_MAX + 1];
    uint64_t first;      /* seq of its first event; 0: it cannot be read */
    uint64_t size_bytes; /* on disk */
    uint64_t
        day; /* of its events when the name says so, else of its last change (calendar_day()); 0: unknown */
    bool is_ours;
    bool is_compressed; /* by what is in it */
};

struct asides {
    struct aside *item; /* owned; by `first` */
    size_t count;
};

/* What there is of `base` ("%23lobby") and format; empty when the folder cannot be read. */
struct asides asides_of(int dir_fd, const char *base, enum logfile_format format);
void asides_fini(struct asides *self);

/* The seq of the last event that was put aside, 0 for none. Only as many files are read as it takes. */
uint64_t asides_place(int dir_fd, const char *base, enum logfile_format format);

/* How much of what was put aside is kept; 0: without limit. */
struct keep {
    uint64_t count;      /* files */
    uint64_t days;       /* of the calendar, beside today */
    uint64_t size_bytes; /* of all together */
};

/* Remove the oldest files of ours beyond `keep`. The newest stays when it `holds_place` (nothing is in the current file
 * yet), and in any case unless it is too old. Returns how many were removed; -1 with errno: one could not be. */
int asides_trim(int dir_fd, const char *base, enum logfile_format format, const struct keep *keep,
                uint64_t today, bool holds_place);

#endif
