#include "broker/ops/exposition.h"

#include "shared/text/json.h"

#include <inttypes.h>

/* Prometheus */

/* Backslash and newline, and in a label's value quotes: the three that must not stand there as they are. */
static void put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\\' || *text == '"')
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void put_head(FILE *out, const char *family, const char *suffix, const char *type,
                     const char *help)
{
    fprintf(out, "# HELP zchat_%s%s %s\n# TYPE zchat_%s%s %s\n", family, suffix, help, family,
            suffix, type);
}

static void put_label(FILE *out, const char *name, const char *value)
{
    fprintf(out, "{%s=\"", name);
    put_escaped(out, value);
    fputs("\"}", out);
}

static void put_sample(void *context, const struct sample *sample)
{
    const char *suffix = sample->kind == COUNTER ? "_total" : "";
    FILE *out = context;

    if (sample->help[0] != '\0')
        put_head(out, sample->family, suffix, sample->kind == COUNTER ? "counter" : "gauge",
                 sample->help);
    fprintf(out, "zchat_%s%s", sample->family, suffix);
    if (sample->label[0] != '\0')
        put_label(out, sample->label, sample->label_value);
    fprintf(out, " %" PRIu64 "\n", sample->value);
}

/* In seconds, as Prometheus wants them: whole microseconds have six places. */
static void put_seconds(FILE *out, uint64_t us)
{
    fprintf(out, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
}

static void put_latency(FILE *out, const struct latency *latency)
{
    const struct histogram *histogram = latency->histogram;
    uint64_t below = 0;

    put_head(out, latency->family, "_seconds", "histogram", latency->help);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        below += histogram->bucket[i];
        fprintf(out, "zchat_%s_seconds_bucket{le=\"", latency->family);
        put_seconds(out, histogram_bound_us(i));
        fprintf(out, "\"} %" PRIu64 "\n", below);
    }
    fprintf(out, "zchat_%s_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", latency->family,
            histogram->count);
    fprintf(out, "zchat_%s_seconds_sum ", latency->family);
    put_seconds(out, histogram->sum_us);
    fprintf(out, "\nzchat_%s_seconds_count %" PRIu64 "\n", latency->family, histogram->count);
}

static void put_alarms(FILE *out, const struct health *health)
{
    put_head(out, "alarm", "", "gauge", "1 while it is raised");
    for (size_t i = 0; i < ALARMS; i++) {
        fputs("zchat_alarm", out);
        put_label(out, "name", alarm_name((enum alarm)i));
        fprintf(out, " %d\n", health->is_raised[i] ? 1 : 0);
    }
}

void exposition_text(const struct figures *figures, const struct health *health, FILE *out)
{
    put_head(out, "build_info", "", "gauge", "The broker's version");
    fputs("zchat_build_info", out);
    put_label(out, "version", ZCHAT_VERSION);
    fputs(" 1\n", out);
    figures_each(figures, put_sample, out);
    for (size_t i = 0; i < LATENCIES; i++) {
        const struct latency latency = figures_latency(figures, i);

        put_latency(out, &latency);
    }
    put_alarms(out, health);
}

/* JSON */

static void add_sample(void *context, const struct sample *sample)
{
    char name[SAMPLE_NAME_BYTES];

    sample_name(sample, name);
    json_uint(context, name, sample->value);
}

static void add_latency(struct json *json, const struct latency *latency)
{
    const struct histogram *histogram = latency->histogram;
    char key[SAMPLE_NAME_BYTES];

    for (size_t i = 0; i < LATENCY_NUMBERS; i++) {
        const struct sample sample = latency_number(latency, i);

        add_sample(json, &sample);
    }
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        if (i < HISTOGRAM_BOUNDS)
            snprintf(key, sizeof(key), "%s.bucket.%" PRIu64, latency->family,
                     histogram_bound_us(i));
        else
            snprintf(key, sizeof(key), "%s.bucket.inf", latency->family);
        json_uint(json, key, histogram->bucket[i]);
    }
}

static void add_alarms(struct json *json, const struct health *health, const char *key,
                       const char *(*word)(enum alarm alarm))
{
    json_array_open(json, key);
    for (size_t i = 0; i < ALARMS; i++) {
        if (health->is_raised[i])
            json_array_text(json, span_of(word((enum alarm)i)));
    }
    json_array_close(json);
}

void exposition_json(const struct figures *figures, const struct health *health, FILE *out)
{
    struct json json;

    json_open(&json, out);
    json_text(&json, "version", SPAN(ZCHAT_VERSION));
    add_alarms(&json, health, "alarms", alarm_name);
    add_alarms(&json, health, "texts", alarm_text);
    figures_each(figures, add_sample, &json);
    for (size_t i = 0; i < LATENCIES; i++) {
        const struct latency latency = figures_latency(figures, i);

        add_latency(&json, &latency);
    }
    json_close(&json);
}

void exposition_health(const struct health *health, FILE *out)
{
    struct json json;

    if (health_is_good(health)) {
        fputs("ok\n", out);
        return;
    }
    json_open(&json, out);
    json_text(&json, "status", SPAN("bad"));
    add_alarms(&json, health, "reasons", alarm_name);
    add_alarms(&json, health, "texts", alarm_text);
    json_close(&json);
}
