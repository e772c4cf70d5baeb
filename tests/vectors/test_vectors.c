/* test_vectors.c - every vector of vectors.txt through the reader and, where it is in our form,
 * through the writer. README.md says how the lines are written. */
#include "shared/wire/wire.h"

#include "tests/support/check.h"

#include <errno.h>

#define FRAME_ROOM     (2 * FRAME_BYTES_MAX)
#define EXPECTED_COUNT 700 /* at least; a file cut short must not look good */

struct runner {
    FILE *file;
    char *line;
    size_t capacity;
    unsigned number; /* of the line */
    char name[128];  /* of the case */
    unsigned directions;
    bool is_canonical;
    char frame[FRAME_ROOM];
    struct span body;
    char values[FRAME_ROOM]; /* the texts of one expected map */
    size_t values_len;
    struct wire_reader reader;
};

#define CHECK(self, condition)                                                     \
    do {                                                                           \
        if (!(condition))                                                          \
            fail_msg("line %u, %s: %s", (self)->number, (self)->name, #condition); \
    } while (0)

/* The next line without its LF; false at the end of the file. */
static bool next_line(struct runner *self)
{
    ssize_t len = getline(&self->line, &self->capacity, self->file);

    if (len <= 0)
        return false;
    self->number++;
    if (self->line[len - 1] == '\n')
        self->line[len - 1] = '\0';
    return true;
}

static int digit(char c)
{
    const char *at = strchr("0123456789abcdef", c);

    return c == '\0' || at == NULL ? -1 : (int)(at - "0123456789abcdef");
}

/* Read hexadecimal digits with runs, "00(78*64)ff", up to a space or the end. */
static size_t read_hex(struct runner *self, const char *text, char *to, size_t room)
{
    size_t len = 0;

    while (*text != '\0' && *text != ' ') {
        bool is_run = *text == '(';
        unsigned long times = 1;

        text += is_run;
        CHECK(self, digit(text[0]) >= 0 && digit(text[1]) >= 0);

        int byte = digit(text[0]) * 16 + digit(text[1]);

        text += 2;
        if (is_run) {
            char *end;

            CHECK(self, *text == '*');
            times = strtoul(text + 1, &end, 10);
            CHECK(self, *end == ')');
            text = end + 1;
        }
        CHECK(self, times <= room - len);
        memset(to + len, byte, times);
        len += times;
    }
    return len;
}

static void read_value(struct runner *self, const char *text, enum field field,
                       struct message *expected)
{
    const struct field_row *row = field_row(field);
    void *member = (char *)expected + row->offset;

    CHECK(self, *text == "utbf"[row->type]);
    text++;
    if (row->type == FIELD_UINT) {
        errno = 0;
        *(uint64_t *)member = strtoull(text, NULL, 10);
        CHECK(self, errno == 0);
    } else if (row->type == FIELD_FLAG) {
        *(bool *)member = *text == '1';
    } else {
        char *to = self->values + self->values_len;
        size_t len = read_hex(self, text, to, sizeof(self->values) - self->values_len);

        *(struct span *)member = (struct span){to, len};
        self->values_len += len;
    }
    expected->has |= UINT64_C(1) << field;
}

/* "VERB KEY=VALUE KEY=VALUE ..." */
static void read_message(struct runner *self, const char *text, struct message *expected)
{
    size_t len = strcspn(text, " ");

    memset(expected, 0, sizeof(*expected));
    self->values_len = 0;
    expected->verb = verb_from_name((struct span){text, len});
    for (text += len; *text == ' '; text += strcspn(text, " ")) {
        text++;
        len = strcspn(text, "=");

        enum field field = field_from_key((struct span){text, len});

        CHECK(self, field != FIELD_COUNT && text[len] == '=');
        read_value(self, text + len + 1, field, expected);
    }
}

static void check_same(struct runner *self, const struct message *a, const struct message *b)
{
    CHECK(self, a->verb == b->verb);
    CHECK(self, a->has == b->has);
    for (int field = 0; field < FIELD_COUNT; field++) {
        const struct field_row *row = field_row((enum field)field);
        const void *one = (const char *)a + row->offset;
        const void *other = (const char *)b + row->offset;

        if (row->type == FIELD_UINT)
            CHECK(self, *(const uint64_t *)one == *(const uint64_t *)other);
        else if (row->type == FIELD_FLAG)
            CHECK(self, *(const bool *)one == *(const bool *)other);
        else
            CHECK(self, span_equal(*(const struct span *)one, *(const struct span *)other));
    }
}

static void check_map(struct runner *self, const char *text)
{
    struct message expected;
    struct message message;
    struct span bytes;

    read_message(self, text, &expected);
    CHECK(self, wire_read_raw(&self->reader, &message, &bytes) == RC_OK);
    check_same(self, &expected, &message);
    if (self->is_canonical) {
        static char written[FRAME_BYTES_MAX];
        struct wire_buf buf = {.data = written, .capacity = sizeof(written)};

        CHECK(self, wire_write(&buf, &expected) == RC_OK);
        CHECK(self, span_equal((struct span){written, buf.len}, bytes));
    }
}

/* "ERROR VERB KEY=VALUE ...", where VERB is - when it could not be read. */
static void check_refused(struct runner *self, const char *text)
{
    size_t len = strcspn(text, " ");
    struct message expected;
    struct message message;
    enum rc rc = self->body.ptr == NULL ? RC_MALFORMED : wire_read(&self->reader, &message);

    CHECK(self, text[len] == ' ' && span_equal(span_of(rc_name(rc)), (struct span){text, len}));
    read_message(self, text + len + 1, &expected);
    if (self->body.ptr != NULL)
        check_same(self, &expected, &message);
}

static void begin_case(struct runner *self, const char *text)
{
    static const char *const names[] = {"to_broker ", "to_client ", "to_everybody "};

    self->directions = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (strncmp(text, names[i], strlen(names[i])) == 0) {
            self->directions = 1u << i;
            snprintf(self->name, sizeof(self->name), "%s", text + strlen(names[i]));
        }
    }
    CHECK(self, self->directions != 0);
    self->is_canonical = false;
}

static void begin_frame(struct runner *self, const char *text)
{
    struct span topic;

    self->body = (struct span){self->frame, read_hex(self, text, self->frame, FRAME_ROOM)};
    if (self->directions == TO_EVERYBODY &&
        wire_split_topic(self->body, &topic, &self->body) != RC_OK)
        self->body = (struct span){NULL, 0};
    self->reader = wire_reader_over(self->body, self->directions);
}

static void check_topic(struct runner *self, const char *text)
{
    struct span topic;
    struct span body;
    struct span frame = {self->frame, (size_t)(self->body.ptr - self->frame) + self->body.len};

    CHECK(self, wire_split_topic(frame, &topic, &body) == RC_OK);
    CHECK(self, span_equal(topic, span_of(text)));
}

static void check_end(struct runner *self, unsigned *count_p)
{
    struct message message;

    if (self->body.ptr != NULL)
        CHECK(self, wire_read(&self->reader, &message) == RC_END);
    (*count_p)++;
}

/* [R-5] [R-6] [R-7] */
static void every_vector_is_read_as_it_says(void **state)
{
    (void)state;
    static struct runner runner;
    struct runner *self = &runner;
    unsigned count = 0;

    self->file = fopen(VECTORS, "re");
    assert_non_null(self->file);
    while (next_line(self)) {
        const char *rest = self->line + strcspn(self->line, " ");
        struct span word = {self->line, (size_t)(rest - self->line)};

        rest += *rest == ' ';
        if (span_equal(word, SPAN("case")))
            begin_case(self, rest);
        else if (span_equal(word, SPAN("frame")))
            begin_frame(self, rest);
        else if (span_equal(word, SPAN("topic")))
            check_topic(self, rest);
        else if (span_equal(word, SPAN("canonical")))
            self->is_canonical = true;
        else if (span_equal(word, SPAN("map")))
            check_map(self, rest);
        else if (span_equal(word, SPAN("refused")))
            check_refused(self, rest);
        else if (span_equal(word, SPAN("end")))
            check_end(self, &count);
        else
            fail_msg("line %u: what is '%s'?", self->number, self->line);
    }
    fclose(self->file);
    free(self->line);
    assert_true(count >= EXPECTED_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_read_as_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
