#include "client/lib/net/note.h"

#include "shared/base/files.h"

#include <errno.h>
#include <string.h>

enum rc note_open(struct note *self, const char *path, struct why *why)
{
    enum rc rc;

    if (path == NULL)
        return RC_OK;
    if (files_check(path, why->text) != RC_OK)
        return RC_SYSTEM;
    rc = history_open(path, &self->history);
    if (rc != RC_OK)
        why_set(why, "%s: %s", path, strerror(errno));
    return rc;
}

void note_close(struct note *self)
{
    history_close(&self->history);
}

void note_post(struct note *self, uint32_t number, struct span target, struct span text)
{
    if (self->history == NULL)
        return;
    history_write(self->history, &(struct history_record){.kind = HISTORY_POST,
                                                          .nick = self->nick,
                                                          .run = self->run,
                                                          .stream = target,
                                                          .number = number,
                                                          .hash = history_hash(text)});
}

void note_retry(struct note *self, uint32_t given, uint32_t number)
{
    history_write(self->history, &(struct history_record){.kind = HISTORY_RETRY,
                                                          .nick = self->nick,
                                                          .run = self->run,
                                                          .number = given,
                                                          .last = number});
}

void note_follow(struct note *self, struct span stream)
{
    history_write(self->history, &(struct history_record){.kind = HISTORY_FOLLOW,
                                                          .nick = self->nick,
                                                          .run = self->viewer,
                                                          .stream = stream});
}

void note_told(struct note *self, const struct zchat_event *event)
{
    static const enum history_kind STATES[] = {[ZCHAT_STORED] = HISTORY_STORED,
                                               [ZCHAT_DELIVERED] = HISTORY_DELIVERED,
                                               [ZCHAT_UNKNOWN] = HISTORY_UNKNOWN,
                                               [ZCHAT_FAILED] = HISTORY_FAILED};
    struct history_record record = {.nick = self->nick,
                                    .run = self->run,
                                    .stream = span_of(event->stream),
                                    .seq = event->seq,
                                    .number = event->number};

    if (self->history == NULL)
        return;
    if (event->kind == ZCHAT_POST && event->post != ZCHAT_WAITING) {
        record.kind = STATES[event->post];
    } else if (event->kind == ZCHAT_EVENT) {
        record.kind = HISTORY_SHOWN;
        record.run = self->viewer;
        record.session = event->session;
        if (event->session != 0)
            record.hash = history_hash((struct span){event->text, event->text_len});
        record.is_copy = event->peer_seq != 0;
    } else if (event->kind == ZCHAT_GAP) {
        record.kind = HISTORY_GAP;
        record.run = self->viewer;
        record.seq = event->first;
        record.last = event->last;
    } else {
        return;
    }
    history_write(self->history, &record);
}
