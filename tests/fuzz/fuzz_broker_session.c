/* fuzz_broker_session.c - a broker's life as a script: people with keys who say anything, a store that answers late
 * or is full, time that passes, connections that come again, and restarts.
 *
 * The first byte chooses the limits and whether there are keys; then each step is a byte (enum step) with what it
 * takes. What the broker stores and says is checked behind every step (broker_shadow.h). make_seeds.py writes
 * such scripts. */
#include "tests/fuzz/broker_shadow.h"
#include "tests/fuzz/script.h"

#include "broker/canonical.h"
#include "broker/core/core.h"
#include "broker/store/batch.h"
#include "broker/store/store.h"
#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdlib.h>

#define SLOTS     6 /* connections at a time; slots 0 and 3 are one person's, and so on */
#define PEOPLE    3
#define READS_MAX 48
#define STEPS_MAX 300
#define TICKS_MAX 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step {
    STEP_SAY,     /* slot, a message (script.h) */
    STEP_FRAME,   /* slot, length (2 bytes), bytes as they come from the wire */
    STEP_COMMIT,  /* how many of the results the core hears at once */
    STEP_TELL,    /* one more result */
    STEP_READ,    /* the oldest read is done */
    STEP_WAIT,    /* how long: an index */
    STEP_CONNECT, /* slot, key: a new connection */
    STEP_RESTART, /* what was not committed is lost */
    STEP_FULL,    /* the disk is full, or not any more */
    STEP_STOP,
    STEP_CLOCK,  /* the wall clock jumps */
    STEP_REFUSE, /* slot, code, a message that the shell refuses */
    STEP_COUNT
};

static struct script_words words = {
    .streams = (const char *const[]){"#a", "@al", "#b", "@bo", "@cy", "#c", "@", "x", NULL},
    .nicks = (const char *const[]){"al", "bo", "cy", "di", "AL", "", "a b", NULL},
    .others = (const char *const[]){"message", "notice", "hi", "", "x", "0", "owner", "op",
                                    "operator", "member", "none", NULL},
};

struct world {
    struct core_limits limits;
    struct core *core;
    struct store *store;
    struct store_reader *reader;
    struct batch *batch; /* asked for, not committed */
    struct batch
        *answered; /* committed: its results from `told` on are still to be told; or NULL */
    size_t told;
    struct {
        peer_id peer;
        unsigned char key[PUBLIC_KEY_BYTES];
    } slot[SLOTS];
    bool has_keys;
    uint32_t last_peer;
    struct {
        peer_id peer;
        bool is_search;
    } read[READS_MAX];
    size_t reads;
    uint64_t now_ms, wall_ms;
    unsigned char entropy;
    char invite[SCRIPT_BLOBS][INVITE_BYTES]; /* the last ones made; words.blob borrows them */
    size_t invites;
};

static struct shadow shadow;
static struct effects fx;

/* Keys of streams that are the same in every run, so that what is found can be found again. */
static void count_up(void *context, unsigned char *bytes, size_t len)
{
    struct world *self = context;

    for (size_t i = 0; i < len; i++)
        bytes[i] = ++self->entropy;
}

static void read_page(struct world *self, const struct effect *effect)
{
    const struct store_range range = {.stream = effect->stream,
                                      .first = effect->read.first,
                                      .last = effect->read.last,
                                      .since_ms = effect->read.since_ms,
                                      .events_max = 4,
                                      .bytes_max = 4096};
    struct store_page page;
    const enum rc rc = store_read(self->reader, &range, &page);

    INVARIANT(rc == RC_OK && page.count <= range.events_max);
    shadow_check_page(&shadow, effect->name, page.wire);
}

/* An invitation is of use to somebody who has it. */
static void note_reply(struct world *self, const struct message *message)
{
    const size_t at = self->invites % SCRIPT_BLOBS;

    free((char *)(uintptr_t)script_wire(message).ptr); /* it fits its frame, and can be read */
    if (!message_has(message, HAS_INVITE) || message->invite.len != INVITE_BYTES)
        return;
    memcpy(self->invite[at], message->invite.ptr, INVITE_BYTES);
    words.blob[at] = (struct span){self->invite[at], INVITE_BYTES};
    self->invites++;
}

static void carry_out(struct world *self, const struct effect *effect)
{
    shadow_check(&shadow, effect);
    switch (effect->kind) {
    case FX_REPLY:
    case FX_FIGURES:
    case FX_ANNOUNCE:
        note_reply(self, &effect->message);
        break;
    case FX_STORE:
        batch_add(self->batch, &effect->op);
        break;
    case FX_READ:
    case FX_SEARCH: /* what is found is the searcher's: it is judged by where it may look */
        INVARIANT(self->reads < READS_MAX);
        self->read[self->reads].peer = effect->peer;
        self->read[self->reads++].is_search = effect->kind == FX_SEARCH;
        if (effect->kind == FX_READ)
            read_page(self, effect);
        break;
    case FX_REPUBLISH:
        read_page(self, effect);
        break;
    default: /* nothing that this shell has */
        break;
    }
}

static void check_core(const struct world *self)
{
    struct core_stats stats;

    core_get_stats(self->core, &stats);
    INVARIANT(stats.accounts <= self->limits.accounts_max);
    INVARIANT(stats.rooms <= self->limits.rooms_max);
    INVARIANT(stats.memberships <= self->limits.memberships_max);
    INVARIANT(stats.sessions <= self->limits.sessions_max);
    INVARIANT(stats.pending <= self->limits.pending_max);
    (void)core_next_deadline_ms(self->core);
}

static void finish_read(struct world *self);

static void step(struct world *self, struct core_event *event)
{
    event->now_ms = self->now_ms;
    event->wall_ms = self->wall_ms;
    fx.count = SIZE_MAX; /* the core clears it */
    core_step(self->core, event, &fx);
    INVARIANT(fx.count <= EFFECTS_MAX);
    for (size_t i = 0; i < fx.count; i++)
        carry_out(self, &fx.item[i]);
    check_core(self);
    if (self->reads > READS_MAX / 2) /* the readers have as many hands as that */
        finish_read(self);
}

static void finish_read(struct world *self)
{
    struct core_event event = {.kind = CORE_EV_READ};

    if (self->reads == 0)
        return;
    event.read.peer = self->read[0].peer;
    event.read.is_search = self->read[0].is_search;
    memmove(self->read, self->read + 1, --self->reads * sizeof self->read[0]);
    step(self, &event);
}

/* --- who speaks ------------------------------------------------------------------ */

static void connect_slot(struct world *self, size_t slot, unsigned char key)
{
    if (self->last_peer + 1 >= SHADOW_PEERS_MAX)
        return;
    self->slot[slot].peer.v = ++self->last_peer;
    memset(self->slot[slot].key, key, PUBLIC_KEY_BYTES);
    shadow_connected(&shadow, self->slot[slot].peer, self->has_keys ? key : 0);
}

/* Where the peers come from. */
static const unsigned char ADDRESS[2][ADDRESS_BYTES] = {{1}, {2}};

static void say(struct world *self, size_t slot, struct message *message, enum rc refusal)
{
    struct core_event event = {.kind = CORE_EV_COMMAND};
    struct canonical names = {.skeleton = {NULL, 0}};

    if (refusal == RC_OK)
        refusal = canonicalise(message, &names);
    event.command.peer = self->slot[slot].peer;
    event.command.key = self->has_keys ? self->slot[slot].key : NULL;
    event.command.address = ADDRESS[slot % 2];
    event.command.message = message;
    event.command.skeleton = names.skeleton;
    event.command.refusal = refusal;
    step(self, &event);
}

/* Takes the block. */
static void say_frame(struct world *self, size_t slot, struct span block)
{
    struct wire_reader reader = wire_reader_over(block, TO_BROKER);
    struct message message;
    enum rc rc;

    while ((rc = wire_read(&reader, &message)) != RC_END && !shadow_is_full(&shadow))
        say(self, slot, &message, rc);
    free((char *)(uintptr_t)block.ptr);
}

/* --- the store --------------------------------------------------------------------- */

static void tell_result(struct world *self)
{
    const struct op_result *result;
    struct core_event event = {.kind = CORE_EV_STORED};

    if (self->answered == NULL)
        return;
    result = &batch_results(self->answered)[self->told++];
    shadow_told(&shadow, result);
    event.stored = result;
    step(self, &event);
    if (self->told == batch_count(self->answered))
        batch_destroy(&self->answered);
}

static void tell_all(struct world *self)
{
    while (self->answered != NULL)
        tell_result(self);
}

/* The writer has one batch in hand: its results come first. */
static void commit(struct world *self)
{
    tell_all(self);
    if (batch_count(self->batch) == 0)
        return;
    self->answered = self->batch;
    self->batch = batch_new();
    self->told = 0;

    const size_t count = batch_count(self->answered);
    const struct store_part part = batch_part(self->answered);
    const enum rc rc = store_apply_parts(self->store, &part, 1);

    INVARIANT(rc == RC_OK);
    for (size_t i = 0; i < count; i++) {
        const struct op_result *result = &batch_results(self->answered)[i];

        INVARIANT(result->ticket.v == self->answered->ops[i].ticket.v);
        INVARIANT(result->kind == self->answered->ops[i].kind);
        shadow_committed(&shadow, result);
    }
}

static void set_full(struct world *self, bool is_full)
{
    struct store_limits limits = STORE_LIMITS_DEFAULTS;

    if (is_full)
        limits.free_bytes_min = UINT64_MAX;
    store_set_limits(self->store, &limits);
}

/* --- time, and the broker's own life -------------------------------------------------- */

static void wait_ms(struct world *self, uint64_t ms)
{
    const uint64_t until_ms = self->now_ms + ms;
    struct core_event event = {.kind = CORE_EV_TICK};
    unsigned ticks = 0;
    uint64_t deadline_ms;

    while ((deadline_ms = core_next_deadline_ms(self->core)) <= until_ms) {
        if (deadline_ms > self->now_ms) {
            self->wall_ms += deadline_ms - self->now_ms;
            self->now_ms = deadline_ms;
        }
        step(self, &event);
        INVARIANT(++ticks < TICKS_MAX); /* or the core wants to be woken for nothing */
    }
    self->wall_ms += until_ms - self->now_ms;
    self->now_ms = until_ms;
}

static void on_record(void *context, const struct record *record)
{
    struct world *self = context;
    const enum rc rc = core_replay(self->core, record);

    INVARIANT(rc == RC_OK);
}

static void start(struct world *self)
{
    self->core = core_new(&self->limits);
    INVARIANT(self->core != NULL);
    const enum rc rc = store_replay(self->store, on_record, self);
    INVARIANT(rc == RC_OK);
}

/* Connections die with their broker. */
static void restart(struct world *self)
{
    core_destroy(&self->core);
    batch_destroy(&self->answered);
    batch_destroy(&self->batch);
    self->batch = batch_new();
    self->reads = 0;
    shadow_restarted(&shadow);
    start(self);
    for (size_t i = 0; i < SLOTS; i++)
        connect_slot(self, i, self->slot[i].key[0]);
}

static void refuse(struct world *self, struct script *script)
{
    static const enum rc codes[] = {RC_MALFORMED, RC_UNKNOWN_VERB, RC_BAD_FIELD, RC_TOO_BIG,
                                    RC_BAD_TEXT,  RC_BAD_NAME,     RC_LIMIT};
    const size_t slot = script_byte(script) % SLOTS;
    const enum rc rc = codes[script_byte(script) % (sizeof codes / sizeof *codes)];
    struct message message = {.verb = VERB_NONE};

    if (!script_message(script, TO_BROKER, &words, &message))
        message = (struct message){.verb = VERB_NONE};
    message.has &= HAS_REF | HAS_NUMBER; /* what wire_read() gives of a refused one */
    say(self, slot, &message, rc);
}

static void take_step(struct world *self, struct script *script)
{
    static const uint16_t waits[] = {1, 10, 100, 500, 1000, 3000, 6500, 10000, 30000, 60000};
    struct message message;
    size_t slot, count;

    switch ((enum step)(script_byte(script) % STEP_COUNT)) {
    case STEP_SAY:
        slot = script_byte(script) % SLOTS;
        if (script_message(script, TO_BROKER, &words, &message))
            say_frame(self, slot, script_wire(&message));
        break;
    case STEP_FRAME:
        slot = script_byte(script) % SLOTS;
        say_frame(self, slot, script_block(script_bytes(script, script_u16(script))));
        break;
    case STEP_COMMIT:
        commit(self);
        for (count = script_byte(script); count > 0 && self->answered != NULL; count--)
            tell_result(self);
        break;
    case STEP_TELL:
        tell_result(self);
        break;
    case STEP_READ:
        finish_read(self);
        break;
    case STEP_WAIT:
        wait_ms(self, waits[script_byte(script) % (sizeof waits / sizeof *waits)]);
        break;
    case STEP_CONNECT:
        slot = script_byte(script) % SLOTS;
        connect_slot(self, slot, 1 + script_byte(script) % PEOPLE);
        break;
    case STEP_RESTART:
        restart(self);
        break;
    case STEP_FULL:
        set_full(self, script_byte(script) & 1);
        break;
    case STEP_STOP:
        step(self, &(struct core_event){.kind = CORE_EV_STOPPING});
        break;
    case STEP_CLOCK:
        self->wall_ms += ((uint64_t)script_byte(script) << 12) - (UINT64_C(100) << 12);
        break;
    case STEP_REFUSE:
        refuse(self, script);
        break;
    case STEP_COUNT:
        break;
    }
}

/* Small enough to be reached, each bit makes one of them smaller. */
static struct core_limits small_limits(uint8_t how)
{
    struct core_limits limits = CORE_LIMITS_DEFAULTS;

    limits.accounts_max = how & 2 ? 2 : 5;
    limits.rooms_max = how & 4 ? 1 : 3;
    limits.memberships_max = how & 8 ? 2 : 12;
    limits.room_members_max = how & 16 ? 1 : 4;
    limits.sessions_max = how & 32 ? 2 : 6;
    limits.devices_max = how & 2 ? 3 : 8;
    limits.key_bans_max = how & 4 ? 1 : 4;
    limits.account_devices_max = 2;
    limits.account_invitations_max = 3;
    limits.room_standings_max = how & 8 ? 1 : 4;
    limits.mailbox_max = how & 16 ? 4 : 64;
    limits.session_fetches_max = how & 32 ? 1 : FETCH_OUTSTANDING_MAX;
    limits.address_burst = how & 64 ? 60 : limits.address_burst;
    limits.pending_max = how & 64 ? 3 : 24;
    limits.registration = how & 128 ? REGISTRATION_INVITE : REGISTRATION_OPEN;
    memcpy(limits.hash_key, "sixteen bytes...", sizeof limits.hash_key);
    return limits;
}

static void begin(struct world *self, struct script *script)
{
    const uint8_t how = script_byte(script);
    enum rc rc;

    *self = (struct world){.now_ms = 1000000, .wall_ms = 1700000000000, .has_keys = how & 1};
    self->limits = small_limits(how);
    memset(words.blob, 0, sizeof words.blob);
    rc = store_open_memory(count_up, self, &self->store);
    if (rc == RC_OK)
        rc = store_reader_open(self->store, &self->reader);
    INVARIANT(rc == RC_OK);
    self->batch = batch_new();
    start(self);
    for (size_t i = 0; i < SLOTS; i++)
        connect_slot(self, i, (unsigned char)(1 + i % PEOPLE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_over(data, size);
    struct world world;

    begin(&world, &script);
    for (unsigned steps = 0; steps < STEPS_MAX && !script_is_over(&script); steps++) {
        if (shadow_is_full(&shadow))
            break;
        take_step(&world, &script);
    }
    core_destroy(&world.core);
    batch_destroy(&world.answered);
    batch_destroy(&world.batch);
    store_reader_close(&world.reader);
    store_close(&world.store);
    shadow_fini(&shadow);
    return 0;
}
