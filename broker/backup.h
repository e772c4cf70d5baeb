/* backup.h - the thread that copies what is stored (broker/store/copy.h), for BACKUP (protocol 5.4).
 *
 * Belongs to the hub's thread, which asks for one copy at a time. */
#ifndef BROKER_BACKUP_H
#define BROKER_BACKUP_H

#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdint.h>

struct backup;

/* `data` is borrowed; NULL: the messages are not in a folder, and every copy fails with a word about it. RC_SYSTEM: no thread or socket. */
enum rc backup_start(const char *data, uint64_t free_bytes_min, void *zmq_context,
                     struct backup **ret) MUST_CHECK;
void backup_stop(struct backup **self_p); /* a copy that runs is given up and removed */

/* The socket to poll for ZMQ_POLLIN. */
void *backup_socket(struct backup *self);

/* Make the copy of that name, a bare file name. None may run. */
void backup_ask(struct backup *self, struct span name);

struct backup_done {
    enum rc rc; /* RC_OK, RC_EXISTS, RC_DISK_FULL, RC_STOPPING, RC_FAILED: it is in the log why */
    uint64_t size_bytes;
    uint64_t events;
    uint64_t took_ms;
};

/* RC_END: none is done. */
enum rc backup_take(struct backup *self, struct backup_done *ret) MUST_CHECK;

#endif
