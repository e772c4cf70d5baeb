#include "client/cli/query.h"

#include "client/cli/when.h"
#include "shared/text/clean.h"
#include "shared/text/name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void query_init(struct query *self, uint64_t now_wall_ms)
{
    *self = (struct query){.now_ms = now_wall_ms};
}

static enum rc refuse(char *why, const char *filter, const char *expected, const char *given)
{
    char shown[96];

    clean_copy(shown, sizeof(shown), span_of(given));
    snprintf(why, QUERY_WHY_BYTES, "%s takes %s, not \"%s\"", filter, expected, shown);
    return RC_CONFIG;
}

static enum rc set_in(struct query *self, const char *value, char *why)
{
    struct stream_name name;

    if (stream_name_parse(span_of(value), &name) != RC_OK)
        return refuse(why, "in", "#room or @nick", value);
    snprintf(self->in, sizeof(self->in), "%s", name.text);
    self->ask.stream = self->in;
    return RC_OK;
}

static enum rc set_from(struct query *self, const char *value, char *why)
{
    struct name name;

    if (name_parse(span_of(value[0] == '@' ? value + 1 : value), &name) != RC_OK)
        return refuse(why, "from", "a nick", value);
    snprintf(self->from, sizeof(self->from), "%.*s", (int)name.text_len, name.text);
    self->ask.from = self->from;
    return RC_OK;
}

static enum rc set_time(const struct query *self, const char *filter, const char *value,
                        uint64_t *ret, char *why)
{
    struct since since;

    if (when_since(value, self->now_ms, &since) != RC_OK || !since.is_time)
        return refuse(why, filter, "10m, 2h, 1d, 2026-11-23 or 2026-11-23T09:21", value);
    *ret = since.value > 0 ? since.value : 1; /* 0 is no bound */
    return RC_OK;
}

enum rc query_set(struct query *self, const char *filter, const char *value,
                  char why[static QUERY_WHY_BYTES])
{
    const bool is_in = strcmp(filter, "in") == 0, is_from = strcmp(filter, "from") == 0;
    const bool is_before = strcmp(filter, "before") == 0;
    const bool is_there = is_in       ? self->ask.stream != NULL
                          : is_from   ? self->ask.from != NULL
                          : is_before ? self->ask.until_ms != 0
                                      : self->ask.since_ms != 0;

    if (is_there) {
        snprintf(why, QUERY_WHY_BYTES, "%s is given twice; a search has one", filter);
        return RC_CONFIG;
    }
    if (is_in)
        return set_in(self, value, why);
    if (is_from)
        return set_from(self, value, why);
    return set_time(self, filter, value, is_before ? &self->ask.until_ms : &self->ask.since_ms,
                    why);
}

static enum rc add_word(struct query *self, struct span word, char *why)
{
    const size_t len = strlen(self->words);

    if (word.len + (len > 0) > sizeof(self->words) - 1 - len) {
        snprintf(why, QUERY_WHY_BYTES, "a search has at most %d bytes", SEARCH_BYTES_MAX);
        return RC_CONFIG;
    }
    snprintf(self->words + len, sizeof(self->words) - len, "%s%.*s", len > 0 ? " " : "",
             (int)word.len, word.ptr);
    self->ask.words = self->words;
    return RC_OK;
}

/* "from:bob" as a filter and its value; NULL: it is a word. */
static const char *filter_of(struct span word, struct span *ret_value)
{
    static const char *const filters[] = {"from", "in", "before", "after"};

    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        const size_t len = strlen(filters[i]);

        if (word.len <= len || word.ptr[len] != ':' || memcmp(word.ptr, filters[i], len) != 0)
            continue;
        *ret_value = (struct span){word.ptr + len + 1, word.len - len - 1};
        return filters[i];
    }
    return NULL;
}

static enum rc take_word(struct query *self, struct span word, char *why)
{
    struct span value;
    const char *filter = filter_of(word, &value);
    char copy[SEARCH_BYTES_MAX + 1];

    if (filter == NULL)
        return add_word(self, word, why);
    snprintf(copy, sizeof(copy), "%.*s", (int)value.len, value.ptr);
    return query_set(self, filter, copy, why);
}

/* How long the word at `at` is: to a space outside of quotes. */
static size_t word_len(const char *at)
{
    bool is_quoted = false;
    size_t len = 0;

    for (; at[len] != '\0' && (is_quoted || strchr(" \t\r\n", at[len]) == NULL); len++)
        is_quoted = is_quoted != (at[len] == '"');
    return len;
}

enum rc query_take(struct query *self, const char *text, char why[static QUERY_WHY_BYTES])
{
    enum rc rc = RC_OK;

    for (const char *at = text + strspn(text, " \t\r\n"); *at != '\0' && rc == RC_OK;) {
        const size_t len = word_len(at);

        rc = take_word(self, (struct span){at, len}, why);
        at += len;
        at += strspn(at, " \t\r\n");
    }
    return rc;
}

/* Signs alone are no word; what is not ASCII is the broker's to judge. */
static bool has_word(const char *words)
{
    for (const char *at = words; *at != '\0'; at++) {
        if (isalnum((unsigned char)*at) || (unsigned char)*at >= 0x80)
            return true;
    }
    return false;
}

enum rc query_check(const struct query *self, char why[static QUERY_WHY_BYTES])
{
    const bool is_with = self->ask.stream != NULL && self->ask.stream[0] == '@';

    if (self->ask.words != NULL ? has_word(self->words) : self->ask.from != NULL || is_with)
        return RC_OK;
    snprintf(why, QUERY_WHY_BYTES, "a search needs a word of letters or digits, or from:NICK");
    return RC_CONFIG;
}
