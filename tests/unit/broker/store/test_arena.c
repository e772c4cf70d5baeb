#include "tests/support/check.h"

#include "broker/store/arena.h"

#include <stdalign.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    struct arena arena = {0};
    unsigned char *before = NULL;

    (void)state;
    for (size_t round = 0; round < 2; round++) {
        for (size_t size = 1; size < 3000; size += 7) {
            unsigned char *piece = arena_alloc(&arena, size);

            assert_int_equal((uintptr_t)piece % alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(piece[i], 0);
            memset(piece, 0xff, size);
            if (before != NULL)
                assert_int_equal(before[0], 0xff);
            before = piece;
        }
        arena_clear(&arena);
        before = NULL;
    }
    arena_fini(&arena);
}

static void a_piece_may_be_larger_than_any_chunk(void **state)
{
    struct arena arena = {0};
    const size_t size = 5 << 20;
    char *large;

    (void)state;
    arena_alloc(&arena, 10);
    large = arena_alloc(&arena, size);
    large[size - 1] = 'x';
    arena_clear(&arena);
    assert_non_null(arena_alloc(&arena, 10));
    arena_fini(&arena);
}

static void what_is_reserved_but_not_kept_is_taken_again(void **state)
{
    struct arena arena = {0};
    char *first, *second;

    (void)state;
    first = arena_reserve(&arena, 1000);
    memcpy(first, "used", 4);
    arena_keep(&arena, 4);
    second = arena_alloc(&arena, 8);
    assert_true(second > first && second < first + 1000);
    assert_memory_equal(first, "used", 4);
    arena_fini(&arena);
}

static void a_copy_outlives_its_source(void **state)
{
    struct arena arena = {0};
    char text[] = "borrowed";
    const struct span copy = arena_copy(&arena, span_of(text));

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_true(span_equal(copy, SPAN("borrowed")));
    assert_int_equal(arena_copy(&arena, (struct span){0}).len, 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_piece_may_be_larger_than_any_chunk),
        cmocka_unit_test(what_is_reserved_but_not_kept_is_taken_again),
        cmocka_unit_test(a_copy_outlives_its_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
