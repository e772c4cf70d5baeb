#include "broker/core/core_look.h"

#include "broker/core/core_internal.h"

uint32_t core_next_room(const struct core *self, uint32_t row, struct room_look *ret)
{
    while (++row <= self->streams.count) {
        const struct stream *room = &self->streams.row[row];

        if (!stream_is_room(room))
            continue;
        *ret = (struct room_look){.name = stream_name(room),
                                  .topic = stream_topic(room),
                                  .head = room->head,
                                  .people = self->members.tally[row].members,
                                  .is_private = (room->modes & ROOM_PRIVATE) != 0,
                                  .is_persistent = (room->modes & ROOM_PERSISTENT) != 0};
        return row;
    }
    return 0;
}

uint32_t core_next_session(const struct core *self, uint32_t row, uint64_t now_ms,
                           struct session_look *ret)
{
    while (++row <= self->sessions.rows_max) {
        const struct session *session = &self->sessions.row[row];

        if (session->id.v == 0)
            continue;
        const struct stream *person = &self->streams.row[session->person];
        *ret = (struct session_look){
            .nick = core_nick(self, session->person),
            .session = session->id,
            .key = session->device == 0 ? NULL : self->devices.row[session->device].key,
            .since_ms = session->since_ms,
            .silent_ms = now_ms > session->seen_ms ? now_ms - session->seen_ms : 0,
            .unconfirmed = person->head - person->confirmed,
            .in_flight = session->pending,
            .is_inbox = session->is_inbox,
            .is_away = session->is_away};
        return row;
    }
    return 0;
}
