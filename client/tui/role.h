/* role.h - what a cell of the screen is for; the theme gives each a colour, and never only a colour. */
#ifndef CLIENT_TUI_ROLE_H
#define CLIENT_TUI_ROLE_H

#define NICK_COLORS 12

enum role {
    ROLE_TEXT,
    ROLE_TIME,
    ROLE_SIGN,     /* waiting, stored, delivered */
    ROLE_SIGN_BAD, /* failed */
    ROLE_NICK,     /* and the NICK_COLORS - 1 behind it: by nick_hash() */
    ROLE_NICK_LAST = ROLE_NICK + NICK_COLORS - 1,
    ROLE_NICK_OWN,
    ROLE_NOTICE,
    ROLE_EVENT, /* what happened, remarks, gaps */
    ROLE_REMARK,
    ROLE_MENTION,
    ROLE_PENDING, /* own text without a place yet */
    ROLE_DAY,
    ROLE_UNREAD, /* the unread line */
    ROLE_RULE,
    ROLE_BAR, /* title and status */
    ROLE_BAR_BAD,
    ROLE_LIST,
    ROLE_LIST_CURRENT,
    ROLE_LIST_UNREAD,
    ROLE_LIST_MENTION,
    ROLE_PROMPT,
    ROLE_INPUT,
    ROLE_CARD,
    ROLE_CARD_KEY,
    ROLE_FOUND, /* what was searched for */
    ROLES
};

#endif
