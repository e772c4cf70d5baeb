/* landlock.h - which files and ports this process may still reach (Landlock, by raw system calls).
 *
 * Begin, allow, enforce. What is open already stays open. It binds the thread that enforces and those it starts
 * afterwards, no older ones: enforce before the first thread. For good: it can only be narrowed. */
#ifndef BROKER_OPS_LANDLOCK_H
#define BROKER_OPS_LANDLOCK_H

#include "shared/base/rc.h"

#include <stdbool.h>
#include <stdint.h>

enum landlock_use {
    LANDLOCK_READ = 1,   /* files: read; folders: list */
    LANDLOCK_MAKE = 2,   /* files: make and write, not read */
    LANDLOCK_WRITE = 4,  /* files: read, make, write, rename and remove; folders: list */
    LANDLOCK_SOCKET = 8, /* sockets: make and remove */
};

struct landlock {
    int abi;     /* what the kernel can: 0 nothing, 4 ports as well */
    int ruleset; /* -1: not begun */
};

/* `limits_ports`: TCP ports may be bound only when allowed, and connected to only when allowed, with or without it (ABI 4).
 * `allows_abstract`: abstract sockets of others may be spoken to (ABI 6 forbids it otherwise).
 * RC_END: this kernel has no Landlock; RC_SYSTEM: errno. */
enum rc landlock_begin(struct landlock *self, bool limits_ports, bool allows_abstract) MUST_CHECK;

/* This file, or this folder and all below it; `uses` is of enum landlock_use. What is not there is passed over,
 * and so are pipes, of which the kernel takes no rules. RC_SYSTEM: errno. */
enum rc landlock_allow(struct landlock *self, const char *path, unsigned uses) MUST_CHECK;
enum rc landlock_allow_port(struct landlock *self, uint16_t port) MUST_CHECK;
/* To connect to this TCP port, of any machine. */
enum rc landlock_allow_connect(struct landlock *self, uint16_t port) MUST_CHECK;

/* From here on. Also sets no_new_privs. RC_SYSTEM: errno. */
enum rc landlock_enforce(struct landlock *self) MUST_CHECK;
/* After a failure: what was begun. */
void landlock_fini(struct landlock *self);

#endif
