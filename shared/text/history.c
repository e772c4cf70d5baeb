#include "shared/text/history.h"

#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/text/json.h"

#include <sodium/crypto_generichash.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line is far smaller than the buffer, so flushing it is one write. */
#define BUFFER_BYTES 8192

struct history {
    FILE *file;
    char buffer[BUFFER_BYTES];
    bool is_broken;
};

static const char *const KIND_NAMES[HISTORY_KINDS] = {
    [HISTORY_POST] = "post",           [HISTORY_RETRY] = "retry",     [HISTORY_STORED] = "stored",
    [HISTORY_DELIVERED] = "delivered", [HISTORY_FAILED] = "failed",   [HISTORY_UNKNOWN] = "unknown",
    [HISTORY_FOLLOW] = "follow",       [HISTORY_SHOWN] = "shown",     [HISTORY_GAP] = "gap",
    [HISTORY_APPEND] = "append",       [HISTORY_REMOVED] = "removed", [HISTORY_PURGED] = "purged",
    [HISTORY_RESTORED] = "restored",
};

const char *history_kind_name(enum history_kind kind)
{
    return kind > 0 && kind < HISTORY_KINDS ? KIND_NAMES[kind] : NULL;
}

uint64_t history_hash(struct span text)
{
    unsigned char out[16];
    uint64_t hash = 0;

    crypto_generichash(out, sizeof out, (const unsigned char *)text.ptr, text.len, NULL, 0);
    for (size_t i = 0; i < 8; i++)
        hash = hash << 8 | out[i];
    return hash == 0 ? 1 : hash;
}

enum rc history_open(const char *path, struct history **ret)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "a");

    if (file == NULL) {
        const int why = errno;

        if (fd >= 0)
            close(fd);
        errno = why;
        return RC_SYSTEM;
    }
    struct history *self = x_alloc(1, sizeof *self);
    self->file = file;
    setvbuf(file, self->buffer, _IOFBF, sizeof self->buffer);
    *ret = self;
    return RC_OK;
}

void history_close(struct history **self_p)
{
    struct history *self = *self_p;

    if (self == NULL)
        return;
    if (self->is_broken)
        fputs("zchat: the history is incomplete: a line could not be written\n", stderr);
    fclose(self->file);
    free(self);
    *self_p = NULL;
}

static void format(struct json *json, const struct history_record *record)
{
    json_text(json, "history", span_of(KIND_NAMES[record->kind]));
    json_time(json, "ts", clock_wall_ms());
    if (record->run != 0) {
        json_text(json, "nick", record->nick);
        json_id(json, "run", record->run);
    }
    if (record->stream.len > 0)
        json_text(json, "stream", record->stream);
    if (record->seq != 0)
        json_uint(json, "seq", record->seq);
    if (record->last != 0)
        json_uint(json, "last", record->last);
    if (record->session != 0)
        json_id(json, "session", record->session);
    if (record->number != 0)
        json_uint(json, "number", record->number);
    if (record->hash != 0)
        json_id(json, "hash", record->hash);
    if (record->is_copy)
        json_flag(json, "copy", true);
}

void history_write(struct history *self, const struct history_record *record)
{
    struct json json;

    if (self == NULL || self->is_broken || history_kind_name(record->kind) == NULL)
        return;
    json_open(&json, self->file);
    format(&json, record);
    json_close(&json);
    if (ferror(self->file))
        self->is_broken = true;
}
