#include "client/lib/tells.h"

#include "tests/support/check.h"

static void strings_are_copied_and_never_null(void **state)
{
    struct tells tells;
    struct zchat_event got;
    char text[] = "a\0b";
    const struct zchat_event event = {.kind = ZCHAT_EVENT, .seq = 3};
    const struct tell_texts texts = {.stream = SPAN("#lobby"), .text = {text, 3}};

    (void)state;
    tells_init(&tells, 8);
    tells_add(&tells, &event, &texts);
    memset(text, 'x', sizeof(text));
    assert_true(tells_take(&tells, &got));
    assert_string_equal(got.stream, "#lobby");
    assert_int_equal(got.text_len, 3);
    assert_memory_equal(got.text, "a\0b", 4); /* and a NUL behind it */
    assert_string_equal(got.type, "");
    assert_string_equal(got.message_kind, "");
    assert_string_equal(got.from, "");
    assert_string_equal(got.to, "");
    assert_string_equal(got.state, "");
    assert_ptr_equal(tells_current(&tells)->stream, got.stream);
    assert_false(tells_take(&tells, &got));
    assert_null(tells_current(&tells));
    tells_fini(&tells);
}

static void only_events_and_rows_take_room(void **state)
{
    struct tells tells;
    struct zchat_event got;
    static const struct {
        enum zchat_event_kind kind;
        uint32_t room;
    } rows[] = {{ZCHAT_EVENT, 2},  {ZCHAT_POST, 2}, {ZCHAT_LIVE, 2},
                {ZCHAT_PERSON, 1}, {ZCHAT_GAP, 1},  {ZCHAT_ANSWER, 1},
                {ZCHAT_LINK, 1},   {ZCHAT_ROOM, 0}, {ZCHAT_ROOM, 0}};

    (void)state;
    tells_init(&tells, 3);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct zchat_event event = {.kind = rows[i].kind};

        tells_add(&tells, &event, &(struct tell_texts){0});
        assert_int_equal(tells_room(&tells), rows[i].room);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(tells_take(&tells, &got));
        assert_int_equal(got.kind, rows[i].kind);
    }
    assert_int_equal(tells_room(&tells), 3);
    tells_add(&tells, &got, &(struct tell_texts){0}); /* left behind: fini frees it */
    tells_fini(&tells);
}

static void a_refused_link_is_never_folded_away(void **state)
{
    struct tells tells;
    struct zchat_event got = {0};

    (void)state;
    tells_init(&tells, 3);
    for (int i = 0; i < 100; i++) {
        const struct zchat_event event = {.kind = ZCHAT_LINK,
                                          .link = i % 2 ? ZCHAT_LINK_UP : ZCHAT_LINK_DOWN};

        tells_add(&tells, &event, &(struct tell_texts){0});
    }

    const struct zchat_event refused = {.kind = ZCHAT_LINK, .link = ZCHAT_LINK_REFUSED, .rc = 8};

    tells_add(&tells, &refused, &(struct tell_texts){.text = SPAN("no")});
    while (tells_take(&tells, &got))
        continue;
    assert_int_equal(got.link, ZCHAT_LINK_REFUSED);
    assert_int_equal(got.rc, 8);
    tells_fini(&tells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_copied_and_never_null),
        cmocka_unit_test(only_events_and_rows_take_room),
        cmocka_unit_test(a_refused_link_is_never_folded_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
