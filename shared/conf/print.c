/* print.c - the table for people: --help and --print-config. */
#include "shared/conf/conf.h"

#include "shared/base/alloc.h"
#include "shared/conf/parse.h"
#include "shared/conf/value.h"

#include <inttypes.h>

#define COLUMNS     100
#define HELP_INDENT "                           " /* behind the options */

/* How much of `text` goes into a line of `room`: up to a newline, or to the last space that fits. */
static size_t line_len(const char *text, size_t room)
{
    size_t len = strcspn(text, "\n");

    if (len > room) {
        len = room;
        while (len > 0 && text[len] != ' ')
            len--;
        if (len == 0)
            len = strcspn(text, " \n");
    }
    return len;
}

/* Lines of at most COLUMNS: the first begins with what stands there already, the others with `indent`. */
static void print_lines(FILE *out, const char *text, const char *indent, size_t used)
{
    for (bool is_first = true; *text != '\0' || is_first; is_first = false) {
        const size_t len = line_len(text, COLUMNS - used);

        fprintf(out, "%s%.*s\n", is_first ? "" : indent, (int)len, text);
        text += len;
        text += *text == ' ' || *text == '\n' ? 1 : 0;
    }
}

static void print_comment(FILE *out, const char *text)
{
    fputs("# ", out);
    print_lines(out, text, "# ", 2);
}

void conf_help(const struct conf_schema *schema, FILE *out)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct conf_row *row = &schema->row[i];
        const bool has_default = row->initial != NULL && row->initial[0] != '\0';
        char name[96], text[CONF_WHY_BYTES];

        if (strchr(row->key, '*') != NULL)
            continue;
        snprintf(name, sizeof(name), "--%s%s%s", row->key, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        snprintf(text, sizeof(text), "%s%s%s%s", row->help, has_default ? " (default " : "",
                 has_default ? row->initial : "", has_default ? ")" : "");
        fprintf(out, "  %-24s ", name);
        print_lines(out, text, HELP_INDENT, sizeof(HELP_INDENT) - 1);
    }
}

static void print_bounds(const struct conf_row *row, FILE *out)
{
    char type[CONF_WHY_BYTES] = "", expected[256];

    switch (row->type) {
    case CONF_FLAG:
        snprintf(type, sizeof(type), "yes or no");
        break;
    case CONF_CHOICE:
        snprintf(type, sizeof(type), "%s", row->choices);
        break;
    case CONF_UINT:
        snprintf(type, sizeof(type), "%" PRIu64 " to %" PRIu64, row->least, row->most);
        break;
    case CONF_DURATION:
    case CONF_SIZE: { /* what a bad value would be told */
        uint64_t ignored = 0;
        const char *told = conf_value_parse(row, "-", &ignored, sizeof(ignored), expected);

        snprintf(type, sizeof(type), "%s", told != NULL ? told : "");
        break;
    }
    case CONF_TEXT:
    case CONF_ADDRESS:
        snprintf(type, sizeof(type), "%s", row->argument);
        break;
    }
    fprintf(out, "# (%s%s%s%s)\n", type, row->initial != NULL ? "; default " : "",
            row->initial != NULL ? row->initial : "",
            row->is_reloadable ? "; taken over by a reload" : "");
}

static void print_key(const struct conf_row *row, const char *name, FILE *out)
{
    const char *star = strchr(row->key, '*');

    if (star == NULL)
        fputs(row->key, out);
    else
        fprintf(out, "%.*s%s%s", (int)(star - row->key), row->key, name, star + 1);
    fputs(" = ", out);
}

static void print_row(const struct conf_row *row, const void *settings, bool is_initial, FILE *out)
{
    const size_t count = conf_value_count(row, settings);
    char text[CONF_VALUE_BYTES];

    fputc('\n', out);
    print_comment(out, row->help);
    print_bounds(row, out);
    if (is_initial && (row->initial == NULL || row->example != NULL)) {
        if (row->example != NULL)
            fprintf(out, "#%s\n", row->example);
        else
            fprintf(out, "#%s =%s\n", row->key, row->type == CONF_FLAG ? " no" : "");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        size_t size;
        const char *value = conf_value_at(row, settings, i, &size);

        conf_value_format(row, value, size, text);
        if (is_initial)
            fputc('#', out);
        print_key(row, strchr(row->key, '*') != NULL ? value - CONF_NAME_BYTES : "", out);
        conf_write_value(out, text);
        fputc('\n', out);
    }
}

void conf_print(const struct conf_schema *schema, const void *settings, FILE *out)
{
    void *initial = x_alloc(1, schema->size);

    conf_defaults(schema, initial);
    print_comment(out, schema->about);
    for (size_t i = 0; i < schema->count; i++) {
        const struct conf_row *row = &schema->row[i];

        if (!row->is_command)
            print_row(row, settings, conf_value_equal(row, settings, initial), out);
    }
    free(initial);
}
