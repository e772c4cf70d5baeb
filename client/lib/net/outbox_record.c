#include "client/lib/net/outbox_record.h"

#include "shared/base/invariant.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sodium/crypto_generichash.h>

#define SUM_DIGITS 16

static void sum_of(struct span line, struct span text, size_t offset, uint64_t session,
                   char ret[static SUM_DIGITS + 1])
{
    const uint64_t place[2] = {session, offset};
    crypto_generichash_state hash;
    unsigned char sum[crypto_generichash_BYTES_MIN];

    crypto_generichash_init(&hash, NULL, 0, sizeof(sum));
    crypto_generichash_update(&hash, (const unsigned char *)place, sizeof(place));
    crypto_generichash_update(&hash, (const unsigned char *)line.ptr, line.len);
    if (text.len > 0)
        crypto_generichash_update(&hash, (const unsigned char *)text.ptr, text.len);
    crypto_generichash_final(&hash, sum, sizeof(sum));
    for (size_t i = 0; i < SUM_DIGITS / 2; i++)
        snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

/* The next word of the line; empty at its end. */
static struct span next_word(struct span *line)
{
    const char *space = line->len == 0 ? NULL : memchr(line->ptr, ' ', line->len);
    const size_t len = space == NULL ? line->len : (size_t)(space - line->ptr);
    const struct span word = {line->ptr, len};

    line->ptr += space == NULL ? len : len + 1;
    line->len -= space == NULL ? len : len + 1;
    return word;
}

static bool next_number(struct span *line, uint64_t most, uint64_t *ret)
{
    const struct span word = next_word(line);
    uint64_t number = 0;

    if (word.len == 0 || word.len > 20)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        const unsigned digit = (unsigned)(unsigned char)word.ptr[i] - '0';

        if (digit > 9 || number > (most - digit) / 10)
            return false;
        number = 10 * number + digit;
    }
    *ret = number;
    return true;
}

static bool next_u32(struct span *line, uint32_t *ret)
{
    uint64_t number;

    if (!next_number(line, UINT32_MAX, &number))
        return false;
    *ret = (uint32_t)number;
    return true;
}

static bool read_head(struct span *line, struct outbox_record *ret)
{
    return span_equal(next_word(line), SPAN("outbox")) && span_equal(next_word(line), SPAN("1")) &&
           next_number(line, UINT64_MAX, &ret->session) && next_u32(line, &ret->post.number) &&
           ret->post.number > 0 && next_number(line, UINT64_MAX, &ret->born_ms);
}

/* `bytes` begins with the record; its first line has line_len bytes. */
static bool read_post(struct span *line, struct span bytes, size_t line_len,
                      struct outbox_record *ret)
{
    struct outbox_post *post = &ret->post;
    uint64_t len;

    if (!next_u32(line, &post->number) || post->number == 0 || post->number == UINT32_MAX ||
        !next_u32(line, &post->timeout_ms))
        return false;
    post->target = next_word(line);
    post->kind = next_word(line);
    if (span_equal(post->kind, SPAN("-")))
        post->kind = (struct span){0};
    if (post->target.len < 2 || post->target.len > STREAM_BYTES_MAX ||
        !next_number(line, TEXT_BYTES_MAX, &len) || bytes.len < line_len + 1 + len + 1)
        return false;
    post->text = (struct span){bytes.ptr + line_len + 1, (size_t)len};
    ret->size += len + 1;
    return post->text.ptr[len] == '\n';
}

enum rc outbox_record_read(struct span bytes, size_t offset, uint64_t session,
                           struct outbox_record *ret)
{
    const size_t most = bytes.len < OUTBOX_LINE_MAX ? bytes.len : OUTBOX_LINE_MAX;
    const char *end = most == 0 ? NULL : memchr(bytes.ptr, '\n', most);
    struct outbox_record record = {0};
    char sum[SUM_DIGITS + 1];
    struct span line, word;
    size_t line_len, summed_len;
    bool is_good;

    if (end == NULL || end - bytes.ptr < SUM_DIGITS + 1)
        return RC_MALFORMED;
    line_len = (size_t)(end - bytes.ptr);
    summed_len = line_len - SUM_DIGITS - 1;
    line = (struct span){bytes.ptr, summed_len};
    record.size = line_len + 1;
    word = next_word(&line);
    if (span_equal(word, SPAN("zchat"))) {
        record.kind = OUTBOX_HEAD;
        is_good = read_head(&line, &record);
    } else if (span_equal(word, SPAN("post"))) {
        record.kind = OUTBOX_POST;
        is_good = read_post(&line, bytes, line_len, &record);
    } else {
        record.kind = OUTBOX_DONE;
        is_good = span_equal(word, SPAN("done")) && next_u32(&line, &record.post.number);
    }
    if (!is_good || line.len != 0)
        return RC_MALFORMED;
    sum_of((struct span){bytes.ptr, summed_len}, record.post.text, offset, session, sum);
    if (bytes.ptr[summed_len] != ' ' || memcmp(bytes.ptr + summed_len + 1, sum, SUM_DIGITS) != 0)
        return RC_MALFORMED;
    *ret = record;
    return RC_OK;
}

size_t outbox_record_write(const struct outbox_record *record, size_t offset, uint64_t session,
                           char *buf)
{
    const struct outbox_post *post = &record->post;
    const bool has_kind = post->kind.len > 0 && !span_equal(post->kind, SPAN("message"));
    const struct span kind = has_kind ? post->kind : SPAN("-");
    struct span text = {0};
    char sum[SUM_DIGITS + 1];
    int len = 0;

    switch (record->kind) {
    case OUTBOX_HEAD:
        len = snprintf(buf, OUTBOX_LINE_MAX, "zchat outbox 1 %" PRIu64 " %" PRIu32 " %" PRIu64,
                       record->session, post->number, record->born_ms);
        break;
    case OUTBOX_POST:
        text = post->text;
        len = snprintf(buf, OUTBOX_LINE_MAX, "post %" PRIu32 " %" PRIu32 " %.*s %.*s %zu",
                       post->number, post->timeout_ms, (int)post->target.len, post->target.ptr,
                       (int)kind.len, kind.ptr, text.len);
        break;
    case OUTBOX_DONE:
        len = snprintf(buf, OUTBOX_LINE_MAX, "done %" PRIu32, post->number);
        break;
    }
    INVARIANT(len > 0 && len + SUM_DIGITS + 2 < OUTBOX_LINE_MAX && text.len <= TEXT_BYTES_MAX);
    sum_of((struct span){buf, (size_t)len}, text, offset, session, sum);
    len += snprintf(buf + len, OUTBOX_LINE_MAX - (size_t)len, " %s\n", sum);
    if (text.len == 0)
        return (size_t)len;
    memcpy(buf + len, text.ptr, text.len);
    buf[(size_t)len + text.len] = '\n';
    return (size_t)len + text.len + 1;
}
