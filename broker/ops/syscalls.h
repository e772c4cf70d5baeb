/* syscalls.h - the system calls this process may still make (seccomp, by libseccomp).
 *
 * What a broker needs is allowed; what only an intruder needs (another program, somebody else's memory, mounting, loading into
 * the kernel) ends the process; the rest fails with EPERM and stands in the kernel's log (audit type 1326). */
#ifndef BROKER_OPS_SYSCALLS_H
#define BROKER_OPS_SYSCALLS_H

#include "shared/base/rc.h"

/* From here on, for all threads, for good. Sets no_new_privs. RC_SYSTEM: errno, and nothing is limited. */
enum rc syscalls_limit(void) MUST_CHECK;

#endif
