#include "broker/ops/host.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

void host_open(struct host *self, const char *data, bool has_log)
{
    self->descriptors = opendir("/proc/self/fd");
    self->memory = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    self->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    snprintf(self->data, sizeof(self->data), "%s", data);
    self->has_log = has_log;
}

void host_close(struct host *self)
{
    if (self->descriptors != NULL)
        (void)closedir(self->descriptors);
    if (self->memory >= 0)
        (void)close(self->memory);
    self->descriptors = NULL;
    self->memory = -1;
}

static uint64_t count_descriptors(struct host *self)
{
    const struct dirent *entry;
    uint64_t count = 0;

    if (self->descriptors == NULL)
        return 0;
    rewinddir(self->descriptors);
    while ((entry = readdir(self->descriptors)) != NULL)
        count += entry->d_name[0] != '.';
    return count;
}

/* The second number of statm: pages that are in memory. */
static uint64_t resident_bytes(const struct host *self)
{
    char text[128];
    const ssize_t len = self->memory < 0 ? -1 : pread(self->memory, text, sizeof(text) - 1, 0);

    if (len <= 0)
        return 0;
    text[len] = '\0';
    const char *space = strchr(text, ' ');
    return space == NULL ? 0 : strtoull(space, NULL, 10) * self->page_bytes;
}

/* Of all heaps, and what was mapped by itself. The walk holds each heap for as long as its free pieces take to count. */
static uint64_t allocated_bytes(void)
{
    const struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static uint64_t size_of(const struct host *self, const char *name)
{
    char path[PATH_BYTES_MAX + 32];
    struct stat info;

    snprintf(path, sizeof(path), "%s/%s", self->data, name);
    return self->has_log && stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

void host_measure(struct host *self, struct host_figures *ret)
{
    struct rlimit limit = {0};
    struct statvfs disk = {0};

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    *ret = (struct host_figures){.descriptors = count_descriptors(self),
                                 .descriptors_max = limit.rlim_cur,
                                 .resident_bytes = resident_bytes(self),
                                 .allocated_bytes = allocated_bytes(),
                                 .database_bytes = size_of(self, "zchat.db"),
                                 .wal_bytes = size_of(self, "zchat.db-wal")};
    if (statvfs(self->data, &disk) == 0) {
        ret->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
        ret->disk_size_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    }
}
