/* fuzz_zap.c - any frames as libzmq's question about a handshake, and any text as a peer's address. The input is
 * frames, each behind its length. */
#include "tests/fuzz/script.h"

#include "broker/net/zap_request.h"
#include "shared/base/invariant.h"

#include <stdlib.h>

#define FRAMES_MAX 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_over(data, size);
    struct span frames[FRAMES_MAX];
    struct zap_request request;
    size_t count = 0;

    while (count < FRAMES_MAX && !script_is_over(&script)) {
        const uint8_t len = script_byte(&script);

        frames[count++] = script_block(script_bytes(&script, len));
    }
    const char *refusal = zap_request_read(frames, count, &request);

    if (refusal == NULL) { /* let in: then it is all that, and nothing is missing */
        INVARIANT(count == ZAP_FRAMES);
        INVARIANT(request.door == DOOR_COMMANDS || request.door == DOOR_BROADCASTS);
        INVARIANT(span_equal(frames[0], SPAN("1.0")) && span_equal(frames[5], SPAN("CURVE")));
        INVARIANT(span_equal(frames[6], (struct span){(const char *)request.key, 32}));
        const struct peer_address again = peer_address_parse(frames[3]);
        INVARIANT(peer_address_equal(&request.address, &again));
    } else {
        INVARIANT(strlen(refusal) > 0);
    }
    INVARIANT(count > 1 ? span_equal(request.id, frames[1]) : request.id.len == 0);
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)frames[i].ptr);
    return 0;
}
