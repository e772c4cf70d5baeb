/* Which brokers a handle may go to, and what is kept of them. */
#include "client/lib/net/roster.h"

#include "client/lib/net/known.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define KEY_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define A     "zchat://a:5670?key=" KEY_A
#define B     "zchat://b:5670?key=" KEY_B
#define C     "zchat://c:5670?key=" KEY_C
#define CHAT  UINT64_C(0x7edcba9876543210)

struct fixture {
    struct folder folder;
    struct home home;
    struct choice choice;
    struct roster roster;
    struct model *model;
    struct why why;
    char text[BROKERS_BYTES_MAX + 1];
};

static int set_up(void **state)
{
    const struct model_options options = {.nick = "alice", .limits = MODEL_LIMITS_DEFAULTS};
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    if (f == NULL || !folder_open(&f->folder))
        return -1;
    setenv("XDG_STATE_HOME", f->folder.path, 1);
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("ZCHAT_BROKER");
    f->model = model_new(&options);
    return home_open(f->folder.path, &f->home, &f->why) == RC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    model_destroy(&f->model);
    folder_close(&f->folder);
    free(f);
    return 0;
}

static void open_with(struct fixture *f, const char *given)
{
    assert_int_equal(choice_broker(&f->home, given, &f->choice, &f->why), RC_OK);
    roster_open(&f->roster, &f->home, &f->choice);
    roster_begin(&f->roster, f->model);
}

static void learn(struct fixture *f, uint64_t chat, const char *brokers)
{
    struct message welcome = {.verb = VERB_WELCOME};

    if (chat != 0)
        message_set(&welcome, CHAT, chat, chat);
    if (brokers != NULL)
        message_set(&welcome, BROKERS, brokers, span_of(brokers));
    roster_learn(&f->roster, f->model, &welcome);
}

static void assert_brokers(struct fixture *f, const char *want)
{
    assert_int_equal(url_list_format(&f->roster.all, f->text), RC_OK);
    assert_string_equal(f->text, want);
}

static void those_that_are_given_and_told_are_gone_to_the_one_in_use_first(void **state)
{
    struct fixture *f = *state;

    open_with(f, A "," B);
    assert_brokers(f, A " " B);
    f->roster.at = 1; /* as the model said */
    learn(f, CHAT, C " " A);
    assert_brokers(f, B " " A " " C);
    assert_int_equal(f->roster.at, 0);
    learn(f, CHAT, NULL); /* there are no others any more; what was given stays */
    assert_brokers(f, B " " A);
    learn(f, CHAT, "zchat://a b"); /* makes no sense */
    assert_brokers(f, B " " A);
}

static void over_an_encrypted_link_only_addresses_with_keys_are_taken_R64(void **state)
{
    struct fixture *f = *state;

    open_with(f, A);
    learn(f, CHAT, "zchat://127.0.0.1:1 zchat://far:1 " B);
    assert_brokers(f, A " " B);
    assert_int_equal(f->roster.all.count, 2);
}

static void without_encryption_only_this_machine_is_gone_to_R64(void **state)
{
    struct fixture *f = *state;

    open_with(f, "zchat://127.0.0.1:1");
    learn(f, CHAT, B " zchat://127.0.0.1:2 zchat://far:1 zchat+ipc:///run/zchat");
    assert_brokers(f, "zchat://127.0.0.1:1 zchat://127.0.0.1:2 zchat+ipc:///run/zchat");
}

static void an_address_that_is_known_by_another_key_is_passed_over_R64(void **state)
{
    struct fixture *f = *state;
    struct broker_url url;
    const char *why;

    assert_int_equal(broker_url_parse(SPAN("zchat://b:5670?key=" KEY_C), &url, &why), RC_OK);
    assert_int_equal(known_pin(&f->home, &url, &f->why), RC_OK);
    open_with(f, A);
    learn(f, CHAT, A " " B);
    assert_brokers(f, A);
    assert_int_equal(choice_broker(&f->home, A "," B, &f->choice, &f->why), RC_WRONG_BROKER);
}

static void told_invitations_are_nobodys(void **state)
{
    struct fixture *f = *state;

    open_with(f, A);
    learn(f, CHAT, B "&invite=00112233445566778899aabbccddeeff");
    assert_int_equal(f->roster.all.count, 2);
    assert_false(f->roster.all.item[1].has_invite);
}

static void what_was_learnt_is_known_to_the_next_run_at_whichever_broker(void **state)
{
    struct fixture *f = *state;
    char path[300];
    struct stat facts;

    open_with(f, A);
    learn(f, CHAT, A " " B);
    roster_keep(&f->roster);
    snprintf(path, sizeof(path), "%s/brokers/aaaaaaaaaaaaaaaa", f->folder.path);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);

    open_with(f, A);
    assert_brokers(f, A " " B);
    assert_true(f->roster.chat == CHAT);
    open_with(f, B);
    assert_brokers(f, B " " A);
    assert_true(f->roster.chat == CHAT);
    assert_int_equal(f->roster.named.key[0], 0xaa); /* outbox and places are where they were */
    learn(f, CHAT, B " " C);
    roster_keep(&f->roster);
    open_with(f, C);
    assert_brokers(f, C " " B);
    assert_int_equal(f->roster.named.key[0], 0xaa);
    open_with(f,
              "zchat://d:1?key=dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
    assert_int_equal(f->roster.all.count, 1);
    assert_true(f->roster.chat == 0);
}

static void nothing_is_kept_of_a_broker_that_is_alone(void **state)
{
    struct fixture *f = *state;
    char path[300];
    struct stat facts;

    open_with(f, A);
    learn(f, CHAT, A);
    roster_keep(&f->roster);
    snprintf(path, sizeof(path), "%s/brokers", f->folder.path);
    assert_int_equal(stat(path, &facts), -1);
}

static void a_file_that_makes_no_sense_is_like_none(void **state)
{
    static const char *const bad[] = {"",
                                      "chat 12\n",
                                      "chat 0000000000000001\nnamed nowhere\nbrokers " A " " B "\n",
                                      "chat 0000000000000001\nnamed " A "\nbrokers \n",
                                      "chat 0000000000000001\nnamed " A "\nbrokers " B " x\n",
                                      "chat 0000000000000001\nnamed " A "\nbrokers " B
                                      "\n" /* not of this broker */};
    struct fixture *f = *state;
    char path[300];

    snprintf(path, sizeof(path), "%s/brokers", f->folder.path);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/brokers/aaaaaaaaaaaaaaaa", f->folder.path);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(files_write(path, span_of(bad[i]), false), RC_OK);
        open_with(f, A);
        assert_brokers(f, A);
        assert_true(f->roster.chat == 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(those_that_are_given_and_told_are_gone_to_the_one_in_use_first),
        TEST(over_an_encrypted_link_only_addresses_with_keys_are_taken_R64),
        TEST(without_encryption_only_this_machine_is_gone_to_R64),
        TEST(an_address_that_is_known_by_another_key_is_passed_over_R64),
        TEST(told_invitations_are_nobodys),
        TEST(what_was_learnt_is_known_to_the_next_run_at_whichever_broker),
        TEST(nothing_is_kept_of_a_broker_that_is_alone),
        TEST(a_file_that_makes_no_sense_is_like_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
