#include "broker/ops/health.h"

#include "tests/support/check.h"

static struct figures well(void)
{
    return (struct figures){.value = {[FIG_DESCRIPTORS] = 100,
                                      [FIG_DESCRIPTORS_MAX] = 1000,
                                      [FIG_DISK_FREE] = 1000,
                                      [FIG_DISK_SIZE] = 5000}};
}

static unsigned judge(struct health *health, const struct figures *figures)
{
    return health_judge(health, &(struct vitals){.figures = figures, .free_bytes_min = 100});
}

static void a_broker_that_is_well_has_no_alarm(void **state)
{
    const struct figures figures = well();
    struct health health = {.is_raised = {false}};

    (void)state;
    assert_int_equal(judge(&health, &figures), 0);
    assert_true(health_is_good(&health));
}

static void an_alarm_is_news_once_and_over_only_when_it_clearly_is(void **state)
{
    struct figures figures = well();
    struct health health = {.is_raised = {false}};

    (void)state;
    figures.value[FIG_DESCRIPTORS] = 900;
    assert_int_equal(judge(&health, &figures), 1u << ALARM_DESCRIPTORS);
    assert_int_equal(judge(&health, &figures), 0);
    assert_false(health_is_good(&health));
    figures.value[FIG_DESCRIPTORS] = 850;
    assert_int_equal(judge(&health, &figures), 0);
    assert_true(health.is_raised[ALARM_DESCRIPTORS]);
    figures.value[FIG_DESCRIPTORS] = 799;
    assert_int_equal(judge(&health, &figures), 1u << ALARM_DESCRIPTORS);
    assert_true(health_is_good(&health));
}

static void the_disk_is_full_below_its_watermark(void **state)
{
    struct figures figures = well();
    struct health health = {.is_raised = {false}};

    (void)state;
    figures.value[FIG_DISK_FREE] = 99;
    assert_int_equal(judge(&health, &figures), 1u << ALARM_DISK);
    figures.value[FIG_DISK_FREE] = 105;
    assert_int_equal(judge(&health, &figures), 0);
    figures.value[FIG_DISK_FREE] = 110;
    assert_int_equal(judge(&health, &figures), 1u << ALARM_DISK);
}

static void a_refusal_for_want_of_room_is_a_full_disk(void **state)
{
    struct figures figures = well();
    struct health health = {.is_raised = {false}};

    (void)state;
    figures.value[FIG_DISK_FULL] = 1;
    assert_int_equal(judge(&health, &figures), 1u << ALARM_DISK);
}

static void so_is_a_database_at_its_limit(void **state)
{
    struct figures figures = well();
    struct health health = {.is_raised = {false}};

    (void)state;
    figures.value[FIG_DATABASE] = 500;
    assert_int_equal(
        health_judge(&health, &(struct vitals){.figures = &figures, .size_bytes_max = 500}),
        1u << ALARM_DISK);
}

static void a_disk_of_which_nothing_is_known_is_not_full(void **state)
{
    struct figures figures = well();
    struct health health = {.is_raised = {false}};

    (void)state;
    figures.value[FIG_DISK_FREE] = figures.value[FIG_DISK_SIZE] = 0;
    assert_int_equal(judge(&health, &figures), 0);
}

static void a_writer_and_a_hub_that_do_not_answer_are_alarms(void **state)
{
    struct figures figures = well();
    struct health health = {.is_raised = {false}};

    (void)state;
    figures.value[FIG_WRITER_WAIT] = WRITER_STALLED_S;
    assert_int_equal(health_judge(&health, &(struct vitals){.figures = &figures,
                                                            .hub_silent_ms = HUB_SILENT_MS}),
                     1u << ALARM_WRITER | 1u << ALARM_HUB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_is_well_has_no_alarm),
        cmocka_unit_test(an_alarm_is_news_once_and_over_only_when_it_clearly_is),
        cmocka_unit_test(the_disk_is_full_below_its_watermark),
        cmocka_unit_test(a_refusal_for_want_of_room_is_a_full_disk),
        cmocka_unit_test(so_is_a_database_at_its_limit),
        cmocka_unit_test(a_disk_of_which_nothing_is_known_is_not_full),
        cmocka_unit_test(a_writer_and_a_hub_that_do_not_answer_are_alarms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
