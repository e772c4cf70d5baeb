#include "broker/pace.h"

void pace_committed(struct pace *self, uint64_t took_us, uint64_t now_us)
{
    self->took_us = took_us;
    self->committed_us = now_us;
}

bool pace_may_hold(const struct pace *self, bool is_coming, uint64_t now_us)
{
    const uint64_t since_us = self->since_us == 0 ? now_us : self->since_us;
    const uint64_t next_us = self->committed_us + self->took_us;
    const uint64_t until_us = next_us > now_us ? next_us : now_us;

    return is_coming && until_us < since_us + PACE_WAIT_US;
}

uint64_t pace_rest_us(const struct pace *self, size_t operations)
{
    const uint64_t quarter_us = self->took_us / 4;

    if (operations < PACE_CROWD)
        return 0;
    return quarter_us < PACE_REST_US ? quarter_us : PACE_REST_US;
}

void pace_flushed(struct pace *self, bool is_holding, uint64_t now_us)
{
    if (!is_holding)
        self->since_us = 0;
    else if (self->since_us == 0)
        self->since_us = now_us;
}

uint64_t pace_deadline_ms(const struct pace *self)
{
    return self->since_us == 0 ? UINT64_MAX : (self->since_us + PACE_WAIT_US + 999) / 1000;
}
