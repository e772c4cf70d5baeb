#include "client/lib/net/places.h"

#include "shared/base/alloc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_MAX     8192
#define LINE_BYTES_MAX (STREAM_BYTES_MAX + 24)
#define FILE_BYTES_MAX (PLACES_MAX * LINE_BYTES_MAX + 2)

struct place {
    char stream[STREAM_BYTES_MAX + 1];
    uint64_t seq;
    bool is_own; /* stands whatever the file says: forgotten, or set back */
};

struct places {
    char path[FILE_PATH_MAX];
    struct place *item;
    size_t count, capacity;
    bool is_dirty;
    uint64_t save_at_ms;
};

static struct place *find(const struct places *self, struct span stream)
{
    for (size_t i = 0; i < self->count; i++) {
        if (span_equal(span_of(self->item[i].stream), stream))
            return &self->item[i];
    }
    return NULL;
}

static struct place *find_or_add(struct places *self, struct span stream)
{
    struct place *place = find(self, stream);

    if (place != NULL)
        return place;
    if (self->count == PLACES_MAX || stream.len == 0 || stream.len > STREAM_BYTES_MAX)
        return NULL;
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 16 : 2 * self->capacity;
        self->item = x_realloc(self->item, self->capacity, sizeof(*self->item));
    }
    place = &self->item[self->count++];
    memset(place, 0, sizeof(*place));
    memcpy(place->stream, stream.ptr, stream.len);
    return place;
}

/* "STREAM SEQ"; lines that are something else are left out. */
static void take_line(struct places *self, const char *line)
{
    const char *space = strchr(line, ' ');
    struct place *place;
    char *end;
    uint64_t seq;

    if (space == NULL || (line[0] != '#' && line[0] != '@') || space[1] < '1' || space[1] > '9')
        return;
    seq = strtoull(space + 1, &end, 10);
    if (*end != '\0')
        return;
    place = find_or_add(self, (struct span){line, (size_t)(space - line)});
    if (place != NULL && !place->is_own && place->seq < seq)
        place->seq = seq;
}

/* What the file says and is farther than what is known here. */
static void merge(struct places *self)
{
    char *text = x_alloc(FILE_BYTES_MAX, 1), *rest = NULL, *line;
    size_t len;

    if (files_read(self->path, text, FILE_BYTES_MAX, &len, NULL) == RC_OK) {
        for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
            take_line(self, line);
    }
    free(text);
}

/* What killed runs have left of files they were about to replace. */
static void clean_up(const char *folder, const char *id)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[FILE_PATH_MAX];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, id, strlen(id)) != 0 || entry->d_name[strlen(id)] != '.')
            continue;
        snprintf(path, sizeof(path), "%s/%.*s", folder, 250, entry->d_name);
        files_remove_stale(path);
    }
    if (dir != NULL)
        closedir(dir);
}

struct places *places_open(const struct home *home, const char *id)
{
    struct places *self = x_alloc(1, sizeof(*self));
    char folder[FILE_PATH_MAX - 256];

    snprintf(folder, sizeof(folder), "%s/places", home->state);
    if (files_make_folder(folder) != RC_OK) {
        /* then there are no places, and none are kept */
    }
    clean_up(folder, id);
    snprintf(self->path, sizeof(self->path), "%s/%.*s", folder, 200, id);
    merge(self);
    return self;
}

static void save(struct places *self)
{
    char *text;
    size_t len = 0;

    merge(self);
    text = x_alloc(self->count + 1, LINE_BYTES_MAX);
    for (size_t i = 0; i < self->count; i++) {
        const struct place *place = &self->item[i];

        if (place->seq != 0)
            len += (size_t)snprintf(text + len, LINE_BYTES_MAX, "%s %" PRIu64 "\n", place->stream,
                                    place->seq);
    }
    if (files_write(self->path, (struct span){text, len}, false) != RC_OK) {
        /* it will be tried with the next news; until then some lines may be shown twice */
    }
    free(text);
    self->is_dirty = false;
}

void places_close(struct places **self_p)
{
    struct places *self = *self_p;

    if (self == NULL)
        return;
    if (self->is_dirty)
        save(self);
    free(self->item);
    free(self);
    *self_p = NULL;
}

uint64_t places_get(const struct places *self, struct span stream)
{
    const struct place *place = find(self, stream);

    return place == NULL ? 0 : place->seq;
}

void places_set(struct places *self, struct span stream, uint64_t seq)
{
    struct place *place = find_or_add(self, stream);

    if (place == NULL || place->seq == seq)
        return;
    if (seq < place->seq)
        place->is_own = true;
    place->seq = seq;
    self->is_dirty = true;
}

void places_tick(struct places *self, uint64_t now_ms)
{
    if (!self->is_dirty || now_ms < self->save_at_ms)
        return;
    save(self);
    self->save_at_ms = now_ms + PLACES_EVERY_MS;
}

uint64_t places_deadline_ms(const struct places *self)
{
    return self->is_dirty ? self->save_at_ms : UINT64_MAX;
}
