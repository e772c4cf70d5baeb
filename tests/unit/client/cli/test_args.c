#include "tests/support/check.h"

#include "client/cli/args.h"
#include "client/cli/verbs.h"

#include <string.h>

#define WORDS_MAX 16

/* Read a command line; `words` ends with NULL. */
static enum rc parse(const char *const *words, struct args *ret, char why[static ARGS_WHY_BYTES])
{
    static char *argv[WORDS_MAX + 1];
    int argc = 1;

    argv[0] = (char *)(uintptr_t) "zchat";
    for (; words[argc - 1] != NULL && argc < WORDS_MAX; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    argv[argc] = NULL;
    why[0] = '\0';
    return args_parse(argc, argv, ret, why);
}

#define PARSE(args, why, ...) parse((const char *const[]){__VA_ARGS__, NULL}, args, why)

static void assert_refused(const char *const *words, const char *says)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    assert_int_equal(parse(words, &args, why), RC_CONFIG);
    if (strstr(why, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, says);
    args_fini(&args);
}

#define REFUSED(says, ...) assert_refused((const char *const[]){__VA_ARGS__, NULL}, says)

static void without_words_there_is_no_verb_and_ten_seconds(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(parse((const char *const[]){NULL}, &args, why), RC_OK);
    assert_null(args.verb);
    assert_int_equal(args.timeout_ms, 10000);
    assert_false(args.has_timeout);
    args_fini(&args);
}

static void options_stand_before_the_verb_behind_it_and_between_words(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(PARSE(&args, why, "--nick", "bob", "send", "--notice", "#lobby", "--json",
                           "hi", "there", "--timeout=2s"),
                     RC_OK);
    assert_string_equal(args.verb->name, "send");
    assert_string_equal(args.nick, "bob");
    assert_true(args.is_notice);
    assert_true(args.is_json);
    assert_int_equal(args.timeout_ms, 2000);
    assert_int_equal(args.word_count, 3);
    assert_string_equal(args.word[0], "#lobby");
    assert_string_equal(args.word[2], "there");
    args_fini(&args);
}

static void two_dashes_end_the_options_and_one_dash_is_a_word(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(PARSE(&args, why, "send", "#lobby", "--", "--json", "-5"), RC_OK);
    assert_false(args.is_json);
    assert_int_equal(args.word_count, 3);
    assert_string_equal(args.word[1], "--json");
    args_fini(&args);
    assert_int_equal(PARSE(&args, why, "send", "#lobby", "-"), RC_OK);
    assert_string_equal(args.word[1], "-");
    args_fini(&args);
}

static void a_short_option_may_carry_its_value(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(PARSE(&args, why, "tail", "-n5"), RC_OK);
    assert_true(args.has_last);
    assert_int_equal(args.last, 5);
    args_fini(&args);
    assert_int_equal(PARSE(&args, why, "history", "#lobby", "-n", "7", "--before", "18"), RC_OK);
    assert_int_equal(args.last, 7);
    assert_int_equal(args.before, 18);
    args_fini(&args);
}

static void a_session_is_sixteen_hex_digits(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(
        PARSE(&args, why, "send", "#a", "x", "--session", "9f3c000000000001", "--number", "4"),
        RC_OK);
    assert_true(args.session == UINT64_C(0x9f3c000000000001));
    assert_int_equal(args.number, 4);
    args_fini(&args);
    REFUSED("--session", "send", "#a", "x", "--session", "9f3c", "--number", "4");
    REFUSED("--session", "send", "#a", "x", "--session", "0000000000000000", "--number", "4");
    REFUSED("--number", "send", "#a", "x", "--session", "9f3c000000000001", "--number", "0");
    REFUSED("go together", "send", "#a", "x", "--session", "9f3c000000000001");
}

static void what_does_not_fit_is_refused_with_its_reason(void **state)
{
    (void)state;
    REFUSED("no option --jason", "who", "--jason");
    REFUSED("--nick needs a value", "who", "--nick");
    REFUSED("takes no value", "who", "--json=yes");
    REFUSED("--timeout", "who", "--timeout", "soon");
    REFUSED("--timeout", "who", "--timeout", "0");
    REFUSED("stored|delivered", "send", "#a", "--wait", "read");
    REFUSED("no verb shout", "shout");
    REFUSED("usage: zchat admin purge", "admin", "purge");
    REFUSED("usage: zchat join", "join");
    REFUSED("usage: zchat rooms", "rooms", "x");
    REFUSED("does not take", "who", "--lines");
    REFUSED("does not take", "--lines");
    REFUSED("does not take", "history", "#a", "--since", "all");
    REFUSED("leave TEXT away", "send", "#a", "--lines", "text");
    REFUSED("one of them", "tail", "-n", "3", "--since", "all");
    REFUSED("--since", "tail", "--since", "yesterday");
    REFUSED("--durable", "tail", "--durable", "");
}

static void verbs_of_two_words_are_one_verb_with_its_own_words(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(
        PARSE(&args, why, "room", "--json", "ban", "#lab", "bob", "--for", "90m", "spam", "again"),
        RC_OK);
    assert_string_equal(args.verb->name, "room ban");
    assert_string_equal(args.verb->what, "ban");
    assert_int_equal(args.for_s, 5400);
    assert_int_equal(args.word_count, 4);
    assert_string_equal(args.word[0], "#lab");
    args_fini(&args);
    assert_int_equal(PARSE(&args, why, "invite", "bob", "--role=operator", "--expires", "2d"),
                     RC_OK);
    assert_string_equal(args.role, "operator");
    assert_int_equal(args.expires_s, 172800);
    args_fini(&args);
    REFUSED("`zchat room --help`", "room");
    REFUSED("no verb room paint", "room", "paint", "#lab");
    REFUSED("no verb kick", "kick", "#lab", "bob");
    REFUSED("usage: zchat admin backup", "admin", "backup");
    REFUSED("zchat admin backup does not take", "admin", "backup", "one", "--before", "1d");
    REFUSED("usage: zchat room kick", "room", "kick", "#lab");
    REFUSED("usage: zchat device remove", "device", "remove");
    REFUSED("zchat room kick does not take", "room", "kick", "#lab", "bob", "--for", "1h");
}

static void roles_keys_and_times_of_invitations_and_bans_are_checked(void **state)
{
#define KEY64 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    REFUSED("member|operator|owner", "invite", "--role", "king");
    REFUSED("from 1m to 365d", "invite", "--expires", "59s");
    REFUSED("from 1m to 365d", "device", "add", "--expires", "366d");
    REFUSED("from 1s to 365d", "room", "mute", "#lab", "bob", "--for", "0");
    REFUSED("64 hexadecimal digits", "admin", "ban", "--key", "abcd");
    REFUSED("leave NICK away", "admin", "ban", "bob", "--key", KEY64);
    assert_int_equal(PARSE(&args, why, "room", "ban", "#lab", "--key", KEY64), RC_OK);
    assert_string_equal(args.key, KEY64);
    args_fini(&args);
}

static void help_asks_for_nothing_else(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(PARSE(&args, why, "join", "--help"), RC_OK);
    assert_true(args.is_help);
    assert_string_equal(args.verb->name, "join");
    args_fini(&args);
    assert_int_equal(PARSE(&args, why, "room", "-h"), RC_OK);
    assert_true(args.is_help);
    assert_null(args.verb);
    assert_string_equal(args.group->name, "room");
    args_fini(&args);
    assert_int_equal(PARSE(&args, why, "-h"), RC_OK);
    assert_true(args.is_help);
    args_fini(&args);
}

static void the_words_of_a_stranger_cannot_move_the_cursor(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(PARSE(&args, why, "\x1b[2J"), RC_CONFIG);
    assert_null(strchr(why, '\x1b'));
    args_fini(&args);
}

/* Every option of a verb stands in its help, and the help of the program names every verb. */
static void help_names_verbs_and_their_options(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    assert_non_null(out);
    verbs_help(out, NULL, NULL);
    verbs_help(out, verb_group("room"), NULL);
    verbs_help(out, NULL, verb_find(NULL, "send"));
    fclose(out);
    assert_non_null(strstr(text, "  admin "));
    assert_non_null(strstr(text, "usage: zchat room ACTION"));
    assert_non_null(strstr(text, "  kick       #room NICK [REASON]"));
    assert_null(strstr(text, "  users"));
    assert_non_null(strstr(text, "  tail "));
    assert_non_null(strstr(text, "usage: zchat send TARGET"));
    assert_non_null(strstr(strstr(text, "usage: zchat send"), "--notice"));
    assert_null(strstr(strstr(text, "usage: zchat send"), "--durable"));
    free(text);
}

static void exec_leaves_what_stands_behind_the_dashes_alone(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(PARSE(&args, why, "exec", "#lab", "--jobs", "4", "--limit", "5m", "--mention",
                           "--", "sh", "-c", "--json", "--"),
                     RC_OK);
    assert_int_equal(args.jobs, 4);
    assert_int_equal(args.limit_ms, 300000);
    assert_true(args.is_mention);
    assert_false(args.is_json);
    assert_int_equal(args.word_count, 5);
    assert_string_equal(args.word[3], "--json");
    assert_string_equal(args.word[4], "--");
    args_fini(&args);
    assert_int_equal(PARSE(&args, why, "exec", "#lab", "--", "true"), RC_OK);
    assert_int_equal(args.jobs, 1);
    assert_int_equal(args.limit_ms, 30000);
    args_fini(&args);
    REFUSED("usage: zchat exec", "exec", "#lab", "true");
    REFUSED("usage: zchat exec", "exec", "#lab", "--");
    REFUSED("usage: zchat exec", "exec", "--", "#lab", "true");
    REFUSED("--jobs takes a number from 1 to 64", "exec", "#lab", "--jobs", "65", "--", "true");
    REFUSED("--limit takes TIME", "exec", "#lab", "--limit", "0s", "--", "true");
}

static void a_format_is_checked_before_anything_is_asked(void **state)
{
    char why[ARGS_WHY_BYTES];
    struct args args;

    (void)state;
    assert_int_equal(PARSE(&args, why, "tail", "--format", "short", "--utc"), RC_OK);
    assert_string_equal(args.format, "%f: %m");
    assert_true(args.is_utc);
    args_fini(&args);
    REFUSED("%y stands for nothing", "tail", "--format", "%y");
    REFUSED("two forms", "history", "#lab", "--format", "%m", "--json");
    REFUSED("does not take one of these options", "send", "#lab", "x", "--format", "%m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_words_there_is_no_verb_and_ten_seconds),
        cmocka_unit_test(options_stand_before_the_verb_behind_it_and_between_words),
        cmocka_unit_test(two_dashes_end_the_options_and_one_dash_is_a_word),
        cmocka_unit_test(a_short_option_may_carry_its_value),
        cmocka_unit_test(a_session_is_sixteen_hex_digits),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_reason),
        cmocka_unit_test(verbs_of_two_words_are_one_verb_with_its_own_words),
        cmocka_unit_test(roles_keys_and_times_of_invitations_and_bans_are_checked),
        cmocka_unit_test(help_asks_for_nothing_else),
        cmocka_unit_test(the_words_of_a_stranger_cannot_move_the_cursor),
        cmocka_unit_test(help_names_verbs_and_their_options),
        cmocka_unit_test(exec_leaves_what_stands_behind_the_dashes_alone),
        cmocka_unit_test(a_format_is_checked_before_anything_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
