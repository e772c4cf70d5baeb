/* fuzz_keys.c - any bytes from a terminal, cut anywhere, with silences between: keys have names of the one form, text is text,
 * a paste begins before it ends, and how the bytes are cut makes no difference. What is pasted goes through paste.h. */
#include "client/tui/keys.h"
#include "client/tui/paste.h"
#include "shared/base/invariant.h"
#include "shared/text/utf8.h"
#include "tests/fuzz/script.h"

#include <stdlib.h>

#define TRACE_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came, without how it was cut. */
struct trace {
    char text[TRACE_BYTES];
    size_t len;
    bool is_pasting;
    struct paste *paste;
};

static void add(struct trace *self, struct span bytes)
{
    for (size_t i = 0; i < bytes.len && self->len < sizeof self->text; i++)
        self->text[self->len++] = bytes.ptr[i];
}

static void check_name(const struct key *key)
{
    char name[KEYNAME_BYTES], why[KEYNAME_WHY_BYTES];

    INVARIANT(memchr(key->name, '\0', sizeof key->name) != NULL);
    if (strcmp(key->name, "Space") == 0 || strcmp(key->name, "S-Space") == 0)
        return; /* keys, but none to bind */
    const enum rc rc = keyname_parse(span_of(key->name), name, why);
    INVARIANT(rc == RC_OK && strcmp(name, key->name) == 0);
}

static bool is_utf8(struct span text, bool may_hold_lines)
{
    while (text.len > 0) {
        uint32_t point;
        const size_t len = utf8_next(text, &point);

        if (utf8_is_unsafe(point) && !(may_hold_lines && (point == '\n' || point == '\t')))
            return false;
        text = (struct span){text.ptr + len, text.len - len};
    }
    return true;
}

static void end_paste(struct paste *paste)
{
    const enum rc rc = paste_end(paste);

    INVARIANT(rc == RC_OK || rc == RC_BAD_TEXT);
    INVARIANT((rc == RC_OK) == (paste_text(paste).len > 0));
    INVARIANT(paste_lines(paste) >= 1 && is_utf8(paste_text(paste), true));
}

static void on_key(struct trace *self, const struct key *key)
{
    INVARIANT((key->kind == KEYS_KEY) == (key->name[0] != '\0'));
    switch (key->kind) {
    case KEYS_KEY:
        check_name(key);
        add(self, SPAN("<"));
        add(self, span_of(key->name));
        add(self, SPAN(">"));
        break;
    case KEYS_TEXT:
        INVARIANT(key->bytes.len >= 1 && key->bytes.len <= 4 && is_utf8(key->bytes, false));
        add(self, key->bytes);
        break;
    case KEYS_PASTE_BEGIN:
        INVARIANT(!self->is_pasting);
        paste_begin(self->paste);
        self->is_pasting = true;
        break;
    case KEYS_PASTED:
        INVARIANT(self->is_pasting && key->bytes.len > 0);
        paste_add(self->paste, key->bytes);
        add(self, key->bytes);
        break;
    case KEYS_PASTE_END:
        INVARIANT(self->is_pasting);
        self->is_pasting = false;
        end_paste(self->paste);
        break;
    }
}

static void feed(struct keys *keys, struct span bytes, struct trace *trace)
{
    struct key key;

    while (keys_next(keys, &bytes, &key))
        on_key(trace, &key);
    INVARIANT(bytes.len == 0);
}

static void silence(struct keys *keys, struct trace *trace)
{
    const bool is_waiting = keys_is_waiting(keys);
    struct key key;
    const bool is_key = keys_timeout(keys, &key);

    INVARIANT(is_waiting || !is_key);
    if (is_key)
        on_key(trace, &key);
    INVARIANT(!keys_is_waiting(keys));
}

/* The first byte of each step: how many bytes come, and whether silence follows. */
static void run(const uint8_t *data, size_t size, bool is_cut, struct trace *trace)
{
    struct script script = script_over(data, size);
    struct keys *keys = keys_new();

    trace->paste = paste_new();
    while (!script_is_over(&script)) {
        const uint8_t step = script_byte(&script);
        const struct span bytes = script_bytes(&script, step >> 1);
        const struct span block = script_block(bytes);

        for (size_t at = 0; is_cut && at < block.len; at++)
            feed(keys, (struct span){block.ptr + at, 1}, trace);
        if (!is_cut)
            feed(keys, block, trace);
        free((char *)block.ptr);
        if ((step & 1) != 0)
            silence(keys, trace);
    }
    paste_destroy(&trace->paste);
    keys_destroy(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct trace whole, cut;

    whole.len = cut.len = 0;
    whole.is_pasting = cut.is_pasting = false;
    run(data, size, false, &whole);
    run(data, size, true, &cut);
    INVARIANT(whole.is_pasting == cut.is_pasting);
    INVARIANT(span_equal((struct span){whole.text, whole.len}, (struct span){cut.text, cut.len}));
    return 0;
}
