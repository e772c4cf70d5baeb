#include "broker/store/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOOK_MS 1000
#define BALLAST "zchat.ballast"

static uint64_t free_bytes(const struct disk *self)
{
    struct statvfs fs;

    if (fstatvfs(self->folder, &fs) != 0)
        return UINT64_MAX; /* no reason to refuse; if the disk is gone, a write will say so */
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

bool disk_drop_ballast(int folder)
{
    return unlinkat(folder, BALLAST, 0) == 0;
}

static void make_ballast(struct disk *self)
{
    struct stat stat;
    const int file =
        openat(self->folder, BALLAST, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (file < 0)
        return;
    if (fstat(file, &stat) == 0 && (uint64_t)stat.st_size == self->ballast_bytes)
        self->has_ballast = true;
    else if (ftruncate(file, 0) == 0 && fallocate(file, 0, 0, (off_t)self->ballast_bytes) == 0)
        self->has_ballast = true;
    close(file);
    if (!self->has_ballast)
        (void)disk_drop_ballast(self->folder);
}

/* With as much free as this the ballast is made, and kept. */
static bool has_room_for_ballast(const struct disk *self, uint64_t bytes)
{
    return bytes >= self->ballast_bytes && bytes - self->ballast_bytes >= self->free_bytes_min;
}

static void look(struct disk *self)
{
    const uint64_t bytes = free_bytes(self);

    self->has_room = bytes >= self->free_bytes_min;
    if (!self->has_ballast && self->ballast_bytes > 0 && has_room_for_ballast(self, bytes))
        make_ballast(self);
}

void disk_init(struct disk *self, int folder, uint64_t free_bytes_min, uint64_t ballast_bytes)
{
    *self = (struct disk){
        .folder = folder, .free_bytes_min = free_bytes_min, .ballast_bytes = ballast_bytes};
    if (ballast_bytes == 0)
        (void)disk_drop_ballast(folder);
    look(self);
}

bool disk_has_room(struct disk *self, uint64_t now_ms)
{
    if (now_ms >= self->look_again_ms) {
        self->look_again_ms = now_ms + LOOK_MS;
        look(self);
    }
    return self->has_room;
}

bool disk_write_failed(struct disk *self, uint64_t now_ms)
{
    self->has_room = false;
    self->look_again_ms = now_ms + LOOK_MS;
    /* Not when only the log's own size limit was met. */
    if (!self->has_ballast || has_room_for_ballast(self, free_bytes(self)))
        return false;
    self->has_ballast = false;
    return disk_drop_ballast(self->folder);
}
