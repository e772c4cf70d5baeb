/* test_pages.c - who is at a broker, as bytes; and pages in a row. */
#include "tests/support/check.h"

#include "broker/store/pages.h"

#include <stdlib.h>
#include <string.h>

static struct presence somebody(uint64_t session)
{
    struct presence row = {.session = {session},
                           .account = {(uint32_t)(session * 7)},
                           .since_ms = UINT64_C(1795425710123),
                           .is_away = session % 2 == 0,
                           .is_silent = session % 3 == 0,
                           .has_key = session % 5 != 0};

    if (row.has_key)
        memset(row.key, (int)(session & 0xff), sizeof(row.key));
    return row;
}

static void assert_same(const struct presence *a, const struct presence *b)
{
    assert_int_equal(a->session.v, b->session.v);
    assert_int_equal(a->account.v, b->account.v);
    assert_int_equal(a->since_ms, b->since_ms);
    assert_int_equal(a->is_away, b->is_away);
    assert_int_equal(a->is_silent, b->is_silent);
    assert_int_equal(a->has_key, b->has_key);
    assert_memory_equal(a->key, b->key, sizeof(a->key));
}

static size_t encode(const struct presence *rows, unsigned char bytes[static PAGE_BYTES_MAX])
{
    return page_encode(rows, bytes);
}

static enum rc decode(const unsigned char *bytes, size_t len, struct presence *rows)
{
    /* Of its own size, so that the address sanitizer sees a byte too many. */
    char *copy = malloc(len > 0 ? len : 1);
    enum rc rc;

    memcpy(copy, bytes, len);
    rc = page_decode((struct span){copy, len}, rows);
    free(copy);
    return rc;
}

static void what_is_written_is_read(void **state)
{
    struct presence rows[PRESENCE_PAGE] = {0}, read[PRESENCE_PAGE];
    unsigned char bytes[PAGE_BYTES_MAX];

    (void)state;
    assert_int_equal(encode(rows, bytes), 0);
    assert_int_equal(decode(bytes, 0, read), RC_OK);
    assert_int_equal(read[0].session.v, 0);
    rows[3] = somebody(30);
    rows[255] = somebody(UINT64_MAX);
    assert_int_equal(decode(bytes, encode(rows, bytes), read), RC_OK);
    for (size_t i = 0; i < PRESENCE_PAGE; i++)
        assert_same(&rows[i], &read[i]);
    for (size_t i = 0; i < PRESENCE_PAGE; i++) {
        rows[i] = somebody(5 * i + 1);
    }
    assert_int_equal(encode(rows, bytes), PAGE_BYTES_MAX);
    assert_int_equal(decode(bytes, PAGE_BYTES_MAX, read), RC_OK);
    for (size_t i = 0; i < PRESENCE_PAGE; i++)
        assert_same(&rows[i], &read[i]);
}

static void what_a_newer_broker_adds_is_passed_over(void **state)
{
    struct presence rows[PRESENCE_PAGE] = {0}, read[PRESENCE_PAGE];
    unsigned char bytes[PAGE_BYTES_MAX];

    (void)state;
    rows[1] = somebody(7);
    rows[2] = somebody(9);
    size_t len = encode(rows, bytes);
    const size_t first = 2u + bytes[1];

    memmove(bytes + first + 3, bytes + first, len - first);
    memset(bytes + first, 0xee, 3);
    bytes[1] = (unsigned char)(bytes[1] + 3);
    assert_int_equal(decode(bytes, len + 3, read), RC_OK);
    assert_same(&rows[1], &read[1]);
    assert_same(&rows[2], &read[2]);
}

static void what_is_cut_or_says_nobody_is_no_page(void **state)
{
    struct presence rows[PRESENCE_PAGE] = {0}, read[PRESENCE_PAGE];
    unsigned char bytes[PAGE_BYTES_MAX];

    (void)state;
    rows[1] = somebody(7);
    const size_t len = encode(rows, bytes);

    for (size_t cut = 1; cut < len; cut++)
        assert_int_equal(decode(bytes, cut, read), RC_MALFORMED);
    bytes[1]--; /* the key is a byte too short */
    assert_int_equal(decode(bytes, len - 1, read), RC_MALFORMED);
    bytes[1]++;
    memset(bytes + 2, 0, 8);
    assert_int_equal(decode(bytes, len, read), RC_MALFORMED);
}

static void any_bytes_are_a_page_or_none(void **state)
{
    struct presence read[PRESENCE_PAGE];
    unsigned char bytes[300];
    unsigned seed = 1, good = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        const size_t len = round % sizeof(bytes);

        for (size_t i = 0; i < len; i++) {
            seed = seed * 1103515245u + 12345u;
            bytes[i] = (unsigned char)(seed >> 16);
        }
        for (size_t i = 1; i < len; i += 2u + bytes[i]) /* mostly of the right length */
            bytes[i] = (unsigned char)(21 + bytes[i] % 2 * 32);
        good += decode(bytes, len, read) == RC_OK;
    }
    assert_true(good > 0);
}

static void pages_are_taken_in_their_order(void **state)
{
    struct pages pages = {NULL, NULL}, more = {NULL, NULL};
    struct page *page;

    (void)state;
    pages_add(&pages, 1, 10, SPAN("a"));
    pages_append(&pages, &more);
    pages_add(&more, 2, 20, SPAN(""));
    pages_add(&more, 3, 30, SPAN("ccc"));
    pages_append(&pages, &more);
    assert_null(pages_take(&more));
    page = pages_take(&pages);
    assert_int_equal(page->broker, 1);
    assert_int_equal(page->number, 10);
    assert_memory_equal(page->bytes, "a", page->len);
    free(page);
    page = pages_take(&pages);
    assert_int_equal(page->len, 0);
    free(page);
    pages_add(&pages, 4, 40, SPAN("d"));
    page = pages_take(&pages);
    assert_int_equal(page->broker, 3);
    free(page);
    pages_fini(&pages);
    assert_null(pages_take(&pages));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_a_newer_broker_adds_is_passed_over),
        cmocka_unit_test(what_is_cut_or_says_nobody_is_no_page),
        cmocka_unit_test(any_bytes_are_a_page_or_none),
        cmocka_unit_test(pages_are_taken_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
