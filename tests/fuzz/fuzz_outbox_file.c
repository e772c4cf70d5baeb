/* fuzz_outbox_file.c - any bytes as an outbox on disk: read record by record, as client/lib/net/outbox_file.c does, and
 * what reads well must read the same when it is written again. Bytes alone never have the right sum, so with an odd
 * first byte the input says which records to write, and where to damage them. */
#include "tests/fuzz/script.h"

#include "client/lib/net/outbox_record.h"
#include "shared/base/invariant.h"

#include <stdlib.h>

#define SESSION UINT64_C(7)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct outbox_record *record, size_t offset)
{
    static char bytes[OUTBOX_RECORD_MAX];
    struct outbox_record again;
    const size_t len = outbox_record_write(record, offset, SESSION, bytes);
    const enum rc rc = outbox_record_read((struct span){bytes, len}, offset, SESSION, &again);

    INVARIANT(len <= sizeof bytes && rc == RC_OK && again.size == len);
    INVARIANT(again.kind == record->kind && again.post.number == record->post.number);
    INVARIANT(again.session == record->session && again.born_ms == record->born_ms);
    INVARIANT(again.post.timeout_ms == record->post.timeout_ms);
    INVARIANT(span_equal(again.post.target, record->post.target));
    INVARIANT(span_equal(again.post.text, record->post.text));
    /* The same bytes at another place, or of another session, are no record. */
    INVARIANT(outbox_record_read((struct span){bytes, len}, offset + 1, SESSION, &again) != RC_OK);
    INVARIANT(outbox_record_read((struct span){bytes, len}, offset, SESSION + 1, &again) != RC_OK);
}

static void read_all(struct span block)
{
    struct outbox_record record;
    size_t offset = 0;

    while (offset <= block.len) {
        const struct span rest = {block.ptr + offset, block.len - offset};

        if (outbox_record_read(rest, offset, SESSION, &record) != RC_OK)
            break;
        INVARIANT(record.size > 0 && record.size <= rest.len);
        INVARIANT(record.post.text.len <= TEXT_BYTES_MAX);
        if (record.kind == OUTBOX_POST)
            INVARIANT(record.post.target.ptr >= rest.ptr &&
                      record.post.text.ptr + record.post.text.len < rest.ptr + record.size);
        check_again(&record, offset);
        offset += record.size;
    }
}

/* Records of the script's choice, as they are written, with a byte turned over or the end torn off at times. */
static void write_and_read(struct script *script)
{
    static char bytes[4 * OUTBOX_RECORD_MAX];
    static const char *const targets[] = {"#a", "@al", "#a-longer-name"};
    size_t len = 0;

    for (unsigned i = 0; i < 4 && !script_is_over(script); i++) {
        struct outbox_record record = {.kind = (enum outbox_record_kind)(script_byte(script) % 3)};

        record.session = record.kind == OUTBOX_HEAD ? SESSION : 0;
        record.born_ms = record.kind == OUTBOX_HEAD ? script_number(script, UINT64_MAX) : 0;
        record.post.number = (uint32_t)script_number(script, UINT32_MAX - 2) + 1;
        if (record.kind == OUTBOX_POST) {
            record.post.timeout_ms = (uint32_t)script_number(script, UINT32_MAX);
            record.post.target = span_of(targets[script_byte(script) % 3]);
            record.post.kind = script_byte(script) & 1 ? SPAN("notice") : SPAN("");
            record.post.text = script_bytes(script, script_byte(script));
            if (record.post.text.len == 0) /* no post is empty (protocol R-13) */
                record.post.text = SPAN("hi");
        }
        check_again(&record, len);
        len += outbox_record_write(&record, len, SESSION, bytes + len);
    }
    const struct span whole = script_block((struct span){bytes, len});

    read_all(whole);
    if (len > 0) {
        const size_t at = script_u16(script) % len;
        const struct span torn = script_block((struct span){bytes, at});

        ((char *)(uintptr_t)whole.ptr)[at] ^= (char)script_byte(script);
        read_all(whole);
        read_all(torn);
        free((char *)(uintptr_t)torn.ptr);
    }
    free((char *)(uintptr_t)whole.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_over(data, size);

    if (script_byte(&script) & 1) {
        write_and_read(&script);
    } else {
        const struct span block = script_block(script_bytes(&script, script.left));

        read_all(block);
        free((char *)(uintptr_t)block.ptr);
    }
    return 0;
}
