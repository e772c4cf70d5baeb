/* fuzz_client_session.c - a client's life as a script: what the application does, a truthful broker whose answers may
 * be lost or late (client_broker.h), an untruthful one that says anything, time, and links that are lost.
 *
 * The first byte says how the client begins; then each step is a byte (enum step) with what it takes. Whatever comes,
 * each stream is told in order and once, nothing is confirmed that was not shown, a post has one fate, and nothing
 * but HELLO is said before WELCOME. */
#include "tests/fuzz/client_broker.h"
#include "tests/fuzz/script.h"

#include "client/lib/model.h"
#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdlib.h>

#define STEPS_MAX  300
#define TICKS_MAX  500
#define EFFECTS    2000 /* no call asks for more */
#define NUMBER_MAX 256  /* posts of one run */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step {
    STEP_ANSWER,  /* which question: the truth */
    STEP_DROP,    /* which question: its answer is lost */
    STEP_EVENT,   /* stream; bit 6: a receipt; bit 7: the broadcast is lost */
    STEP_MESSAGE, /* over which socket; a message (script.h) */
    STEP_FRAME,   /* over which socket; length (2 bytes), bytes as they come */
    STEP_TELL,    /* how many */
    STEP_WAIT,    /* how long: an index */
    STEP_LOST,
    STEP_OPEN,
    STEP_POST,   /* target, timeout */
    STEP_RETRY,  /* number, timeout */
    STEP_FOLLOW, /* stream, from, value, until */
    STEP_UNFOLLOW,
    STEP_REQUEST, /* a message to the broker (script.h) */
    STEP_AWAY,
    STEP_CLOSING,
    STEP_REFUSED,
    STEP_ALL, /* everything that was asked is answered, everything is told */
    STEP_COUNT
};

static const struct script_words words = {
    .streams = (const char *const[]){"#a", "#b", "@me", "@al", "#", "", NULL},
    .nicks = (const char *const[]){"me", "al", "bo", "", NULL},
    .others = (const char *const[]){"message", "receipt", "notice", "hi", "", "online", "join", "x",
                                    "op", "owner", NULL},
};
/* What an application gives is canonical. */
static const struct script_words own_words = {
    .streams = (const char *const[]){"#a", "#b", "@me", "@al", "#c", NULL},
    .nicks = (const char *const[]){"me", "al", "bo", NULL},
    .others = (const char *const[]){"x", "message", "hi", "op", "owner", NULL},
};

/* A stream as it was told. */
struct view {
    bool is_followed, is_history;
    bool is_mixed; /* tells of before a change may be untaken: nothing is known until they are */
    uint64_t last; /* 0: nothing yet */
};

struct post {
    bool is_made;
    bool is_stored, is_delivered, is_failed;
};

struct world {
    struct model *model;
    struct model_effects fx;
    uint64_t now_ms;
    bool is_inbox;
    bool is_open; /* there are sockets */
    bool is_welcomed;
    uint32_t brokers; /* that the model knows */
    struct view view[BROKER_STREAMS];
    struct post post[NUMBER_MAX];
    uint64_t shown;     /* of the own stream */
    uint64_t told_last; /* of the own stream by the tell taken last; 0: it was another one */
};

static struct client_broker broker;

/* --- what the model asks for ---------------------------------------------------------- */

static void check_sent(const struct world *self, const struct message *message)
{
    const struct verb_row *row = verb_row(message->verb);

    INVARIANT(row != NULL && (row->directions & TO_BROKER) != 0);
    INVARIANT((row->needed & ~message->has) == 0);
    INVARIANT(self->is_welcomed || message->verb == VERB_HELLO || message->verb == VERB_PROBE);
    if (message->verb == VERB_POST) {
        INVARIANT(message->number > 0);
        INVARIANT(message->number >= NUMBER_MAX || self->post[message->number].is_made);
    }
    if (message->verb == VERB_CONFIRM) {
        INVARIANT(self->is_inbox && span_equal(message->stream, SPAN("@" BROKER_NICK)));
        INVARIANT(message->seq > 0 && message->seq <= self->shown);
    }
}

static void carry_out(struct world *self)
{
    INVARIANT(self->fx.count <= EFFECTS);
    for (size_t i = 0; i < self->fx.count; i++) {
        const struct model_effect *effect = &self->fx.item[i];

        switch (effect->kind) {
        case MODEL_FX_SEND:
            check_sent(self, &effect->message);
            free((char *)(uintptr_t)script_wire(&effect->message).ptr);
            if (self->is_open)
                client_broker_hear(&broker, &effect->message);
            break;
        case MODEL_FX_SUBSCRIBE:
        case MODEL_FX_UNSUBSCRIBE:
            INVARIANT(effect->topic.len > 0 && effect->topic.len < TOPIC_BYTES_MAX);
            INVARIANT(memchr(effect->topic.ptr, '\0', effect->topic.len) == NULL);
            break;
        case MODEL_FX_RECONNECT:
            INVARIANT(effect->broker < self->brokers);
            self->is_open = self->is_welcomed = false;
            client_broker_cut(&broker);
            break;
        }
    }
    self->fx.count = 0;
}

/* --- what it tells ---------------------------------------------------------------------- */

static struct view *view_of(struct world *self, const char *stream)
{
    for (size_t i = 0; i < BROKER_STREAMS; i++) {
        if (strcmp(stream, broker_streams[i]) == 0)
            return &self->view[i];
    }
    return NULL;
}

static void check_place(struct world *self, const char *stream, uint64_t first, uint64_t last)
{
    struct view *view = view_of(self, stream);

    INVARIANT(first >= 1 && first <= last);
    if (view == NULL)
        return;
    INVARIANT(view->is_mixed || view->is_followed);
    INVARIANT(view->is_mixed || view->last == 0 || first == view->last + 1);
    view->last = last;
    if (strcmp(stream, "@" BROKER_NICK) == 0)
        self->told_last = last;
}

/* A post is stored once and then perhaps delivered, or it is refused once. */
static void check_post(struct world *self, const struct zchat_event *event)
{
    struct post *post;

    INVARIANT(event->number > 0);
    if (event->number >= NUMBER_MAX)
        return;
    post = &self->post[event->number];
    INVARIANT(post->is_made);
    switch (event->post) {
    case ZCHAT_WAITING:
        break;
    case ZCHAT_STORED:
        INVARIANT(!post->is_stored && !post->is_failed);
        post->is_stored = true;
        break;
    case ZCHAT_DELIVERED:
        INVARIANT(post->is_stored && !post->is_delivered);
        post->is_delivered = true;
        break;
    case ZCHAT_UNKNOWN:
        INVARIANT(!post->is_stored && !post->is_failed);
        break;
    case ZCHAT_FAILED:
        INVARIANT(!post->is_stored && !post->is_failed && event->rc != 0);
        post->is_failed = true;
        break;
    }
}

static void check_told(struct world *self, const struct zchat_event *event)
{
    struct view *view = view_of(self, event->stream);

    INVARIANT(strlen(event->text) <= event->text_len);
    INVARIANT(strlen(event->type) + strlen(event->from) + strlen(event->to) < 1024);
    INVARIANT(event->kind != ZCHAT_NONE);
    switch (event->kind) {
    case ZCHAT_EVENT:
        check_place(self, event->stream, event->seq, event->seq);
        break;
    case ZCHAT_GAP:
        check_place(self, event->stream, event->first, event->last);
        break;
    case ZCHAT_LIVE: /* a history is over then */
        if (view != NULL && view->is_history && !view->is_mixed)
            *view = (struct view){.is_mixed = true};
        break;
    case ZCHAT_ANSWER: /* of a stream that does not exist */
        if (view != NULL && event->ref == 0)
            *view = (struct view){.is_mixed = true};
        break;
    case ZCHAT_POST:
        check_post(self, event);
        break;
    default:
        break;
    }
}

/* False: nothing more. */
static bool tell(struct world *self)
{
    struct zchat_event event;

    if (self->told_last > self->shown) /* taking the next means that this one was shown */
        self->shown = self->told_last;
    self->told_last = 0;
    const bool is_told = model_tell(self->model, &event, self->now_ms, &self->fx);

    carry_out(self);
    if (is_told) {
        check_told(self, &event);
        return true;
    }
    for (size_t i = 0; i < BROKER_STREAMS; i++) {
        if (self->view[i].is_mixed)
            self->view[i].last = 0;
        self->view[i].is_mixed = false;
    }
    return false;
}

static void tell_all(struct world *self)
{
    for (unsigned count = 0; tell(self); count++)
        INVARIANT(count < 10000);
}

/* --- what comes ---------------------------------------------------------------------------- */

/* Takes the block. */
static void receive(struct world *self, struct span block, bool is_pub)
{
    struct wire_reader reader = wire_reader_over(block, is_pub ? TO_EVERYBODY : TO_CLIENT);
    struct message message;
    enum rc rc;

    while (self->is_open && (rc = wire_read(&reader, &message)) != RC_END) {
        if (rc != RC_OK || message.verb == VERB_SEALED)
            continue;
        if (!is_pub && message.verb == VERB_WELCOME)
            self->is_welcomed = true;
        model_received(self->model, &message, is_pub, self->now_ms, &self->fx);
        carry_out(self);
    }
    free((char *)(uintptr_t)block.ptr);
}

static void answer(struct world *self, size_t which)
{
    static char bytes[FRAME_BYTES_MAX];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};
    bool is_pub = false;

    if (client_broker_answer(&broker, which, &buf, &is_pub))
        receive(self, script_block((struct span){bytes, buf.len}), is_pub);
}

static void say_event(struct world *self, uint8_t how)
{
    char bytes[2048];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};

    if (client_broker_event(&broker, how % 64 % BROKER_STREAMS, (how & 64) != 0, &buf) &&
        (how & 128) == 0)
        receive(self, script_block((struct span){bytes, buf.len}), true);
}

static void open_link(struct world *self)
{
    if (self->is_open)
        return;
    self->is_open = true;
    self->is_welcomed = false;
    client_broker_cut(&broker);
    model_opened(self->model, self->now_ms, &self->fx);
    carry_out(self);
}

static void lose_link(struct world *self)
{
    if (!self->is_open)
        return;
    self->is_open = self->is_welcomed = false;
    client_broker_cut(&broker);
    model_lost(self->model, self->now_ms, &self->fx);
    carry_out(self);
}

static void wait_ms(struct world *self, uint64_t ms)
{
    const uint64_t until_ms = self->now_ms + ms;
    unsigned ticks = 0;
    uint64_t deadline_ms;

    while ((deadline_ms = model_next_deadline_ms(self->model)) <= until_ms) {
        if (deadline_ms > self->now_ms)
            self->now_ms = deadline_ms;
        model_tick(self->model, self->now_ms, &self->fx);
        carry_out(self);
        INVARIANT(++ticks < TICKS_MAX); /* or it wants to be woken for nothing */
    }
    self->now_ms = until_ms;
}

/* --- what the application does ----------------------------------------------------------------- */

static void note_made(struct world *self, enum rc rc, uint32_t number)
{
    if (rc == RC_OK && number < NUMBER_MAX && !self->post[number].is_made)
        self->post[number].is_made = true;
    carry_out(self);
}

static void make_post(struct world *self, struct script *script)
{
    static const char *const targets[] = {"#a", "@al", "#b", "@me"};
    const uint8_t how = script_byte(script);
    const uint32_t timeout_ms = script_byte(script) * 100u;
    uint32_t number = 0;

    tell_all(self); /* a number that is given anew must not meet what is told of the old one */
    if (model_next_number(self->model, span_of(targets[how % 4]), SPAN(""), SPAN("hi"), &number) ==
            RC_OK &&
        number < NUMBER_MAX)
        self->post[number] = (struct post){.is_made = true};
    const enum rc rc = model_post(self->model, span_of(targets[how % 4]), SPAN(""), SPAN("hi"), 0,
                                  timeout_ms, self->now_ms, &self->fx, &number);

    note_made(self, rc, number);
}

static void retry_post(struct world *self, struct script *script)
{
    const uint32_t number = script_byte(script);
    const uint32_t timeout_ms = script_byte(script) * 100u;
    struct model_effects *fx = &self->fx;
    uint32_t made = 0;
    struct span target, kind, text;

    tell_all(self);
    if (model_failed(self->model, number, &target, &kind, &text)) {
        INVARIANT(target.len > 0 && text.len > 0);
        if (model_next_number(self->model, target, kind, text, &made) == RC_OK && made < NUMBER_MAX)
            self->post[made] = (struct post){.is_made = true};
    }
    const enum rc rc = model_retry(self->model, number, timeout_ms, self->now_ms, fx, &made);

    note_made(self, rc, made);
}

static void follow(struct world *self, struct script *script)
{
    const unsigned stream = script_byte(script) % BROKER_STREAMS;
    const struct zchat_place from = {(enum zchat_place_kind)(script_byte(script) % 5),
                                     script_number(script, UINT64_MAX)};
    const uint64_t until = script_number(script, UINT64_MAX);
    struct view *view = &self->view[stream];

    tell_all(self);
    if (view->is_followed) /* two ways of reading one stream at a time are told side by side */
        return;
    const enum rc rc = model_follow(self->model, span_of(broker_streams[stream]), from, until,
                                    self->now_ms, &self->fx);
    if (rc == RC_OK)
        *view = (struct view){.is_followed = true, .is_history = until != 0};
    carry_out(self);
}

static void unfollow(struct world *self, struct script *script)
{
    const unsigned stream = script_byte(script) % BROKER_STREAMS;

    model_unfollow(self->model, span_of(broker_streams[stream]), &self->fx);
    self->view[stream] = (struct view){.is_mixed = true};
    carry_out(self);
}

static void request(struct world *self, struct script *script)
{
    struct message message;
    uint32_t ref = 0;

    if (!script_message(script, TO_BROKER, &own_words, &message))
        return;
    const struct span block = script_wire(&message); /* it borrows from a block that ends here */
    struct wire_reader reader = wire_reader_over(block, TO_BROKER);

    if (wire_read(&reader, &message) == RC_OK &&
        model_request(self->model, &message, self->now_ms, &self->fx, &ref) == RC_OK)
        INVARIANT(ref != 0);
    free((char *)(uintptr_t)block.ptr);
    carry_out(self);
}

static void take_untruth(struct world *self, struct script *script, bool is_frame)
{
    const bool is_pub = script_byte(script) & 1;
    struct message message;

    if (is_frame)
        receive(self, script_block(script_bytes(script, script_u16(script))), is_pub);
    else if (script_message(script, is_pub ? TO_EVERYBODY : TO_CLIENT, &words, &message))
        receive(self, script_wire(&message), is_pub);
}

static void all(struct world *self)
{
    for (unsigned turn = 0; turn < 64 && broker.asked_count > 0; turn++)
        answer(self, 0);
    tell_all(self);
}

static void act(struct world *self, struct script *script, enum step step)
{
    switch (step) {
    case STEP_POST:
        make_post(self, script);
        break;
    case STEP_RETRY:
        retry_post(self, script);
        break;
    case STEP_FOLLOW:
        follow(self, script);
        break;
    case STEP_UNFOLLOW:
        unfollow(self, script);
        break;
    case STEP_REQUEST:
        request(self, script);
        break;
    case STEP_AWAY:
        model_set_away(self->model, script_byte(script) & 1, self->now_ms, &self->fx);
        break;
    case STEP_CLOSING:
        model_closing(self->model, self->now_ms, &self->fx);
        break;
    case STEP_REFUSED:
        model_refused(self->model, RC_NOT_LET_IN, self->now_ms, &self->fx);
        self->is_open = self->is_welcomed = false;
        break;
    default:
        break;
    }
    carry_out(self);
}

static void take_step(struct world *self, struct script *script)
{
    static const uint16_t waits[] = {1, 50, 100, 300, 500, 1000, 3000, 8000, 10000, 60000};
    const enum step step = (enum step)(script_byte(script) % STEP_COUNT);

    switch (step) {
    case STEP_ANSWER:
        answer(self, script_byte(script));
        break;
    case STEP_DROP:
        if (broker.asked_count > 0)
            broker.asked_count--;
        break;
    case STEP_EVENT:
        say_event(self, script_byte(script));
        break;
    case STEP_MESSAGE:
    case STEP_FRAME:
        take_untruth(self, script, step == STEP_FRAME);
        break;
    case STEP_TELL:
        for (unsigned count = script_byte(script) % 8; count > 0; count--)
            (void)tell(self);
        break;
    case STEP_WAIT:
        wait_ms(self, waits[script_byte(script) % (sizeof waits / sizeof *waits)]);
        break;
    case STEP_LOST:
        lose_link(self);
        break;
    case STEP_OPEN:
        open_link(self);
        break;
    case STEP_ALL:
        all(self);
        break;
    default:
        act(self, script, step);
        break;
    }
}

static void begin(struct world *self, struct script *script)
{
    const uint8_t how = script_byte(script);
    const struct model_options options = {.nick = BROKER_NICK,
                                          .agent = how & 1 ? "fuzz" : NULL,
                                          .session = {BROKER_SESSION},
                                          .is_inbox = (how & 2) == 0,
                                          .seed = how,
                                          .limits = {.outbox_max = 4,
                                                     .follows_max = 3,
                                                     .held_max = 4,
                                                     .requests_max = 3,
                                                     .tells_max = how & 4 ? 2 : 12}};

    *self = (struct world){.now_ms = 1000000, .is_inbox = options.is_inbox};
    memset(&broker, 0, offsetof(struct client_broker, event));
    broker.next = 1;
    broker.confirmed = 0;
    broker.asked_count = 0;
    self->model = model_new(&options);
    INVARIANT(self->model != NULL);
    self->brokers = how & 8 ? 3 : 1;
    if (self->brokers >
        1) /* all of them are the same one here; what else WELCOME may tell is a lie of the script's */
        model_set_brokers(self->model, (const uint64_t[]){1, 1, 2}, self->brokers, 0, true);
    for (uint32_t number = 1; number <= how >> 4 && number < 4; number++) {
        const enum rc rc = model_restore(self->model, number, SPAN("@al"), SPAN("message"),
                                         SPAN("hi"), 0, self->now_ms);

        INVARIANT(rc == RC_OK);
        self->post[number].is_made = true;
    }
    if (how >> 4 > 0) {
        const enum rc rc = model_restored(self->model, 4);

        INVARIANT(rc == RC_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_over(data, size);
    struct world world;

    begin(&world, &script);
    open_link(&world);
    for (unsigned steps = 0; steps < STEPS_MAX && !script_is_over(&script); steps++)
        take_step(&world, &script);
    tell_all(&world);
    model_destroy(&world.model);
    model_effects_fini(&world.fx);
    return 0;
}
