#include "broker/net/zap_request.h"

#include "tests/support/check.h"

static const char KEY[PUBLIC_KEY_BYTES] = {1, 2, 3};

struct frames {
    struct span at[ZAP_FRAMES + 1];
};

static struct frames good(void)
{
    return (struct frames){{SPAN("1.0"),
                            SPAN("id 7"),
                            SPAN(ZAP_DOMAIN_COMMANDS),
                            SPAN("192.0.2.1"),
                            SPAN(""),
                            SPAN("CURVE"),
                            {KEY, sizeof(KEY)},
                            SPAN("one too many")}};
}

static void a_good_request_is_read(void **state)
{
    const struct peer_address address = peer_address_parse(SPAN("192.0.2.1"));
    struct frames frames = good();
    struct zap_request request;

    (void)state;
    assert_null(zap_request_read(frames.at, ZAP_FRAMES, &request));
    assert_true(span_equal(request.id, SPAN("id 7")));
    assert_int_equal(request.door, DOOR_COMMANDS);
    assert_memory_equal(request.key, KEY, sizeof(KEY));
    assert_true(peer_address_equal(&request.address, &address));
    frames.at[2] = SPAN(ZAP_DOMAIN_BROADCASTS);
    assert_null(zap_request_read(frames.at, ZAP_FRAMES, &request));
    assert_int_equal(request.door, DOOR_BROADCASTS);
}

static void another_number_of_frames_is_refused(void **state)
{
    const struct frames frames = good();
    struct zap_request request;

    (void)state;
    for (size_t count = 0; count <= ZAP_FRAMES + 1; count++) {
        if (count != ZAP_FRAMES)
            assert_non_null(zap_request_read(frames.at, count, &request));
        else
            assert_null(zap_request_read(frames.at, count, &request));
        assert_true(span_equal(request.id, count > 1 ? SPAN("id 7") : SPAN("")));
    }
    assert_non_null(zap_request_read(NULL, 0, &request));
    assert_int_equal(request.id.len, 0);
}

static void bad_frames_are_refused_with_the_id_for_the_answer(void **state)
{
    static const char zero[PUBLIC_KEY_BYTES + 1];
    const struct {
        size_t at;
        struct span instead;
    } bad[] = {
        {0, SPAN("2.0")},
        {0, SPAN("1.0 ")},
        {0, SPAN("")},
        {2, SPAN("zchat")},
        {2, SPAN("")},
        {2, SPAN("zchat-commands\0")},
        {5, SPAN("NULL")},
        {5, SPAN("PLAIN")},
        {5, SPAN("curve")},
        {6, SPAN("")},
        {6, {KEY, 31}},
        {6, {zero, PUBLIC_KEY_BYTES}},
        {6, {zero, sizeof(zero)}},
    };
    struct zap_request request;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct frames frames = good();

        frames.at[bad[i].at] = bad[i].instead;
        assert_non_null(zap_request_read(frames.at, ZAP_FRAMES, &request));
        assert_true(span_equal(request.id, SPAN("id 7")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_request_is_read),
        cmocka_unit_test(another_number_of_frames_is_refused),
        cmocka_unit_test(bad_frames_are_refused_with_the_id_for_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
