/* broker_checks.c - promises about what leaves the broker and the clients. */
#include "broker/core/core_internal.h"
#include "tests/sim/world.h"
#include "tests/support/core/as_stored.h"

#include "shared/wire/wire.h"

#include <string.h>

#define SLACK_MS 300 /* an effect more or less */

static struct person *find_person(struct world *self, struct span stream)
{
    for (unsigned i = 0; i < self->weather.people; i++) {
        if (stream.len > 1 && stream.ptr[0] == '@' &&
            span_equal((struct span){stream.ptr + 1, stream.len - 1},
                       span_of(self->person[i].nick)))
            return &self->person[i];
    }
    return NULL;
}

static const char *owner_of(const struct world *self, uint64_t session)
{
    for (size_t i = 0; i < self->sessions; i++) {
        if (self->session[i].id.v == session)
            return self->session[i].nick;
    }
    return "nobody";
}

static struct mail *mail_of(const struct world *self, struct broker *broker,
                            const struct person *person)
{
    return &broker->mail[person - self->person];
}

static void begin_again(const struct world *self, struct mail *mail)
{
    mail->begun_ms = mail->published_ms = self->now_ms;
}

/* A session, a stream and a key belong to one person. */
void check_reply(struct world *self, const struct conn *conn, const struct message *message)
{
    const char *nick = self->client[conn->client].nick;

    if (message->verb == VERB_WELCOME && strcmp(owner_of(self, message->session), nick) != 0)
        world_fail(self, "%s is given a session of %s", nick, owner_of(self, message->session));
    if ((message->verb == VERB_WELCOME || message->verb == VERB_EVENTS ||
         message->verb == VERB_GONE || message->verb == VERB_PONG) &&
        message->stream.len > 1 && message->stream.ptr[0] == '@' &&
        !span_equal((struct span){message->stream.ptr + 1, message->stream.len - 1}, span_of(nick)))
        world_fail(self, "%s is answered %s of %.*s", nick, verb_row(message->verb)->name,
                   (int)message->stream.len, message->stream.ptr);
}

static void check_receipt(struct world *self, const struct op_result *result,
                          const struct appended *appended)
{
    struct wire_reader reader = wire_reader_over(appended->wire, TO_CLIENT | TO_EVERYBODY);
    struct message event;

    if (wire_read(&reader, &event) != RC_OK || !span_equal(event.type, SPAN("receipt")))
        world_fail(self, "a confirmation makes something else than a receipt");
    else if (event.upto != result->seq)
        world_fail(self, "a receipt of %.*s covers %llu, %llu are confirmed", (int)event.from.len,
                   event.from.ptr, (unsigned long long)event.upto, (unsigned long long)result->seq);
}

static struct person *person_of(struct world *self, stream_id stream)
{
    for (unsigned i = 0; i < self->weather.brokers; i++) {
        struct core *core = self->broker[i].core;
        const uint32_t row = core == NULL ? 0 : streams_by_id(&core->streams, stream);

        if (row != 0)
            return find_person(self, stream_name(core_stream(core, row)));
    }
    return NULL;
}

/* HELLO begins the republication again, whether its answer arrives or not. */
void check_delivered(struct world *self, struct broker *broker, const struct op_result *result)
{
    struct person *person =
        result->kind == OP_HELLO && result->rc == RC_OK ? person_of(self, result->stream) : NULL;

    if (person != NULL)
        begin_again(self, mail_of(self, broker, person));
}

/* What was never shown is not confirmed, whoever says so. */
void check_results(struct world *self, const struct op_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct op_result *result = &results[i];

        if (result->kind != OP_CONFIRM || result->rc != RC_OK)
            continue;
        struct person *person = person_of(self, result->stream);

        for (size_t n = 0; n < result->appended_count; n++)
            check_receipt(self, result, &result->appended[n]);
        if (person == NULL)
            continue;
        if (result->seq > person->shown)
            world_fail(self, "@%s is confirmed up to %llu, but shown only up to %llu", person->nick,
                       (unsigned long long)result->seq, (unsigned long long)person->shown);
    }
}

void check_note_published(struct world *self, struct broker *broker, struct span stream,
                          bool is_new)
{
    const struct person *person = find_person(self, stream);

    if (person == NULL)
        return;
    mail_of(self, broker, person)->published_ms = self->now_ms;
    if (is_new)
        mail_of(self, broker, person)->begun_ms = self->now_ms;
}

/* While an inbox is alive, what it has not confirmed comes again after 1, 2, 4 ... 30 s. */
void check_republished(struct world *self, struct broker *broker)
{
    struct core *core = broker->core;

    for (uint32_t row = 1; row <= core->streams.count; row++) {
        const struct stream *stream = core_stream(core, row);
        struct person *person = find_person(self, stream_name(stream));

        if (person == NULL)
            continue;
        struct mail *mail = mail_of(self, broker, person);
        if (stream->inboxes == 0 || stream->head <= stream->confirmed ||
            stream->confirmed != mail->confirmed) {
            mail->confirmed = person->confirmed = stream->confirmed;
            begin_again(self, mail);
            continue;
        }
        const uint64_t quiet_ms = self->now_ms - mail->published_ms;
        const uint64_t before_ms = mail->published_ms - mail->begun_ms;

        if (quiet_ms > before_ms + 1000 + SLACK_MS)
            world_fail(self, "@%s is not published again for %llu ms", person->nick,
                       (unsigned long long)quiet_ms);
    }
}

static const struct follow_view *find_follow(const struct client *client, struct span stream)
{
    for (unsigned i = 0; i < client->follows; i++) {
        if (span_equal(span_of(client->follow[i].stream), stream))
            return &client->follow[i];
    }
    return NULL;
}

/* Once told that the broker lacks a confirmation of what it has shown, a client sends it again. */
void check_pong(struct world *self, struct client *client, const struct message *pong,
                unsigned confirming_before)
{
    const struct follow_view *follow = find_follow(client, pong->stream);

    if (pong->confirmed > client->confirmed)
        client->confirmed = pong->confirmed;
    if (client->is_up && client->hello_ref == 0 && client->model != NULL &&
        self->now_ms >= client->deaf_until_ms && follow != NULL &&
        follow->last > client->confirmed && client->confirming == confirming_before)
        world_fail(self,
                   "%s has shown %s up to %llu, hears that %llu are confirmed, and keeps silent",
                   client->nick, follow->stream, (unsigned long long)follow->last,
                   (unsigned long long)client->confirmed);
}

unsigned brokers_sessions(struct world *self)
{
    unsigned count = 0;

    for (unsigned i = 0; i < self->weather.brokers; i++)
        count += self->broker[i].core == NULL ? 0 : self->broker[i].core->sessions.count;
    return count;
}

bool brokers_know_all(struct world *self)
{
    for (unsigned i = 0; i < self->weather.brokers; i++) {
        const struct broker *broker = &self->broker[i];

        if (broker->core == NULL ||
            (world_has_several(self) && (broker->taken != self->turns || broker->asked_count > 0)))
            return false;
    }
    for (unsigned i = 0; i < self->weather.clients; i++) {
        const struct client *client = &self->client[i];

        if (client->conn == NULL ||
            sessions_by_id(&self->broker[client->conn->broker].core->sessions, client->session) ==
                0)
            return false;
    }
    return brokers_sessions(self) == self->weather.clients;
}

/* A client confirms what it has shown, and asks where a stream stands only once the broker has its
 * subscription. */
void check_sent(struct world *self, struct client *client, const struct message *message)
{
    const struct follow_view *follow =
        message_has(message, HAS_STREAM) ? find_follow(client, message->stream) : NULL;

    client->confirming += message->verb == VERB_CONFIRM;
    if (message->verb == VERB_HELLO)
        client->hello_ref = message->ref;
    if (message->verb == VERB_CONFIRM && (follow == NULL || message->seq > follow->last))
        world_fail(self, "%s confirms %llu, but has shown %llu", client->nick,
                   (unsigned long long)message->seq,
                   (unsigned long long)(follow == NULL ? 0 : follow->last));
    if (message->verb == VERB_HEAD && message_has(message, HAS_REF) && follow != NULL &&
        strcmp(client->history.stream, follow->stream) != 0 && client->conn->is_welcomed &&
        client->conn->is_served && !client->conn->is_unprobed &&
        !topics_has(&client->conn->topics_ever, follow->stream, strlen(follow->stream)))
        world_fail(self, "%s asks for the head of %s without a subscription", client->nick,
                   follow->stream);
}

/* What a core knows, of its own doing and of what it was told of others', is what a new one would be told. */
void check_cores(struct world *self)
{
    const uint64_t wall_ms = (uint64_t)(1700000000000 + (int64_t)self->now_ms + self->wall_jump_ms);

    for (unsigned i = 0; i < self->weather.brokers; i++) {
        struct broker *broker = &self->broker[i];
        const char *why;

        turns_take(self, broker, self->turns);
        if (!core_is_as_stored(broker->core, self->store, wall_ms, &why))
            world_fail(self, "broker %u: %s", i, why);
    }
}
