#include "shared/wire/wire.h"

#include "tests/support/check.h"

static char filler[FRAME_BYTES_MAX];

/* A value for every field: the least (0, "", false) or the most that it may have. */
static struct message full(enum verb verb, uint64_t fields, bool is_most)
{
    struct message message = {.verb = verb, .has = fields};

    memset(filler, 'x', sizeof(filler));
    for (int field = 0; field < FIELD_COUNT; field++) {
        const struct field_row *row = field_row((enum field)field);
        void *member = (char *)&message + row->offset;

        if ((fields >> field & 1) == 0)
            continue;
        if (row->type == FIELD_UINT)
            *(uint64_t *)member = is_most ? row->most : 0;
        else if (row->type == FIELD_FLAG)
            *(bool *)member = is_most;
        else /* a box of a whole frame would leave no room for the rest */
            *(struct span *)member = (struct span){filler, !is_most                      ? 0
                                                           : row->most < FRAME_BYTES_MAX ? row->most
                                                                                         : 60000};
    }
    return message;
}

static void assert_same(const struct message *a, const struct message *b)
{
    assert_int_equal(a->verb, b->verb);
    assert_true(a->has == b->has);
    for (int field = 0; field < FIELD_COUNT; field++) {
        const struct field_row *row = field_row((enum field)field);
        const void *one = (const char *)a + row->offset;
        const void *other = (const char *)b + row->offset;

        if ((a->has >> field & 1) == 0)
            continue;
        if (row->type == FIELD_UINT)
            assert_true(*(const uint64_t *)one == *(const uint64_t *)other);
        else if (row->type == FIELD_FLAG)
            assert_int_equal(*(const bool *)one, *(const bool *)other);
        else
            assert_true(span_equal(*(const struct span *)one, *(const struct span *)other));
    }
}

static void assert_comes_back(const struct message *message)
{
    static char bytes[2 * FRAME_BYTES_MAX];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof(bytes)};
    struct message back;

    assert_int_equal(wire_write(&buf, message), RC_OK);

    struct wire_reader reader =
        wire_reader_over((struct span){bytes, buf.len}, verb_row(message->verb)->directions);

    assert_int_equal(wire_read(&reader, &back), RC_OK);
    assert_same(message, &back);
    assert_int_equal(wire_read(&reader, &back), RC_END);
}

static void every_verb_comes_back_with_all_its_fields_and_with_the_needed_ones(void **state)
{
    (void)state;
    for (int verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        const struct verb_row *row = verb_row((enum verb)verb);

        for (int is_most = 0; is_most < 2; is_most++) {
            struct message all = full((enum verb)verb, row->allowed, is_most != 0);
            struct message few = full((enum verb)verb, row->needed, is_most != 0);

            assert_comes_back(&all);
            assert_comes_back(&few);
        }
    }
}

static void the_verb_comes_first_then_the_fields_in_the_order_of_their_table(void **state)
{
    (void)state;
    char bytes[64];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof(bytes)};
    struct message message = {.verb = VERB_JOIN};

    message_set(&message, CREATE, create, true);
    message_set(&message, STREAM, stream, SPAN("#x"));
    message_set(&message, REF, ref, 200);
    assert_int_equal(wire_write(&buf, &message), RC_OK);

    static const char expected[] = "\x84\xa1v\xa4join\xa3ref\xcc\xc8\xa6stream\xa2#x\xa6"
                                   "create\xc3";

    assert_int_equal(buf.len, sizeof(expected) - 1);
    assert_memory_equal(bytes, expected, buf.len);
}

static void fields_the_verb_does_not_allow_are_not_written(void **state)
{
    (void)state;
    char bytes[64];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof(bytes)};
    struct message message = {.verb = VERB_PING};

    message_set(&message, REF, ref, 7);
    message_set(&message, TEXT, text, SPAN("not here"));
    assert_int_equal(wire_write(&buf, &message), RC_OK);
    assert_int_equal(buf.len, 13); /* the example of protocol 3.1 */
    assert_memory_equal(bytes, "\x82\xa1v\xa4ping\xa3ref\x07", 13);
}

static void what_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    char bytes[400];
    struct message message = full(VERB_HELLO, verb_row(VERB_HELLO)->allowed, true);
    struct wire_buf whole = {.data = bytes, .capacity = sizeof(bytes)};

    assert_int_equal(wire_write(&whole, &message), RC_OK);
    for (size_t capacity = 0; capacity < whole.len; capacity++) {
        char *tight = malloc(3 + capacity + 1); /* so that a sanitizer sees one byte more */
        struct wire_buf buf = {.data = tight, .len = 3, .capacity = 3 + capacity};

        memset(tight, '!', 3 + capacity + 1);
        assert_int_equal(wire_write(&buf, &message), RC_NO_SPACE);
        assert_int_equal(buf.len, 3);
        assert_memory_equal(tight, "!!!", 3);
        assert_int_equal(tight[3 + capacity], '!');
        free(tight);
    }

    struct wire_buf exact = {.data = bytes, .capacity = whole.len};

    assert_int_equal(wire_write(&exact, &message), RC_OK);
    assert_int_equal(exact.len, exact.capacity);
}

static void bytes_are_appended_whole_or_not_at_all(void **state)
{
    (void)state;
    char bytes[8];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof(bytes)};

    assert_int_equal(wire_append(&buf, SPAN("abcde")), RC_OK);
    assert_int_equal(wire_append(&buf, SPAN("fghi")), RC_NO_SPACE);
    assert_int_equal(wire_append(&buf, SPAN("fgh")), RC_OK);
    assert_int_equal(wire_append(&buf, (struct span){NULL, 0}), RC_OK);
    assert_int_equal(buf.len, 8);
    assert_memory_equal(bytes, "abcdefgh", 8);
}

static void a_topic_ends_with_its_nul_and_is_split_off_again(void **state)
{
    (void)state;
    char bytes[32];
    struct wire_buf buf = {.data = bytes, .capacity = 7};
    struct span topic;
    struct span body;

    assert_int_equal(wire_write_topic(&buf, SPAN("#lobby!")), RC_NO_SPACE);
    assert_int_equal(wire_write_topic(&buf, SPAN("#lobby")), RC_OK);
    assert_int_equal(buf.len, 7);
    buf.capacity = sizeof(bytes);
    assert_int_equal(wire_append(&buf, SPAN("\x80\0x")), RC_OK);
    assert_int_equal(wire_split_topic((struct span){bytes, buf.len}, &topic, &body), RC_OK);
    assert_true(span_equal(topic, SPAN("#lobby")));
    assert_true(span_equal(body, SPAN("\x80\0x")));
    assert_int_equal(wire_split_topic((struct span){bytes, 7}, &topic, &body), RC_OK);
    assert_int_equal(body.len, 0);
}

static void a_frame_without_a_topic_within_its_limit_is_malformed(void **state)
{
    (void)state;
    char bytes[TOPIC_BYTES_MAX + 1];
    struct span topic = SPAN("untouched");
    struct span body = SPAN("untouched");

    memset(bytes, 'x', sizeof(bytes));
    bytes[TOPIC_BYTES_MAX] = '\0';
    assert_int_equal(wire_split_topic((struct span){NULL, 0}, &topic, &body), RC_MALFORMED);
    assert_int_equal(wire_split_topic(SPAN("#lobby"), &topic, &body), RC_MALFORMED);
    assert_int_equal(wire_split_topic((struct span){bytes, sizeof(bytes)}, &topic, &body),
                     RC_MALFORMED);
    assert_true(span_equal(topic, SPAN("untouched")) && span_equal(body, SPAN("untouched")));
    bytes[TOPIC_BYTES_MAX - 1] = '\0'; /* with its NUL a topic of TOPIC_BYTES_MAX */
    assert_int_equal(wire_split_topic((struct span){bytes, sizeof(bytes)}, &topic, &body), RC_OK);
    assert_int_equal(topic.len, TOPIC_BYTES_MAX - 1);
    assert_int_equal(body.len, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_comes_back_with_all_its_fields_and_with_the_needed_ones),
        cmocka_unit_test(the_verb_comes_first_then_the_fields_in_the_order_of_their_table),
        cmocka_unit_test(fields_the_verb_does_not_allow_are_not_written),
        cmocka_unit_test(what_does_not_fit_leaves_the_buffer_as_it_was),
        cmocka_unit_test(bytes_are_appended_whole_or_not_at_all),
        cmocka_unit_test(a_topic_ends_with_its_nul_and_is_split_off_again),
        cmocka_unit_test(a_frame_without_a_topic_within_its_limit_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
