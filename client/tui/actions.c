#include "client/tui/actions.h"

#include "shared/base/invariant.h"

static const struct action_row rows[ACTIONS] = {
#define X(symbol, in, the_name, the_keys, the_help) \
    [ACTION_##symbol] = {                           \
        .name = (the_name), .keys = (the_keys), .help = (the_help), .group = ACTIONS_##in},
    ACTION_TABLE(X)
#undef X
};

const struct action_row *action_row(enum action action)
{
    INVARIANT(action > ACTION_NONE && action < ACTIONS);
    return &rows[action];
}

const char *action_group_name(enum action_group group)
{
    static const char *const names[ACTION_GROUPS] = {
        [ACTIONS_MOVING] = "moving",   [ACTIONS_EDITING] = "editing", [ACTIONS_WRITING] = "writing",
        [ACTIONS_READING] = "reading", [ACTIONS_BUFFERS] = "rooms",   [ACTIONS_OTHERS] = "others",
    };

    INVARIANT(group < ACTION_GROUPS);
    return names[group];
}

enum action action_of_name(struct span name)
{
    for (enum action action = ACTION_NONE + 1; action < ACTIONS; action++) {
        if (span_equal(name, span_of(rows[action].name)))
            return action;
    }
    return ACTION_NONE;
}
