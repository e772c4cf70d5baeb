#include "broker/ops/options.h"

#include "shared/conf/common.h"
#include "shared/text/completion.h"

#define AT(member)          CONF_AT(struct options, member)
#define MIB                 (UINT64_C(1) << 20)
#define REGISTRATION_CHOICE "open|invite|closed|auto"
#define REGISTRATION_AUTO   3 /* behind those of enum registration */

bool options_are_store(const char *text)
{
    return strncmp(text, "postgres://", 11) == 0 || strncmp(text, "postgresql://", 13) == 0 ||
           (text[0] == '@' && text[1] != '\0');
}

static const char *check_store(const char *text)
{
    return text[0] == '\0' || options_are_store(text)
               ? NULL
               : "postgres://USER@HOST/DATABASE, or @FILE that holds such a URL";
}

static const char *check_brokers(const char *text)
{
    static struct url_list list;
    struct span part;
    const char *expected;

    if (url_list_parse(span_of(text), &list, &part, &expected) != RC_OK)
        return expected;
    for (size_t i = 0; i < list.count; i++) {
        if (list.item[i].has_invite)
            return "addresses without invitations: they are told to everybody";
    }
    return list.count > 0 ? NULL : "zchat://HOST:PORT?key=KEY, and others behind commas";
}

/* clang-format off */
static const struct conf_row TABLE[] = {
    CONF_COMMON_CONFIG(struct options),
    {.key = "data", .type = CONF_TEXT, AT(data), .argument = "DIR",
     .help = "keep key and messages here (default $XDG_STATE_HOME/zchat-broker)"},
    {.key = "store", .type = CONF_TEXT, AT(store), .check = check_store, .argument = "URL",
     .help = "keep messages in this PostgreSQL database instead of DIR: postgres://USER@HOST/DATABASE without a password, or @FILE that holds such a URL with one"},
    {.key = "require-replication", .type = CONF_FLAG, AT(is_replication_required),
     .help = "do not start unless the database of store has a standby that each commit waits for"},
    {.key = "cluster", .type = CONF_CHOICE, AT(is_cluster), .initial = "off", .choices = "off|on", .argument = "on|off",
     .help = "share the database of store with other brokers that say so: the same people, rooms and messages at each of them"},
    {.key = "cluster-bind", .type = CONF_TEXT, AT(cluster_bind), .argument = "ADDRESS:PORT",
     .help = "brokers of the cluster tell each other here that they have done something; the same PORT at all of them; without it they look every second"},
    {.key = "cluster-address", .type = CONF_TEXT, AT(cluster_address), .argument = "ADDRESS",
     .help = "where clients and other brokers reach this one (default: the first address of bind)"},
    {.key = "cluster-key", .type = CONF_TEXT, AT(cluster_key), .argument = "FILE",
     .help = "the key pair that all brokers of the cluster have (default DATA/cluster.key)"},
    {.key = "bind", .type = CONF_ADDRESS, CONF_LIST_AT(struct options, bind, bind_count), .initial = "127.0.0.1", .argument = "ADDRESS",
     .help = "listen here: an IPv4 or IPv6 address, localhost, * or ipc:///PATH; may be repeated"},
    {.key = "port", .type = CONF_UINT, AT(port), .initial = "5670", .most = 65534, .argument = "N",
     .help = "commands on port N, broadcasts on N + 1; 0 takes free ports"},
    {.key = "registration", .type = CONF_CHOICE, AT(registration), .initial = "auto", .choices = REGISTRATION_CHOICE, .is_reloadable = true, .argument = "WHO",
     .help = "who may take a free nick: open, invite or closed; auto is open on loopback and ipc, else invite"},
    {.key = "insecure", .type = CONF_FLAG, AT(is_insecure),
     .help = "no encryption and no identity; on loopback and ipc only"},
    {.key = "discover", .type = CONF_CHOICE, AT(is_discoverable), .initial = "off", .choices = "off|on", .argument = "on|off",
     .help = "announce address and key on the networks of bind (UDP broadcast, IPv4), for `zchat discover`"},
    {.key = "brokers", .type = CONF_TEXT, CONF_LIST_AT(struct options, brokers, brokers_count), .check = check_brokers, .is_reloadable = true, .argument = "URL, ...",
     .help = "addresses, as clients reach them, of all brokers that serve this chat, this one too: who loses one goes to another; may be repeated"},
    {.key = "io-threads", .type = CONF_UINT, AT(io_threads), .initial = "2", .least = 1, .most = 16, .argument = "N",
     .help = "threads that move bytes between network and broker"},
    {.key = "reader-threads", .type = CONF_UINT, AT(reader_threads), .initial = "2", .least = 1, .most = 16, .argument = "N",
     .help = "threads that read old messages from disk"},
    {.key = "recent-size", .type = CONF_SIZE, AT(recent_bytes), .unit = MIB, .initial = "4M", .most = UINT64_C(1) << 32, .argument = "SIZE",
     .help = "what was said last is answered from memory, up to this size; 0: all from disk"},
    {.key = "metrics", .type = CONF_TEXT, AT(metrics), .argument = "ADDRESS:PORT",
     .help = "figures for Prometheus, /health, and a page for people over HTTP, as 127.0.0.1:9670; port 0 takes a free one"},
    {.key = "metrics-host", .type = CONF_TEXT, AT(metrics_host), .argument = "NAME",
     .help = "the page may be asked for by this name too, beside addresses and localhost"},
    {.key = "metrics-token-file", .type = CONF_TEXT, AT(metrics_token_file), .argument = "FILE",
     .help = "token that opens the page's rooms and sessions (default DATA/metrics.token); needed beyond loopback, where it opens all figures"},
    {.key = "accounts-max", .type = CONF_UINT, AT(limits.accounts_max), .initial = "16384", .least = 1, .most = 1048576, .argument = "N",
     .help = "people"},
    {.key = "rooms-max", .type = CONF_UINT, AT(limits.rooms_max), .initial = "8192", .least = 1, .most = 1048576, .argument = "N",
     .help = "rooms"},
    {.key = "room-members-max", .type = CONF_UINT, AT(limits.room_members_max), .initial = "4096", .least = 1, .most = 1048576, .is_reloadable = true, .argument = "N",
     .help = "members of one room"},
    {.key = "memberships-max", .type = CONF_UINT, AT(limits.memberships_max), .initial = "262144", .least = 1, .most = 16777216, .argument = "N",
     .help = "members over all rooms"},
    {.key = "sessions-max", .type = CONF_UINT, AT(limits.sessions_max), .initial = "8192", .least = 1, .most = 262144, .argument = "N",
     .help = "clients connected at a time"},
    {.key = "pending-max", .type = CONF_UINT, AT(limits.pending_max), .initial = "8192", .least = 1, .most = 262144, .argument = "N",
     .help = "posts on their way to disk at a time; beyond it clients are told to wait"},
    {.key = "connections-max", .type = CONF_UINT, AT(connections_max), .initial = "0", .most = 1048576, .is_reloadable = true, .argument = "N",
     .help = "connections at a time, of which a client has two; 0: as many as there are descriptors"},
    {.key = "connections-per-address", .type = CONF_UINT, AT(connections_per_address), .initial = "16384", .least = 1, .most = 1048576, .is_reloadable = true, .argument = "N",
     .help = "connections at a time from one address (IPv6: one /64 network)"},
    {.key = "handshakes-pending-max", .type = CONF_UINT, AT(handshakes_pending_max), .initial = "1024", .least = 1, .most = 1048576, .is_reloadable = true, .argument = "N",
     .help = "connections from one address that have not shown a key yet; beyond it the oldest is cut"},
    {.key = "handshakes-per-address", .type = CONF_UINT, AT(handshakes_per_address), .initial = "500", .most = 1000000, .is_reloadable = true, .argument = "N",
     .help = "handshakes a second from one address; a client needs two; 0: no limit"},
    {.key = "handshakes-per-address-burst", .type = CONF_UINT, AT(handshakes_per_address_burst), .initial = "16384", .least = 1, .most = 1000000, .is_reloadable = true, .argument = "N",
     .help = "handshakes from one address at once, after a rest"},
    {.key = "handshakes-per-key", .type = CONF_UINT, AT(handshakes_per_key), .initial = "20", .most = 1000000, .is_reloadable = true, .argument = "N",
     .help = "handshakes a second with one key; who makes more waits for a turn, up to 1.5 s; 0: no limit"},
    {.key = "handshakes-per-key-burst", .type = CONF_UINT, AT(handshakes_per_key_burst), .initial = "200", .least = 1, .most = 1000000, .is_reloadable = true, .argument = "N",
     .help = "handshakes with one key at once, after a rest"},
    {.key = "devices-max", .type = CONF_UINT, AT(limits.devices_max), .initial = "65536", .least = 1, .most = 4194304, .argument = "N",
     .help = "devices over all people, removed ones too"},
    {.key = "key-bans-max", .type = CONF_UINT, AT(limits.key_bans_max), .initial = "4096", .least = 1, .most = 1048576, .argument = "N",
     .help = "banned keys over all rooms and the broker"},
    {.key = "account-devices", .type = CONF_UINT, AT(limits.account_devices_max), .initial = "16", .least = 1, .most = 128, .is_reloadable = true, .argument = "N",
     .help = "devices of one person"},
    {.key = "account-sessions", .type = CONF_UINT, AT(limits.account_sessions_max), .initial = "256", .most = 262144, .is_reloadable = true, .argument = "N",
     .help = "clients of one person at a time; 0: no limit"},
    {.key = "account-rooms", .type = CONF_UINT, AT(limits.account_rooms_max), .initial = "256", .most = 1048576, .is_reloadable = true, .argument = "N",
     .help = "rooms that one person made and runs; 0: no limit"},
    {.key = "account-memberships", .type = CONF_UINT, AT(limits.account_memberships_max), .initial = "1024", .most = 1048576, .is_reloadable = true, .argument = "N",
     .help = "rooms that one person is in; 0: no limit"},
    {.key = "account-invitations", .type = CONF_UINT, AT(limits.account_invitations_max), .initial = "64", .most = 65536, .is_reloadable = true, .argument = "N",
     .help = "live invitations of one person; 0: no limit"},
    {.key = "session-fetches", .type = CONF_UINT, AT(limits.session_fetches_max), .initial = "32", .least = FETCH_OUTSTANDING_MIN, .most = 8192, .is_reloadable = true, .argument = "N",
     .help = "requests for old events that one client may have under way at a time"},
    {.key = "room-bans", .type = CONF_UINT, AT(limits.room_standings_max), .initial = "1024", .most = 1048576, .is_reloadable = true, .argument = "N",
     .help = "bans, mutes and invitations of one room; 0: no limit"},
    {.key = "mailbox-max", .type = CONF_UINT, AT(limits.mailbox_max), .initial = "100000", .most = 1000000000, .is_reloadable = true, .argument = "N",
     .help = "events that a person has not confirmed; beyond it nobody can write to them; 0: no limit"},
    {.key = "account-rate", .type = CONF_UINT, AT(limits.account_rate), .initial = "5000", .most = 1000000000, .is_reloadable = true, .argument = "N",
     .help = "what one person may ask in a second, a short post costs 1; 0: no limit"},
    {.key = "account-burst", .type = CONF_UINT, AT(limits.account_burst), .initial = "50000", .most = 1000000000, .is_reloadable = true, .argument = "N",
     .help = "the same at once after a rest"},
    {.key = "room-rate", .type = CONF_UINT, AT(limits.room_rate), .initial = "20000", .most = 1000000000, .is_reloadable = true, .argument = "N",
     .help = "posts to one room, or to one person, in a second; 0: no limit"},
    {.key = "room-burst", .type = CONF_UINT, AT(limits.room_burst), .initial = "200000", .most = 1000000000, .is_reloadable = true, .argument = "N",
     .help = "the same at once after a rest"},
    {.key = "stranger-rate", .type = CONF_UINT, AT(limits.stranger_rate), .initial = "20", .most = 1000000000, .is_reloadable = true, .argument = "N",
     .help = "what an unknown key may ask in a second, HELLO costs 5; 0: no limit"},
    {.key = "stranger-burst", .type = CONF_UINT, AT(limits.stranger_burst), .initial = "100", .most = 1000000000, .is_reloadable = true, .argument = "N",
     .help = "the same at once after a rest"},
    {.key = "stranger-address-rate", .type = CONF_UINT, AT(limits.address_rate), .initial = "2000", .most = 1000000000, .is_reloadable = true, .argument = "N",
     .help = "what all unknown keys from one address (IPv6: one /64 network) may ask in a second; 0: no limit"},
    {.key = "stranger-address-burst", .type = CONF_UINT, AT(limits.address_burst), .initial = "30000", .most = 1000000000, .is_reloadable = true, .argument = "N",
     .help = "the same at once after a rest"},
    {.key = "disk-free-min", .type = CONF_SIZE, AT(disk_free_min_bytes), .unit = MIB, .initial = "32M", .most = UINT64_C(1) << 40, .is_reloadable = true, .argument = "SIZE",
     .help = "refuse posts when less than this is free on the disk"},
    {.key = "disk-use-max", .type = CONF_SIZE, AT(disk_use_max_bytes), .unit = MIB, .initial = "0", .most = UINT64_C(1) << 44, .is_reloadable = true, .argument = "SIZE",
     .help = "refuse posts when the messages take this much; 0: no limit"},
    {.key = "ballast", .type = CONF_SIZE, AT(ballast_bytes), .unit = MIB, .initial = "16M", .most = UINT64_C(1) << 36, .is_reloadable = true, .argument = "SIZE",
     .help = "size of a file that is given up when the disk is full, since deleting needs room too"},
    {.key = "keep-days", .type = CONF_UINT, AT(keep_days), .initial = "0", .most = 36500, .is_reloadable = true, .argument = "N",
     .help = "remove what is older, private messages too; a room may have a time of its own; 0: keep it for ever"},
    {.key = "keep-events", .type = CONF_UINT, AT(keep_events), .initial = "0", .most = 1000000000000, .is_reloadable = true, .argument = "N",
     .help = "keep the last N events of each stream, and private messages until they are confirmed; 0: all"},
    {.key = "keep-size", .type = CONF_SIZE, AT(keep_size_bytes), .unit = MIB, .initial = "0", .most = UINT64_C(1) << 44, .is_reloadable = true, .argument = "SIZE",
     .help = "remove the oldest events when all of them take more than this; 0: no limit"},
    LOG_ROWS(struct options),
    {.key = "history", .type = CONF_TEXT, AT(history), .argument = "FILE",
     .help = "append what is published, for zchat-check; texts as hashes"},
    {.key = "search", .type = CONF_CHOICE, AT(is_searching), .initial = "on", .choices = "off|on", .argument = "on|off",
     .help = "keep an index over messages (search.db), so that people can search them; off removes it"},
    {.key = "sandbox", .type = CONF_CHOICE, AT(is_sandboxed), .initial = "on", .choices = "off|on", .argument = "on|off",
     .help = "give up files, ports and system calls that are not needed, before serving"},
    {.key = "restore", .type = CONF_TEXT, AT(restore), .is_command = true, .argument = "FILE",
     .help = "put this backup into the data folder, which must have no messages yet, and exit"},
    {.key = "check-data", .type = CONF_FLAG, AT(is_check_data), .is_command = true,
     .help = "look through what is stored for damage, and exit: 0 when it is sound, else 1"},
    {.key = "export", .type = CONF_TEXT, AT(export_room), .is_command = true, .argument = "#ROOM",
     .help = "write the room's events to standard output, one JSON object a line, and exit"},
    {.key = "import", .type = CONF_TEXT, AT(import), .is_command = true, .argument = "FILE",
     .help = "append such a file's events (-: standard input) to the room that --room names, and exit"},
    {.key = "migrate", .type = CONF_TEXT, AT(migrate), .is_command = true, .argument = "TO",
     .help = "copy all that is stored into TO, which must have no messages yet, and exit: a database as for store, or a folder"},
    {.key = "make-cluster-key", .type = CONF_TEXT, AT(make_cluster_key), .is_command = true, .argument = "FILE",
     .help = "make a key pair for cluster-key in FILE, and exit; each broker gets a copy"},
    {.key = "room", .type = CONF_TEXT, AT(room), .is_command = true, .argument = "#ROOM",
     .help = "where --import puts them"},
    CONF_COMMON_FLAGS(struct options),
};
/* clang-format on */

static const struct conf_schema SCHEMA = {
    .program = "zchat-broker",
    .about = "The configuration of zchat-broker: see zchat-broker.conf(5). A line that begins with "
             "# is a "
             "comment; what is commented out here is the default.",
    .size = sizeof(struct options),
    .row = TABLE,
    .count = sizeof(TABLE) / sizeof(TABLE[0]),
};

const struct conf_schema *options_schema(void)
{
    return &SCHEMA;
}

static enum rc find_data(struct options *options, char *why)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int len = -1;

    if (options->data[0] != '\0')
        return RC_OK;
    if (state != NULL && state[0] == '/')
        len = snprintf(options->data, sizeof(options->data), "%s/zchat-broker", state);
    else if (home != NULL && home[0] == '/')
        len = snprintf(options->data, sizeof(options->data), "%s/.local/state/zchat-broker", home);
    if (len > 0 && (size_t)len < sizeof(options->data))
        return RC_OK;
    snprintf(why, OPTIONS_WHY_BYTES,
             "name the data folder with --data DIR: neither "
             "$XDG_STATE_HOME nor $HOME holds a path to use");
    return RC_CONFIG;
}

bool options_are_local(const struct options *self)
{
    for (size_t i = 0; i < self->bind_count; i++) {
        if (!broker_url_is_local(&self->bind[i]))
            return false;
    }
    return true;
}

static bool has_ipv4(const struct options *options)
{
    for (size_t i = 0; i < options->bind_count; i++) {
        if (!options->bind[i].is_ipc && options->bind[i].host[0] != '[')
            return true;
    }
    return false;
}

static void decide_registration(struct options *options)
{
    options->limits.registration = (enum registration)options->registration;
    if (options->registration == REGISTRATION_AUTO)
        options->limits.registration =
            options_are_local(options) ? REGISTRATION_OPEN : REGISTRATION_INVITE;
}

/* As it travels. What each value is was checked when it was read. */
static enum rc decide_brokers(struct options *options, char *why)
{
    static struct url_list list, more;
    struct span part;
    const char *expected;

    list.count = 0;
    for (size_t i = 0; i < options->brokers_count; i++) {
        if (url_list_parse(span_of(options->brokers[i]), &more, &part, &expected) != RC_OK)
            more.count = 0;
        for (size_t j = 0; j < more.count; j++) {
            if (!url_list_add(&list, &more.item[j]) &&
                url_list_find(&list, &more.item[j]) == list.count) {
                snprintf(why, OPTIONS_WHY_BYTES, "brokers: at most %d addresses were expected",
                         BROKERS_MAX);
                return RC_CONFIG;
            }
        }
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.item[i].has_key == (options->is_insecure != 0)) {
            snprintf(why, OPTIONS_WHY_BYTES, "brokers: %.256s:%u: expected %s", list.item[i].host,
                     list.item[i].port,
                     options->is_insecure ? "no key, since this broker is insecure too"
                                          : "?key=KEY behind it, as that broker printed it");
            return RC_CONFIG;
        }
    }
    if (url_list_format(&list, options->brokers_told) == RC_OK)
        return RC_OK;
    snprintf(why, OPTIONS_WHY_BYTES, "brokers: all addresses together have at most %d bytes",
             BROKERS_BYTES_MAX);
    return RC_CONFIG;
}

static enum rc check_metrics(struct options *options, char *why)
{
    const char *wrong;

    if (options->metrics[0] == '\0')
        return RC_OK;
    wrong = listen_parse(options->metrics, &options->metrics_address);
    if (wrong != NULL) {
        snprintf(why, OPTIONS_WHY_BYTES, "metrics: '%.64s': %s", options->metrics, wrong);
        return RC_CONFIG;
    }
    if (options->metrics_address.is_loopback || options->metrics_token_file[0] != '\0')
        return RC_OK;
    snprintf(why, OPTIONS_WHY_BYTES,
             "metrics: refused beyond loopback without metrics-token-file: anybody could read it");
    return RC_CONFIG;
}

/* What is done instead of serving. */
static enum rc check_work(const struct options *options, char *why)
{
    if ((options->import[0] == '\0') != (options->room[0] == '\0')) {
        snprintf(why, OPTIONS_WHY_BYTES, "--import FILE and --room '#ROOM' belong together");
        return RC_CONFIG;
    }
    if ((options->restore[0] != '\0') + (options->export_room[0] != '\0') +
            (options->import[0] != '\0') + (options->migrate[0] != '\0') +
            (options->make_cluster_key[0] != '\0') + (options->is_check_data != 0) >
        1) {
        snprintf(why, OPTIONS_WHY_BYTES,
                 "--restore, --check-data, --export, --import, --migrate and --make-cluster-key: "
                 "one at a "
                 "time, they all exit");
        return RC_CONFIG;
    }
    return RC_OK;
}

static enum rc check_cluster(struct options *options, char *why)
{
    struct listen_address reached;
    char address[PATH_BYTES_MAX + 2];
    const char *wrong = NULL;

    if (options->is_cluster && options->store[0] == '\0') {
        snprintf(why, OPTIONS_WHY_BYTES,
                 "cluster: brokers share a PostgreSQL database; name it with store");
        return RC_CONFIG;
    }
    if (options->cluster_bind[0] != '\0')
        wrong = listen_parse(options->cluster_bind, &options->cluster_listen);
    if (wrong == NULL && options->cluster_bind[0] != '\0' &&
        strcmp(strrchr(options->cluster_bind, ':'), ":0") == 0)
        wrong = "the brokers must know its port: it cannot be 0";
    if (wrong == NULL && options->cluster_bind[0] != '\0' && options->is_insecure)
        wrong = "refused with insecure: nobody would be told from a broker";
    if (wrong != NULL) {
        snprintf(why, OPTIONS_WHY_BYTES, "cluster-bind: '%.64s': %s", options->cluster_bind, wrong);
        return RC_CONFIG;
    }
    snprintf(address, sizeof(address), "%s:1", options->cluster_address);
    if (options->cluster_address[0] == '\0' || listen_parse(address, &reached) == NULL)
        return RC_OK;
    snprintf(why, OPTIONS_WHY_BYTES,
             "cluster-address: '%.64s' is no address, as 192.0.2.1 or [2001:db8::1]",
             options->cluster_address);
    return RC_CONFIG;
}

static enum rc check_database(const struct options *options, char *why)
{
    if (options->is_replication_required && options->store[0] == '\0') {
        snprintf(why, OPTIONS_WHY_BYTES,
                 "require-replication: only a database that store names has standbys");
        return RC_CONFIG;
    }
    if (options->store[0] == '\0' || (options->restore[0] == '\0' && !options->is_check_data))
        return RC_OK;
    snprintf(why, OPTIONS_WHY_BYTES,
             "--restore and --check-data are for zchat.db of a data folder; with store use "
             "PostgreSQL's own: pg_restore, pg_amcheck");
    return RC_CONFIG;
}

static enum rc finish(struct options *options, char *why)
{
    const bool are_local = options_are_local(options);

    if (check_database(options, why) != RC_OK || check_cluster(options, why) != RC_OK)
        return RC_CONFIG;

    if (check_metrics(options, why) != RC_OK)
        return RC_CONFIG;
    if (options->is_insecure && !are_local) {
        snprintf(why, OPTIONS_WHY_BYTES,
                 "insecure: refused, since an address in bind is neither loopback nor ipc");
        return RC_CONFIG;
    }
    if (options->is_discoverable && (options->is_insecure || !has_ipv4(options))) {
        snprintf(why, OPTIONS_WHY_BYTES, "discover: %s",
                 options->is_insecure
                     ? "a broker without a key cannot be told from others (insecure)"
                     : "bind has no IPv4 address to announce");
        return RC_CONFIG;
    }
    if (log_settings_check(&options->log) != NULL) {
        snprintf(why, OPTIONS_WHY_BYTES, "%s", log_settings_check(&options->log));
        return RC_CONFIG;
    }
    if (decide_brokers(options, why) != RC_OK || check_work(options, why) != RC_OK)
        return RC_CONFIG;
    if (options->is_cluster)
        options->limits.others_max = (CLUSTER_BROKERS_MAX - 1) * options->limits.pending_max;
    options->limits.keep_s = options->keep_days * 86400u;
    decide_registration(options);
    return find_data(options, why);
}

enum rc options_parse(struct options *ret, int argc, char *const *argv,
                      char why[static OPTIONS_WHY_BYTES])
{
    struct options options = {.bind_count = 0};
    struct conf_files files;
    enum rc rc = conf_load(&SCHEMA, &options, NULL, argc, argv, &files, why);

    options.files = files;
    if (rc == RC_OK && !options.common.is_help && !options.common.is_version)
        rc = finish(&options, why);
    if (rc == RC_OK)
        *ret = options;
    return rc;
}

void options_print(const struct options *self, FILE *out)
{
    conf_print(&SCHEMA, self, out);
}

void options_help(FILE *out)
{
    fputs("Usage: zchat-broker [OPTION]...\n"
          "The zchat broker: keeps people, rooms and every message.\n\n",
          out);
    conf_help(&SCHEMA, out);
    fputs("\nFILE may hold all of these but config, check-config, print-config, help and version.\n"
          "SIGTERM, SIGINT: stop. SIGHUP: read FILE again. SIGUSR1: open the log anew.\n"
          "Exit: 0 stopped, 1 failed, 2 usage or configuration.\n",
          out);
}

enum rc options_print_completion(FILE *out, const char *shell)
{
    struct completion_option options[CONF_ROWS_MAX];
    struct completion completion = {.program = "zchat-broker", .options = options, .use = 1};

    for (size_t i = 0; i < SCHEMA.count && i < CONF_ROWS_MAX; i++) {
        const struct conf_row *row = &SCHEMA.row[i];
        const char *value = row->type == CONF_CHOICE ? row->choices : row->argument;

        if (strpbrk(row->key, "*.") != NULL)
            continue; /* in files only */
        options[completion.option_count++] = (struct completion_option){
            .name = row->key, .value = value, .help = row->help, .uses = 1};
    }
    return completion_print(out, shell, &completion);
}

void options_reload(struct options *self, const struct options *fresh, struct conf_changes *ret)
{
    conf_reload(&SCHEMA, self, fresh, ret);
    decide_registration(self); /* by the addresses that are in use */
    memcpy(self->brokers_told, fresh->brokers_told, sizeof(self->brokers_told));
}
