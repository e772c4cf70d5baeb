/* store_box.h - a store of any kind for a test, and what it says. Include after check.h. */
#ifndef TESTS_SUPPORT_STORE_BOX_H
#define TESTS_SUPPORT_STORE_BOX_H

#include "broker/store/store.h"
#include "broker/store/store_pg.h"
#include "shared/wire/wire.h"
#include "tests/support/pg_server.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOX_UNUSED __attribute__((unused))

enum box_kind { BOX_MEMORY, BOX_SQLITE, BOX_PG };

/* Nothing may be written. A server's disk cannot be seen from here; of a log there what it takes is limited. */
#define BOX_LIMITS_FULL                                   \
    {                                                     \
        .free_bytes_min = UINT64_MAX, .size_bytes_max = 1 \
    }

struct box {
    enum box_kind kind;
    char folder[48];
    struct store *store;
    struct store_reader *reader;
    uint64_t now_ms;
    struct op_result result; /* of the last operation */
};

static inline void box_counting_entropy(void *context, unsigned char *bytes, size_t len)
{
    unsigned char *next = context;

    memset(bytes, ++*next, len);
}

static inline int box_remove_one(const char *path, const struct stat *stat, int type,
                                 struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static BOX_UNUSED void box_remove_folder(const char *folder)
{
    nftw(folder, box_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static BOX_UNUSED void box_open(struct box *self)
{
    static unsigned char counter;
    const struct store_limits limits = {0};
    const struct pg_options options = {.url = self->kind == BOX_PG ? pg_server_url() : ""};
    struct pg_facts facts;
    const char *why = "";
    enum rc rc;

    if (self->kind == BOX_SQLITE)
        rc = store_open_sqlite(self->folder, &self->store, &why);
    else if (self->kind == BOX_PG)
        rc = store_open_pg(&options, &self->store, &facts, &why);
    else
        rc = store_open_memory(box_counting_entropy, &counter, &self->store);
    if (rc != RC_OK)
        print_error("%s\n", why);
    assert_int_equal(rc, RC_OK);
    store_set_limits(self->store, &limits);
    assert_int_equal(store_reader_open(self->store, &self->reader), RC_OK);
}

/* With a folder, but no store in it yet. */
static BOX_UNUSED struct box *box_empty(enum box_kind kind, uint64_t now_ms)
{
    struct box *self = calloc(1, sizeof(*self));

    assert_non_null(self);
    self->kind = kind;
    self->now_ms = now_ms;
    snprintf(self->folder, sizeof(self->folder), "/tmp/zchat-store-XXXXXX");
    assert_non_null(mkdtemp(self->folder));
    return self;
}

static BOX_UNUSED struct box *box_new(enum box_kind kind)
{
    struct box *self = box_empty(kind, 1000);

    if (kind == BOX_PG)
        pg_server_empty();
    box_open(self);
    return self;
}

static BOX_UNUSED void box_close(struct box *self)
{
    store_reader_close(&self->reader);
    store_close(&self->store);
}

static BOX_UNUSED void box_destroy(struct box *self)
{
    box_close(self);
    box_remove_folder(self->folder);
    free(self);
}

/* One operation in a transaction of its own; the verdict. */
static BOX_UNUSED enum rc box_apply(struct box *self, const struct op *op)
{
    assert_int_equal(store_apply(self->store, op, 1, &self->result), RC_OK);
    assert_int_equal(self->result.kind, op->kind);
    assert_int_equal(self->result.ticket.v, op->ticket.v);
    return self->result.rc;
}

/* An event's map in the last results. */
static BOX_UNUSED struct message read_event(struct span wire)
{
    struct wire_reader reader = wire_reader_over(wire, TO_CLIENT | TO_EVERYBODY);
    struct message message;

    assert_int_equal(wire_read(&reader, &message), RC_OK);
    assert_int_equal(message.verb, VERB_EVENT);
    assert_ptr_equal(reader.at, reader.end);
    return message;
}

static BOX_UNUSED struct store_page read_range(struct box *self, stream_id stream, uint64_t first,
                                               uint64_t last, uint64_t since_ms)
{
    const struct store_range range = {.stream = stream,
                                      .first = first,
                                      .last = last,
                                      .since_ms = since_ms,
                                      .events_max = FETCH_PAGE_EVENTS_MAX,
                                      .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct store_page page;

    assert_int_equal(store_read(self->reader, &range, &page), RC_OK);
    return page;
}

#define assert_span_equal(bytes, text)                     \
    do {                                                   \
        const struct span bytes_ = (bytes);                \
        assert_int_equal(bytes_.len, strlen(text));        \
        assert_memory_equal(bytes_.ptr, text, bytes_.len); \
    } while (0)

#endif
