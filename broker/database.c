#include "broker/database.h"

#include "broker/limits.h"
#include "broker/store/store_pg.h"
#include "shared/base/files.h"
#include "shared/base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A standby is promoted within some seconds; whoever posts meanwhile waits. Behind that a supervisor's start tries again. */
#define RECONNECT_MS 30000

bool database_is_remote(const struct options *options)
{
    return options->store[0] != '\0';
}

static enum rc read_url(const char *path, char *ret, size_t size,
                        char why[static OPTIONS_WHY_BYTES])
{
    char reason[FILES_WHY_BYTES];
    size_t len = 0;
    enum rc rc = files_check(path, reason);

    if (rc != RC_OK) {
        snprintf(why, OPTIONS_WHY_BYTES, "store: %.900s", reason);
        return RC_SYSTEM;
    }
    rc = files_read(path, ret, size, &len, NULL);
    if (rc != RC_OK) {
        snprintf(why, OPTIONS_WHY_BYTES, "store: cannot read %.400s: %s", path,
                 rc == RC_TOO_BIG ? "it is too long for a URL" : strerror(errno));
        return RC_SYSTEM;
    }
    ret[strcspn(ret, "\r\n")] = '\0';
    if (options_are_store(ret) && ret[0] != '@')
        return RC_OK;
    snprintf(why, OPTIONS_WHY_BYTES,
             "store: the first line of %.400s is no URL as postgres://USER@HOST/DATABASE", path);
    return RC_SYSTEM;
}

enum rc database_url(const char *given, char *ret, size_t size, char why[static OPTIONS_WHY_BYTES])
{
    if (given[0] == '@')
        return read_url(given + 1, ret, size, why);
    if (store_pg_has_password(given)) {
        snprintf(
            why, OPTIONS_WHY_BYTES,
            "store: others can read a password that stands here (ps, --print-config): keep it in "
            "~/.pgpass, or the whole URL in a file of mode 0600 and say @FILE");
        return RC_SYSTEM;
    }
    snprintf(ret, size, "%s", given);
    return RC_OK;
}

static void tell(const struct options *options, const struct pg_facts *facts)
{
    char path[PATH_BYTES_MAX + 16];

    log_info("store.opened", "database=%s version=%d.%d tls=%s replication=\"%s\"", facts->where,
             facts->version / 10000, facts->version % 10000, facts->is_tls ? "yes" : "no",
             facts->replication);
    if (facts->is_fsync_off)
        log_warn("store.not_durable",
                 "reason=\"fsync is off there: a power cut can take what was acknowledged\"");
    snprintf(path, sizeof(path), "%s/zchat.db", options->data);
    if (access(path, F_OK) == 0)
        log_warn("store.unused",
                 "file=%s reason=\"messages are kept in the database that store "
                 "names\"",
                 path);
}

static void peer_of(const struct pg_facts *facts, struct sandbox_peer *ret)
{
    *ret = (struct sandbox_peer){.ports = {0}};
    memcpy(ret->ports, facts->ports, sizeof(ret->ports));
    for (size_t i = 0; facts->is_tls && i < PG_FILES_MAX; i++)
        snprintf(ret->files[i], sizeof(ret->files[i]), "%s", facts->files[i]);
}

static enum rc open_remote(const struct options *options, struct store **ret,
                           struct sandbox_peer *ret_peer, char why[static OPTIONS_WHY_BYTES])
{
    char url[DATABASE_URL_BYTES];
    /* What is done instead of serving wants nobody else to be there. */
    const bool is_shared = options->is_cluster && ret_peer != NULL;
    const struct pg_options wanted = {.url = url,
                                      .is_alone = !is_shared,
                                      .is_shared = is_shared,
                                      .reconnect_ms = ret_peer != NULL ? RECONNECT_MS : 0};
    struct pg_facts facts;
    const char *reason = "";
    enum rc rc = database_url(options->store, url, sizeof(url), why);

    if (rc != RC_OK)
        return rc;
    rc = store_open_pg(&wanted, ret, &facts, &reason);
    explicit_bzero(url, sizeof(url));
    if (rc != RC_OK) {
        snprintf(why, OPTIONS_WHY_BYTES, "%.900s", reason);
        return rc;
    }
    if (options->is_replication_required && !facts.is_synchronous) {
        snprintf(why, OPTIONS_WHY_BYTES,
                 "require-replication: %.256s does not wait for a standby: %.256s", facts.where,
                 facts.replication);
        store_close(ret);
        return RC_STORE;
    }
    tell(options, &facts);
    if (ret_peer != NULL)
        peer_of(&facts, ret_peer);
    return RC_OK;
}

enum rc database_open(const struct options *options, struct store **ret,
                      struct sandbox_peer *ret_peer, char why[static OPTIONS_WHY_BYTES])
{
    const struct store_limits limits = limits_of_store(options);
    const char *reason = "";
    enum rc rc;

    if (ret_peer != NULL)
        *ret_peer = (struct sandbox_peer){.ports = {0}};
    if (database_is_remote(options)) {
        rc = open_remote(options, ret, ret_peer, why);
    } else {
        rc = store_open_sqlite(options->data, ret, &reason);
        if (rc != RC_OK)
            snprintf(why, OPTIONS_WHY_BYTES, "%s", reason);
    }
    if (rc == RC_OK)
        store_set_limits(*ret, &limits);
    return rc;
}
