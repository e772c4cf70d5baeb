/* health.h - is the broker well? A pure judgement over its figures, with memory: what was raised stays so until it is
 * clearly over, so that a value at the edge is not news every second. */
#ifndef BROKER_OPS_HEALTH_H
#define BROKER_OPS_HEALTH_H

#include "broker/ops/figures.h"

/* X(symbol, name, what is wrong, which is for people) */
#define ALARM_TABLE(X)                                                           \
    X(ALARM_DISK, "disk_full",                                                   \
      "nothing new is accepted: the disk is full, or a limit for it is reached") \
    X(ALARM_WRITER, "writer_stalled",                                            \
      "the disk answers too slowly: nothing was committed for 10 seconds")       \
    X(ALARM_DESCRIPTORS, "descriptors_low",                                      \
      "nine of ten file descriptors are taken: raise LimitNOFILE")               \
    X(ALARM_HUB, "hub_not_turning", "the thread that owns the chat has not answered for 5 seconds")

enum alarm {
#define X(symbol, name, text) symbol,
    ALARM_TABLE(X)
#undef X
        ALARMS
};

#define WRITER_STALLED_S 10
#define HUB_SILENT_MS    5000

struct health {
    bool is_raised[ALARMS];
};

/* What it is judged by. */
struct vitals {
    const struct figures *figures;
    uint64_t free_bytes_min; /* disk-free-min */
    uint64_t size_bytes_max; /* disk-use-max; 0: no limit */
    uint64_t hub_silent_ms;  /* since its last answer */
};

/* Judge anew. Returns what changed: 1 << alarm of each. */
unsigned health_judge(struct health *self, const struct vitals *vitals);

bool health_is_good(const struct health *self);
const char *alarm_name(enum alarm alarm);
const char *alarm_text(enum alarm alarm);

#endif
