/* pg_turns.c - what brokers over the same database tell each other of their transactions (turn.h, ADR 0033). */
#include "broker/store/pg_rows.h"

#include <inttypes.h>
#include <stdio.h>

#define ROWS_MAX 64 /* of one answer: each may be as large as a transaction */

static enum rc pg_add_turn(struct backend *base, struct span body)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};

    self->has_turn = true;
    PG_NUMBERS(&args, self->turns + 1, self->id);
    pg_arg_bytes(&args, body.ptr, body.len);
    return pg_write(self, ADD_TURN, &args);
}

enum rc pg_check_turns(struct pg *self)
{
    if (self->turns >= self->base.sharing.heard)
        return RC_OK;
    snprintf(self->base.why, sizeof(self->base.why),
             "the database holds less than was told of it: %" PRIu64 " turns of %" PRIu64
             "; it is an older copy",
             self->turns, self->base.sharing.heard);
    return RC_STORE;
}

static enum rc missing(struct pg *self)
{
    snprintf(self->base.why, sizeof(self->base.why),
             "turn %" PRIu64 " of other brokers is there no more; a start reads all as it is now",
             self->base.sharing.heard + 1);
    return RC_STORE;
}

/* All are told, in their order, or it is not how things stand any more. */
static enum rc take_rows(struct pg *self, backend_on_turn *on_turn, void *context)
{
    const size_t rows = pg_rows(&self->db);

    for (size_t row = 0; row < rows && self->base.sharing.heard < self->turns; row++) {
        if (pg_number(&self->db, row, 1) != self->base.sharing.heard + 1)
            return missing(self);
        const enum rc rc = on_turn(context, pg_bytes(&self->db, row, 2));

        if (rc != RC_OK)
            return rc;
        self->base.sharing.heard++;
    }
    return rows < ROWS_MAX && self->base.sharing.heard < self->turns ? missing(self) : RC_OK;
}

/* One answer is one view: it says how many there are, and brings those, or the first of them. */
static enum rc pg_follow(struct backend *base, backend_on_turn *on_turn, void *context)
{
    struct pg *self = pg_of(base);
    enum rc rc;

    do {
        struct pg_args args = {.count = 0};

        PG_NUMBERS(&args, self->base.sharing.heard, ROWS_MAX);
        rc = pg_ask_anew(self, NEXT_TURNS, &args);
        if (rc != RC_OK)
            return rc == RC_END ? RC_STORE : rc;
        self->turns = pg_number(&self->db, 0, 0);
        rc = pg_check_turns(self);
        if (rc == RC_OK)
            rc = take_rows(self, on_turn, context);
    } while (rc == RC_OK && self->base.sharing.heard < self->turns);
    base->sharing.has_unheard = false;
    return rc;
}

const struct sharing_calls *pg_sharing(void)
{
    static const struct sharing_calls calls = {.add_turn = pg_add_turn,
                                               .follow = pg_follow,
                                               .renew = pg_renew,
                                               .read_pages = pg_read_pages};

    return &calls;
}
