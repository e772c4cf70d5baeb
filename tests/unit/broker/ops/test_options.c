#include "broker/ops/options.h"

#include "tests/support/check.h"

#include <sys/stat.h>

struct fixture {
    char folder[64];
    char file[128];
    struct options options;
    char why[OPTIONS_WHY_BYTES];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->folder, sizeof(f->folder), "/tmp/zchat-options-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->file, sizeof(f->file), "%s/broker.conf", f->folder);
    setenv("XDG_STATE_HOME", f->folder, 1);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->file);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

/* Parse the arguments up to a NULL. */
static enum rc parse(struct fixture *f, ...)
{
    const char *argv[16] = {"zchat-broker"};
    int argc = 1;
    va_list list;

    va_start(list, f);
    while (argc < 16 && (argv[argc] = va_arg(list, const char *)) != NULL)
        argc++;
    va_end(list);
    f->why[0] = '\0';
    return options_parse(&f->options, argc, (char *const *)argv, f->why);
}

static void write_file(struct fixture *f, const char *text)
{
    FILE *file = fopen(f->file, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void the_defaults_are_local_open_and_secure(void **state)
{
    struct fixture *f = *state;
    char data[128];

    assert_int_equal(parse(f, NULL), RC_OK);
    assert_int_equal(f->options.port, DEFAULT_PORT);
    assert_int_equal(f->options.bind_count, 1);
    assert_string_equal(f->options.bind[0].host, "127.0.0.1");
    assert_int_equal(f->options.limits.registration, REGISTRATION_OPEN);
    assert_int_equal(f->options.is_insecure, 0);
    assert_int_equal(f->options.io_threads, 2);
    assert_int_equal(f->options.log.level, LOG_LEVEL_INFO);
    snprintf(data, sizeof(data), "%s/zchat-broker", f->folder);
    assert_string_equal(f->options.data, data);
}

static void the_defaults_of_the_core_are_those_of_the_table(void **state)
{
    const struct core_limits limits = CORE_LIMITS_DEFAULTS;
    struct fixture *f = *state;

    assert_int_equal(parse(f, NULL), RC_OK);
    struct core_limits ours = f->options.limits; /* every row is there, and says the same */
    ours.registration = limits.registration;
    assert_memory_equal(&ours, &limits, sizeof(limits));
    assert_int_equal(f->options.limits.accounts_max, limits.accounts_max);
    assert_int_equal(f->options.limits.rooms_max, limits.rooms_max);
    assert_int_equal(f->options.limits.memberships_max, limits.memberships_max);
    assert_int_equal(f->options.limits.room_members_max, limits.room_members_max);
    assert_int_equal(f->options.limits.sessions_max, limits.sessions_max);
    assert_int_equal(f->options.limits.pending_max, limits.pending_max);
}

static void every_limit_that_is_counted_is_a_setting_of_that_name(void **state)
{
    const struct conf_row *table = options_schema()->row;
    const size_t count = options_schema()->count;

    (void)state;
    for (enum core_counter i = REFUSED_FIRST; i <= REFUSED_LAST_SETTING; i++) {
        const char *name = strchr(core_counter_name(i), '.') + 1;
        bool is_found = false;

        for (size_t row = 0; row < count; row++) {
            char key[64];

            snprintf(key, sizeof(key), "%s", table[row].key);
            for (char *at = key; *at != '\0'; at++)
                *at = *at == '-' ? '_' : *at;
            is_found = is_found || strcmp(key, name) == 0;
        }
        if (!is_found)
            fail_msg("there is no setting for %s", core_counter_name(i));
    }
}

static void the_command_line_outdoes_the_file(void **state)
{
    struct fixture *f = *state;

    write_file(f, "# a comment\n\n port = 7000 # here too\nbind = ::1\nbind=ipc:///tmp/x#y\n"
                  "log-level = debug\n");
    assert_int_equal(parse(f, "--config", f->file, "--port=7100", NULL), RC_OK);
    assert_int_equal(f->options.port, 7100);
    assert_int_equal(f->options.log.level, LOG_LEVEL_DEBUG);
    assert_int_equal(f->options.bind_count, 2);
    assert_string_equal(f->options.bind[0].host, "[::1]");
    assert_true(f->options.bind[1].is_ipc);
    assert_string_equal(f->options.bind[1].host, "/tmp/x#y");
    assert_int_equal(parse(f, "--config", f->file, "--bind", "localhost", NULL), RC_OK);
    assert_int_equal(f->options.bind_count, 1);
    assert_string_equal(f->options.bind[0].host, "127.0.0.1");
}

static void a_bad_line_is_named_with_file_line_key_and_expectation(void **state)
{
    struct fixture *f = *state;
    static const char *const BAD[][3] = {
        {"port = 5670\nport = banana\n", ":2: port = banana: expected it once", NULL},
        {"port = 65535\n", ":1: port = 65535: expected a number from 0 to 65534", NULL},
        {"port =\n", ":1: port = : expected a number", NULL},
        {"\n\nprot = 5\n", ":3: prot: there is no such key", NULL},
        {"hello\n", ":1: expected `key = value`", NULL},
        {"registration = all\n", ":1: registration = all: expected open|invite|closed", NULL},
        {"insecure = maybe\n", ":1: insecure = maybe: expected yes or no", NULL},
        {"bind = example.org\n", ":1: bind = example.org: expected an IPv4 or IPv6", NULL},
        {"bind = ipc://x\n", ":1: bind = ipc://x: expected ipc:// and an absolute path", NULL},
        {"help = yes\n", ":1: help: this belongs on the command line", NULL},
        {"data =\n", ":1: data = : expected 1 to 511 bytes", NULL},
    };

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        char expected[512];

        write_file(f, BAD[i][0]);
        assert_int_equal(parse(f, "--config", f->file, NULL), RC_CONFIG);
        snprintf(expected, sizeof(expected), "%s%s", f->file, BAD[i][1]);
        f->why[strlen(expected)] = '\0';
        assert_string_equal(f->why, expected);
    }
}

static void a_line_that_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    char *line = calloc(1, 5000);

    memset(line, 'x', 4998);
    write_file(f, line);
    free(line);
    assert_int_equal(parse(f, "--config", f->file, NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, ":1: expected a line"));
}

static void a_missing_file_is_a_usage_error(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "--config", "/nowhere/broker.conf", NULL), RC_CONFIG);
    assert_string_equal(f->why, "cannot read /nowhere/broker.conf: No such file or directory");
}

static void bad_arguments_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "--prot", "1", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "stray", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "-x", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "--", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "--port", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "--port", "-1", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "--port", "1x", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "--port", "99999999999999999999", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "--io-threads", "0", NULL), RC_CONFIG);
}

static void too_many_addresses_are_refused(void **state)
{
    struct fixture *f = *state;
    char text[1024] = "";
    size_t len = 0;

    for (int i = 0; i <= BIND_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "bind = 127.0.0.%d\n", i + 1);
    write_file(f, text);
    assert_int_equal(parse(f, "--config", f->file, NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "at most 16 addresses"));
}

static void insecure_is_for_loopback_and_ipc_only(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "--insecure", "--bind", "ipc:///tmp/z", NULL), RC_OK);
    assert_int_equal(parse(f, "--insecure", "--bind", "127.0.0.1", "--bind", "::1", NULL), RC_OK);
    assert_int_equal(parse(f, "--insecure", "--bind", "0.0.0.0", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "--insecure", "--bind", "127.0.0.1", "--bind", "192.0.2.1", NULL),
                     RC_CONFIG);
    assert_int_equal(parse(f, "--insecure", "--bind", "*", NULL), RC_CONFIG);
}

static void brokers_of_a_cluster_share_a_database_and_tell_each_other_at_a_port(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "--store", "@/etc/url", NULL), RC_OK);
    assert_int_equal(f->options.limits.others_max, 0);
    assert_int_equal(parse(f, "--store", "@/etc/url", "--cluster", "on", NULL), RC_OK);
    assert_int_equal(f->options.limits.others_max,
                     (CLUSTER_BROKERS_MAX - 1) * f->options.limits.pending_max);
    assert_int_equal(parse(f, "--cluster", "on", NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "name it with store"));
    assert_int_equal(parse(f, "--store", "@/etc/url", "--cluster", "on", "--cluster-bind",
                           "192.0.2.1:5680", "--cluster-address", "[2001:db8::1]", NULL),
                     RC_OK);
    assert_int_equal(parse(f, "--store", "@/etc/url", "--cluster-bind", "192.0.2.1:0", NULL),
                     RC_CONFIG);
    assert_non_null(strstr(f->why, "cannot be 0"));
    assert_int_equal(parse(f, "--store", "@/etc/url", "--cluster-bind", "somewhere:1", NULL),
                     RC_CONFIG);
    assert_non_null(strstr(f->why, "ADDRESS:PORT"));
    assert_int_equal(
        parse(f, "--store", "@/etc/url", "--cluster-bind", "127.0.0.1:1", "--insecure", NULL),
        RC_CONFIG);
    assert_non_null(strstr(f->why, "insecure"));
    assert_int_equal(parse(f, "--store", "@/etc/url", "--cluster-address", "host.example", NULL),
                     RC_CONFIG);
    assert_non_null(strstr(f->why, "is no address"));
}

static void a_database_is_named_by_a_url_and_has_no_folders_work(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "--store", "postgres://me@host/db", NULL), RC_OK);
    assert_int_equal(parse(f, "--store", "postgresql://host", "--require-replication", NULL),
                     RC_OK);
    assert_int_equal(parse(f, "--store", "@/etc/url", "--export", "#lobby", NULL), RC_OK);
    assert_int_equal(parse(f, "--store", "mysql://me@host/db", NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "postgres://USER@HOST/DATABASE"));
    assert_int_equal(parse(f, "--store", "@", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "--require-replication", NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "store"));
    assert_int_equal(parse(f, "--store", "@/etc/url", "--check-data", NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "pg_amcheck"));
    assert_int_equal(parse(f, "--store", "@/etc/url", "--restore", "/tmp/x", NULL), RC_CONFIG);
    assert_int_equal(parse(f, "--migrate", "@/etc/url", "--export", "#lobby", NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "one at a time"));
    assert_int_equal(parse(f, "--migrate", "/var/lib/other", NULL), RC_OK);
}

static void registration_is_by_invitation_when_others_can_reach_us(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "--bind", "0.0.0.0", NULL), RC_OK);
    assert_int_equal(f->options.limits.registration, REGISTRATION_INVITE);
    assert_int_equal(parse(f, "--bind", "0.0.0.0", "--registration", "open", NULL), RC_OK);
    assert_int_equal(f->options.limits.registration, REGISTRATION_OPEN);
    assert_int_equal(parse(f, "--registration", "closed", NULL), RC_OK);
    assert_int_equal(f->options.limits.registration, REGISTRATION_CLOSED);
}

static void a_metrics_page_beyond_loopback_needs_a_token(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "--metrics", "127.0.0.1:9670", NULL), RC_OK);
    assert_true(f->options.metrics_address.is_loopback);
    assert_int_equal(parse(f, "--metrics", "9670", NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "'9670'"));
    assert_int_equal(parse(f, "--metrics", "192.0.2.1:9670", NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "metrics-token-file"));
    assert_int_equal(
        parse(f, "--metrics", "192.0.2.1:9670", "--metrics-token-file", "/etc/token", NULL), RC_OK);
    assert_false(f->options.metrics_address.is_loopback);
}

static void help_needs_no_valid_rest(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "--help", "--config", "/nowhere", NULL), RC_OK);
    assert_int_equal(f->options.common.is_help, 1);
}

static void without_a_place_for_data_one_must_be_named(void **state)
{
    struct fixture *f = *state;
    char *home = getenv("HOME") != NULL ? strdup(getenv("HOME")) : NULL;

    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_int_equal(parse(f, NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "--data"));
    assert_int_equal(parse(f, "--data", "/srv/zchat", NULL), RC_OK);
    if (home != NULL)
        setenv("HOME", home, 1);
    free(home);
}

static void what_is_printed_can_be_read_again(void **state)
{
    struct fixture *f = *state;
    struct options first;
    FILE *file;
    struct conf_changes changes;

    assert_int_equal(parse(f, "--bind", "::1", "--bind", "ipc:///tmp/s", "--port", "0",
                           "--rooms-max", "12", "--log-file", "/tmp/l og", "--insecure", NULL),
                     RC_OK);
    first = f->options;
    file = fopen(f->file, "w");
    assert_non_null(file);
    options_print(&first, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(parse(f, "--config", f->file, NULL), RC_OK);
    snprintf(f->options.common.config, sizeof(f->options.common.config), "%s", first.common.config);
    options_reload(&first, &f->options, &changes);
    assert_int_equal(changes.taken + changes.kept, 0);
}

static void every_row_is_in_the_help_and_has_a_good_default(void **state)
{
    size_t size = 0;
    const struct conf_row *table = options_schema()->row;
    const size_t count = options_schema()->count;
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    options_help(out);
    assert_int_equal(fclose(out), 0);
    assert_true(count > 15);
    assert_null(conf_check_table(options_schema()));
    for (size_t i = 0; i < count; i++) {
        char name[64];

        snprintf(name, sizeof(name), "  --%s", table[i].key);
        assert_non_null(strstr(text, name));
        assert_true(table[i].help[0] != '\0');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(table[i].key, table[k].key);
    }
    free(text);
}

static void a_reload_takes_what_it_may_and_names_the_rest(void **state)
{
    struct fixture *f = *state;
    struct options running;
    struct conf_changes changes;

    assert_int_equal(parse(f, NULL), RC_OK);
    running = f->options;
    assert_int_equal(parse(f, "--log-level", "error", "--port", "1", "--bind", "::1", NULL), RC_OK);
    options_reload(&running, &f->options, &changes);
    assert_int_equal(changes.kept, 2);
    assert_string_equal(changes.kept_keys, "bind port");
    assert_int_equal(running.log.level, LOG_LEVEL_ERROR);
    assert_int_equal(running.port, DEFAULT_PORT);
}

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void brokers_are_told_as_one_list_without_repeats(void **state)
{
    struct fixture *f = *state;
    struct options running;
    struct conf_changes changes;

    assert_int_equal(parse(f, NULL), RC_OK);
    assert_string_equal(f->options.brokers_told, "");
    running = f->options;
    write_file(f, "brokers = zchat://A.example.org?key=" KEY_A ", zchat://b:6000?key=" KEY_B "\n"
                  "brokers = zchat://b:6000?key=" KEY_B "\n");
    assert_int_equal(parse(f, "--config", f->file, NULL), RC_OK);
    assert_string_equal(f->options.brokers_told,
                        "zchat://a.example.org:5670?key=" KEY_A " zchat://b:6000?key=" KEY_B);
    options_reload(&running, &f->options, &changes);
    assert_int_equal(changes.kept, 0);
    assert_string_equal(running.brokers_told, f->options.brokers_told);
}

static void a_broker_that_cannot_be_told_is_refused_by_file_and_line(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"brokers = zchat://a?key=" KEY_A ", b:6000\n", "begins with zchat://"},
        {"brokers = zchat://a?key=abc\n", "exactly 64"},
        {"brokers = zchat://a?key=" KEY_A "&invite=00112233445566778899aabbccddeeff\n",
         "without invitations"},
    };
    struct fixture *f = *state;
    char where[160];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_file(f, bad[i].text);
        assert_int_equal(parse(f, "--config", f->file, NULL), RC_CONFIG);
        snprintf(where, sizeof(where), "%s:1: brokers", f->file);
        assert_non_null(strstr(f->why, where));
        assert_non_null(strstr(f->why, bad[i].why));
    }
    assert_int_equal(parse(f, "--brokers", "zchat://a:1", NULL), RC_CONFIG);
    assert_string_equal(f->why,
                        "brokers: a:1: expected ?key=KEY behind it, as that broker printed it");
    assert_int_equal(parse(f, "--insecure", "--brokers", "zchat://localhost:1", NULL), RC_OK);
    assert_int_equal(parse(f, "--insecure", "--brokers", "zchat://a:1?key=" KEY_A, NULL),
                     RC_CONFIG);
}

static void more_brokers_than_travel_are_refused(void **state)
{
    struct fixture *f = *state;
    char text[4096] = "";
    size_t len = 0;

    for (int i = 0; i <= BROKERS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "brokers = zchat://host-%d?key=" KEY_A "\n", i);
    write_file(f, text);
    assert_int_equal(parse(f, "--config", f->file, NULL), RC_CONFIG);
    assert_non_null(strstr(f->why, "at most 16"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_defaults_are_local_open_and_secure),
        TEST(the_defaults_of_the_core_are_those_of_the_table),
        TEST(every_limit_that_is_counted_is_a_setting_of_that_name),
        TEST(the_command_line_outdoes_the_file),
        TEST(a_bad_line_is_named_with_file_line_key_and_expectation),
        TEST(a_line_that_is_too_long_is_refused),
        TEST(a_missing_file_is_a_usage_error),
        TEST(bad_arguments_are_refused),
        TEST(too_many_addresses_are_refused),
        TEST(insecure_is_for_loopback_and_ipc_only),
        TEST(brokers_of_a_cluster_share_a_database_and_tell_each_other_at_a_port),
        TEST(a_database_is_named_by_a_url_and_has_no_folders_work),
        TEST(registration_is_by_invitation_when_others_can_reach_us),
        TEST(a_metrics_page_beyond_loopback_needs_a_token),
        TEST(help_needs_no_valid_rest),
        TEST(without_a_place_for_data_one_must_be_named),
        TEST(what_is_printed_can_be_read_again),
        TEST(every_row_is_in_the_help_and_has_a_good_default),
        TEST(a_reload_takes_what_it_may_and_names_the_rest),
        TEST(brokers_are_told_as_one_list_without_repeats),
        TEST(a_broker_that_cannot_be_told_is_refused_by_file_and_line),
        TEST(more_brokers_than_travel_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
