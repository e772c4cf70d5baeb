/* restore.h - an old copy of the log is put back.
 *
 * What was said after the copy is gone, but its numbers were given out: clients hold places beyond the copy's heads, and would take new
 * events for such that they know. So every stream goes on behind a hole, at the next multiple of RESTORE_STEP: readers find
 * that what is missing is gone, as they do when it is kept no longer, and nothing is ever given a number twice. */
#ifndef BROKER_STORE_RESTORE_H
#define BROKER_STORE_RESTORE_H

#include "broker/store/copy.h"

#define RESTORE_STEP 1000000000 /* more than any stream gets between a copy and its return */

/* Put `file`, which is left as it is, back as DATA/zchat.db; `data` is locked by the caller. RC_EXISTS: there is a log in it already;
 * RC_DISK_FULL; RC_FAILED: the file is damaged, of a newer zchat, or no backup. `why` is a sentence then, and nothing has changed. */
enum rc store_restore(const char *file, const char *data, struct copy_done *ret,
                      char why[static COPY_WHY_BYTES]) MUST_CHECK;

#endif
