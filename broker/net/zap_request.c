#include "broker/net/zap_request.h"

enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY };

static bool is_any_byte_set(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != 0)
            return true;
    }
    return false;
}

static bool read_door(struct span domain, enum door *ret)
{
    if (span_equal(domain, SPAN(ZAP_DOMAIN_COMMANDS)))
        *ret = DOOR_COMMANDS;
    else if (span_equal(domain, SPAN(ZAP_DOMAIN_BROADCASTS)))
        *ret = DOOR_BROADCASTS;
    else if (span_equal(domain, SPAN(ZAP_DOMAIN_BROKERS)))
        *ret = DOOR_BROKERS;
    else
        return false;
    return true;
}

const char *zap_request_read(const struct span *frames, size_t count, struct zap_request *ret)
{
    struct zap_request request = {.id = {NULL, 0}};

    if (count > REQUEST_ID)
        request.id = frames[REQUEST_ID];
    *ret = request;
    if (count != ZAP_FRAMES)
        return "malformed request";
    if (!span_equal(frames[VERSION], SPAN("1.0")))
        return "version is not 1.0";
    if (!read_door(frames[DOMAIN], &request.door))
        return "unknown domain";
    if (!span_equal(frames[MECHANISM], SPAN("CURVE")))
        return "only CURVE is let in";
    if (frames[KEY].len != PUBLIC_KEY_BYTES || !is_any_byte_set(frames[KEY]))
        return "not a CURVE key";
    memcpy(request.key, frames[KEY].ptr, sizeof(request.key));
    request.address = peer_address_parse(frames[ADDRESS]);
    *ret = request;
    return NULL;
}
