/* shrink.h - a failing seed with as little weather as it takes. */
#ifndef TESTS_SIM_SHRINK_H
#define TESTS_SIM_SHRINK_H

#include "tests/sim/weather.h"

/* Parts of the weather that the command line sets. */
struct weather_set {
    bool is_set[WEATHER_PARTS];
    unsigned value[WEATHER_PARTS];
};

void weather_set_part(struct weather_set *self, size_t part, unsigned value);
void weather_apply(const struct weather_set *self, struct weather *weather);

/* Look for the smallest weather in which the same promise is broken, and print its command
 * line and its story. False: this seed breaks nothing. */
bool shrink(uint64_t seed, const struct weather_set *set);

/* Delete a folder of files. */
void remove_folder(const char *path);

#endif
