#include "shared/proto/verbs.h"

#include "tests/support/check.h"

static void every_verb_has_a_row_and_is_found_by_its_name(void **state)
{
    (void)state;
    static const char *const names[VERB_COUNT] = {
#define X(symbol, name) [VERB_##symbol] = name,
        VERB_TABLE(X)
#undef X
    };

    for (int verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        const struct verb_row *row = verb_row((enum verb)verb);

        assert_non_null(row);
        assert_string_equal(row->name, names[verb]);
        assert_int_not_equal(row->directions, 0);
        assert_int_equal(row->directions & ~(unsigned)(TO_BROKER | TO_CLIENT | TO_EVERYBODY), 0);
        assert_int_equal(verb_from_name(span_of(names[verb])), verb);
    }
}

static void what_a_verb_needs_it_allows(void **state)
{
    (void)state;
    for (int verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        const struct verb_row *row = verb_row((enum verb)verb);

        assert_int_equal(row->needed & ~row->allowed, 0);
        assert_int_equal(row->allowed >> FIELD_COUNT, 0);
        /* With the verb itself, a message never exceeds the pairs of a map. */
        assert_true(__builtin_popcountll(row->allowed) + 1 <= MAP_KEYS_MAX);
    }
}

static void a_verb_that_does_not_exist_has_no_row(void **state)
{
    (void)state;
    assert_null(verb_row(VERB_NONE));
    assert_null(verb_row(VERB_COUNT));
    assert_null(verb_row((enum verb)1000));
}

static void every_field_is_found_by_its_key(void **state)
{
    (void)state;
    for (int field = 0; field < FIELD_COUNT; field++) {
        const struct field_row *row = field_row((enum field)field);

        assert_non_null(row);
        assert_int_equal(row->key_len, strlen(row->key));
        assert_true(row->key_len <= KEY_BYTES_MAX);
        assert_int_equal(field_from_key(span_of(row->key)), field);
    }
    assert_null(field_row(FIELD_COUNT));
}

/* Every change of one character, one more and one less. */
static void near_misses(const char *word, void (*check)(struct span near))
{
    char near[KEY_BYTES_MAX];
    size_t len = strlen(word);

    check((struct span){word, len - 1});
    memcpy(near, word, len);
    for (int c = 0; c < 256; c++) {
        near[len] = (char)c;
        check((struct span){near, len + 1});
    }
    for (size_t i = 0; i < len; i++) {
        for (int c = 0; c < 256; c++) {
            near[i] = (char)c;
            check((struct span){near, len});
        }
        near[i] = word[i];
    }
}

static void verb_is_exact(struct span near)
{
    enum verb verb = verb_from_name(near);

    if (verb != VERB_NONE)
        assert_true(span_equal(near, span_of(verb_row(verb)->name)));
}

static void field_is_exact(struct span near)
{
    enum field field = field_from_key(near);

    if (field != FIELD_COUNT)
        assert_true(span_equal(near, span_of(field_row(field)->key)));
}

static void a_name_that_is_nearly_right_is_not_found(void **state)
{
    (void)state;
    for (int verb = VERB_NONE + 1; verb < VERB_COUNT; verb++)
        near_misses(verb_row((enum verb)verb)->name, verb_is_exact);
    for (int field = 0; field < FIELD_COUNT; field++)
        near_misses(field_row((enum field)field)->key, field_is_exact);
    assert_int_equal(verb_from_name((struct span){NULL, 0}), VERB_NONE);
    assert_int_equal(field_from_key((struct span){NULL, 0}), FIELD_COUNT);
    assert_int_equal(verb_from_name(SPAN("Hello")), VERB_NONE);
    assert_int_equal(field_from_key(SPAN("a key as long as no other")), FIELD_COUNT);
}

static void a_field_knows_its_member(void **state)
{
    (void)state;
    struct message message = {.seq = 18, .name = SPAN("work")};
    const char *base = (const char *)&message;

    assert_ptr_equal(base + field_row(FIELD_SEQ_)->offset, &message.seq);
    assert_ptr_equal(base + field_row(FIELD_NAME_)->offset, &message.name);
    assert_int_equal(field_row(FIELD_TEXT_)->most, TEXT_BYTES_MAX);
    assert_int_equal(field_row(FIELD_KEY_)->type, FIELD_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_has_a_row_and_is_found_by_its_name),
        cmocka_unit_test(what_a_verb_needs_it_allows),
        cmocka_unit_test(a_verb_that_does_not_exist_has_no_row),
        cmocka_unit_test(every_field_is_found_by_its_key),
        cmocka_unit_test(a_name_that_is_nearly_right_is_not_found),
        cmocka_unit_test(a_field_knows_its_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
