#include "broker/store/pages.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define FIXED_BYTES 21 /* of a row without a key, behind its length */

enum flag { FLAG_AWAY = 1, FLAG_SILENT = 2, FLAG_KEY = 4 };

_Static_assert(PAGE_ROW_BYTES_MAX == 2 + FIXED_BYTES + PUBLIC_KEY_BYTES && PRESENCE_PAGE <= 256,
               "a row's place and length are a byte each");

static unsigned char *put(unsigned char *at, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0)
        *at++ = (unsigned char)(number >> 8 * bytes);
    return at;
}

static uint64_t get(const unsigned char *at, unsigned bytes)
{
    uint64_t number = 0;

    while (bytes-- > 0)
        number = number << 8 | *at++;
    return number;
}

size_t page_encode(const struct presence rows[static PRESENCE_PAGE],
                   unsigned char ret[static PAGE_BYTES_MAX])
{
    unsigned char *at = ret;

    for (size_t i = 0; i < PRESENCE_PAGE; i++) {
        const struct presence *row = &rows[i];
        const unsigned flags = (row->is_away ? FLAG_AWAY : 0u) |
                               (row->is_silent ? FLAG_SILENT : 0u) | (row->has_key ? FLAG_KEY : 0u);

        if (row->session.v == 0)
            continue;
        at = put(at, i, 1);
        at = put(at, FIXED_BYTES + (row->has_key ? PUBLIC_KEY_BYTES : 0), 1);
        at = put(at, row->session.v, 8);
        at = put(at, row->account.v, 4);
        at = put(at, row->since_ms, 8);
        at = put(at, flags, 1);
        if (row->has_key) {
            memcpy(at, row->key, PUBLIC_KEY_BYTES);
            at += PUBLIC_KEY_BYTES;
        }
    }
    return (size_t)(at - ret);
}

/* A row's bytes behind its length. */
static bool get_row(const unsigned char *at, size_t len, struct presence *ret)
{
    const uint64_t flags = len < FIXED_BYTES ? 0 : get(at + FIXED_BYTES - 1, 1);
    const bool has_key = (flags & FLAG_KEY) != 0;

    if (len < FIXED_BYTES + (has_key ? PUBLIC_KEY_BYTES : 0u) || get(at, 8) == 0)
        return false;
    ret->session = (session_id){get(at, 8)};
    ret->account = (stream_id){(uint32_t)get(at + 8, 4)};
    ret->since_ms = get(at + 12, 8);
    ret->is_away = (flags & FLAG_AWAY) != 0;
    ret->is_silent = (flags & FLAG_SILENT) != 0;
    ret->has_key = has_key;
    if (has_key)
        memcpy(ret->key, at + FIXED_BYTES, PUBLIC_KEY_BYTES);
    return true;
}

enum rc page_decode(struct span bytes, struct presence ret[static PRESENCE_PAGE])
{
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;

    memset(ret, 0, PRESENCE_PAGE * sizeof(*ret));
    while (left > 0) {
        if (left < 2 || left - 2 < at[1] || !get_row(at + 2, at[1], &ret[at[0]]))
            return RC_MALFORMED;
        left -= 2u + at[1];
        at += 2 + at[1];
    }
    return RC_OK;
}

void pages_add(struct pages *self, uint64_t broker, uint32_t number, struct span bytes)
{
    struct page *page = x_alloc(1, sizeof(*page) + bytes.len);

    page->broker = broker;
    page->number = number;
    page->len = bytes.len;
    if (bytes.len > 0)
        memcpy(page->bytes, bytes.ptr, bytes.len);
    if (self->last == NULL)
        self->first = page;
    else
        self->last->next = page;
    self->last = page;
}

void pages_append(struct pages *self, struct pages *from)
{
    if (from->first == NULL)
        return;
    if (self->last == NULL)
        self->first = from->first;
    else
        self->last->next = from->first;
    self->last = from->last;
    *from = (struct pages){NULL, NULL};
}

struct page *pages_take(struct pages *self)
{
    struct page *page = self->first;

    if (page == NULL)
        return NULL;
    self->first = page->next;
    if (self->first == NULL)
        self->last = NULL;
    page->next = NULL;
    return page;
}

void pages_fini(struct pages *self)
{
    struct page *page;

    while ((page = pages_take(self)) != NULL)
        free(page);
}
