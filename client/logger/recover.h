/* recover.h - the place of an archive, read from what is in it. */
#ifndef CLIENT_LOGGER_RECOVER_H
#define CLIENT_LOGGER_RECOVER_H

#include "client/logger/logfile.h"

#include "shared/base/span.h"

/* What the end of a file says. */
struct tail {
    uint64_t place;      /* seq of the last record, 0 for an empty file */
    uint64_t size_bytes; /* up to and with the last record; what is behind it is torn */
    char date[11];       /* of the last record, "2026-11-23", or "" */
};

/* The seq and date of one line without its newline. False: no record of that format. */
bool recover_line(enum logfile_format format, struct span line, struct tail *ret);

/* Read the end of the file; changes nothing. RC_SYSTEM: errno. RC_CONFIG: there is something in
 * it, and its end is no record of that format. */
enum rc recover_file(int fd, enum logfile_format format, struct tail *ret) MUST_CHECK;

/* The largest place in files of `base` ("%23lobby") that were put aside; 0 when there are none.
 * Files that cannot be read (compressed ones) are stepped over. */
uint64_t recover_aside(int dir_fd, const char *base, enum logfile_format format);

/* ".jsonl" or ".log" */
const char *logfile_ending(enum logfile_format format);

#endif
