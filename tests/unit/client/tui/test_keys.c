#include "client/tui/keys.h"
#include "shared/base/alloc.h"
#include "tests/support/check.h"

#include <stdlib.h>

/* Everything that came, as one text: keys in <>, text as it is, pastes in {}. */
struct came {
    char text[4096];
    size_t len;
};

static void note(struct came *came, const struct key *key)
{
    const char *begin = "", *end = "";

    if (key->kind == KEYS_KEY) {
        begin = "<";
        end = ">";
    } else if (key->kind == KEYS_PASTE_BEGIN) {
        begin = "{";
    } else if (key->kind == KEYS_PASTE_END) {
        end = "}";
    }
    came->len += (size_t)snprintf(came->text + came->len, sizeof came->text - came->len,
                                  "%s%s%.*s%s", begin, key->name, (int)key->bytes.len,
                                  key->bytes.ptr == NULL ? "" : key->bytes.ptr, end);
}

/* In pieces of that size; at the end no more comes. */
static void feed(struct keys *keys, struct span bytes, size_t piece, struct came *came)
{
    struct key key;

    while (bytes.len > 0) {
        struct span input = {bytes.ptr, bytes.len < piece ? bytes.len : piece};

        bytes = (struct span){bytes.ptr + input.len, bytes.len - input.len};
        while (keys_next(keys, &input, &key))
            note(came, &key);
        assert_int_equal(input.len, 0);
    }
    if (keys_is_waiting(keys) && keys_timeout(keys, &key))
        note(came, &key);
    assert_false(keys_is_waiting(keys));
}

static void expect(struct span bytes, const char *expected)
{
    for (size_t piece = 1; piece <= bytes.len; piece++) {
        struct keys *keys = keys_new();
        struct came came = {0};

        feed(keys, bytes, piece, &came);
        assert_string_equal(came.text, expected);
        keys_destroy(&keys);
        assert_null(keys);
    }
}

#define EXPECT(literal, expected) expect(SPAN(literal), (expected))

static void text_is_text(void **state)
{
    (void)state;
    EXPECT("hello, 小明! مرحبا 👩", "hello, 小明! مرحبا 👩");
    EXPECT("", "");
}

static void control_and_meta_make_names(void **state)
{
    (void)state;
    EXPECT("\x01\x05\x1A", "<C-a><C-e><C-z>");
    expect((struct span){"\0", 1}, "<C-Space>");
    EXPECT("\x1C\x1D\x1E\x1F", "<C-\\><C-]><C-^><C-_>");
    EXPECT("\t\r\n\x7F\b", "<Tab><Enter><C-j><Backspace><Backspace>");
    EXPECT("\x1B"
           "b\x1B"
           "1\x1B<\x1B\r\x1B\x7F\x1B\x01\x1B ",
           "<M-b><M-1><M-<><M-Enter><M-Backspace><C-M-a><M-Space>");
    EXPECT("\x1B明", "<M-明>");
}

static void escape_alone_is_a_key_after_a_while(void **state)
{
    (void)state;
    EXPECT("\x1B", "<Esc>");
    EXPECT("a\x1B", "a<Esc>");
    EXPECT("\x1B\x1B", "<M-Esc>");
    EXPECT("\x1B[", "<M-[>");
    EXPECT("\x1BO", "<M-O>");
    EXPECT("\x1B]", "<M-]>");
    EXPECT("\x1BP", "<M-P>");
}

static void keys_of_many_terminals_have_one_name(void **state)
{
    (void)state;
    EXPECT("\x1B[A\x1BOB\x1B[C\x1B[D", "<Up><Down><Right><Left>");
    EXPECT("\x1B[H\x1B[F\x1B[1~\x1B[4~\x1B[7~\x1B[8~", "<Home><End><Home><End><Home><End>");
    EXPECT("\x1B[5~\x1B[6~\x1B[2~\x1B[3~", "<PgUp><PgDn><Insert><Delete>");
    EXPECT("\x1BOP\x1B[11~\x1B[[A\x1B[15~\x1B[24~\x1B[34~", "<F1><F1><F1><F5><F12><F20>");
    EXPECT("\x1B[Z", "<S-Tab>");
    EXPECT("\x1B[1;5D\x1B[1;3C\x1B[1;2A\x1B[1;8B\x1B[3;5~", "<C-Left><M-Right><S-Up><C-M-S-Down>"
                                                            "<C-Delete>");
    EXPECT("\x1B[1;2P\x1BO1;5P\x1BO5P", "<S-F1><C-F1><C-F1>");
    EXPECT("\x1B[a\x1BOc\x1B[5^\x1B[5$\x1B[6@", "<S-Up><C-Right><C-PgUp><S-PgUp><C-S-PgDn>");
    EXPECT("\x1B\x1B[A\x1B\x1BOD", "<M-Up><M-Left>");
    EXPECT("\x1BOM\x1BOj\x1BOp\x1BOy", "<Enter>*09");
}

static void newer_forms_are_the_same_keys(void **state)
{
    (void)state;
    EXPECT("\x1B[97;5u\x1B[13;3u\x1B[9;2u\x1B[27u\x1B[105;5u", "<C-a><M-Enter><S-Tab><Esc><Tab>");
    EXPECT("\x1B[97;2u\x1B[26126u", "A明");
    EXPECT("\x1B[97;5:3u\x1B[1;1:3A", ""); /* released */
    EXPECT("\x1B[97;69u", "<C-a>");        /* with a lock on */
    EXPECT("\x1B[27;5;105~\x1B[27;6;65~", "<Tab><C-a>");
    EXPECT("\x1B[57344u\x1B[55296u\x1B[1114112u\x1B[27u", "<Esc>");
    EXPECT("\x1B[<64;3;4M\x1B[<65;3;4M\x1B[<68;1;1M", "<WheelUp><WheelDown><S-WheelUp>");
}

static void what_is_not_known_is_swallowed(void **state)
{
    (void)state;
    EXPECT("\x1B[99~x\x1B[1;2;3;4;5yx\x1B[?62;22cx", "xxx");
    EXPECT("\x1B[12;40Rx\x1B[Ix\x1B[Ox\x1B[?2026;2$yx", "xxxx");
    EXPECT("\x1B[<0;3;4M\x1B[<0;3;4mx\x1B[M !!x", "xx");
    EXPECT("\x1B]11;rgb:0000/0000\x07x\x1BP1$r0m\x1B\\x\x1B_G\x1B\\x", "xxx");
    EXPECT("\x1B]11;never ended\ry", "<Enter>y");
    EXPECT("\x1B[9999999999999999999999~x\x1B[[Zx\x1BOzx", "xxx");
    EXPECT("\xFF\x80\xC0\x80x\xED\xA0\x80y\xE6\x98z\xC2\x9Bv", "xyzv");
    EXPECT("\x1B\xFF.\xE2\x80\xAE.", ".."); /* also a character that turns the line round */
}

static void a_broken_sequence_does_not_eat_the_next_key(void **state)
{
    (void)state;
    EXPECT("\x1B[12\x1B[A", "<Up>");
    EXPECT("\x1B[12\r", "<Enter>");
    EXPECT("\x1BO\x1BOA", "<Up>");
    EXPECT("\xE6\x98\x1B[A", "<Up>");
    EXPECT("\x1B]x\x1B[A", "<Up>");
}

static void a_sequence_longer_than_the_buffer_is_swallowed(void **state)
{
    char text[3 * KEYS_SEQUENCE_BYTES] = "\x1B[";

    (void)state;
    memset(text + 2, '1', sizeof text - 4);
    memcpy(text + sizeof text - 2, "~x", 2);
    expect((struct span){text, sizeof text}, "x");
}

static void the_rest_of_a_sequence_may_come_late(void **state)
{
    struct keys *keys = keys_new();
    struct came came = {0};

    (void)state;
    feed(keys, SPAN("\x1B[5"), 3, &came); /* nothing is waited for: the rest is no text */
    feed(keys, SPAN("~"), 1, &came);
    feed(keys, SPAN("\xE6\x98"), 1, &came);
    feed(keys, SPAN("\x8E"), 1, &came);
    assert_string_equal(came.text, "<PgUp>明");
    keys_destroy(&keys);
}

static void a_paste_comes_as_it_is(void **state)
{
    (void)state;
    EXPECT("\x1B[200~a\rb\x1B[A\x1B[201\x1B[201~x", "{a\rb\x1B[A\x1B[201}x");
    EXPECT("\x1B[200~\x1B[201~", "{}");
    EXPECT("\x1B[200~\x1B\x1B[201~y", "{\x1B}y");
    EXPECT("\x1B[201~x", "x"); /* an end without a begin */
}

static void names_that_people_write_are_understood(void **state)
{
    static const char *const pairs[][2] = {{"C-a", "C-a"},
                                           {"ctrl-A", "C-a"},
                                           {"^A", "C-a"},
                                           {"M-C-x", "C-M-x"},
                                           {"Alt-1", "M-1"},
                                           {"pgup", "PgUp"},
                                           {"Shift-Tab", "S-Tab"},
                                           {"f12", "F12"},
                                           {"M-PageDown", "M-PgDn"},
                                           {"C-i", "Tab"},
                                           {"C-m", "Enter"},
                                           {"C-[", "Esc"},
                                           {"C-h", "Backspace"},
                                           {"C-@", "C-Space"},
                                           {"C-space", "C-Space"},
                                           {"M-A", "M-A"},
                                           {"M--", "M--"},
                                           {"C-^", "C-^"},
                                           {"M-明", "M-明"},
                                           {"S-M-C-Up", "C-M-S-Up"},
                                           {"Return", "Enter"},
                                           {"C-S-a", "C-a"},
                                           {"M-^", "M-^"}};
    char name[KEYNAME_BYTES], why[KEYNAME_WHY_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_int_equal(keyname_parse(span_of(pairs[i][0]), name, why), RC_OK);
        assert_string_equal(name, pairs[i][1]);
    }
}

static void what_is_no_key_is_named(void **state)
{
    static const char *const bad[] = {"",       "a",   "S-a",  "明",    "Space", "S-Space",
                                      "F25",    "C-",  "M-C-", "C-xyz", "F0",    "Foo",
                                      "M-\x1B", "C- ", "-",    "^",     "C-\xFF"};
    char name[KEYNAME_BYTES] = "untouched", why[KEYNAME_WHY_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why[0] = '\0';
        assert_int_equal(keyname_parse(span_of(bad[i]), name, why), RC_CONFIG);
        assert_true(why[0] == '\'');
        assert_string_equal(name, "untouched");
    }
    assert_int_equal(keyname_parse(SPAN("a"), name, why), RC_CONFIG);
    assert_string_equal(why, "'a' types text and cannot be bound; put C- or M- before it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_text),
        cmocka_unit_test(control_and_meta_make_names),
        cmocka_unit_test(escape_alone_is_a_key_after_a_while),
        cmocka_unit_test(keys_of_many_terminals_have_one_name),
        cmocka_unit_test(newer_forms_are_the_same_keys),
        cmocka_unit_test(what_is_not_known_is_swallowed),
        cmocka_unit_test(a_broken_sequence_does_not_eat_the_next_key),
        cmocka_unit_test(a_sequence_longer_than_the_buffer_is_swallowed),
        cmocka_unit_test(the_rest_of_a_sequence_may_come_late),
        cmocka_unit_test(a_paste_comes_as_it_is),
        cmocka_unit_test(names_that_people_write_are_understood),
        cmocka_unit_test(what_is_no_key_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
