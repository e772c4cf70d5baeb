/* keyfile.h - the broker's folder: who may use it, its key pair and its address.
 *
 * Every failure is RC_SYSTEM or RC_BAD_KEY_FILE with one sentence in `why`. */
#ifndef BROKER_OPS_KEYFILE_H
#define BROKER_OPS_KEYFILE_H

#include "shared/base/limits.h"
#include "shared/base/rc.h"

#include <stdbool.h>

#define FOLDER_WHY_BYTES 1024

/* Make the folder (0700, with its parents) unless it is there, and lock it against a second broker
 * until *ret_lock (a file descriptor) is closed. Refused: a folder, or any file in it, that others may
 * use (files_check_folder()). */
enum rc folder_open(const char *folder, int *ret_lock,
                    char why[static FOLDER_WHY_BYTES]) MUST_CHECK;

struct key_pair {
    unsigned char public_key[PUBLIC_KEY_BYTES];
    unsigned char secret_key[PUBLIC_KEY_BYTES];
};

/* Read FOLDER/broker.key, or make it (0600) when it is not there. A damaged file, or one that others may read,
 * is RC_BAD_KEY_FILE and left alone. */
enum rc key_pair_load(const char *folder, struct key_pair *ret,
                      char why[static FOLDER_WHY_BYTES]) MUST_CHECK;

/* Read that file, of the same form. RC_SYSTEM, too: there is none. */
enum rc key_pair_read(const char *path, struct key_pair *ret,
                      char why[static FOLDER_WHY_BYTES]) MUST_CHECK;
/* Make it; what is there already stays, and is RC_EXISTS. */
enum rc key_pair_make(const char *path, char why[static FOLDER_WHY_BYTES]) MUST_CHECK;

/* Write `url` and a newline to FOLDER/broker.url. */
enum rc url_file_write(const char *folder, const char *url,
                       char why[static FOLDER_WHY_BYTES]) MUST_CHECK;

/* Where local clients look: $XDG_RUNTIME_DIR/zchat. False: there is no such folder, or it has no room. */
bool url_folder_of_user(char *ret, size_t capacity);
/* Remove FOLDER/broker.url if it still holds this url: another broker may have taken its place. */
void url_file_remove(const char *folder, const char *url);

#endif
