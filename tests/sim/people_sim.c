/* people_sim.c - what people do with their clients, in a storm and after it. */
#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

#include <string.h>

#define DEADLINE_MS 25000
#define DEAF_MS     12000
#define LIE_REF     0x7fffffff /* none of a model's */

/* --- saying -------------------------------------------------------------------------- */

static struct post *add_post(struct world *self, const struct post *post)
{
    if (self->posts == self->posts_capacity) {
        self->posts_capacity = self->posts_capacity == 0 ? 64 : self->posts_capacity * 2;
        self->post = x_realloc(self->post, self->posts_capacity, sizeof *self->post);
    }
    self->post[self->posts] = *post;
    history_said(self, post);
    return &self->post[self->posts++];
}

/* Some rooms do not exist, so refusals happen too. */
static void choose_target(struct world *self, char *target, size_t size)
{
    const unsigned dice = world_below(self, 100);

    if (dice < 60)
        snprintf(target, size, "#room%u", world_below(self, self->weather.rooms));
    else if (dice < 95)
        snprintf(target, size, "@%s", self->person[world_below(self, self->weather.people)].nick);
    else
        snprintf(target, size, "#nowhere");
}

void client_say(struct world *self, struct client *client, const char *target)
{
    struct model_effects fx = {0};
    struct post post = {.session = client->session,
                        .client = (unsigned)(client - self->client),
                        .life = client->life,
                        .said_at_ms = self->now_ms,
                        .state = ZCHAT_WAITING};

    if (target == NULL)
        choose_target(self, post.target, sizeof post.target);
    else
        snprintf(post.target, sizeof post.target, "%s", target);
    const int room = world_room(post.target);
    /* What another device of the person has done at another broker may not be known here yet. */
    post.is_member = room >= 0 && client->person->joined[room] && !client->person->left[room] &&
                     (!world_has_several(self) || client->room[room].state == ROOM_IN);
    snprintf(post.text, sizeof post.text, "%016llx %zu", (unsigned long long)client->session.v,
             self->posts);
    const enum rc rc =
        model_post(client->model, span_of(post.target), SPAN("message"), span_of(post.text), 0,
                   DEADLINE_MS, self->now_ms, &fx, &post.number);
    if (rc == RC_OK) {
        add_post(self, &post);
        if (client->to_post > 0)
            client->to_post--;
        world_tell(self, "%s says %u to %s: %s", client->nick, post.number, post.target, post.text);
    } else if (rc != RC_BUSY) {
        world_fail(self, "%s may not post: %s", client->nick, rc_name(rc));
    }
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
}

void client_ask_who(struct world *self, struct client *client)
{
    struct model_effects fx = {0};
    const struct message who = {.verb = VERB_WHO};
    uint32_t ref;

    if (model_request(client->model, &who, self->now_ms, &fx, &ref) != RC_OK)
        world_fail(self, "%s cannot ask who is there", client->nick);
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
}

/* Try a post again whose fate is unknown, or that was refused (as a post of a new number). */
static void retry(struct world *self, struct client *client)
{
    for (size_t i = 0; i < self->posts; i++) {
        struct post *post = &self->post[i];
        struct model_effects fx = {0};
        uint32_t number;

        if (post->session.v != client->session.v ||
            post->rc == RC_TOO_OLD || /* stored once; where, is removed */
            (post->state != ZCHAT_UNKNOWN &&
             (post->state != ZCHAT_FAILED || post->failed_as != 0 || world_below(self, 4) != 0)))
            continue;
        if (model_retry(client->model, post->number, DEADLINE_MS, self->now_ms, &fx, &number) ==
            RC_OK) {
            world_tell(self, "%s tries %u again as %u", client->nick, post->number, number);
            if (number != post->number) {
                struct post again = *post;

                again.number = number;
                again.failed_as = post->number;
                again.state = ZCHAT_WAITING;
                again.was_unknown = false;
                post->failed_as = post->number;
                post = add_post(self, &again);
            }
            post->state = ZCHAT_WAITING;
        }
        client_carry_out(self, client, &fx);
        model_effects_fini(&fx);
        return;
    }
}

/* --- rooms and histories -------------------------------------------------------------- */

static void forget_follow(struct client *client, const char *stream)
{
    for (unsigned i = 0; i < client->follows; i++) {
        if (strcmp(client->follow[i].stream, stream) == 0) {
            client->follow[i] = client->follow[--client->follows];
            break;
        }
    }
    if (strcmp(client->history.stream, stream) == 0)
        client->history.stream[0] = '\0';
}

static void leave(struct world *self, struct client *client, unsigned room)
{
    struct model_effects fx = {0};
    struct message message = {.verb = VERB_LEAVE};
    char name[32];

    snprintf(name, sizeof name, "#room%u", room);
    message_set(&message, STREAM, stream, span_of(name));
    client->person->left[room] = true;
    if (model_request(client->model, &message, self->now_ms, &fx, &client->room[room].ref) ==
        RC_OK) {
        world_tell(self, "%s leaves %s", client->nick, name);
        client->room[room].state = ROOM_LEAVING;
        model_unfollow(client->model, span_of(name), &fx);
        forget_follow(client, name);
    }
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
}

/* Somebody was put out of a room: it is followed no more, and perhaps joined again. */
void client_put_out(struct world *self, struct client *client, const char *stream)
{
    struct model_effects fx = {0};
    const int room = world_room(stream);

    world_tell(self, "%s is put out of %s", client->nick, stream);
    model_unfollow(client->model, span_of(stream), &fx);
    forget_follow(client, stream);
    if (room >= 0 && client->room[room].state == ROOM_IN)
        client->room[room].state = ROOM_OUT;
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
}

static void come_and_go(struct world *self, struct client *client)
{
    const unsigned room = world_below(self, self->weather.rooms);

    if (client->room[room].state == ROOM_IN && world_is_storm(self) &&
        world_chance(self, self->weather.leaves))
        leave(self, client, room);
    else if (client->room[room].state == ROOM_OUT && world_below(self, 2) == 0)
        client_join(self, client, room);
}

static unsigned own_at(const struct client *client)
{
    unsigned at = 0;

    while (at + 1 < client->follows && client->follow[at].stream[0] != '@')
        at++;
    return at;
}

/* A history ends before what is live begins, so that it is clear which of both an event belongs to. */
static void read_back(struct world *self, struct client *client, const struct follow_view *follow)
{
    static const enum zchat_place_kind KINDS[] = {ZCHAT_FROM_SEQ, ZCHAT_FROM_LAST, ZCHAT_FROM_TIME};
    struct model_effects fx = {0};
    struct history_view history = {.from.kind = KINDS[world_below(self, 3)]};

    /* What was shown may be read from the disk before the broker knows that it is there. */
    const uint64_t acked = *world_acked(self, follow->stream);
    uint64_t known = follow->last < acked ? follow->last : acked;

    if (client->histories == 0 || client->history.stream[0] != '\0' || !follow->is_live ||
        known == 0)
        return;
    if (follow->stream[0] == '@') { /* the last one would confirm all before it */
        known--;
        if (client->person->confirmed > 0 && client->person->confirmed < known)
            known = client->person->confirmed;
    }
    if (known == 0)
        return;
    history.until = 1 + world_random(self) % known;
    history.from.value = 1 + world_random(self) % history.until;
    memcpy(history.stream, follow->stream, sizeof history.stream);
    if (history.from.kind == ZCHAT_FROM_TIME) {
        history.from.value = 1700000000000 + world_below(self, (unsigned)self->now_ms + 1);
        history.first = check_first_since(self, history.stream, history.from.value, history.until);
    }
    if (model_follow(client->model, span_of(history.stream), history.from, history.until,
                     self->now_ms, &fx) == RC_OK) {
        client->history = history;
        client->histories--;
        world_tell(self, "%s reads %s back, kind %d, from %llu until %llu", client->nick,
                   history.stream, (int)history.from.kind, (unsigned long long)history.from.value,
                   (unsigned long long)history.until);
    }
    client_carry_out(self, client, &fx);
    model_effects_fini(&fx);
}

/* People look at what came before as soon as a client has started again; later as often at the own stream as
 * at all others. */
static void look_back(struct world *self, struct client *client)
{
    const struct follow_view *own = &client->follow[own_at(client)];
    const unsigned any = world_below(self, client->follows);
    const unsigned histories = self->weather.histories;

    if (histories > 0 && client->life > 1 && !client->has_looked_back && own->is_live) {
        client->has_looked_back = true;
        read_back(self, client, own);
    } else if (world_chance(self, histories)) {
        read_back(self, client, world_below(self, 2) == 0 ? own : &client->follow[any]);
    }
}

/* --- lies ------------------------------------------------------------------------------- */

/* A session that belongs to somebody else: its owner has posted in it. */
static uint64_t used_session(const struct world *self, const struct client *client)
{
    for (size_t i = self->posts; i-- > 0;) {
        const struct post *post = &self->post[i];

        if (post->state == ZCHAT_STORED && self->client[post->client].person != client->person)
            return post->session.v;
    }
    return 0;
}

/* What no model sends: of another person's stream and session, and numbers out of turn. */
static void lie(struct world *self, struct client *client)
{
    const struct client *other = &self->client[world_below(self, self->weather.clients)];
    struct message message = {.verb = VERB_CONFIRM};
    char stream[32];
    char bytes[256];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};

    if (!client->is_up || client->conn == NULL || other->person == client->person)
        return;
    snprintf(stream, sizeof stream, "@%s", other->nick);
    message_set(&message, STREAM, stream, span_of(stream));
    switch (world_below(self, 4)) {
    case 0:
        message_set(&message, SEQ, seq, 1 + world_below(self, 20));
        break;
    case 1:
        message.verb = VERB_FETCH;
        break;
    case 2:
        message.verb = VERB_HELLO;
        message_set(&message, LOW, low, PROTOCOL_VERSION_LOW);
        message_set(&message, HIGH, high, PROTOCOL_VERSION_HIGH);
        message_set(&message, NICK, nick, span_of(client->nick));
        message_set(&message, SESSION, session, used_session(self, client));
        break;
    default:
        message.verb = VERB_POST;
        message_set(&message, NUMBER, number, UINT32_MAX - world_below(self, 3));
        message_set(&message, TEXT, text, SPAN("out of turn"));
        break;
    }
    message_set(&message, REF, ref, LIE_REF);
    if (message.verb == VERB_HELLO && message.session == 0)
        return;
    if (wire_write(&buf, &message) == RC_OK) {
        world_tell(self, "%s lies: %s %s", client->nick, verb_row(message.verb)->name, stream);
        client->has_lied = true;
        wire_send(self, FLIGHT_COMMAND, client->conn, bytes, buf.len);
    }
}

/* --- orders ----------------------------------------------------------------------------- */

/* Whoever runs the room is obeyed; the others hear that they may not, which is no concern of the model. */
static void order(struct world *self, struct client *client)
{
    static const enum verb VERBS[] = {VERB_KICK, VERB_KICK, VERB_OP, VERB_DEOP, VERB_TOPIC};
    const unsigned room = world_below(self, self->weather.rooms);
    struct person *target = &self->person[world_below(self, self->weather.people)];
    struct message message = {.verb = VERBS[world_below(self, 5)]};
    char stream[32], topic[32], bytes[256];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};

    if (!client->is_up || client->conn == NULL)
        return;
    snprintf(stream, sizeof stream, "#room%u", room);
    snprintf(topic, sizeof topic, "%llu", (unsigned long long)self->now_ms);
    message_set(&message, REF, ref, ORDER_REF);
    message_set(&message, STREAM, stream, span_of(stream));
    if (message.verb == VERB_TOPIC)
        message_set(&message, TOPIC, topic, span_of(topic));
    else
        message_set(&message, NICK, nick, span_of(target->nick));
    if (message.verb == VERB_KICK)
        target->left[room] = true;
    if (wire_write(&buf, &message) != RC_OK)
        INVARIANT(!"an order fits");
    world_tell(self, "%s orders %s %s %s", client->nick, verb_row(message.verb)->name, stream,
               message.verb == VERB_TOPIC ? topic : target->nick);
    wire_send(self, FLIGHT_COMMAND, client->conn, bytes, buf.len);
}

/* --- a moment of a person's life ------------------------------------------------------------ */

/* True when the client is gone by it. */
static bool suffer(struct world *self, struct client *client)
{
    const unsigned which = (unsigned)(client - self->client);
    const struct weather *weather = &self->weather;

    if (world_chance(self, weather->client_crashes)) {
        if (world_below(self, 2) == 0) {
            client_crash(self, which);
            return true;
        }
        client->crash_in = 1 + world_below(self, 20);
    }
    if (world_chance(self, weather->cuts))
        client_cut(self, which, world_chance(self, 500));
    if (world_chance(self, weather->deafness)) {
        client->deaf_until_ms = self->now_ms + world_below(self, DEAF_MS);
        if (client->deaf_until_ms > weather->storm_ms)
            client->deaf_until_ms = weather->storm_ms;
        world_tell(self, "%s looks away until %llu", client->nick,
                   (unsigned long long)client->deaf_until_ms);
    }
    return client->model == NULL;
}

void client_act(struct world *self, unsigned which)
{
    struct client *client = &self->client[which];
    const struct weather *weather = &self->weather;

    client->acts_at_ms = self->now_ms + 1 + world_below(self, 2000);
    if (client->model == NULL)
        return;
    if (world_is_storm(self) && suffer(self, client))
        return;
    for (unsigned n = world_below(self, 8) == 0 ? 3 : 1; n > 0; n--) { /* at times to several */
        if (client->model != NULL && client->to_post > 0)
            client_say(self, client, NULL);
    }
    if (client->model != NULL && self->settled_ms == 0 && world_chance(self, 300))
        retry(self, client);
    if (client->model != NULL)
        client_listen(self, client);
    if (client->model == NULL || self->now_ms < client->deaf_until_ms)
        return;
    come_and_go(self, client);
    if (client->model != NULL && client->follows > 0 && world_is_storm(self))
        look_back(self, client);
    if (world_is_storm(self) && world_chance(self, weather->lies))
        lie(self, client);
    if (client->model != NULL && world_has_several(self) && world_is_storm(self) &&
        world_chance(self, weather->orders))
        order(self, client);
}
