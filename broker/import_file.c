#include "broker/import_file.h"

#include "broker/store/import.h"
#include "broker/store/jsonl.h"
#include "shared/text/json.h"
#include "shared/wire/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KIND_BYTES_MAX 16

struct importing {
    const char *file;
    FILE *in;
    char *line;
    size_t capacity;
    uint64_t number; /* of the line */
    struct import_counts counts;
    struct store *store;
    struct jsonl *jsonl;
    struct import *import;
    char stream[STREAM_BYTES_MAX + 1]; /* whose events they were: one room at a time */
    char *why;
};

static enum rc wrong(struct importing *self, const char *what)
{
    snprintf(self->why, IMPORT_WHY_BYTES, "%.300s, line %" PRIu64 ": %.400s; nothing was imported",
             self->file, self->number, what);
    return RC_BAD_FIELD;
}

static bool is_same_stream(struct importing *self, struct span stream)
{
    if (stream.len == 0 || stream.len > STREAM_BYTES_MAX)
        return false;
    if (self->stream[0] == '\0')
        memcpy(self->stream, stream.ptr, stream.len);
    return span_equal(stream, span_of(self->stream));
}

/* A nick of long ago need not have an account, but it is written as one. */
static bool make_canonical(struct span *nick, struct name *home)
{
    if (name_parse(*nick, home) != RC_OK)
        return false;
    *nick = name_text(home);
    return true;
}

static enum rc take_event(struct importing *self, struct message *event)
{
    struct name from, to;
    uint64_t last_ms = 0;
    char why[256], time[25];
    enum rc rc;

    if (!is_same_stream(self, event->stream))
        return wrong(self, "\"stream\" is another than before: one room at a time");
    if (!make_canonical(&event->from, &from) ||
        (message_has(event, HAS_TO) && !make_canonical(&event->to, &to)))
        return wrong(self, "\"from\" or \"to\" is no name: 1 to 32 letters, digits, - or _ of one "
                           "script");
    if (event->text.len > TEXT_BYTES_MAX || event->kind.len > KIND_BYTES_MAX)
        return wrong(self, "\"text\" has more than 16384 bytes, or \"kind\" more than 16");
    if (!wire_is_utf8(event->text) || !wire_is_utf8(event->kind))
        return wrong(self, "\"text\" or \"kind\" is not valid UTF-8");
    if (event->text.len == 0 && span_equal(event->type, SPAN("message")))
        return wrong(self, "\"text\" is empty: a message has 1 to 16384 bytes");
    rc = import_event(self->import, event, &last_ms);
    if (rc == RC_BAD_FIELD) {
        time_format_utc(last_ms, time);
        snprintf(why, sizeof(why),
                 "\"ts\" is before the room's last event, %s: times never run back", time);
        return wrong(self, why);
    }
    if (rc != RC_OK)
        return wrong(self, rc == RC_STORE ? store_why(self->store) : rc_sentence(rc));
    self->counts.events++;
    return RC_OK;
}

static enum rc take_lines(struct importing *self)
{
    enum rc rc = RC_OK;
    ssize_t len;

    while (rc == RC_OK && (len = getline(&self->line, &self->capacity, self->in)) >= 0) {
        struct span line = {self->line, (size_t)len};
        struct message event;
        char why[JSONL_WHY_BYTES];

        self->number++;
        if (line.ptr[line.len - 1] == '\n')
            line.len--;
        rc = jsonl_read(self->jsonl, line, &event, why);
        if (rc == RC_OK) {
            rc = take_event(self, &event);
        } else if (rc == RC_END) {
            self->counts.gaps++;
            rc = RC_OK;
        } else {
            rc = wrong(self, why);
        }
    }
    if (rc == RC_OK && ferror(self->in))
        rc = wrong(self, strerror(errno));
    return rc;
}

static enum rc import_into(struct importing *self, const struct stream_name *room)
{
    enum rc ended;
    enum rc rc = jsonl_open(&self->jsonl);

    if (rc == RC_OK)
        rc = import_begin(self->store, stream_name_text(room), name_skeleton(&room->name),
                          &self->import);
    if (rc != RC_OK) {
        snprintf(self->why, IMPORT_WHY_BYTES, "%s: %s", room->text,
                 rc == RC_STORE ? store_why(self->store) : rc_sentence(rc));
        return rc;
    }
    rc = take_lines(self);
    ended = import_end(&self->import, rc == RC_OK);
    if (ended == RC_OK)
        return rc;
    snprintf(self->why, IMPORT_WHY_BYTES, "%s; nothing was imported", store_why(self->store));
    return ended;
}

enum rc import_file(struct store *store, const char *file, const struct stream_name *room,
                    struct import_counts *ret, char why[static IMPORT_WHY_BYTES])
{
    struct importing self = {.file = file, .in = stdin, .store = store, .why = why};
    enum rc rc;

    if (strcmp(file, "-") != 0)
        self.in = fopen(file, "re");
    if (self.in == NULL) {
        snprintf(why, IMPORT_WHY_BYTES, "cannot read %.300s: %s", file, strerror(errno));
        return RC_SYSTEM;
    }
    rc = import_into(&self, room);
    if (rc == RC_OK)
        *ret = self.counts;
    jsonl_close(&self.jsonl);
    if (self.in != stdin)
        fclose(self.in);
    free(self.line);
    return rc;
}
