#include "broker/ops/health.h"

#include "shared/base/invariant.h"

static const struct {
    const char *name;
    const char *text;
} TABLE[ALARMS] = {
#define X(symbol, name_, text_) [symbol] = {name_, text_},
    ALARM_TABLE(X)
#undef X
};

/* Free again is what has a tenth more than the least. */
static bool is_disk_full(const struct vitals *vitals, bool was_full)
{
    const uint64_t *value = vitals->figures->value;
    const uint64_t least = vitals->free_bytes_min;
    const uint64_t most = vitals->size_bytes_max;

    if (value[FIG_DISK_FULL] != 0)
        return true;
    if (most != 0 && value[FIG_DATABASE] >= most)
        return true;
    return value[FIG_DISK_SIZE] != 0 &&
           value[FIG_DISK_FREE] < (was_full ? least + least / 10 : least);
}

/* Raised at nine tenths, over below eight. */
static bool are_descriptors_low(const struct vitals *vitals, bool were_low)
{
    const uint64_t used = vitals->figures->value[FIG_DESCRIPTORS];
    const uint64_t most = vitals->figures->value[FIG_DESCRIPTORS_MAX];

    return most != 0 && used >= most / 10 * (were_low ? 8 : 9);
}

unsigned health_judge(struct health *self, const struct vitals *vitals)
{
    const bool now[ALARMS] = {
        [ALARM_DISK] = is_disk_full(vitals, self->is_raised[ALARM_DISK]),
        [ALARM_WRITER] = vitals->figures->value[FIG_WRITER_WAIT] >= WRITER_STALLED_S,
        [ALARM_DESCRIPTORS] = are_descriptors_low(vitals, self->is_raised[ALARM_DESCRIPTORS]),
        [ALARM_HUB] = vitals->hub_silent_ms >= HUB_SILENT_MS,
    };
    unsigned changed = 0;

    for (size_t i = 0; i < ALARMS; i++) {
        if (now[i] != self->is_raised[i])
            changed |= 1u << i;
        self->is_raised[i] = now[i];
    }
    return changed;
}

bool health_is_good(const struct health *self)
{
    for (size_t i = 0; i < ALARMS; i++) {
        if (self->is_raised[i])
            return false;
    }
    return true;
}

const char *alarm_name(enum alarm alarm)
{
    INVARIANT((unsigned)alarm < ALARMS);
    return TABLE[alarm].name;
}

const char *alarm_text(enum alarm alarm)
{
    INVARIANT((unsigned)alarm < ALARMS);
    return TABLE[alarm].text;
}
