/* upkeep.h - what is done with files that were put aside: some are compressed, some removed. */
#ifndef CLIENT_LOGGER_UPKEEP_H
#define CLIENT_LOGGER_UPKEEP_H

#include "client/logger/asides.h"

#include <stdbool.h>
#include <stdint.h>

struct gzip;

struct upkeep {
    int dir_fd; /* borrowed */
    struct keep keep;
    bool compresses;
    struct gzip *job;  /* the file that is being compressed */
    uint64_t again_ms; /* after a failure: not before */
    bool is_told;      /* the failure was */
};

void upkeep_init(struct upkeep *self, int dir_fd, const struct keep *keep, bool compresses);
/* Other wishes, while it runs; every stream has to be looked at again. */
void upkeep_set(struct upkeep *self, const struct keep *keep, bool compresses);
void upkeep_fini(struct upkeep *self);

/* Is a file being compressed? Then upkeep_step() wants to be called again soon. */
bool upkeep_is_busy(const struct upkeep *self);
void upkeep_step(struct upkeep *self, uint64_t now_ms);

/* Look after one stream's files of one format: finish what a crash has left, remove what is too much, begin to compress.
 * `today`: calendar_day(). True: there was nothing (more) to do; else it should be asked again when it is not busy. */
bool upkeep_look(struct upkeep *self, const char *base, enum logfile_format format, uint64_t today,
                 bool holds_place, uint64_t now_ms);

#endif
