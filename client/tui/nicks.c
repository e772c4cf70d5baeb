#include "client/tui/nicks.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

void nicks_fini(struct nicks *self)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->nick[i]);
    free(self->nick);
    *self = (struct nicks){0};
}

/* Where it stands, or would. */
static size_t place_of(const struct nicks *self, const char *nick)
{
    size_t low = 0, high = self->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (strcmp(self->nick[middle], nick) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const struct nicks *self, size_t at, const char *nick)
{
    return at < self->count && strcmp(self->nick[at], nick) == 0;
}

void nicks_put(struct nicks *self, const char *nick)
{
    const size_t at = place_of(self, nick);

    if (has(self, at, nick) || self->count == NICKS_MAX)
        return;
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 16 : 2 * self->capacity;
        self->nick = x_realloc(self->nick, self->capacity, sizeof(*self->nick));
    }
    memmove(&self->nick[at + 1], &self->nick[at], (self->count - at) * sizeof(*self->nick));
    self->nick[at] = x_strdup(nick);
    self->count++;
}

void nicks_drop(struct nicks *self, const char *nick)
{
    const size_t at = place_of(self, nick);

    if (!has(self, at, nick))
        return;
    free(self->nick[at]);
    self->count--;
    memmove(&self->nick[at], &self->nick[at + 1], (self->count - at) * sizeof(*self->nick));
}
