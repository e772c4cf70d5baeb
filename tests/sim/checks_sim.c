/* checks_sim.c - the promises, checked while things are shown and again at the end. */
#include "tests/sim/world.h"

#include "shared/wire/wire.h"

#include <stdlib.h>
#include <string.h>

/* The stored event at that place; false when there is none. */
static bool stored_event(struct world *self, stream_id stream, uint64_t seq, struct message *ret)
{
    const struct store_range range = {.stream = stream,
                                      .first = seq,
                                      .last = seq,
                                      .events_max = 1,
                                      .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct store_page page;

    if (store_read(self->reader, &range, &page) != RC_OK || page.count != 1)
        return false;
    struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT | TO_EVERYBODY);
    return wire_read(&reader, ret) == RC_OK;
}

static struct post *find_post(struct world *self, uint64_t session, uint32_t number)
{
    for (size_t i = self->posts; i-- > 0;) {
        if (self->post[i].session.v == session && self->post[i].number == number)
            return &self->post[i];
    }
    return NULL;
}

/* In order, once, without a hole, and exactly what is on disk. */
static void check_event(struct world *self, struct client *client, const struct zchat_event *event)
{
    struct message stored;

    self->shown++;
    world_tell(self, "%s is shown %s %llu: %s %s", client->nick, event->stream,
               (unsigned long long)event->seq, event->type, event->text);
    const bool is_history = check_history(self, client, event);
    if (!is_history) /* reading back is no second showing */
        history_told(self, client, event);
    for (unsigned i = 0; i < client->follows; i++) {
        if (is_history || strcmp(client->follow[i].stream, event->stream) != 0)
            continue;
        if (client->follow[i].stream[0] == '@' && event->seq > client->person->shown)
            client->person->shown = event->seq;
        if ((client->follow[i].last != 0 || event->stream[0] == '#') &&
            event->seq != client->follow[i].last + 1)
            world_fail(self, "%s is shown %s %llu after %llu", client->nick, event->stream,
                       (unsigned long long)event->seq, (unsigned long long)client->follow[i].last);
        client->follow[i].last = event->seq;
    }
    if (event->stream[0] == '@' && strcmp(event->stream + 1, client->nick) != 0)
        world_fail(self, "%s is shown an event of %s", client->nick, event->stream);
    if (!stored_event(self, world_stream(self, event->stream), event->seq, &stored)) {
        if (event->seq > world_removed(self, event->stream)) /* it was on its way when it went */
            world_fail(self, "%s is shown %s %llu, which is not on disk", client->nick,
                       event->stream, (unsigned long long)event->seq);
    } else if (span_equal(stored.type, SPAN("purged")) &&
               check_is_purged(self, span_of(event->from))) {
        return;
    } else if (!span_equal(stored.type, span_of(event->type)) ||
               (message_has(&stored, HAS_TEXT) &&
                !span_equal(stored.text, (struct span){event->text, event->text_len}))) {
        world_fail(self, "%s is shown something else than stands at %s %llu", client->nick,
                   event->stream, (unsigned long long)event->seq);
    }
}

static void check_post_state(struct world *self, struct client *client,
                             const struct zchat_event *event)
{
    struct post *post = find_post(self, client->session.v, event->number);
    struct message stored;

    if (post == NULL) {
        world_fail(self, "%s hears of a post %u that it never made", client->nick, event->number);
        return;
    }
    world_tell(self, "%s hears that %u is %d (%s) at %s %llu", client->nick, event->number,
               event->post, rc_name((enum rc)event->rc), event->stream,
               (unsigned long long)event->seq);
    history_told(self, client, event);
    post->state = event->post;
    post->rc = (enum rc)event->rc;
    if (event->post == ZCHAT_UNKNOWN)
        post->was_unknown = true;
    if (event->post == ZCHAT_FAILED)
        check_refusal(self, post);
    if (event->post == ZCHAT_DELIVERED)
        check_delivery(self, post, event->seq);
    if (event->post != ZCHAT_STORED)
        return;
    post->seq = event->seq;
    if (*world_acked(self, event->stream) < event->seq)
        *world_acked(self, event->stream) = event->seq;
    uint64_t *acked = &client->acked[world_acked(self, event->stream) - self->acked];
    if (*acked < event->seq)
        *acked = event->seq;
    const bool is_there = stored_event(self, world_stream(self, post->target), event->seq, &stored);
    if (strcmp(event->stream, post->target) == 0 &&
        (is_there ? span_equal(stored.type, SPAN("purged")) &&
                        check_is_purged(self, span_of(client->nick))
                  : event->seq <= world_removed(self, event->stream)))
        return;
    if (strcmp(event->stream, post->target) != 0 || !is_there ||
        stored.session != post->session.v || stored.number != post->number ||
        !span_equal(stored.text, span_of(post->text)))
        world_fail(self, "%s was told that %u is stored at %s %llu, where it is not", client->nick,
                   post->number, event->stream, (unsigned long long)event->seq);
}

void check_shown(struct world *self, unsigned which, const struct zchat_event *event)
{
    struct client *client = &self->client[which];

    switch (event->kind) {
    case ZCHAT_LINK:
        client->is_up = event->link == ZCHAT_LINK_UP;
        if (event->link == ZCHAT_LINK_REFUSED)
            world_fail(self, "%s is refused for good: %s", client->nick,
                       rc_name((enum rc)event->rc));
        break;
    case ZCHAT_EVENT:
        check_event(self, client, event);
        break;
    case ZCHAT_POST:
        check_post_state(self, client, event);
        break;
    case ZCHAT_LIVE:
        check_live(self, client, event);
        for (unsigned i = 0; i < client->follows; i++) {
            if (strcmp(client->follow[i].stream, event->stream) == 0)
                client->follow[i].is_live = true;
        }
        break;
    case ZCHAT_GAP:
        check_gap(self, client, event);
        break;
    case ZCHAT_ANSWER:
        if (event->rc == RC_NOT_MEMBER && event->ref == 0 && world_room(event->stream) >= 0 &&
            client->person->left[world_room(event->stream)])
            client_put_out(self, client, event->stream);
        else if (event->rc != RC_OK)
            world_fail(self, "a question of %s is refused: %s", client->nick,
                       rc_name((enum rc)event->rc));
        else
            client_answered(self, which, event);
        break;
    case ZCHAT_PERSON:
        check_presence(self, client, event);
        break;
    default:
        break;
    }
}

struct stream_names {
    struct {
        stream_id id;
        char name[32];
        uint64_t head;
        uint64_t confirmed;
    } item[16];
    size_t count;
};

static void on_record(void *context, const struct record *record)
{
    struct stream_names *names = context;

    if (record->kind != RECORD_STREAM || names->count == 16)
        return;
    names->item[names->count].id = record->stream;
    names->item[names->count].head = record->head;
    names->item[names->count].confirmed = record->confirmed;
    snprintf(names->item[names->count].name, sizeof names->item[0].name, "%.*s",
             (int)record->name.len, record->name.ptr);
    names->count++;
}

stream_id world_stream(struct world *self, const char *name)
{
    struct stream_names names = {.count = 0};
    stream_id *known = &self->stream[world_acked(self, name) - self->acked]; /* they never change */

    if (!stream_is_none(*known))
        return *known;
    if (store_replay(self->store, on_record, &names) != RC_OK)
        return (stream_id){0};
    for (size_t i = 0; i < names.count; i++) {
        if (strcmp(names.item[i].name, name) == 0)
            *known = names.item[i].id;
    }
    return *known;
}

static void read_log(struct world *self, const struct stream_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        uint64_t ts = 0;

        for (uint64_t seq = world_removed(self, names->item[i].name) + 1;
             seq <= names->item[i].head; seq++) {
            struct message event;

            if (!stored_event(self, names->item[i].id, seq, &event)) {
                world_fail(self, "%s has a hole at %llu", names->item[i].name,
                           (unsigned long long)seq);
                continue;
            }
            if (event.ts < ts)
                world_fail(self, "time runs back in %s at %llu", names->item[i].name,
                           (unsigned long long)seq);
            ts = event.ts;
            history_logged(self, &event);
        }
    }
}

/* Of clients that still run, everything private has been delivered by now. */
static void check_all_delivered(struct world *self)
{
    for (size_t i = 0; i < self->posts; i++) {
        const struct post *post = &self->post[i];

        if (world_awaits_receipt(self, post))
            world_fail(self, "post %u of %s to %s was never delivered", post->number,
                       self->client[post->client].nick, post->target);
    }
}

void check_at_end(struct world *self)
{
    struct stream_names names = {.count = 0};

    if (store_replay(self->store, on_record, &names) != RC_OK)
        world_fail(self, "the store cannot be replayed");
    read_log(self, &names);
    history_judge(self);
    check_all_delivered(self);
    for (unsigned i = 0; i < self->weather.clients; i++) {
        const struct client *client = &self->client[i];
        const char *why;

        if (!client_has_settled(self, i, &why))
            world_fail(self, "%s %s, %llu s after the last fault", client->nick, why,
                       (unsigned long long)(CALM_MS / 1000));
        for (unsigned k = 0; k < client->follows; k++) {
            for (size_t n = 0; n < names.count; n++) {
                if (strcmp(names.item[n].name, client->follow[k].stream) != 0)
                    continue;
                /* A new life begins its own stream behind what was confirmed: it may have nothing to show. */
                if (client->follow[k].last != names.item[n].head &&
                    !(client->follow[k].last == 0 && names.item[n].confirmed == names.item[n].head))
                    world_fail(self, "%s has been shown %s up to %llu of %llu", client->nick,
                               names.item[n].name, (unsigned long long)client->follow[k].last,
                               (unsigned long long)names.item[n].head);
                if (names.item[n].name[0] == '@' && names.item[n].confirmed != names.item[n].head)
                    world_fail(self, "%s is confirmed up to %llu of %llu", names.item[n].name,
                               (unsigned long long)names.item[n].confirmed,
                               (unsigned long long)names.item[n].head);
            }
        }
    }
}
