/* pg_brokers.c - the leases of brokers that share a database, and what they no longer need of each other. */
#include "broker/store/pg_rows.h"

#include "shared/base/log.h"

#include <stdio.h>
#include <string.h>

static void copy_text(struct span bytes, char *ret, size_t size)
{
    snprintf(ret, size, "%.*s", (int)bytes.len, bytes.ptr);
}

static enum rc take_brokers(const struct pg *self, struct store_brokers *ret)
{
    const size_t rows = pg_rows(&self->db);
    struct store_brokers brokers = {.turn = self->turns};
    bool has_own = false;

    for (size_t row = 0; row < rows && row < STORE_BROKERS_MAX; row++) {
        struct store_broker *broker = &brokers.row[brokers.count++];

        broker->id = pg_number(&self->db, row, 0);
        copy_text(pg_bytes(&self->db, row, 1), broker->name, sizeof(broker->name));
        copy_text(pg_bytes(&self->db, row, 2), broker->address, sizeof(broker->address));
        copy_text(pg_bytes(&self->db, row, 3), broker->hints, sizeof(broker->hints));
        broker->since_ms = pg_number(&self->db, row, 4);
        broker->turn = pg_number(&self->db, row, 5);
        broker->is_own = broker->id == self->id;
        has_own = has_own || broker->is_own;
    }
    if (!has_own)
        return RC_LIMIT;
    *ret = brokers;
    return RC_OK;
}

/* All of it is one transaction of the server's, in one round trip. */
static enum rc ask(struct pg *self, const struct store_broker *own)
{
    struct pg_args lease = {.count = 0}, id = {.count = 0};
    enum rc rc;

    PG_NUMBERS(&lease, self->id);
    pg_arg_bytes(&lease, own->name, strlen(own->name));
    pg_arg_bytes(&lease, own->address, strlen(own->address));
    pg_arg_bytes(&lease, own->hints, strlen(own->hints));
    PG_NUMBERS(&lease, self->base.sharing.heard);
    PG_NUMBERS(&id, self->id);
    rc = pg_queue(&self->db, RENEW_LEASE, &lease);
    if (rc == RC_OK)
        rc = pg_queue(&self->db, FORGET_BROKERS, NULL);
    if (rc == RC_OK)
        rc = pg_queue(&self->db, DROP_TURNS, &id);
    return rc == RC_OK ? pg_ask(&self->db, ALL_BROKERS, NULL) : rc;
}

enum rc pg_renew(struct backend *base, const struct store_broker *own, struct store_brokers *ret)
{
    struct pg *self = pg_of(base);
    enum rc rc = ask(self, own);

    if (pg_is_lost(self, rc)) {
        rc = pg_reconnect(self);
        if (rc == RC_OK)
            rc = ask(self, own);
    }
    if (rc == RC_OK)
        rc = take_brokers(self, ret);
    else if (rc == RC_END)
        rc = RC_STORE; /* we are there ourselves */
    if (rc == RC_LIMIT)
        snprintf(base->why, sizeof(base->why), "%d brokers work in the database, and no more can",
                 STORE_BROKERS_MAX);
    return rc;
}

void pg_brokers_leave(struct pg *self)
{
    struct pg_args id = {.count = 0};

    PG_NUMBERS(&id, self->id);
    if (self->db.conn != NULL && self->db.sql != NULL && PQstatus(self->db.conn) == CONNECTION_OK &&
        pg_ask(&self->db, DROP_LEASE, &id) == RC_STORE)
        log_warn("lease.not_dropped", "reason=\"%s\": it ends by itself", self->base.why);
}
