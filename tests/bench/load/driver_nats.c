/* driver_nats.c - NATS with JetStream: who listens has a plain subscription, who posts waits for the stream's PubAck. */
#include "tests/bench/load/load.h"

#define STREAM_CONFIG \
    "{\"name\":\"bench\",\"subjects\":[\"room\"],\"storage\":\"file\",\"num_replicas\":1}"

static void enter(struct user *user)
{
    char bytes[512];

    load_send(user, &user->talk,
              load_format(bytes, sizeof(bytes), "CONNECT {\"verbose\":false}\r\nSUB inbox.%u 2\r\n",
                          user->index));
    if (user->index == 0)
        load_send(user, &user->talk,
                  load_format(bytes, sizeof(bytes),
                              "PUB $JS.API.STREAM.CREATE.bench inbox.0 %zu\r\n%s\r\n",
                              sizeof(STREAM_CONFIG) - 1, STREAM_CONFIG));
    load_send(user, &user->hear, SPAN("CONNECT {\"verbose\":false}\r\nSUB room 1\r\nPING\r\n"));
}

/* The number at the end of a line. */
static size_t last_number(const char *line, const char *end)
{
    size_t value = 0, unit = 1;

    while (end > line && end[-1] >= '0' && end[-1] <= '9') {
        value += unit * (size_t)(*--end - '0');
        unit *= 10;
    }
    return value;
}

static void on_message(struct user *user, struct link *link, struct span text)
{
    if (link == &user->hear) {
        load_heard(user, text);
        return;
    }
    if (memmem(text.ptr, text.len, "\"error\"", 7) != NULL)
        load_die("JetStream answers %.*s", (int)text.len, text.ptr);
    if (user->index == 0 && user->rooms_in == 0)
        user->rooms_in = 1; /* the stream is made */
    else
        load_acked(user, 1);
}

/* Returns the bytes of one line, and of what belongs to it; 0: not all of it is there. */
static size_t take_one(struct user *user, struct link *link, struct span bytes)
{
    const char *end = memmem(bytes.ptr, bytes.len, "\r\n", 2);
    size_t line, text;

    if (end == NULL)
        return 0;
    line = (size_t)(end - bytes.ptr) + 2;
    if (strncmp(bytes.ptr, "MSG ", 4) == 0) {
        text = last_number(bytes.ptr, end);
        if (bytes.len < line + text + 2)
            return 0;
        on_message(user, link, (struct span){bytes.ptr + line, text});
        return line + text + 2;
    }
    if (strncmp(bytes.ptr, "PING", 4) == 0)
        load_send(user, link, SPAN("PONG\r\n"));
    else if (strncmp(bytes.ptr, "PONG", 4) == 0 && link == &user->hear)
        load_is_in(user);
    else if (strncmp(bytes.ptr, "-ERR", 4) == 0)
        load_die("NATS says %.*s", (int)line, bytes.ptr);
    return line;
}

static size_t take(struct user *user, struct link *link, struct span bytes)
{
    size_t done = 0, len;

    while ((len = take_one(user, link, (struct span){bytes.ptr + done, bytes.len - done})) > 0)
        done += len;
    return done;
}

static size_t take_talk(void *context, struct span bytes)
{
    struct user *user = context;

    return take(user, &user->talk, bytes);
}

static size_t take_hear(void *context, struct span bytes)
{
    struct user *user = context;

    return take(user, &user->hear, bytes);
}

static void post(struct user *user, struct span text)
{
    static char bytes[TEXT_MAX + 128];

    load_send(user, &user->talk,
              load_format(bytes, sizeof(bytes), "PUB room inbox.%u %zu\r\n%.*s\r\n", user->index,
                          text.len, (int)text.len, text.ptr));
}

const struct driver driver_nats = {.name = "nats",
                                   .kind = LINK_RAW,
                                   .enter = enter,
                                   .take_talk = take_talk,
                                   .take_hear = take_hear,
                                   .post = post};
