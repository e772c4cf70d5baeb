#include "tests/transcripts/transcript.h"

#include "shared/base/alloc.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

void line_fail(const struct line *self, const char *what)
{
    fprintf(stderr, "line %u: %s\n", self->number, what);
    exit(1);
}

uint64_t word_number(const struct line *line, const struct word *word)
{
    char digits[32] = {0};
    char *end;

    if (word->value.len == 0 || word->value.len >= sizeof digits)
        line_fail(line, "a number is missing");
    memcpy(digits, word->value.ptr, word->value.len);
    errno = 0;
    const unsigned long long number = strtoull(digits, &end, 10);
    if (errno != 0 || *end != '\0' || !isdigit((unsigned char)digits[0]))
        line_fail(line, "not a number");
    return number;
}

/* A quoted value begins behind *at's quote; what is behind its end may say how often it is repeated. */
static void read_quoted(struct line *self, struct word *word, char **at)
{
    char *begin = ++*at;
    char *to = begin;
    unsigned long times = 1;

    for (; **at != '"'; ++*at) {
        if (**at == '\0')
            line_fail(self, "a quote is not closed");
        if (**at == '\\' && (*at)[1] != '\0')
            ++*at;
        *to++ = **at;
    }
    ++*at;
    if (**at == '*')
        times = strtoul(*at + 1, at, 10);
    const size_t len = (size_t)(to - begin);
    word->is_quoted = true;
    word->value = (struct span){begin, len};
    if (times == 1)
        return;
    char *expanded = x_alloc(times, len + 1);
    for (unsigned long i = 0; i < times; i++)
        memcpy(expanded + i * len, begin, len);
    self->expanded[self->count] = expanded;
    word->value = (struct span){expanded, times * len};
}

static void read_word(struct line *self, char **at)
{
    struct word *word = &self->word[self->count];
    const char *begin = *at;

    *word = (struct word){.has_value = false};
    while (**at != '\0' && **at != ' ' && **at != '=')
        ++*at;
    const size_t len = (size_t)(*at - begin);
    if (len < sizeof word->key)
        memcpy(word->key, begin, len);
    else if (**at == '=')
        line_fail(self, "a key is too long");
    word->value = (struct span){begin, len};
    if (**at == '=') {
        word->has_value = true;
        ++*at;
        if (**at == '"') {
            read_quoted(self, word, at);
        } else {
            const char *value = *at;
            while (**at != '\0' && **at != ' ')
                ++*at;
            word->value = (struct span){value, (size_t)(*at - value)};
        }
    }
    if (**at != '\0' && **at != ' ')
        line_fail(self, "a space is missing behind a quote");
    self->count++;
}

static void read_words(struct line *self, char *at)
{
    while (*at == ' ')
        at++;
    while (*at != '\0') {
        if (self->count == WORDS_MAX)
            line_fail(self, "too many words");
        read_word(self, &at);
        while (*at == ' ')
            at++;
    }
}

bool line_read(struct line *self, FILE *file, const char *runner)
{
    size_t capacity = 0;

    line_free(self);
    while (getline(&self->text, &capacity, file) >= 0) {
        char *at = self->text;

        self->number++;
        at[strcspn(at, "\n")] = '\0';
        if (at[0] == '\0' || at[0] == '#')
            continue;
        const bool is_marked = strncmp(at, "core: ", 6) == 0 || strncmp(at, "broker: ", 8) == 0;
        if (is_marked && strncmp(at, runner, strlen(runner)) != 0)
            continue;
        read_words(self, is_marked ? strchr(at, ' ') : at);
        if (self->count > 0)
            return true;
    }
    return false;
}

void line_free(struct line *self)
{
    for (size_t i = 0; i < WORDS_MAX; i++) {
        free(self->expanded[i]);
        self->expanded[i] = NULL;
    }
    free(self->text);
    self->text = NULL;
    self->count = 0;
}
