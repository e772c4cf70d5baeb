/* typing.c - what keys do. */
#include "client/cli/command.h"
#include "client/tui/layout.h"
#include "client/tui/screen.h"
#include "client/tui/session.h"
#include "client/tui/view.h"

#include "shared/base/limits.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_OVERLAP 2
#define SCROLL_ROWS  3
#define HISTORY_PAGE 100

void session_hint(struct session *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(self->desk.hint, sizeof(self->desk.hint), format, args);
    va_end(args);
    self->is_dirty = true;
}

static struct editor *input_of(const struct session *self)
{
    return self->desk.is_finding ? self->desk.find : desk_current(&self->desk)->editor;
}

/* --- looking back ----------------------------------------------------------------- */

static struct layout layout_now(struct session *self, struct view_frame *frame)
{
    struct layout layout;

    view_frame(&self->desk, self->rows, self->columns, frame);
    layout_init(&layout, &self->desk, frame->body_columns > 0 ? frame->body_columns : 1);
    return layout;
}

static void scroll(struct session *self, int rows)
{
    struct view_frame frame;
    const struct layout layout = layout_now(self, &frame);
    struct buffer *buffer = desk_current(&self->desk);

    if (layout_scroll(&layout, buffer, frame.body_rows, rows) && rows > 0)
        session_look_back(self, HISTORY_PAGE);
    buffer_trim(buffer);
}

static void scroll_page(struct session *self, int direction)
{
    struct view_frame frame;

    view_frame(&self->desk, self->rows, self->columns, &frame);
    scroll(self, direction * (frame.body_rows > PAGE_OVERLAP ? frame.body_rows - PAGE_OVERLAP : 1));
}

static void show_item(struct session *self, size_t index)
{
    struct view_frame frame;
    const struct layout layout = layout_now(self, &frame);

    layout_show(&layout, desk_current(&self->desk), frame.body_rows, index);
}

static void scroll_top(struct session *self)
{
    if (desk_current(&self->desk)->count > 0)
        show_item(self, 0);
    session_look_back(self, HISTORY_PAGE);
}

static void jump_unread(struct session *self)
{
    const struct buffer *buffer = desk_current(&self->desk);
    const size_t index = buffer_index_of(buffer, buffer->line_id);

    if (index == SIZE_MAX)
        session_hint(self, "nothing is unread here");
    else
        show_item(self, index);
}

/* --- finding ---------------------------------------------------------------------- */

static void begin_find(struct session *self)
{
    self->desk.is_finding = true;
    self->desk.found_id = 0;
    editor_clear(self->desk.find);
    session_hint(self, "Enter: the next older one; Esc: back");
}

static void end_find(struct session *self)
{
    self->desk.is_finding = false;
    self->desk.found_id = 0;
}

/* The next older item that holds the words. */
static void find_older(struct session *self, bool is_next)
{
    struct desk *desk = &self->desk;
    const struct buffer *buffer = desk_current(desk);
    const struct span wanted = editor_text(desk->find);
    size_t index = buffer_index_of(buffer, desk->found_id);
    char *needle;

    if (wanted.len == 0)
        return;
    if (index == SIZE_MAX)
        index = buffer->count;
    else if (!is_next)
        index++;
    needle = strndup(wanted.ptr, wanted.len);
    while (index > 0 && needle != NULL) {
        const struct item *item = buffer_at(buffer, --index);

        if (strcasestr(item->text, needle) == NULL && strcasestr(item->from, needle) == NULL)
            continue;
        desk->found_id = item->id;
        show_item(self, index);
        session_hint(self, "Enter: the next older one; Esc: back");
        free(needle);
        return;
    }
    free(needle);
    session_hint(self, "not found in what is here; PgUp fetches older messages");
}

/* --- sending ---------------------------------------------------------------------- */

static void send_line(struct session *self)
{
    struct buffer *buffer = desk_current(&self->desk);
    const struct span text = editor_text(buffer->editor);
    const bool is_command = text.len > 0 && text.ptr[0] == '/';
    char *line;

    if (text.len == 0)
        return;
    session_sync_target(self);
    line = strndup(text.ptr, text.len);
    if (line == NULL)
        return;
    /* A message that goes nowhere stays in the line. */
    if (!is_command && self->talk.target[0] == '\0') {
        session_hint(self, buffer->kind == BUFFER_ROOM
                               ? "you are not in this room: /join it"
                               : "to which room? /join #lobby, or /query nick");
        free(line);
        return;
    }
    editor_sent(buffer->editor); /* before: the command may close the buffer */
    command_take(&self->talk, (struct span){line, strlen(line)});
    free(line);
    session_sync_target(self);
}

/* --- completing ------------------------------------------------------------------- */

static bool list_commands(void *context, size_t index, struct span *ret)
{
    const struct command_help *command = command_at(index);

    (void)context;
    if (command == NULL)
        return false;
    *ret = span_of(command->name);
    return true;
}

static bool list_rooms(void *context, size_t index, struct span *ret)
{
    const struct session *self = context;

    for (size_t i = 0; i < self->desk.count; i++) {
        if (self->desk.buffer[i]->kind == BUFFER_ROOM && index-- == 0) {
            *ret = span_of(self->desk.buffer[i]->name + 1);
            return true;
        }
    }
    return false;
}

/* Who spoke, newest first; somebody may come more than once. */
static bool list_speakers(void *context, size_t index, struct span *ret)
{
    const struct session *self = context;
    const struct buffer *buffer = desk_current(&self->desk);

    for (size_t i = buffer->count; i > 0; i--) {
        const struct item *item = buffer_at(buffer, i - 1);

        if (item->from[0] != '\0' && !item->is_own && index-- == 0) {
            *ret = span_of(item->from);
            return true;
        }
        if (buffer->count - i > 500)
            break;
    }
    return false;
}

static bool list_nicks(void *context, size_t index, struct span *ret)
{
    const struct session *self = context;
    const struct nicks *members = &desk_current(&self->desk)->members;
    const size_t count = members->count;

    if (index < count) {
        *ret = span_of(members->nick[index]);
        return true;
    }
    index -= count;
    for (size_t i = 0; i < self->desk.count; i++) {
        if (self->desk.buffer[i]->kind == BUFFER_PERSON && index-- == 0) {
            *ret = span_of(self->desk.buffer[i]->name + 1);
            return true;
        }
    }
    return false;
}

static void complete(struct session *self, bool backwards)
{
    struct editor *editor = desk_current(&self->desk)->editor;
    const struct complete_source source = {
        .context = self,
        .speakers = list_speakers,
        .nicks = list_nicks,
        .rooms = list_rooms,
        .commands = list_commands,
    };
    struct completion found;

    if (!complete_step(self->complete, &source, editor_text(editor), editor_cursor(editor),
                       backwards, &found)) {
        session_hint(self, "nothing begins like that");
        return;
    }
    if (editor_replace(editor, found.begin, found.end, (struct span){found.text, found.text_len}) !=
        RC_OK)
        session_hint(self, "the message would be too long");
    else if (found.count > 1)
        session_hint(self, "%zu of %zu; Tab: the next", found.index + 1, found.count);
}

/* --- pasting ---------------------------------------------------------------------- */

static void insert(struct session *self, struct span text)
{
    if (editor_insert(input_of(self), text) == RC_TOO_BIG)
        session_hint(self, "too long: a message has at most %d bytes", TEXT_BYTES_MAX);
}

static void end_paste(struct session *self)
{
    const enum rc rc = paste_end(self->paste);

    self->is_pasting = false;
    if (rc == RC_TOO_BIG) {
        session_hint(self, "the paste is too long: %zu bytes; nothing was taken",
                     paste_bytes_seen(self->paste));
    } else if (rc == RC_OK && paste_asks(self->paste, self->desk.settings->paste_lines)) {
        self->asks = ASK_OF_PASTE;
        self->desk.card = CARD_QUESTION;
        snprintf(self->desk.question, sizeof(self->desk.question),
                 "%zu lines pasted: (m) one message, (l) line by line, (e) edit, (c) cancel",
                 paste_lines(self->paste));
    } else if (rc == RC_OK) {
        insert(self, paste_text(self->paste));
    }
}

static void post(struct session *self, struct span text)
{
    if (text.len > 0 && self->talk.target[0] != '\0')
        talk_post(&self->talk, self->talk.target, text);
}

static void post_lines(struct session *self, struct span text)
{
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

        post(self, (struct span){text.ptr, len});
        text.ptr += end == NULL ? len : len + 1;
        text.len -= end == NULL ? len : len + 1;
    }
}

static void answer_paste(struct session *self, char answer)
{
    const struct span text = paste_text(self->paste);

    session_sync_target(self);
    if (strchr("mlec", answer) == NULL)
        return;
    self->asks = ASK_OF_NONE;
    self->desk.card = CARD_NONE;
    if (answer == 'c')
        session_hint(self, "nothing was pasted");
    else if (answer == 'e')
        insert(self, text);
    else if (self->talk.target[0] == '\0')
        session_hint(self, "to which room? /join one first");
    else if (answer == 'm' && text.len > TEXT_BYTES_MAX)
        session_hint(self, "too long: a message has at most %d bytes", TEXT_BYTES_MAX);
    else if (answer == 'm')
        post(self, text);
    else
        post_lines(self, text);
}

/* --- actions ---------------------------------------------------------------------- */

static void cancel(struct session *self)
{
    if (self->desk.is_finding)
        end_find(self);
    else
        desk_current(&self->desk)->anchor_id = 0;
}

static void interrupt(struct session *self)
{
    struct editor *editor = input_of(self);

    if (editor_text(editor).len > 0) {
        editor_clear(editor);
        self->is_interrupted = false;
    } else if (self->is_interrupted) {
        self->is_over = true;
    } else {
        self->is_interrupted = true;
        session_hint(self, "once more to quit");
        return;
    }
}

static void edit(struct session *self, enum action action)
{
    switch (editor_do(input_of(self), action)) {
    case EDITOR_FULL:
        session_hint(self, "too long: a message has at most %d bytes", TEXT_BYTES_MAX);
        break;
    default:
        break;
    }
    if (self->desk.is_finding)
        find_older(self, false);
}

static void read_action(struct session *self, enum action action)
{
    struct buffer *buffer = desk_current(&self->desk);

    switch (action) {
    case ACTION_PAGE_UP:
        scroll_page(self, 1);
        break;
    case ACTION_PAGE_DOWN:
        scroll_page(self, -1);
        break;
    case ACTION_SCROLL_UP:
        scroll(self, SCROLL_ROWS);
        break;
    case ACTION_SCROLL_DOWN:
        scroll(self, -SCROLL_ROWS);
        break;
    case ACTION_SCROLL_TOP:
        scroll_top(self);
        break;
    case ACTION_SCROLL_BOTTOM:
        buffer->anchor_id = 0;
        buffer_trim(buffer);
        break;
    case ACTION_JUMP_UNREAD:
        jump_unread(self);
        break;
    case ACTION_FIND:
        if (self->desk.is_finding)
            find_older(self, true);
        else
            begin_find(self);
        break;
    default:
        break;
    }
}

static void buffer_action(struct session *self, enum action action)
{
    const struct desk *desk = &self->desk;

    if (action >= ACTION_BUFFER_1 && action <= ACTION_BUFFER_10) {
        session_show(self, (size_t)(action - ACTION_BUFFER_1) + 1);
        return;
    }
    switch (action) {
    case ACTION_BUFFER_NEXT:
        session_show(self, (desk->current + 1) % desk->count);
        break;
    case ACTION_BUFFER_PREV:
        session_show(self, (desk->current + desk->count - 1) % desk->count);
        break;
    case ACTION_BUFFER_ACTIVE:
        session_show(self, desk_next_active(desk));
        break;
    case ACTION_BUFFER_LAST:
        session_show(self, desk->last);
        break;
    default:
        break;
    }
}

static void write_action(struct session *self, enum action action)
{
    switch (action) {
    case ACTION_SEND:
        if (self->desk.is_finding)
            find_older(self, true);
        else
            send_line(self);
        break;
    case ACTION_COMPLETE:
    case ACTION_COMPLETE_BACK:
        if (!self->desk.is_finding)
            complete(self, action == ACTION_COMPLETE_BACK);
        break;
    case ACTION_EDIT:
        self->is_editing_outside = true;
        break;
    case ACTION_CANCEL:
        cancel(self);
        break;
    default:
        break;
    }
}

static void other_action(struct session *self, enum action action)
{
    switch (action) {
    case ACTION_HELP:
        self->desk.card = CARD_KEYS;
        break;
    case ACTION_PEOPLE:
        self->desk.shows_people = !self->desk.shows_people;
        break;
    case ACTION_REDRAW:
        screen_redraw();
        break;
    case ACTION_SUSPEND:
        self->is_suspending = true;
        break;
    case ACTION_INTERRUPT:
        interrupt(self);
        break;
    default:
        break;
    }
}

static void run_action(struct session *self, enum action action)
{
    static void (*const groups[ACTION_GROUPS])(struct session *, enum action) = {
        [ACTIONS_MOVING] = edit,           [ACTIONS_EDITING] = edit,
        [ACTIONS_WRITING] = write_action,  [ACTIONS_READING] = read_action,
        [ACTIONS_BUFFERS] = buffer_action, [ACTIONS_OTHERS] = other_action,
    };

    if (action != ACTION_COMPLETE && action != ACTION_COMPLETE_BACK)
        complete_cancel(self->complete);
    if (action != ACTION_INTERRUPT)
        self->is_interrupted = false;
    groups[action_row(action)->group](self, action);
}

/* A key while something lies over the screen. */
static bool answer_card(struct session *self, const struct key *key)
{
    if (self->desk.card == CARD_KEYS) {
        self->desk.card = CARD_NONE;
        screen_redraw();
        return true;
    }
    if (self->desk.card != CARD_QUESTION)
        return false;
    if (key->kind == KEYS_TEXT && key->bytes.len == 1)
        answer_paste(self, key->bytes.ptr[0]);
    else if (key->kind == KEYS_KEY && keymap_find(self->desk.keymap, key->name) == ACTION_CANCEL)
        answer_paste(self, 'c');
    return true;
}

/* C-x C-e, as in shells. */
static bool take_prefix(struct session *self, const struct key *key)
{
    const bool was_prefix = self->is_prefixed;

    self->is_prefixed = false;
    if (key->kind != KEYS_KEY)
        return false;
    if (was_prefix && strcmp(key->name, "C-e") == 0) {
        run_action(self, ACTION_EDIT);
        return true;
    }
    if (strcmp(key->name, "C-x") != 0 || keymap_find(self->desk.keymap, key->name) != ACTION_NONE)
        return false;
    self->is_prefixed = true;
    return true;
}

void session_key(struct session *self, const struct key *key)
{
    enum action action;

    self->is_dirty = true;
    self->desk.hint[0] = '\0';
    switch (key->kind) {
    case KEYS_PASTE_BEGIN:
        paste_begin(self->paste);
        self->is_pasting = true;
        return;
    case KEYS_PASTED:
        paste_add(self->paste, key->bytes);
        return;
    case KEYS_PASTE_END:
        end_paste(self);
        return;
    default:
        break;
    }
    if (answer_card(self, key) || take_prefix(self, key))
        return;
    if (key->kind == KEYS_TEXT) {
        complete_cancel(self->complete);
        self->is_interrupted = false;
        insert(self, key->bytes);
        if (self->desk.is_finding)
            find_older(self, false);
        return;
    }
    action = keymap_find(self->desk.keymap, key->name);
    if (action != ACTION_NONE)
        run_action(self, action);
}
