#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1

#include "client/tui/screen.h"

#include "client/tui/rescue.h"
#include "client/tui/terminfo.h"
#include "client/tui/theme.h"

#include <curses.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define PASTE_ON  "\x1b[?2004h"
#define PASTE_OFF "\x1b[?2004l"
#define MOUSE_ON  "\x1b[?1000h\x1b[?1006h"
#define MOUSE_OFF "\x1b[?1006l\x1b[?1000l"
#define RUN_CELLS 512

static struct {
    SCREEN *screen;
    struct grid *shown; /* what the terminal has; NULL: not known */
    bool is_entered, has_mouse;
    attr_t attributes[ROLES];
    short pair[ROLES];
} self;

/* Pairs of colours, each once: a terminal has few. */
static short pair_of(const struct look *look)
{
    static struct {
        short foreground, background;
    } known[64];
    static short count = 1;

    if (look->foreground < 0 && look->background < 0)
        return 0;
    for (short i = 1; i < count; i++) {
        if (known[i].foreground == look->foreground && known[i].background == look->background)
            return i;
    }
    if (count == 64 || count >= COLOR_PAIRS ||
        init_pair(count, look->foreground, look->background) == ERR)
        return 0;
    known[count].foreground = look->foreground;
    known[count].background = look->background;
    return count++;
}

static void set_looks(enum settings_theme theme)
{
    const char *no_color = getenv("NO_COLOR");
    const bool has_color = theme != THEME_NONE && (no_color == NULL || no_color[0] == '\0') &&
                           has_colors() && start_color() == OK && use_default_colors() == OK;

    for (int role = 0; role < ROLES; role++) {
        const struct look look = theme_look(theme, (enum role)role, has_color ? COLORS : 0);

        self.attributes[role] = ((look.attributes & LOOK_BOLD) ? A_BOLD : 0) |
                                ((look.attributes & LOOK_DIM) ? A_DIM : 0) |
                                ((look.attributes & LOOK_REVERSE) ? A_REVERSE : 0) |
                                ((look.attributes & LOOK_UNDERLINE) ? A_UNDERLINE : 0);
        self.pair[role] = has_color ? pair_of(&look) : 0;
    }
}

/* Past ncurses, which has written all it had with its last refresh. */
static void send_raw(const char *bytes)
{
    size_t len = strlen(bytes);

    while (len > 0) {
        const ssize_t sent = write(STDOUT_FILENO, bytes, len);

        if (sent <= 0)
            return;
        bytes += sent;
        len -= (size_t)sent;
    }
}

void screen_send(const char *bytes)
{
    if (self.is_entered)
        send_raw(bytes);
}

static void set_modes(void)
{
    raw();
    noecho();
    nonl();
    send_raw(PASTE_ON);
    if (self.has_mouse)
        send_raw(MOUSE_ON);
    self.is_entered = true;
    rescue_arm(1);
}

bool screen_open(const struct client_settings *settings, const char **ret_why)
{
    const char *term = getenv("TERM");

    if (term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0) {
        *ret_why = "this terminal (TERM) cannot show a screen";
        return false;
    }
    rescue_remember();
    self.screen = newterm(NULL, stdout, stdin);
    if (self.screen == NULL) {
        *ret_why = "the terminal named by TERM is not known here";
        return false;
    }
    self.has_mouse = settings->has_mouse;
    set_escdelay(25);
    set_looks((enum settings_theme)settings->theme);
    rescue_begin((const char *const[]){
        MOUSE_OFF, PASTE_OFF, terminfo_string("sgr0"), terminfo_string("op"),
        terminfo_string("cnorm"), terminfo_string("rmkx"), terminfo_string("rmcup"), "\r", NULL});
    leaveok(stdscr, FALSE);
    set_modes();
    clear();
    refresh();
    return true;
}

void screen_leave(void)
{
    if (!self.is_entered)
        return;
    send_raw(self.has_mouse ? MOUSE_OFF PASTE_OFF : PASTE_OFF);
    curs_set(1);
    endwin();
    self.is_entered = false;
    rescue_arm(0);
}

void screen_enter(void)
{
    if (self.screen == NULL || self.is_entered)
        return;
    refresh(); /* after endwin() this takes the screen again */
    set_modes();
    screen_resize();
    screen_redraw();
}

void screen_close(void)
{
    if (self.screen == NULL)
        return;
    screen_leave();
    rescue_end();
    delscreen(self.screen);
    self.screen = NULL;
    grid_destroy(&self.shown);
}

void screen_resize(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
        (size.ws_row != LINES || size.ws_col != COLS))
        resizeterm(size.ws_row, size.ws_col);
    screen_redraw();
}

void screen_size(int *ret_rows, int *ret_columns)
{
    *ret_rows = LINES;
    *ret_columns = COLS;
}

void screen_redraw(void)
{
    grid_destroy(&self.shown);
    clearok(curscr, TRUE);
}

/* --- drawing ---------------------------------------------------------------------- */

static void draw_row(const struct grid *grid, int row)
{
    for (int column = 0; column < grid->columns;) {
        const enum role role = (enum role)grid_at(grid, row, column)->role;
        char run[RUN_CELLS * 4];
        size_t len = 0;
        const int begin = column;

        while (column < grid->columns && grid_at(grid, row, column)->role == role) {
            const char *text = grid_at(grid, row, column)->text;

            if (len + strlen(text) >= sizeof(run))
                break;
            memcpy(run + len, text, strlen(text));
            len += strlen(text);
            column++;
        }
        run[len] = '\0';
        attr_set(self.attributes[role], self.pair[role], NULL);
        mvaddnstr(row, begin, run, (int)len);
    }
}

void screen_draw(const struct grid *grid)
{
    if (!self.is_entered)
        return;
    if (self.shown != NULL &&
        (self.shown->rows != grid->rows || self.shown->columns != grid->columns))
        grid_destroy(&self.shown);
    for (int row = 0; row < grid->rows; row++) {
        if (self.shown == NULL || !grid_row_equal(self.shown, grid, row))
            draw_row(grid, row);
    }
    if (self.shown == NULL)
        self.shown = grid_new(grid->rows, grid->columns);
    memcpy(self.shown->cell, grid->cell,
           (size_t)grid->rows * (size_t)grid->columns * sizeof(*grid->cell));
    curs_set(grid->cursor_row >= 0);
    if (grid->cursor_row >= 0)
        move(grid->cursor_row, grid->cursor_column);
    refresh();
}
