/* amounts.h - what --rotate and --keep say. */
#ifndef CLIENT_LOGGER_AMOUNTS_H
#define CLIENT_LOGGER_AMOUNTS_H

#include "client/logger/asides.h"
#include "client/logger/logfile.h"

#define AMOUNT_BYTES 64 /* of one as text */

/* As sentences for people: what was expected where these give RC_CONFIG. */
#define ROTATION_EXPECTED "daily, none, a size as 500K, 100M, 2G, or daily,SIZE"
#define KEEP_EXPECTED     "all, a number of files, days as 90d, a size as 10G, or some with commas"

/* "none", "daily", "100M", "daily,100M". On RC_CONFIG *ret is untouched. */
enum rc rotation_parse(const char *text, struct rotation *ret) MUST_CHECK;

/* "all", "30", "90d", "10G", "30,90d". Likewise. */
enum rc keep_parse(const char *text, struct keep *ret) MUST_CHECK;

#endif
