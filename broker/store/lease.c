#include "broker/store/lease.h"

#include "broker/store/store.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"

#include <stdlib.h>
#include <string.h>

/* More wait for the next time: those who want to commit wait meanwhile. */
#define PAGES_AT_ONCE 16

struct own_page {
    struct page *page; /* NULL: there was never anybody */
    bool is_due;       /* others have not been told */
};

struct seen {
    uint64_t broker;
    uint64_t version;
};

struct lease {
    struct store_broker own;
    struct own_page *page;
    size_t page_count;
    struct seen seen[STORE_BROKERS_MAX];
    uint64_t due_ms;
};

struct lease *lease_new(const struct store_broker *own)
{
    struct lease *self = x_alloc(1, sizeof(*self));

    self->own = *own;
    return self;
}

void lease_destroy(struct lease **self_p)
{
    struct lease *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->page_count; i++)
        free(self->page[i].page);
    free(self->page);
    free(self);
    *self_p = NULL;
}

static void keep(struct lease *self, struct page *page)
{
    if (page->number >= self->page_count) {
        const size_t count = (size_t)page->number + 1;

        self->page = x_realloc(self->page, count, sizeof(*self->page));
        memset(self->page + self->page_count, 0, (count - self->page_count) * sizeof(*self->page));
        self->page_count = count;
    }
    free(self->page[page->number].page);
    self->page[page->number] = (struct own_page){page, true};
    self->due_ms = 0;
}

void lease_tell(struct lease *self, struct lease_told **told_p)
{
    struct lease_told *told = *told_p;
    struct page *page;

    *told_p = NULL;
    if (self != NULL) {
        self->own.sessions = told->sessions;
        self->own.lag_ms = told->lag_ms;
        while ((page = pages_take(&told->pages)) != NULL)
            keep(self, page);
    }
    pages_fini(&told->pages);
    free(told);
}

uint64_t lease_due_ms(const struct lease *self)
{
    return self->due_ms;
}

/* What others have not been told, and, once that is done, whether there is more. */
static enum rc tell(struct lease *self, struct store *store, struct store_brokers *ret)
{
    const struct page *pages[PAGES_AT_ONCE];
    struct own_page *told[PAGES_AT_ONCE];
    size_t count = 0, i;

    for (i = 0; i < self->page_count && count < PAGES_AT_ONCE; i++) {
        if (self->page[i].is_due) {
            pages[count] = self->page[i].page;
            told[count++] = &self->page[i];
        }
    }
    enum rc rc = store_renew(store, &self->own, pages, count, ret);
    const bool is_full = rc == RC_DISK_FULL;

    if (is_full && count > 0) { /* the lease takes no more room than before */
        count = 0;
        rc = store_renew(store, &self->own, pages, count, ret);
    }
    self->due_ms = clock_mono_ms() + LEASE_AGAIN_MS;
    if (rc != RC_OK)
        return rc;
    for (i = 0; i < self->page_count && ret->is_anew; i++) /* but what was written just now */
        self->page[i].is_due = self->page[i].page != NULL;
    while (count > 0)
        told[--count]->is_due = false;
    for (i = 0; i < self->page_count && !is_full; i++) {
        if (self->page[i].is_due)
            self->due_ms = clock_mono_ms();
    }
    return RC_OK;
}

/* Of those who do not live the hub forgets the people: if one only stood still all of its pages are read again. */
static void forget_dead(struct lease *self, const struct store_brokers *brokers)
{
    for (size_t i = 0; i < STORE_BROKERS_MAX; i++) {
        bool is_live = false;

        for (size_t at = 0; at < brokers->count; at++)
            is_live = is_live || brokers->row[at].id == self->seen[i].broker;
        if (!is_live)
            self->seen[i] = (struct seen){.broker = 0};
    }
}

/* Where it is kept how far that broker was read. */
static struct seen *seen_of(struct lease *self, uint64_t id)
{
    struct seen *unused = NULL;

    for (size_t i = 0; i < STORE_BROKERS_MAX; i++) {
        if (self->seen[i].broker == id)
            return &self->seen[i];
        if (self->seen[i].broker == 0)
            unused = &self->seen[i];
    }
    if (unused != NULL) /* there are no more than those that live */
        *unused = (struct seen){.broker = id};
    return unused;
}

static enum rc read_others(struct lease *self, struct store *store, struct lease_heard *heard)
{
    enum rc rc = RC_OK;

    forget_dead(self, &heard->brokers);
    for (size_t i = 0; i < heard->brokers.count && rc == RC_OK; i++) {
        const struct store_broker *broker = &heard->brokers.row[i];
        struct seen *seen = broker->is_own ? NULL : seen_of(self, broker->id);

        if (seen != NULL && seen->version < broker->version)
            rc = store_read_pages(store, broker->id, &seen->version, &heard->pages);
    }
    /* Of an account that is told there a turn may have been written since we looked. */
    return rc == RC_OK && heard->pages.first != NULL ? store_follow(store) : rc;
}

enum rc lease_renew(struct lease *self, struct store *store, struct lease_heard **ret)
{
    struct lease_heard *heard = x_alloc(1, sizeof(*heard));
    enum rc rc = tell(self, store, &heard->brokers);

    if (rc == RC_OK)
        rc = read_others(self, store, heard);
    heard->ms = clock_mono_ms();
    if (rc == RC_OK) {
        *ret = heard;
        return RC_OK;
    }
    pages_fini(&heard->pages);
    free(heard);
    return rc;
}
