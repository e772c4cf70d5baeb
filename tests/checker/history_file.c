/* history_file.c - reading what shared/text/history.c wrote: flat objects of strings without
 * escapes, numbers and true. */
#include "tests/checker/checker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct span token(const char **at, char end)
{
    const char *stop = strchr(*at, end);
    struct span span = {*at, stop == NULL ? 0 : (size_t)(stop - *at)};

    *at = stop == NULL ? *at + strlen(*at) : stop + 1;
    return span;
}

/* The digits of "2026-11-23T09:21:50.123Z": as a number they keep the order. */
static uint64_t number_of_time(struct span text)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9')
            number = number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return number;
}

static bool set_field(struct history_record *record, struct span key, struct span value)
{
    const struct {
        const char *key;
        uint64_t *value;
        int base;
    } numbers[] = {{"run", &record->run, 16},   {"session", &record->session, 16},
                   {"hash", &record->hash, 16}, {"seq", &record->seq, 10},
                   {"last", &record->last, 10}, {"number", &record->number, 10}};

    if (span_equal(key, SPAN("history"))) {
        for (enum history_kind kind = 1; kind < HISTORY_KINDS; kind++) {
            if (span_equal(value, span_of(history_kind_name(kind))))
                record->kind = kind;
        }
        return record->kind != 0;
    }
    if (span_equal(key, SPAN("nick")))
        record->nick = value;
    if (span_equal(key, SPAN("stream")))
        record->stream = value;
    if (span_equal(key, SPAN("ts")))
        record->time = number_of_time(value);
    if (span_equal(key, SPAN("copy")))
        record->is_copy = true;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (span_equal(key, span_of(numbers[i].key))) {
            char *end;

            *numbers[i].value = strtoull(value.ptr, &end, numbers[i].base);
            return end == value.ptr + value.len && value.len > 0;
        }
    }
    return true;
}

/* {"key":"value","key":12,...} */
static bool parse_line(const char *line, struct history_record *ret)
{
    const char *at = line;

    *ret = (struct history_record){.kind = 0};
    if (*at++ != '{')
        return false;
    while (*at == '"') {
        at++;
        const struct span key = token(&at, '"');
        struct span value;

        if (*at++ != ':')
            return false;
        if (*at == '"') {
            at++;
            value = token(&at, '"');
        } else {
            value = (struct span){at, strcspn(at, ",}")};
            at += value.len;
        }
        if (!set_field(ret, key, value))
            return false;
        if (*at == '}')
            return ret->kind != 0;
        if (*at++ != ',')
            return false;
    }
    return false;
}

enum rc checker_add_file(struct checker *self, const char *path, size_t *ret_line)
{
    FILE *file = fopen(path, "re");
    struct history_record record;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    enum rc rc = RC_OK;

    if (file == NULL)
        return RC_SYSTEM;
    for (size_t number = 1; (len = getline(&line, &capacity, file)) > 0; number++) {
        if (line[len - 1] != '\n') /* torn: its writer was killed */
            break;
        if (!parse_line(line, &record)) {
            *ret_line = number;
            rc = RC_MALFORMED;
            break;
        }
        checker_add(self, &record);
    }
    free(line);
    fclose(file);
    return rc;
}
