#include "client/cli/configured.h"

#include "client/lib/net/home.h"

#include <stdlib.h>

static const char *choose(const char *given, const char *variable, const char *configured_as)
{
    const char *said = getenv(variable);

    if (given != NULL || (said != NULL && said[0] != '\0') || configured_as[0] == '\0')
        return given;
    return configured_as;
}

enum rc configured(struct args *args, struct client_settings *settings,
                   char why[static CONF_WHY_BYTES])
{
    char path[FILE_PATH_MAX];
    struct home home;
    struct why no_home;
    enum rc rc = RC_OK;

    if (args->config != NULL) {
        rc = settings_load(args->config, true, settings, why);
    } else if (home_find(args->home, &home, &no_home) == RC_OK) {
        snprintf(path, sizeof(path), "%s/%s", home.config, SETTINGS_FILE);
        rc = settings_load(path, false, settings, why);
    } else { /* whoever needs a home will say that there is none */
        conf_defaults(settings_schema(), settings);
    }
    if (rc != RC_OK)
        return rc;
    args->broker = choose(args->broker, "ZCHAT_BROKER", settings->broker);
    args->nick = choose(args->nick, "ZCHAT_NICK", settings->nick);
    if (!args->has_timeout)
        args->timeout_ms = settings->timeout_ms;
    args->is_json = !args->is_text && (args->is_json || settings->is_json);
    args->is_verbose = args->is_verbose || settings->is_verbose;
    args->settings = settings;
    return RC_OK;
}
