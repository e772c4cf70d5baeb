/* client_sim.c - the clients' shell and what their people do. */
#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

#include <stdlib.h>
#include <string.h>

/* Take everything the model tells; showing it is what confirms it. What the model asks for while it tells an
 * event comes before that event is shown. */
void client_listen(struct world *self, struct client *client)
{
    const unsigned which = (unsigned)(client - self->client);
    struct zchat_event event;
    bool is_told = self->now_ms >= client->deaf_until_ms;

    while (is_told && client->model != NULL) {
        struct model_effects fx = {0};

        is_told = model_tell(client->model, &event, self->now_ms, &fx);
        client_carry_out(self, client, &fx);
        model_effects_fini(&fx);
        if (is_told && client->model != NULL)
            check_shown(self, which, &event);
    }
}

static void send_message(struct world *self, struct client *client, const struct message *message)
{
    char bytes[2048];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};

    if (client->conn == NULL || !client->conn->is_open)
        return;
    check_sent(self, client, message);
    if (wire_write(&buf, message) != RC_OK)
        INVARIANT(!"a model's message fits");
    wire_send(self, FLIGHT_COMMAND, client->conn, bytes, buf.len);
}

static void close_conn(struct client *client)
{
    if (client->conn != NULL) {
        client->conn->is_open = false;
        client->conn->is_served = false;
        client->conn = NULL;
    }
}

/* Subscriptions travel in order on their pipe and are not lost while it lives. */
static void subscribe(struct world *self, struct client *client, struct span topic, bool is_added)
{
    if (client->conn == NULL)
        return;
    topics_set(&client->topics, topic.ptr, topic.len, is_added);
    if (!is_added && topic.ptr[0] == '~')
        client->conn->is_unprobed = true;
    wire_send(self, is_added ? FLIGHT_SUBSCRIBE : FLIGHT_UNSUBSCRIBE, client->conn, topic.ptr,
              topic.len);
}

/* A planned crash comes between two effects; the caller looks at client->model. */
void client_carry_out(struct world *self, struct client *client, struct model_effects *fx)
{
    client->is_touched = true;
    for (size_t i = 0; i < fx->count; i++) {
        const struct model_effect *effect = &fx->item[i];

        if (client->crash_in > 0 && world_is_storm(self) && --client->crash_in == 0) {
            client_crash(self, (unsigned)(client - self->client));
            break;
        }
        switch (effect->kind) {
        case MODEL_FX_SEND:
            send_message(self, client, &effect->message);
            break;
        case MODEL_FX_SUBSCRIBE:
        case MODEL_FX_UNSUBSCRIBE:
            subscribe(self, client, effect->topic, effect->kind == MODEL_FX_SUBSCRIBE);
            break;
        case MODEL_FX_RECONNECT:
            close_conn(client);
            client->broker = effect->broker;
            client->opens_at_ms = self->now_ms + effect->delay_ms + 1;
            break;
        }
    }
    fx->count = 0;
}

/* What the broker surely has of a stream. One of several may be behind what another one has acknowledged, but not
 * behind what this client was told: it has said HELLO later, and that has its place in the one order. */
static uint64_t acked_to(struct world *self, const struct client *client, const char *stream)
{
    const uint64_t *acked = world_acked(self, stream);

    return world_has_several(self) ? client->acked[acked - self->acked] : *acked;
}

void client_follow(struct world *self, struct client *client, const char *stream,
                   enum zchat_place_kind from)
{
    struct model_effects fx = {0};
    const struct zchat_place place = {from, 1};
    const unsigned at = client->follows++;

    client->follow[at] = (struct follow_view){.acked = acked_to(self, client, stream)};
    snprintf(client->follow[at].stream, sizeof client->follow[at].stream, "%s", stream);
    history_followed(self, client, stream);
    if (model_follow(client->model, span_of(stream), place, 0, self->now_ms, &fx) != RC_OK)
        world_fail(self, "%s cannot follow %s", client->nick, stream);
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
}

void client_join(struct world *self, struct client *client, unsigned room)
{
    struct model_effects fx = {0};
    struct message message = {.verb = VERB_JOIN};
    char name[32];

    snprintf(name, sizeof name, "#room%u", room);
    message_set(&message, STREAM, stream, span_of(name));
    message_set(&message, CREATE, create, true);
    if (model_request(client->model, &message, self->now_ms, &fx, &client->room[room].ref) != RC_OK)
        world_fail(self, "%s cannot ask to join %s", client->nick, name);
    client->room[room].state = ROOM_JOINING;
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
}

static void remember_session(struct world *self, const struct client *client)
{
    self->session = x_realloc(self->session, self->sessions + 1, sizeof *self->session);
    self->session[self->sessions].id = client->session;
    self->session[self->sessions++].nick = client->nick;
}

/* All brokers, beginning with any one, be it dead: what it has told this client before is of no consequence. */
static void tell_brokers(struct world *self, struct client *client)
{
    static const uint64_t keys[BROKERS_MAX] = {1, 2, 3, 4, 5, 6, 7, 8};

    client->broker = client->first_broker = 0;
    if (!world_has_several(self))
        return;
    client->first_broker = world_below(self, self->weather.brokers);
    model_set_brokers(client->model, keys, self->weather.brokers, 0, true);
}

/* A new run of the client: nothing but the nick survives. */
void client_start(struct world *self, unsigned which)
{
    struct client *client = &self->client[which];
    struct model_options options = {
        .nick = client->nick,
        .agent = "sim",
        .is_inbox = true,
        .seed = world_random(self),
        .limits = {
            .outbox_max = 16, .follows_max = 8, .held_max = 8, .requests_max = 8, .tells_max = 64}};
    char own[32];

    client->session.v = world_random(self) | 1;
    options.session = client->session;
    remember_session(self, client);
    client->model = model_new(&options);
    INVARIANT(client->model != NULL);
    tell_brokers(self, client);
    client->life++;
    client->is_touched = true;
    client->follows = 0;
    memset(client->acked, 0, sizeof client->acked);
    client->history.stream[0] = '\0';
    client->has_looked_back = false;
    client->histories = 1 + world_below(self, 8);
    client->is_up = false;
    client->confirmed = 0;
    client->crash_in = 0;
    client->deaf_until_ms = 0;
    client->acts_at_ms = self->now_ms + world_below(self, 3000);
    client->opens_at_ms = self->now_ms + 1;
    world_tell(self, "%s starts its life %u", client->nick, client->life);
    for (unsigned i = 0; i < self->weather.rooms; i++)
        client_join(self, client, i);
    snprintf(own, sizeof own, "@%s", client->nick);
    client_follow(self, client, own, ZCHAT_FROM_CONFIRMED);
}

void client_crash(struct world *self, unsigned which)
{
    struct client *client = &self->client[which];

    if (client->model == NULL)
        return;
    world_tell(self, "%s crashes", client->nick);
    self->client_crashes++;
    client->is_touched = true;
    close_conn(client);
    model_destroy(&client->model);
    client->opens_at_ms = self->now_ms + 100 + world_below(self, 5000);
}

struct conn *client_connect(struct world *self, unsigned which, unsigned broker)
{
    struct conn *conn = x_alloc(1, sizeof *conn);

    *conn = (struct conn){.next = self->conns,
                          .peer = {++self->last_peer},
                          .client = which,
                          .broker = broker,
                          .is_open = true,
                          .is_served = self->broker[broker].core != NULL,
                          .pipe_ms = self->now_ms};
    if (world_is_storm(self))
        conn->pipe_ms += world_below(self, self->weather.sub_delay_ms + 1);
    self->conns = conn;
    self->client[which].conn = conn;
    return conn;
}

void client_open(struct world *self, unsigned which)
{
    struct client *client = &self->client[which];
    struct model_effects fx = {0};

    client->opens_at_ms = 0;
    if (client->model == NULL) {
        client_start(self, which);
        return;
    }
    close_conn(client);
    client->topics.count = 0;
    client_connect(self, which, (client->first_broker + client->broker) % self->weather.brokers);
    model_opened(client->model, self->now_ms, &fx);
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
    client_listen(self, client);
}

void client_cut(struct world *self, unsigned which, bool is_noticed)
{
    struct client *client = &self->client[which];
    struct model_effects fx = {0};

    if (client->model == NULL || client->conn == NULL)
        return;
    world_tell(self, "the connection of %s is cut%s", client->nick, is_noticed ? "" : ", silently");
    client->conn->is_served = false;
    if (!is_noticed)
        return;
    close_conn(client);
    model_lost(client->model, self->now_ms, &fx);
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
    client_listen(self, client);
}

static bool is_own(const struct client *client, struct span stream)
{
    return span_equal((struct span){stream.ptr + 1, stream.len - 1}, span_of(client->nick));
}

void client_receive(struct world *self, struct conn *conn, bool is_pub, const char *bytes,
                    size_t len)
{
    struct client *client = &self->client[conn->client];
    struct span body = {bytes, len};
    struct span topic;
    struct message message;
    struct model_effects fx = {0};

    if (client->model == NULL || client->conn != conn)
        return;
    if (is_pub && wire_split_topic(body, &topic, &body) != RC_OK) {
        world_fail(self, "a broadcast without a topic");
        return;
    }
    struct wire_reader reader = wire_reader_over(body, is_pub ? TO_EVERYBODY : TO_CLIENT);
    enum rc rc;
    while (client->model != NULL && (rc = wire_read(&reader, &message)) != RC_END) {
        if (rc != RC_OK) {
            world_fail(self, "a client reads what the broker wrote as %s", rc_name(rc));
            break;
        }
        if (message.verb == VERB_WELCOME)
            conn->is_welcomed = true;
        if (message.verb == VERB_WELCOME && message.ref == client->hello_ref)
            client->hello_ref = 0;
        if (message.verb == VERB_WELCOME && message.confirmed > client->confirmed)
            client->confirmed = message.confirmed;
        if (message_has(&message, HAS_REF) && message.ref == ORDER_REF)
            continue; /* likewise */
        if (client->has_lied && message.verb == VERB_ERROR && message.code == RC_DENIED)
            continue; /* the answer to a lie is none of the model's business */
        if (is_pub && message.verb == VERB_EVENT && message.stream.ptr[0] == '@' &&
            !is_own(client, message.stream))
            world_fail(self, "%s receives what is for %.*s", client->nick, (int)message.stream.len,
                       message.stream.ptr);
        const unsigned confirming = client->confirming;
        model_received(client->model, &message, is_pub, self->now_ms, &fx);
        client_carry_out(self, client, &fx);
        if (message.verb == VERB_PONG)
            check_pong(self, client, &message, confirming);
    }
    model_effects_fini(&fx);
    client_listen(self, client);
}

void client_tick(struct world *self, unsigned which)
{
    struct client *client = &self->client[which];
    struct model_effects fx = {0};

    model_tick(client->model, self->now_ms, &fx);
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
    client_listen(self, client);
}

/* After JOINED the room is followed from its beginning. */
void client_answered(struct world *self, unsigned which, const struct zchat_event *event)
{
    struct client *client = &self->client[which];
    const int room = world_room(event->stream);

    if (room < 0 || event->ref == 0 || event->ref != client->room[room].ref)
        return;
    if (client->room[room].state == ROOM_LEAVING) {
        client->room[room].state = ROOM_OUT;
        world_tell(self, "%s has left %s", client->nick, event->stream);
        return;
    }
    client->room[room].state = ROOM_IN;
    client->person->joined[room] = true;
    world_tell(self, "%s has joined %s", client->nick, event->stream);
    for (unsigned i = 0; i < client->follows; i++) {
        if (strcmp(client->follow[i].stream, event->stream) == 0)
            return;
    }
    client_follow(self, client, event->stream, ZCHAT_FROM_SEQ);
}

bool client_has_settled(struct world *self, unsigned which, const char **ret_why)
{
    const struct client *client = &self->client[which];

    *ret_why = NULL;
    if (client->model == NULL || !client->is_up)
        *ret_why = "is not connected";
    else if (client->to_post > 0)
        *ret_why = "has not said everything";
    else if (client->follows != self->weather.rooms + 1)
        *ret_why = "has not joined every room";
    else if (model_unanswered(client->model) > 0)
        *ret_why = "has posts without an answer";
    for (unsigned i = 0; *ret_why == NULL && i < client->follows; i++) {
        if (!client->follow[i].is_live)
            *ret_why = "follows a stream that is not live";
    }
    return *ret_why == NULL;
}
