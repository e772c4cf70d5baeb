/* disk.h - room on the log's file system: a watermark that is kept free, and a ballast to give up.
 *
 * Folding the log back and deleting need room too, so a disk that is full to the last byte would stay
 * so: the ballast is a file that makes room when a write has failed. */
#ifndef BROKER_STORE_DISK_H
#define BROKER_STORE_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct disk {
    int folder; /* borrowed: the folder's descriptor */
    uint64_t free_bytes_min;
    uint64_t ballast_bytes;
    uint64_t look_again_ms;
    bool has_room;
    bool has_ballast;
};

/* Look at the folder; makes the ballast when there is room for it. */
void disk_init(struct disk *self, int folder, uint64_t free_bytes_min, uint64_t ballast_bytes);

/* Looks once a second at most. `now_ms` is monotonic. */
bool disk_has_room(struct disk *self, uint64_t now_ms);

/* A write found the disk full: no room until the next look, and the ballast goes if it must. True:
 * it went, so that a little can be written. */
bool disk_write_failed(struct disk *self, uint64_t now_ms);

/* Give the ballast of that folder up; false: there was none. */
bool disk_drop_ballast(int folder);

#endif
