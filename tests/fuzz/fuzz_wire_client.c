/* fuzz_wire_client.c - any bytes as a frame from a broker: an answer, and a broadcast behind its
 * topic. */
#include "tests/fuzz/fuzz_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span frame = {(const char *)data, size};
    struct span topic;
    struct span body;

    fuzz_frame(frame, TO_CLIENT);
    if (wire_split_topic(frame, &topic, &body) == RC_OK) {
        INVARIANT(topic.len < TOPIC_BYTES_MAX && topic.len + 1 + body.len == frame.len);
        fuzz_check_borrowed(frame, topic);
        fuzz_check_borrowed(frame, body);
        fuzz_frame(body, TO_EVERYBODY);
    }
    return 0;
}
