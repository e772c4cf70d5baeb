/* print.h - events as people read them. Everything a peer wrote goes through clean_write(). */
#ifndef CLIENT_CLI_PRINT_H
#define CLIENT_CLI_PRINT_H

#include "client/lib/zchat.h"
#include "shared/base/rc.h"

#include <stdbool.h>
#include <stdio.h>

struct style {
    bool has_color; /* terminal, and no NO_COLOR */
    bool is_utf8;
    bool has_date; /* "2026-11-23 09:21:50", else "09:21" */
    bool is_utc;   /* times are of UTC, and end in Z; else of here */
    bool is_verbose;
    bool has_commands; /* the reader can type /join */
};

/* What suits `out`: colours only on a terminal without NO_COLOR, ASCII signs where the locale is not UTF-8. */
struct style style_for(FILE *out);

/* Signs of a post's way; never only a colour. */
enum sign { SIGN_WAITING, SIGN_STORED, SIGN_DELIVERED, SIGN_FAILED, SIGN_TO };
const char *style_sign(const struct style *self, enum sign sign);

/* Print a ZCHAT_EVENT on a line of its own (more when the text has lines), with `after` (ours, may be "") at its
 * end. Returns false when this event has no form for people (receipts, unknown types, unless verbose). */
bool print_event(FILE *out, const struct style *style, const struct zchat_event *event,
                 const char *after);
/* Has this event a form for people? */
bool print_is_told(const struct style *style, const struct zchat_event *event);
/* What a ZCHAT_EVENT or ZCHAT_GAP says, on one line and without who, where and when: the text, or what happened. */
void print_content(FILE *out, const struct style *style, const struct zchat_event *event);
/* The same with who did it, of what is no message: "bob joined". */
void print_what(FILE *out, const struct style *style, const struct zchat_event *event);
void print_gap(FILE *out, const struct style *style, const struct zchat_event *event);

/* Why a post waits, as its sender is told: "you send too fast". */
const char *waiting_sentence(enum rc rc);

/* A nick in its colour, the same for ever: colours are chosen by nick_hash(). */
uint32_t nick_hash(const char *nick);
void print_nick(FILE *out, const struct style *style, const char *nick);
/* A point in time, as lines begin with it. */
void print_time(FILE *out, const struct style *style, uint64_t ts_ms);

/* Cleaned and filled with spaces to `width` columns; wider texts stay whole. */
void print_padded(FILE *out, const char *text, int width);

#endif
