#include "broker/watch_tables.h"

#include "shared/text/clean.h"
#include "shared/text/json.h"
#include "shared/text/url.h"

/* JSON escapes what it must; what could play tricks on people's eyes goes as well. */
static void add_clean(struct json *json, const char *key, const char *text, size_t len)
{
    char clean[4 * SUBJECT_BYTES_MAX];

    json_text(json, key,
              (struct span){clean, clean_copy(clean, sizeof(clean), (struct span){text, len})});
}

static void open_row(struct json *row, size_t at, FILE *out)
{
    if (at > 0)
        fputc(',', out);
    json_open(row, out);
}

void watch_rooms_json(const struct room_row *rows, size_t count, uint64_t total, FILE *out)
{
    struct json json, item;

    json_open(&json, out);
    json_uint(&json, "total", total);
    json_array_open(&json, "rooms");
    for (size_t i = 0; i < count; i++) {
        const struct room_row *row = &rows[i];

        open_row(&item, i, out);
        add_clean(&item, "name", row->name, row->name_len);
        add_clean(&item, "topic", row->topic, row->topic_len);
        json_uint(&item, "people", row->people);
        json_uint(&item, "head", row->head);
        json_flag(&item, "private", row->is_private);
        json_flag(&item, "persistent", row->is_persistent);
        json_close(&item);
    }
    json_array_close(&json);
    json_close(&json);
}

void watch_sessions_json(const struct session_row *rows, size_t count, uint64_t total, FILE *out)
{
    struct json json, item;

    json_open(&json, out);
    json_uint(&json, "total", total);
    json_array_open(&json, "sessions");
    for (size_t i = 0; i < count; i++) {
        const struct session_row *row = &rows[i];
        char fingerprint[40] = "";

        if (row->has_key)
            key_fingerprint(row->key, fingerprint);
        open_row(&item, i, out);
        add_clean(&item, "nick", row->nick, row->nick_len);
        json_id(&item, "session", row->session);
        json_text(&item, "state",
                  row->silent_ms >= SILENT_MS ? SPAN("silent")
                  : row->is_away              ? SPAN("away")
                                              : SPAN("online"));
        json_time(&item, "since", row->since_ms);
        json_uint(&item, "silent_ms", row->silent_ms);
        json_uint(&item, "unconfirmed", row->unconfirmed);
        json_uint(&item, "in_flight", row->in_flight);
        json_flag(&item, "inbox", row->is_inbox);
        json_text(&item, "key", span_of(fingerprint));
        json_close(&item);
    }
    json_array_close(&json);
    json_close(&json);
}
