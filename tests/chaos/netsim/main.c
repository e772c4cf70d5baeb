/* netsim - hosts in network namespaces, joined by a lossy wire in user space.
 *
 *   netsim [-s SEED] NAMESPACE...
 *
 * Prints `ready`, takes commands on stdin (control.h), ends at its end. For systems whose kernel has no
 * netem, and for damage that netem cannot do. Needs root and /dev/net/tun. */
#include "tests/chaos/netsim/control.h"
#include "tests/chaos/netsim/hosts.h"
#include "tests/chaos/netsim/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>

#define NS_PER_S           UINT64_C(1000000000)
#define PACKETS_A_TURN_MAX 64
#define LINE_BYTES_MAX     1024

struct input {
    char buf[LINE_BYTES_MAX];
    size_t len;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void take_in(struct wire *wire, const struct hosts *hosts, size_t from)
{
    static uint8_t packet[PACKET_BYTES_MAX];

    for (size_t n = 0; n < PACKETS_A_TURN_MAX; n++) {
        ssize_t len = read(hosts->device[from], packet, sizeof(packet));
        uint32_t address;

        if (len < 0)
            return;
        if (len < 20 || packet[0] >> 4 != 4)
            continue; /* IPv6 looks for neighbours; we have none */
        memcpy(&address, packet + 16, sizeof(address));
        address = ntohl(address) - HOSTS_FIRST_ADDRESS;
        if (address < hosts->count && address != from)
            wire_put(wire, from, address, packet, (size_t)len, now_ns());
    }
}

static void hand_out(struct wire *wire, const struct hosts *hosts)
{
    const uint64_t now = now_ns();
    struct packet packet;

    while (wire_take(wire, now, &packet)) {
        struct direction *direction = wire_direction(wire, packet.from, packet.to);

        if (write(hosts->device[packet.to], packet.data, packet.len) == (ssize_t)packet.len)
            direction->sent++;
        else
            direction->overflowed++;
        free(packet.data);
    }
}

/* False: the input is over, or `quit`. */
static bool obey(struct wire *wire, const struct hosts *hosts, struct input *input)
{
    ssize_t len = read(STDIN_FILENO, input->buf + input->len, sizeof(input->buf) - 1 - input->len);
    char *end;

    if (len <= 0)
        return len < 0 && errno == EINTR;
    input->len += (size_t)len;
    input->buf[input->len] = '\0';
    while ((end = strchr(input->buf, '\n')) != NULL) {
        const size_t line_len = (size_t)(end + 1 - input->buf);

        *end = '\0';
        if (!control_line(wire, hosts, input->buf))
            return false;
        input->len -= line_len;
        memmove(input->buf, input->buf + line_len, input->len + 1);
    }
    return input->len < sizeof(input->buf) - 1; /* a longer line is none of ours */
}

static void run(struct wire *wire, const struct hosts *hosts)
{
    struct pollfd item[HOSTS_MAX + 1];
    struct input input = {.len = 0};

    for (size_t i = 0; i < hosts->count; i++)
        item[i] = (struct pollfd){.fd = hosts->device[i], .events = POLLIN};
    item[hosts->count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        const uint64_t due_ns = wire_next_due_ns(wire), now = now_ns();
        uint64_t wait_ns = due_ns > now ? due_ns - now : 0;
        struct timespec wait;

        if (wait_ns > 3600 * NS_PER_S)
            wait_ns = 3600 * NS_PER_S;
        wait = (struct timespec){(time_t)(wait_ns / NS_PER_S), (long)(wait_ns % NS_PER_S)};
        if (ppoll(item, hosts->count + 1, &wait, NULL) < 0 && errno != EINTR)
            return;
        for (size_t i = 0; i < hosts->count; i++) {
            if ((item[i].revents & POLLIN) != 0)
                take_in(wire, hosts, i);
        }
        hand_out(wire, hosts);
        if (item[hosts->count].revents != 0 && !obey(wire, hosts, &input))
            return;
    }
}

int main(int argc, char **argv)
{
    struct hosts hosts = {.count = 0};
    struct wire *wire;
    uint64_t seed = 1;
    int option;

    while ((option = getopt(argc, argv, "s:")) > 0) {
        if (option != 's')
            return 2;
        seed = strtoull(optarg, NULL, 0);
    }
    if (optind == argc || argc - optind > HOSTS_MAX) {
        fprintf(stderr, "usage: netsim [-s SEED] NAMESPACE...  (1 to %d)\n", HOSTS_MAX);
        return 2;
    }
    for (int i = optind; i < argc; i++) {
        hosts.name[hosts.count] = argv[i];
        hosts.device[hosts.count] = host_open(argv[i], hosts.count);
        if (hosts.device[hosts.count] < 0) {
            fprintf(stderr, "netsim: no device in %s: %s\n", argv[i], strerror(errno));
            return 1;
        }
        hosts.count++;
    }
    wire = wire_new(seed);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready\n");
    run(wire, &hosts);
    wire_destroy(&wire);
    return 0;
}
