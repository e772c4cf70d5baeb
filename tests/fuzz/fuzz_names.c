/* fuzz_names.c - any bytes as a name, and as a stream's name. */
#include "shared/base/invariant.h"
#include "shared/text/name.h"
#include "shared/text/utf8.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct span given)
{
    struct name name, again;
    struct span rest;
    uint32_t point;

    if (name_parse(given, &name) != RC_OK)
        return;
    INVARIANT(name.text_len > 0 && name.text_len <= NAME_BYTES_MAX);
    INVARIANT(strlen(name.text) == name.text_len);
    INVARIANT(name.skeleton_len > 0 && strlen(name.skeleton) == name.skeleton_len);
    for (rest = name_text(&name); rest.len > 0;) {
        const size_t len = utf8_next(rest, &point);

        INVARIANT(!utf8_is_unsafe(point) && point != ' ' && point != '/' && point != '.');
        rest = (struct span){rest.ptr + len, rest.len - len};
    }
    INVARIANT(name_parse(name_text(&name), &again) == RC_OK);
    INVARIANT(memcmp(&name, &again, sizeof name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span given = {(const char *)data, size};
    struct stream_name stream, again;

    check_name(given);
    if (stream_name_parse(given, &stream) == RC_OK) {
        INVARIANT(stream_name_parse(stream_name_text(&stream), &again) == RC_OK);
        INVARIANT(memcmp(&stream, &again, sizeof stream) == 0);
    }
    return 0;
}
