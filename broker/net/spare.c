#include "broker/net/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Per process, as descriptors are. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int spare = -1;
static uint64_t count;

int spare_open(void)
{
    int result = 0;

    (void)pthread_mutex_lock(&mutex);
    if (spare < 0) {
        spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
        result = spare < 0 ? -1 : 0;
    }
    (void)pthread_mutex_unlock(&mutex);
    return result;
}

void spare_close(void)
{
    (void)pthread_mutex_lock(&mutex);
    if (spare >= 0)
        (void)close(spare);
    spare = -1;
    (void)pthread_mutex_unlock(&mutex);
}

uint64_t spare_count(void)
{
    uint64_t result;

    (void)pthread_mutex_lock(&mutex);
    result = count;
    (void)pthread_mutex_unlock(&mutex);
    return result;
}

static int accept_really(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    return (int)syscall(SYS_accept4, fd, address, len, flags);
}

/* Two I/O threads may come here at once; whoever takes the freed descriptor first, the other finds none
 * and has its turn when the listener wakes it again. */
static void hang_up(int listener)
{
    int fd;

    (void)pthread_mutex_lock(&mutex);
    if (spare >= 0)
        (void)close(spare);
    fd = accept_really(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        (void)close(fd);
        count++;
    }
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)pthread_mutex_unlock(&mutex);
}

__attribute__((visibility("default"))) int accept4(int fd, struct sockaddr *address, socklen_t *len,
                                                   int flags)
{
    const int accepted = accept_really(fd, address, len, flags);

    if (accepted >= 0 || (errno != EMFILE && errno != ENFILE))
        return accepted;
    hang_up(fd);
    errno = ECONNABORTED; /* which every listener of libzmq takes */
    return -1;
}
