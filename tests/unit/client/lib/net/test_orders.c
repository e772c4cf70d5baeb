/* zchat_order() and its neighbours: what is checked before anything is asked. No broker is needed. */
#include "tests/support/check.h"
#include "tests/support/folder.h"

#include "client/lib/zchat.h"
#include "shared/base/rc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY    "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"
#define TOKEN  "00112233445566778899aabbccddeeff"
#define BROKER "zchat://127.0.0.1:1?key=" KEY

struct fixture {
    struct folder folder;
    struct zchat *chat;
};

static void open_chat(struct fixture *f, const char *broker, const char *nick)
{
    const struct zchat_options options = {
        .broker = broker, .nick = nick, .home = f->folder.path, .keeps_outbox = true};
    const char *why = "";

    if (zchat_open(&options, &f->chat, &why) != RC_OK)
        fail_msg("%s", why);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    if (f == NULL || !folder_open(&f->folder))
        return -1;
    unsetenv("ZCHAT_BROKER");
    unsetenv("ZCHAT_NICK");
    unsetenv("XDG_RUNTIME_DIR");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    zchat_close(&f->chat);
    folder_close(&f->folder);
    free(f);
    return 0;
}

static void every_order_wants_its_parts_and_no_others(void **state)
{
    static const struct {
        struct zchat_order order;
        enum rc rc;
    } rows[] = {
        {{.what = "topic", .room = "#lab", .text = "cats"}, RC_OK},
        {{.what = "topic", .room = "#lab"}, RC_OK}, /* cleared */
        {{.what = "topic", .text = "cats"}, RC_BAD_FIELD},
        {{.what = "topic", .room = "@lab", .text = "cats"}, RC_BAD_NAME},
        {{.what = "topic", .room = "#lab", .text = "\xff"}, RC_BAD_TEXT},
        {{.what = "private", .room = "#lab"}, RC_OK},
        {{.what = "passing", .room = "#lab"}, RC_OK},
        {{.what = "private", .room = "#lab", .nick = "bob"}, RC_BAD_FIELD},
        {{.what = "private", .room = "#lab", .text = "x"}, RC_BAD_FIELD},
        {{.what = "invite", .room = "#lab", .nick = "@bob"}, RC_OK},
        {{.what = "invite", .room = "#lab"}, RC_BAD_FIELD},
        {{.what = "invite", .room = "#lab", .nick = "b b"}, RC_BAD_NAME},
        {{.what = "kick", .room = "#lab", .nick = "bob", .text = "enough"}, RC_OK},
        {{.what = "kick", .room = "#lab", .nick = "bob", .seconds = 1}, RC_BAD_FIELD},
        {{.what = "ban", .room = "#lab", .nick = "bob", .seconds = 60}, RC_OK},
        {{.what = "ban", .nick = "bob"}, RC_OK}, /* of the broker */
        {{.what = "ban", .room = "#lab", .key = KEY}, RC_OK},
        {{.what = "ban", .room = "#lab", .key = "00"}, RC_BAD_FIELD},
        {{.what = "ban", .room = "#lab", .key = KEY, .nick = "bob"}, RC_BAD_FIELD},
        {{.what = "ban", .room = "#lab"}, RC_BAD_FIELD},
        {{.what = "unban", .room = "#lab", .nick = "bob", .seconds = 1}, RC_BAD_FIELD},
        {{.what = "mute", .room = "#lab", .nick = "bob", .seconds = 60, .text = "hush"}, RC_OK},
        {{.what = "mute", .nick = "bob"}, RC_BAD_FIELD},
        {{.what = "revoke", .key = KEY}, RC_OK},
        {{.what = "revoke"}, RC_BAD_FIELD},
        {{.what = "role", .nick = "bob", .text = "operator"}, RC_OK},
        {{.what = "role", .nick = "bob"}, RC_BAD_FIELD},
        {{.what = "role", .room = "#lab", .nick = "bob", .text = "operator"}, RC_BAD_FIELD},
        {{.what = "dance", .room = "#lab"}, RC_BAD_FIELD},
        {{.what = NULL}, RC_BAD_FIELD},
    };
    struct fixture *f = *state;

    open_chat(f, BROKER, "alice");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t ref = 0;
        const zchat_rc rc = zchat_order(f->chat, &rows[i].order, &ref);

        if (rc != (zchat_rc)rows[i].rc)
            fail_msg("order %zu gives %s, not %s", i, zchat_errname(rc), rc_name(rows[i].rc));
        assert_int_equal(ref != 0, rc == RC_OK);
    }
}

static void who_is_admitted_is_checked(void **state)
{
    struct fixture *f = *state;
    struct zchat_admission whom = {.nick = "dora", .role = "operator", .seconds = 60};
    uint32_t ref;

    open_chat(f, BROKER, "alice");
    assert_int_equal(zchat_admit(f->chat, &whom, &ref), RC_OK);
    whom.nick = "d d";
    assert_int_equal(zchat_admit(f->chat, &whom, &ref), RC_BAD_NAME);
    whom = (struct zchat_admission){.is_device = true, .device_name = "laptop"};
    assert_int_equal(zchat_admit(f->chat, &whom, &ref), RC_OK);
    whom.role = "owner"; /* a device has none */
    assert_int_equal(zchat_admit(f->chat, &whom, &ref), RC_BAD_FIELD);
    whom = (struct zchat_admission){.device_name = "laptop"};
    assert_int_equal(zchat_admit(f->chat, &whom, &ref), RC_BAD_FIELD);
    assert_int_equal(zchat_devices(f->chat, NULL, &ref), RC_OK);
    assert_int_equal(zchat_devices(f->chat, "b b", &ref), RC_BAD_NAME);
    assert_int_equal(zchat_sessions(f->chat, &ref), RC_OK);
    assert_int_equal(zchat_bans(f->chat, NULL, &ref), RC_OK);
    assert_int_equal(zchat_bans(f->chat, "lab", &ref), RC_BAD_NAME);
    assert_int_equal(zchat_create(f->chat, "#lab", true, true, &ref), RC_OK);
}

/* Does any file below the folder hold this text? */
static bool is_kept(const struct fixture *f, const char *text)
{
    char command[5000];
    FILE *found;
    int c;

    snprintf(command, sizeof(command), "grep -rl -- '%s' '%s'", text, f->folder.path);
    found = popen(command, "re");
    assert_non_null(found);
    c = fgetc(found);
    pclose(found);
    return c != EOF;
}

static void an_invitation_names_its_person_and_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct zchat_identity identity;

    open_chat(f, BROKER "&invite=" TOKEN "&nick=dora", NULL);
    assert_string_equal(zchat_nick(f->chat), "dora");
    assert_string_equal(zchat_broker(f->chat), BROKER);
    assert_int_equal(zchat_post(f->chat, "#lab", NULL, "hello", 5, 0, NULL), RC_OK);
    zchat_describe(f->chat, &identity);
    assert_string_equal(identity.role, "");
    assert_true(strlen(identity.words) > 40 && strlen(identity.broker_words) > 40);
    zchat_close(&f->chat);
    assert_true(is_kept(f, "hello")); /* the outbox was written */
    assert_false(is_kept(f, TOKEN));
    open_chat(f, BROKER "&invite=" TOKEN "&nick=dora", "emil"); /* said here and now */
    assert_string_equal(zchat_nick(f->chat), "emil");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_order_wants_its_parts_and_no_others),
        TEST(who_is_admitted_is_checked),
        TEST(an_invitation_names_its_person_and_leaves_no_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
