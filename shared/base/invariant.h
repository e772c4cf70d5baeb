/* invariant.h - our own faults end the process, in release builds too.
 *
 * Never for what a peer sent, a file held or the system returned. */
#ifndef SHARED_BASE_INVARIANT_H
#define SHARED_BASE_INVARIANT_H

/* Prints the condition with its place to stderr and aborts. */
_Noreturn void invariant_failed(const char *condition, const char *file, int line);

#define INVARIANT(cond) ((cond) ? (void)0 : invariant_failed(#cond, __FILE__, __LINE__))

#endif
