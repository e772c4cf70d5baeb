#include "broker/net/listeners.h"

#include "tests/support/check.h"

#include <sys/socket.h>
#include <zmq.h>

static int told, is_listening;

static void note(int fd)
{
    socklen_t len = sizeof(is_listening);

    told++;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len), 0);
}

static void every_bound_address_is_told_with_its_descriptor(void **state)
{
    void *context = zmq_ctx_new(), *router = zmq_socket(context, ZMQ_ROUTER);
    void *monitor = listeners_watch(context, router);

    (void)state;
    told = 0;
    assert_non_null(monitor);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(zmq_bind(router, "tcp://127.0.0.1:*"), 0);
    }
    listeners_tell(router, &monitor, note);
    assert_null(monitor);
    assert_int_equal(told, 3);
    assert_true(is_listening);
    listeners_tell(router, &monitor, note); /* nothing to tell */
    assert_int_equal(told, 3);
    zmq_close(router);
    zmq_ctx_term(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bound_address_is_told_with_its_descriptor)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
