#include "broker/watch_link.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdlib.h>
#include <zmq.h>

void watch_tell(void *socket, const struct watch_head *head, const void *body, size_t len)
{
    /* The watch asks one question of a kind at a time, so the pair is never full; when it is gone, nobody minds. */
    if (zmq_send(socket, head, sizeof(*head), ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0)
        (void)zmq_send(socket, body, len, ZMQ_DONTWAIT);
}

static uint16_t copy_span(char *to, struct span from, size_t capacity)
{
    const size_t len = from.len < capacity ? from.len : capacity;

    memcpy(to, from.ptr, len);
    return (uint16_t)len;
}

static void tell_rooms(void *socket, const struct core *core)
{
    struct room_row *rows = x_alloc(WATCH_ROWS_MAX, sizeof(*rows));
    struct watch_head head = {.kind = WATCH_ROOMS};
    struct room_look look;

    for (uint32_t at = 0; (at = core_next_room(core, at, &look)) != 0; head.total++) {
        if (head.count == WATCH_ROWS_MAX)
            continue;
        struct room_row *row = &rows[head.count++];
        row->head = look.head;
        row->people = look.people;
        row->is_private = look.is_private;
        row->is_persistent = look.is_persistent;
        row->name_len = copy_span(row->name, look.name, sizeof(row->name));
        row->topic_len = copy_span(row->topic, look.topic, sizeof(row->topic));
    }
    watch_tell(socket, &head, rows, head.count * sizeof(*rows));
    free(rows);
}

static void tell_sessions(void *socket, const struct core *core, uint64_t now_ms)
{
    struct session_row *rows = x_alloc(WATCH_ROWS_MAX, sizeof(*rows));
    struct watch_head head = {.kind = WATCH_SESSIONS};
    struct session_look look;

    for (uint32_t at = 0; (at = core_next_session(core, at, now_ms, &look)) != 0; head.total++) {
        if (head.count == WATCH_ROWS_MAX)
            continue;
        struct session_row *row = &rows[head.count++];
        *row = (struct session_row){.session = look.session.v,
                                    .since_ms = look.since_ms,
                                    .silent_ms = look.silent_ms,
                                    .unconfirmed = look.unconfirmed,
                                    .in_flight = look.in_flight,
                                    .is_inbox = look.is_inbox,
                                    .is_away = look.is_away,
                                    .has_key = look.key != NULL};
        if (look.key != NULL)
            memcpy(row->key, look.key, sizeof(row->key));
        row->nick_len = copy_span(row->nick, look.nick, sizeof(row->nick));
    }
    watch_tell(socket, &head, rows, head.count * sizeof(*rows));
    free(rows);
}

void watch_answer(void *socket, struct tally *tally, const struct hub_parts *parts, uint64_t now_ms)
{
    struct watch_head head = {.kind = WATCH_FIGURES, .count = 1, .total = 1};
    struct figures figures;
    struct watch_ask ask;
    int len;

    while ((len = zmq_recv(socket, &ask, sizeof(ask), ZMQ_DONTWAIT)) >= 0) {
        INVARIANT(len == (int)sizeof(ask));
        tally->host = ask.host;
        if (ask.kind == WATCH_ROOMS) {
            tell_rooms(socket, parts->core);
        } else if (ask.kind == WATCH_SESSIONS) {
            tell_sessions(socket, parts->core, now_ms);
        } else {
            tally_collect(tally, parts, now_ms, &figures);
            watch_tell(socket, &head, &figures, sizeof(figures));
        }
    }
}
