#include "broker/ops/figures.h"

#include <stdio.h>
#include <string.h>

static const struct sample TABLE[FIGURES] = {
#define X(symbol, family_, kind_, name_, value_, help_) \
    [symbol] = {                                        \
        .family = family_, .kind = kind_, .label = name_, .label_value = value_, .help = help_},
    FIGURE_TABLE(X)
#undef X
};

static void each_code(const struct figures *self, figures_visit *visit, void *context)
{
    struct sample sample = {.family = "refusals",
                            .kind = COUNTER,
                            .label = "code",
                            .help =
                                "Commands that were answered with ERROR, by its name (protocol 9)"};

    for (unsigned code = 1; code < REFUSED_CODES; code++) {
        if (!rc_is_wire((enum rc)code))
            continue;
        sample.label_value = rc_name((enum rc)code);
        sample.value = self->refused[code];
        visit(context, &sample);
        sample.help = "";
    }
}

/* "refused.account_rooms": what stands behind the dot names the limit. */
static void each_limit(const struct figures *self, figures_visit *visit, void *context)
{
    struct sample sample = {.family = "limited",
                            .kind = COUNTER,
                            .label = "limit",
                            .help = "What was refused by a limit, by the setting that is it"};

    for (enum core_counter i = REFUSED_FIRST; i < CORE_COUNTERS; i++) {
        const char *dot = strchr(core_counter_name(i), '.');

        sample.label_value = dot == NULL ? core_counter_name(i) : dot + 1;
        sample.value = self->limited[i - REFUSED_FIRST];
        visit(context, &sample);
        sample.help = "";
    }
}

void figures_each(const struct figures *self, figures_visit *visit, void *context)
{
    for (size_t i = 0; i < FIGURES; i++) {
        struct sample sample = TABLE[i];

        sample.value = self->value[i];
        visit(context, &sample);
    }
    each_code(self, visit, context);
    each_limit(self, visit, context);
}

struct latency figures_latency(const struct figures *self, size_t number)
{
    if (number == 0)
        return (struct latency){"commit_latency", "How long transactions took", &self->commit};
    return (struct latency){"ack_latency", "From reading a post to acknowledging it", &self->ack};
}

struct sample latency_number(const struct latency *self, size_t number)
{
    static const char *const NAMES[LATENCY_NUMBERS] = {"count", "sum_us", "p50_us", "p99_us"};
    const uint64_t values[LATENCY_NUMBERS] = {self->histogram->count, self->histogram->sum_us,
                                              histogram_quantile_us(self->histogram, 500),
                                              histogram_quantile_us(self->histogram, 990)};

    return (struct sample){.family = self->family,
                           .kind = number < 2 ? COUNTER : GAUGE,
                           .label = "of",
                           .label_value = NAMES[number],
                           .help = "",
                           .value = values[number]};
}

struct page {
    uint64_t first, max;
    uint64_t row; /* that comes next */
    figures_visit *visit;
    void *context;
};

static void visit_if_on(void *context, const struct sample *sample)
{
    struct page *page = context;
    const uint64_t row = page->row++;

    if (row >= page->first && row - page->first < page->max)
        page->visit(page->context, sample);
}

uint64_t figures_page(const struct figures *self, uint64_t first, uint64_t max,
                      figures_visit *visit, void *context)
{
    struct page page = {.first = first, .max = max, .visit = visit, .context = context};

    figures_each(self, visit_if_on, &page);
    for (size_t i = 0; i < LATENCIES * LATENCY_NUMBERS; i++) {
        const struct latency latency = figures_latency(self, i / LATENCY_NUMBERS);
        const struct sample sample = latency_number(&latency, i % LATENCY_NUMBERS);

        visit_if_on(&page, &sample);
    }
    return page.row > first && page.row - first > max ? first + max : 0;
}

void sample_name(const struct sample *self, char buf[static SAMPLE_NAME_BYTES])
{
    snprintf(buf, SAMPLE_NAME_BYTES, "%s%s%s", self->family, self->label[0] == '\0' ? "" : ".",
             self->label_value);
}
