/* logfile.h - one file of the archive: the events of one stream in one format, without gap or repeat.
 *
 * The place is not kept beside the file but read from its last line, so the two cannot disagree. A
 * line that a crash tore is cut off and written again. For one thread. */
#ifndef CLIENT_LOGGER_LOGFILE_H
#define CLIENT_LOGGER_LOGFILE_H

#include "client/lib/zchat.h"
#include "shared/base/rc.h"

#include <stdbool.h>
#include <stdint.h>

enum logfile_format {
    LOGFILE_JSONL, /* NAME.jsonl: event_json() */
    LOGFILE_TEXT,  /* NAME.log: textlog.h */
};

/* In a text log one of our own lines stands at least that often, in bytes. */
#define LOGFILE_MARK_EVERY (512 * 1024)

/* When a file is put aside: NAME.2026-11-23.jsonl for the day of its events, NAME.000000000042.jsonl with the seq of its
 * last event, NAME.2026-11-23.000000000042.jsonl for both. Events alone decide, no clock: the file of a day is
 * put aside by the first event of a later day, and a day that comes twice (a zone's clock set back over midnight) stays in one file. */
struct rotation {
    enum { ROTATE_NONE, ROTATE_DAILY, ROTATE_SIZE } kind;
    uint64_t size_bytes; /* put aside when it has become as large; 0: ROTATE_DAILY alone */
};

struct logfile_options {
    int dir_fd; /* borrowed, for as long as the file is open */
    const char *stream;
    enum logfile_format format;
    struct rotation rotation;
    bool is_utc; /* days and the times of a text log; else this process' time zone */
};

struct logfile;

/* Open or create, 0600, and find the place: of the file's last line; when there is none, of the
 * newest file of this stream that was put aside (asides.h).
 * RC_SYSTEM: errno says why. RC_CONFIG: what is there is no archive of ours; nothing was changed. */
enum rc logfile_open(const struct logfile_options *options, struct logfile **ret) MUST_CHECK;
void logfile_close(struct logfile **self_p);

/* The seq of the last event in the file, 0 for none. */
uint64_t logfile_place(const struct logfile *self);

/* Does the file itself say so, on the disk? Otherwise the newest one that was put aside does. */
bool logfile_holds_place(const struct logfile *self);

/* Was a file put aside since this was asked last? */
bool logfile_take_rotated(struct logfile *self);

/* Append a ZCHAT_EVENT or ZCHAT_GAP; what stands in the file already is left out (RC_OK).
 * RC_END: events before it are missing; nothing was written. RC_SYSTEM: the disk did not take it
 * (errno); the file and the place are as they were, and it may be tried again. */
enum rc logfile_append(struct logfile *self, const struct zchat_event *event) MUST_CHECK;

/* Bring what was appended to the disk; cheap when there is nothing. RC_SYSTEM: what was appended
 * since the last success may be lost; the process must end (a failed fsync is never repeated). */
enum rc logfile_sync(struct logfile *self) MUST_CHECK;

/* Sync, then open the file by its name again: somebody moved it. The place is kept. Codes as
 * logfile_open() and logfile_sync(). */
enum rc logfile_reopen(struct logfile *self) MUST_CHECK;

#endif
