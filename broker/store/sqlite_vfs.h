/* sqlite_vfs.h - a layer over SQLite's own file system that writes the frames of a commit in one piece.
 *
 * SQLite writes each frame of its log in two pieces, header and page: of a commit that changes 60 pages come 120 system
 * calls. Here what is written to a log in a row is held until it is synced, or read; then it is one call. It is for
 * connections with synchronous = FULL: there nobody may see a frame before it is synced. A write that fails is told when
 * that is, by the sync, with the code of the write. */
#ifndef BROKER_STORE_SQLITE_VFS_H
#define BROKER_STORE_SQLITE_VFS_H

/* The name to open with; NULL, which is SQLite's own, when the layer cannot be had. */
const char *vfs_name(void);

#endif
