#include "broker/served.h"

#include "shared/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What was refused by each limit, but for zeros, in lines that the log does not cut. */
#define REFUSED_BYTES_MAX 512

struct refused_text {
    char text[REFUSED_BYTES_MAX]; /* " refused.account_rooms=3 ..." */
    size_t len;
};

static void add_count(struct refused_text *self, const char *name, uint64_t count)
{
    char part[64];

    if (count == 0)
        return;
    const int len = snprintf(part, sizeof(part), " %s=%" PRIu64, name, count);
    if (self->len + (size_t)len >= sizeof(self->text)) {
        log_info("broker.served", "%s", self->text + 1);
        self->len = 0;
    }
    memcpy(self->text + self->len, part, (size_t)len + 1);
    self->len += (size_t)len;
}

static void add_refused(struct refused_text *self, const struct front_stats *front,
                        const struct core_stats *core)
{
    add_count(self, "refused.frame_parts", front->refused_parts);
    add_count(self, "refused.frame_size", front->refused_size);
    add_count(self, "refused.frame_id", front->refused_id);
    add_count(self, "refused.frame_key", front->refused_key);
    for (enum core_counter i = REFUSED_FIRST; i < CORE_COUNTERS; i++)
        add_count(self, core_counter_name(i), core->count[i]);
}

void served_tell(const struct front *front, const struct core *core)
{
    const struct front_stats *sent = front_get_stats(front);
    struct refused_text refused = {.text = "", .len = 0};
    struct core_stats stats;

    core_get_stats(core, &stats);
    add_refused(&refused, sent, &stats);
    log_info("broker.served",
             "posts=%" PRIu64 " duplicates=%" PRIu64 " refusals=%" PRIu64 " frames_in=%" PRIu64
             " frames_refused=%" PRIu64 " frames_out=%" PRIu64 " published=%" PRIu64
             " dropped_slow=%" PRIu64 " dropped_departed=%" PRIu64 "%s",
             stats.count[COUNT_POSTS], stats.count[COUNT_DUPLICATES], stats.count[COUNT_REFUSALS],
             sent->received, sent->refused, sent->sent, sent->published, sent->slow, sent->departed,
             refused.text);
}
