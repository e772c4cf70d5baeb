/* run_core.c - plays transcripts against the core alone: the memory store behind it, and the shell's work
 * (bytes, names) done as the hub does it. Usage: run_core FILE... */
#include "broker/canonical.h"
#include "tests/support/core/stage.h"
#include "tests/transcripts/transcript.h"

#include "shared/base/alloc.h"
#include "shared/proto/verbs.h"
#include "shared/text/url.h"
#include "shared/wire/wire.h"

#include <stdlib.h>

#define CAPTURES_MAX      16
#define PEOPLE_MAX        16
#define CAPTURE_BYTES_MAX 64

struct player {
    struct stage stage;
    struct line line;
    char people[PEOPLE_MAX][32]; /* of peer 1, 2 ... */
    size_t people_count;
    struct {
        char name[32];
        uint64_t value;
        char bytes[CAPTURE_BYTES_MAX]; /* of keys and tokens */
        size_t len;
    } captures[CAPTURES_MAX];
    size_t captures_count;
};

/* --- who ----------------------------------------------------------------------------- */

/* The connection of that name; its key is its own. */
static peer_id peer_of(struct player *self, const char *name)
{
    for (uint32_t i = 0; i < self->people_count; i++) {
        if (strcmp(self->people[i], name) == 0)
            return (peer_id){i + 1};
    }
    if (self->people_count == PEOPLE_MAX)
        line_fail(&self->line, "too many connections");
    snprintf(self->people[self->people_count], sizeof self->people[0], "%s", name);
    const peer_id peer = {(uint32_t)++self->people_count};
    stage_key(&self->stage, peer, (unsigned char)peer.v);
    return peer;
}

/* device NAME OWNER: a connection with the owner's key. */
static void add_device(struct player *self)
{
    if (self->line.count != 3)
        line_fail(&self->line, "device NAME OWNER");
    const peer_id owner = peer_of(self, self->line.word[2].key);
    stage_key(&self->stage, peer_of(self, self->line.word[1].key), (unsigned char)owner.v);
}

/* Its place among the captures, or CAPTURES_MAX. */
static size_t find_capture(struct player *self, const struct word *word)
{
    char name[32] = {0};

    if (word->value.len >= sizeof name)
        line_fail(&self->line, "a name is too long");
    memcpy(name, word->value.ptr, word->value.len);
    for (size_t i = 0; i < self->captures_count; i++) {
        if (strcmp(self->captures[i].name, name) == 0)
            return i;
    }
    return CAPTURES_MAX;
}

static uint64_t *capture(struct player *self, const struct word *word)
{
    const size_t at = find_capture(self, word);

    return at == CAPTURES_MAX ? NULL : &self->captures[at].value;
}

static bool is_capture(const struct word *word)
{
    return !word->is_quoted && word->value.len > 1 && word->value.ptr[0] == '$';
}

/* What a word of bytes means: a name for some that came before, or itself. */
static struct span bytes_of(struct player *self, const struct word *word)
{
    const size_t at = is_capture(word) ? find_capture(self, word) : CAPTURES_MAX;

    return at == CAPTURES_MAX ? word->value
                              : (struct span){self->captures[at].bytes, self->captures[at].len};
}

static void add_capture(struct player *self, const struct word *word, uint64_t value)
{
    if (self->captures_count == CAPTURES_MAX)
        line_fail(&self->line, "too many $names");
    memcpy(self->captures[self->captures_count].name, word->value.ptr, word->value.len);
    self->captures[self->captures_count++].value = value;
}

static void add_bytes(struct player *self, const struct word *word, struct span bytes)
{
    add_capture(self, word, 0);
    if (bytes.len > CAPTURE_BYTES_MAX)
        line_fail(&self->line, "too many bytes to remember");
    self->captures[self->captures_count - 1].len = bytes.len;
    memcpy(self->captures[self->captures_count - 1].bytes, bytes.ptr, bytes.len);
}

/* --- saying -------------------------------------------------------------------------- */

static const struct field_row *row_of(const struct line *line, const struct word *word,
                                      const char *key, uint64_t *ret_bit)
{
    const enum field field = field_from_key(span_of(key));

    (void)word;
    if (field == FIELD_COUNT)
        line_fail(line, "there is no such field");
    *ret_bit = UINT64_C(1) << field;
    return field_row(field);
}

static void set_field(struct player *self, struct message *message, const struct word *word)
{
    uint64_t bit;
    const struct field_row *row = row_of(&self->line, word, word->key, &bit);
    char *member = (char *)message + row->offset;

    message->has |= bit;
    switch (row->type) {
    case FIELD_UINT: {
        const uint64_t *known = is_capture(word) ? capture(self, word) : NULL;
        const uint64_t number = known != NULL ? *known : word_number(&self->line, word);
        memcpy(member, &number, sizeof number);
        break;
    }
    case FIELD_TEXT:
        memcpy(member, &word->value, sizeof word->value);
        break;
    case FIELD_BYTES: {
        const struct span bytes = bytes_of(self, word);
        memcpy(member, &bytes, sizeof bytes);
        break;
    }
    case FIELD_FLAG: {
        const bool is_true = span_equal(word->value, SPAN("true"));
        memcpy(member, &is_true, sizeof is_true);
        break;
    }
    }
}

static void say_frame(struct player *self, peer_id peer, struct span frame)
{
    struct wire_reader reader = wire_reader_over(frame, TO_BROKER);
    struct message message;
    enum rc rc;

    while ((rc = wire_read(&reader, &message)) != RC_END) {
        struct canonical names = {.skeleton = {NULL, 0}};

        if (rc == RC_OK)
            rc = canonicalise(&message, &names);
        stage_say_as(&self->stage, peer, &message, names.skeleton, rc);
    }
}

/* NAME > raw HEX */
static void say_raw(struct player *self, peer_id peer)
{
    const struct span hex = self->line.word[3].value;
    unsigned char *bytes = x_alloc(hex.len / 2, 1);

    if (self->line.count != 4 || hex_decode(hex, bytes, hex.len / 2) != RC_OK)
        line_fail(&self->line, "raw HEX");
    say_frame(self, peer, (struct span){(const char *)bytes, hex.len / 2});
    free(bytes);
}

/* NAME > VERB FIELD=VALUE... */
static void say(struct player *self)
{
    const struct line *line = &self->line;
    const peer_id peer = peer_of(self, line->word[0].key);
    struct message message = {.verb = VERB_NONE};
    const struct verb_row *row;

    if (line->count >= 3 && strcmp(line->word[2].key, "raw") == 0) {
        say_raw(self, peer);
        return;
    }
    message.verb = line->count >= 3 ? verb_from_name(line->word[2].value) : VERB_NONE;
    row = verb_row(message.verb);
    if (row == NULL)
        line_fail(line, "there is no such verb: write raw HEX");
    for (size_t i = 3; i < line->count; i++)
        set_field(self, &message, &line->word[i]);
    struct wire_buf buf = {.data = x_alloc(FRAME_BYTES_MAX, 1), .capacity = FRAME_BYTES_MAX};
    if (wire_write(&buf, &message) != RC_OK)
        line_fail(line, "does not fit a frame");
    say_frame(self, peer, (struct span){buf.data, buf.len});
    free(buf.data);
}

/* --- expecting ----------------------------------------------------------------------- */

static void print_message(const struct message *message)
{
    const struct verb_row *row = verb_row(message->verb);

    fprintf(stderr, "  came: %s", row == NULL ? "?" : row->name);
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        const struct field_row *column = field_row((enum field)field);
        const char *member = (const char *)message + column->offset;

        if ((message->has >> field & 1) == 0)
            continue;
        if (column->type == FIELD_UINT)
            fprintf(stderr, " %s=%llu", column->key,
                    (unsigned long long)*(const uint64_t *)(const void *)member);
        else if (column->type == FIELD_FLAG)
            fprintf(stderr, " %s=%s", column->key, *(const bool *)member ? "true" : "false");
        else if (column->type == FIELD_TEXT)
            fprintf(stderr, " %s=\"%.*s\"", column->key,
                    (int)((const struct span *)(const void *)member)->len,
                    ((const struct span *)(const void *)member)->ptr);
        else
            fprintf(stderr, " %s=*", column->key);
    }
    fputc('\n', stderr);
}

static bool has_value(struct player *self, const struct field_row *row, const char *member,
                      const struct word *word)
{
    switch (row->type) {
    case FIELD_UINT: {
        uint64_t number;
        memcpy(&number, member, sizeof number);
        if (!is_capture(word))
            return number == word_number(&self->line, word);
        const uint64_t *known = capture(self, word);
        if (known == NULL)
            add_capture(self, word, number);
        return known == NULL || *known == number;
    }
    case FIELD_FLAG:
        return *(const bool *)member == span_equal(word->value, SPAN("true"));
    case FIELD_BYTES:
        if (is_capture(word) && find_capture(self, word) == CAPTURES_MAX)
            add_bytes(self, word, *(const struct span *)(const void *)member);
        return span_equal(*(const struct span *)(const void *)member, bytes_of(self, word));
    default:
        return span_equal(*(const struct span *)(const void *)member, word->value);
    }
}

static bool matches(struct player *self, const struct message *message, const struct word *word)
{
    const bool is_absent = word->key[0] == '-';
    uint64_t bit;
    const struct field_row *row = row_of(&self->line, word, word->key + is_absent, &bit);

    if (is_absent || (message->has & bit) == 0)
        return is_absent && (message->has & bit) == 0;
    if (!word->is_quoted && span_equal(word->value, SPAN("*")))
        return true;
    return has_value(self, row, (const char *)message + row->offset, word);
}

/* ... < VERB FIELD=VALUE... : a subset of what came. */
static void match(struct player *self, const struct said *said, size_t at)
{
    const struct line *line = &self->line;

    if (said == NULL)
        line_fail(line, "nothing came");
    if (line->count <= at || verb_from_name(line->word[at].value) != said->message.verb) {
        print_message(&said->message);
        line_fail(line, "another verb came");
    }
    for (size_t i = at + 1; i < line->count; i++) {
        if (matches(self, &said->message, &line->word[i]))
            continue;
        print_message(&said->message);
        fprintf(stderr, "  wanted: %s\n", line->word[i].key);
        line_fail(line, "a field differs");
    }
}

/* NAME < VERB ..., NAME < nothing */
static void expect_answer(struct player *self)
{
    const peer_id peer = peer_of(self, self->line.word[0].key);
    const struct said *said = stage_take_reply(&self->stage, peer, VERB_NONE);

    if (self->line.count == 3 && strcmp(self->line.word[2].key, "nothing") == 0) {
        if (said == NULL)
            return;
        print_message(&said->message);
        line_fail(&self->line, "something came");
    }
    match(self, said, 2);
}

/* pub TOPIC < VERB ..., pub TOPIC < nothing */
static void expect_publication(struct player *self)
{
    const struct line *line = &self->line;
    char topic[STREAM_BYTES_MAX + 1] = {0};

    if (line->count < 4 || strcmp(line->word[2].key, "<") != 0)
        line_fail(line, "pub TOPIC < VERB ...");
    memcpy(topic, line->word[1].value.ptr, line->word[1].value.len);
    const bool is_nothing = strcmp(line->word[3].key, "nothing") == 0;
    const enum verb verb = is_nothing ? VERB_NONE : verb_from_name(line->word[3].value);
    const struct said *said = stage_take_topic(&self->stage, topic, verb);
    if (!is_nothing)
        match(self, said, 3);
    else if (said != NULL)
        line_fail(line, "something came");
}

/* --- steps of the broker itself ------------------------------------------------------ */

/* limits FIELD=N... : other tables, and so a new broker. */
static void set_limits(struct player *self)
{
    struct core_limits limits = self->stage.limits;
    const struct {
        const char *name;
        uint32_t *value;
    } rows[] = {
        {"accounts", &limits.accounts_max},       {"rooms", &limits.rooms_max},
        {"memberships", &limits.memberships_max}, {"room_members", &limits.room_members_max},
        {"sessions", &limits.sessions_max},       {"pending", &limits.pending_max},
        {"account_rate", &limits.account_rate},   {"account_burst", &limits.account_burst},
    };

    for (size_t i = 1; i < self->line.count; i++) {
        size_t at = 0;
        while (at < sizeof rows / sizeof *rows &&
               strcmp(rows[at].name, self->line.word[i].key) != 0)
            at++;
        if (at == sizeof rows / sizeof *rows)
            line_fail(&self->line, "there is no such limit");
        *rows[at].value = (uint32_t)word_number(&self->line, &self->line.word[i]);
    }
    self->stage.limits = limits;
    stage_restart(&self->stage);
}

/* fail CODE: the oldest operation in the store's hands is refused with it. */
static void fail_oldest(struct player *self)
{
    enum rc rc = RC_OK;

    for (unsigned long number = 1; number < 100 && self->line.count == 2; number++) {
        if (strcmp(rc_name((enum rc)number), self->line.word[1].key) == 0)
            rc = (enum rc)number;
    }
    if (rc == RC_OK || stage_held(&self->stage) == NULL)
        line_fail(&self->line, "fail CODE, with something in the store's hands");
    stage_fail(&self->stage, rc, 0);
}

static void play_line(struct player *self)
{
    const struct line *line = &self->line;
    const char *first = line->word[0].key;

    if (line->count > 1 && strcmp(line->word[1].key, ">") == 0)
        say(self);
    else if (line->count > 1 && strcmp(line->word[1].key, "<") == 0)
        expect_answer(self);
    else if (strcmp(first, "pub") == 0)
        expect_publication(self);
    else if (strcmp(first, "store") == 0)
        stage_commit_all(&self->stage);
    else if (strcmp(first, "wait") == 0 && line->count == 2)
        stage_wait(&self->stage, word_number(line, &line->word[1]));
    else if (strcmp(first, "restart") == 0)
        stage_restart(&self->stage);
    else if (strcmp(first, "stop") == 0)
        stage_stop(&self->stage);
    else if (strcmp(first, "device") == 0)
        add_device(self);
    else if (strcmp(first, "limits") == 0)
        set_limits(self);
    else if (strcmp(first, "fail") == 0)
        fail_oldest(self);
    else if (strcmp(first, "registration") == 0) {
        self->stage.limits.registration = REGISTRATION_CLOSED;
        stage_restart(&self->stage);
    } else if (strcmp(first, "only") != 0)
        line_fail(line, "what is this?");
}

static void play(const char *path)
{
    struct player *self = x_alloc(1, sizeof *self);
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    stage_open(&self->stage, NULL);
    while (line_read(&self->line, file, "core"))
        play_line(self);
    const struct said *left = stage_take(&self->stage, FX_REPLY);
    if (left != NULL) {
        print_message(&left->message);
        line_fail(&self->line, "this answer was not expected");
    }
    printf("ok %s (%u lines)\n", path, self->line.number);
    line_free(&self->line);
    fclose(file);
    stage_close(&self->stage);
    free(self);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        play(argv[i]);
    return argc > 1 ? 0 : 2;
}
