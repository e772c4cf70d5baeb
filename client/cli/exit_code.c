#include "client/cli/exit_code.h"

enum exit_code exit_code_of(enum rc rc)
{
    switch (rc) {
    case RC_OK:
        return EXIT_DONE;
    case RC_NO_SUCH_ROOM:
    case RC_NO_SUCH_NICK:
        return EXIT_NOT_FOUND;
    case RC_TIMEOUT:
        return EXIT_TIMED_OUT;
    case RC_UNREACHABLE:
    case RC_WRONG_BROKER:
    case RC_BAD_KEY_FILE:
    case RC_NOT_LET_IN:
    case RC_NICK_IN_USE:
    case RC_WRONG_NICK:
    case RC_BAD_INVITE:
    case RC_REVOKED:
    case RC_VERSION:
        return EXIT_NO_LINK;
    case RC_BAD_URL:
    case RC_CONFIG:
        return EXIT_USAGE;
    default:
        return rc_is_wire(rc) ? EXIT_REFUSED : EXIT_OTHER;
    }
}
