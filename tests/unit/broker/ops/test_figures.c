/* STATS tells every figure once, in pages of any size. */
#include "broker/ops/figures.h"

#include "tests/support/check.h"

#include <string.h>

#define ROWS_MAX 512

struct rows {
    size_t count;
    char name[ROWS_MAX][SAMPLE_NAME_BYTES];
    uint64_t value[ROWS_MAX];
};

static void note(void *context, const struct sample *sample)
{
    struct rows *rows = context;

    assert_true(rows->count < ROWS_MAX);
    sample_name(sample, rows->name[rows->count]);
    rows->value[rows->count++] = sample->value;
}

/* Each figure has a value of its own. */
static struct figures some_figures(void)
{
    struct figures figures = {0};

    histogram_add_many(&figures.commit, 700, 71);
    histogram_add_many(&figures.ack, 900, 73);
    for (size_t i = 0; i < FIGURES; i++)
        figures.value[i] = 1000 + i;
    for (size_t i = 0; i < REFUSED_CODES; i++)
        figures.refused[i] = 2000 + i;
    for (size_t i = 0; i < CORE_COUNTERS - REFUSED_FIRST; i++)
        figures.limited[i] = 3000 + i;
    return figures;
}

static void pages_of_any_size_make_the_whole(void **state)
{
    static struct rows whole, pages;
    const struct figures figures = some_figures();

    (void)state;
    memset(&whole, 0, sizeof(whole));
    assert_int_equal(figures_page(&figures, 0, ROWS_MAX, note, &whole), 0);
    assert_true(whole.count > FIGURES + LATENCIES * LATENCY_NUMBERS);
    for (uint64_t max = 1; max <= whole.count + 1; max++) {
        uint64_t first = 0, asked = 0;

        memset(&pages, 0, sizeof(pages));
        do {
            const size_t before = pages.count;

            first = figures_page(&figures, first, max, note, &pages);
            asked++;
            assert_true(pages.count - before <= max);
            assert_true(first == 0 || first == asked * max);
        } while (first != 0);
        assert_int_equal(asked, (whole.count + max - 1) / max);
        assert_int_equal(pages.count, whole.count);
        assert_memory_equal(&pages, &whole, sizeof(whole));
    }
}

static void behind_the_last_row_there_is_nothing(void **state)
{
    static struct rows whole, rows;
    const struct figures figures = some_figures();

    (void)state;
    memset(&whole, 0, sizeof(whole));
    memset(&rows, 0, sizeof(rows));
    assert_int_equal(figures_page(&figures, 0, ROWS_MAX, note, &whole), 0);
    assert_int_equal(figures_page(&figures, whole.count, 128, note, &rows), 0);
    assert_int_equal(figures_page(&figures, UINT64_MAX, 128, note, &rows), 0);
    assert_int_equal(rows.count, 0);
    assert_int_equal(figures_page(&figures, whole.count - 1, 128, note, &rows), 0);
    assert_int_equal(rows.count, 1);
    assert_string_equal(rows.name[0], "ack_latency.p99_us");
}

static void no_name_is_told_twice(void **state)
{
    static struct rows rows;
    const struct figures figures = some_figures();

    (void)state;
    memset(&rows, 0, sizeof(rows));
    assert_int_equal(figures_page(&figures, 0, ROWS_MAX, note, &rows), 0);
    for (size_t i = 0; i < rows.count; i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(rows.name[i], rows.name[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_any_size_make_the_whole),
        cmocka_unit_test(behind_the_last_row_there_is_nothing),
        cmocka_unit_test(no_name_is_told_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
