/* core_handlers.h - what becomes of a command: the rule of its verb, and the handlers, which the tables name once. */
#ifndef BROKER_CORE_CORE_HANDLERS_H
#define BROKER_CORE_CORE_HANDLERS_H

#include "broker/core/core_internal.h"

/* One verb: who may use it, what it costs (protocol 7.7), who handles it. */
struct verb_rule {
    void (*handle)(struct core *self, const struct asked *asked);
    enum right right;
    uint32_t cost;
};
/* NULL: the broker does not know this verb. */
const struct verb_rule *core_verb_rule(enum verb verb);

/* core_rate.c: True when this question may be asked now. Else it was told so, or is dropped. */
bool core_is_in_time(struct core *self, const struct asked *asked);

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
void core_on_admit(struct core *self, const struct asked *asked);
void core_on_revoke(struct core *self, const struct asked *asked);
void core_on_role(struct core *self, const struct asked *asked);

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
