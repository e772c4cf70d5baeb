#include "client/lib/net/keeper.h"

#include <errno.h>
#include <string.h>

enum rc keeper_open(struct keeper *self, const struct zchat_options *options,
                    const struct home *home, const struct name *nick, const struct broker_url *url,
                    uint64_t *session, struct why *why)
{
    char id[NAME_BYTES_MAX + 24];
    enum rc rc;

    outbox_folder_init(&self->folder, home, nick, url);
    if (options->keeps_places) {
        outbox_folder_id(nick, url, id);
        self->places = places_open(home, id);
    }
    if (!options->keeps_outbox)
        return RC_OK;
    if (*session != 0) {
        why_set(why, "with an outbox the session cannot be chosen: it is the outbox's");
        return RC_BAD_FIELD;
    }
    rc = outbox_folder_adopt(&self->folder, &self->outbox, &self->trouble);
    if (rc != RC_OK) {
        *why = self->trouble;
        return rc;
    }
    if (self->outbox != NULL) {
        self->adopted = outbox_file_count(self->outbox);
        *session = outbox_file_session(self->outbox);
    }
    return RC_OK;
}

void keeper_close(struct keeper *self)
{
    outbox_file_close(&self->outbox);
    places_close(&self->places);
}

/* The whole outbox; `what` is the sentence's begin. */
static void give_up(struct keeper *self, const char *what)
{
    const size_t count = outbox_file_count(self->outbox);
    char kept[FILE_PATH_MAX];

    if (outbox_folder_give_up(outbox_file_path(self->outbox), kept) == RC_OK)
        why_set(&self->trouble, "%s; what was not sent (%zu) is kept in %s", what, count, kept);
    else
        why_set(&self->trouble, "%s; what was not sent (%zu) is in %s", what, count,
                outbox_file_path(self->outbox));
    outbox_file_close(&self->outbox);
    self->adopted = 0;
}

enum rc keeper_restore(struct keeper *self, struct model *model, uint64_t now_ms)
{
    struct outbox_post post;
    enum rc rc = RC_OK;

    if (self->adopted == 0)
        return RC_OK;
    for (size_t i = 0; i < self->adopted && rc == RC_OK; i++) {
        rc = outbox_file_get(self->outbox, i, &post);
        if (rc == RC_OK)
            rc = model_restore(model, post.number, post.target, post.kind, post.text,
                               post.timeout_ms, now_ms);
    }
    if (rc == RC_OK)
        rc = model_restored(model, outbox_file_next(self->outbox));
    if (rc != RC_OK)
        give_up(self, "the outbox of an earlier run cannot be read");
    return rc;
}

void keeper_begin(struct keeper *self, uint64_t session)
{
    if (self->outbox == NULL)
        self->outbox = outbox_folder_new(&self->folder, session);
}

enum rc keeper_post(struct keeper *self, const struct outbox_post *post)
{
    enum rc rc;

    if (self->outbox == NULL)
        return RC_OK;
    rc = outbox_file_post(self->outbox, post);
    if (rc != RC_OK)
        why_set(&self->trouble, "cannot write the outbox %s: %s", outbox_file_path(self->outbox),
                strerror(errno));
    return rc;
}

static void set_aside(struct keeper *self, uint32_t number)
{
    char path[FILE_PATH_MAX];

    outbox_file_failed_path(outbox_file_path(self->outbox), path);
    switch (outbox_file_set_aside(self->outbox, number)) {
    case RC_OK:
        why_set(&self->trouble,
                "the broker no longer knows what became of some messages; they are kept in %s",
                path);
        return;
    case RC_END:
        return;
    default:
        why_set(&self->trouble, "cannot write %s: %s", path, strerror(errno));
    }
}

void keeper_told(struct keeper *self, const struct zchat_event *event)
{
    if (self->outbox == NULL)
        return;
    if (event->kind == ZCHAT_POST && event->post == ZCHAT_UNKNOWN && event->rc == RC_TOO_OLD)
        set_aside(self, event->number);
    else if (event->kind == ZCHAT_POST &&
             (event->post == ZCHAT_STORED || event->post == ZCHAT_FAILED))
        outbox_file_done(self->outbox, event->number);
    else if (event->kind == ZCHAT_LINK && event->rc == RC_SESSION_TAKEN && self->adopted > 0)
        give_up(self, "the broker knows the session of the last run as somebody else's");
}

void keeper_sync(struct keeper *self)
{
    if (self->outbox != NULL && outbox_file_sync(self->outbox) != RC_OK)
        why_set(&self->trouble,
                "cannot bring the outbox %s to the disk: %s; what has no answer may be lost with "
                "the power",
                outbox_file_path(self->outbox), strerror(errno));
}

void keeper_tick(struct keeper *self, uint64_t now_ms)
{
    if (self->places != NULL)
        places_tick(self->places, now_ms);
}

uint64_t keeper_deadline_ms(const struct keeper *self)
{
    return self->places == NULL ? UINT64_MAX : places_deadline_ms(self->places);
}
