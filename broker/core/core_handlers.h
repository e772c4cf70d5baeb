/* core_handlers.h - what becomes of a command: the rule of its verb, and the handlers, which the tables name once. */
#ifndef BROKER_CORE_CORE_HANDLERS_H
#define BROKER_CORE_CORE_HANDLERS_H

#include "broker/core/core_internal.h"

enum state {
    STATE_ANY,     /* before HELLO too */
    STATE_SESSION, /* else hello_first */
};

/* What is limited beside the rates of account, stranger and address, which hold for every verb. */
enum limit {
    LIMIT_ASKS = 1,   /* questions of one connection in the store's hands: ASKS_OUTSTANDING_MAX */
    LIMIT_WINDOW = 2, /* posts of one session in the store's hands: POST_WINDOW */
    LIMIT_FETCHES =
        4, /* of one session in the readers' hands: session_fetches_max; of all: pending_max */
    LIMIT_PLACE = 8,     /* the rate of the room or person it goes to: room_rate */
    LIMIT_SEARCHES = 16, /* of one session: SEARCH_OUTSTANDING_MAX; of all: SEARCHES_MAX */
};

/* One verb (protocol 7.7): who handles it, when it may be used, by whom, what limits it, what it costs. */
struct verb_rule {
    void (*handle)(struct core *self, const struct asked *asked);
    enum state state;
    enum right right;
    unsigned limits; /* of enum limit */
    uint32_t cost;
};
/* NULL: the broker does not know this verb. */
const struct verb_rule *core_verb_rule(enum verb verb);

/* core_rate.c: True when this question may be asked now. Else it was told so, or is dropped. */
bool core_is_in_time(struct core *self, const struct asked *asked);
/* RC_BUSY, RC_LIMIT, counted: by the verb's limits this asker has enough in the hands of store or readers. */
enum rc core_check_work(struct core *self, const struct asked *asked) MUST_CHECK;

/* Handlers, one a verb, and one for the result of each kind of operation. */
void core_on_hello(struct core *self, const struct asked *asked);
void core_on_ping(struct core *self, const struct asked *asked);
void core_on_probe(struct core *self, const struct asked *asked);
void core_on_bye(struct core *self, const struct asked *asked);
void core_on_post(struct core *self, const struct asked *asked);
void core_on_skip(struct core *self, const struct asked *asked);
void core_on_confirm(struct core *self, const struct asked *asked);
void core_on_join(struct core *self, const struct asked *asked);
void core_on_leave(struct core *self, const struct asked *asked);
void core_on_who(struct core *self, const struct asked *asked);
void core_on_rooms(struct core *self, const struct asked *asked);
void core_on_fetch(struct core *self, const struct asked *asked);
void core_on_head(struct core *self, const struct asked *asked);
void core_on_mark(struct core *self, const struct asked *asked);
/* core_search.c */
void core_on_search(struct core *self, const struct asked *asked);
/* core_run.c */
void core_on_topic(struct core *self, const struct asked *asked);
void core_on_mode(struct core *self, const struct asked *asked);
void core_on_standing(struct core *self, const struct asked *asked); /* INVITE to UNMUTE */
/* core_lists.c */
void core_on_bans(struct core *self, const struct asked *asked);
/* core_people.c */
void core_on_devices(struct core *self, const struct asked *asked);
void core_on_sessions(struct core *self, const struct asked *asked);
void core_on_stats(struct core *self, const struct asked *asked);
void core_on_admit(struct core *self, const struct asked *asked);
void core_on_revoke(struct core *self, const struct asked *asked);
void core_on_role(struct core *self, const struct asked *asked);

/* core_brokers.c */
void core_on_brokers(struct core *self, const struct asked *asked);

/* core_care.c */
void core_on_backup(struct core *self, const struct asked *asked);
void core_on_purge(struct core *self, const struct asked *asked);
void core_backed_up(struct core *self, const struct core_event *event);

/* core_stored.c: the store's results, our own and other brokers'. */
void core_on_stored(struct core *self, const struct op_result *result);
void core_on_foreign(struct core *self, const struct op *op, const struct op_result *result);

void core_stored_purge(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_room(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_standing(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_keyban(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_admit(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_revoke(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_role(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_hello(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_post(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_confirm(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_join(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_leave(struct core *self, struct ticket *ticket, const struct op_result *result);
void core_stored_mark(struct core *self, struct ticket *ticket, const struct op_result *result);

#endif
