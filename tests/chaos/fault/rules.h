/* rules.h - which of a program's calls shall fail, and how.
 *
 *   ZCHAT_FAULT="CALL:ACTION[:KEY=VALUE]...[;...]"
 *
 * CALL:   malloc write fsync open accept
 * ACTION: an errno name (EIO ENOSPC EMFILE EROFS ENOMEM EACCES), `skip` (claim success, do nothing), or
 *         `count` (let pass; tell at the program's end how many there were)
 * KEY:    nth=N     only the Nth matching call          after=N    all but the first N
 *         path=P    only files whose path begins so     while=F    only while the file F exists
 *
 * Every call that failed, and every count, is a line `CALL ACTION NUMBER` in $ZCHAT_FAULT_LOG. */
#ifndef TESTS_CHAOS_FAULT_RULES_H
#define TESTS_CHAOS_FAULT_RULES_H

#include <stdbool.h>

enum call { CALL_MALLOC, CALL_WRITE, CALL_FSYNC, CALL_OPEN, CALL_ACCEPT, CALL_KINDS };

enum verdict { PASS, FAIL, SKIP };

/* Read the environment. A wrong rule ends the process: a test that tries nothing must not pass. */
void rules_load(void);

/* Count this call. FAIL: errno is set. `path` may be NULL, then `fd` tells it, when a rule asks. Safe in any
 * thread and within malloc(). */
enum verdict rules_judge(enum call call, const char *path, int fd);

/* Write the counts of `count` rules. */
void rules_tell_counts(void);

#endif
