#include "client/cli/lists.h"

#include "client/cli/print.h"
#include "client/cli/words.h"

#include "shared/base/alloc.h"
#include "shared/text/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One person in one room, or in none (""). */
struct person {
    char *nick, *room, *state, *role;
    uint32_t devices;
    bool is_op;
};

void people_take(void *people, const struct zchat_event *row)
{
    struct people *self = people;

    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 64 : self->capacity * 2;
        self->item = x_realloc(self->item, self->capacity, sizeof(*self->item));
    }
    self->item[self->count++] = (struct person){
        x_strdup(row->from), x_strdup(row->stream), x_strdup(row->state),
        x_strdup(row->role), row->devices,          row->is_op,
    };
}

void people_fini(struct people *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->item[i].nick);
        free(self->item[i].room);
        free(self->item[i].state);
        free(self->item[i].role);
    }
    free(self->item);
    *self = (struct people){0};
}

static int by_nick(const void *a, const void *b)
{
    const struct person *left = a, *right = b;
    int order = strcmp(left->nick, right->nick);

    return order != 0 ? order : strcmp(left->room, right->room);
}

static void put_rooms(struct json *json, const char *key, const struct person *first, size_t count,
                      bool only_run)
{
    json_array_open(json, key);
    for (size_t i = 0; i < count; i++) {
        if (first[i].room[0] != '\0' && (first[i].is_op || !only_run))
            json_array_text(json, span_of(first[i].room));
    }
    json_array_close(json);
}

static const char *role_of(const struct person *person)
{
    return person->role[0] != '\0' ? person->role : "member";
}

static void person_json(FILE *out, const struct person *first, size_t count)
{
    struct json json;

    json_open(&json, out);
    json_text(&json, "nick", span_of(first->nick));
    put_rooms(&json, "rooms", first, count, false);
    json_text(&json, "state", span_of(first->state));
    json_uint(&json, "devices", first->devices);
    json_text(&json, "role", span_of(role_of(first)));
    put_rooms(&json, "op", first, count, true);
    json_close(&json);
}

/* Rows first..first+count are of one person. */
static void person_print(FILE *out, const struct person *first, size_t count, bool has_members)
{
    print_padded(out, first->nick, 16);
    fputc(' ', out);
    print_padded(out, first->state, 7);
    fprintf(out, " %3" PRIu32 " ", first->devices);
    print_padded(out, has_members ? role_of(first) : first->role, 8);
    for (size_t i = 0; i < count; i++) {
        fputs(first[i].is_op && first[i].room[0] != '\0' ? " @" : " ", out);
        print_padded(out, first[i].room, 0);
    }
    fputc('\n', out);
}

void people_print(FILE *out, struct people *self, bool is_json, bool has_members)
{
    size_t count;

    if (self->count > 0)
        qsort(self->item, self->count, sizeof(*self->item), by_nick);
    if (!is_json && self->count > 0)
        fprintf(out, "%-16s %-7s %3s %-8s %s\n", "nick", "state", "dev", "role", "rooms");
    for (size_t i = 0; i < self->count; i += count) {
        count = 1;
        while (i + count < self->count &&
               strcmp(self->item[i].nick, self->item[i + count].nick) == 0)
            count++;
        if (is_json)
            person_json(out, &self->item[i], count);
        else
            person_print(out, &self->item[i], count, has_members);
    }
}

static void room_json(FILE *out, const struct zchat_event *row)
{
    struct json json;

    json_open(&json, out);
    json_text(&json, "stream", span_of(row->stream));
    json_uint(&json, "people", row->people);
    json_uint(&json, "seq", row->seq);
    json_flag(&json, "member", row->is_member);
    json_text(&json, "topic", span_of(row->topic));
    json_flag(&json, "private", row->is_private);
    json_flag(&json, "persistent", row->is_persistent);
    json_flag(&json, "op", row->is_op);
    if (row->seconds == ZCHAT_KEEP_FOR_EVER)
        json_text(&json, "keep", SPAN("for-ever"));
    else if (row->seconds != 0)
        json_uint(&json, "keep", row->seconds);
    json_close(&json);
}

void room_print(FILE *out, const struct zchat_event *row, bool is_json)
{
    if (is_json) {
        room_json(out, row);
        return;
    }
    fprintf(out, "%c ", row->is_op ? '@' : row->is_member ? '*' : ' ');
    print_padded(out, row->stream, 24);
    fprintf(out, " %6" PRIu32 " %9" PRIu64 "%s%s%s", row->people, row->seq,
            row->is_private ? " [private]" : "", row->is_persistent ? " [persistent]" : "",
            row->topic[0] != '\0' ? " " : "");
    print_padded(out, row->topic, 0);
    fputc('\n', out);
}

static void print_when(FILE *out, uint64_t ts_ms)
{
    char when[WORDS_TIME_BYTES];

    words_until(ts_ms, when);
    fprintf(out, "%-19s ", when);
}

void device_print(FILE *out, const struct zchat_event *row, bool is_json)
{
    struct json json;

    if (is_json) {
        json_open(&json, out);
        json_text(&json, "key", span_of(row->key));
        json_text(&json, "name", (struct span){row->text, row->text_len});
        json_time(&json, "ts", row->ts_ms);
        json_flag(&json, "own", row->is_own);
        json_close(&json);
        return;
    }
    fprintf(out, "%c ", row->is_own ? '*' : ' ');
    print_padded(out, row->key, 64);
    fputc(' ', out);
    print_when(out, row->ts_ms);
    print_padded(out, row->text, 0);
    fputc('\n', out);
}

void session_print(FILE *out, const struct zchat_event *row, bool is_json)
{
    struct json json;

    if (is_json) {
        json_open(&json, out);
        json_text(&json, "nick", span_of(row->from));
        json_id(&json, "session", row->session);
        json_text(&json, "state", span_of(row->state));
        json_time(&json, "ts", row->ts_ms);
        json_text(&json, "key", span_of(row->key));
        if (row->text_len > 0)
            json_text(&json, "broker", (struct span){row->text, row->text_len});
        json_close(&json);
        return;
    }
    print_padded(out, row->from, 16);
    fprintf(out, " %016" PRIx64 " ", row->session);
    print_padded(out, row->state, 7);
    fputc(' ', out);
    print_when(out, row->ts_ms);
    print_padded(out, row->key, 0);
    if (row->text_len > 0) {
        fputs(" at ", out);
        print_padded(out, row->text, 0);
    }
    fputc('\n', out);
}

/* Brokers of several have leases, ids and turns; one that is alone has none. */
static bool has_lease(const struct zchat_event *row)
{
    return row->session != 0;
}

static uint64_t behind(const struct zchat_event *row)
{
    return row->last > row->upto ? row->last - row->upto : 0;
}

static void broker_json(FILE *out, const struct zchat_event *row)
{
    struct json json;

    json_open(&json, out);
    json_text(&json, "name", (struct span){row->text, row->text_len});
    json_text(&json, "state", span_of(row->state));
    json_flag(&json, "own", row->is_own);
    json_time(&json, "since", row->ts_ms);
    json_uint(&json, "sessions", row->devices);
    json_text(&json, "agent", span_of(row->agent));
    json_text(&json, "address", span_of(row->address));
    if (has_lease(row)) {
        json_id(&json, "id", row->session);
        json_time(&json, "seen", row->seen_ms);
        json_uint(&json, "lease_ms", row->lease_ms);
        json_uint(&json, "turn", row->upto);
        json_uint(&json, "behind", behind(row));
    }
    json_close(&json);
}

/* "4.2s" of a lease, "over" of one that is; "-" where nobody needs one. */
static void print_lease(FILE *out, const struct zchat_event *row)
{
    char lease[32] = "-";

    if (has_lease(row) && row->lease_ms == 0)
        snprintf(lease, sizeof(lease), "over");
    else if (has_lease(row))
        snprintf(lease, sizeof(lease), "%" PRIu32 ".%" PRIu32 "s", row->lease_ms / 1000,
                 row->lease_ms % 1000 / 100);
    fprintf(out, " %5s ", lease);
}

void brokers_head(FILE *out)
{
    fprintf(out, "  %-24s %-7s %8s %6s %5s %-19s %-19s %s\n", "name", "state", "sessions", "behind",
            "lease", "seen", "since", "agent and address");
}

void broker_print(FILE *out, const struct zchat_event *row, bool is_json)
{
    if (is_json) {
        broker_json(out, row);
        return;
    }
    fprintf(out, "%c ", row->is_own ? '*' : ' ');
    print_padded(out, row->text, 24);
    fputc(' ', out);
    print_padded(out, row->state, 7);
    fprintf(out, " %8" PRIu32 " %6" PRIu64, row->devices, behind(row));
    print_lease(out, row);
    print_when(out, has_lease(row) ? row->seen_ms : row->ts_ms);
    print_when(out, row->ts_ms);
    print_padded(out, row->agent, 0);
    fputc(' ', out);
    print_padded(out, row->address, 0);
    fputc('\n', out);
}

void stat_print(FILE *out, const struct zchat_event *row, bool is_json)
{
    struct json json;

    if (is_json) {
        json_open(&json, out);
        json_text(&json, "name", span_of(row->text));
        json_uint(&json, "value", row->value);
        json_close(&json);
        return;
    }
    print_padded(out, row->text, 40);
    fprintf(out, " %" PRIu64 "\n", row->value);
}

void ban_print(FILE *out, const struct zchat_event *row, bool is_json)
{
    struct json json;

    if (is_json) {
        json_open(&json, out);
        json_text(&json, "state", span_of(row->state));
        if (row->stream[0] != '\0')
            json_text(&json, "stream", span_of(row->stream));
        if (row->from[0] != '\0')
            json_text(&json, "nick", span_of(row->from));
        if (row->key[0] != '\0')
            json_text(&json, "key", span_of(row->key));
        if (row->until_ms != 0)
            json_time(&json, "until", row->until_ms);
        json_close(&json);
        return;
    }
    print_padded(out, row->state, 6);
    fputc(' ', out);
    print_when(out, row->until_ms);
    print_padded(out, row->from[0] != '\0' ? row->from : row->key, 0);
    fputc('\n', out);
}
