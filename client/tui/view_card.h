/* view_card.h - what is laid over the screen: the card of keys, and questions. Pure. */
#ifndef CLIENT_TUI_VIEW_CARD_H
#define CLIENT_TUI_VIEW_CARD_H

#include "client/tui/view.h"

/* All keys on one screen: as many columns as fit, the most needed first. */
void view_card_keys(const struct desk *desk, struct grid *grid);
/* The question takes the status line's and the input's place. */
void view_card_question(const struct desk *desk, struct grid *grid, const struct view_frame *frame);

#endif
