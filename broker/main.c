/* main.c - the broker: reads its configuration, puts the parts together and runs the hub. */
#include "broker/admission.h"
#include "broker/database.h"
#include "broker/hub.h"
#include "broker/indexer.h"
#include "broker/joining.h"
#include "broker/limits.h"
#include "broker/offline.h"

#include "broker/net/announcer.h"
#include "broker/net/doorman.h"
#include "broker/net/ending.h"
#include "broker/net/heap.h"
#include "broker/net/zap.h"
#include "broker/ops/bearer.h"
#include "broker/ops/host.h"
#include "broker/ops/keyfile.h"
#include "broker/ops/options.h"
#include "broker/ops/sandbox.h"
#include "broker/owner.h"
#include "broker/store/copy.h"
#include "shared/base/files.h"
#include "shared/base/notify.h"
#include "shared/base/secret.h"
#include "shared/base/stdfds.h"
#include "shared/crypt/seal.h"
#include "shared/proto/beacon.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <zmq.h>

#define EXIT_USAGE      2
#define CLOSING_MS      1000 /* for BYE and the last answers to leave, which linger no longer */
#define KEYS_PER_DEVICE 2    /* banned keys need a place too, whose ever they are */

/* Everything that is open, in the order in which it is opened. */
struct broker {
    int argc;
    char *const *argv;
    struct options options;
    struct sandbox sandbox;
    int signal_fd;
    int lock;
    struct key_pair keys;
    struct key_pair cluster_keys; /* of all brokers of the cluster; zeros: no hints */
    struct hints *hints;
    struct cluster *cluster;
    struct store *store;
    struct sandbox_peer peer; /* the store's server, if it is one */
    struct core *core;
    void *zmq_context;
    struct keyring *keyring;
    struct zap *zap;
    struct doorman *doorman;
    struct front *front;
    struct announcer *announcer;
    struct writer *writer;
    struct indexer *indexer; /* NULL: nobody searches */
    struct readers *readers;
    struct host host;
    struct bearer bearer; /* opens the metrics page */
    int metrics;          /* its listener until the watch has it, -1: none */
    uint16_t metrics_port;
    struct watch *watch;
    struct backup *backup;
    struct history *history;
    bool is_owner_invited; /* by this start */
    bool is_abandoned;     /* at the end: threads of libzmq still run */
    char url[URL_BYTES_MAX];
    char why[FOLDER_WHY_BYTES];
};

/* Why a start failed: into the log, and onto stderr when the log is elsewhere. */
static void complain(const struct broker *self)
{
    log_error("broker.failed", "%s", self->why);
    if (self->options.log.file[0] != '\0' || self->options.log.target != LOG_TO_STDERR)
        fprintf(stderr, "zchat-broker: %s\n", self->why);
}

static enum rc complain_of(struct broker *self, const char *what)
{
    snprintf(self->why, sizeof(self->why), "%s: %s", what, strerror(errno));
    return RC_SYSTEM;
}

/* Signals: blocked before any thread starts, so that the hub alone takes them, from a descriptor. */
static enum rc take_over_signals(struct broker *self)
{
    sigset_t set;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit fails like any other, with a word */
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        self->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return self->signal_fd >= 0 ? RC_OK : complain_of(self, "cannot take over signals");
}

static void open_log(const struct options *options)
{
    char why[CONF_WHY_BYTES];

    if (log_output(&options->log, "zchat-broker", why) != RC_OK)
        log_warn("log.not_opened", "reason=\"%s\": the log stays where it is", why);
}

/* All or nothing: a file that is wrong changes nothing, and what cannot change while we run is named. */
static void reload(struct broker *self)
{
    char why[OPTIONS_WHY_BYTES];
    struct conf_changes changes;
    struct options fresh;

    notify("RELOADING=1");
    if (options_parse(&fresh, self->argc, self->argv, why) != RC_OK) {
        log_error("config.refused", "reason=\"%s\" action=\"the old configuration stays\"", why);
        notify("READY=1");
        return;
    }
    options_reload(&self->options, &fresh, &changes);
    limits_apply(&(struct limited){.core = self->core,
                                   .keyring = self->keyring,
                                   .zap = self->zap,
                                   .doorman = self->doorman,
                                   .writer = self->writer,
                                   .watch = self->watch,
                                   .cluster = self->cluster},
                 &self->options);
    open_log(&self->options);
    if (changes.kept > 0)
        log_warn("config.needs_restart", "keys=\"%s\": they take effect at the next start",
                 changes.kept_keys);
    log_info("config.reloaded", "changed=\"%s\"", changes.taken_keys);
    notify("READY=1");
}

static void on_signal(void *context, int signal_number)
{
    struct broker *self = context;

    if (signal_number == SIGHUP)
        reload(self);
    else if (signal_number == SIGUSR1)
        open_log(&self->options);
}

/* Parts */

/* A descriptor for each connection: as many as the system lets us have. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warn("broker.descriptors", "the limit of open files stays low: %s", strerror(errno));
}

struct replay {
    struct core *core;
    enum rc rc; /* the first failure */
};

static void on_record(void *context, const struct record *record)
{
    struct replay *replay = context;

    if (replay->rc == RC_OK)
        replay->rc = core_replay(replay->core, record);
}

static enum rc open_core(struct broker *self)
{
    struct core_limits limits = self->options.limits;
    struct replay replay = {.rc = RC_OK};
    uint64_t chat = 0;

    randombytes_buf(limits.hash_key, sizeof(limits.hash_key));
    self->core = core_new(&limits);
    if (self->core == NULL) {
        snprintf(self->why, sizeof(self->why), "no memory for tables of this size");
        return RC_SYSTEM;
    }
    replay.core = self->core;
    if (store_chat(self->store, &chat) != RC_OK ||
        store_replay(self->store, on_record, &replay) != RC_OK) {
        snprintf(self->why, sizeof(self->why), "cannot read what is stored: %s",
                 store_why(self->store));
        return RC_STORE;
    }
    core_set_chat(self->core, chat);
    if (replay.rc == RC_OK)
        return RC_OK;
    if (replay.rc == RC_LIMIT)
        snprintf(self->why, sizeof(self->why),
                 "more is stored than the configuration allows: raise accounts-max, rooms-max or "
                 "memberships-max");
    else
        snprintf(self->why, sizeof(self->why), "%s holds a record that makes no sense (%s)",
                 database_is_remote(&self->options) ? "the database of store" : self->options.data,
                 rc_name(replay.rc));
    return replay.rc;
}

static enum rc open_doors(struct broker *self)
{
    const struct options *options = &self->options;
    const struct keyring_policy policy = limits_of_strangers(options);
    const struct doorman_limits limits = limits_of_doorman(options);
    struct zap_options zap = limits_of_handshakes(options);

    if (doorman_start(self->zmq_context, &limits, &self->doorman) != RC_OK)
        return complain_of(self, "cannot watch connections");
    if (options->is_insecure)
        return RC_OK;
    self->keyring = keyring_new(&policy, KEYS_PER_DEVICE * (size_t)options->limits.devices_max);
    if (self->keyring == NULL || admission_replay(self->keyring, self->core) != RC_OK)
        return complain_of(self, "no memory for the keys of devices-max devices");
    zap.keyring = self->keyring;
    zap.has_cluster = joining_has_hints(options);
    memcpy(zap.cluster_key, self->cluster_keys.public_key, sizeof(zap.cluster_key));
    return zap_start(self->zmq_context, &zap, &self->zap) == RC_OK
               ? RC_OK
               : complain_of(self, "cannot start the ZAP handler");
}

static enum rc open_sockets(struct broker *self)
{
    const struct options *options = &self->options;
    struct front_options front = {.addresses = options->bind,
                                  .address_count = options->bind_count,
                                  .port = (uint16_t)options->port};

    self->zmq_context = zmq_ctx_new();
    if (self->zmq_context == NULL ||
        zmq_ctx_set(self->zmq_context, ZMQ_IO_THREADS, (int)options->io_threads) != 0)
        return complain_of(self, "cannot set up ZeroMQ");
    if (open_doors(self) != RC_OK)
        return RC_SYSTEM;
    front.doorman = self->doorman;
    if (!options->is_insecure) {
        front.public_key = self->keys.public_key;
        front.secret_key = self->keys.secret_key;
    }
    return front_open(self->zmq_context, &front, &self->front, self->why);
}

/* The only socket for datagrams; from sandbox_limit_calls() on none can be made. */
static enum rc open_announcer(struct broker *self)
{
    const struct announcer_options options = {.addresses = self->options.bind,
                                              .address_count = self->options.bind_count,
                                              .port = front_port(self->front),
                                              .key = self->keys.public_key};

    if (!self->options.is_discoverable)
        return RC_OK;
    return announcer_open(&options, &self->announcer) == RC_OK
               ? RC_OK
               : complain_of(self, "cannot announce this broker (discover)");
}

/* Before files and ports are limited: its port is none of the broker's two. */
static enum rc open_metrics(struct broker *self)
{
    const struct options *options = &self->options;

    host_open(&self->host, options->data, !database_is_remote(options));
    if (options->metrics[0] == '\0')
        return RC_OK;
    const enum rc rc =
        bearer_load(&self->bearer, options->metrics_token_file, options->data, self->why);
    if (rc != RC_OK)
        return rc;
    if (listen_open(&options->metrics_address, &self->metrics, &self->metrics_port) == RC_OK)
        return RC_OK;
    snprintf(self->why, sizeof(self->why), "metrics: cannot listen at %.256s: %s", options->metrics,
             strerror(errno));
    return RC_SYSTEM;
}

static enum rc start_watch(struct broker *self)
{
    const struct watch_options options = {.host = &self->host,
                                          .listener = self->metrics,
                                          .is_loopback = self->options.metrics_address.is_loopback,
                                          .name = self->options.metrics_host,
                                          .bearer = &self->bearer,
                                          .limits = limits_of_watch(&self->options)};

    self->metrics = -1;
    return watch_start(self->zmq_context, &options, &self->watch) == RC_OK
               ? RC_OK
               : complain_of(self, "cannot start the watch");
}

/* On the store's thread; the indexer is there before it and goes after it. */
static void on_removed(void *context, stream_id stream, uint64_t upto)
{
    struct indexer *indexer = ((const struct broker *)context)->indexer;

    if (indexer != NULL && upto == 0)
        search_renew(indexer);
    else if (indexer != NULL && !stream_is_none(stream))
        search_forget(indexer, stream, upto);
}

static enum rc start_threads(struct broker *self)
{
    self->indexer = search_start(&self->options, self->store, self->zmq_context);
    store_on_removed_set(self->store, on_removed, self);
    if (writer_start(self->store, self->zmq_context, &self->writer) != RC_OK)
        return complain_of(self, "cannot start the store's thread");
    if (readers_start(self->store, self->zmq_context, self->options.reader_threads,
                      self->indexer != NULL ? self->options.data : NULL, &self->readers) != RC_OK)
        return complain_of(self, "cannot start the readers");
    if (backup_start(database_is_remote(&self->options) ? NULL : self->options.data,
                     self->options.disk_free_min_bytes, self->zmq_context, &self->backup) != RC_OK)
        return complain_of(self, "cannot start the thread for backups");
    return start_watch(self);
}

/* Opening */

/* Of the first address; one that means "all" is told as this machine's own. */
static struct broker_url address_of(const struct broker *self)
{
    struct broker_url url = self->options.bind[0];

    if (strcmp(url.host, "0.0.0.0") == 0)
        snprintf(url.host, sizeof(url.host), "127.0.0.1");
    else if (strcmp(url.host, "[::]") == 0)
        snprintf(url.host, sizeof(url.host), "[::1]");
    url.port = url.is_ipc ? 0 : front_port(self->front);
    url.has_key = !self->options.is_insecure;
    memcpy(url.key, self->keys.public_key, sizeof(url.key));
    return url;
}

/* As long as there is no owner, whoever may read the folder can become one. */
static enum rc invite_owner(struct broker *self)
{
    const struct broker_url address = address_of(self);

    broker_url_format(&address, self->url);
    if (self->options.is_insecure)
        return RC_OK;
    if (core_has_owner(self->core)) {
        owner_forget(self->options.data);
        return RC_OK;
    }
    const enum rc rc = owner_invite(self->store, self->options.data, &address, self->why);

    self->is_owner_invited = rc == RC_OK;
    if (rc != RC_DISK_FULL)
        return rc;
    /* What is stored can be read all the same. */
    log_warn("owner.not_invited", "%s: the next start tries again", self->why);
    return RC_OK;
}

static void join_cluster(struct broker *self)
{
    const struct broker_url address = address_of(self);

    self->cluster = joining_join(&self->options, &address, self->core, self->writer, self->hints);
    limits_tell_brokers(self->core, self->cluster, &self->options);
}

static void write_urls(struct broker *self)
{
    char folder[PATH_BYTES_MAX];

    if (url_file_write(self->options.data, self->url, self->why) != RC_OK)
        log_warn("broker.url", "%s: clients must be told the address", self->why);
    if (url_folder_of_user(folder, sizeof(folder)) &&
        url_file_write(folder, self->url, self->why) != RC_OK)
        log_warn("broker.url", "%s: local clients will not find this broker", self->why);
}

static void remove_urls(const struct broker *self)
{
    char folder[PATH_BYTES_MAX];

    if (self->url[0] != '\0' && url_folder_of_user(folder, sizeof(folder)))
        url_file_remove(folder, self->url);
}

static void tell_metrics(const struct broker *self)
{
    const struct options *options = &self->options;
    const char *colon = strrchr(options->metrics, ':');

    log_info("metrics.listening", "url=http://%.*s:%u/ token=%s%s", (int)(colon - options->metrics),
             options->metrics, self->metrics_port,
             options->metrics_token_file[0] != '\0' ? options->metrics_token_file : options->data,
             options->metrics_token_file[0] != '\0' ? "" : "/metrics.token");
    if (!options->metrics_address.is_loopback)
        log_warn("metrics.in_clear",
                 "address=%s reason=\"HTTP is not encrypted: let only a network you trust, or a "
                 "proxy with TLS, reach it\"",
                 options->metrics);
}

static void tell_ready(const struct broker *self)
{
    static const char *const WHO[] = {"open", "invite", "closed"};
    const struct options *options = &self->options;

    if (self->is_owner_invited)
        log_info("owner.invited",
                 "file=%s/owner.url: nobody owns this broker yet; zchat --broker @FILE makes its "
                 "reader the owner, once",
                 options->data);
    log_info("registration", "who=%s", WHO[options->limits.registration]);
    for (size_t i = 0; i < options->bind_count; i++)
        log_info("broker.listening", "address=%s port=%u secure=%s", options->bind[i].host,
                 options->bind[i].is_ipc ? 0 : front_port(self->front),
                 options->is_insecure ? "no" : "yes");
    if (options->metrics[0] != '\0')
        tell_metrics(self);
    if (self->announcer != NULL)
        log_info("broker.announced", "port=%u: `zchat discover` finds this broker", BEACON_PORT);
    printf("ready %s\n", self->url);
    (void)fflush(stdout);
    notify("READY=1");
}

/* What is written outside of the data folder. */
static enum rc check_files(struct broker *self)
{
    if (files_check(self->options.log.file, self->why) != RC_OK ||
        files_check(self->options.history, self->why) != RC_OK)
        return RC_SYSTEM;
    return RC_OK;
}

static enum rc broker_open(struct broker *self)
{
    enum rc rc = take_over_signals(self);

    raise_descriptors();
    if (rc == RC_OK && (rc = seal_init()) != RC_OK)
        (void)complain_of(self, "libsodium cannot start");
    if (rc == RC_OK)
        rc = check_files(self);
    if (rc == RC_OK)
        rc = folder_open(self->options.data, &self->lock, self->why);
    if (rc == RC_OK)
        rc = key_pair_load(self->options.data, &self->keys, self->why);
    if (rc == RC_OK)
        rc = joining_load_key(&self->options, &self->cluster_keys, self->why);
    if (rc == RC_OK && !secret_lock(&self->keys, sizeof(self->keys)))
        log_warn("key.not_locked", "reason=\"%s\": the key may reach the swap", strerror(errno));
    if (rc == RC_OK)
        rc = database_open(&self->options, &self->store, &self->peer, self->why);
    if (rc == RC_OK && self->options.history[0] != '\0' &&
        (rc = history_open(self->options.history, &self->history)) != RC_OK)
        (void)complain_of(self, self->options.history);
    if (rc == RC_OK)
        rc = open_core(self);
    if (rc == RC_OK)
        rc = open_metrics(self);
    if (rc == RC_OK && store_copy_folder(self->options.data, self->why) != RC_OK)
        rc = RC_SYSTEM;
    if (rc == RC_OK) /* before the first thread is started */
        rc = sandbox_limit_files(&self->sandbox, &self->options, &self->peer, self->why);
    if (rc == RC_OK)
        rc = open_sockets(self);
    if (rc == RC_OK)
        rc = joining_open_hints(&self->options, self->zmq_context, &self->cluster_keys,
                                &self->hints, self->why);
    if (rc == RC_OK)
        rc = open_announcer(self);
    if (rc == RC_OK)
        rc = invite_owner(self);
    if (rc == RC_OK)
        rc = start_threads(self);
    return rc;
}

/* Sockets first, so that answers still leave; the store last, when nobody uses it. */
static void broker_close(struct broker *self)
{
    watch_stop(&self->watch);
    announcer_close(&self->announcer);
    cluster_destroy(&self->cluster);
    hints_close(&self->hints);
    front_close(&self->front);
    readers_stop(&self->readers);
    backup_stop(&self->backup);
    writer_stop(&self->writer);
    indexer_stop(&self->indexer);
    zap_stop(&self->zap);
    doorman_stop(&self->doorman);
    if (self->zmq_context != NULL)
        self->is_abandoned = !context_end(self->zmq_context, CLOSING_MS);
    keyring_destroy(&self->keyring);
    core_destroy(&self->core);
    store_close(&self->store);
    history_close(&self->history);
    secret_forget(&self->keys, sizeof(self->keys));
    sodium_memzero(&self->cluster_keys, sizeof(self->cluster_keys));
    bearer_forget(&self->bearer);
    host_close(&self->host);
    if (self->metrics >= 0)
        (void)close(self->metrics);
    if (self->signal_fd >= 0)
        (void)close(self->signal_fd);
    if (self->lock >= 0)
        (void)close(self->lock);
}

static int serve(struct broker *self)
{
    enum rc rc = broker_open(self);

    if (rc == RC_OK) {
        write_urls(self);
        join_cluster(self);
        sandbox_limit_calls(&self->sandbox);
        tell_ready(self);
        rc = hub_run(&(struct hub_parts){.core = self->core,
                                         .front = self->front,
                                         .announcer = self->announcer,
                                         .keyring = self->keyring,
                                         .writer = self->writer,
                                         .cluster = self->cluster,
                                         .readers = self->readers,
                                         .backup = self->backup,
                                         .sessions_max = self->options.limits.sessions_max,
                                         .recent_bytes = self->options.recent_bytes,
                                         .history = self->history,
                                         .watch = watch_socket(self->watch),
                                         .doorman = self->doorman,
                                         .zap = self->zap,
                                         .signal_fd = self->signal_fd,
                                         .on_signal = on_signal,
                                         .context = self});
        if (rc == RC_OK)
            remove_urls(self);
    } else {
        complain(self);
    }
    broker_close(self);
    if (rc == RC_OK)
        log_info("broker.stopped", "folder=%s", self->options.data);
    if (self->is_abandoned) { /* all is stored and said: the system closes what is left */
        (void)fflush(NULL);
        _exit(rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct broker broker = {
        .signal_fd = -1, .lock = -1, .metrics = -1, .host = {.memory = -1}};
    char why[OPTIONS_WHY_BYTES];

    stdfds_fill();
    secret_guard_process();
    if (argc == 3 && strcmp(argv[1], "--print-completion") == 0)
        return options_print_completion(stdout, argv[2]) == RC_OK ? EXIT_SUCCESS : EXIT_USAGE;
    broker.argc = argc;
    broker.argv = argv;
    if (options_parse(&broker.options, argc, argv, why) != RC_OK) {
        fprintf(stderr, "zchat-broker: %s\n", why);
        return EXIT_USAGE;
    }
    if (broker.options.common.is_help) {
        options_help(stdout);
    } else if (broker.options.common.is_version) {
        printf("zchat-broker %s\n", ZCHAT_VERSION);
    } else if (broker.options.common.is_print) {
        options_print(&broker.options, stdout);
    } else if (broker.options.common.is_check) {
        puts("the configuration is good");
    } else if (offline_is_asked(&broker.options)) {
        return offline_run(&broker.options);
    } else {
        heap_prepare(broker.options.io_threads);
        open_log(&broker.options);
        return serve(&broker);
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
