/* verb_list.c - who and rooms. */
#include "client/cli/cli.h"
#include "client/cli/print.h"
#include "client/cli/verbs.h"

#include "shared/base/alloc.h"
#include "shared/text/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A row of WHO: one person in one room, or in none (""). */
struct person {
    char *nick, *room, *state;
    uint32_t devices;
};

struct people {
    struct person *item;
    size_t count, capacity;
};

static void on_person(void *context, const struct zchat_event *row)
{
    struct people *people = context;

    if (people->count == people->capacity) {
        people->capacity = people->capacity == 0 ? 64 : people->capacity * 2;
        people->item = x_realloc(people->item, people->capacity, sizeof(*people->item));
    }
    people->item[people->count++] = (struct person){x_strdup(row->from), x_strdup(row->stream),
                                                    x_strdup(row->state), row->devices};
}

static void people_fini(struct people *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->item[i].nick);
        free(self->item[i].room);
        free(self->item[i].state);
    }
    free(self->item);
}

static int by_nick(const void *a, const void *b)
{
    const struct person *left = a, *right = b;
    int order = strcmp(left->nick, right->nick);

    return order != 0 ? order : strcmp(left->room, right->room);
}

/* Rows first..first+count are of one person. */
static void print_person(const struct args *args, const struct person *first, size_t count)
{
    struct json json;

    if (args->is_json) {
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

static void print_people(const struct args *args, struct people *people)
{
    size_t count;

    if (people->count > 0)
        qsort(people->item, people->count, sizeof(*people->item), by_nick);
    if (!args->is_json && people->count > 0)
        printf("%-16s %-7s %3s %s\n", "nick", "state", "dev", "rooms");
    for (size_t i = 0; i < people->count; i += count) {
        count = 1;
        while (i + count < people->count &&
               strcmp(people->item[i].nick, people->item[i + count].nick) == 0)
            count++;
        print_person(args, &people->item[i], count);
    }
}

enum exit_code verb_who(const struct args *args)
{
    const char *room = args->word_count > 0 ? args->word[0] : NULL;
    struct people people = {0};
    struct zchat_event answer;
    struct cli cli;
    uint32_t ref;
    zchat_rc rc;
    enum exit_code code = cli_open(&cli, args, false);

    if (code != EXIT_GO_ON)
        return code;
    rc = zchat_who(cli.chat, room, &ref);
    if (rc == RC_BAD_NAME)
        code = cli_usage("who takes a room's name, #room");
    else if (rc != 0)
        code = cli_fail((enum rc)rc, "");
    else
        code = cli_answer(&cli, ref, on_person, &people, &answer);
    if (code == EXIT_GO_ON) {
        print_people(args, &people);
        code = cli_flush();
    }
    people_fini(&people);
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

static void on_room(void *context, const struct zchat_event *row)
{
    const struct args *args = context;
    struct json json;

    if (args->is_json) {
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

enum exit_code verb_rooms(const struct args *args)
{
    struct zchat_event answer;
    struct cli cli;
    struct args copy = *args; /* rows want a context that is not const */
    uint32_t ref;
    zchat_rc rc;
    enum exit_code code = cli_open(&cli, args, false);

    if (code != EXIT_GO_ON)
        return code;
    rc = zchat_rooms(cli.chat, false, &ref);
    code = rc != 0 ? cli_fail((enum rc)rc, "") : cli_answer(&cli, ref, on_room, &copy, &answer);
    if (code == EXIT_GO_ON)
        code = cli_flush();
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}
