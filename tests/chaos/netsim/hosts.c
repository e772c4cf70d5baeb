#include "tests/chaos/netsim/hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define QUEUE_PACKETS 1000

static int set_address(int control, unsigned long request, struct ifreq *name, uint32_t address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};

    memcpy(&name->ifr_addr, &to, sizeof(to));
    return ioctl(control, request, name);
}

static int bring_up(int control, const char *device)
{
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
    return ioctl(control, SIOCSIFFLAGS, &request);
}

/* In the namespace the thread is in now. */
static int open_device(size_t index)
{
    struct ifreq request = {.ifr_name = "eth0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int failure = 0;

    if (device < 0 || control < 0 || ioctl(device, TUNSETIFF, &request) != 0 ||
        set_address(control, SIOCSIFADDR, &request, HOSTS_FIRST_ADDRESS + (uint32_t)index) != 0 ||
        set_address(control, SIOCSIFNETMASK, &request, UINT32_C(0xffffff00)) != 0)
        failure = errno;
    request.ifr_qlen = QUEUE_PACKETS;
    if (failure == 0 && (ioctl(control, SIOCSIFTXQLEN, &request) != 0 ||
                         bring_up(control, "eth0") != 0 || bring_up(control, "lo") != 0))
        failure = errno;
    if (control >= 0)
        close(control);
    if (failure != 0 && device >= 0) {
        close(device);
        device = -1;
    }
    errno = failure;
    return device;
}

int host_open(const char *namespace, size_t index)
{
    char path[256];
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int other;
    int device = -1;
    int failure;

    snprintf(path, sizeof(path), "/run/netns/%s", namespace);
    other = open(path, O_RDONLY | O_CLOEXEC);
    if (own >= 0 && other >= 0 && setns(other, CLONE_NEWNET) == 0) {
        device = open_device(index);
        failure = errno;
        if (setns(own, CLONE_NEWNET) != 0)
            failure = errno;
    } else {
        failure = errno;
    }
    if (own >= 0)
        close(own);
    if (other >= 0)
        close(other);
    errno = failure;
    return device;
}
