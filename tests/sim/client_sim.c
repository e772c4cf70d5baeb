/* client_sim.c - the clients' shell and what their people do. */
#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 25000

static void carry_out(struct world *self, struct client *client, struct model_effects *fx);

/* Take everything the model tells; showing it is what confirms it. */
static void listen(struct world *self, struct client *client)
{
    const unsigned which = (unsigned)(client - self->client);
    struct zchat_event event;
    bool is_told = true;

    while (is_told && client->model != NULL) {
        struct model_effects fx = {0};

        is_told = model_tell(client->model, &event, self->now_ms, &fx);
        if (is_told)
            check_shown(self, which, &event);
        carry_out(self, client, &fx);
        model_effects_fini(&fx);
    }
}

static void send_message(struct world *self, struct client *client, const struct message *message)
{
    char bytes[2048];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};

    if (client->conn == NULL || !client->conn->is_open)
        return;
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
static void carry_out(struct world *self, struct client *client, struct model_effects *fx)
{
    for (size_t i = 0; i < fx->count; i++) {
        const struct model_effect *effect = &fx->item[i];

        switch (effect->kind) {
        case MODEL_FX_SEND:
            send_message(self, client, &effect->message);
            break;
        case MODEL_FX_SUBSCRIBE:
            if (client->conn != NULL)
                wire_send(self, FLIGHT_SUBSCRIBE, client->conn, effect->topic.ptr,
                          effect->topic.len);
            break;
        case MODEL_FX_UNSUBSCRIBE:
            if (client->conn != NULL)
                wire_send(self, FLIGHT_UNSUBSCRIBE, client->conn, effect->topic.ptr,
                          effect->topic.len);
            break;
        case MODEL_FX_RECONNECT:
            close_conn(client);
            client->opens_at_ms = self->now_ms + effect->delay_ms + 1;
            break;
        }
    }
    fx->count = 0;
}

static void follow(struct world *self, struct client *client, const char *stream,
                   enum zchat_place_kind from)
{
    struct model_effects fx = {0};
    const struct zchat_place place = {from, 1};
    const unsigned at = client->follows++;

    memset(&client->follow[at], 0, sizeof client->follow[at]);
    snprintf(client->follow[at].stream, sizeof client->follow[at].stream, "%s", stream);
    if (model_follow(client->model, span_of(stream), place, 0, self->now_ms, &fx) != RC_OK)
        world_fail(self, "%s cannot follow %s", client->nick, stream);
    carry_out(self, client, &fx);
    model_effects_fini(&fx);
}

static void join(struct world *self, struct client *client, const char *room)
{
    struct model_effects fx = {0};
    struct message message = {.verb = VERB_JOIN};
    uint32_t ref;

    message_set(&message, STREAM, stream, span_of(room));
    message_set(&message, CREATE, create, true);
    if (model_request(client->model, &message, self->now_ms, &fx, &ref) != RC_OK)
        world_fail(self, "%s cannot ask to join %s", client->nick, room);
    carry_out(self, client, &fx);
    model_effects_fini(&fx);
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
    char room[32];

    client->session.v = world_random(self) | 1;
    options.session = client->session;
    client->model = model_new(&options);
    INVARIANT(client->model != NULL);
    client->life++;
    client->follows = 0;
    client->is_up = false;
    client->acts_at_ms = self->now_ms + world_below(self, 3000);
    client->opens_at_ms = self->now_ms + 1;
    for (unsigned i = 0; i < self->weather.rooms; i++) {
        snprintf(room, sizeof room, "#room%u", i);
        join(self, client, room);
    }
    snprintf(room, sizeof room, "@%s", client->nick);
    follow(self, client, room, ZCHAT_FROM_CONFIRMED);
    world_tell(self, "%s starts its life %u", client->nick, client->life);
}

void client_crash(struct world *self, unsigned which)
{
    struct client *client = &self->client[which];

    if (client->model == NULL)
        return;
    world_tell(self, "%s crashes", client->nick);
    self->client_crashes++;
    close_conn(client);
    model_destroy(&client->model);
    client->opens_at_ms = self->now_ms + 100 + world_below(self, 5000);
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
    struct conn *conn = x_alloc(1, sizeof *conn);
    *conn = (struct conn){.next = self->conns,
                          .peer = {++self->last_peer},
                          .client = which,
                          .is_open = true,
                          .is_served = self->core != NULL};
    self->conns = conn;
    client->conn = conn;
    model_opened(client->model, self->now_ms, &fx);
    carry_out(self, client, &fx);
    model_effects_fini(&fx);
    listen(self, client);
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
    carry_out(self, client, &fx);
    model_effects_fini(&fx);
    listen(self, client);
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
        model_received(client->model, &message, is_pub, self->now_ms, &fx);
        carry_out(self, client, &fx);
    }
    model_effects_fini(&fx);
    listen(self, client);
}

/* Somebody says something. Some rooms do not exist, so refusals happen too. */
static void say(struct world *self, struct client *client)
{
    struct model_effects fx = {0};
    struct post post = {.session = client->session,
                        .client = (unsigned)(client - self->client),
                        .life = client->life,
                        .state = ZCHAT_WAITING};
    const unsigned dice = world_below(self, 100);

    if (dice < 60)
        snprintf(post.target, sizeof post.target, "#room%u",
                 world_below(self, self->weather.rooms));
    else if (dice < 95)
        snprintf(post.target, sizeof post.target, "@%s",
                 self->client[world_below(self, self->weather.clients)].nick);
    else
        snprintf(post.target, sizeof post.target, "#nowhere");
    snprintf(post.text, sizeof post.text, "%016llx %zu", (unsigned long long)client->session.v,
             self->posts);
    const enum rc rc =
        model_post(client->model, span_of(post.target), SPAN("message"), span_of(post.text), 0,
                   DEADLINE_MS, self->now_ms, &fx, &post.number);
    if (rc == RC_OK) {
        if (self->posts == self->posts_capacity) {
            self->posts_capacity = self->posts_capacity == 0 ? 64 : self->posts_capacity * 2;
            self->post = x_realloc(self->post, self->posts_capacity, sizeof *self->post);
        }
        self->post[self->posts++] = post;
        client->to_post--;
        world_tell(self, "%s says %u to %s: %s", client->nick, post.number, post.target, post.text);
    } else if (rc != RC_BUSY) {
        world_fail(self, "%s may not post: %s", client->nick, rc_name(rc));
    }
    carry_out(self, client, &fx);
    model_effects_fini(&fx);
}

/* Try a post again whose fate is unknown; the model resolves it or repeats it. */
static void retry(struct world *self, struct client *client)
{
    for (size_t i = 0; i < self->posts; i++) {
        struct post *post = &self->post[i];
        struct model_effects fx = {0};
        uint32_t number;

        if (post->session.v != client->session.v || post->state != ZCHAT_UNKNOWN)
            continue;
        if (model_retry(client->model, post->number, DEADLINE_MS, self->now_ms, &fx, &number) ==
            RC_OK) {
            world_tell(self, "%s tries %u again as %u", client->nick, post->number, number);
            if (number == post->number)
                post->state = ZCHAT_WAITING;
        }
        carry_out(self, client, &fx);
        model_effects_fini(&fx);
        return;
    }
}

void client_act(struct world *self, unsigned which)
{
    struct client *client = &self->client[which];

    client->acts_at_ms = self->now_ms + 1 + world_below(self, 2000);
    if (client->model == NULL)
        return;
    if (world_is_storm(self)) {
        if (world_chance(self, self->weather.client_crashes)) {
            client_crash(self, which);
            return;
        }
        if (world_chance(self, self->weather.cuts))
            client_cut(self, which, world_chance(self, 500));
        if (world_chance(self, self->weather.broker_crashes) && self->core != NULL)
            broker_crash(self);
    }
    if (client->model != NULL && client->to_post > 0)
        say(self, client);
    if (client->model != NULL && world_chance(self, 300))
        retry(self, client);
    if (client->model != NULL)
        listen(self, client);
}

void client_tick(struct world *self, unsigned which)
{
    struct client *client = &self->client[which];
    struct model_effects fx = {0};

    model_tick(client->model, self->now_ms, &fx);
    carry_out(self, client, &fx);
    model_effects_fini(&fx);
    listen(self, client);
}

/* After JOINED the room is followed from its beginning: the model tells the answer, see check_shown(). */
void client_joined(struct world *self, unsigned which, const char *room)
{
    struct client *client = &self->client[which];

    for (unsigned i = 0; i < client->follows; i++) {
        if (strcmp(client->follow[i].stream, room) == 0)
            return;
    }
    follow(self, client, room, ZCHAT_FROM_SEQ);
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
