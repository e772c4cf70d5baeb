/* handover.h - memory changes hands through a libzmq socket.
 *
 * The socket orders what the giver did before what the taker does, but the thread sanitizer does
 * not see into libzmq; these tell it. They do nothing in other builds. */
#ifndef SHARED_BASE_HANDOVER_H
#define SHARED_BASE_HANDOVER_H

#if defined(__SANITIZE_THREAD__)
void __tsan_release(void *address);
void __tsan_acquire(void *address);
#endif

/* Right before sending a pointer to `memory`. */
static inline void handover_give(void *memory)
{
#if defined(__SANITIZE_THREAD__)
    __tsan_release(memory);
#else
    (void)memory;
#endif
}

/* Right after receiving it. */
static inline void handover_take(void *memory)
{
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(memory);
#else
    (void)memory;
#endif
}

#endif
