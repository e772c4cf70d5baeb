/* pages.h - what brokers write beside their leases, of who is there: sessions in pages (core_brokers.h), as bytes.
 *
 * A row is its place in the page, how many bytes follow, and those: session, account, since when, how it is, and the device's
 * key if it has one. What a newer broker adds behind is passed over. */
#ifndef BROKER_STORE_PAGES_H
#define BROKER_STORE_PAGES_H

#include "broker/core/core_brokers.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#define PAGE_ROW_BYTES_MAX 55
#define PAGE_BYTES_MAX     (PRESENCE_PAGE * PAGE_ROW_BYTES_MAX) /* as this broker writes it */
#define PAGE_BYTES_READ    65536                                /* as another one may */

/* Returns the length; 0: nobody is there. */
size_t page_encode(const struct presence rows[static PRESENCE_PAGE],
                   unsigned char ret[static PAGE_BYTES_MAX]);
/* RC_MALFORMED: it is no page; *ret holds nothing of use then. */
enum rc page_decode(struct span bytes, struct presence ret[static PRESENCE_PAGE]) MUST_CHECK;

struct page {
    struct page *next;
    uint64_t broker; /* whose; 0: this one's */
    uint32_t number;
    size_t len;
    unsigned char bytes[];
};

/* First in, first out; born empty: `struct pages pages = {NULL, NULL};`. */
struct pages {
    struct page *first;
    struct page *last;
};

void pages_add(struct pages *self, uint64_t broker, uint32_t number, struct span bytes);
/* Behind those that are there; `from` is empty then. */
void pages_append(struct pages *self, struct pages *from);
/* The first one is the caller's, to be freed; NULL: there is none. */
struct page *pages_take(struct pages *self);
void pages_fini(struct pages *self);

#endif
