/* folder.h - a fresh folder for one test, removed with all that is in it. */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64];
};

/* False: the system gives none. */
static inline bool folder_open(struct folder *self)
{
    snprintf(self->path, sizeof(self->path), "/tmp/zchat-test-XXXXXX");
    return mkdtemp(self->path) != NULL;
}

static inline int folder_remove_one(const char *path, const struct stat *info, int type,
                                    struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void folder_close(struct folder *self)
{
    nftw(self->path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
