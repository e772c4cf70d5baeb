/* gzip.h - compressing a file that was put aside, a little at a time.
 *
 * NAME is written compressed to a temporary file, synced, put in the place of NAME at once, and then renamed to NAME.gz:
 * at every moment its content stands in exactly one file, and after a crash in between it only has to be renamed. */
#ifndef CLIENT_LOGGER_GZIP_H
#define CLIENT_LOGGER_GZIP_H

#include "shared/base/rc.h"

struct gzip;

/* Begin. One at a time in a folder, which stays open. What a killed run has left there is removed.
 * RC_SYSTEM: errno. */
enum rc gzip_open(int dir_fd, const char *name, struct gzip **ret) MUST_CHECK;

/* Work for some milliseconds. RC_OK: go on. RC_END: it is done. RC_SYSTEM: errno; everything is as it was. */
enum rc gzip_step(struct gzip *self) MUST_CHECK;

const char *gzip_name(const struct gzip *self);

/* Give up what is not done. */
void gzip_close(struct gzip **self_p);

/* Give the compressed file its name; what gzip_step() does last, and what is left to do after a crash. */
enum rc gzip_rename(int dir_fd, const char *name) MUST_CHECK;

/* Remove what a killed run has left. */
void gzip_clean(int dir_fd);

#endif
