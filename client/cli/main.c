#include "client/cli/cli.h"
#include "client/cli/verbs.h"
#include "client/tui/tui.h"

#include "shared/base/secret.h"
#include "shared/base/secret_args.h"
#include "shared/base/stdfds.h"

int main(int argc, char **argv)
{
    stdfds_fill();
    secret_guard_process();
    if (secret_take(argc, argv, "ZCHAT_BROKER"))
        cli_say(SECRET_ADVICE);
    return cli_main(argc, argv, tui_is_possible() ? tui_mode : NULL);
}
