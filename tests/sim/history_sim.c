/* history_sim.c - the simulation's talk as histories, judged by the code that judges those of real
 * processes (tests/checker). */
#include "tests/sim/world.h"

#include "shared/wire/wire.h"

#include <stdlib.h>
#include <string.h>

/* Texts are compared, not kept: FNV-1a serves here as BLAKE2b does in files. */
static uint64_t hash_of(struct span text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    return hash == 0 ? 1 : hash;
}

void history_said(struct world *self, const struct post *post)
{
    checker_add(self->checker,
                &(struct history_record){.kind = HISTORY_POST,
                                         .nick = span_of(self->client[post->client].nick),
                                         .run = post->session.v,
                                         .stream = span_of(post->target),
                                         .number = post->number,
                                         .hash = hash_of(span_of(post->text)),
                                         .time = self->now_ms + 1});
}

void history_followed(struct world *self, const struct client *client, const char *stream)
{
    checker_add(self->checker, &(struct history_record){.kind = HISTORY_FOLLOW,
                                                        .nick = span_of(client->nick),
                                                        .run = client->session.v,
                                                        .stream = span_of(stream)});
}

void history_told(struct world *self, const struct client *client, const struct zchat_event *event)
{
    static const enum history_kind STATES[] = {[ZCHAT_STORED] = HISTORY_STORED,
                                               [ZCHAT_DELIVERED] = HISTORY_DELIVERED,
                                               [ZCHAT_UNKNOWN] = HISTORY_UNKNOWN,
                                               [ZCHAT_FAILED] = HISTORY_FAILED};
    struct history_record record = {.nick = span_of(client->nick),
                                    .run = client->session.v,
                                    .stream = span_of(event->stream),
                                    .seq = event->seq,
                                    .number = event->number};

    if (event->kind == ZCHAT_POST && event->post != ZCHAT_WAITING) {
        record.kind = STATES[event->post];
    } else if (event->kind == ZCHAT_EVENT) {
        record.kind = HISTORY_SHOWN;
        record.session = event->session;
        record.hash =
            event->session == 0 ? 0 : hash_of((struct span){event->text, event->text_len});
        record.is_copy = event->peer_seq != 0;
    } else if (event->kind == ZCHAT_GAP) {
        record.kind = HISTORY_GAP;
        record.seq = event->first;
        record.last = event->last;
    } else {
        return;
    }
    checker_add(self->checker, &record);
}

void history_purged(struct world *self, const char *nick)
{
    checker_add(self->checker, &(struct history_record){.kind = HISTORY_PURGED,
                                                        .nick = span_of(nick),
                                                        .time = self->now_ms + 1});
}

/* Each stream's removed events, as one. */
static void add_removed(struct world *self)
{
    char name[32];

    for (unsigned i = 0; i < self->weather.rooms + self->weather.people; i++) {
        if (i < self->weather.rooms)
            snprintf(name, sizeof name, "#room%u", i);
        else
            snprintf(name, sizeof name, "@%s", self->person[i - self->weather.rooms].nick);
        if (world_removed(self, name) > 0)
            checker_add(self->checker, &(struct history_record){.kind = HISTORY_REMOVED,
                                                                .stream = span_of(name),
                                                                .seq = 1,
                                                                .last = world_removed(self, name)});
    }
}

void history_logged(struct world *self, const struct message *event)
{
    const bool is_said = message_has(event, HAS_SESSION);

    checker_add(self->checker,
                &(struct history_record){.kind = HISTORY_APPEND,
                                         .stream = event->stream,
                                         .seq = event->seq,
                                         .session = is_said ? event->session : 0,
                                         .number = is_said ? event->number : 0,
                                         .hash = is_said ? hash_of(event->text) : 0,
                                         .is_copy = message_has(event, HAS_PEER_SEQ)});
}

/* All authors and the whole log are there, so what is missing is lost. */
void history_judge(struct world *self)
{
    const struct checker_options options = {.is_complete = true};
    char *told = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&told, &len);

    add_removed(self);
    if (checker_judge(self->checker, &options, out, 1) > 0) {
        fflush(out);
        told[strcspn(told, "\n")] = '\0';
        world_fail(self, "%s", told);
    }
    fclose(out);
    free(told);
}
