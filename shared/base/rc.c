#include "shared/base/rc.h"

#include <stddef.h>

struct rc_row {
    enum rc rc;
    const char *name;
    const char *sentence;
};

static const struct rc_row rows[] = {
#define X(symbol, number, name, sentence) {symbol, name, sentence},
    RC_TABLE(X)
#undef X
};

#define RC_OURS_FROM 100 /* numbers from here never travel */

static const struct rc_row *row_of(unsigned long number)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((unsigned long)rows[i].rc == number)
            return &rows[i];
    }
    return NULL;
}

const char *rc_name(enum rc rc)
{
    const struct rc_row *row = row_of((unsigned long)rc);

    return row == NULL ? "unknown" : row->name;
}

const char *rc_sentence(enum rc rc)
{
    const struct rc_row *row = row_of((unsigned long)rc);

    return row == NULL ? "unknown" : row->sentence;
}

bool rc_is_wire(enum rc rc)
{
    return rc != RC_OK && (unsigned long)rc < RC_OURS_FROM && row_of((unsigned long)rc) != NULL;
}

bool rc_is_transient(enum rc rc)
{
    return rc == RC_BUSY || rc == RC_DISK_FULL || rc == RC_STOPPING || rc == RC_TOO_FAST;
}

enum rc rc_from_number(unsigned long number)
{
    /* The number comes from a peer: it may not say "ok", nor name a code of ours alone. */
    if (number == RC_OK || number >= RC_OURS_FROM)
        return RC_MALFORMED;

    const struct rc_row *row = row_of(number);

    return row == NULL ? RC_MALFORMED : row->rc;
}
