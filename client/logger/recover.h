/* recover.h - the place of an archive, read from what is in it. */
#ifndef CLIENT_LOGGER_RECOVER_H
#define CLIENT_LOGGER_RECOVER_H

#include "client/logger/logfile.h"

#include "client/logger/calendar.h"
#include "shared/base/span.h"

/* What the end of a file says. */
struct tail {
    uint64_t place;       /* seq of the last record, 0 for an empty file */
    uint64_t size_bytes;  /* up to and with the last record; what is behind it is torn */
    uint64_t mark_bytes;  /* text: where its last line of ours begins */
    uint64_t ts_ms;       /* jsonl: time of the last event; 0: not known */
    struct calendar when; /* text: date and zone of the last event; "": not known */
};

/* The seq and time of one JSON line without its newline. False: no record of ours. */
bool recover_line(struct span line, struct tail *ret);

/* Read the end of the file, a compressed one too; changes nothing. Of a damaged compressed file that part counts which
 * can be read. RC_SYSTEM: errno. RC_CONFIG: there is something in it, and its end is no record of that format. */
enum rc recover_file(int fd, enum logfile_format format, struct tail *ret) MUST_CHECK;

/* The seq of the first event in the file, likewise; 0: there is none. */
uint64_t recover_first(int fd, enum logfile_format format);

/* Does the file begin as those of gzip(1) do? */
bool recover_is_compressed(int fd);

/* ".jsonl" or ".log" */
const char *logfile_ending(enum logfile_format format);

#endif
