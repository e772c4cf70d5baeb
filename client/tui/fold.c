#include "client/tui/fold.h"

#include "shared/base/alloc.h"
#include "shared/text/clean.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_TOLD 12 /* the others are counted */

struct folded {
    char *nick;
    uint64_t seq; /* of the last word about this nick */
    bool is_join;
};

struct fold {
    struct folded *item;
    size_t count, capacity;
    uint64_t first_seq, last_seq;
};

struct fold *fold_new(void)
{
    return x_alloc(1, sizeof(struct fold));
}

void fold_destroy(struct fold **self_p)
{
    struct fold *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->count; i++)
        free(self->item[i].nick);
    free(self->item);
    free(self);
    *self_p = NULL;
}

static struct folded *find(struct fold *self, const char *nick)
{
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->item[i].nick, nick) == 0)
            return &self->item[i];
    }
    return NULL;
}

static struct folded *append(struct fold *self, const char *nick)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 4 : 2 * self->capacity;
        self->item = x_realloc(self->item, self->capacity, sizeof(*self->item));
    }
    self->item[self->count] = (struct folded){.nick = x_strdup(nick)};
    return &self->item[self->count++];
}

void fold_add(struct fold *self, uint64_t seq, const char *nick, bool is_join)
{
    struct folded *folded = find(self, nick);

    if (folded == NULL)
        folded = append(self, nick);
    if (seq >= folded->seq) {
        folded->seq = seq;
        folded->is_join = is_join;
    }
    if (self->first_seq == 0 || seq < self->first_seq)
        self->first_seq = seq;
    if (seq > self->last_seq)
        self->last_seq = seq;
}

bool fold_has_seq(const struct fold *self, uint64_t seq)
{
    /* Only neighbours are folded, so there is nothing else in between. */
    return seq >= self->first_seq && seq <= self->last_seq;
}

uint64_t fold_first_seq(const struct fold *self)
{
    return self->first_seq;
}

uint64_t fold_last_seq(const struct fold *self)
{
    return self->last_seq;
}

static size_t put_names(const struct fold *self, FILE *out, bool is_join, const char *before)
{
    size_t told = 0, count = 0;

    for (size_t i = 0; i < self->count; i++) {
        if (self->item[i].is_join != is_join)
            continue;
        count++;
        if (told == NAMES_TOLD)
            continue;
        fputs(told == 0 ? before : ", ", out);
        clean_write(out, span_of(self->item[i].nick), false, "");
        told++;
    }
    if (count > told)
        fprintf(out, " and %zu more", count - told);
    if (count > 0)
        fputs(is_join ? " joined" : " left", out);
    return count;
}

char *fold_text(const struct fold *self)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    size_t joined;

    if (out == NULL)
        return x_strdup("");
    joined = put_names(self, out, true, "");
    put_names(self, out, false, joined > 0 ? "; " : "");
    fclose(out);
    return text;
}
