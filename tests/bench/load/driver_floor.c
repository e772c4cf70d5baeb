/* driver_floor.c - what tests/bench/floors speak: records of two bytes of length and a text. */
#include "tests/bench/load/load.h"

#define HEAD_BYTES 2
#define ACK_BYTES  10 /* of fanout: its head and eight bytes */

/* Of the frame's topic with its NUL: the room, or a person. */
static size_t put_topic(char *at, size_t size, const struct user *user)
{
    if (load.is_private)
        return load_format(at, size, "@user%u", user->index ^ 1).len + 1;
    return load_format(at, size, "#room%u", (unsigned)(load.posted % load.rooms)).len + 1;
}

static size_t put_record(char *at, struct span text)
{
    at[0] = (char)(text.len >> 8);
    at[1] = (char)text.len;
    memcpy(at + HEAD_BYTES, text.ptr, text.len);
    return HEAD_BYTES + text.len;
}

/* Returns how many bytes of whole records there are. */
static size_t take_records(struct user *user, const char *at, size_t len)
{
    size_t done = 0;

    while (len - done >= HEAD_BYTES) {
        const unsigned char *head = (const unsigned char *)at + done;
        const size_t text_len = (size_t)head[0] << 8 | head[1];

        if (len - done < HEAD_BYTES + text_len)
            break;
        load_heard(user, (struct span){at + done + HEAD_BYTES, text_len});
        done += HEAD_BYTES + text_len;
    }
    return done;
}

static void relay_enter(struct user *user)
{
    char bytes[64] = {1};
    size_t len = 1;

    if (load.is_private)
        len += load_format(bytes + 1, sizeof(bytes) - 1, "@user%u", user->index).len + 1;
    else if (load.rooms > 1)
        bytes[len++] = '#';
    else
        len += load_format(bytes + 1, sizeof(bytes) - 1, "#room%u", load_hall(user)).len + 1;
    load_send(user, &user->hear, (struct span){bytes, len});
    load_is_in(user);
}

static size_t relay_take_talk(void *context, struct span payload)
{
    load_acked(context, 1);
    return payload.len;
}

static size_t relay_take_hear(void *context, struct span payload)
{
    const char *nul = memchr(payload.ptr, '\0', payload.len);

    if (nul != NULL)
        (void)take_records(context, nul + 1, payload.len - (size_t)(nul + 1 - payload.ptr));
    return payload.len;
}

static void relay_post(struct user *user, struct span text)
{
    static char bytes[64 + HEAD_BYTES + TEXT_MAX];
    const size_t len = put_topic(bytes, 64, user);

    load_send(user, &user->talk, (struct span){bytes, len + put_record(bytes + len, text)});
}

const struct driver driver_relay = {.name = "relay",
                                    .kind = LINK_NULL,
                                    .enter = relay_enter,
                                    .take_talk = relay_take_talk,
                                    .take_hear = relay_take_hear,
                                    .post = relay_post};

static size_t fanout_take_talk(void *context, struct span payload)
{
    load_acked(context, (uint32_t)(payload.len / ACK_BYTES));
    return payload.len / ACK_BYTES * ACK_BYTES;
}

static size_t fanout_take_hear(void *context, struct span payload)
{
    return take_records(context, payload.ptr, payload.len);
}

static void fanout_post(struct user *user, struct span text)
{
    static char bytes[HEAD_BYTES + TEXT_MAX];

    load_send(user, &user->talk, (struct span){bytes, put_record(bytes, text)});
}

const struct driver driver_fanout = {.name = "fanout",
                                     .kind = LINK_RAW,
                                     .enter = load_is_in,
                                     .take_talk = fanout_take_talk,
                                     .take_hear = fanout_take_hear,
                                     .post = fanout_post};
