#include "client/cli/print.h"

#include "client/cli/words.h"
#include "shared/text/clean.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
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

uint32_t nick_hash(const char *nick)
{
    uint32_t hash = 2166136261u; /* FNV-1a: the same nick, the same colour, everywhere */

    for (const char *at = nick; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return hash;
}

void print_nick(FILE *out, const struct style *style, const char *nick)
{
    static const int colors[] = {31, 32, 33, 34, 35, 36, 91, 92, 94, 95, 96};

    if (style->has_color)
        fprintf(out, "\x1b[%dm", colors[nick_hash(nick) % (sizeof(colors) / sizeof(colors[0]))]);
    clean_write(out, span_of(nick), false, "");
    if (style->has_color)
        fputs("\x1b[0m", out);
}

void print_time(FILE *out, const struct style *style, uint64_t ts_ms)
{
    char text[WORDS_TIME_BYTES];

    words_time(ts_ms, style->is_utc, style->has_date, text);
    if (style->has_color)
        fprintf(out, "\x1b[2m%s\x1b[0m", text);
    else
        fputs(text, out);
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

/* Who it is about; "you" in one's own stream. */
static void print_whom(FILE *out, const struct style *style, const struct zchat_event *event)
{
    if (event->stream[0] == '@' && strcmp(event->stream + 1, event->to) == 0)
        fputs("you", out);
    else if (event->to[0] == '\0')
        fputs("a device", out);
    else
        print_nick(out, style, event->to);
}

/* Which room (in one's own stream), until when, and why. */
static void print_end(FILE *out, const struct style *style, const struct zchat_event *event,
                      const char *preposition)
{
    char until[WORDS_TIME_BYTES];

    if (event->room[0] != '\0') {
        fprintf(out, " %s ", preposition);
        clean_write(out, span_of(event->room), false, "");
    }
    words_time(event->until_ms, style->is_utc, true, until);
    if (event->until_ms != 0)
        fprintf(out, " until %s", until);
    if (event->text_len > 0) {
        fputs(": ", out);
        clean_write(out, (struct span){event->text, event->text_len}, false, "");
    }
}

static void print_topic(FILE *out, const struct zchat_event *event)
{
    fputs(event->text_len > 0 ? "set the topic: " : "cleared the topic", out);
    clean_write(out, (struct span){event->text, event->text_len}, false, "");
}

static void print_invite(FILE *out, const struct style *style, const struct zchat_event *event)
{
    char room[256];

    clean_copy(room, sizeof(room), span_of(event->room));
    fputs("invites ", out);
    print_whom(out, style, event);
    fprintf(out, style->has_commands ? " to %s: /join %s" : " to %s: zchat join '%s'", room, room);
}

/* What an operator did to somebody: the verb before and the words behind the name. */
static const struct {
    const char *type, *before, *behind, *preposition;
} deeds[] = {
    {"kick", "put", " out", "of"},
    {"ban", "banned", "", "from"},
    {"unban", "lets", " in again", "to"},
    {"mute", "muted", "", "in"},
    {"unmute", "lets", " write again", "in"},
};
#define DEED_COUNT (sizeof(deeds) / sizeof(deeds[0]))

static bool print_deed(FILE *out, const struct style *style, const struct zchat_event *event)
{
    for (size_t i = 0; i < DEED_COUNT; i++) {
        if (strcmp(event->type, deeds[i].type) != 0)
            continue;
        fprintf(out, "%s ", deeds[i].before);
        print_whom(out, style, event);
        fputs(deeds[i].behind, out);
        print_end(out, style, event, deeds[i].preposition);
        return true;
    }
    return false;
}

static void print_role(FILE *out, const struct style *style, const struct zchat_event *event)
{
    fputs("made ", out);
    print_whom(out, style, event);
    fputs(strcmp(event->text, "op") == 0 ? " an operator" : " a member like others", out);
}

/* What happened, behind the name of who did it. */
static void print_happening(FILE *out, const struct style *style, const struct zchat_event *event)
{
    const char *type = event->type;

    if (strcmp(type, "join") == 0) {
        fputs("joined", out);
    } else if (strcmp(type, "leave") == 0) {
        fputs("left", out);
    } else if (strcmp(type, "receipt") == 0) {
        fprintf(out, "has everything up to %" PRIu64, event->upto);
    } else if (strcmp(type, "topic") == 0) {
        print_topic(out, event);
    } else if (strcmp(type, "mode") == 0) {
        fputs("made the room ", out);
        clean_write(out, (struct span){event->text, event->text_len}, false, "");
    } else if (strcmp(type, "purged") == 0) {
        fputs("wrote something that was removed", out);
    } else if (strcmp(type, "role") == 0) {
        print_role(out, style, event);
    } else if (strcmp(type, "invite") == 0) {
        print_invite(out, style, event);
    } else if (!print_deed(out, style, event)) {
        fputc('(', out);
        clean_write(out, span_of(type), false, "");
        fputc(')', out);
    }
}

/* Types that are told to everybody. */
static bool is_told(const char *type)
{
    static const char *const told[] = {"message", "join", "leave",  "topic",
                                       "mode",    "role", "invite", "purged"};

    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        if (strcmp(type, told[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < DEED_COUNT; i++) {
        if (strcmp(type, deeds[i].type) == 0)
            return true;
    }
    return false;
}

/* What a gap is about. */
static void print_missing(FILE *out, const struct zchat_event *event)
{
    fprintf(out, "%" PRIu64 " to %" PRIu64 " are no longer kept by the broker", event->first,
            event->last);
}

bool print_is_told(const struct style *style, const struct zchat_event *event)
{
    return style->is_verbose || is_told(event->type);
}

void print_content(FILE *out, const struct style *style, const struct zchat_event *event)
{
    if (event->kind == ZCHAT_GAP)
        print_missing(out, event);
    else if (strcmp(event->type, "message") == 0)
        clean_write(out, (struct span){event->text, event->text_len}, false, "");
    else
        print_happening(out, style, event);
}

void print_what(FILE *out, const struct style *style, const struct zchat_event *event)
{
    print_nick(out, style, event->from);
    fputc(' ', out);
    print_happening(out, style, event);
}

bool print_event(FILE *out, const struct style *style, const struct zchat_event *event,
                 const char *after)
{
    if (!print_is_told(style, event))
        return false;
    print_time(out, style, event->ts_ms);
    fputc(' ', out);
    if (strcmp(event->type, "message") == 0) {
        print_message(out, style, event);
    } else {
        if (event->stream[0] == '#' || !is_told(event->type))
            print_stream(out, event->stream);
        fputs("* ", out);
        print_what(out, style, event);
    }
    fprintf(out, "%s%s\n", after[0] == '\0' ? "" : " ", after);
    return true;
}

const char *waiting_sentence(enum rc rc)
{
    switch (rc) {
    case RC_TOO_FAST:
        return "you send too fast";
    case RC_DISK_FULL:
        return "the broker's disk is full";
    default:
        return rc_sentence(rc);
    }
}

void print_gap(FILE *out, const struct style *style, const struct zchat_event *event)
{
    (void)style;
    print_stream(out, event->stream);
    fputs("* ", out);
    print_missing(out, event);
    fputc('\n', out);
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
