#include "client/cli/lists.h"

#include "client/cli/print.h"

#include "shared/base/alloc.h"
#include "shared/text/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One person in one room, or in none (""). */
struct person {
    char *nick, *room, *state;
    uint32_t devices;
};

void people_take(void *people, const struct zchat_event *row)
{
    struct people *self = people;

    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 64 : self->capacity * 2;
        self->item = x_realloc(self->item, self->capacity, sizeof(*self->item));
    }
    self->item[self->count++] = (struct person){x_strdup(row->from), x_strdup(row->stream),
                                                x_strdup(row->state), row->devices};
}

void people_fini(struct people *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->item[i].nick);
        free(self->item[i].room);
        free(self->item[i].state);
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

/* Rows first..first+count are of one person. */
static void print_person(const struct person *first, size_t count, bool is_json)
{
    struct json json;

    if (is_json) {
        json_open(&json, stdout);
        json_text(&json, "nick", span_of(first->nick));
        json_array_open(&json, "rooms");
        for (size_t i = 0; i < count; i++) {
            if (first[i].room[0] != '\0')
                json_array_text(&json, span_of(first[i].room));
        }
        json_array_close(&json);
        json_text(&json, "state", span_of(first->state));
        json_uint(&json, "devices", first->devices);
        json_close(&json);
        return;
    }
    print_padded(stdout, first->nick, 16);
    fputc(' ', stdout);
    print_padded(stdout, first->state, 7);
    printf(" %3" PRIu32, first->devices);
    for (size_t i = 0; i < count; i++) {
        fputc(' ', stdout);
        print_padded(stdout, first[i].room, 0);
    }
    fputc('\n', stdout);
}

void people_print(struct people *self, bool is_json)
{
    size_t count;

    if (self->count > 0)
        qsort(self->item, self->count, sizeof(*self->item), by_nick);
    if (!is_json && self->count > 0)
        printf("%-16s %-7s %3s %s\n", "nick", "state", "dev", "rooms");
    for (size_t i = 0; i < self->count; i += count) {
        count = 1;
        while (i + count < self->count &&
               strcmp(self->item[i].nick, self->item[i + count].nick) == 0)
            count++;
        print_person(&self->item[i], count, is_json);
    }
}

void room_print(const struct zchat_event *row, bool is_json)
{
    struct json json;

    if (is_json) {
        json_open(&json, stdout);
        json_text(&json, "stream", span_of(row->stream));
        json_uint(&json, "people", row->people);
        json_uint(&json, "seq", row->seq);
        json_flag(&json, "member", row->is_member);
        json_close(&json);
        return;
    }
    printf("%c ", row->is_member ? '*' : ' ');
    print_padded(stdout, row->stream, 24);
    printf(" %6" PRIu32 " %9" PRIu64 "\n", row->people, row->seq);
}
