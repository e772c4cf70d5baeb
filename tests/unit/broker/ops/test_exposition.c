#include "broker/ops/exposition.h"

#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

static char *written(void (*write)(const struct figures *, const struct health *, FILE *),
                     const struct figures *figures, const struct health *health)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    write(figures, health, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static bool has_line(const char *text, const char *line)
{
    char wanted[256];

    snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    return strstr(text, wanted) != NULL;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

static void a_counter_ends_in_total_and_has_its_help_once(void **state)
{
    const struct figures figures = {.value = {[FIG_POSTS] = 7, [FIG_DROPS_SLOW] = 3}};
    const struct health health = {.is_raised = {false}};
    char *text = written(exposition_text, &figures, &health);

    (void)state;
    assert_true(has_line(text, "# TYPE zchat_posts_total counter"));
    assert_true(has_line(text, "zchat_posts_total 7"));
    assert_true(has_line(text, "zchat_drops_total{reason=\"slow\"} 3"));
    assert_true(has_line(text, "zchat_drops_total{reason=\"departed\"} 0"));
    assert_int_equal(count_of(text, "# HELP zchat_drops_total "), 1);
    assert_int_equal(count_of(text, "# HELP "), count_of(text, "# TYPE "));
    free(text);
}

static void refusals_have_every_code_of_the_protocol(void **state)
{
    struct figures figures = {.value = {0}};
    const struct health health = {.is_raised = {false}};
    size_t codes = 0;

    (void)state;
    figures.refused[RC_TOO_FAST] = 5;
    figures.limited[REFUSED_MAILBOX - REFUSED_FIRST] = 6;
    for (unsigned code = 1; code < 100; code++)
        codes += rc_is_wire((enum rc)code);
    char *text = written(exposition_text, &figures, &health);
    assert_true(has_line(text, "zchat_refusals_total{code=\"too_fast\"} 5"));
    assert_true(has_line(text, "zchat_limited_total{limit=\"mailbox_max\"} 6"));
    assert_int_equal(count_of(text, "zchat_refusals_total{"), codes);
    free(text);
}

static void a_histogram_is_cumulative_and_in_seconds(void **state)
{
    struct figures figures = {.value = {0}};
    const struct health health = {.is_raised = {false}};

    (void)state;
    histogram_add(&figures.ack, 60);
    histogram_add(&figures.ack, 150);
    histogram_add(&figures.ack, UINT64_C(200000000));
    char *text = written(exposition_text, &figures, &health);
    assert_true(has_line(text, "# TYPE zchat_ack_latency_seconds histogram"));
    assert_true(has_line(text, "zchat_ack_latency_seconds_bucket{le=\"0.000050\"} 0"));
    assert_true(has_line(text, "zchat_ack_latency_seconds_bucket{le=\"0.000100\"} 1"));
    assert_true(has_line(text, "zchat_ack_latency_seconds_bucket{le=\"100.000000\"} 2"));
    assert_true(has_line(text, "zchat_ack_latency_seconds_bucket{le=\"+Inf\"} 3"));
    assert_true(has_line(text, "zchat_ack_latency_seconds_sum 200.000210"));
    assert_true(has_line(text, "zchat_ack_latency_seconds_count 3"));
    free(text);
}

static void json_has_the_same_figures_and_the_alarms(void **state)
{
    struct figures figures = {.value = {[FIG_POSTS] = 7, [FIG_DROPS_SLOW] = 3}};
    const struct health health = {.is_raised = {[ALARM_DISK] = true}};

    (void)state;
    histogram_add(&figures.commit, 60);
    char *text = written(exposition_json, &figures, &health);
    assert_non_null(strstr(text, "\"alarms\":[\"disk_full\"]"));
    assert_non_null(strstr(text, "\"posts\":7,"));
    assert_non_null(strstr(text, "\"drops.slow\":3,"));
    assert_non_null(strstr(text, "\"commit_latency.count\":1,"));
    assert_non_null(strstr(text, "\"commit_latency.bucket.100\":1,"));
    free(text);
}

static void health_is_one_word_or_reasons(void **state)
{
    const struct health good = {.is_raised = {false}};
    const struct health bad = {.is_raised = {[ALARM_DISK] = true, [ALARM_HUB] = true}};
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    exposition_health(&good, out);
    assert_int_equal(fflush(out), 0);
    assert_string_equal(text, "ok\n");
    exposition_health(&bad, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(
        strstr(text, "{\"status\":\"bad\",\"reasons\":[\"disk_full\",\"hub_not_turning\"],"));
    free(text);
}

struct names {
    char seen[512][SAMPLE_NAME_BYTES];
    size_t count;
    const char *families[128]; /* as they come, without repeats in a row */
    size_t family_count;
};

static void note_name(void *context, const struct sample *sample)
{
    struct names *names = context;

    assert_true(names->count < 512);
    sample_name(sample, names->seen[names->count++]);
    if (names->family_count == 0 ||
        strcmp(names->families[names->family_count - 1], sample->family) != 0)
        names->families[names->family_count++] = sample->family;
    else
        assert_string_equal(sample->help, "");
}

/* Names of the protocol; Prometheus wants a family in one piece. */
static void names_are_plain_and_a_family_stands_together(void **state)
{
    const struct figures figures = {.value = {0}};
    struct names names = {.count = 0};

    (void)state;
    figures_each(&figures, note_name, &names);
    assert_true(names.count > FIGURES);
    for (size_t i = 0; i < names.count; i++) {
        assert_int_equal(strspn(names.seen[i], "abcdefghijklmnopqrstuvwxyz0123456789_."),
                         strlen(names.seen[i]));
        assert_true(strlen(names.seen[i]) < SAMPLE_NAME_BYTES - 1); /* none was cut */
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names.seen[i], names.seen[j]);
    }
    for (size_t i = 0; i < names.family_count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names.families[i], names.families[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_ends_in_total_and_has_its_help_once),
        cmocka_unit_test(refusals_have_every_code_of_the_protocol),
        cmocka_unit_test(a_histogram_is_cumulative_and_in_seconds),
        cmocka_unit_test(json_has_the_same_figures_and_the_alarms),
        cmocka_unit_test(health_is_one_word_or_reasons),
        cmocka_unit_test(names_are_plain_and_a_family_stands_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
