#include "client/tui/complete.h"

#include "shared/base/alloc.h"
#include "shared/base/limits.h"
#include "shared/text/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#define FOLDED_BYTES 512 /* of a name; what is longer fits nothing */

struct candidate {
    char name[COMPLETE_BYTES]; /* as it is put in, without what follows */
    char folded[COMPLETE_BYTES];
};

struct complete {
    struct candidate *item;
    size_t count, capacity;
    size_t index;
    bool is_running;
    size_t begin, end;     /* what the last step put there */
    char sigil;            /* 0: none */
    const char *following; /* what is put behind a name */
    char *text;            /* as the last step left it */
    size_t text_len, text_capacity;
};

struct complete *complete_new(void)
{
    return x_alloc(1, sizeof(struct complete));
}

void complete_destroy(struct complete **self_p)
{
    if (*self_p == NULL)
        return;
    free((*self_p)->item);
    free((*self_p)->text);
    free(*self_p);
    *self_p = NULL;
}

void complete_cancel(struct complete *self)
{
    self->is_running = false;
}

/* --- folding -------------------------------------------------------------------------------- */

static bool fold_ascii(struct span name, char *buf, size_t capacity)
{
    if (name.len >= capacity)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];

        if ((unsigned char)c >= 0x80)
            return false;
        buf[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    buf[name.len] = '\0';
    return true;
}

/* As names are folded (shared/text/name.h). False: too long, ill-formed, or ICU's data is missing. */
static bool fold(struct span name, char *buf, size_t capacity)
{
    UErrorCode error = U_ZERO_ERROR;
    UChar wide[FOLDED_BYTES], folded[FOLDED_BYTES];
    int32_t wide_len, folded_len, len;
    const UNormalizer2 *folder;

    if (fold_ascii(name, buf, capacity))
        return true;
    if (name.len >= FOLDED_BYTES)
        return false;
    folder = unorm2_getNFKCCasefoldInstance(&error);
    u_strFromUTF8(wide, FOLDED_BYTES, &wide_len, name.ptr, (int32_t)name.len, &error);
    if (U_FAILURE(error))
        return false;
    folded_len = unorm2_normalize(folder, wide, wide_len, folded, FOLDED_BYTES, &error);
    u_strToUTF8(buf, (int32_t)capacity - 1, &len, folded, folded_len, &error);
    if (U_FAILURE(error))
        return false;
    buf[len] = '\0';
    return true;
}

/* --- candidates ------------------------------------------------------------------------------ */

struct search {
    struct complete *self;
    void *context;
    char prefix[COMPLETE_BYTES]; /* folded */
    size_t prefix_len;
};

static bool has_folded(const struct complete *self, size_t upto, const char *folded)
{
    for (size_t i = 0; i < upto; i++) {
        if (strcmp(self->item[i].folded, folded) == 0)
            return true;
    }
    return false;
}

static struct candidate *new_candidate(struct complete *self)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 16 : 2 * self->capacity;
        self->item = x_realloc(self->item, self->capacity, sizeof *self->item);
    }
    return &self->item[self->count];
}

/* Add what fits of a list and is not among the first `known` already. */
static void add_list(const struct search *search, complete_list *list, size_t known)
{
    struct complete *self = search->self;
    struct span name;

    for (size_t i = 0; list != NULL && i < COMPLETE_CANDIDATES_MAX; i++) {
        struct candidate *candidate = new_candidate(self);

        if (!list(search->context, i, &name))
            return;
        if (name.len > NAME_BYTES_MAX || !fold(name, candidate->folded, sizeof candidate->folded) ||
            strncmp(candidate->folded, search->prefix, search->prefix_len) != 0 ||
            has_folded(self, known == SIZE_MAX ? self->count : known, candidate->folded))
            continue;
        memcpy(candidate->name, name.ptr, name.len);
        candidate->name[name.len] = '\0';
        self->count++;
    }
}

static int by_alphabet(const void *a, const void *b)
{
    return strcmp(((const struct candidate *)a)->folded, ((const struct candidate *)b)->folded);
}

static void sort_from(struct complete *self, size_t first)
{
    size_t kept = first;

    if (self->count > first)
        qsort(self->item + first, self->count - first, sizeof *self->item, by_alphabet);
    for (size_t i = first; i < self->count; i++) {
        if (kept == first || by_alphabet(&self->item[kept - 1], &self->item[i]) != 0)
            self->item[kept++] = self->item[i];
    }
    self->count = kept;
}

static bool gather(struct complete *self, const struct complete_source *source, struct span prefix)
{
    struct search search = {.self = self, .context = source->context};
    size_t recent = 0;

    self->count = 0;
    if (!fold(prefix, search.prefix, sizeof search.prefix))
        return false;
    search.prefix_len = strlen(search.prefix);
    if (self->sigil == '/') {
        add_list(&search, source->commands, 0);
    } else if (self->sigil == '#') {
        add_list(&search, source->rooms, 0);
    } else {
        add_list(&search, source->speakers, SIZE_MAX);
        recent = self->count;
        add_list(&search, source->nicks, recent);
    }
    sort_from(self, recent);
    return self->count > 0;
}

/* --- the word ---------------------------------------------------------------------------------- */

static size_t point_before(struct span text, size_t at, uint32_t *ret_point)
{
    size_t begin = at - 1;

    while (begin > 0 && at - begin < 4 && ((unsigned char)text.ptr[begin] & 0xC0) == 0x80)
        begin--;
    utf8_next((struct span){text.ptr + begin, at - begin}, ret_point);
    return begin;
}

static bool is_name_char(uint32_t point)
{
    return point == '-' || point == '_' ||
           (point != UTF8_ILL &&
            (u_isalnum((UChar32)point) || (U_GET_GC_MASK((UChar32)point) & U_GC_M_MASK) != 0));
}

/* Characters of scripts that write words without spaces. */
static bool is_ideograph(uint32_t point)
{
    if (point == UTF8_ILL)
        return false;
    switch (u_getIntPropertyValue((UChar32)point, UCHAR_LINE_BREAK)) {
    case U_LB_IDEOGRAPHIC:
    case U_LB_CONDITIONAL_JAPANESE_STARTER:
    case U_LB_COMPLEX_CONTEXT:
        return true;
    default:
        return false;
    }
}

/* What may stand right before a word that is completed, or before its sigil. */
static bool may_precede(struct span text, size_t at, bool has_prefix)
{
    uint32_t point;

    if (at == 0)
        return true;
    point_before(text, at, &point);
    if (has_prefix)
        return !is_name_char(point) || point >= 0x80;
    return point == ' ' || point == '\t' || point == '\n';
}

/* Set begin and sigil of the word before the cursor. False: there is nothing to complete. */
static bool find_word(struct complete *self, struct span text, size_t cursor, size_t *ret_name)
{
    size_t at = cursor;
    uint32_t point;

    while (at > 0) {
        const size_t before = point_before(text, at, &point);

        if (!is_name_char(point))
            break;
        at = before;
    }
    *ret_name = at;
    self->sigil = 0;
    self->begin = at;
    if (at > 0 && (text.ptr[at - 1] == '#' || text.ptr[at - 1] == '@' ||
                   (text.ptr[at - 1] == '/' && at == 1))) {
        self->sigil = text.ptr[at - 1];
        self->begin = at - 1;
        return may_precede(text, at - 1, true);
    }
    return may_precede(text, at, at < cursor);
}

/* --- steps --------------------------------------------------------------------------------------- */

static bool begin(struct complete *self, const struct complete_source *source, struct span text,
                  size_t cursor)
{
    size_t name;
    uint32_t point;

    self->is_running = false;
    self->count = 0;
    if (!find_word(self, text, cursor, &name))
        return false;
    while (!gather(self, source, (struct span){text.ptr + name, cursor - name})) {
        if (self->sigil != 0 || name == cursor)
            return false;
        name += utf8_next((struct span){text.ptr + name, cursor - name}, &point);
        self->begin = name;
        if (!is_ideograph(point) || name == cursor)
            return false;
    }
    self->end = cursor;
    self->following = self->begin == 0 && self->sigil == 0 ? ": " : " ";
    if (cursor < text.len && text.ptr[cursor] == ' ') /* it is there already */
        self->following = self->following[0] == ':' ? ":" : "";
    return true;
}

/* Keep the text as it will be, to know the next step. */
static void keep(struct complete *self, struct span text, const struct completion *put)
{
    const size_t len = text.len - (put->end - put->begin) + put->text_len;

    if (len > self->text_capacity) {
        self->text_capacity = 2 * len;
        self->text = x_realloc(self->text, self->text_capacity, 1);
    }
    memcpy(self->text, text.ptr, put->begin);
    memcpy(self->text + put->begin, put->text, put->text_len);
    memcpy(self->text + put->begin + put->text_len, text.ptr + put->end, text.len - put->end);
    self->text_len = len;
    self->end = put->begin + put->text_len;
    self->is_running = true;
}

static bool goes_on(const struct complete *self, struct span text, size_t cursor)
{
    return self->is_running && cursor == self->end &&
           span_equal(text, (struct span){self->text, self->text_len});
}

bool complete_step(struct complete *self, const struct complete_source *source, struct span text,
                   size_t cursor, bool backwards, struct completion *ret)
{
    struct completion put;
    char sigil[2] = "";

    if (goes_on(self, text, cursor))
        self->index = (self->index + (backwards ? self->count - 1 : 1)) % self->count;
    else if (begin(self, source, text, cursor))
        self->index = backwards ? self->count - 1 : 0;
    else
        return false;
    sigil[0] = self->sigil;
    put = (struct completion){
        .begin = self->begin, .end = self->end, .index = self->index, .count = self->count};
    put.text_len = (size_t)snprintf(put.text, sizeof put.text, "%s%s%s", sigil,
                                    self->item[self->index].name, self->following);
    keep(self, text, &put);
    *ret = put;
    return true;
}

bool complete_candidate(const struct complete *self, size_t index, struct span *ret)
{
    if (!self->is_running || index >= self->count)
        return false;
    *ret = span_of(self->item[index].name);
    return true;
}
