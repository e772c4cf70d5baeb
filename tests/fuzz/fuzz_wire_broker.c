/* fuzz_wire_broker.c - any bytes as a frame from a client. */
#include "tests/fuzz/fuzz_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_frame((struct span){(const char *)data, size}, TO_BROKER);
    return 0;
}
