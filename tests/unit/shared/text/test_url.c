#include "shared/text/url.h"
#include "tests/support/check.h"

#define KEY "00112233445566778899aabbccddeeff0123456789ABCDEF0123456789abcdef"

static struct broker_url parsed(const char *text)
{
    struct broker_url url;
    const char *why = "";
    const enum rc rc = broker_url_parse(span_of(text), &url, &why);

    if (rc != RC_OK)
        fail_msg("%s: %s", text, why);
    return url;
}

/* Refused, for a reason that holds these words. */
static void refused(const char *text, const char *reason)
{
    struct broker_url url, before;
    const char *why = NULL;

    memset(&url, 0x5A, sizeof url);
    memcpy(&before, &url, sizeof url);
    assert_int_equal(broker_url_parse(span_of(text), &url, &why), RC_BAD_URL);
    assert_memory_equal(&url, &before, sizeof url);
    assert_non_null(why);
    if (strstr(why, reason) == NULL)
        fail_msg("%s: refused with \"%s\", not with \"%s\"", text, why, reason);
}

static void a_full_address_is_read(void **state)
{
    const struct broker_url url = parsed("zchat://chat.example.org:6000?key=" KEY);
    unsigned char key[PUBLIC_KEY_BYTES];

    (void)state;
    assert_int_equal(hex_decode(SPAN(KEY), key, sizeof key), RC_OK);
    assert_string_equal(url.host, "chat.example.org");
    assert_int_equal(url.port, 6000);
    assert_false(url.is_ipc);
    assert_true(url.has_key);
    assert_memory_equal(url.key, key, sizeof key);
}

static void port_and_key_may_be_missing(void **state)
{
    const struct broker_url url = parsed("zchat://Broker");

    (void)state;
    assert_string_equal(url.host, "broker"); /* hosts are compared in lower case */
    assert_int_equal(url.port, DEFAULT_PORT);
    assert_false(url.has_key);
}

static void hosts_may_be_ipv4_and_bracketed_ipv6(void **state)
{
    (void)state;
    assert_string_equal(parsed("zchat://192.168.0.1:1").host, "192.168.0.1");
    assert_string_equal(parsed("zchat://[2001:DB8::1]:65534").host, "[2001:db8::1]");
    assert_int_equal(parsed("zchat://[::1]:65534").port, 65534);
    assert_int_equal(parsed("zchat://[::1]").port, DEFAULT_PORT);
    assert_int_equal(parsed("ZCHAT://[::1]/?key=" KEY).port, DEFAULT_PORT);
}

static void an_ipc_address_is_a_path(void **state)
{
    const struct broker_url url = parsed("zchat+ipc:///run/zchat/a%3Fb%20c?key=" KEY);

    (void)state;
    assert_true(url.is_ipc);
    assert_true(url.has_key);
    assert_int_equal(url.port, 0);
    assert_string_equal(url.host, "/run/zchat/a?b c");
}

static void what_later_versions_add_is_skipped(void **state)
{
    const struct broker_url url = parsed("zchat://h?via=x%20y&key=" KEY "&role=owner&role=");

    (void)state;
    assert_true(url.has_key);
}

#define TOKEN "00112233445566778899aabbccddeeff"

static void an_invitation_is_an_address_with_a_token_and_perhaps_a_nick(void **state)
{
    struct broker_url url = parsed("zchat://h?key=" KEY "&invite=" TOKEN "&nick=%42ob");

    (void)state;
    assert_true(url.has_invite);
    assert_int_equal(url.invite[1], 0x11);
    assert_int_equal(url.invite[15], 0xff);
    assert_string_equal(url.nick, "bob"); /* canonical */
    url = parsed("zchat://h?key=" KEY "&invite=" TOKEN);
    assert_true(url.has_invite);
    assert_string_equal(url.nick, "");
    url = parsed("zchat://h?key=" KEY "&nick=bob"); /* it is the invitation's alone */
    assert_false(url.has_invite);
    assert_string_equal(url.nick, "");
    refused("zchat://h?invite=" TOKEN "0", "32 hexadecimal");
    refused("zchat://h?invite=" TOKEN "&invite=" TOKEN, "invitation stands there twice");
    refused("zchat://h?invite=" TOKEN "&nick=a&nick=b", "nick stands there twice");
    refused("zchat://h?invite=" TOKEN "&nick=", "nick of an invitation");
    refused("zchat://h?invite=" TOKEN "&nick=a%20b", "nick of an invitation");
    refused("zchat://h?invite=" TOKEN "&nick=a%0", "nick of an invitation");
    refused("zchat://h?invite=" TOKEN "&nick=a%00", "nick of an invitation");
}

static void a_stripped_address_holds_nothing_of_the_invitation(void **state)
{
    static const unsigned char zero[INVITE_BYTES];
    struct broker_url url = parsed("zchat://h:1?key=" KEY "&invite=" TOKEN "&nick=bob");
    char text[URL_BYTES_MAX];

    (void)state;
    broker_url_strip_invite(&url);
    assert_memory_equal(url.invite, zero, sizeof zero);
    broker_url_format(&url, text);
    assert_null(strstr(text, "invite"));
    assert_null(strstr(text, "nick"));
    assert_non_null(strstr(text, "?key="));
}

static void the_longest_invitation_can_be_written(void **state)
{
    char host[254], text[URL_BYTES_MAX], given[URL_BYTES_MAX], nick[NAME_BYTES_MAX + 1] = "";
    struct broker_url url, again;

    (void)state;
    memset(host, 'a', sizeof host);
    for (size_t i = 63; i < sizeof host - 1; i += 64)
        host[i] = '.';
    host[sizeof host - 1] = '\0';
    for (size_t i = 0; i < NAME_CHARS_MAX; i++) /* U+20000: four bytes each */
        memcpy(nick + 4 * i, "\xF0\xA0\x80\x80", 5);
    snprintf(given, sizeof given, "zchat://%s:65534?key=" KEY "&invite=" TOKEN "&nick=%s", host,
             nick);
    url = parsed(given);
    assert_string_equal(url.nick, nick);
    broker_url_format(&url, text);
    again = parsed(text);
    assert_string_equal(again.nick, nick);
}

static void every_byte_has_a_word_of_its_own(void **state)
{
    unsigned char key[PUBLIC_KEY_BYTES] = {0};
    char text[KEY_WORDS_BYTES], again[KEY_WORDS_BYTES];
    const char *found[256] = {0};
    char kept[256][9];
    size_t count = 0;

    (void)state;
    /* Words of many keys: all 256 come up, each 3 to 8 letters, each once. */
    for (unsigned n = 0; n < 2000; n++) {
        char *rest = NULL;
        size_t words = 0;

        memcpy(key, &n, sizeof n);
        key_words(key, text);
        key_words(key, again);
        assert_string_equal(text, again);
        for (char *word = strtok_r(text, " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest)) {
            size_t i = 0;

            words++;
            assert_in_range(strlen(word), 3, 8);
            assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz"), strlen(word));
            while (i < count && strcmp(found[i], word) != 0)
                i++;
            if (i == count) {
                assert_true(count < 256);
                snprintf(kept[count], sizeof kept[count], "%s", word);
                found[count] = kept[count];
                count++;
            }
        }
        assert_int_equal(words, 12);
    }
    assert_int_equal(count, 256);
}

static void the_words_of_a_key_stand_for_ever(void **state)
{
    unsigned char key[PUBLIC_KEY_BYTES];
    char text[KEY_WORDS_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)i;
    key_words(key, text);
    assert_string_equal(
        text, "saturn coffee flute guitar yogurt cactus lagoon anchor olive grape vitamin nickel");
}

static void every_bad_address_says_what_was_wrong(void **state)
{
    (void)state;
    refused("", "begins with zchat://");
    refused("http://host", "begins with zchat://");
    refused("zchat:/host", "begins with zchat://");
    refused("zchat://", "no host");
    refused("zchat://:5670", "no host");
    refused("zchat://a b", "no spaces");
    refused("zchat://a\n", "no control");
    refused("zchat://a..b", "each part of a host");
    refused("zchat://-a", "each part of a host");
    refused("zchat://a;b", "a host is a name");
    refused("zchat://me@host", "a host is a name");
    refused("zchat://h\xC3\xB6st", "a host is a name");
    refused("zchat://host/path", "a host is a name");
    refused("zchat://1.2.3", "four numbers");
    refused("zchat://1.2.3.256", "four numbers");
    refused("zchat://::1", "stands in [ ]");
    refused("zchat://[::1", "] behind");
    refused("zchat://[::g]", "IPv6 address was expected");
    refused("zchat://[::1]5", "only :PORT");
    refused("zchat://h:", "from 1 to 65534");
    refused("zchat://h:0", "from 1 to 65534");
    refused("zchat://h:65535", "from 1 to 65534");
    refused("zchat://h:+1", "from 1 to 65534");
    refused("zchat://h:000001", "from 1 to 65534");
    refused("zchat://h?", "NAME=VALUE");
    refused("zchat://h?" KEY, "NAME=VALUE");
    refused("zchat://h?key=" KEY "&", "NAME=VALUE");
    refused("zchat://h?key=" KEY "&key=" KEY, "twice");
    refused("zchat://h?key=", "64 hexadecimal");
    refused("zchat://h?key=" KEY "0", "64 hexadecimal");
    refused("zchat://h?key=x" KEY, "64 hexadecimal");
    refused("zchat+ipc://", "absolute path");
    refused("zchat+ipc:///", "absolute path");
    refused("zchat+ipc://run/x", "absolute path");
    refused("zchat+ipc:///a%00", "% stands before");
    refused("zchat+ipc:///a%4", "% stands before");
}

static void limits_are_kept_to_the_byte(void **state)
{
    char text[URL_BYTES_MAX + 1];
    char label[65], path[105];

    (void)state;
    memset(label, 'a', sizeof label);
    label[63] = '\0';
    snprintf(text, sizeof text, "zchat://%s", label);
    parsed(text);
    snprintf(text, sizeof text, "zchat://%sa", label);
    refused(text, "1 to 63");
    snprintf(text, sizeof text, "zchat://%s.%s.%s.%.61s", label, label, label, label);
    parsed(text);
    snprintf(text, sizeof text, "zchat://%s.%s.%s.%.62s", label, label, label, label);
    refused(text, "253");
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[103] = '\0';
    snprintf(text, sizeof text, "zchat+ipc://%s", path);
    parsed(text);
    snprintf(text, sizeof text, "zchat+ipc://%sp", path);
    refused(text, "103");
    snprintf(text, sizeof text, "zchat://h?x=%01012d", 0);
    refused(text, "longer than 1023");
    text[1023] = '\0';
    parsed(text);
}

static void what_is_formatted_reads_the_same(void **state)
{
    static const char *const texts[] = {
        "zchat://host:5670",
        "zchat://host:5670?key=" KEY "&invite=00112233445566778899aabbccddeeff",
        "zchat+ipc:///run/x?invite=00112233445566778899aabbccddeeff&nick=b-o_b",
        "zchat://127.0.0.1:1?key=" KEY,
        "zchat://[2001:db8::1]:65534?key=" KEY,
        "zchat+ipc:///run/a%3fb%25%20c%23?key=" KEY,
        "zchat+ipc:///tmp/小明.sock",
    };
    char text[URL_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct broker_url first = parsed(texts[i]);

        broker_url_format(&first, text);
        assert_int_equal(strcasecmp(text, texts[i]), 0);
        const struct broker_url second = parsed(text);
        assert_memory_equal(&first, &second, sizeof first);
    }
}

static void broadcasts_are_next_to_commands(void **state)
{
    char commands[URL_BYTES_MAX], broadcasts[URL_BYTES_MAX];
    struct broker_url url = parsed("zchat://[::1]:65534");

    (void)state;
    broker_url_endpoints(&url, commands, broadcasts);
    assert_string_equal(commands, "tcp://[::1]:65534");
    assert_string_equal(broadcasts, "tcp://[::1]:65535");
    url = parsed("zchat+ipc:///run/zchat");
    broker_url_endpoints(&url, commands, broadcasts);
    assert_string_equal(commands, "ipc:///run/zchat");
    assert_string_equal(broadcasts, "ipc:///run/zchat.pub");
}

static void only_this_machine_is_local(void **state)
{
    static const char *const local[] = {
        "zchat://127.0.0.1",         "zchat://127.255.3.4",          "zchat://[::1]",
        "zchat://[0:0:0:0:0:0:0:1]", "zchat://[::ffff:127.0.0.1]",   "zchat://localhost",
        "zchat://LOCALHOST:1",       "zchat+ipc:///run/zchat-broker"};
    static const char *const remote[] = {"zchat://128.0.0.1",  "zchat://10.127.0.1",
                                         "zchat://[::2]",      "zchat://[::ffff:128.0.0.1]",
                                         "zchat://localhosts", "zchat://127.example.org",
                                         "zchat://0.0.0.0",    "zchat://[::]"};
    struct broker_url url;

    (void)state;
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        url = parsed(local[i]);
        assert_true(broker_url_is_local(&url));
    }
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++) {
        url = parsed(remote[i]);
        assert_false(broker_url_is_local(&url));
    }
}

static void a_fingerprint_is_half_of_blake2b_256(void **state)
{
    unsigned char key[PUBLIC_KEY_BYTES];
    char text[40];

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)i;
    key_fingerprint(key, text);
    assert_string_equal(text, "cb2f 5160 fc1f 7e05 a55e f49d 340b 48da"); /* Python's hashlib */
}

static void hex_is_read_exactly_or_not_at_all(void **state)
{
    unsigned char bytes[2] = {1, 2};
    char text[5];

    (void)state;
    assert_int_equal(hex_decode(SPAN("0aF"), bytes, 2), RC_BAD_FIELD);
    assert_int_equal(hex_decode(SPAN("0aF900"), bytes, 2), RC_BAD_FIELD);
    assert_int_equal(hex_decode(SPAN("0aFg"), bytes, 2), RC_BAD_FIELD);
    assert_int_equal(hex_decode(SPAN("0a f"), bytes, 2), RC_BAD_FIELD);
    assert_int_equal(hex_decode(SPAN(""), bytes, 2), RC_BAD_FIELD);
    assert_int_equal(bytes[0], 1);
    assert_int_equal(bytes[1], 2);
    assert_int_equal(hex_decode(SPAN("0aF9"), bytes, 2), RC_OK);
    assert_int_equal(bytes[0], 0x0a);
    assert_int_equal(bytes[1], 0xf9);
    hex_encode(bytes, 2, text);
    assert_string_equal(text, "0af9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_address_is_read),
        cmocka_unit_test(port_and_key_may_be_missing),
        cmocka_unit_test(hosts_may_be_ipv4_and_bracketed_ipv6),
        cmocka_unit_test(an_ipc_address_is_a_path),
        cmocka_unit_test(what_later_versions_add_is_skipped),
        cmocka_unit_test(an_invitation_is_an_address_with_a_token_and_perhaps_a_nick),
        cmocka_unit_test(a_stripped_address_holds_nothing_of_the_invitation),
        cmocka_unit_test(the_longest_invitation_can_be_written),
        cmocka_unit_test(every_byte_has_a_word_of_its_own),
        cmocka_unit_test(the_words_of_a_key_stand_for_ever),
        cmocka_unit_test(every_bad_address_says_what_was_wrong),
        cmocka_unit_test(limits_are_kept_to_the_byte),
        cmocka_unit_test(what_is_formatted_reads_the_same),
        cmocka_unit_test(broadcasts_are_next_to_commands),
        cmocka_unit_test(only_this_machine_is_local),
        cmocka_unit_test(a_fingerprint_is_half_of_blake2b_256),
        cmocka_unit_test(hex_is_read_exactly_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
