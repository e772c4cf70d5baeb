/* How clients come back to a broker that told them that it stops. */
#include "tests/unit/client/lib/fixture.h"

/* A thousand clients of one broker that stops: whatever the seed, they come back spread over the time that is theirs. */
static void clients_that_are_told_bye_come_back_spread_over_time(void **state)
{
    enum { CLIENTS = 1000, SLOTS = 7, RETRY_MS = 500, SPREAD_MS = RETRY_MS / 2 + 100 };
    unsigned slot[SLOTS] = {0};

    (void)state;
    for (uint64_t seed = 1; seed <= CLIENTS; seed++) {
        struct model_options options = {.nick = "alice",
                                        .agent = "test 1",
                                        .session.v = seed,
                                        .seed = seed,
                                        .limits = MODEL_LIMITS_DEFAULTS};
        struct fixture f = {.now_ms = 1000000, .model = model_new(&options)};
        struct message welcome = welcome_message(1);

        message_set(&welcome, SESSION, session, seed);
        open_link(&f);
        receive(&f, welcome);
        receive(&f, MSG(BYE, F(RETRY, retry, RETRY_MS)));
        assert_int_equal(count_of(&f, MODEL_FX_RECONNECT), 1);
        assert_in_range(f.fx.item[0].delay_ms, RETRY_MS, RETRY_MS + SPREAD_MS - 1);
        slot[(f.fx.item[0].delay_ms - RETRY_MS) * SLOTS / SPREAD_MS]++;
        fixture_fini(&f);
    }
    for (size_t i = 0; i < SLOTS; i++) /* a seventh each, give or take a half */
        assert_in_range(slot[i], CLIENTS / SLOTS / 2, CLIENTS / SLOTS * 3 / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_that_are_told_bye_come_back_spread_over_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
