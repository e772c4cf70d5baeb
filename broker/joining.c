#include "broker/joining.h"

#include "shared/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(CLUSTER_BROKERS_MAX == STORE_BROKERS_MAX, "tables have room for that many");
_Static_assert(FOLDER_WHY_BYTES >= WHY_BYTES_MAX, "room for what the socket says");

bool joining_has_hints(const struct options *options)
{
    return options->is_cluster && options->cluster_bind[0] != '\0';
}

enum rc joining_load_key(const struct options *options, struct key_pair *ret,
                         char why[static FOLDER_WHY_BYTES])
{
    char path[PATH_BYTES_MAX + 16];

    if (!joining_has_hints(options))
        return RC_OK;
    if (options->cluster_key[0] != '\0')
        snprintf(path, sizeof(path), "%s", options->cluster_key);
    else
        snprintf(path, sizeof(path), "%s/cluster.key", options->data);
    const enum rc rc = key_pair_read(path, ret, why);

    if (rc == RC_SYSTEM && errno == ENOENT)
        snprintf(why, FOLDER_WHY_BYTES,
                 "cluster-key: there is no %.512s: make one with --make-cluster-key FILE, and give "
                 "each broker of the cluster a copy",
                 path);
    return rc;
}

enum rc joining_open_hints(const struct options *options, void *zmq_context,
                           const struct key_pair *keys, struct hints **ret,
                           char why[static FOLDER_WHY_BYTES])
{
    char endpoint[PATH_BYTES_MAX + 8];
    const struct hints_options hints = {
        .endpoint = endpoint, .public_key = keys->public_key, .secret_key = keys->secret_key};

    if (!joining_has_hints(options))
        return RC_OK;
    snprintf(endpoint, sizeof(endpoint), "tcp://%s", options->cluster_bind);
    return hints_open(zmq_context, &hints, ret, why);
}

/* As clients take it: a machine may be called anything. */
static void name_host(char host[static 64])
{
    if (gethostname(host, 63) != 0)
        snprintf(host, 64, "-");
    host[63] = '\0';
    for (char *at = host; *at != '\0'; at++)
        *at = *at > ' ' && *at <= '~' ? *at : '?';
}

static void describe(const struct options *options, const struct broker_url *url,
                     struct store_broker *ret)
{
    struct store_broker own = {.id = 0};
    struct broker_url reached = *url;
    char text[URL_BYTES_MAX], host[64];

    if (options->cluster_address[0] != '\0' && !url->is_ipc)
        snprintf(reached.host, sizeof(reached.host), "%.255s", options->cluster_address);
    broker_url_format(&reached, text);
    name_host(host);
    if (url->is_ipc)
        snprintf(own.name, sizeof(own.name), "%s", host);
    else
        snprintf(own.name, sizeof(own.name), "%.58s:%u", host, url->port);
    snprintf(own.agent, sizeof(own.agent), "zchat-broker/" ZCHAT_VERSION);
    snprintf(own.address, sizeof(own.address), "%.511s", text);
    if (joining_has_hints(options) && options->cluster_address[0] != '\0')
        snprintf(own.hints, sizeof(own.hints), "tcp://%.400s%.16s", options->cluster_address,
                 strrchr(options->cluster_bind, ':'));
    else if (joining_has_hints(options))
        snprintf(own.hints, sizeof(own.hints), "tcp://%.500s", options->cluster_bind);
    *ret = own;
}

static void know_alone(struct core *core, const struct store_broker *own)
{
    struct core_broker alone = {.since_ms = clock_wall_ms(), .is_own = true, .is_live = true};

    snprintf(alone.name, sizeof(alone.name), "%s", own->name);
    snprintf(alone.address, sizeof(alone.address), "%s", own->address);
    snprintf(alone.agent, sizeof(alone.agent), "%s", own->agent);
    core_know_brokers(core, &alone, 1);
}

struct cluster *joining_join(const struct options *options, const struct broker_url *url,
                             struct core *core, struct writer *writer, struct hints *hints)
{
    struct store_broker own;

    describe(options, url, &own);
    if (!options->is_cluster) {
        know_alone(core, &own);
        return NULL;
    }
    writer_set_own(writer, &own);
    return cluster_new(core, writer, hints);
}
