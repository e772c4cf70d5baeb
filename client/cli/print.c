#include "client/cli/print.h"

#include "shared/text/clean.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define INDENT "    "

struct style style_for(FILE *out)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return (struct style){
        .has_color = isatty(fileno(out)) == 1 && (no_color == NULL || no_color[0] == '\0') &&
                     (term == NULL || strcmp(term, "dumb") != 0),
        .is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .has_date = true,
    };
}

const char *style_sign(const struct style *self, enum sign sign)
{
    static const char *const utf8[] = {"·", "✓", "✓✓", "!", "→"};
    static const char *const ascii[] = {".", "+", "++", "!", "->"};

    return self->is_utf8 ? utf8[sign] : ascii[sign];
}

void print_nick(FILE *out, const struct style *style, const char *nick)
{
    static const int colors[] = {31, 32, 33, 34, 35, 36, 91, 92, 94, 95, 96};
    uint32_t hash = 2166136261u; /* FNV-1a: the same nick, the same colour, everywhere */

    for (const char *at = nick; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    if (style->has_color)
        fprintf(out, "\x1b[%dm", colors[hash % (sizeof(colors) / sizeof(colors[0]))]);
    clean_write(out, span_of(nick), false, "");
    if (style->has_color)
        fputs("\x1b[0m", out);
}

void print_time(FILE *out, const struct style *style, uint64_t ts_ms)
{
    time_t seconds = (time_t)(ts_ms / 1000);
    struct tm when;
    char text[32];

    if (localtime_r(&seconds, &when) == NULL ||
        strftime(text, sizeof(text), style->has_date ? "%Y-%m-%d %H:%M:%S" : "%H:%M", &when) == 0)
        return;
    if (style->has_color)
        fprintf(out, "\x1b[2m%s\x1b[0m ", text);
    else
        fprintf(out, "%s ", text);
}

static void print_stream(FILE *out, const char *stream)
{
    clean_write(out, span_of(stream), false, "");
    fputc(' ', out);
}

static void print_message(FILE *out, const struct style *style, const struct zchat_event *event)
{
    bool is_notice = strcmp(event->message_kind, "notice") == 0;

    if (event->stream[0] == '#')
        print_stream(out, event->stream);
    if (is_notice)
        fputc('-', out);
    print_nick(out, style, event->from);
    if (event->to[0] != '\0') {
        fprintf(out, " %s ", style_sign(style, SIGN_TO));
        print_nick(out, style, event->to);
    }
    fputs(is_notice ? "- " : ": ", out);
    clean_write(out, (struct span){event->text, event->text_len}, true, INDENT);
}

bool print_event(FILE *out, const struct style *style, const struct zchat_event *event,
                 const char *after)
{
    bool is_join = strcmp(event->type, "join") == 0, is_leave = strcmp(event->type, "leave") == 0;
    bool is_message = strcmp(event->type, "message") == 0;

    if (!is_message && !is_join && !is_leave && !style->is_verbose)
        return false;
    print_time(out, style, event->ts_ms);
    if (is_message) {
        print_message(out, style, event);
    } else {
        print_stream(out, event->stream);
        fputs("* ", out);
        print_nick(out, style, event->from);
        if (is_join || is_leave) {
            fputs(is_join ? " joined" : " left", out);
        } else if (strcmp(event->type, "receipt") == 0) {
            fprintf(out, " has everything up to %" PRIu64, event->upto);
        } else {
            fputs(" (", out);
            clean_write(out, span_of(event->type), false, "");
            fputc(')', out);
        }
    }
    fprintf(out, "%s%s\n", after[0] == '\0' ? "" : " ", after);
    return true;
}

void print_gap(FILE *out, const struct style *style, const struct zchat_event *event)
{
    (void)style;
    print_stream(out, event->stream);
    fprintf(out, "* %" PRIu64 " to %" PRIu64 " are no longer kept by the broker\n", event->first,
            event->last);
}

/* Columns on a terminal; bytes when the locale cannot tell. */
static int columns_of(const char *text)
{
    wchar_t wide[512];
    size_t len = mbstowcs(wide, text, sizeof(wide) / sizeof(wide[0]));
    int columns = len == (size_t)-1 ? -1 : wcswidth(wide, len);

    return columns >= 0 ? columns : (int)strlen(text);
}

void print_padded(FILE *out, const char *text, int width)
{
    char cleaned[512];
    int columns;

    clean_copy(cleaned, sizeof(cleaned), span_of(text));
    columns = columns_of(cleaned);
    fprintf(out, "%s%*s", cleaned, columns < width ? width - columns : 0, "");
}
