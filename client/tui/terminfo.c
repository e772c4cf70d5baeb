#include "client/tui/terminfo.h"

#include <curses.h>
#include <stddef.h>
#include <term.h>

const char *terminfo_string(const char *name)
{
    const char *text = tigetstr(name);

    return text == NULL || text == (const char *)-1 ? "" : text;
}
