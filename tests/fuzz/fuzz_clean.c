/* fuzz_clean.c - any bytes on their way to a terminal and into a JSON line. The first byte is the
 * capacity of the buffer. */
#include "shared/base/invariant.h"
#include "shared/text/clean.h"
#include "shared/text/json.h"
#include "shared/text/utf8.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_safe(struct span text, bool may_break)
{
    uint32_t point;

    while (text.len > 0) {
        const size_t len = utf8_next(text, &point);

        INVARIANT(!utf8_is_unsafe(point) || (may_break && point == '\n'));
        text = (struct span){text.ptr + len, text.len - len};
    }
}

static void check_written(struct span given, bool keep_lines, struct span cut)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    INVARIANT(out != NULL);
    clean_write(out, given, keep_lines, "  ");
    fclose(out);
    check_safe((struct span){text, len}, keep_lines);
    INVARIANT(keep_lines || (len >= cut.len && memcmp(text, cut.ptr, cut.len) == 0));
    free(text);
}

static void check_json(struct span given)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct json json;

    INVARIANT(out != NULL);
    json_open(&json, out);
    json_text(&json, "t", given);
    json_close(&json);
    fclose(out);
    INVARIANT(len >= 9 && text[len - 1] == '\n');
    check_safe((struct span){text, len - 1}, false); /* one line, whatever was in it */
    for (size_t i = 6; i < len - 3; i++) {
        INVARIANT(text[i] != '"'); /* nothing ends the string but its end */
        if (text[i] == '\\')
            i++;
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t capacity = size == 0 ? 0 : data[0];
    const struct span given = {(const char *)data + (size > 0), size - (size > 0)};
    char *buf =
        malloc(capacity + (capacity == 0)); /* its own block, so that a byte beyond is seen */
    size_t len;

    INVARIANT(buf != NULL);
    len = clean_copy(buf, capacity, given);
    INVARIANT(capacity == 0 ? len == 0 : len < capacity && buf[len] == '\0');
    check_safe((struct span){buf, len}, false);
    check_written(given, false, (struct span){buf, len});
    check_written(given, true, (struct span){buf, len});
    check_json(given);
    free(buf);
    return 0;
}
