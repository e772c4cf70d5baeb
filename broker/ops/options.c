#include "broker/ops/options.h"

#include <arpa/inet.h>
#include <errno.h>

#define OPTIONS_COUNT_MAX 64
#define LINE_BYTES_MAX    2048

#define AT(member)          offsetof(struct options, member)
#define REGISTRATION_CHOICE "open|invite|closed|auto"
#define REGISTRATION_AUTO   3 /* behind those of enum registration */

/* clang-format off */
static const struct option_row TABLE[] = {
    {"config", OPTION_TEXT, AT(config), NULL, 0, 0, NULL, false, true, "FILE",
     "read this configuration file: lines of `key = value`, `#` begins a comment"},
    {"data", OPTION_TEXT, AT(data), NULL, 0, 0, NULL, false, false, "DIR",
     "keep key and messages here (default $XDG_STATE_HOME/zchat-broker)"},
    {"bind", OPTION_ADDRESS, AT(bind), "127.0.0.1", 0, 0, NULL, false, false, "ADDRESS",
     "listen here: an IPv4 or IPv6 address, localhost, * or ipc:///PATH; may be repeated"},
    {"port", OPTION_UINT, AT(port), "5670", 0, 65534, NULL, false, false, "N",
     "commands on port N, broadcasts on N + 1; 0 takes free ports"},
    {"registration", OPTION_CHOICE, AT(registration), "auto", 0, 0, REGISTRATION_CHOICE, false, false,
     "WHO", "who may take a free nick: open, invite or closed; auto is open on loopback and ipc, else invite"},
    {"insecure", OPTION_FLAG, AT(is_insecure), NULL, 0, 1, NULL, false, false, NULL,
     "no encryption and no identity; on loopback and ipc only"},
    {"io-threads", OPTION_UINT, AT(io_threads), "2", 1, 16, NULL, false, false, "N",
     "threads that move bytes between network and broker"},
    {"reader-threads", OPTION_UINT, AT(reader_threads), "2", 1, 16, NULL, false, false, "N",
     "threads that read old messages from disk"},
    {"metrics", OPTION_TEXT, AT(metrics), NULL, 0, 0, NULL, false, false, "ADDRESS:PORT",
     "metrics page (not in this build)"},
    {"accounts-max", OPTION_UINT, AT(limits.accounts_max), "16384", 1, 1048576, NULL, false, false, "N",
     "people"},
    {"rooms-max", OPTION_UINT, AT(limits.rooms_max), "8192", 1, 1048576, NULL, false, false, "N",
     "rooms"},
    {"room-members-max", OPTION_UINT, AT(limits.room_members_max), "4096", 1, 1048576, NULL, false, false,
     "N", "members of one room"},
    {"memberships-max", OPTION_UINT, AT(limits.memberships_max), "262144", 1, 16777216, NULL, false,
     false, "N", "members over all rooms"},
    {"sessions-max", OPTION_UINT, AT(limits.sessions_max), "8192", 1, 262144, NULL, false, false, "N",
     "clients connected at a time"},
    {"pending-max", OPTION_UINT, AT(limits.pending_max), "8192", 1, 262144, NULL, false, false, "N",
     "posts on their way to disk at a time; beyond it clients are told to wait"},
    {"connections-max", OPTION_UINT, AT(connections_max), "0", 0, 1048576, NULL, false, false, "N",
     "connections at a time, of which a client has two; 0: as many as there are descriptors"},
    {"connections-per-address", OPTION_UINT, AT(connections_per_address), "16384", 1, 1048576, NULL,
     false, false, "N", "connections at a time from one address (IPv6: one /64 network)"},
    {"handshakes-pending-max", OPTION_UINT, AT(handshakes_pending_max), "1024", 1, 1048576, NULL, false,
     false, "N", "connections from one address that have not shown a key yet; beyond it the oldest is cut"},
    {"handshakes-per-address", OPTION_UINT, AT(handshakes_per_address), "500", 0, 1000000, NULL, false,
     false, "N", "handshakes a second from one address; a client needs two; 0: no limit"},
    {"handshakes-per-address-burst", OPTION_UINT, AT(handshakes_per_address_burst), "16384", 1, 1000000,
     NULL, false, false, "N", "handshakes from one address at once, after a rest"},
    {"handshakes-per-key", OPTION_UINT, AT(handshakes_per_key), "20", 0, 1000000, NULL, false, false, "N",
     "handshakes a second with one key; 0: no limit"},
    {"handshakes-per-key-burst", OPTION_UINT, AT(handshakes_per_key_burst), "200", 1, 1000000, NULL, false,
     false, "N", "handshakes with one key at once, after a rest"},
    {"devices-max", OPTION_UINT, AT(limits.devices_max), "65536", 1, 4194304, NULL, false, false, "N",
     "devices over all people, removed ones too"},
    {"key-bans-max", OPTION_UINT, AT(limits.key_bans_max), "4096", 1, 1048576, NULL, false, false, "N",
     "banned keys over all rooms and the broker"},
    {"account-devices", OPTION_UINT, AT(limits.account_devices_max), "16", 1, 128, NULL, false, false, "N",
     "devices of one person"},
    {"account-sessions", OPTION_UINT, AT(limits.account_sessions_max), "256", 0, 262144, NULL, false, false, "N",
     "clients of one person at a time; 0: no limit"},
    {"account-rooms", OPTION_UINT, AT(limits.account_rooms_max), "256", 0, 1048576, NULL, false, false, "N",
     "rooms that one person made and runs; 0: no limit"},
    {"account-memberships", OPTION_UINT, AT(limits.account_memberships_max), "1024", 0, 1048576, NULL, false, false, "N",
     "rooms that one person is in; 0: no limit"},
    {"account-invitations", OPTION_UINT, AT(limits.account_invitations_max), "64", 0, 65536, NULL, false, false, "N",
     "live invitations of one person; 0: no limit"},
    {"room-bans", OPTION_UINT, AT(limits.room_standings_max), "1024", 0, 1048576, NULL, false, false, "N",
     "bans, mutes and invitations of one room; 0: no limit"},
    {"mailbox-max", OPTION_UINT, AT(limits.mailbox_max), "100000", 0, 1000000000, NULL, false, false, "N",
     "events that a person has not confirmed; beyond it nobody can write to them; 0: no limit"},
    {"account-rate", OPTION_UINT, AT(limits.account_rate), "5000", 0, 1000000000, NULL, false, false, "N",
     "what one person may ask in a second, a short post costs 1; 0: no limit"},
    {"account-burst", OPTION_UINT, AT(limits.account_burst), "50000", 0, 1000000000, NULL, false, false, "N",
     "the same at once after a rest"},
    {"room-rate", OPTION_UINT, AT(limits.room_rate), "20000", 0, 1000000000, NULL, false, false, "N",
     "posts to one room, or to one person, in a second; 0: no limit"},
    {"room-burst", OPTION_UINT, AT(limits.room_burst), "200000", 0, 1000000000, NULL, false, false, "N",
     "the same at once after a rest"},
    {"stranger-rate", OPTION_UINT, AT(limits.stranger_rate), "20", 0, 1000000000, NULL, false, false, "N",
     "what an unknown key may ask in a second, HELLO costs 5; 0: no limit"},
    {"stranger-burst", OPTION_UINT, AT(limits.stranger_burst), "100", 0, 1000000000, NULL, false, false, "N",
     "the same at once after a rest"},
    {"disk-free-min", OPTION_UINT, AT(disk_free_min_mib), "32", 0, 1048576, NULL, false, false, "MIB",
     "refuse posts when less than this is free on the disk"},
    {"disk-use-max", OPTION_UINT, AT(disk_use_max_mib), "0", 0, 16777216, NULL, false, false, "MIB",
     "refuse posts when the messages take this much; 0: no limit"},
    {"ballast", OPTION_UINT, AT(ballast_mib), "16", 0, 65536, NULL, false, false, "MIB",
     "size of a file that is given up when the disk is full, since deleting needs room too"},
    {"log-level", OPTION_CHOICE, AT(log_level), "info", 0, 0, "error|warn|info|debug", true, false,
     "LEVEL", "error, warn, info or debug"},
    {"log-file", OPTION_TEXT, AT(log_file), NULL, 0, 0, NULL, true, false, "FILE",
     "log into this file instead of stderr; SIGUSR1 opens it anew"},
    {"history", OPTION_TEXT, AT(history), NULL, 0, 0, NULL, false, false, "FILE",
     "append what is published, for zchat-check; texts as hashes"},
    {"sandbox", OPTION_CHOICE, AT(is_sandboxed), "on", 0, 0, "off|on", false, false, "on|off",
     "give up files, ports and system calls that are not needed, before serving"},
    {"check-config", OPTION_FLAG, AT(is_check), NULL, 0, 1, NULL, false, true, NULL,
     "check the configuration and exit"},
    {"print-config", OPTION_FLAG, AT(is_print), NULL, 0, 1, NULL, false, true, NULL,
     "print the configuration as it would be used, and exit"},
    {"help", OPTION_FLAG, AT(is_help), NULL, 0, 1, NULL, false, true, NULL, "print this and exit"},
    {"version", OPTION_FLAG, AT(is_version), NULL, 0, 1, NULL, false, true, NULL,
     "print name and version and exit"},
};
/* clang-format on */
#define TABLE_COUNT (sizeof(TABLE) / sizeof(TABLE[0]))
_Static_assert(TABLE_COUNT <= OPTIONS_COUNT_MAX, "room in struct source");

const struct option_row *options_table(size_t *ret_count)
{
    *ret_count = TABLE_COUNT;
    return TABLE;
}

static size_t row_of(struct span key)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (span_equal(span_of(TABLE[i].key), key))
            return i;
    }
    return TABLE_COUNT;
}

/* Values. The functions below return NULL, or what was expected. */

static const char *parse_uint(const struct option_row *row, const char *text, uint32_t *ret)
{
    static char expected[64];
    char *end = NULL;
    unsigned long value;

    snprintf(expected, sizeof(expected), "a number from %u to %u", row->least, row->most);
    if (*text < '0' || *text > '9')
        return expected;
    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < row->least || value > row->most)
        return expected;
    *ret = (uint32_t)value;
    return NULL;
}

/* The index-th of "a|b|c"; without ptr: there is none. */
static struct span choice_at(const char *choices, size_t index)
{
    const char *end;

    while (index-- > 0 && choices != NULL)
        choices = (end = strchr(choices, '|')) == NULL ? NULL : end + 1;
    if (choices == NULL)
        return (struct span){NULL, 0};
    end = strchr(choices, '|');
    return (struct span){choices, end == NULL ? strlen(choices) : (size_t)(end - choices)};
}

static const char *parse_choice(const struct option_row *row, const char *text, uint32_t *ret)
{
    struct span choice;

    for (uint32_t i = 0; (choice = choice_at(row->choices, i)).ptr != NULL; i++) {
        if (span_equal(choice, span_of(text))) {
            *ret = i;
            return NULL;
        }
    }
    return row->choices;
}

static const char *parse_flag(const char *text, uint32_t *ret)
{
    if (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0)
        *ret = 1;
    else if (strcmp(text, "no") == 0 || strcmp(text, "false") == 0)
        *ret = 0;
    else
        return "yes or no";
    return NULL;
}

static const char *parse_address(const char *text, struct options *options)
{
    struct broker_url url = {.is_ipc = strncmp(text, "ipc://", 6) == 0};
    unsigned char bytes[sizeof(struct in6_addr)];
    char inner[sizeof(url.host)];
    size_t len = strlen(text);
    bool has_brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';

    if (options->bind_count == BIND_MAX)
        return "at most 16 addresses";
    if (len >= sizeof(url.host) - 2)
        return "an address of at most 250 bytes";
    snprintf(inner, sizeof(inner), "%.*s", (int)(has_brackets ? len - 2 : len),
             has_brackets ? text + 1 : text);
    if (url.is_ipc) {
        if (text[6] != '/')
            return "ipc:// and an absolute path, such as ipc:///run/zchat/broker";
        snprintf(url.host, sizeof(url.host), "%s", text + 6);
    } else if (strcmp(text, "localhost") == 0) {
        snprintf(url.host, sizeof(url.host), "127.0.0.1");
    } else if (strcmp(text, "*") == 0) {
        snprintf(url.host, sizeof(url.host), "0.0.0.0");
    } else if (!has_brackets && inet_pton(AF_INET, text, bytes) == 1) {
        snprintf(url.host, sizeof(url.host), "%s", text);
    } else if (inet_pton(AF_INET6, inner, bytes) == 1) {
        snprintf(url.host, sizeof(url.host), "[%.250s]", inner);
    } else {
        return "an IPv4 or IPv6 address, localhost, * or ipc:///PATH";
    }
    options->bind[options->bind_count++] = url;
    return NULL;
}

static const char *set(struct options *options, const struct option_row *row, const char *text)
{
    char *member = (char *)options + row->offset;

    switch (row->type) {
    case OPTION_UINT:
        return parse_uint(row, text, (uint32_t *)(void *)member);
    case OPTION_CHOICE:
        return parse_choice(row, text, (uint32_t *)(void *)member);
    case OPTION_FLAG:
        return parse_flag(text, (uint32_t *)(void *)member);
    case OPTION_ADDRESS:
        return parse_address(text, options);
    case OPTION_TEXT:
        if (*text == '\0' || strlen(text) >= PATH_BYTES_MAX)
            return "1 to 511 bytes";
        memcpy(member, text, strlen(text) + 1);
        return NULL;
    }
    return "a known type";
}

/* One source of values: the defaults, the file or the command line. The first address of a
 * source replaces those of the one before. */
struct source {
    struct options *options;
    unsigned lines[OPTIONS_COUNT_MAX]; /* of the file in which a key stands; 0: not given */
};

static const char *give(struct source *self, size_t row, const char *text, unsigned line)
{
    static char expected[64];

    if (self->lines[row] == 0 && TABLE[row].type == OPTION_ADDRESS)
        self->options->bind_count = 0;
    if (self->lines[row] != 0 && TABLE[row].type != OPTION_ADDRESS) {
        snprintf(expected, sizeof(expected), "it once (it stands in line %u too)",
                 self->lines[row]);
        return expected;
    }
    self->lines[row] = line;
    return set(self->options, &TABLE[row], text);
}

/* The file */

static struct span trim(struct span text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL)
        text = (struct span){text.ptr + 1, text.len - 1};
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL)
        text.len--;
    return text;
}

/* A comment begins at the line's start or behind white space, since paths may contain a `#`. */
static struct span without_comment(struct span line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '#' && (i == 0 || line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
            line.len = i;
    }
    return trim(line);
}

static enum rc take_line(struct source *source, char *line, unsigned number, char *why)
{
    const char *file = source->options->config;
    struct span text = without_comment(span_of(line));
    const char *equals = text.len == 0 ? NULL : memchr(text.ptr, '=', text.len);
    struct span key, value;
    const char *expected;
    size_t row;

    if (text.len == 0)
        return RC_OK;
    if (equals == NULL) {
        snprintf(why, OPTIONS_WHY_BYTES, "%s:%u: expected `key = value`", file, number);
        return RC_CONFIG;
    }
    key = trim((struct span){text.ptr, (size_t)(equals - text.ptr)});
    value = trim((struct span){equals + 1, text.len - (size_t)(equals - text.ptr) - 1});
    row = row_of(key);
    if (row == TABLE_COUNT || TABLE[row].is_command) {
        snprintf(why, OPTIONS_WHY_BYTES, "%s:%u: %.*s: %s", file, number, (int)key.len, key.ptr,
                 row == TABLE_COUNT ? "there is no such key, see zchat-broker --help"
                                    : "this belongs on the command line");
        return RC_CONFIG;
    }
    line[value.ptr - line + value.len] = '\0';
    expected = give(source, row, value.ptr, number);
    if (expected == NULL)
        return RC_OK;
    snprintf(why, OPTIONS_WHY_BYTES, "%s:%u: %s = %s: expected %s", file, number, TABLE[row].key,
             value.ptr, expected);
    return RC_CONFIG;
}

static enum rc read_file(struct options *options, char *why)
{
    struct source source = {.options = options};
    char line[LINE_BYTES_MAX];
    unsigned number = 0;
    FILE *file = fopen(options->config, "re");
    enum rc rc = RC_OK;

    if (file == NULL) {
        snprintf(why, OPTIONS_WHY_BYTES, "cannot read %s: %s", options->config, strerror(errno));
        return RC_CONFIG;
    }
    while (rc == RC_OK && fgets(line, sizeof(line), file) != NULL) {
        number++;
        if (strlen(line) < sizeof(line) - 1) {
            rc = take_line(&source, line, number, why);
        } else {
            snprintf(why, OPTIONS_WHY_BYTES, "%s:%u: expected a line of at most %d bytes",
                     options->config, number, LINE_BYTES_MAX - 2);
            rc = RC_CONFIG;
        }
    }
    if (rc == RC_OK && ferror(file)) {
        snprintf(why, OPTIONS_WHY_BYTES, "cannot read %s: %s", options->config, strerror(errno));
        rc = RC_CONFIG;
    }
    fclose(file);
    return rc;
}

/* The command line */

static enum rc take_arguments(struct options *options, int argc, char *const *argv, char *why)
{
    struct source source = {.options = options};

    for (int i = 1; i < argc; i++) {
        const char *key = strncmp(argv[i], "--", 2) == 0 ? argv[i] + 2 : "";
        const char *equals = strchr(key, '=');
        struct span name = {key, equals == NULL ? strlen(key) : (size_t)(equals - key)};
        size_t row = row_of(name);
        const char *expected, *value;

        if (row == TABLE_COUNT) {
            snprintf(why, OPTIONS_WHY_BYTES, "%.64s: there is no such option, see --help", argv[i]);
            return RC_CONFIG;
        }
        if (equals != NULL)
            value = equals + 1;
        else if (TABLE[row].type == OPTION_FLAG)
            value = "yes";
        else if (i + 1 < argc)
            value = argv[++i];
        else {
            snprintf(why, OPTIONS_WHY_BYTES, "--%s: expected %s behind it", TABLE[row].key,
                     TABLE[row].argument);
            return RC_CONFIG;
        }
        if (TABLE[row].type != OPTION_ADDRESS)
            source.lines[row] = 0; /* the last one counts */
        expected = give(&source, row, value, 1);
        if (expected != NULL) {
            snprintf(why, OPTIONS_WHY_BYTES, "--%s %.256s: expected %s", TABLE[row].key, value,
                     expected);
            return RC_CONFIG;
        }
    }
    return RC_OK;
}

/* The whole */

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

static enum rc finish(struct options *options, char *why)
{
    const bool are_local = options_are_local(options);

    if (options->metrics[0] != '\0') {
        snprintf(why, OPTIONS_WHY_BYTES, "metrics: this build has no metrics page, leave it out");
        return RC_CONFIG;
    }
    if (options->is_insecure && !are_local) {
        snprintf(why, OPTIONS_WHY_BYTES,
                 "insecure: refused, since an address in bind is neither loopback nor ipc");
        return RC_CONFIG;
    }
    if (options->registration == REGISTRATION_AUTO)
        options->registration = are_local ? REGISTRATION_OPEN : REGISTRATION_INVITE;
    options->limits.registration = (enum registration)options->registration;
    return find_data(options, why);
}

enum rc options_parse(struct options *ret, int argc, char *const *argv,
                      char why[static OPTIONS_WHY_BYTES])
{
    struct options options = {0};
    struct options given;
    enum rc rc;

    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (TABLE[i].initial != NULL && set(&options, &TABLE[i], TABLE[i].initial) != NULL)
            return RC_CONFIG; /* a test reads every row */
    }
    given = options; /* a first pass, for --config and --help */
    rc = take_arguments(&given, argc, argv, why);
    if (rc != RC_OK)
        return rc;
    if (given.is_help || given.is_version) {
        *ret = given;
        return RC_OK;
    }
    memcpy(options.config, given.config, sizeof(options.config));
    if (options.config[0] != '\0')
        rc = read_file(&options, why);
    if (rc == RC_OK)
        rc = take_arguments(&options, argc, argv, why);
    if (rc == RC_OK)
        rc = finish(&options, why);
    if (rc == RC_OK)
        *ret = options;
    return rc;
}

/* Out */

/* The value as it would stand in the file; of an address list the index-th one. Empty: none. */
static void format(const struct options *options, const struct option_row *row, size_t index,
                   char buf[static PATH_BYTES_MAX])
{
    const char *member = (const char *)options + row->offset;
    uint32_t number = 0;
    struct span choice;

    buf[0] = '\0';
    if (row->type == OPTION_ADDRESS) {
        if (index < options->bind_count)
            snprintf(buf, PATH_BYTES_MAX, "%s%s", options->bind[index].is_ipc ? "ipc://" : "",
                     options->bind[index].host);
        return;
    }
    if (index > 0)
        return;
    if (row->type == OPTION_TEXT) {
        snprintf(buf, PATH_BYTES_MAX, "%s", member);
        return;
    }
    memcpy(&number, member, sizeof(number));
    choice = row->type == OPTION_CHOICE ? choice_at(row->choices, number) : SPAN("");
    if (row->type == OPTION_CHOICE)
        snprintf(buf, PATH_BYTES_MAX, "%.*s", (int)choice.len, choice.ptr);
    else if (row->type == OPTION_FLAG)
        snprintf(buf, PATH_BYTES_MAX, "%s", number ? "yes" : "no");
    else
        snprintf(buf, PATH_BYTES_MAX, "%u", number);
}

void options_print(const struct options *self, FILE *out)
{
    char value[PATH_BYTES_MAX];

    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (TABLE[i].is_command)
            continue;
        for (size_t n = 0; format(self, &TABLE[i], n, value), value[0] != '\0'; n++)
            /* Behind a space a `#` would begin a comment. */
            fprintf(out, "%s =%s%s\n", TABLE[i].key, value[0] == '#' ? "" : " ", value);
    }
}

void options_help(FILE *out)
{
    fputs("Usage: zchat-broker [OPTION]...\n"
          "The zchat broker: keeps people, rooms and every message.\n\n",
          out);
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const struct option_row *row = &TABLE[i];
        char name[64];

        snprintf(name, sizeof(name), "--%s%s%s", row->key, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        fprintf(out, "  %-24s %s", name, row->help);
        if (row->initial != NULL)
            fprintf(out, " (default %s)", row->initial);
        fputc('\n', out);
    }
    fputs("\nFILE may hold all of these but config, check-config, print-config, help and version.\n"
          "SIGTERM, SIGINT: stop. SIGHUP: read FILE again. SIGUSR1: open the log anew.\n"
          "Exit: 0 stopped, 1 failed, 2 usage or configuration.\n",
          out);
}

size_t options_reload(struct options *self, const struct options *fresh,
                      char ret_keys[static OPTIONS_WHY_BYTES])
{
    size_t count = 0, len = 0;

    ret_keys[0] = '\0';
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const struct option_row *row = &TABLE[i];
        bool is_equal = true;
        char ours[PATH_BYTES_MAX], theirs[PATH_BYTES_MAX];

        for (size_t n = 0; n < BIND_MAX; n++) {
            format(self, row, n, ours);
            format(fresh, row, n, theirs);
            is_equal = is_equal && strcmp(ours, theirs) == 0;
        }
        if (is_equal)
            continue;
        if (row->is_reloadable) {
            memcpy((char *)self + row->offset, (const char *)fresh + row->offset,
                   row->type == OPTION_TEXT ? PATH_BYTES_MAX : sizeof(uint32_t));
            continue;
        }
        count++;
        len += (size_t)snprintf(ret_keys + len, OPTIONS_WHY_BYTES - len, "%s%s", len > 0 ? " " : "",
                                row->key);
    }
    return count;
}
