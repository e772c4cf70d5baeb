/* banned.h - functions that break the build; included by force (-include) with every source.
 *
 * Each has a better way: lengths are known, results are checked, time is an event. */
#ifndef SHARED_BASE_BANNED_H
#define SHARED_BASE_BANNED_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <alloca.h>

#undef assert /* use INVARIANT */
#undef alloca
#pragma GCC poison strcpy strcat sprintf strncpy strtok gets atoi localtime gmtime rand sleep \
    alloca system

#endif
