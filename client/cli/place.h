/* place.h - which stream, and where reading it begins. */
#ifndef CLIENT_CLI_PLACE_H
#define CLIENT_CLI_PLACE_H

#include "client/cli/args.h"
#include "client/cli/exit_code.h"
#include "client/lib/zchat.h"

/* EXIT_GO_ON, or EXIT_USAGE after saying that `given` is no stream. */
enum exit_code place_check_stream(const char *given);

/* Where --since or -n say, else `otherwise`. */
struct zchat_place place_since(const struct args *args, struct zchat_place otherwise);

/* On stderr: a stream was read to its end, and what comes behind `seq` is new. */
void place_tell_live(const char *stream, uint64_t seq);

#endif
