/* driver_redis.c - a Redis stream: XADD is answered when it is appended, listeners ask for more with XREAD BLOCK. */
#include "tests/bench/load/load.h"

#include <stdlib.h>

#define STRINGS_OF_EVENT 3 /* id, name of the field, text; behind the stream's name */

static void ask(struct user *user)
{
    char bytes[256];

    load_send(user, &user->hear,
              load_format(bytes, sizeof(bytes),
                          "*8\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n$4\r\n1000\r\n$5\r\nBLOCK\r\n$"
                          "1\r\n0\r\n$7\r\nSTREAMS\r\n"
                          "$4\r\nroom\r\n$%zu\r\n%s\r\n",
                          strlen(user->last), user->last));
}

/* `$` means what comes from now on. */
static void enter(struct user *user)
{
    snprintf(user->last, sizeof(user->last), "$");
    ask(user);
    load_is_in(user);
}

struct parse {
    const char *at, *end;
    size_t strings;
    struct span first; /* of an event: its id */
    struct user *user; /* NULL: count only */
};

static void on_string(struct parse *self, struct span text)
{
    const size_t place = (self->strings++ - 1) % STRINGS_OF_EVENT;

    if (self->strings == 1)
        return; /* the stream's name */
    if (place == 0)
        self->first = text;
    else if (place == 2 && self->user != NULL)
        load_heard(self->user, text);
}

/* One value of RESP. False: it is not all there. */
static bool value(struct parse *self)
{
    const char *line = self->at;
    const char *end = memmem(line, (size_t)(self->end - line), "\r\n", 2);
    long count;

    if (end == NULL)
        return false;
    self->at = end + 2;
    if (*line == '-')
        load_die("Redis says %.*s", (int)(end - line), line);
    count = strtol(line + 1, NULL, 10);
    if (*line == '$' && count >= 0) {
        if (self->end - self->at < count + 2)
            return false;
        on_string(self, (struct span){self->at, (size_t)count});
        self->at += count + 2;
    }
    for (; *line == '*' && count > 0; count--) {
        if (!value(self))
            return false;
    }
    return true;
}

static size_t take_hear(void *context, struct span bytes)
{
    struct user *user = context;
    struct parse look = {.at = bytes.ptr, .end = bytes.ptr + bytes.len};
    struct parse parse = look;

    if (bytes.len == 0 || !value(&look))
        return 0;
    parse.user = user;
    (void)value(&parse);
    snprintf(user->last, sizeof(user->last), "%.*s", (int)look.first.len, look.first.ptr);
    ask(user);
    return (size_t)(look.at - bytes.ptr);
}

static size_t take_talk(void *context, struct span bytes)
{
    struct parse parse = {.at = bytes.ptr, .end = bytes.ptr + bytes.len};
    size_t done = 0;

    while (parse.at < parse.end && value(&parse)) {
        load_acked(context, 1);
        done = (size_t)(parse.at - bytes.ptr);
    }
    return done;
}

static void post(struct user *user, struct span text)
{
    static char bytes[TEXT_MAX + 128];

    load_send(
        user, &user->talk,
        load_format(bytes, sizeof(bytes),
                    "*5\r\n$4\r\nXADD\r\n$4\r\nroom\r\n$1\r\n*\r\n$1\r\nt\r\n$%zu\r\n%.*s\r\n",
                    text.len, (int)text.len, text.ptr));
}

const struct driver driver_redis = {.name = "redis",
                                    .kind = LINK_RAW,
                                    .is_read_by_all = true,
                                    .enter = enter,
                                    .take_talk = take_talk,
                                    .take_hear = take_hear,
                                    .post = post};
