#include "tests/support/check.h"
#include "tests/support/folder.h"

#include "client/lib/net/choice.h"
#include "client/lib/net/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_A "00000000000000000000000000000000000000000000000000000000000000aa"
#define KEY_B "00000000000000000000000000000000000000000000000000000000000000bb"
#define FAR   "zchat://chat.example.org:5670"
#define NEAR  "zchat://127.0.0.1:5670"

struct fixture {
    struct folder folder;
    struct home home;
    struct choice choice;
    struct why why;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    if (f == NULL || !folder_open(&f->folder))
        return -1;
    setenv("XDG_STATE_HOME", f->folder.path, 1);
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("ZCHAT_BROKER");
    unsetenv("ZCHAT_NICK");
    return home_open(f->folder.path, &f->home, &f->why) == RC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    folder_close(&f->folder);
    free(f);
    return 0;
}

static struct broker_url url_of(const char *text)
{
    struct broker_url url;
    const char *why = "";

    assert_int_equal(broker_url_parse(span_of(text), &url, &why), RC_OK);
    return url;
}

static void pin(struct fixture *f, const char *text)
{
    struct broker_url url = url_of(text);

    assert_int_equal(known_pin(&f->home, &url, &f->why), RC_OK);
}

/* As the broker of this user would. */
static void write_local(struct fixture *f, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/zchat-broker", f->folder.path);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/zchat-broker/broker.url", f->folder.path);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\n", text);
    fclose(file);
}

static void assert_key(const struct fixture *f, unsigned char last)
{
    assert_true(f->choice.url.has_key);
    assert_int_equal(f->choice.url.key[PUBLIC_KEY_BYTES - 1], last);
}

static void a_pin_is_found_again_and_replaced(void **state)
{
    struct fixture *f = *state;
    struct broker_url url = url_of(FAR);
    unsigned char key[PUBLIC_KEY_BYTES];

    assert_int_equal(known_find(&f->home, &url, key, &f->why), RC_END);
    pin(f, FAR "?key=" KEY_A);
    pin(f, NEAR "?key=" KEY_B);
    assert_int_equal(known_find(&f->home, &url, key, &f->why), RC_OK);
    assert_int_equal(key[31], 0xaa);
    pin(f, FAR "?key=" KEY_B);
    assert_int_equal(known_find(&f->home, &url, key, &f->why), RC_OK);
    assert_int_equal(key[31], 0xbb);
    url = url_of(NEAR);
    assert_int_equal(known_find(&f->home, &url, key, &f->why), RC_OK);
    url = url_of("zchat://chat.example.org:5672");
    assert_int_equal(known_find(&f->home, &url, key, &f->why), RC_END);
}

static void a_damaged_pin_is_an_error_and_never_trust(void **state)
{
    struct fixture *f = *state;
    char path[FILE_PATH_MAX];
    FILE *file;

    known_path(&f->home, path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("chat.example.org:5670 00aa\n", file);
    fclose(file);
    assert_int_equal(choice_broker(&f->home, FAR "?key=" KEY_A, &f->choice, &f->why), RC_SYSTEM);
    assert_non_null(strstr(f->why.text, "known_brokers"));
}

static void nothing_known_says_what_to_do(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(choice_broker(&f->home, NULL, &f->choice, &f->why), RC_UNREACHABLE);
    assert_non_null(strstr(f->why.text, "--broker"));
}

static void what_is_given_comes_before_what_was_used_before_the_local_one(void **state)
{
    struct fixture *f = *state;
    struct broker_url last = url_of("zchat://127.0.0.1:1001");

    write_local(f, "zchat://127.0.0.1:1000");
    assert_int_equal(choice_broker(&f->home, NULL, &f->choice, &f->why), RC_OK);
    assert_int_equal(f->choice.url.port, 1000);
    assert_int_equal(f->choice.source, CHOICE_LOCAL);
    home_remember_broker(&f->home, &last);
    assert_int_equal(choice_broker(&f->home, NULL, &f->choice, &f->why), RC_OK);
    assert_int_equal(f->choice.url.port, 1001);
    assert_int_equal(f->choice.source, CHOICE_LAST);
    setenv("ZCHAT_BROKER", "zchat://127.0.0.1:1002", 1);
    assert_int_equal(choice_broker(&f->home, NULL, &f->choice, &f->why), RC_OK);
    assert_int_equal(f->choice.url.port, 1002);
    assert_int_equal(choice_broker(&f->home, "zchat://127.0.0.1:1003", &f->choice, &f->why), RC_OK);
    assert_int_equal(f->choice.url.port, 1003);
    unsetenv("ZCHAT_BROKER");
}

static void a_new_address_is_to_be_pinned_and_a_known_one_not(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(choice_broker(&f->home, FAR "?key=" KEY_A, &f->choice, &f->why), RC_OK);
    assert_true(f->choice.is_new_key);
    pin(f, FAR "?key=" KEY_A);
    assert_int_equal(choice_broker(&f->home, FAR "?key=" KEY_A, &f->choice, &f->why), RC_OK);
    assert_false(f->choice.is_new_key);
}

static void R4_a_known_address_with_another_key_stops_with_both_fingerprints(void **state)
{
    struct fixture *f = *state;
    struct broker_url a = url_of(FAR "?key=" KEY_A), b = url_of(FAR "?key=" KEY_B);
    char print_a[40], print_b[40], words_a[KEY_WORDS_BYTES], words_b[KEY_WORDS_BYTES];

    pin(f, FAR "?key=" KEY_A);
    assert_int_equal(choice_broker(&f->home, FAR "?key=" KEY_B, &f->choice, &f->why),
                     RC_WRONG_BROKER);
    key_fingerprint(a.key, print_a);
    key_fingerprint(b.key, print_b);
    assert_non_null(strstr(f->why.text, print_a));
    assert_non_null(strstr(f->why.text, print_b));
    key_words(a.key, words_a); /* easier to read out */
    key_words(b.key, words_b);
    assert_non_null(strstr(f->why.text, words_a));
    assert_non_null(strstr(f->why.text, words_b));
}

static void an_address_without_a_key_gets_the_known_one(void **state)
{
    struct fixture *f = *state;

    pin(f, FAR "?key=" KEY_A);
    assert_int_equal(choice_broker(&f->home, FAR, &f->choice, &f->why), RC_OK);
    assert_key(f, 0xaa);
}

static void a_far_address_without_any_key_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(choice_broker(&f->home, FAR, &f->choice, &f->why), RC_BAD_URL);
    assert_int_equal(choice_broker(&f->home, NEAR, &f->choice, &f->why), RC_OK);
    assert_false(f->choice.url.has_key);
}

static void the_local_file_is_the_truth_about_its_own_address(void **state)
{
    struct fixture *f = *state;
    struct broker_url last = url_of(NEAR "?key=" KEY_A);

    pin(f, NEAR "?key=" KEY_A);
    home_remember_broker(&f->home, &last);
    write_local(f, NEAR "?key=" KEY_B);
    assert_int_equal(choice_broker(&f->home, NULL, &f->choice, &f->why), RC_OK);
    assert_key(f, 0xbb);
    assert_true(f->choice.is_new_key);
    assert_int_equal(choice_broker(&f->home, NEAR "?key=" KEY_B, &f->choice, &f->why), RC_OK);
    assert_key(f, 0xbb);
    assert_int_equal(choice_broker(&f->home, NEAR, &f->choice, &f->why), RC_OK);
    assert_key(f, 0xbb);
}

static void the_local_file_says_nothing_about_other_addresses(void **state)
{
    struct fixture *f = *state;

    pin(f, FAR "?key=" KEY_A);
    write_local(f, NEAR "?key=" KEY_B);
    assert_int_equal(choice_broker(&f->home, FAR "?key=" KEY_B, &f->choice, &f->why),
                     RC_WRONG_BROKER);
}

static void a_bad_address_is_shown_without_its_control_characters(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(choice_broker(&f->home, "http://\x1b[2J", &f->choice, &f->why), RC_BAD_URL);
    assert_null(strchr(f->why.text, '\x1b'));
}

#define TOKEN  "00112233445566778899aabbccddeeff"
#define INVITE FAR "?key=" KEY_A "&invite=" TOKEN "&nick=dora"

static void put_file(struct fixture *f, const char *text, mode_t mode, char path[static 4096])
{
    FILE *file;

    snprintf(path, 4096, "@%s/address", f->folder.path);
    file = fopen(path + 1, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path + 1, mode), 0);
}

static void an_invitation_is_an_address_and_nothing_of_it_is_remembered(void **state)
{
    struct fixture *f = *state;
    struct broker_url last;

    assert_int_equal(choice_broker(&f->home, INVITE, &f->choice, &f->why), RC_OK);
    assert_true(f->choice.url.has_invite);
    assert_string_equal(f->choice.url.nick, "dora");
    home_remember_broker(&f->home, &f->choice.url);
    assert_int_equal(known_pin(&f->home, &f->choice.url, &f->why), RC_OK);
    assert_int_equal(home_last_broker(&f->home, &last), RC_OK);
    assert_false(last.has_invite);
    assert_string_equal(last.host, "chat.example.org");
}

static void a_bad_invitation_is_shown_without_its_token(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(choice_broker(&f->home, "zchat://h?invite=" TOKEN "0", &f->choice, &f->why),
                     RC_BAD_URL);
    assert_null(strstr(f->why.text, "0011"));
    assert_non_null(strstr(f->why.text, "zchat://h?invite=..."));
}

static void an_address_may_stand_in_a_file_that_is_private_when_it_holds_a_secret(void **state)
{
    struct fixture *f = *state;
    char path[4096];

    put_file(f, FAR "?key=" KEY_A "\nmore\n", 0644, path);
    assert_int_equal(choice_broker(&f->home, path, &f->choice, &f->why), RC_OK);
    assert_string_equal(f->choice.url.host, "chat.example.org");
    assert_int_equal(f->choice.source, CHOICE_GIVEN);
    put_file(f, INVITE "\n", 0644, path);
    assert_int_equal(choice_broker(&f->home, path, &f->choice, &f->why), RC_SYSTEM);
    assert_non_null(strstr(f->why.text, path + 1));
    assert_null(strstr(f->why.text, TOKEN));
    put_file(f, INVITE "\n", 0600, path);
    setenv("ZCHAT_BROKER", path, 1);
    assert_int_equal(choice_broker(&f->home, NULL, &f->choice, &f->why), RC_OK);
    unsetenv("ZCHAT_BROKER");
    assert_true(f->choice.url.has_invite);
    assert_int_equal(choice_broker(&f->home, "@/nowhere/x", &f->choice, &f->why), RC_SYSTEM);
    assert_non_null(strstr(f->why.text, "/nowhere/x"));
}

static void the_nick_is_given_or_from_the_environment_or_the_last_one(void **state)
{
    struct fixture *f = *state;
    struct name nick;

    assert_int_equal(choice_nick(&f->home, "@Bob", &nick, &f->why), RC_OK);
    assert_string_equal(nick.text, "bob");
    home_remember_nick(&f->home, &nick);
    assert_int_equal(choice_nick(&f->home, NULL, &nick, &f->why), RC_OK);
    assert_string_equal(nick.text, "bob");
    setenv("ZCHAT_NICK", "carol", 1);
    assert_int_equal(choice_nick(&f->home, NULL, &nick, &f->why), RC_OK);
    assert_string_equal(nick.text, "carol");
    unsetenv("ZCHAT_NICK");
    assert_int_equal(choice_nick(&f->home, "no body", &nick, &f->why), RC_BAD_NAME);
    assert_non_null(strstr(f->why.text, "no body"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_pin_is_found_again_and_replaced),
        TEST(a_damaged_pin_is_an_error_and_never_trust),
        TEST(nothing_known_says_what_to_do),
        TEST(what_is_given_comes_before_what_was_used_before_the_local_one),
        TEST(a_new_address_is_to_be_pinned_and_a_known_one_not),
        TEST(R4_a_known_address_with_another_key_stops_with_both_fingerprints),
        TEST(an_address_without_a_key_gets_the_known_one),
        TEST(a_far_address_without_any_key_is_refused),
        TEST(the_local_file_is_the_truth_about_its_own_address),
        TEST(the_local_file_says_nothing_about_other_addresses),
        TEST(a_bad_address_is_shown_without_its_control_characters),
        TEST(an_invitation_is_an_address_and_nothing_of_it_is_remembered),
        TEST(a_bad_invitation_is_shown_without_its_token),
        TEST(an_address_may_stand_in_a_file_that_is_private_when_it_holds_a_secret),
        TEST(the_nick_is_given_or_from_the_environment_or_the_last_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
