/* record_of.h - what a row is to a core that begins (store_replay). Spans stay borrowed from the row. */
#ifndef BROKER_STORE_RECORD_OF_H
#define BROKER_STORE_RECORD_OF_H

#include "broker/store/rows.h"

struct record record_of_stream(const struct stream_row *stream);
struct record record_of_device(const struct device_row *device);

#endif
