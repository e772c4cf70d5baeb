/* tui.c - the loop of the full-screen client: keys first, then the broker, then the screen. */
#include "client/tui/tui.h"

#include "client/tui/outside.h"
#include "client/tui/screen.h"
#include "client/tui/session.h"
#include "client/tui/signals.h"
#include "client/tui/spawn.h"
#include "client/tui/view.h"

#include "shared/base/clock.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRAW_EVERY_MS   33
#define EVENTS_PER_TURN 64 /* between two looks at the keyboard */
#define EVENTS_MS       4  /* likewise */
#define PING_EVERY_MS   15000
#define CLOCK_EVERY_MS  60000
#define AWAY_MS         120000 /* nobody has typed for so long: nobody looks */
#define READ_BYTES      4096

bool tui_is_possible(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

/* --- drawing ---------------------------------------------------------------------- */

static void draw(struct session *self)
{
    struct grid *grid;

    screen_size(&self->rows, &self->columns);
    self->desk.now_ms = clock_wall_ms();
    self->desk.unsent = zchat_unanswered(self->talk.chat);
    grid = grid_new(self->rows, self->columns);
    view_draw(&self->desk, grid);
    screen_draw(grid);
    grid_destroy(&grid);
    self->is_dirty = false;
    self->drawn_ms = cli_now_ms();
    if (view_is_whole(&self->desk, self->rows, self->columns))
        session_shown(self);
}

static void tell_notices(struct session *self)
{
    char bytes[4 * NOTICE_BYTES];
    char **argv;

    if (self->notices.count == 0)
        return;
    notify_terminal(&self->notices, self->desk.settings, bytes, sizeof(bytes));
    screen_send(bytes);
    argv = notify_argv(&self->notices, self->desk.settings);
    if (argv != NULL && !spawn_away(argv))
        session_hint(self, "notify-command %s: %s", argv[0], strerror(errno));
    free(argv);
    self->notices.count = 0;
}

/* --- keys ------------------------------------------------------------------------- */

/* False: the terminal is gone. */
static bool read_keys(struct session *self)
{
    char bytes[READ_BYTES];
    const ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));
    struct span input = {bytes, got > 0 ? (size_t)got : 0};
    struct key key;

    if (got <= 0)
        return got < 0 && (errno == EINTR || errno == EAGAIN);
    while (keys_next(self->keys, &input, &key))
        session_key(self, &key);
    self->typed_ms = cli_now_ms();
    return true;
}

static void end_waiting_key(struct session *self)
{
    struct key key;

    if (keys_is_waiting(self->keys) && cli_now_ms() >= self->typed_ms + KEYS_WAIT_MS &&
        keys_timeout(self->keys, &key))
        session_key(self, &key);
}

/* --- the broker ------------------------------------------------------------------- */

/* Wait, then take what has come, for a bounded time. */
static void take_events(struct session *self, int timeout_ms, struct pollfd *fds, size_t count)
{
    const uint64_t end_ms = cli_later_ms((uint64_t)timeout_ms + EVENTS_MS);
    struct zchat_event event;

    for (int i = 0; i < EVENTS_PER_TURN; i++) {
        if (zchat_next(self->talk.chat, i == 0 ? timeout_ms : 0, fds, count, &event) != 0 ||
            event.kind == ZCHAT_NONE)
            return;
        session_event(self, &event);
        if (cli_now_ms() >= end_ms)
            return;
    }
}

static void tell_trouble(struct session *self)
{
    const char *trouble = zchat_outbox_trouble(self->talk.chat), *why = "";

    if (strcmp(self->outbox_trouble, trouble) != 0) {
        snprintf(self->outbox_trouble, sizeof(self->outbox_trouble), "%s", trouble);
        if (trouble[0] != '\0')
            desk_remark(&self->desk, self->desk.buffer[0], trouble);
        self->is_dirty = true;
    }
    if (self->desk.link == DESK_UP || self->desk.link == DESK_REFUSED)
        return;
    if (zchat_trouble(self->talk.chat, &why) != 0 && strcmp(self->desk.trouble, why) != 0) {
        snprintf(self->desk.trouble, sizeof(self->desk.trouble), "%s", why);
        self->is_dirty = true;
    }
}

static void keep_time(struct session *self, uint64_t now_ms)
{
    if (self->desk.link == DESK_UP)
        talk_ask_expire(&self->talk, now_ms);
    if (self->desk.link == DESK_UP && now_ms >= self->ping_ms) {
        self->ping_ms = now_ms + PING_EVERY_MS;
        if (zchat_ping(self->talk.chat, &self->ping_ref) != 0)
            self->ping_ref = 0;
    }
    self->is_away_from_keys = now_ms >= self->typed_ms + AWAY_MS;
    self->desk.has_focus = !self->is_away_from_keys;
    if (now_ms >= self->drawn_ms + CLOCK_EVERY_MS)
        self->is_dirty = true;
}

/* --- the loop --------------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(const struct session *self, uint64_t now_ms)
{
    uint64_t at_ms = now_ms + 500;

    if (self->is_dirty)
        at_ms = least(at_ms, self->drawn_ms + DRAW_EVERY_MS);
    if (keys_is_waiting(self->keys))
        at_ms = least(at_ms, self->typed_ms + KEYS_WAIT_MS);
    return at_ms <= now_ms ? 0 : (int)(at_ms - now_ms);
}

/* What signals and keys want done with the terminal. */
static void tend_terminal(struct session *self)
{
    if (signals_take(SIGNAL_SUSPEND) || self->is_suspending) {
        self->is_suspending = false;
        screen_leave();
        signals_stop();
        screen_enter();
        self->is_dirty = true;
    }
    if (signals_take(SIGNAL_CONTINUE)) { /* stopped by force: the shell has changed the modes */
        screen_leave();
        screen_enter();
        self->is_dirty = true;
    }
    if (signals_take(SIGNAL_RESIZE)) {
        screen_resize();
        self->is_dirty = true;
    }
    if (self->is_editing_outside) {
        self->is_editing_outside = false;
        outside_edit(self);
        self->is_dirty = true;
    }
}

static enum exit_code run(struct session *self)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = self->cli.signal_fd, .events = POLLIN},
                               {.fd = signals_fd(), .events = POLLIN}};
        struct pollfd keyboard = fds[0];
        uint64_t now_ms = cli_now_ms();

        tend_terminal(self);
        if (self->is_over)
            return EXIT_DONE;
        if (self->is_dirty && now_ms >= self->drawn_ms + DRAW_EVERY_MS)
            draw(self);
        take_events(self, wait_ms(self, cli_now_ms()), fds, 3);
        if (cli_signal() != 0)
            return (enum exit_code)(EXIT_SIGNALLED + cli_signal());
        tell_notices(self);
        if (poll(&keyboard, 1, 0) == 1) {
            if (!read_keys(self))
                return (enum exit_code)(EXIT_SIGNALLED + SIGHUP);
            draw(self); /* what is typed shows at once */
        }
        end_waiting_key(self);
        tell_trouble(self);
        keep_time(self, cli_now_ms());
    }
}

static void begin(struct session *self)
{
    uint32_t ref = 0;
    zchat_rc rc = zchat_rooms(self->talk.chat, true, &ref);

    talk_ask_for(&self->talk, ASK_START, rc, ref, "");
    self->typed_ms = cli_now_ms();
}

static void session_fini(struct session *self)
{
    unshown_fini(&self->unshown);
    free(self->backlog);
    complete_destroy(&self->complete);
    paste_destroy(&self->paste);
    keys_destroy(&self->keys);
    talk_fini(&self->talk);
    desk_fini(&self->desk);
}

static void session_init(struct session *self, const struct client_settings *settings)
{
    desk_init(&self->desk, settings, zchat_nick(self->cli.chat));
    talk_init(&self->talk, self->cli.chat, &session_face, self);
    self->desk.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    self->desk.now_ms = clock_wall_ms();
    self->talk.style = (struct style){.is_utf8 = self->desk.is_utf8, .has_commands = true};
    self->talk.post_timeout_ms = self->args->has_timeout ? self->args->timeout_ms : 0;
    self->talk.ask_timeout_ms = self->args->timeout_ms;
    self->keys = keys_new();
    self->paste = paste_new();
    self->complete = complete_new();
}

/* What has no answer stays in the outbox. */
static void tell_left(const struct session *self)
{
    struct zchat_outbox outbox;

    if (zchat_unanswered(self->talk.chat) == 0)
        return;
    zchat_outbox(self->talk.chat, &outbox);
    if (outbox.kept > 0)
        cli_say("%zu not sent yet; the next start sends what is left", outbox.kept);
}

/* The keys of the configuration; false: `why` says what is wrong with one. */
static bool bind_keys(struct desk *desk, const struct client_settings *settings,
                      char why[static KEYMAP_WHY_BYTES])
{
    for (size_t i = 0; i < settings->key_count; i++) {
        char binding[sizeof(settings->key[i]) + 4];

        snprintf(binding, sizeof(binding), "%s = %s", settings->key[i].name,
                 settings->key[i].action);
        if (keymap_bind(desk->keymap, span_of(binding), why) != RC_OK)
            return false;
    }
    return true;
}

enum exit_code tui_mode(const struct args *args, const struct client_settings *settings)
{
    static struct session self; /* large */
    char keys_why[KEYMAP_WHY_BYTES];
    const char *why = "";
    enum exit_code code;

    self = (struct session){.args = args};
    code = cli_open_late(&self.cli, args, true);
    if (code != EXIT_GO_ON)
        return code;
    session_init(&self, settings);
    if (!bind_keys(&self.desk, settings, keys_why)) {
        session_fini(&self);
        cli_close(&self.cli);
        return cli_usage("%s", keys_why);
    }
    if (!screen_open(settings, &why)) {
        session_fini(&self);
        cli_close(&self.cli);
        cli_say("%s; --plain works everywhere", why);
        return EXIT_OTHER;
    }
    signals_begin();
    begin(&self);
    code = run(&self);
    screen_close();
    signals_end();
    tell_left(&self);
    session_fini(&self);
    cli_close(&self.cli);
    return code;
}
