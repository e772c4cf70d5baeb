/* fuzz_jsonl.c - any bytes as a line of an import. */
#include "broker/store/jsonl.h"
#include "shared/base/invariant.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jsonl *jsonl;
    struct message event = {.verb = VERB_NONE};
    char why[JSONL_WHY_BYTES] = "";
    enum rc rc;

    if (jsonl == NULL)
        INVARIANT(jsonl_open(&jsonl) == RC_OK);
    rc = jsonl_read(jsonl, (struct span){(const char *)data, size}, &event, why);
    INVARIANT(rc == RC_OK || rc == RC_END || rc == RC_BAD_FIELD);
    INVARIANT((rc == RC_BAD_FIELD) == (why[0] != '\0'));
    if (rc != RC_OK)
        return 0;
    INVARIANT(event.verb == VERB_EVENT);
    INVARIANT(message_has(&event, HAS_TYPE | HAS_TS | HAS_STREAM | HAS_FROM));
    INVARIANT(event.ts <= INT64_MAX);
    INVARIANT(message_has(&event, HAS_TEXT) || !span_equal(event.type, SPAN("message")));
    return 0;
}
