#include "client/cli/format.h"

#include "shared/text/clean.h"

#include <inttypes.h>
#include <string.h>

typedef void field_function(FILE *out, const struct style *style, const struct zchat_event *event);

static void put_when(FILE *out, const struct style *style, const struct zchat_event *event)
{
    if (event->kind == ZCHAT_EVENT)
        print_time(out, style, event->ts_ms);
}

static void put_from(FILE *out, const struct style *style, const struct zchat_event *event)
{
    if (event->kind == ZCHAT_EVENT)
        print_nick(out, style, event->from);
}

static void put_stream(FILE *out, const struct style *style, const struct zchat_event *event)
{
    (void)style;
    clean_write(out, span_of(event->stream), false, "");
}

static void put_seq(FILE *out, const struct style *style, const struct zchat_event *event)
{
    (void)style;
    fprintf(out, "%" PRIu64, event->kind == ZCHAT_GAP ? event->last : event->seq);
}

static void put_kind(FILE *out, const struct style *style, const struct zchat_event *event)
{
    const char *kind = event->type;

    (void)style;
    if (event->kind == ZCHAT_GAP)
        kind = "gap";
    else if (strcmp(event->type, "message") == 0 && event->message_kind[0] != '\0')
        kind = event->message_kind;
    clean_write(out, span_of(kind), false, "");
}

static void put_percent(FILE *out, const struct style *style, const struct zchat_event *event)
{
    (void)style;
    (void)event;
    fputc('%', out);
}

static const struct {
    char letter;
    field_function *put;
} fields[] = {
    {'t', put_when}, {'f', put_from},      {'s', put_stream},  {'q', put_seq},
    {'k', put_kind}, {'m', print_content}, {'%', put_percent},
};

static const struct {
    const char *name, *template;
} presets[] = {
    {"short", "%f: %m"},
    {"long", "%t %s %q %k %f: %m"},
    {"tsv", "%s\\t%q\\t%t\\t%k\\t%f\\t%m"},
};

static field_function *field_of(char letter)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].letter == letter)
            return fields[i].put;
    }
    return NULL;
}

static char escaped(char letter)
{
    switch (letter) {
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case '\\':
        return '\\';
    default:
        return '\0';
    }
}

enum rc format_find(const char *given, const char **ret_template, char why[static FORMAT_WHY_BYTES])
{
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
        if (strcmp(presets[i].name, given) == 0) {
            *ret_template = presets[i].template;
            return RC_OK;
        }
    }
    if (strchr(given, '%') == NULL) {
        snprintf(why, FORMAT_WHY_BYTES,
                 "it is neither short, long nor tsv, and names no field, such as %%m");
        return RC_CONFIG;
    }
    for (const char *at = given; *at != '\0'; at++) {
        const bool is_known = *at == '%'    ? field_of(at[1]) != NULL
                              : *at == '\\' ? escaped(at[1]) != '\0'
                                            : true;

        if (!is_known) {
            char shown[8];

            clean_copy(shown, sizeof(shown), (struct span){at, at[1] == '\0' ? 1 : 2});
            snprintf(why, FORMAT_WHY_BYTES,
                     "%s stands for nothing: there are %%t %%f %%s %%q %%m %%k %%%% and \\t \\n "
                     "\\\\",
                     shown);
            return RC_CONFIG;
        }
        if (*at == '%' || *at == '\\')
            at++;
    }
    *ret_template = given;
    return RC_OK;
}

void format_print(FILE *out, const struct style *style, const char *template,
                  const struct zchat_event *event)
{
    for (const char *at = template; *at != '\0'; at++) {
        if (*at == '%')
            field_of (*++at)(out, style, event);
        else if (*at == '\\')
            fputc(escaped(*++at), out);
        else
            fputc(*at, out);
    }
    fputc('\n', out);
}
