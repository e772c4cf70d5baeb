/* line_places.c - where line mode begins to show a stream, and how far it came. */
#include "client/cli/line.h"

#include <inttypes.h>

#define LAST_SHOWN   10  /* events of a room that is new here */
#define MISSED_SHOWN 200 /* at most so many when it is not */

static struct zchat_place place_of_room(struct line *self, const char *room, uint64_t head)
{
    const uint64_t shown = zchat_place(self->cli.chat, room);

    if (shown > head) /* the broker was set back to an old copy */
        zchat_set_place(self->cli.chat, room, 0);
    if (shown == 0 || shown > head)
        return (struct zchat_place){ZCHAT_FROM_LAST, LAST_SHOWN};
    if (head - shown <= MISSED_SHOWN)
        return (struct zchat_place){ZCHAT_FROM_SEQ, shown + 1};
    line_remark("%" PRIu64 " in %s are passed over; /history %" PRIu64 " shows them",
                head - shown - MISSED_SHOWN, room, head - shown);
    return (struct zchat_place){ZCHAT_FROM_LAST, MISSED_SHOWN};
}

void line_follow(struct line *self, const char *stream, uint64_t head)
{
    struct zchat_place from = {ZCHAT_FROM_CONFIRMED, 0};

    if (stream[0] == '#')
        from = place_of_room(self, stream, head);
    if (zchat_follow(self->cli.chat, stream, from, 0) == 0)
        self->live_missing++;
}

void line_note_shown(struct line *self, const char *stream, uint64_t seq, bool is_asked)
{
    const uint64_t shown = zchat_place(self->cli.chat, stream);

    if (stream[0] != '#') /* how far the own stream was shown, the broker knows */
        return;
    if (is_asked ? seq == shown + 1 : seq > shown)
        zchat_set_place(self->cli.chat, stream, seq);
}
