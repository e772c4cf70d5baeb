#include "shared/text/event_line.h"

#include "shared/text/json.h"

static void put_text(struct json *json, const char *key, struct span text)
{
    if (text.len > 0)
        json_text(json, key, text);
}

static void put_gap(struct json *json, const struct event_line *line)
{
    json_uint(json, "seq", line->last);
    json_text(json, "type", SPAN("gap"));
    json_uint(json, "first", line->first);
    json_uint(json, "last", line->last);
}

static void put_event(struct json *json, const struct event_line *line)
{
    const bool is_message = span_equal(line->type, SPAN("message"));

    json_uint(json, "seq", line->seq);
    json_time(json, "ts", line->ts_ms);
    json_text(json, "type", line->type);
    if (is_message)
        json_text(json, "kind", line->kind.len > 0 ? line->kind : SPAN("message"));
    put_text(json, "from", line->from);
    put_text(json, "to", line->to);
    if (is_message || line->text.len > 0)
        json_text(json, "text", line->text);
    if (line->session != 0) {
        json_id(json, "session", line->session);
        json_uint(json, "number", line->number);
    }
    if (line->peer_seq != 0)
        json_uint(json, "peer_seq", line->peer_seq);
    if (line->upto != 0)
        json_uint(json, "upto", line->upto);
    put_text(json, "room", line->room);
    if (line->until_ms != 0)
        json_time(json, "until", line->until_ms);
}

void event_line_write(FILE *out, const struct event_line *line)
{
    struct json json;

    json_open(&json, out);
    json_text(&json, "stream", line->stream);
    if (line->is_gap)
        put_gap(&json, line);
    else
        put_event(&json, line);
    json_close(&json);
}
