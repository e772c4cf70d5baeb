#include "client/cli/place.h"

#include "client/cli/cli.h"
#include "client/cli/when.h"
#include "shared/base/clock.h"
#include "shared/text/clean.h"
#include "shared/text/name.h"

#include <inttypes.h>

enum exit_code place_check_stream(const char *given)
{
    struct stream_name ignored;
    char shown[128];

    if (stream_name_parse(span_of(given), &ignored) == RC_OK)
        return EXIT_GO_ON;
    clean_copy(shown, sizeof(shown), span_of(given));
    return cli_usage("\"%s\" is not a stream: it is #room or @nick", shown);
}

struct zchat_place place_since(const struct args *args, struct zchat_place otherwise)
{
    struct since since;

    if (args->has_last)
        return (struct zchat_place){ZCHAT_FROM_LAST, args->last};
    if (args->since != NULL && when_since(args->since, clock_wall_ms(), &since) == RC_OK)
        return (struct zchat_place){since.is_time ? ZCHAT_FROM_TIME : ZCHAT_FROM_SEQ, since.value};
    return otherwise;
}

void place_tell_live(const char *stream, uint64_t seq)
{
    char shown[256];

    clean_copy(shown, sizeof(shown), span_of(stream));
    cli_say("%s: listening from %" PRIu64 " on", shown, seq + 1);
}
