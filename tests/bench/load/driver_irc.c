/* driver_irc.c - IRC has no acknowledgement: a PING behind each message is answered when that was handled. Who talks
 * is not in the channel, who hears is. */
#include "tests/bench/load/load.h"

static void enter(struct user *user)
{
    char bytes[128];

    load_send(user, &user->talk,
              load_format(bytes, sizeof(bytes), "NICK t%u\r\nUSER t%u 0 * :t\r\n", user->index,
                          user->index));
    load_send(user, &user->hear,
              load_format(bytes, sizeof(bytes), "NICK h%u\r\nUSER h%u 0 * :h\r\n", user->index,
                          user->index));
}

/* The word behind `:server`. */
static bool is_verb(struct span line, const char *verb)
{
    const char *space = memchr(line.ptr, ' ', line.len);
    const size_t len = strlen(verb);

    return space != NULL && line.ptr + line.len - space > (ptrdiff_t)len &&
           strncmp(space + 1, verb, len) == 0;
}

static void on_line(struct user *user, struct link *link, struct span line)
{
    const bool is_hear = link == &user->hear;
    const char *text;

    if (strncmp(line.ptr, "PING", 4) == 0) {
        load_send(user, link, SPAN("PONG :here\r\n"));
    } else if (strncmp(line.ptr, "ERROR", 5) == 0) {
        load_die("IRC says %.*s", (int)line.len, line.ptr);
    } else if (is_verb(line, "404")) {
        load_die("IRC says %.*s", (int)line.len, line.ptr);
    } else if (is_hear && is_verb(line, "PRIVMSG")) {
        text = memmem(line.ptr, line.len, " :", 2);
        if (text != NULL)
            load_heard(user, (struct span){text + 2, (size_t)(line.ptr + line.len - text) - 2});
    } else if (!is_hear && is_verb(line, "PONG")) {
        load_acked(user, 1);
    } else if (is_verb(line, "001")) {
        user->rooms_in++;
        if (is_hear)
            load_send(user, link, SPAN("JOIN #room\r\n"));
    } else if (is_hear && is_verb(line, "366")) {
        user->rooms_in++;
    }
    if (user->rooms_in == 3)
        load_is_in(user);
}

static size_t take(struct user *user, struct link *link, struct span bytes)
{
    size_t done = 0;
    const char *end;

    while ((end = memchr(bytes.ptr + done, '\n', bytes.len - done)) != NULL) {
        on_line(user, link, (struct span){bytes.ptr + done, (size_t)(end - bytes.ptr) - done});
        done = (size_t)(end - bytes.ptr) + 1;
    }
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
    static char bytes[TEXT_MAX + 64];

    load_send(user, &user->talk,
              load_format(bytes, sizeof(bytes), "PRIVMSG #room :%.*s\r\nPING %u\r\n", (int)text.len,
                          text.ptr, user->number));
}

const struct driver driver_irc = {.name = "irc",
                                  .kind = LINK_RAW,
                                  .enter = enter,
                                  .take_talk = take_talk,
                                  .take_hear = take_hear,
                                  .post = post};
