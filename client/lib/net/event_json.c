#include "client/lib/net/event_json.h"

#include "shared/text/json.h"

#include <string.h>

static void put_text(struct json *json, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_text(json, key, span_of(text));
}

static void put_gap(struct json *json, const struct zchat_event *event)
{
    json_uint(json, "seq", event->last);
    json_text(json, "type", SPAN("gap"));
    json_uint(json, "first", event->first);
    json_uint(json, "last", event->last);
}

static void put_event(struct json *json, const struct zchat_event *event)
{
    const bool is_message = strcmp(event->type, "message") == 0;

    json_uint(json, "seq", event->seq);
    json_time(json, "ts", event->ts_ms);
    json_text(json, "type", span_of(event->type));
    if (is_message)
        json_text(json, "kind",
                  event->message_kind[0] != '\0' ? span_of(event->message_kind) : SPAN("message"));
    put_text(json, "from", event->from);
    put_text(json, "to", event->to);
    if (is_message || event->text_len > 0)
        json_text(json, "text", (struct span){event->text, event->text_len});
    if (event->session != 0) {
        json_id(json, "session", event->session);
        json_uint(json, "number", event->number);
    }
    if (event->peer_seq != 0)
        json_uint(json, "peer_seq", event->peer_seq);
    if (event->upto != 0)
        json_uint(json, "upto", event->upto);
    put_text(json, "room", event->room);
    if (event->until_ms != 0)
        json_time(json, "until", event->until_ms);
}

void event_json(FILE *out, const struct zchat_event *event)
{
    struct json json;

    json_open(&json, out);
    json_text(&json, "stream", span_of(event->stream));
    if (event->kind == ZCHAT_GAP)
        put_gap(&json, event);
    else
        put_event(&json, event);
    json_close(&json);
}
