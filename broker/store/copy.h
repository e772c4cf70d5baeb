/* copy.h - a copy of the log while it is written: the file of a backup.
 *
 * Reads through a connection of its own, so the writer and its messages go on. What was committed when the copy began is in it, and
 * nothing later. */
#ifndef BROKER_STORE_COPY_H
#define BROKER_STORE_COPY_H

#include "shared/base/rc.h"

#include <stdbool.h>
#include <stdint.h>

#define COPY_FOLDER    "backups" /* in the data folder */
#define COPY_WHY_BYTES 512

struct copy_job {
    const char *data;                  /* the data folder */
    const char *name;                  /* of the copy in its COPY_FOLDER: a bare file name */
    uint64_t free_bytes_min;           /* shall be left on the disk */
    bool (*is_stopped)(void *context); /* asked now and then: give up? */
    void *context;
};

struct copy_done {
    uint64_t size_bytes;
    uint64_t events;
};

/* Make the folder for copies, 0700, and remove what a killed broker left of one: once, before the broker gives up making
 * folders. RC_FAILED: `why`; also when others may use it. */
enum rc store_copy_folder(const char *data, char why[static COPY_WHY_BYTES]) MUST_CHECK;

/* The copy (0600) is there whole, checked and on disk, or not at all. RC_EXISTS: there is one of that name; RC_DISK_FULL;
 * RC_STOPPING; RC_FAILED. `why` is a sentence then. */
enum rc store_copy(const struct copy_job *job, struct copy_done *ret,
                   char why[static COPY_WHY_BYTES]) MUST_CHECK;

/* Look through a closed database for damage: RC_OK, or RC_FAILED with the first finding in `why`; RC_STOPPING. */
enum rc store_check_file(const char *path, const struct copy_job *job, struct copy_done *ret,
                         char why[static COPY_WHY_BYTES]) MUST_CHECK;

#endif
