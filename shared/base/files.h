/* files.h - the few things done with files of the user's own: who may use them, and writing them whole.
 *
 * Failures are RC_SYSTEM with errno, sentences the callers' business; but for the checks, which say what was found,
 * what is wanted and which command mends it. */
#ifndef SHARED_BASE_FILES_H
#define SHARED_BASE_FILES_H

#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FILE_PATH_MAX   4096
#define FILES_WHY_BYTES 1024

/* Is this file (or folder) its owner's alone: ours, no link, and not looser than 0600 (0700)? What is not there is
 * fine, and so is what keeps nothing (a pipe, a terminal, /dev/null). RC_DENIED: no, and `why` says so in a sentence
 * with path, mode and remedy. A link to a folder is followed: whoever made it owns the folder above. */
enum rc files_check(const char *path, char why[static FILES_WHY_BYTES]) MUST_CHECK;

/* The same of a folder and of every file right in it; folders in it are not entered. */
enum rc files_check_folder(const char *path, char why[static FILES_WHY_BYTES]) MUST_CHECK;

/* Make a folder and the missing ones above it, each 0700; one that exists is left as it is. */
enum rc files_make_folder(const char *path) MUST_CHECK;

/* Read at most capacity - 1 bytes; NUL-terminated. RC_TOO_BIG: there is more in it.
 * ret_mode (may be NULL) is the file's type and mode. RC_DENIED: it belongs to somebody else. */
enum rc files_read(const char *path, char *buf, size_t capacity, size_t *ret_len,
                   mode_t *ret_mode) MUST_CHECK;

/* Write a file that is there in full or not at all, after a power cut too: a temporary one beside it (0600), fsync,
 * then rename; or link, with `keep_existing`, which gives RC_END when the file is there already. */
enum rc files_write(const char *path, struct span content, bool keep_existing) MUST_CHECK;

/* A new name is safe on disk only when its folder is: sync the folder that holds `path`. */
enum rc files_sync_folder(const char *path) MUST_CHECK;

/* Remove a temporary file whose writer was killed: one that is older than a minute. */
void files_remove_stale(const char *path);

/* Hold an exclusive lock on `path` (made when missing) until it is closed. Returns the descriptor,
 * -1 when the system refused. */
int files_lock(const char *path);

#endif
