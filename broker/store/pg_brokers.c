/* pg_brokers.c - the leases of brokers that share a database, and what they no longer need of each other. */
#include "broker/store/pg_rows.h"

#include "shared/base/log.h"

#include <stdio.h>
#include <string.h>

#define PAGES_MAX 64 /* of one answer */

/* What others say of themselves goes to clients, which take no message with a text that is none. */
static void copy_text(struct span bytes, char *ret, size_t size)
{
    size_t len = 0;

    for (; len < bytes.len && len + 1 < size; len++)
        ret[len] = bytes.ptr[len] >= ' ' && bytes.ptr[len] <= '~' ? bytes.ptr[len] : '?';
    ret[len] = '\0';
}

static struct store_broker broker_in(const struct pg *self, size_t row)
{
    const struct pg_db *db = &self->db;
    struct store_broker broker = {.id = pg_number(db, row, 0),
                                  .since_ms = pg_number(db, row, 4),
                                  .turn = pg_number(db, row, 5),
                                  .sessions = (uint32_t)pg_number(db, row, 7),
                                  .lag_ms = pg_number(db, row, 8),
                                  .version = pg_number(db, row, 9),
                                  .turns = pg_number(db, row, 10),
                                  .unseen_ms = pg_number(db, row, 11),
                                  .is_live = pg_number(db, row, 12) != 0};

    copy_text(pg_bytes(db, row, 1), broker.name, sizeof(broker.name));
    copy_text(pg_bytes(db, row, 2), broker.address, sizeof(broker.address));
    copy_text(pg_bytes(db, row, 3), broker.hints, sizeof(broker.hints));
    copy_text(pg_bytes(db, row, 6), broker.agent, sizeof(broker.agent));
    broker.is_own = broker.id == self->id;
    return broker;
}

static bool has_name(const struct store_brokers *among, const char *name)
{
    for (size_t i = 0; i < among->known; i++) {
        if (strcmp(among->row[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Those that live come first. A dead one that was started again is not told of, and one that died again and again once; nor is
 * one that is just beginning, which has no name yet. */
static bool is_told(const struct store_brokers *told, const struct store_broker *broker)
{
    if (broker->is_live)
        return told->known < STORE_BROKERS_MAX;
    return told->known < STORE_BROKERS_KNOWN && broker->name[0] != '\0' &&
           !has_name(told, broker->name);
}

static enum rc take_brokers(struct pg *self, struct store_brokers *ret)
{
    const size_t rows = pg_rows(&self->db);
    const uint64_t since_ms = self->lease_since_ms;
    bool has_own = false;

    *ret = (struct store_brokers){.turn = self->turns};
    for (size_t row = 0; row < rows; row++) {
        const struct store_broker broker = broker_in(self, row);

        if (!is_told(ret, &broker))
            continue;
        ret->row[ret->known++] = broker;
        ret->count += broker.is_live;
        if (broker.is_own) {
            has_own = broker.is_live;
            self->lease_since_ms = broker.since_ms;
        }
    }
    ret->is_anew = self->is_anew || self->lease_since_ms != since_ms;
    self->is_anew = false;
    return has_own ? RC_OK : RC_LIMIT;
}

static enum rc put_page(struct pg *self, const struct page *page, uint64_t version)
{
    struct pg_args args = {.count = 0};

    PG_NUMBERS(&args, self->id, page->number, version);
    pg_arg_bytes(&args, page->bytes, page->len);
    return pg_queue(&self->db, PUT_PAGE, &args);
}

/* All of it is one transaction of the server's, in one round trip. Rows of the dead that somebody is renewing, or forgetting, are
 * passed over: of two that stood still and wait for each other's row one would have to end. */
static enum rc ask(struct pg *self, const struct store_broker *own, const struct page *const *pages,
                   size_t count)
{
    struct pg_args lease = {.count = 0}, id = {.count = 0};
    enum rc rc;

    PG_NUMBERS(&lease, self->id);
    pg_arg_bytes(&lease, own->name, strlen(own->name));
    pg_arg_bytes(&lease, own->address, strlen(own->address));
    pg_arg_bytes(&lease, own->hints, strlen(own->hints));
    PG_NUMBERS(&lease, self->base.sharing.heard);
    pg_arg_bytes(&lease, own->agent, strlen(own->agent));
    PG_NUMBERS(&lease, own->sessions, own->lag_ms, self->page_version + count);
    PG_NUMBERS(&id, self->id);
    rc = pg_queue(&self->db, RENEW_LEASE, &lease);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        rc = put_page(self, pages[i], self->page_version + i + 1);
    if (rc == RC_OK)
        rc = pg_queue(&self->db, FORGET_BROKERS, NULL);
    if (rc == RC_OK)
        rc = pg_queue(&self->db, DROP_TURNS, &id);
    return rc == RC_OK ? pg_ask(&self->db, ALL_BROKERS, NULL) : rc;
}

enum rc pg_renew(struct backend *base, const struct store_broker *own,
                 const struct page *const *pages, size_t count, struct store_brokers *ret)
{
    struct pg *self = pg_of(base);
    enum rc rc = ask(self, own, pages, count);

    if (pg_is_lost(self, rc)) {
        rc = pg_reconnect(self);
        if (rc == RC_OK)
            rc = ask(self, own, pages, count);
    }
    if (rc == RC_OK) {
        self->page_version += count;
        rc = take_brokers(self, ret);
    } else if (rc == RC_END) {
        rc = RC_STORE; /* we are there ourselves */
    }
    if (rc == RC_LIMIT)
        snprintf(base->why, sizeof(base->why), "%d brokers work in the database, and no more can",
                 STORE_BROKERS_MAX);
    return rc;
}

enum rc pg_read_pages(struct backend *base, uint64_t broker, uint64_t *version_p, struct pages *to)
{
    struct pg *self = pg_of(base);
    struct pg_args args = {.count = 0};
    enum rc rc;

    PG_NUMBERS(&args, broker, *version_p, PAGES_MAX);
    rc = pg_ask_anew(self, NEXT_PAGES, &args);
    if (rc == RC_END) /* it is gone meanwhile */
        return RC_OK;
    if (rc != RC_OK)
        return rc;
    for (size_t row = 0; row < pg_rows(&self->db); row++) {
        const struct span body = pg_bytes(&self->db, row, 2);

        *version_p = pg_number(&self->db, row, 1);
        if (body.len <= PAGE_BYTES_READ && pg_number(&self->db, row, 0) <= UINT32_MAX)
            pages_add(to, broker, (uint32_t)pg_number(&self->db, row, 0), body);
    }
    return RC_OK;
}

/* As one whose lease is over, for whom turns are kept a while longer: until it has read all there is, and serves. */
enum rc pg_brokers_begin(struct pg *self)
{
    struct pg_args id = {.count = 0};

    PG_NUMBERS(&id, self->id);
    const enum rc rc = pg_ask(&self->db, BEGIN_LEASE, &id);

    /* A full disk keeps nobody from starting; the others then keep nothing for this one while it reads. */
    return rc == RC_END || rc == RC_DISK_FULL ? RC_OK : rc;
}

void pg_brokers_leave(struct pg *self)
{
    struct pg_args id = {.count = 0};

    PG_NUMBERS(&id, self->id);
    if (self->db.conn != NULL && self->db.sql != NULL && PQstatus(self->db.conn) == CONNECTION_OK &&
        pg_ask(&self->db, DROP_LEASE, &id) == RC_STORE)
        log_warn("lease.not_dropped", "reason=\"%s\": it ends by itself", self->base.why);
}
