#include "tests/support/check.h"

#include "client/lib/net/outbox_record.h"

#include <stdlib.h>
#include <string.h>

#define SESSION 77

static const struct outbox_record POST = {
    .kind = OUTBOX_POST,
    .post = {
        .number = 4294967294, .timeout_ms = 30000, .target = {"#lobby", 6}, .text = {"a\nb", 3}}};

static size_t write_post(char *buf, size_t offset)
{
    return outbox_record_write(&POST, offset, SESSION, buf);
}

static void what_is_written_is_read_again(void **state)
{
    const struct outbox_record head = {
        .kind = OUTBOX_HEAD, .session = SESSION, .born_ms = UINT64_MAX, .post = {.number = 9}};
    const struct outbox_record done = {.kind = OUTBOX_DONE, .post = {.number = 7}};
    char buf[OUTBOX_RECORD_MAX];
    struct outbox_record got;

    (void)state;
    size_t len = write_post(buf, 12);
    assert_int_equal(outbox_record_read((struct span){buf, len}, 12, SESSION, &got), RC_OK);
    assert_int_equal(got.kind, OUTBOX_POST);
    assert_int_equal(got.size, len);
    assert_int_equal(got.post.number, 4294967294);
    assert_int_equal(got.post.timeout_ms, 30000);
    assert_true(span_equal(got.post.target, SPAN("#lobby")));
    assert_int_equal(got.post.kind.len, 0);
    assert_true(span_equal(got.post.text, SPAN("a\nb")));

    len = outbox_record_write(&head, 0, SESSION, buf);
    assert_int_equal(outbox_record_read((struct span){buf, len}, 0, SESSION, &got), RC_OK);
    assert_int_equal(got.kind, OUTBOX_HEAD);
    assert_int_equal(got.session, SESSION);
    assert_true(got.born_ms == UINT64_MAX);
    assert_int_equal(got.post.number, 9);

    len = outbox_record_write(&done, 5, SESSION, buf);
    assert_int_equal(outbox_record_read((struct span){buf, len}, 5, SESSION, &got), RC_OK);
    assert_int_equal(got.kind, OUTBOX_DONE);
    assert_int_equal(got.post.number, 7);
}

static void the_longest_post_fits(void **state)
{
    char *text = malloc(TEXT_BYTES_MAX), *buf = malloc(OUTBOX_RECORD_MAX);
    char target[STREAM_BYTES_MAX];
    struct outbox_record record = POST, got;

    (void)state;
    memset(text, 'x', TEXT_BYTES_MAX);
    memset(target, 'y', sizeof(target));
    target[0] = '#';
    record.post.kind = SPAN("0123456789abcdef");
    record.post.target = (struct span){target, sizeof(target)};
    record.post.text = (struct span){text, TEXT_BYTES_MAX};
    record.post.timeout_ms = UINT32_MAX;

    const size_t len = outbox_record_write(&record, SIZE_MAX, UINT64_MAX, buf);

    assert_true(len <= OUTBOX_RECORD_MAX);
    assert_int_equal(outbox_record_read((struct span){buf, len}, SIZE_MAX, UINT64_MAX, &got),
                     RC_OK);
    assert_true(span_equal(got.post.kind, SPAN("0123456789abcdef")));
    assert_true(span_equal(got.post.text, record.post.text));
    free(text);
    free(buf);
}

static void every_changed_bit_and_every_cut_is_noticed(void **state)
{
    char buf[OUTBOX_RECORD_MAX];
    struct outbox_record got;
    const size_t len = write_post(buf, 0);

    (void)state;
    for (size_t i = 0; i < 8 * len; i++) {
        buf[i / 8] = (char)(buf[i / 8] ^ 1 << i % 8);
        assert_int_equal(outbox_record_read((struct span){buf, len}, 0, SESSION, &got),
                         RC_MALFORMED);
        buf[i / 8] = (char)(buf[i / 8] ^ 1 << i % 8);
    }
    for (size_t i = 0; i < len; i++) {
        char *exact = malloc(i + 1); /* the sanitizer sees who reads beyond it */

        memcpy(exact, buf, i);
        exact = realloc(exact, i > 0 ? i : 1);
        assert_int_equal(outbox_record_read((struct span){exact, i}, 0, SESSION, &got),
                         RC_MALFORMED);
        free(exact);
    }
}

static void a_record_is_good_only_at_its_place_in_its_session(void **state)
{
    char buf[OUTBOX_RECORD_MAX];
    struct outbox_record got;
    const size_t len = write_post(buf, 100);

    (void)state;
    assert_int_equal(outbox_record_read((struct span){buf, len}, 101, SESSION, &got), RC_MALFORMED);
    assert_int_equal(outbox_record_read((struct span){buf, len}, 100, SESSION + 1, &got),
                     RC_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(the_longest_post_fits),
        cmocka_unit_test(every_changed_bit_and_every_cut_is_noticed),
        cmocka_unit_test(a_record_is_good_only_at_its_place_in_its_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
