#include "client/logger/upkeep.h"

#include "client/logger/gzip.h"
#include "shared/base/log.h"

#include <errno.h>
#include <string.h>

#define AGAIN_MS 60000

void upkeep_init(struct upkeep *self, int dir_fd, const struct keep *keep, bool compresses)
{
    *self = (struct upkeep){.dir_fd = dir_fd, .keep = *keep, .compresses = compresses};
    gzip_clean(dir_fd);
}

void upkeep_set(struct upkeep *self, const struct keep *keep, bool compresses)
{
    self->keep = *keep;
    self->compresses = compresses;
    self->again_ms = 0;
}

void upkeep_fini(struct upkeep *self)
{
    gzip_close(&self->job);
}

bool upkeep_is_busy(const struct upkeep *self)
{
    return self->job != NULL;
}

/* What cannot be done is left for later: the archive goes on without. */
static void put_off(struct upkeep *self, const char *what, const char *name, uint64_t now_ms)
{
    if (!self->is_told)
        log_error("archive.upkeep",
                  "what=%s file=%s why=\"%s\" action=\"trying again every minute\"", what, name,
                  strerror(errno));
    self->is_told = true;
    self->again_ms = now_ms + AGAIN_MS;
}

void upkeep_step(struct upkeep *self, uint64_t now_ms)
{
    enum rc rc;

    if (self->job == NULL)
        return;
    rc = gzip_step(self->job);
    if (rc == RC_OK)
        return;
    if (rc == RC_END) {
        log_info("archive.compressed", "file=%s.gz", gzip_name(self->job));
        self->is_told = false;
    } else {
        put_off(self, "compress", gzip_name(self->job), now_ms);
    }
    gzip_close(&self->job);
}

static bool is_named_compressed(const char *name)
{
    const size_t len = strlen(name);

    return len > 3 && strcmp(name + len - 3, ".gz") == 0;
}

/* The oldest file that has to be compressed, or given its name. False: none. */
static bool compress_one(struct upkeep *self, const struct asides *all, uint64_t now_ms)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct aside *aside = &all->item[i];

        if (!aside->is_ours || is_named_compressed(aside->name))
            continue;
        if (aside->is_compressed) {
            if (gzip_rename(self->dir_fd, aside->name) != RC_OK)
                put_off(self, "rename", aside->name, now_ms);
            continue;
        }
        if (!self->compresses || aside->first == 0)
            continue;
        if (gzip_open(self->dir_fd, aside->name, &self->job) != RC_OK)
            put_off(self, "compress", aside->name, now_ms);
        return true;
    }
    return false;
}

bool upkeep_look(struct upkeep *self, const char *base, enum logfile_format format, uint64_t today,
                 bool holds_place, uint64_t now_ms)
{
    const bool has_limit = self->keep.count > 0 || self->keep.days > 0 || self->keep.size_bytes > 0;
    struct asides all;
    bool has_more;
    int removed = 0;

    if (self->job != NULL || now_ms < self->again_ms)
        return false;
    if (has_limit)
        removed = asides_trim(self->dir_fd, base, format, &self->keep, today, holds_place);
    if (removed < 0) {
        put_off(self, "remove", base, now_ms);
        return false;
    }
    if (removed > 0)
        log_info("archive.removed", "stream=%s files=%d", base, removed);
    all = asides_of(self->dir_fd, base, format);
    has_more = compress_one(self, &all, now_ms);
    asides_fini(&all);
    return !has_more;
}
