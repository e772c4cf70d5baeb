/* options.h - the broker's configuration: its table for shared/conf, and what only a look at the whole shows.
 *
 * The command line outdoes the file, the file the defaults. */
#ifndef BROKER_OPS_OPTIONS_H
#define BROKER_OPS_OPTIONS_H

#include "broker/core/core.h"
#include "broker/ops/listen.h"
#include "shared/conf/conf.h"
#include "shared/log/output.h"
#include "shared/text/url_list.h"

#include <stdio.h>

#define BIND_MAX            16
#define CLUSTER_BROKERS_MAX 8 /* that work in one database */
#define PATH_BYTES_MAX      CONF_PATH_BYTES
#define OPTIONS_WHY_BYTES   CONF_WHY_BYTES

struct options {
    struct conf_common common; /* flags are 0 or 1 */
    char data[PATH_BYTES_MAX];
    char store
        [CONF_VALUE_BYTES]; /* "": zchat.db in the data folder; else a URL of PostgreSQL, or "@FILE" */
    uint32_t is_replication_required;
    uint32_t is_cluster;               /* other brokers work in the database of store */
    char cluster_bind[PATH_BYTES_MAX]; /* "": no hints */
    struct listen_address cluster_listen;
    char cluster_address[PATH_BYTES_MAX]; /* "": the first of bind */
    char cluster_key[PATH_BYTES_MAX];     /* "": cluster.key in the data folder */
    struct broker_url bind[BIND_MAX];     /* host (a number) and is_ipc; no port, no key */
    size_t bind_count;
    uint32_t port; /* 0: a free pair */
    uint32_t io_threads;
    uint32_t reader_threads;
    uint64_t recent_bytes;
    uint32_t is_insecure;
    uint32_t is_discoverable;
    char brokers[BROKERS_MAX][CONF_VALUE_BYTES]; /* as given, each one address or more */
    size_t brokers_count;
    char brokers_told[BROKERS_BYTES_MAX + 1]; /* all of them, as they travel */
    uint32_t registration;                    /* as given; what it comes to stands in limits */
    char metrics[PATH_BYTES_MAX];             /* "": no page */
    struct listen_address metrics_address;
    char metrics_host[256]; /* "": addresses and localhost only */
    char metrics_token_file[PATH_BYTES_MAX];
    struct log_settings log;
    char history[PATH_BYTES_MAX]; /* "": none is kept */
    uint32_t is_sandboxed;
    uint32_t is_searching;
    uint32_t connections_max; /* 0: as many as there are descriptors */
    uint32_t connections_per_address;
    uint32_t handshakes_pending_max; /* of one address */
    uint32_t handshakes_per_address; /* a second; 0: no limit */
    uint32_t handshakes_per_address_burst;
    uint32_t handshakes_per_key;
    uint32_t handshakes_per_key_burst;
    uint64_t disk_free_min_bytes;
    uint64_t disk_use_max_bytes; /* 0: no limit */
    uint64_t ballast_bytes;
    uint32_t keep_days; /* 0: for ever; in seconds it stands in limits */
    uint64_t keep_events;
    uint64_t keep_size_bytes;
    char restore[PATH_BYTES_MAX]; /* work that is done instead of serving; "": none */
    char export_room[PATH_BYTES_MAX];
    char import[PATH_BYTES_MAX];
    char room[PATH_BYTES_MAX];      /* of the import */
    char migrate[CONF_VALUE_BYTES]; /* as store, or a folder */
    char make_cluster_key[PATH_BYTES_MAX];
    uint32_t is_check_data;
    struct core_limits limits; /* all but hash_key */
    struct conf_files files;   /* what was read for it */
};

const struct conf_schema *options_schema(void);

/* Read command line, file and defaults. RC_CONFIG: `why` is one sentence; for the file it names
 * file, line, key and what was expected. With is_help or is_version nothing else is checked. */
enum rc options_parse(struct options *ret, int argc, char *const *argv,
                      char why[static OPTIONS_WHY_BYTES]) MUST_CHECK;

/* Take the reloadable values of `fresh`, and say what differs: the others need a restart. */
void options_reload(struct options *self, const struct options *fresh, struct conf_changes *ret);

/* True when every address is loopback or ipc. */
bool options_are_local(const struct options *self);

/* Does this name a PostgreSQL database, as the setting `store` may? */
bool options_are_store(const char *text);

void options_help(FILE *out);
/* For "bash", "zsh" or "fish", from the same table. RC_CONFIG: another shell. */
enum rc options_print_completion(FILE *out, const char *shell) MUST_CHECK;
void options_print(const struct options *self, FILE *out); /* in the form of the file */

#endif
