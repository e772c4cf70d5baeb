/* host.h - what the system says about this process and its disk.
 *
 * What is below /proc is opened once, before the sandbox closes it; the data folder is asked each time. */
#ifndef BROKER_OPS_HOST_H
#define BROKER_OPS_HOST_H

#include "broker/ops/options.h"

#include <dirent.h>

struct host {
    DIR *descriptors; /* /proc/self/fd; NULL: not to be had, and told as 0 */
    int memory;       /* /proc/self/statm; -1 likewise */
    uint64_t page_bytes;
    char data[PATH_BYTES_MAX];
    bool has_log; /* in the data folder */
};

/* `has_log`: what is stored is in the data folder; else a zchat.db in it is an old one, and none of our figures. */
void host_open(struct host *self, const char *data, bool has_log);
void host_close(struct host *self);

struct host_figures {
    uint64_t descriptors, descriptors_max;
    uint64_t resident_bytes, allocated_bytes; /* by malloc; a sanitizer's own heap is not seen */
    uint64_t database_bytes, wal_bytes;
    uint64_t disk_free_bytes, disk_size_bytes; /* size 0: not known */
};
void host_measure(struct host *self, struct host_figures *ret);

#endif
