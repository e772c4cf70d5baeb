/* world.h - a whole chat in one thread under a clock of its own: the real core, the real
 * store, real client models, the real codec, and a wire that loses, doubles, delays and
 * reorders. Everything follows from the seed. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "broker/core/core.h"
#include "broker/store/store.h"
#include "client/lib/model.h"
#include "tests/checker/checker.h"
#include "tests/sim/broker_sim.h"
#include "tests/sim/weather.h"
#include "tests/sim/wire_sim.h"

#include <stdio.h>

/* A post as its author knows it. */
struct post {
    session_id session;
    uint32_t number;
    unsigned client;
    unsigned life;
    char target[32];
    char text[48];
    enum zchat_post_state state;
    enum rc rc;
    uint64_t seq;
    uint64_t said_at_ms;
    uint32_t failed_as; /* 0; the number of the refused post that this one repeats */
    bool was_unknown;   /* its author was told so at some time */
    bool is_member;     /* of the target, for sure */
};

struct person {
    char nick[16];
    uint64_t shown;       /* of the own stream, by any device */
    uint64_t confirmed;   /* as a core had it last */
    bool is_purged;       /* at some time */
    bool left[ROOMS_MAX]; /* once at least: a late LEAVE may still come */
    bool joined[ROOMS_MAX];
};

enum room_state { ROOM_OUT, ROOM_JOINING, ROOM_IN, ROOM_LEAVING };

/* One stream as a client follows it, for checks_sim.c. */
struct follow_view {
    char stream[32];
    uint64_t last;  /* shown */
    uint64_t acked; /* a post at this place was acknowledged before it was followed */
    bool is_live;
    bool has_gap; /* something was removed before it was shown */
};

/* A history being read back; `stream` "" when there is none. */
struct history_view {
    char stream[32];
    struct zchat_place from;
    uint64_t until;
    uint64_t first; /* from a time on: where that is, 0: nowhere */
    uint64_t last;  /* shown, or told as gone; 0: nothing yet */
};

/* What keeps a client's frames from arriving. */
struct cut {
    uint64_t up_until_ms;
    uint64_t down_until_ms;
    bool is_lossy; /* else they come when it is over */
};

struct client {
    struct model *model; /* NULL: not running */
    struct person *person;
    char nick[16];
    session_id session;
    unsigned life;         /* counts its restarts */
    unsigned first_broker; /* the model's index 0 */
    unsigned broker;       /* its index of the one it goes to next */
    struct conn *conn;
    struct topics topics; /* as its SUB socket has them */
    uint64_t opens_at_ms; /* 0: not waiting to open */
    uint64_t acts_at_ms;
    bool is_touched;           /* since next_ms was reckoned */
    uint64_t next_ms;          /* when something is due of its own */
    uint64_t stalled_until_ms; /* the process sleeps */
    uint64_t deaf_until_ms;    /* the application takes nothing */
    struct cut cut;
    unsigned crash_in; /* steps, 0: none planned */
    unsigned to_post;
    bool is_up;
    uint64_t confirmed;  /* of its stream, as the broker has told this life */
    unsigned confirming; /* CONFIRMs sent */
    uint64_t hello_ref;  /* of the HELLO that has no WELCOME; 0: none */
    bool has_lied;
    struct {
        enum room_state state;
        uint32_t ref;
    } room[ROOMS_MAX];
    struct follow_view follow[ROOMS_MAX + 1];
    unsigned follows;
    uint64_t acked[ROOMS_MAX + CLIENTS_MAX + 1]; /* to this life */
    struct history_view history;
    bool has_looked_back;
    unsigned histories; /* to read yet in this life: another one can heal what one has broken */
};

#define CALM_MS 120000 /* after the storm everything must have settled by then */

struct sim_options {
    struct weather weather;
    FILE *story;     /* NULL: silent */
    bool has_hash;   /* of the story, told or not */
    const char *dir; /* NULL: the store is in memory; else SQLite in this folder */
};

struct world {
    uint64_t seed;
    uint64_t random;
    uint64_t now_ms;
    struct weather weather;
    struct sim_options options;
    uint64_t hash;

    struct checker *checker; /* hears what everybody says, is told and is shown */
    struct store *store;     /* survives the broker */
    struct store_reader *reader;
    struct broker broker[SIM_BROKERS_MAX];
    struct turn *turn; /* the one order of all that the brokers have committed */
    size_t turns;
    size_t turns_capacity;
    struct effects *fx;
    uint64_t full_until_ms; /* the disk */
    int64_t wall_jump_ms;
    uint64_t faults_at_ms;

    struct person person[CLIENTS_MAX];
    struct client client[CLIENTS_MAX];
    struct conn *conns;
    uint32_t last_peer;
    struct {
        session_id id;
        const char *nick;
    } * session; /* all that ever were */
    size_t sessions;
    uint64_t acked[ROOMS_MAX + CLIENTS_MAX + 1]; /* the highest acknowledged place of each stream */
    uint64_t removed[ROOMS_MAX + CLIENTS_MAX + 1]; /* each stream's events up to here */
    stream_id stream[ROOMS_MAX + CLIENTS_MAX + 1];

    struct flight **flight; /* a heap by time */
    size_t flights;
    size_t flights_capacity;
    uint64_t flight_order;

    struct post *post;
    size_t posts;
    size_t posts_capacity;
    uint64_t looks_at_ms; /* in the calm: has it settled? */
    uint64_t settled_ms;  /* when it had; 0: not yet */
    size_t last_words;    /* the first post said after that */
    bool is_over;

    size_t shown, commits, broker_crashes, client_crashes; /* what happened, for the summary */
    char failure[400];                                     /* the first broken promise, in words */
    const char *failure_kind; /* its sentence without the particulars */
};

void world_init(struct world *self, uint64_t seed, const struct sim_options *options);
void world_fini(struct world *self);
/* Run storm and calm; false when a promise was broken: `failure` says which. */
bool world_run(struct world *self);

/* For the parts of the world. */
static inline bool world_has_several(const struct world *self)
{
    return self->weather.brokers > 1;
}
static inline unsigned broker_index(const struct world *self, const struct broker *broker)
{
    return (unsigned)(broker - self->broker);
}
uint64_t world_random(struct world *self);
bool world_chance(struct world *self, unsigned per_thousand);
unsigned world_below(struct world *self, unsigned limit);
void world_tell(struct world *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_fail(struct world *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool world_is_storm(const struct world *self);
/* The place in `acked` of a stream; its last one for what does not exist. */
uint64_t *world_acked(struct world *self, const char *stream);
int world_room(const char *stream); /* "#room1" is 1; -1: none of ours */

/* What is kept no longer (retention_sim.c). */
void retention_opened(struct world *self);
void retention_clean(struct world *self);
void retention_purge(struct world *self); /* a room, or a person */
uint64_t world_removed(struct world *self, const char *stream);
bool check_is_purged(struct world *self, struct span nick);
void check_gap(struct world *self, struct client *client, const struct zchat_event *gap);

/* What happens in a storm beside the wire's tricks (faults_sim.c). */
void faults_turn(struct world *self);
/* The broker is back: sockets connect again by themselves. */
void faults_revive(struct world *self, const struct broker *broker);

/* The clients' shell (client_sim.c). */
void client_start(struct world *self, unsigned which);
void client_crash(struct world *self, unsigned which);
void client_open(struct world *self, unsigned which);
void client_cut(struct world *self, unsigned which, bool is_noticed);
void client_receive(struct world *self, struct conn *conn, bool is_pub, const char *bytes,
                    size_t len);
void client_tick(struct world *self, unsigned which);
void client_answered(struct world *self, unsigned which, const struct zchat_event *event);
bool client_has_settled(struct world *self, unsigned which, const char **ret_why);
void client_carry_out(struct world *self, struct client *client, struct model_effects *fx);
void client_listen(struct world *self, struct client *client);
void client_follow(struct world *self, struct client *client, const char *stream,
                   enum zchat_place_kind from);
void client_join(struct world *self, struct client *client, unsigned room);
struct conn *client_connect(struct world *self, unsigned which, unsigned broker);
void client_put_out(struct world *self, struct client *client, const char *stream);

/* What their people do (people_sim.c). */
void client_ask_who(struct world *self, struct client *client);
void client_act(struct world *self, unsigned which);
void client_say(struct world *self, struct client *client, const char *target);
#define ORDER_REF 0x7ffffffe /* of an order, and none of a model's */

/* The promises (checks_sim.c). */
stream_id world_stream(struct world *self, const char *name); /* none: there is no such stream */
void check_shown(struct world *self, unsigned which, const struct zchat_event *event);
void check_at_end(struct world *self);

/* The talk as histories (history_sim.c). */
void history_said(struct world *self, const struct post *post);
void history_followed(struct world *self, const struct client *client, const char *stream);
void history_told(struct world *self, const struct client *client, const struct zchat_event *event);
void history_purged(struct world *self, const char *nick);
void history_logged(struct world *self, const struct message *event);
void history_judge(struct world *self);

/* More promises: what the broker lets out of its hands (broker_checks.c), histories, and
 * what is kept in the log (log_checks.c). */
void check_reply(struct world *self, const struct conn *conn, const struct message *message);
void check_results(struct world *self, const struct op_result *results, size_t count);
void check_delivered(struct world *self, struct broker *broker, const struct op_result *result);
void check_republished(struct world *self, struct broker *broker);
void check_note_published(struct world *self, struct broker *broker, struct span stream,
                          bool is_new);
void check_sent(struct world *self, struct client *client, const struct message *message);
void check_pong(struct world *self, struct client *client, const struct message *pong,
                unsigned confirming_before);
void check_delivery(struct world *self, const struct post *post, uint64_t seq);
void check_refusal(struct world *self, const struct post *post);
uint64_t history_next(const struct history_view *history); /* the place that has to be shown now */
bool check_history(struct world *self, struct client *client, const struct zchat_event *event);
uint64_t check_first_since(struct world *self, const char *stream, uint64_t since_ms,
                           uint64_t until);
void check_live(struct world *self, struct client *client, const struct zchat_event *event);
void check_presence(struct world *self, const struct client *client,
                    const struct zchat_event *event);
void check_last_words(struct world *self);
void check_log(struct world *self);
bool brokers_know_all(
    struct world *self); /* every client's session is alive where it is, and nowhere else */
void check_cores(struct world *self);
unsigned brokers_sessions(struct world *self); /* that are alive, of all brokers */
bool world_awaits_receipt(const struct world *self, const struct post *post);
bool world_has_settled(struct world *self);

#endif
