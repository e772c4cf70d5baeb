#include "broker/core/core_counters.h"

const char *core_counter_name(enum core_counter counter)
{
    static const char *const NAMES[CORE_COUNTERS] = {
#define X(symbol, name) [symbol] = (name),
        CORE_COUNTER_DONE(X) CORE_COUNTER_SETTINGS(X) CORE_COUNTER_FIXED(X)
#undef X
    };

    return NAMES[counter];
}
