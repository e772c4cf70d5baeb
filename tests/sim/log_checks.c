/* log_checks.c - promises about histories, about what a refusal may be, and about what is kept in the log. */
#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/wire/wire.h"

#include <stdlib.h>
#include <string.h>

#define STREAMS_MAX_SEEN (ROOMS_MAX + CLIENTS_MAX)

/* --- while things are shown ---------------------------------------------------------------- */

/* A refusal says why, and says the truth. */
void check_refusal(struct world *self, const struct post *post)
{
    const bool is_nowhere = strcmp(post->target, "#nowhere") == 0;
    const int room = world_room(post->target);
    const bool was_left = room >= 0 && self->client[post->client].person->left[room];
    bool is_right = false;

    switch (post->rc) {
    case RC_NO_SUCH_ROOM:
    case RC_NOT_MEMBER:
        is_right = is_nowhere || (room >= 0 && (was_left || !post->is_member));
        break;
    case RC_NO_SUCH_NICK:
        is_right = post->target[0] == '@';
        break;
    case RC_VOIDED:
        is_right = post->was_unknown;
        break;
    default:
        break;
    }
    if (!is_right)
        world_fail(self, "post %u of %s to %s is refused as %s", post->number,
                   self->client[post->client].nick, post->target, rc_name(post->rc));
}

/* What is delivered was shown to its recipient. */
void check_delivery(struct world *self, const struct post *post, uint64_t seq)
{
    for (unsigned i = 0; i < self->weather.people; i++) {
        if (strcmp(self->person[i].nick, post->target + 1) == 0 && self->person[i].shown >= seq)
            return;
    }
    world_fail(self, "post %u of %s is delivered to %s, who was not shown it", post->number,
               self->client[post->client].nick, post->target);
}

static uint64_t first_of_history(const struct history_view *history)
{
    if (history->from.kind == ZCHAT_FROM_TIME)
        return history->first;
    if (history->from.kind == ZCHAT_FROM_LAST)
        return history->from.value >= history->until ? 1 : history->until - history->from.value + 1;
    return history->from.value;
}

/* The first event from a time on, up to `until`; 0: all are older. */
uint64_t check_first_since(struct world *self, const char *stream, uint64_t since_ms,
                           uint64_t until)
{
    struct store_range range = {
        .stream = world_stream(self, stream), .events_max = 1, .bytes_max = FETCH_PAGE_BYTES_MAX};

    for (range.first = world_removed(self, stream) + 1; range.first <= until; range.first++) {
        struct store_page page;
        struct message event;

        range.last = range.first;
        if (store_read(self->reader, &range, &page) != RC_OK || page.count != 1)
            break;
        struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT | TO_EVERYBODY);
        if (wire_read(&reader, &event) == RC_OK && event.ts >= since_ms)
            return range.first;
    }
    return 0;
}

uint64_t history_next(const struct history_view *history)
{
    return history->last != 0 ? history->last + 1 : first_of_history(history);
}

/* From a time on, what was removed since is not missed. */
static bool is_later_start(struct world *self, const struct history_view *history, uint64_t seq)
{
    return history->from.kind == ZCHAT_FROM_TIME && seq > first_of_history(history) &&
           seq - 1 <= world_removed(self, history->stream);
}

/* True when the event belongs to the history that this client reads. */
bool check_history(struct world *self, struct client *client, const struct zchat_event *event)
{
    struct history_view *history = &client->history;

    if (strcmp(history->stream, event->stream) != 0 || event->seq > history->until)
        return false;
    if (history->last != 0 && event->seq != history->last + 1)
        world_fail(self, "%s reads %s back and is shown %llu after %llu", client->nick,
                   event->stream, (unsigned long long)event->seq,
                   (unsigned long long)history->last);
    else if (history->last == 0 && event->seq != first_of_history(history) &&
             !is_later_start(self, history, event->seq))
        world_fail(self, "%s reads %s back from %llu and is shown %llu first", client->nick,
                   event->stream, (unsigned long long)first_of_history(history),
                   (unsigned long long)event->seq);
    history->last = event->seq;
    return true;
}

/* A history is over at its end; a stream is live when all has been shown that there was. */
void check_live(struct world *self, struct client *client, const struct zchat_event *event)
{
    struct history_view *history = &client->history;

    for (unsigned i = 0; i < client->follows; i++) {
        struct follow_view *follow = &client->follow[i];

        if (strcmp(follow->stream, event->stream) != 0 || follow->is_live)
            continue;
        if (follow->stream[0] == '#' && event->seq != follow->last)
            world_fail(self, "%s hears that %s is live at %llu and has been shown %llu",
                       client->nick, event->stream, (unsigned long long)event->seq,
                       (unsigned long long)follow->last);
        if (event->seq < follow->acked)
            world_fail(self, "%s hears that %s is live at %llu of at least %llu", client->nick,
                       event->stream, (unsigned long long)event->seq,
                       (unsigned long long)follow->acked);
        return;
    }
    if (strcmp(history->stream, event->stream) != 0)
        return;
    if (event->seq != history->until ||
        (history->last != event->seq && first_of_history(history) != 0 &&
         !is_later_start(self, history, event->seq + 1)))
        world_fail(self, "%s reads %s back until %llu; it ends at %llu, shown %llu", client->nick,
                   event->stream, (unsigned long long)history->until,
                   (unsigned long long)event->seq, (unsigned long long)history->last);
    history->stream[0] = '\0';
}

/* --- in the calm ------------------------------------------------------------------------------ */

struct place {
    char name[32];
    uint64_t head;
    uint64_t confirmed;
    stream_id id;
};

struct places {
    struct place item[STREAMS_MAX_SEEN + 1];
    size_t count;
};

static void on_record(void *context, const struct record *record)
{
    struct places *places = context;

    if (record->kind != RECORD_STREAM || places->count > STREAMS_MAX_SEEN)
        return;
    struct place *place = &places->item[places->count++];
    *place =
        (struct place){.head = record->head, .confirmed = record->confirmed, .id = record->stream};
    snprintf(place->name, sizeof place->name, "%.*s", (int)record->name.len, record->name.ptr);
}

static bool has_read_all(const struct client *client, const struct places *places)
{
    for (size_t n = 0; n < places->count; n++) {
        const struct place *place = &places->item[n];
        const bool is_confirmed = place->name[0] == '@' && place->confirmed == place->head;

        for (unsigned i = 0; i < client->follows; i++) {
            const struct follow_view *follow = &client->follow[i];

            if (strcmp(follow->stream, place->name) != 0)
                continue;
            if (place->name[0] == '@' && !is_confirmed)
                return false;
            if (follow->last != place->head && !(follow->last == 0 && is_confirmed))
                return false;
        }
    }
    return true;
}

static bool is_connected(const struct client *client)
{
    if (client->conn == NULL || !client->conn->is_served || !client->conn->is_open)
        return false;
    for (unsigned i = 0; i < client->follows; i++) {
        if (!topics_has(&client->conn->topics, client->follow[i].stream,
                        strlen(client->follow[i].stream)))
            return false;
    }
    return true;
}

/* What another device has confirmed may be removed before this one is shown it, and a receipt with it. */
static bool has_own_gap(const struct client *client)
{
    for (unsigned i = 0; i < client->follows; i++) {
        if (client->follow[i].stream[0] == '@' && client->follow[i].has_gap)
            return true;
    }
    return false;
}

/* A private message of a client that still runs, which nobody has told it to be delivered. */
bool world_awaits_receipt(const struct world *self, const struct post *post)
{
    const struct client *client = &self->client[post->client];

    return post->life == client->life && post->target[0] == '@' && post->state == ZCHAT_STORED &&
           strcmp(post->target + 1, client->nick) != 0 && !has_own_gap(client);
}

bool world_has_settled(struct world *self)
{
    struct places places = {.count = 0};
    const char *why;

    if (!brokers_know_all(self) || store_replay(self->store, on_record, &places) != RC_OK)
        return false;
    for (unsigned i = 0; i < self->weather.clients; i++) {
        const struct client *client = &self->client[i];

        if (!is_connected(client) || !client_has_settled(self, i, &why) ||
            client->history.stream[0] != '\0' || !has_read_all(client, &places))
            return false;
    }
    for (size_t i = 0; i < self->posts; i++) {
        if (world_awaits_receipt(self, &self->post[i]))
            return false;
    }
    return true;
}

/* In the calm everybody is there, with as many devices as run, at that broker: each tells of its own. (The rows of an
 * answer come one by one, so that some may come behind its end on this wire.) */
void check_presence(struct world *self, const struct client *client,
                    const struct zchat_event *event)
{
    unsigned devices = 0;

    if (world_has_several(self) &&
        !brokers_know_all(self)) /* somebody's late HELLO came to another one */
        return;
    for (unsigned i = 0; i < self->weather.clients; i++)
        devices += strcmp(self->client[i].nick, event->from) == 0 &&
                   self->client[i].conn->broker == client->conn->broker;
    if (event->devices != devices || (strcmp(event->state, "gone") == 0) != (devices == 0))
        world_fail(self, "%s is %s with %u devices, %u run", event->from, event->state,
                   event->devices, devices);
}

/* What is said when all is calm is heard soon: the end of the run comes LAST_WORDS_MS after it, and what
 * check_at_end() finds there was heard in time. */
void check_last_words(struct world *self)
{
    if (self->settled_ms == 0) {
        world_fail(self, "it has not settled %d s after the storm", CALM_MS / 1000);
        return;
    }
    /* A HELLO that was late on its way to another broker ends the session here, until the client says it again. */
    if (!world_has_several(self) && brokers_sessions(self) != self->weather.clients)
        world_fail(self, "%u sessions are alive, %u clients run", brokers_sessions(self),
                   self->weather.clients);
    for (size_t i = self->last_words; i < self->posts; i++) {
        const struct post *post = &self->post[i];

        /* A repeat of it may have found it removed already. */
        if (post->rc == RC_TOO_OLD && world_removed(self, post->target) > 0)
            continue;
        if (post->state == ZCHAT_WAITING || post->state == ZCHAT_UNKNOWN)
            world_fail(self, "post %u of %s has no answer in the calm", post->number,
                       self->client[post->client].nick);
    }
}

/* --- the log ------------------------------------------------------------------------------------- */

struct entry {
    char stream[24];
    char from[16];
    char to[16];
    char type; /* 'm', 'r', 'j', 'l'; 'p': a message that was purged */
    uint64_t seq;
    uint64_t session;
    uint32_t number;
    uint64_t peer_seq;
    uint64_t upto;
    long text; /* the text's number */
};

struct log {
    struct entry *item;
    size_t count;
    size_t capacity;
};

static void copy(char *to, size_t size, struct span from)
{
    snprintf(to, size, "%.*s", (int)from.len, from.len > 0 ? from.ptr : "");
}

static void add_entry(struct world *self, struct log *log, const struct message *event)
{
    struct entry entry = {.type = event->type.ptr[0],
                          .seq = event->seq,
                          .session = message_has(event, HAS_SESSION) ? event->session : 0,
                          .number = message_has(event, HAS_NUMBER) ? (uint32_t)event->number : 0,
                          .peer_seq = message_has(event, HAS_PEER_SEQ) ? event->peer_seq : 0,
                          .upto = message_has(event, HAS_UPTO) ? event->upto : 0,
                          .text = -1};
    char text[64];

    if (span_equal(event->type, SPAN("topic")) || span_equal(event->type, SPAN("role")))
        return;
    copy(entry.stream, sizeof entry.stream, event->stream);
    copy(entry.from, sizeof entry.from, event->from);
    if (message_has(event, HAS_TO))
        copy(entry.to, sizeof entry.to, event->to);
    if (span_equal(event->type, SPAN("kick"))) {
        if (entry.stream[0] == '@')
            return;
        entry.type = 'l'; /* for who is put out */
        copy(entry.from, sizeof entry.from, event->to);
    }
    copy(text, sizeof text, message_has(event, HAS_TEXT) ? event->text : SPAN(""));
    if (strlen(text) > 17)
        entry.text = strtol(text + 17, NULL, 10);
    if (log->count == log->capacity) {
        log->capacity = log->capacity == 0 ? 256 : log->capacity * 2;
        log->item = x_realloc(log->item, log->capacity, sizeof *log->item);
    }
    log->item[log->count++] = entry;
    if (entry.stream[0] == '@' && strcmp(entry.stream + 1, entry.from) != 0 &&
        (entry.type == 'm' && strcmp(entry.stream + 1, entry.to) != 0))
        world_fail(self, "a message of %s to %s stands in %s", entry.from, entry.to, entry.stream);
}

static void read_stream(struct world *self, const struct place *place, struct log *log)
{
    struct store_range range = {.stream = place->id,
                                .first = world_removed(self, place->name) + 1,
                                .events_max = 256,
                                .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct store_page page;

    while (store_read(self->reader, &range, &page) == RC_OK && page.count > 0) {
        struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT | TO_EVERYBODY);
        struct message event;

        while (wire_read(&reader, &event) == RC_OK)
            add_entry(self, log, &event);
        range.first = page.last + 1;
    }
}

/* Or had: of the sender's stream something is removed. */
static bool has_copy(struct world *self, const struct log *log, const struct entry *message)
{
    char own[32];

    for (size_t i = 0; i < log->count; i++) {
        const struct entry *entry = &log->item[i];

        if (entry->session == message->session && entry->number == message->number &&
            entry->peer_seq == message->seq && entry->stream[0] == '@' &&
            strcmp(entry->stream + 1, message->from) == 0)
            return true;
    }
    snprintf(own, sizeof own, "@%s", message->from);
    return world_removed(self, own) > 0;
}

/* A private message stands with both of its people, and a text stands once. */
static void check_messages(struct world *self, const struct log *log)
{
    bool *is_there = x_alloc(self->posts + 1, sizeof *is_there);

    for (size_t i = 0; i < log->count; i++) {
        const struct entry *entry = &log->item[i];

        if (entry->type != 'm' || entry->peer_seq != 0)
            continue;
        if (entry->text < 0 || (size_t)entry->text >= self->posts)
            world_fail(self, "%s %llu was never said", entry->stream,
                       (unsigned long long)entry->seq);
        else if (is_there[entry->text])
            world_fail(self, "%s %llu was said once and stands twice", entry->stream,
                       (unsigned long long)entry->seq);
        else
            is_there[entry->text] = true;
        if (entry->stream[0] == '@' && strcmp(entry->stream + 1, entry->from) != 0 &&
            !has_copy(self, log, entry))
            world_fail(self, "%s %llu has no copy in the stream of %s", entry->stream,
                       (unsigned long long)entry->seq, entry->from);
    }
    free(is_there);
}

static bool is_covered(struct world *self, const struct log *log, const struct entry *receipt,
                       uint64_t before)
{
    char stream[32];

    snprintf(stream, sizeof stream, "@%s", receipt->from);
    if (world_removed(self, stream) > before) /* what it covers may be removed */
        return true;
    for (size_t i = 0; i < log->count; i++) {
        const struct entry *entry = &log->item[i];

        if ((entry->type == 'm' || entry->type == 'p') && entry->stream[0] == '@' &&
            entry->peer_seq == 0 && strcmp(entry->stream + 1, receipt->from) == 0 &&
            strcmp(entry->from, receipt->stream + 1) == 0 && entry->seq > before &&
            entry->seq <= receipt->upto)
            return true;
    }
    return false;
}

/* Each receipt covers something new; who comes was out, who leaves was in. */
static void check_order(struct world *self, const struct log *log, size_t at)
{
    const struct entry *entry = &log->item[at];
    const struct entry *before = NULL;

    if (entry->type == 'm' || entry->type == 'p')
        return;
    for (size_t i = at; i-- > 0 && before == NULL;) {
        const struct entry *other = &log->item[i];

        if (strcmp(other->stream, entry->stream) == 0 && strcmp(other->from, entry->from) == 0 &&
            (other->type == 'r') == (entry->type == 'r') && other->type != 'm' &&
            other->type != 'p')
            before = other;
    }
    if (entry->type == 'r') {
        if (!is_covered(self, log, entry, before == NULL ? 0 : before->upto))
            world_fail(self, "the receipt %s %llu covers nothing new", entry->stream,
                       (unsigned long long)entry->seq);
    } else if (before == NULL && world_removed(self, entry->stream) > 0) {
        return; /* how it stood before is removed */
    } else if (entry->type == (before == NULL ? 'l' : before->type)) {
        world_fail(self, "%s %llu: %s %s again", entry->stream, (unsigned long long)entry->seq,
                   entry->from, entry->type == 'j' ? "joins" : "leaves");
    }
}

void check_log(struct world *self)
{
    struct places places = {.count = 0};
    struct log log = {0};

    if (store_replay(self->store, on_record, &places) != RC_OK)
        world_fail(self, "the store cannot be replayed at the end");
    for (size_t i = 0; i < places.count; i++)
        read_stream(self, &places.item[i], &log);
    check_messages(self, &log);
    for (size_t i = 0; i < log.count; i++)
        check_order(self, &log, i);
    free(log.item);
}
