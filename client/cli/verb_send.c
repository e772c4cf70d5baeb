/* verb_send.c - post messages and follow them to the level asked for.
 *
 * Posts go out in a row, up to the window; their results are printed in the order of their numbers. */
#include "client/cli/cli.h"
#include "client/cli/input.h"
#include "client/cli/print.h"
#include "client/cli/verbs.h"
#include "client/cli/words.h"

#include "shared/base/alloc.h"
#include "shared/base/limits.h"
#include "shared/text/json.h"
#include "shared/text/name.h"
#include "shared/wire/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A post that is not printed yet. */
struct slot {
    enum zchat_post_state state;
    enum rc rc;
    uint64_t seq;
    uint64_t line; /* of the input; 0: not from lines */
    char stream[STREAM_BYTES_MAX + 1];
};

struct sender {
    struct cli cli;
    const struct args *args;
    struct stream_name target;
    struct input input;
    struct slot slot[POST_WINDOW]; /* of number n at n % POST_WINDOW */
    uint32_t first;                /* lowest number that is not printed */
    uint32_t next;                 /* number of the next post */
    uint64_t line;                 /* lines read */
    bool is_input_over;
    enum rc waiting; /* why the broker takes none now, as it was told last; RC_OK: not known */
    uint64_t progress_ms;
    enum exit_code code; /* of the first failure; EXIT_GO_ON: none */
};

static struct slot *slot_of(struct sender *self, uint32_t number)
{
    return &self->slot[number % POST_WINDOW];
}

static uint32_t unprinted(const struct sender *self)
{
    return self->next - self->first;
}

static enum rc check_text(struct span text)
{
    if (text.len > TEXT_BYTES_MAX)
        return RC_TOO_BIG;
    return text.len > 0 && wire_is_utf8(text) ? RC_OK : RC_BAD_TEXT;
}

/* This one never goes out, and nothing behind it does. */
static void refuse_here(struct sender *self, enum rc rc)
{
    char about[64] = "the message";

    if (self->args->is_lines)
        snprintf(about, sizeof(about), "line %" PRIu64, self->line);
    if (rc == RC_TOO_BIG)
        cli_say("%s is larger than %d bytes (too_big)", about, TEXT_BYTES_MAX);
    else
        cli_say("%s %s (bad_text)", about,
                self->args->is_lines ? "is not valid UTF-8" : "is empty or not valid UTF-8");
    if (self->code == EXIT_GO_ON)
        self->code = EXIT_REFUSED;
    self->is_input_over = true;
}

static enum exit_code post(struct sender *self, struct span text)
{
    const char *kind = self->args->is_notice ? "notice" : NULL;
    uint32_t number = self->next;
    zchat_rc rc;

    if (self->args->number != 0 && self->next == self->args->number)
        rc = zchat_post_as(self->cli.chat, number, self->target.text, kind, text.ptr, text.len, 0);
    else
        rc = zchat_post(self->cli.chat, self->target.text, kind, text.ptr, text.len, 0, &number);
    if (rc != 0)
        return cli_fail((enum rc)rc, self->target.text);
    if (unprinted(self) == 0) {
        self->first = number;
        self->progress_ms = cli_now_ms();
    }
    *slot_of(self, number) = (struct slot){.state = ZCHAT_WAITING, .line = self->line};
    self->next = number + 1;
    return EXIT_GO_ON;
}

/* Post the lines that are there, as far as the window goes. */
static enum exit_code post_lines(struct sender *self)
{
    struct span line;
    enum rc rc;

    while (!self->is_input_over && unprinted(self) < POST_WINDOW) {
        enum exit_code code;

        rc = input_line(&self->input, &line);
        if (rc == RC_END) {
            self->is_input_over = self->input.is_over;
            return EXIT_GO_ON;
        }
        self->line++;
        if (rc == RC_OK && line.len == 0)
            continue;
        if (rc == RC_OK)
            rc = check_text(line);
        if (rc != RC_OK) {
            refuse_here(self, rc);
            return EXIT_GO_ON;
        }
        code = post(self, line);
        if (code != EXIT_GO_ON)
            return code;
    }
    return EXIT_GO_ON;
}

static void print_json(const struct sender *self, uint32_t number, const struct slot *slot,
                       const char *state, const char *error)
{
    struct json json;

    json_open(&json, stdout);
    if (slot->stream[0] != '\0')
        json_text(&json, "stream", span_of(slot->stream));
    if (slot->seq != 0)
        json_uint(&json, "seq", slot->seq);
    json_id(&json, "session", zchat_session(self->cli.chat));
    json_uint(&json, "number", number);
    json_text(&json, "state", span_of(state));
    if (error != NULL)
        json_text(&json, "error", span_of(error));
    json_close(&json);
}

static void print_stored(struct sender *self, uint32_t number)
{
    const struct slot *slot = slot_of(self, number);

    if (self->args->is_json)
        print_json(self, number, slot, slot->state == ZCHAT_DELIVERED ? "delivered" : "stored",
                   NULL);
    else
        printf("%s %" PRIu64 "\n", slot->stream, slot->seq);
}

static void print_failed(struct sender *self, uint32_t number)
{
    const struct slot *slot = slot_of(self, number);
    char about[STREAM_BYTES_MAX + 40];
    enum exit_code code;

    if (self->args->is_json)
        print_json(self, number, slot, "failed", rc_name(slot->rc));
    if (slot->line != 0)
        snprintf(about, sizeof(about), "line %" PRIu64 ": %s", slot->line, self->target.text);
    else
        snprintf(about, sizeof(about), "%s", self->target.text);
    code = cli_fail(slot->rc, about);
    if (self->code == EXIT_GO_ON)
        self->code = code;
    self->is_input_over = true; /* what follows would be out of its context */
}

static bool is_settled(const struct sender *self, const struct slot *slot)
{
    return slot->state == ZCHAT_FAILED || slot->state == ZCHAT_DELIVERED ||
           (slot->state == ZCHAT_STORED && self->args->wait == WAIT_STORED);
}

/* A message is sent whether or not anybody reads about it. */
static enum exit_code flush(struct sender *self)
{
    const enum exit_code code = cli_flush();

    if (code != EXIT_DONE)
        return code;
    cli_mute(&self->cli);
    return EXIT_GO_ON;
}

/* The reader is gone (`| head`): nothing more is taken in, and what was posted is brought to its end. */
static void stop_unread(struct sender *self)
{
    if (!self->cli.is_muted || self->is_input_over)
        return;
    self->is_input_over = true;
    cli_say("nobody reads standard output any more: nothing behind line %" PRIu64 " is sent",
            self->line);
    if (self->code == EXIT_GO_ON)
        self->code = EXIT_OTHER;
}

static enum exit_code print_settled(struct sender *self)
{
    bool is_printed = false;

    while (unprinted(self) > 0 && is_settled(self, slot_of(self, self->first))) {
        if (slot_of(self, self->first)->state == ZCHAT_FAILED)
            print_failed(self, self->first);
        else
            print_stored(self, self->first);
        self->first++;
        is_printed = true;
    }
    return is_printed ? flush(self) : EXIT_GO_ON;
}

/* The broker takes nothing now; the same number goes out again. Told when the reason changes. */
static void tell_waiting(struct sender *self, enum rc rc)
{
    if (self->waiting == rc)
        return;
    self->waiting = rc;
    cli_say("waiting: %s (%s)", waiting_sentence(rc), rc_name(rc));
}

static enum exit_code on_post(struct sender *self, const struct zchat_event *event)
{
    struct slot *slot;

    if (event->number - self->first >= unprinted(self))
        return EXIT_GO_ON; /* not one of ours that is still open */
    if (event->post == ZCHAT_WAITING) {
        if (event->rc != 0)
            tell_waiting(self, (enum rc)event->rc);
        return EXIT_GO_ON;
    }
    self->waiting = RC_OK;
    slot = slot_of(self, event->number);
    slot->state = event->post;
    slot->rc = (enum rc)event->rc;
    if (event->post == ZCHAT_STORED) {
        slot->seq = event->seq;
        snprintf(slot->stream, sizeof(slot->stream), "%s", event->stream);
    }
    self->progress_ms = cli_now_ms();
    return print_settled(self);
}

/* Time is over, or a signal came: what is known, and how to go on. */
static enum exit_code give_up(struct sender *self)
{
    for (; unprinted(self) > 0; self->first++) {
        const struct slot *slot = slot_of(self, self->first);

        if (slot->state == ZCHAT_FAILED) {
            print_failed(self, self->first);
            continue;
        }
        if (slot->state == ZCHAT_STORED || slot->state == ZCHAT_DELIVERED) {
            print_stored(self, self->first);
            if (slot->state == ZCHAT_STORED && self->args->wait == WAIT_DELIVERED &&
                self->code == EXIT_GO_ON)
                self->code = EXIT_NOT_DELIVERED;
            continue;
        }
        if (self->args->is_json)
            print_json(self, self->first, slot, "unknown",
                       rc_name(self->waiting != RC_OK ? self->waiting : RC_TIMEOUT));
        if (slot->line != 0)
            fprintf(stderr, "zchat: line %" PRIu64 ": ", slot->line);
        else
            fputs("zchat: ", stderr);
        if (self->waiting != RC_OK)
            fprintf(stderr, "%s (%s): ", waiting_sentence(self->waiting), rc_name(self->waiting));
        fprintf(stderr,
                "no answer in time; whether it was stored is not known. It is safe to repeat with "
                "--session %016" PRIx64 " --number %" PRIu32 " (timeout)\n",
                zchat_session(self->cli.chat), self->first);
        self->code = EXIT_TIMED_OUT;
        break;
    }
    if (self->code == EXIT_NOT_DELIVERED)
        cli_say("stored, but not delivered in time (timeout)");
    if (flush(self) == EXIT_OTHER)
        return EXIT_OTHER;
    return self->code;
}

/* Post, wait and print until the input is over and all is settled. */
static enum exit_code send_all(struct sender *self)
{
    struct pollfd in = {.fd = self->input.fd, .events = POLLIN};
    struct zchat_event event;
    enum exit_code code;

    for (;;) {
        bool wants_input;
        uint64_t until_ms = UINT64_MAX;

        stop_unread(self);
        code = post_lines(self);
        if (code != EXIT_GO_ON)
            return code;
        wants_input = !self->is_input_over && unprinted(self) < POST_WINDOW;
        if (self->is_input_over && unprinted(self) == 0)
            return self->code;
        if (unprinted(self) > 0)
            until_ms = self->progress_ms + self->args->timeout_ms;
        code = cli_next(&self->cli, until_ms, &in, wants_input ? 1 : 0, &event);
        if (code != EXIT_GO_ON) {
            if (code > EXIT_SIGNALLED)
                give_up(self);
            return code;
        }
        if (wants_input && in.revents != 0 && input_fill(&self->input) != RC_OK) {
            cli_say("cannot read standard input: %s", strerror(errno));
            if (self->code == EXIT_GO_ON)
                self->code = EXIT_OTHER;
        }
        if (event.kind == ZCHAT_POST)
            code = on_post(self, &event);
        else if (event.kind == ZCHAT_NONE && unprinted(self) > 0 && cli_now_ms() >= until_ms)
            code = give_up(self);
        if (code != EXIT_GO_ON)
            return code;
    }
}

/* The room must be joined; receipts come in the own stream. */
static enum exit_code prepare(struct sender *self)
{
    /* A repeated post may have its receipt already: look back for it. */
    const struct zchat_place from = {self->args->number != 0 ? ZCHAT_FROM_LAST : ZCHAT_FROM_HEAD,
                                     self->args->number != 0 ? 1000 : 0};
    char own[STREAM_BYTES_MAX + 1];
    struct zchat_event event = {0};
    uint32_t ref;
    zchat_rc rc;
    enum exit_code code;
    uint64_t until_ms;

    self->cli.outlives_reader = true; /* what was asked for is a message, not its place */
    code = cli_wait_up(&self->cli);
    until_ms = cli_later_ms(self->args->timeout_ms);
    if (code != EXIT_GO_ON)
        return code;
    if (self->target.sigil == '#') {
        rc = zchat_join(self->cli.chat, self->target.text, false, &ref);
        code =
            rc != 0 ? cli_fail((enum rc)rc, "") : cli_answer(&self->cli, ref, NULL, NULL, &event);
        if (code != EXIT_TIMED_OUT)
            return code;
        cli_say("the room could not be joined, and nothing was sent");
        return EXIT_NO_LINK; /* EXIT_TIMED_OUT names a post that may be repeated */
    }
    if (self->args->wait != WAIT_DELIVERED)
        return EXIT_GO_ON;
    snprintf(own, sizeof(own), "@%s", zchat_nick(self->cli.chat));
    rc = zchat_follow(self->cli.chat, own, from, 0);
    if (rc != 0)
        return cli_fail((enum rc)rc, own);
    while (event.kind != ZCHAT_LIVE) {
        code = cli_next(&self->cli, until_ms, NULL, 0, &event);
        if (code != EXIT_GO_ON)
            return code;
        if (event.kind == ZCHAT_NONE && cli_now_ms() >= until_ms) {
            cli_say("no answer in time; nothing was sent (timeout)");
            return EXIT_NO_LINK;
        }
    }
    return EXIT_GO_ON;
}

/* The words behind TARGET, or all of standard input. */
static enum rc take_message(struct sender *self, char **ret_owned, struct span *ret)
{
    const struct args *args = self->args;

    if (args->word_count < 2 || (args->word_count == 2 && strcmp(args->word[1], "-") == 0))
        return input_all(&self->input, ret);
    *ret_owned = words_join(args, 1);
    *ret = span_of(*ret_owned);
    return RC_OK;
}

static enum exit_code send_one(struct sender *self)
{
    struct span text = {0};
    char *owned = NULL;
    enum exit_code code;
    enum rc rc = take_message(self, &owned, &text);

    if (rc == RC_SYSTEM) {
        cli_say("cannot read standard input: %s", strerror(errno));
        code = EXIT_OTHER;
        goto out;
    }
    if (rc == RC_OK)
        rc = check_text(text);
    if (rc != RC_OK) {
        refuse_here(self, rc);
        code = self->code;
        goto out;
    }
    code = cli_open(&self->cli, self->args, false);
    if (code == EXIT_GO_ON)
        code = prepare(self);
    if (code == EXIT_GO_ON)
        code = post(self, text);
    self->is_input_over = true;
    if (code == EXIT_GO_ON)
        code = send_all(self);
out:
    free(owned);
    return code;
}

static enum exit_code send_lines(struct sender *self)
{
    enum exit_code code = cli_open(&self->cli, self->args, false);

    if (code == EXIT_GO_ON)
        code = prepare(self);
    return code == EXIT_GO_ON ? send_all(self) : code;
}

enum exit_code verb_send(const struct args *args)
{
    struct sender *self = x_alloc(1, sizeof(*self));
    enum exit_code code;

    self->args = args;
    self->code = EXIT_GO_ON;
    self->first = self->next = args->number != 0 ? args->number : 1;
    self->cli.signal_fd = -1;
    input_init(&self->input, STDIN_FILENO);
    if (stream_name_parse(span_of(args->word[0]), &self->target) != RC_OK)
        code = cli_usage("\"%s\" is not a target: it is #room or @nick", args->word[0]);
    else if (args->wait == WAIT_DELIVERED && self->target.sigil == '#')
        code = cli_usage("--wait delivered is for @nick: a room has no receipts");
    else
        code = args->is_lines ? send_lines(self) : send_one(self);
    cli_close(&self->cli);
    input_fini(&self->input);
    free(self);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}
