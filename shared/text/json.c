#include "shared/text/json.h"

#include "shared/text/utf8.h"

#include <inttypes.h>
#include <time.h>

static void put_escape(FILE *out, uint32_t point)
{
    if (point >= 0x10000) {
        fprintf(out, "\\u%04x", (unsigned)(0xD800 + ((point - 0x10000) >> 10)));
        fprintf(out, "\\u%04x", (unsigned)(0xDC00 + ((point - 0x10000) & 0x3FF)));
    } else {
        fprintf(out, "\\u%04x", (unsigned)point);
    }
}

static void put_string(FILE *out, struct span text)
{
    struct span rest = text;
    uint32_t point;

    fputc('"', out);
    while (rest.len > 0) {
        const size_t len = utf8_next(rest, &point);

        if (point == '"' || point == '\\') {
            fputc('\\', out);
            fputc((int)point, out);
        } else if (point == '\n') {
            fputs("\\n", out);
        } else if (point == '\t') {
            fputs("\\t", out);
        } else if (point == UTF8_ILL) {
            fputs("\xEF\xBF\xBD", out);
        } else if (utf8_is_unsafe(point)) {
            put_escape(out, point);
        } else {
            fwrite(rest.ptr, 1, len, out);
        }
        rest = (struct span){rest.ptr + len, rest.len - len};
    }
    fputc('"', out);
}

static void put_comma(struct json *self)
{
    if (!self->is_first)
        fputc(',', self->out);
    self->is_first = false;
}

static void put_key(struct json *self, const char *key)
{
    put_comma(self);
    fprintf(self->out, "\"%s\":", key);
}

void json_open(struct json *self, FILE *out)
{
    *self = (struct json){.out = out, .is_first = true};
    fputc('{', out);
}

void json_close(struct json *self)
{
    fputs("}\n", self->out);
    fflush(self->out);
}

void json_text(struct json *self, const char *key, struct span value)
{
    put_key(self, key);
    put_string(self->out, value);
}

void json_uint(struct json *self, const char *key, uint64_t value)
{
    put_key(self, key);
    fprintf(self->out, "%" PRIu64, value);
}

void json_flag(struct json *self, const char *key, bool value)
{
    put_key(self, key);
    fputs(value ? "true" : "false", self->out);
}

void json_id(struct json *self, const char *key, uint64_t value)
{
    put_key(self, key);
    fprintf(self->out, "\"%016" PRIx64 "\"", value);
}

void json_time(struct json *self, const char *key, uint64_t ts_ms)
{
    char text[25];

    time_format_utc(ts_ms, text);
    put_key(self, key);
    fprintf(self->out, "\"%s\"", text);
}

void json_array_open(struct json *self, const char *key)
{
    put_key(self, key);
    fputc('[', self->out);
    self->is_first = true;
}

void json_array_text(struct json *self, struct span value)
{
    put_comma(self);
    put_string(self->out, value);
}

void json_array_close(struct json *self)
{
    fputc(']', self->out);
    self->is_first = false;
}

void time_format_utc(uint64_t ts_ms, char buf[static 25])
{
    /* Later times have five digits in the year, which the form cannot hold: they are its end. */
    const uint64_t last_ms = UINT64_C(253402300799999);
    const uint64_t shown_ms = ts_ms < last_ms ? ts_ms : last_ms;
    const time_t seconds = (time_t)(shown_ms / 1000);
    struct tm tm = {0};
    char millis[8];

    gmtime_r(&seconds, &tm);
    strftime(buf, 25, "%Y-%m-%dT%H:%M:%S.", &tm);
    snprintf(millis, sizeof millis, "%03uZ", (unsigned)(shown_ms % 1000));
    memcpy(buf + 20, millis, sizeof "000Z");
}
