#include "client/logger/asides.h"

#include "client/logger/calendar.h"
#include "client/logger/recover.h"
#include "shared/base/alloc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_S 86400

/* Step over "2026-11-23" or twelve digits and more; the same pointer: it is neither. */
static const char *skip_date(const char *at)
{
    char date[11];

    if (strnlen(at, 10) < 10)
        return at;
    memcpy(date, at, 10);
    date[10] = '\0';
    return calendar_day(date) > 0 ? at + 10 : at;
}

static const char *skip_seq(const char *at)
{
    const size_t len = strspn(at, "0123456789");

    return len >= 12 ? at + len : at;
}

/* What stands behind "%23lobby." in the name of a file; false: it was not put aside. */
static bool read_name(const char *rest, const char *ending, struct aside *ret)
{
    const char *at = skip_date(rest);
    char date[11];

    if (strncmp(rest, ending + 1, strlen(ending) - 1) == 0)
        return rest[strlen(ending) - 1] != '\0'; /* another program's */
    if (at != rest) {
        memcpy(date, rest, 10);
        date[10] = '\0';
        ret->day = calendar_day(date);
        if (*at == '.' && skip_seq(at + 1) != at + 1)
            at = skip_seq(at + 1);
    } else {
        at = skip_seq(rest);
    }
    if (at == rest || strncmp(at, ending, strlen(ending)) != 0)
        return false;
    at += strlen(ending);
    ret->is_ours = *at == '\0' || strcmp(at, ".gz") == 0;
    return ret->is_ours;
}

static bool look_into(int dir_fd, enum logfile_format format, struct aside *ret)
{
    const int fd = openat(dir_fd, ret->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct stat info;

    if (fd < 0)
        return false;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return false;
    }
    ret->size_bytes = (uint64_t)info.st_size;
    if (ret->day == 0 && info.st_mtime > 0)
        ret->day = (uint64_t)info.st_mtime / DAY_S;
    ret->is_compressed = recover_is_compressed(fd);
    ret->first = recover_first(fd, format);
    close(fd);
    return true;
}

static int by_first(const void *a, const void *b)
{
    const struct aside *left = a, *right = b;

    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    return strcmp(left->name, right->name);
}

struct asides asides_of(int dir_fd, const char *base, enum logfile_format format)
{
    /* A descriptor of its own: the position in the folder is not shared. */
    const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const size_t len = strlen(base);
    struct asides self = {.item = NULL};
    const struct dirent *entry;

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return self;
    }
    while ((entry = readdir(dir)) != NULL) {
        struct aside aside = {.is_ours = false};

        if (strncmp(entry->d_name, base, len) != 0 || entry->d_name[len] != '.' ||
            !read_name(entry->d_name + len + 1, logfile_ending(format), &aside))
            continue;
        snprintf(aside.name, sizeof aside.name, "%s", entry->d_name);
        if (!look_into(dir_fd, format, &aside))
            continue;
        self.item = x_realloc(self.item, self.count + 1, sizeof *self.item);
        self.item[self.count++] = aside;
    }
    closedir(dir);
    if (self.count > 0)
        qsort(self.item, self.count, sizeof *self.item, by_first);
    return self;
}

void asides_fini(struct asides *self)
{
    free(self->item);
    *self = (struct asides){.item = NULL};
}

uint64_t asides_place(int dir_fd, const char *base, enum logfile_format format)
{
    struct asides all = asides_of(dir_fd, base, format);
    uint64_t place = 0;

    /* The one that begins last ends last, unless it is damaged. */
    for (size_t i = all.count; i > 0 && all.item[i - 1].first > place; i--) {
        const int fd = openat(dir_fd, all.item[i - 1].name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct tail tail;

        if (fd < 0)
            continue;
        if (recover_file(fd, format, &tail) == RC_OK && tail.place > place)
            place = tail.place;
        close(fd);
    }
    asides_fini(&all);
    return place;
}

/* Those of ours that can be read, still by `first`. */
static void keep_ours(struct asides *self)
{
    size_t count = 0;

    for (size_t i = 0; i < self->count; i++)
        if (self->item[i].is_ours && self->item[i].first > 0)
            self->item[count++] = self->item[i];
    self->count = count;
}

int asides_trim(int dir_fd, const char *base, enum logfile_format format, const struct keep *keep,
                uint64_t today, bool holds_place)
{
    struct asides all = asides_of(dir_fd, base, format);
    uint64_t size = 0;
    int removed = 0;

    keep_ours(&all);
    for (size_t i = 0; i < all.count; i++)
        size += all.item[i].size_bytes;
    for (size_t i = 0; i < all.count; i++) {
        const struct aside *aside = &all.item[i];
        const bool is_newest = i + 1 == all.count;
        const bool is_old = keep->days > 0 && aside->day > 0 && aside->day + keep->days < today;
        const bool is_much = (keep->count > 0 && all.count - i > keep->count) ||
                             (keep->size_bytes > 0 && size > keep->size_bytes);

        if ((!is_old && !is_much) || (is_newest && (holds_place || !is_old)))
            break;
        if (unlinkat(dir_fd, aside->name, 0) != 0 && errno != ENOENT) {
            removed = -1;
            break;
        }
        size -= aside->size_bytes;
        removed++;
    }
    asides_fini(&all);
    return removed;
}
