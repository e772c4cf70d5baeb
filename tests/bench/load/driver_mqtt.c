/* driver_mqtt.c - MQTT 3.1.1 with QoS 1: the broker answers who publishes, and every listener answers the broker. */
#include "tests/bench/load/load.h"

#define CONNACK   0x20
#define PUBLISH   0x30
#define PUBACK    0x40
#define SUBACK    0x90
#define QOS_1     0x02
#define TOPIC     "room"
#define TOPIC_LEN 4

static void enter(struct user *user)
{
    /* Clean session, no keepalive; the name is four digits: t or h, and the index. */
    char connect[] = "\x10\x12\0\4MQTT\4\2\0\0\0\6xxxxxx";
    char name[16];

    (void)load_format(name, sizeof(name), "t%05u", user->index % 100000);
    memcpy(connect + 14, name, 6);
    load_send(user, &user->talk, (struct span){connect, 20});
    connect[14] = 'h';
    load_send(user, &user->hear, (struct span){connect, 20});
    load_send(user, &user->hear, (struct span){"\x82\x09\0\1\0\4" TOPIC "\1", 11});
}

/* The head of a packet: its bytes with head, and where its body begins. 0: it is not all there. */
static size_t packet_at(struct span bytes, size_t *ret_body)
{
    size_t size = 0, at = 1;

    for (unsigned shift = 0; at < bytes.len && shift < 28; shift += 7) {
        const unsigned char byte = (unsigned char)bytes.ptr[at++];

        size |= (size_t)(byte & 127) << shift;
        if ((byte & 128) == 0) {
            *ret_body = at;
            return bytes.len - at < size ? 0 : at + size;
        }
    }
    return 0;
}

static void on_publish(struct user *user, struct span body)
{
    char ack[4] = {PUBACK, 2, body.ptr[2 + TOPIC_LEN], body.ptr[3 + TOPIC_LEN]};

    load_heard(user, (struct span){body.ptr + 4 + TOPIC_LEN, body.len - 4 - TOPIC_LEN});
    link_send(&user->hear, (struct span){ack, 4});
}

static size_t take_hear(void *context, struct span bytes)
{
    struct user *user = context;
    size_t done = 0, len, body;

    while ((len = packet_at((struct span){bytes.ptr + done, bytes.len - done}, &body)) > 0) {
        const unsigned kind = (unsigned char)bytes.ptr[done] & 0xf0;

        if (kind == SUBACK)
            load_is_in(user);
        else if (kind == PUBLISH)
            on_publish(user, (struct span){bytes.ptr + done + body, len - body});
        done += len;
    }
    return done;
}

static size_t take_talk(void *context, struct span bytes)
{
    size_t done = 0, len, body;

    while ((len = packet_at((struct span){bytes.ptr + done, bytes.len - done}, &body)) > 0) {
        if (((unsigned char)bytes.ptr[done] & 0xf0) == PUBACK)
            load_acked(context, 1);
        done += len;
    }
    return done;
}

static void post(struct user *user, struct span text)
{
    static char bytes[TEXT_MAX + 64];
    const uint32_t id = user->number % 65535 + 1; /* never 0 */
    size_t size = 4 + TOPIC_LEN + text.len, at = 1;

    bytes[0] = PUBLISH | QOS_1;
    do {
        bytes[at] = (char)(size & 127);
        size >>= 7;
        if (size > 0)
            bytes[at] |= (char)128;
        at++;
    } while (size > 0);
    memcpy(bytes + at, "\0\4" TOPIC, 2 + TOPIC_LEN);
    at += 2 + TOPIC_LEN;
    bytes[at++] = (char)(id >> 8);
    bytes[at++] = (char)id;
    memcpy(bytes + at, text.ptr, text.len);
    load_send(user, &user->talk, (struct span){bytes, at + text.len});
}

const struct driver driver_mqtt = {.name = "mqtt",
                                   .kind = LINK_RAW,
                                   .is_read_by_all = true,
                                   .enter = enter,
                                   .take_talk = take_talk,
                                   .take_hear = take_hear,
                                   .post = post};
