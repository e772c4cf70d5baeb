/* secret.h - what nobody else may read: this process, its files, its keys. */
#ifndef SHARED_BASE_SECRET_H
#define SHARED_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* First thing in main(), after stdfds_fill(): no core file, no debugger of another process, no /proc/PID/mem
 * and environ for others of the same user, and what we make on disk is for us alone (umask 077). Programs that we
 * start inherit the umask and the missing core files. With a sanitizer only the core file and the umask are dealt with. */
void secret_guard_process(void);

/* Keep these bytes out of the swap (mlock), and out of core files. False with errno: the system's limit
 * (RLIMIT_MEMLOCK) does not allow it, and they are usable all the same. For few and long-lived keys: the
 * whole page is locked. What libzmq copies of a key is not reached by it. */
bool secret_lock(void *bytes, size_t len);
/* Wipe them; the page is no longer locked. */
void secret_forget(void *bytes, size_t len);

#endif
