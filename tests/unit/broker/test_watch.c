#include "broker/watch.h"

#include "broker/ops/listen.h"
#include "shared/base/clock.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define PATIENCE_MS 20000

/* A watch with a page, whose hub is this test. */
struct fixture {
    void *zmq_context;
    struct host host;
    struct bearer bearer;
    struct listen_address address;
    struct watch *watch;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct watch_options options = {.is_loopback = true, .name = ""};
    char text[32];
    uint16_t port;

    host_open(&f->host, "/tmp", true);
    f->zmq_context = zmq_ctx_new();
    snprintf(f->bearer.token, sizeof(f->bearer.token), "0123456789abcdef");
    assert_null(listen_parse("127.0.0.1:0", &f->address));
    assert_int_equal(listen_open(&f->address, &options.listener, &port), RC_OK);
    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    assert_null(listen_parse(text, &f->address));
    options.host = &f->host;
    options.bearer = &f->bearer;
    assert_int_equal(watch_start(f->zmq_context, &options, &f->watch), RC_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    watch_stop(&f->watch);
    host_close(&f->host);
    (void)zmq_ctx_term(f->zmq_context);
    free(f);
    return 0;
}

/* What the page says to this; the hub says nothing meanwhile. */
static void ask_page(const struct fixture *f, const char *path, char *ret, size_t capacity)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char request[256];
    size_t len = 0;
    ssize_t got;

    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&f->address.socket, f->address.len), 0);
    assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    while (len + 1 < capacity && (got = read(fd, ret + len, capacity - len - 1)) > 0)
        len += (size_t)got;
    ret[len] = '\0';
    assert_int_equal(close(fd), 0);
}

/* Answer all questions that have come: this many posts. */
static size_t answer(const struct fixture *f, uint64_t posts)
{
    const struct watch_head head = {.kind = WATCH_FIGURES, .count = 1, .total = 1};
    const struct figures figures = {.value = {[FIG_POSTS] = posts}};
    struct watch_ask ask;
    size_t count = 0;

    while (zmq_recv(watch_socket(f->watch), &ask, sizeof(ask), ZMQ_DONTWAIT) > 0) {
        watch_tell(watch_socket(f->watch), &head, &figures, sizeof(figures));
        count++;
    }
    return count;
}

static void a_hub_that_does_not_answer_is_an_alarm_and_no_wait(void **state)
{
    const struct fixture *f = *state;
    const uint64_t begun_ms = clock_mono_ms();
    char got[8192] = "";

    while (strstr(got, " 503 ") == NULL && clock_mono_ms() - begun_ms < PATIENCE_MS)
        ask_page(f, "/health", got, sizeof(got));
    assert_non_null(strstr(got, "hub_not_turning"));
    assert_true(clock_mono_ms() - begun_ms >= 4000);
    const uint64_t late_ms = clock_mono_ms();
    ask_page(f, "/health", got, sizeof(got)); /* it was waited for once */
    assert_true(clock_mono_ms() - late_ms < 900);
    while (strstr(got, " 200 ") == NULL && clock_mono_ms() - begun_ms < 2 * PATIENCE_MS) {
        (void)answer(f, 7);
        ask_page(f, "/health", got, sizeof(got));
    }
    assert_non_null(strstr(got, "\r\n\r\nok\n"));
}

static void a_table_needs_the_token(void **state)
{
    const struct fixture *f = *state;
    char got[8192];

    ask_page(f, "/rooms.json", got, sizeof(got));
    assert_non_null(strstr(got, " 401 "));
}

/* With the watch's own questions answered, a page a quarter of a second later is told the same figures. */
static void figures_come_from_the_hub(void **state)
{
    const struct fixture *f = *state;
    const uint64_t begun_ms = clock_mono_ms();
    char got[32768] = "";

    while (strstr(got, "\nzchat_posts_total 7\n") == NULL &&
           clock_mono_ms() - begun_ms < PATIENCE_MS) {
        (void)answer(f, 7);
        ask_page(f, "/metrics", got, sizeof(got));
    }
    assert_non_null(strstr(got, "\nzchat_posts_total 7\n"));
    assert_non_null(strstr(got, "\nzchat_descriptors "));
}

#define WITH_WATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WATCH(a_hub_that_does_not_answer_is_an_alarm_and_no_wait),
        WITH_WATCH(a_table_needs_the_token),
        WITH_WATCH(figures_come_from_the_hub),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
