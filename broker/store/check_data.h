/* check_data.h - is a log sound: the file, and what the rules promise of its rows? */
#ifndef BROKER_STORE_CHECK_DATA_H
#define BROKER_STORE_CHECK_DATA_H

#include "broker/store/copy.h"

#include <stdio.h>

/* Look through DATA/zchat.db, which nobody uses now, and write a line for each kind of fault, with how many and where the first is,
 * then one that sums up. RC_OK: sound; RC_FAILED: it is not, or cannot be read (then only `why` says so). */
enum rc store_check_data(const char *data, FILE *out, char why[static COPY_WHY_BYTES]) MUST_CHECK;

#endif
