#include "client/lib/net/event_json.h"

#include "shared/text/event_line.h"

void event_json(FILE *out, const struct zchat_event *event)
{
    const struct event_line line = {
        .stream = span_of(event->stream),
        .is_gap = event->kind == ZCHAT_GAP,
        .first = event->first,
        .last = event->last,
        .seq = event->seq,
        .ts_ms = event->ts_ms,
        .until_ms = event->until_ms,
        .type = span_of(event->type),
        .kind = span_of(event->message_kind),
        .from = span_of(event->from),
        .to = span_of(event->to),
        .text = {event->text, event->text_len},
        .room = span_of(event->room),
        .session = event->session,
        .number = event->number,
        .peer_seq = event->peer_seq,
        .upto = event->upto,
    };

    event_line_write(out, &line);
}
