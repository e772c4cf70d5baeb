#include "client/cli/verbs.h"
#include "client/tui/tui.h"

#include "shared/base/secret.h"

int main(int argc, char **argv)
{
    secret_guard_process();
    return cli_main(argc, argv, tui_is_possible() ? tui_mode : NULL);
}
