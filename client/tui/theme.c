#include "client/tui/theme.h"

#define OWN (-1)

enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, BRIGHT };

/* Nicks: told apart on the ground of the theme, and from mentions. */
static const short nicks_dark[NICK_COLORS] = {
    RED + BRIGHT,     GREEN + BRIGHT,
    BLUE + BRIGHT,    MAGENTA + BRIGHT,
    CYAN + BRIGHT,    RED,
    GREEN + BRIGHT,   CYAN,
    MAGENTA,          BLUE + BRIGHT,
    MAGENTA + BRIGHT, CYAN + BRIGHT,
};
static const short nicks_light[NICK_COLORS] = {
    RED, GREEN, BLUE, MAGENTA, CYAN, RED, GREEN, BLUE, MAGENTA, CYAN, BLACK + BRIGHT, BLUE,
};

/* What no theme changes: without colours these tell roles apart. */
static const unsigned attributes[ROLES] = {
    [ROLE_TIME] = LOOK_DIM,
    [ROLE_SIGN_BAD] = LOOK_BOLD | LOOK_REVERSE,
    [ROLE_NICK_OWN] = LOOK_BOLD,
    [ROLE_EVENT] = LOOK_DIM,
    [ROLE_MENTION] = LOOK_BOLD,
    [ROLE_PENDING] = LOOK_DIM,
    [ROLE_DAY] = LOOK_DIM,
    [ROLE_UNREAD] = LOOK_BOLD,
    [ROLE_RULE] = LOOK_DIM,
    [ROLE_BAR] = LOOK_REVERSE,
    [ROLE_BAR_BAD] = LOOK_REVERSE | LOOK_BOLD,
    [ROLE_LIST_CURRENT] = LOOK_REVERSE,
    [ROLE_LIST_UNREAD] = LOOK_BOLD,
    [ROLE_LIST_MENTION] = LOOK_BOLD,
    [ROLE_PROMPT] = LOOK_BOLD,
    [ROLE_CARD_KEY] = LOOK_BOLD,
    [ROLE_FOUND] = LOOK_REVERSE,
};

/* Colours beside the attributes; where there is a background, it takes the place of reverse. */
struct tint {
    short foreground, background;
    bool is_set;
};
#define TINT(foreground, background)     \
    {                                    \
        (foreground), (background), true \
    }

static const struct tint dark[ROLES] = {
    [ROLE_SIGN] = TINT(GREEN, OWN),
    [ROLE_SIGN_BAD] = TINT(WHITE + BRIGHT, RED),
    [ROLE_NOTICE] = TINT(CYAN, OWN),
    [ROLE_REMARK] = TINT(CYAN, OWN),
    [ROLE_MENTION] = TINT(YELLOW + BRIGHT, OWN),
    [ROLE_UNREAD] = TINT(RED + BRIGHT, OWN),
    [ROLE_BAR] = TINT(WHITE + BRIGHT, BLUE),
    [ROLE_BAR_BAD] = TINT(WHITE + BRIGHT, RED),
    [ROLE_LIST_CURRENT] = TINT(WHITE + BRIGHT, BLUE),
    [ROLE_LIST_UNREAD] = TINT(WHITE + BRIGHT, OWN),
    [ROLE_LIST_MENTION] = TINT(YELLOW + BRIGHT, OWN),
    [ROLE_PROMPT] = TINT(CYAN + BRIGHT, OWN),
    [ROLE_CARD_KEY] = TINT(CYAN + BRIGHT, OWN),
    [ROLE_FOUND] = TINT(BLACK, YELLOW),
};
static const struct tint light[ROLES] = {
    [ROLE_SIGN] = TINT(GREEN, OWN),          [ROLE_SIGN_BAD] = TINT(WHITE + BRIGHT, RED),
    [ROLE_NOTICE] = TINT(BLUE, OWN),         [ROLE_REMARK] = TINT(BLUE, OWN),
    [ROLE_MENTION] = TINT(RED, OWN),         [ROLE_UNREAD] = TINT(RED, OWN),
    [ROLE_BAR] = TINT(BLACK, CYAN),          [ROLE_BAR_BAD] = TINT(WHITE + BRIGHT, RED),
    [ROLE_LIST_CURRENT] = TINT(BLACK, CYAN), [ROLE_LIST_UNREAD] = TINT(BLUE, OWN),
    [ROLE_LIST_MENTION] = TINT(RED, OWN),    [ROLE_PROMPT] = TINT(BLUE, OWN),
    [ROLE_CARD_KEY] = TINT(BLUE, OWN),       [ROLE_FOUND] = TINT(BLACK, YELLOW),
};

static struct tint tint_of(enum settings_theme theme, enum role role)
{
    if (role >= ROLE_NICK && role <= ROLE_NICK_LAST)
        return (struct tint)TINT(
            (theme == THEME_LIGHT ? nicks_light : nicks_dark)[role - ROLE_NICK], OWN);
    return (theme == THEME_LIGHT ? light : dark)[role];
}

struct look theme_look(enum settings_theme theme, enum role role, int colors)
{
    struct look look = {OWN, OWN, attributes[role]};
    const struct tint tint = tint_of(theme, role);

    if (theme == THEME_NONE || colors < 8 || !tint.is_set)
        return look;
    look.foreground = tint.foreground;
    look.background = tint.background;
    if (look.background != OWN)
        look.attributes &= ~(unsigned)LOOK_REVERSE;
    if (colors < 16 && look.foreground >= BRIGHT) {
        look.foreground = (short)(look.foreground - BRIGHT);
        look.attributes |= LOOK_BOLD;
    }
    return look;
}
