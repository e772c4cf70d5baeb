#include "broker/store/record_of.h"

#include <string.h>

struct record record_of_stream(const struct stream_row *stream)
{
    struct record record = {.kind = RECORD_STREAM,
                            .stream = stream->id,
                            .name = stream->name,
                            .skeleton = {stream->skeleton.ptr + 1, stream->skeleton.len - 1},
                            .epoch = stream->epoch,
                            .role = stream->role,
                            .modes = stream->modes,
                            .topic = stream->topic,
                            .open_from = stream->open_from,
                            .keep_s = stream->keep_s};

    memcpy(record.stream_key, stream->stream_key, sizeof(record.stream_key));
    return record;
}

struct record record_of_device(const struct device_row *device)
{
    struct record record = {.kind = RECORD_DEVICE,
                            .member = device->account,
                            .label = device->label,
                            .ts_ms = device->ts_ms,
                            .is_revoked = device->is_revoked};

    memcpy(record.key, device->key, sizeof(record.key));
    return record;
}
