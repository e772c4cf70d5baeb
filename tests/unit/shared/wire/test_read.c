#include "shared/wire/wire.h"

#include "tests/support/check.h"

/* MessagePack by hand, as a peer may have made it. */
struct bytes {
    unsigned char data[2 * FRAME_BYTES_MAX];
    size_t len;
};

static void put(struct bytes *self, const void *data, size_t len)
{
    assert_true(len <= sizeof(self->data) - self->len);
    if (len > 0)
        memcpy(self->data + self->len, data, len);
    self->len += len;
}

#define PUT(self, literal) put((self), (literal), sizeof(literal) - 1)

static void put_map(struct bytes *self, size_t pairs)
{
    const unsigned char head[3] = {0xde, (unsigned char)(pairs >> 8), (unsigned char)pairs};

    put(self, head, sizeof(head));
}

static void put_text(struct bytes *self, const void *text, size_t len)
{
    const unsigned char head[5] = {0xdb, 0, (unsigned char)(len >> 16), (unsigned char)(len >> 8),
                                   (unsigned char)len};

    put(self, head, sizeof(head));
    put(self, text, len);
}

static void put_uint(struct bytes *self, uint64_t number)
{
    unsigned char head[9] = {0xcf};

    for (int i = 0; i < 8; i++)
        head[1 + i] = (unsigned char)(number >> (56 - 8 * i));
    put(self, head, sizeof(head));
}

static struct span span(const struct bytes *self)
{
    return (struct span){(const char *)self->data, self->len};
}

#define ANY_WAY (TO_BROKER | TO_CLIENT | TO_EVERYBODY)

/* What reading the one map of this frame gives; the frame must be at its end then. */
static enum rc read_one(struct span frame, unsigned directions, struct message *ret)
{
    struct wire_reader reader = wire_reader_over(frame, directions);
    struct message more;
    enum rc rc = wire_read(&reader, ret);

    assert_int_equal(wire_read(&reader, &more), RC_END);
    assert_int_equal(wire_read(&reader, &more), RC_END);
    return rc;
}

static enum rc rc_of(struct span frame)
{
    struct message message;

    return read_one(frame, ANY_WAY, &message);
}

static void the_verb_may_stand_anywhere(void **state)
{
    (void)state;
    struct message message;
    struct span first = SPAN("\x83\xa1v\xa5probe\xa5token\x05\xa3"
                             "ref\x07");
    struct span middle = SPAN("\x83\xa5token\x05\xa1v\xa5probe\xa3"
                              "ref\x07");
    struct span last = SPAN("\x83\xa3ref\x07\xa5token\x05\xa1v\xa5probe");

    for (int i = 0; i < 3; i++) {
        assert_int_equal(read_one(i == 0   ? first
                                  : i == 1 ? middle
                                           : last,
                                  TO_BROKER, &message),
                         RC_OK);
        assert_int_equal(message.verb, VERB_PROBE);
        assert_int_equal(message.token, 5);
        /* A probe has no ref: it is as if it had not been there. */
        assert_true(message.has == HAS_TOKEN);
        assert_int_equal(message.ref, 0);
    }
}

static void maps_stand_back_to_back_and_a_refused_one_does_not_hide_the_next(void **state)
{
    (void)state;
    struct span frame = SPAN("\x82\xa1v\xa4ping\xa3ref\x01"
                             "\x82\xa1v\xa4pong\xa3ref\x02" /* fields are missing */
                             "\x82\xa1v\xa4what\xa3ref\x03"
                             "\x82\xa1v\xa4ping\xa3ref\x04");
    struct wire_reader reader = wire_reader_over(frame, ANY_WAY);
    struct message message;
    struct span bytes;

    assert_int_equal(wire_read_raw(&reader, &message, &bytes), RC_OK);
    assert_int_equal(message.ref, 1);
    assert_ptr_equal(bytes.ptr, frame.ptr);
    assert_int_equal(bytes.len, 13);
    assert_int_equal(wire_read_raw(&reader, &message, &bytes), RC_BAD_FIELD);
    assert_int_equal(message.verb, VERB_PONG);
    assert_int_equal(message.ref, 2);
    assert_int_equal(bytes.len, 13); /* untouched */
    assert_int_equal(wire_read_raw(&reader, &message, &bytes), RC_UNKNOWN_VERB);
    assert_int_equal(message.verb, VERB_NONE);
    assert_int_equal(message.ref, 3);
    assert_int_equal(wire_read_raw(&reader, &message, &bytes), RC_OK);
    assert_int_equal(message.ref, 4);
    assert_ptr_equal(bytes.ptr, frame.ptr + 39);
    assert_int_equal(wire_read_raw(&reader, &message, &bytes), RC_END);
}

static void texts_are_borrowed_from_the_frame(void **state)
{
    (void)state;
    struct span frame = SPAN("\x82\xa1v\xa4join\xa6stream\xa2#x");
    struct message message;

    assert_int_equal(read_one(frame, TO_BROKER, &message), RC_OK);
    assert_ptr_equal(message.stream.ptr, frame.ptr + frame.len - 2);
    assert_int_equal(message.stream.len, 2);
}

static void a_verb_of_another_direction_is_unknown(void **state)
{
    (void)state;
    struct span ping = SPAN("\x82\xa1v\xa4ping\xa3ref\x07");
    struct message message;

    assert_int_equal(read_one(ping, TO_BROKER, &message), RC_OK);
    assert_int_equal(read_one(ping, TO_CLIENT | TO_EVERYBODY, &message), RC_UNKNOWN_VERB);
    assert_int_equal(message.verb, VERB_PING);
    assert_true(message.has == HAS_REF);
    assert_int_equal(message.ref, 7);
}

static void without_a_verb_a_map_is_refused(void **state)
{
    (void)state;
    struct message message;

    assert_int_equal(rc_of(SPAN("\x80")), RC_BAD_FIELD);
    assert_int_equal(rc_of(SPAN("\x81\xa1v\x07")), RC_BAD_FIELD);
    assert_int_equal(rc_of(SPAN("\x81\xa1v\x91\xa4ping")), RC_BAD_FIELD);
    assert_int_equal(rc_of(SPAN("\x81\xa1v\xc4\x04ping")), RC_BAD_FIELD);
    assert_int_equal(rc_of(SPAN("\x81\xa1v\xa0")), RC_UNKNOWN_VERB);
    assert_int_equal(rc_of(SPAN("\x81\xa1v\xa1\xff")), RC_UNKNOWN_VERB);
    assert_int_equal(read_one(SPAN("\x81\xa3ref\x07"), ANY_WAY, &message), RC_BAD_FIELD);
    assert_int_equal(message.ref, 7);
}

static void a_key_given_twice_is_a_bad_field(void **state)
{
    (void)state;
    struct message message;

    assert_int_equal(rc_of(SPAN("\x82\xa1v\xa4ping\xa1v\xa4ping")), RC_BAD_FIELD);
    assert_int_equal(rc_of(SPAN("\x83\xa1v\xa4ping\xa4text\x01\xa4text\x01")), RC_BAD_FIELD);
    assert_int_equal(read_one(SPAN("\x83\xa1v\xa4ping\xa3ref\x01\xa3ref\x02"), TO_BROKER, &message),
                     RC_BAD_FIELD);
    assert_int_equal(message.ref, 1);
    /* What is not known is not counted. */
    assert_int_equal(rc_of(SPAN("\x83\xa1v\xa4ping\xa2zz\x01\xa2zz\x02")), RC_OK);
}

static void every_needed_field_is_missed(void **state)
{
    (void)state;
    static char bytes[FRAME_BYTES_MAX];

    for (int verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        const struct verb_row *row = verb_row((enum verb)verb);

        for (uint64_t rest = row->needed; rest != 0; rest &= rest - 1) {
            struct wire_buf buf = {.data = bytes, .capacity = sizeof(bytes)};
            struct message message = {.verb = (enum verb)verb};
            struct message back;

            message.has = row->allowed & ~(rest & -rest);
            assert_int_equal(wire_write(&buf, &message), RC_OK);
            assert_int_equal(read_one((struct span){bytes, buf.len}, ANY_WAY, &back), RC_BAD_FIELD);
            assert_int_equal(back.verb, verb);
            assert_true((back.has & ~(HAS_REF | HAS_NUMBER)) == 0);
        }
    }
}

/* A map with every needed field of `verb` but `field`, whose value the caller puts behind it. */
static void put_all_but(struct bytes *self, enum verb verb, enum field field)
{
    char buffer[512];
    struct wire_buf buf = {.data = buffer, .capacity = sizeof(buffer)};
    struct message message = {.verb = verb};
    const struct field_row *row = field_row(field);
    size_t pairs;

    message.has = verb_row(verb)->needed & ~(UINT64_C(1) << field);
    pairs = 1 + (size_t)__builtin_popcountll(message.has);
    assert_int_equal(wire_write(&buf, &message), RC_OK);
    assert_int_equal((unsigned char)buffer[0], 0x80 | pairs);
    self->len = 0;
    put_map(self, pairs + 1);
    put(self, buffer + 1, buf.len - 1);
    put_text(self, row->key, row->key_len);
}

static enum rc rc_with_uint(enum verb verb, enum field field, uint64_t number)
{
    static struct bytes bytes;

    put_all_but(&bytes, verb, field);
    put_uint(&bytes, number);
    return rc_of(span(&bytes));
}

static enum rc rc_with_span(enum verb verb, enum field field, size_t len)
{
    static struct bytes bytes;
    static char filler[FRAME_BYTES_MAX + 1];

    memset(filler, 'x', sizeof(filler));
    put_all_but(&bytes, verb, field);
    put_text(&bytes, filler, len);
    if (field_row(field)->type == FIELD_BYTES)
        bytes.data[bytes.len - len - 5] = 0xc6;
    return rc_of(span(&bytes));
}

static enum rc rc_with_value(enum verb verb, enum field field, struct span value)
{
    static struct bytes bytes;

    put_all_but(&bytes, verb, field);
    put(&bytes, value.ptr, value.len);
    return rc_of(span(&bytes));
}

static void every_field_of_every_verb_reaches_its_limit_and_not_beyond(void **state)
{
    (void)state;
    for (int verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        for (uint64_t rest = verb_row((enum verb)verb)->allowed; rest != 0; rest &= rest - 1) {
            enum field field = (enum field)__builtin_ctzll(rest);
            const struct field_row *row = field_row(field);

            if (row->type == FIELD_FLAG || field == FIELD_BOX_) {
                continue; /* no limit, and one that no frame can reach */
            } else if (row->type == FIELD_UINT) {
                assert_int_equal(rc_with_uint((enum verb)verb, field, row->most), RC_OK);
                if (row->most < UINT64_MAX)
                    assert_int_equal(rc_with_uint((enum verb)verb, field, row->most + 1),
                                     RC_BAD_FIELD);
            } else {
                assert_int_equal(rc_with_span((enum verb)verb, field, row->most), RC_OK);
                assert_int_equal(rc_with_span((enum verb)verb, field, row->most + 1), RC_TOO_BIG);
            }
        }
    }
}

static void every_field_of_every_verb_refuses_other_types(void **state)
{
    (void)state;
    static const struct {
        struct span value;
        unsigned good_for; /* a bit for each enum field_type */
    } values[] = {
        {SPAN("\x01"), 1u << FIELD_UINT},
        {SPAN("\xd3\x00\x00\x00\x00\x00\x00\x00\x01"), 1u << FIELD_UINT},
        {SPAN("\xa1x"), 1u << FIELD_TEXT},
        {SPAN("\xc4\x01x"), 1u << FIELD_BYTES},
        {SPAN("\xc3"), 1u << FIELD_FLAG},
        {SPAN("\xc0"), 0},                                 /* nil */
        {SPAN("\xff"), 0},                                 /* -1 */
        {SPAN("\xd3\xff\xff\xff\xff\xff\xff\xff\xff"), 0}, /* -1, wide */
        {SPAN("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), 0}, /* 1.0 */
        {SPAN("\x91\x01"), 0},                             /* [1] */
        {SPAN("\x81\xa1x\x01"), 0},                        /* {"x": 1} */
        {SPAN("\xd6\xff\x00\x00\x00\x00"), 0},             /* a timestamp */
    };

    for (int verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        for (uint64_t rest = verb_row((enum verb)verb)->allowed; rest != 0; rest &= rest - 1) {
            enum field field = (enum field)__builtin_ctzll(rest);

            for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                bool is_good = (values[i].good_for >> field_row(field)->type & 1) != 0;

                assert_int_equal(rc_with_value((enum verb)verb, field, values[i].value),
                                 is_good ? RC_OK : RC_BAD_FIELD);
            }
        }
    }
}

static void what_a_verb_does_not_allow_is_skipped_whatever_its_value(void **state)
{
    (void)state;
    struct message message;

    assert_int_equal(read_one(SPAN("\x84\xa1v\xa4ping\xa3key\xc3\xa4text\x91\xc0\xa6"
                                   "credit\xcd\xff\xff"),
                              TO_BROKER, &message),
                     RC_OK);
    assert_true(message.has == 0);
    assert_int_equal(message.credit, 0);
    assert_int_equal(read_one(SPAN("\x82\xa4text\xa2hi\xa1v\xa4ping"), TO_BROKER, &message), RC_OK);
    assert_true(message.has == 0);
    assert_null(message.text.ptr);
}

static void ill_formed_text_is_refused(void **state)
{
    (void)state;
    struct message message;

    assert_int_equal(rc_with_value(VERB_JOIN, FIELD_STREAM_, SPAN("\xa2#\xff")), RC_BAD_FIELD);
    /* A post's text has its own code, and its number stands for the answer. */
    assert_int_equal(read_one(SPAN("\x84\xa1v\xa4post\xa6number\x05\xa6stream\xa2#x\xa4text\xa1"
                                   "\xff"),
                              TO_BROKER, &message),
                     RC_BAD_TEXT);
    assert_true(message.has == HAS_NUMBER);
    assert_int_equal(message.number, 5);
    assert_null(message.stream.ptr);
}

static void a_refused_ref_is_not_told(void **state)
{
    (void)state;
    struct message message;

    assert_int_equal(read_one(SPAN("\x82\xa1v\xa4ping\xa3ref\xa1x"), TO_BROKER, &message),
                     RC_BAD_FIELD);
    assert_int_equal(message.verb, VERB_PING);
    assert_true(message.has == 0);
}

static void a_frame_has_a_bounded_number_of_maps(void **state)
{
    (void)state;
    static struct bytes bytes;
    struct message message;

    for (size_t i = 0; i < MAPS_PER_FRAME_MAX; i++)
        PUT(&bytes, "\x81\xa1v\xa4ping");
    for (int is_over = 0; is_over < 2; is_over++) {
        struct wire_reader reader = wire_reader_over(span(&bytes), TO_BROKER);

        for (size_t i = 0; i < MAPS_PER_FRAME_MAX; i++)
            assert_int_equal(wire_read(&reader, &message), RC_OK);
        assert_int_equal(wire_read(&reader, &message), is_over ? RC_MALFORMED : RC_END);
        assert_int_equal(wire_read(&reader, &message), RC_END);
        PUT(&bytes, "\x81\xa1v\xa4ping");
    }
}

static void a_map_has_a_bounded_number_of_pairs(void **state)
{
    (void)state;
    for (size_t pairs = MAP_KEYS_MAX; pairs <= MAP_KEYS_MAX + 1; pairs++) {
        static struct bytes bytes;

        bytes.len = 0;
        put_map(&bytes, pairs);
        PUT(&bytes, "\xa1v\xa4ping");
        for (size_t i = 1; i < pairs; i++)
            PUT(&bytes, "\xa2zz\xc0");
        assert_int_equal(rc_of(span(&bytes)), pairs > MAP_KEYS_MAX ? RC_MALFORMED : RC_OK);
    }
}

static void a_key_is_a_string_of_bounded_length(void **state)
{
    (void)state;
    for (size_t len = KEY_BYTES_MAX; len <= KEY_BYTES_MAX + 1; len++) {
        static struct bytes bytes;
        static const char key[KEY_BYTES_MAX + 1] = "v";

        bytes.len = 0;
        put_map(&bytes, 2);
        put_text(&bytes, key, len);
        PUT(&bytes, "\xc0\xa1v\xa4ping");
        assert_int_equal(rc_of(span(&bytes)), len > KEY_BYTES_MAX ? RC_MALFORMED : RC_OK);
    }
    assert_int_equal(rc_of(SPAN("\x82\xa1v\xa4ping\xa0\x01")), RC_OK);
    assert_int_equal(rc_of(SPAN("\x82\xa1v\xa4ping\x01\x01")), RC_MALFORMED);
    assert_int_equal(rc_of(SPAN("\x81\xc4\x01v\xa4ping")), RC_MALFORMED);
}

static void an_unknown_value_is_stepped_over_within_its_limits(void **state)
{
    (void)state;
    assert_int_equal(rc_of(SPAN("\x82\xa2zz\x91\x91\x91\x91\xc0\xa1v\xa4ping")), RC_OK);
    assert_int_equal(rc_of(SPAN("\x82\xa2zz\x91\x91\x91\x91\x90\xa1v\xa4ping")), RC_MALFORMED);
    assert_int_equal(rc_of(SPAN("\x82\xa2zz\xdd\xff\xff\xff\xff\xa1v\xa4ping")), RC_MALFORMED);
    assert_int_equal(rc_of(SPAN("\x82\xa2zz\xc6\xff\xff\xff\xff\xa1v\xa4ping")), RC_MALFORMED);
    assert_int_equal(rc_of(SPAN("\x82\xa2zz\xc1\xa1v\xa4ping")), RC_MALFORMED);
}

static void a_frame_that_is_no_map_is_malformed(void **state)
{
    (void)state;
    struct message message = {.verb = VERB_PING, .has = HAS_REF};

    assert_int_equal(read_one((struct span){NULL, 0}, ANY_WAY, &message), RC_MALFORMED);
    assert_int_equal(message.verb, VERB_NONE);
    assert_true(message.has == 0);
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;

        assert_int_equal(rc_of((struct span){&byte, 1}), c == 0x80 ? RC_BAD_FIELD : RC_MALFORMED);
    }
}

static void a_frame_beyond_the_limit_is_too_big(void **state)
{
    (void)state;
    static struct bytes bytes;
    struct message message;

    PUT(&bytes, "\x82\xa1v\xa4ping\xa2zz");
    put_text(&bytes, bytes.data, 0);
    memset(bytes.data + bytes.len, 'x', FRAME_BYTES_MAX);

    size_t head_len = bytes.len;
    size_t text_len = FRAME_BYTES_MAX - head_len;

    bytes.data[head_len - 2] = (unsigned char)(text_len >> 8);
    bytes.data[head_len - 1] = (unsigned char)text_len;
    bytes.len = FRAME_BYTES_MAX;
    assert_int_equal(read_one(span(&bytes), TO_BROKER, &message), RC_OK);
    bytes.data[head_len - 1]++;
    bytes.len++;
    assert_int_equal(read_one(span(&bytes), TO_BROKER, &message), RC_TOO_BIG);
    assert_int_equal(message.verb, VERB_NONE);
}

static void every_truncation_is_malformed(void **state)
{
    (void)state;
    for (int verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        char bytes[1024];
        struct wire_buf buf = {.data = bytes, .capacity = sizeof(bytes)};
        struct message message = {.verb = (enum verb)verb,
                                  .has = verb_row((enum verb)verb)->allowed};

        message.stream = SPAN("#lobby");
        message.session = UINT64_MAX;
        message.key = message.box = message.text = SPAN("0123456789abcdef0123456789abcdef");
        assert_int_equal(wire_write(&buf, &message), RC_OK);
        for (size_t len = 0; len < buf.len; len++) {
            char *tight = malloc(len + 1); /* so that a sanitizer sees a look behind the end */
            struct message back;

            memcpy(tight + 1, bytes, len);
            assert_int_equal(read_one((struct span){tight + 1, len}, ANY_WAY, &back), RC_MALFORMED);
            free(tight);
        }
    }
}

static void every_flipped_byte_is_read_without_harm(void **state)
{
    (void)state;
    static const char good[] = "\x86\xa1v\xa4post\xa6number\x05\xa6stream\xa2#x\xa4text\xa2hi"
                               "\xa2zz\x82\x01\x91\x02\xa1x\xc7\x01\x02\x03\xa4kind\xa6notice";

    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        for (int c = 0; c < 256; c++) {
            char *tight = malloc(sizeof(good) - 1);
            struct wire_reader reader =
                wire_reader_over((struct span){tight, sizeof(good) - 1}, ANY_WAY);
            struct message message;
            enum rc rc;

            memcpy(tight, good, sizeof(good) - 1);
            tight[i] = (char)c;
            do
                rc = wire_read(&reader, &message);
            while (rc != RC_END);
            assert_ptr_equal(reader.at, reader.end);
            free(tight);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_verb_may_stand_anywhere),
        cmocka_unit_test(maps_stand_back_to_back_and_a_refused_one_does_not_hide_the_next),
        cmocka_unit_test(texts_are_borrowed_from_the_frame),
        cmocka_unit_test(a_verb_of_another_direction_is_unknown),
        cmocka_unit_test(without_a_verb_a_map_is_refused),
        cmocka_unit_test(a_key_given_twice_is_a_bad_field),
        cmocka_unit_test(every_needed_field_is_missed),
        cmocka_unit_test(every_field_of_every_verb_reaches_its_limit_and_not_beyond),
        cmocka_unit_test(every_field_of_every_verb_refuses_other_types),
        cmocka_unit_test(what_a_verb_does_not_allow_is_skipped_whatever_its_value),
        cmocka_unit_test(ill_formed_text_is_refused),
        cmocka_unit_test(a_refused_ref_is_not_told),
        cmocka_unit_test(a_frame_has_a_bounded_number_of_maps),
        cmocka_unit_test(a_map_has_a_bounded_number_of_pairs),
        cmocka_unit_test(a_key_is_a_string_of_bounded_length),
        cmocka_unit_test(an_unknown_value_is_stepped_over_within_its_limits),
        cmocka_unit_test(a_frame_that_is_no_map_is_malformed),
        cmocka_unit_test(a_frame_beyond_the_limit_is_too_big),
        cmocka_unit_test(every_truncation_is_malformed),
        cmocka_unit_test(every_flipped_byte_is_read_without_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
