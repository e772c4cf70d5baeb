/* sandbox.h - what the broker gives up before it serves strangers: files, ports and system calls it has no use for.
 *
 * Two steps, since the kernel binds threads differently: files and ports before the first thread is started, calls
 * after the last one. What this kernel cannot do is warned of and done without; sandbox=off is warned of. */
#ifndef BROKER_OPS_SANDBOX_H
#define BROKER_OPS_SANDBOX_H

#include "broker/ops/options.h"

/* A server that is connected to again while we run. */
#define SANDBOX_FILES_MAX 5
#define SANDBOX_PORTS_MAX 8
struct sandbox_peer {
    uint16_t ports[SANDBOX_PORTS_MAX];  /* of TCP, of its hosts; 0: none, or a local socket */
    char files[SANDBOX_FILES_MAX][256]; /* or folders, to read for it; or "" */
};

struct sandbox {
    bool is_on;
    int landlock_abi;     /* 0: files are not limited */
    const char *no_files; /* why they are not; static */
    const char *
        pinned; /* a file of the configuration that shares its folder, or ""; borrowed from the options */
};

/* From here on: files are the data folder, the log's folder (to write), the configuration (its own folder, else the file; to read), where
 * the address for local clients is written, and the folders of ipc sockets; TCP ports are the two of options->port (any with
 * port 0), and nobody is connected to but the peer. What is
 * open already goes on: the metrics page's listener, what is read of /proc. Who needs more adds it here. RC_SYSTEM: `why`. */
enum rc sandbox_limit_files(struct sandbox *self, const struct options *options,
                            const struct sandbox_peer *peer,
                            char why[static OPTIONS_WHY_BYTES]) MUST_CHECK;

/* From here on: system calls are those of syscalls.c. Logs in one line what is in force. Not in builds with a
 * sanitizer, which makes calls of its own. */
void sandbox_limit_calls(const struct sandbox *self);

#endif
