#include "broker/recent.h"

#include "tests/support/check.h"

#include <inttypes.h>
#include <stdio.h>

#define ROOM  ((stream_id){7})
#define OTHER ((stream_id){8})

struct page {
    char bytes[4096];
    struct wire_buf buf;
};

static void note(struct recent *recent, stream_id stream, uint64_t seq)
{
    char text[32];

    snprintf(text, sizeof(text), "<%u:%" PRIu64 ">", stream.v, seq);
    recent_note(recent, stream, seq, span_of(text));
}

static void note_all(struct recent *recent, stream_id stream, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        note(recent, stream, seq);
}

/* What is read, or NULL. */
static const char *read_back(struct recent *recent, stream_id stream, uint64_t first, uint64_t last)
{
    static struct page page;

    page.buf = (struct wire_buf){page.bytes, 0, sizeof(page.bytes) - 1};
    if (!recent_read(recent, stream, first, last, &page.buf)) {
        assert_int_equal(page.buf.len, 0);
        return NULL;
    }
    page.bytes[page.buf.len] = '\0';
    return page.bytes;
}

static void what_was_said_is_read_back_in_order(void **state)
{
    struct recent *recent = recent_new(4096);

    (void)state;
    note(recent, ROOM, 3);
    note(recent, OTHER, 4);
    note(recent, ROOM, 4);
    note(recent, ROOM, 5);
    assert_string_equal(read_back(recent, ROOM, 3, 5), "<7:3><7:4><7:5>");
    assert_string_equal(read_back(recent, ROOM, 4, 4), "<7:4>");
    assert_string_equal(read_back(recent, OTHER, 4, 4), "<8:4>");
    recent_destroy(&recent);
}

static void it_is_all_or_nothing(void **state)
{
    struct recent *recent = recent_new(4096);
    struct page page = {.bytes = "", .buf = {page.bytes, 0, 9}};

    (void)state;
    note_all(recent, ROOM, 3, 4);
    assert_null(read_back(recent, ROOM, 2, 4));
    assert_null(read_back(recent, ROOM, 3, 5));
    assert_null(read_back(recent, OTHER, 3, 3));
    assert_null(read_back(recent, ROOM, 4, 3));
    assert_false(recent_read(recent, ROOM, 3, 4, &page.buf)); /* ten bytes */
    assert_int_equal(page.buf.len, 0);
    recent_destroy(&recent);
}

static void the_newest_push_out_the_oldest(void **state)
{
    struct recent *recent = recent_new(4096);

    (void)state;
    note(recent, OTHER, 1);
    note_all(recent, ROOM, 1, 9);
    assert_non_null(read_back(recent, OTHER, 1, 1));
    for (uint64_t seq = 10; seq < 2000; seq++) {
        note(recent, ROOM, seq);
        assert_non_null(read_back(recent, ROOM, seq - 5, seq));
    }
    assert_null(read_back(recent, OTHER, 1, 1));
    assert_null(read_back(recent, ROOM, 1900, 1999));
    recent_destroy(&recent);
}

/* Any lengths, over the edge many times: what is read back is what was noted. */
static void long_and_short_ones_are_never_mixed_up(void **state)
{
    struct recent *recent = recent_new(3000);
    static char text[4000], bytes[4000];
    size_t found = 0;

    (void)state;
    for (uint64_t seq = 1; seq < 3000; seq++) {
        const size_t len = (seq * 7919) % 900;

        memset(text, 'a' + (int)(seq % 26), len);
        recent_note(recent, ROOM, seq, (struct span){text, len});
        for (uint64_t old = seq > 8 ? seq - 8 : 1; old <= seq; old++) {
            struct wire_buf buf = {bytes, 0, sizeof(bytes)};

            if (!recent_read(recent, ROOM, old, old, &buf))
                continue;
            found++;
            assert_int_equal(buf.len, (old * 7919) % 900);
            for (size_t i = 0; i < buf.len; i++)
                assert_int_equal(bytes[i], 'a' + (int)(old % 26));
        }
    }
    assert_true(found > 3000); /* the newest itself always, and some more */
    memset(text, 'x', sizeof(text));
    recent_note(recent, ROOM, 3000, (struct span){text, sizeof(text)}); /* larger than all of it */
    assert_null(read_back(recent, ROOM, 3000, 3000));
    recent_destroy(&recent);
}

static void what_is_removed_is_not_here_either(void **state)
{
    struct recent *recent = recent_new(8192);

    (void)state;
    note_all(recent, ROOM, 1, 20);
    note_all(recent, OTHER, 1, 20);
    recent_remove(recent, ROOM, 1, 12);
    assert_null(read_back(recent, ROOM, 12, 20));
    assert_non_null(read_back(recent, ROOM, 13, 20));
    assert_non_null(read_back(recent, OTHER, 1, 20));
    recent_remove(recent, ROOM, 1, UINT64_MAX / 2); /* too many to look at each */
    assert_null(read_back(recent, ROOM, 20, 20));
    note_all(recent, ROOM, 21, 22);
    assert_non_null(read_back(recent, ROOM, 21, 22));
    recent_clear(recent);
    assert_null(read_back(recent, ROOM, 21, 22));
    recent_destroy(&recent);
}

static void without_room_nothing_is_remembered(void **state)
{
    struct recent *recent = recent_new(0);

    (void)state;
    assert_null(recent);
    note(recent, ROOM, 1);
    recent_remove(recent, ROOM, 1, 1);
    recent_clear(recent);
    assert_null(read_back(recent, ROOM, 1, 1));
    recent_destroy(&recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_is_read_back_in_order),
        cmocka_unit_test(it_is_all_or_nothing),
        cmocka_unit_test(the_newest_push_out_the_oldest),
        cmocka_unit_test(long_and_short_ones_are_never_mixed_up),
        cmocka_unit_test(what_is_removed_is_not_here_either),
        cmocka_unit_test(without_room_nothing_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
