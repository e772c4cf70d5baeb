#include "broker/store/pg_link.h"

#include "shared/base/alloc.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define PG_PORT       "5432"
#define VERSION_LEAST 140000 /* idle_session_timeout */

/* How long things may take. A transaction that stands still is ended before those that wait for its lock give up, and the server
 * gives up before we do (PG_ANSWER_MS_MAX), so that most failures come with a reason. A server that works acknowledges bytes at once,
 * however long it takes to answer: one whose machine does not is gone, or we are cut off from it. */
#define CONNECT_S_MAX             "5" /* to each of the hosts */
#define TCP_UNACKNOWLEDGED_MS_MAX "3000"
#define KEEPALIVE_IDLE_S          "1"
#define KEEPALIVE_INTERVAL_S      "1"
#define KEEPALIVE_COUNT           "3"
#define STATEMENT_TIMEOUT         "'30s'"
#define IDLE_TRANSACTION_TIMEOUT  "'10s'"

/* A URL's own parameters outdo these. */
static const char *const DEFAULTS[][2] = {
    {"application_name", "zchat-broker"},
    {"connect_timeout", CONNECT_S_MAX},
    {"tcp_user_timeout", TCP_UNACKNOWLEDGED_MS_MAX},
    {"keepalives_idle", KEEPALIVE_IDLE_S},
    {"keepalives_interval", KEEPALIVE_INTERVAL_S},
    {"keepalives_count", KEEPALIVE_COUNT},
    {"target_session_attrs", "read-write"},
    {"gssencmode", "disable"}, /* it would look for tickets in files that a sandbox hides */
};
#define DEFAULT_COUNT (sizeof(DEFAULTS) / sizeof(DEFAULTS[0]))

/* The server notices a broker whose machine is gone as we notice its, and lets go of its locks. Acknowledged is only what is on
 * disk: a role or database for which synchronous_commit is off is overruled. */
static const char SET_UP[] =
    "SET statement_timeout = " STATEMENT_TIMEOUT "; SET lock_timeout = " PG_LOCK_TIMEOUT
    "; SET idle_in_transaction_session_timeout = " IDLE_TRANSACTION_TIMEOUT
    "; SET tcp_keepalives_idle = " KEEPALIVE_IDLE_S
    "; SET tcp_keepalives_interval = " KEEPALIVE_INTERVAL_S
    "; SET tcp_keepalives_count = " KEEPALIVE_COUNT
    "; SET tcp_user_timeout = " TCP_UNACKNOWLEDGED_MS_MAX
    "; SET idle_session_timeout = 0; SET client_min_messages = warning"
    "; SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'";

static enum rc cannot_connect(struct pg_db *db)
{
    const char *expected =
        PQconnectionNeedsPassword(db->conn)
            ? "expected a password in ~/.pgpass, or in the URL of the file that store = @FILE names"
            : "expected a server that can be written, with this user and this database";
    char line[360];

    pg_one_line(PQerrorMessage(db->conn), line, sizeof(line));
    snprintf(db->why, db->why_size, "store: %s; %s", line, expected);
    PQfinish(db->conn);
    db->conn = NULL;
    return RC_STORE;
}

static enum rc set_up(struct pg_db *db)
{
    if (PQserverVersion(db->conn) < VERSION_LEAST) {
        snprintf(db->why, db->why_size, "store: PostgreSQL %d is too old; expected %d or later",
                 PQserverVersion(db->conn) / 10000, VERSION_LEAST / 10000);
        return RC_STORE;
    }
    return pg_execute(db, SET_UP);
}

static enum rc adopt(struct pg_db *db, PGconn *conn)
{
    db->conn = conn;
    if (conn == NULL) {
        snprintf(db->why, db->why_size, "store: no memory for a connection");
        return RC_STORE;
    }
    if (PQstatus(conn) != CONNECTION_OK)
        return cannot_connect(db);
    pg_begin(db, conn);
    return set_up(db);
}

/* A row of libpq's table that leads to the same server without DNS, password file or service file; NULL: as it stands. */
static const char *found_value(PGconn *conn, const char *keyword)
{
    static const struct {
        const char *keyword;
        char *(*get)(const PGconn *conn);
    } found[] = {{"host", PQhost}, {"hostaddr", PQhostaddr}, {"port", PQport},
                 {"user", PQuser}, {"password", PQpass},     {"dbname", PQdb}};

    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        if (strcmp(found[i].keyword, keyword) == 0)
            return found[i].get(conn);
    }
    return NULL;
}

/* The address of a host as it is known now, or "": a socket's folder, or nothing is known. */
static void look_up(const char *host, char *ret, size_t size)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;

    ret[0] = '\0';
    if (host[0] == '\0' || host[0] == '/' || host[0] == '@' ||
        getaddrinfo(host, NULL, &hints, &found) != 0)
        return;
    if (getnameinfo(found->ai_addr, found->ai_addrlen, ret, (socklen_t)size, NULL, 0,
                    NI_NUMERICHOST) != 0)
        ret[0] = '\0';
    freeaddrinfo(found);
}

/* Of "one,two" the part of that number; of a list of one every number is that one. */
static void part_of(const char *list, size_t number, char *ret, size_t size)
{
    const char *at = list, *comma;

    for (size_t i = 0; i < number && (comma = strchr(at, ',')) != NULL; i++)
        at = comma + 1;
    snprintf(ret, size, "%.*s", (int)strcspn(at, ","), at);
}

static size_t parts_in(const char *list)
{
    size_t count = 1;

    for (const char *at = list; (at = strchr(at, ',')) != NULL; at++)
        count++;
    return count;
}

/* Of several hosts any may be the one that can be written, later: all of them are remembered, with the addresses that
 * they have now. */
static void remember_hosts(PGconn *conn, const char *hosts, struct pg_link *ret)
{
    char addresses[PG_HOSTS_MAX * 64] = "", host[256], address[64];

    for (size_t i = 0; i < parts_in(hosts); i++) {
        part_of(hosts, i, host, sizeof(host));
        if (strcmp(host, PQhost(conn)) == 0)
            snprintf(address, sizeof(address), "%s", PQhostaddr(conn));
        else
            look_up(host, address, sizeof(address));
        if (host[0] == '/' || host[0] == '@')
            address[0] = '\0';
        snprintf(addresses + strlen(addresses), sizeof(addresses) - strlen(addresses), "%s%s",
                 i == 0 ? "" : ",", address);
    }
    for (size_t i = 0; ret->keywords[i] != NULL; i++) {
        if (strcmp(ret->keywords[i], "hostaddr") == 0) {
            free(ret->values[i]);
            ret->values[i] = x_strdup(addresses);
        }
    }
}

static const char *value_of(const PQconninfoOption *all, const char *keyword)
{
    for (; all != NULL && all->keyword != NULL; all++) {
        if (strcmp(all->keyword, keyword) == 0)
            return all->val == NULL ? "" : all->val;
    }
    return "";
}

/* Whether the URL names several hosts, as many as are connected to again; of one that has their addresses, too, nothing is left to
 * find. */
static bool has_hosts(const PQconninfoOption *all)
{
    const char *hosts = value_of(all, "host");
    const size_t count = parts_in(hosts);

    return count > 1 && count <= PG_HOSTS_MAX;
}

static bool is_of_host(const char *keyword)
{
    return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
           strcmp(keyword, "port") == 0;
}

static void remember(PGconn *conn, struct pg_link *ret)
{
    PQconninfoOption *all = PQconninfo(conn);
    const bool are_several = has_hosts(all);
    size_t rows = 0, count = 0;

    while (all != NULL && all[rows].keyword != NULL)
        rows++;
    ret->keywords = x_alloc(rows + 1, sizeof(*ret->keywords));
    ret->values = x_alloc(rows + 1, sizeof(*ret->values));
    for (size_t i = 0; i < rows; i++) {
        const char *value =
            are_several && is_of_host(all[i].keyword) ? NULL : found_value(conn, all[i].keyword);

        if (value == NULL)
            value = all[i].val;
        if (are_several && strcmp(all[i].keyword, "hostaddr") == 0 && value == NULL)
            value = ","; /* found below */
        if (value == NULL || value[0] == '\0' || strcmp(all[i].keyword, "service") == 0 ||
            strcmp(all[i].keyword, "passfile") == 0)
            continue;
        ret->keywords[count] = x_strdup(all[i].keyword);
        ret->values[count++] = x_strdup(value);
    }
    if (are_several && value_of(all, "hostaddr")[0] == '\0')
        remember_hosts(conn, value_of(all, "host"), ret);
    PQconninfoFree(all);
}

enum rc pg_link_open(const char *url, struct pg_db *db, struct pg_link *ret_link)
{
    const char *keywords[DEFAULT_COUNT + 2] = {NULL};
    const char *values[DEFAULT_COUNT + 2] = {NULL};
    enum rc rc;

    for (size_t i = 0; i < DEFAULT_COUNT; i++) {
        keywords[i] = DEFAULTS[i][0];
        values[i] = DEFAULTS[i][1];
    }
    keywords[DEFAULT_COUNT] = "dbname";
    values[DEFAULT_COUNT] = url;
    rc = adopt(db, PQconnectdbParams(keywords, values, 1));
    if (rc == RC_OK)
        remember(db->conn, ret_link);
    return rc;
}

enum rc pg_link_again(const struct pg_link *self, struct pg_db *db)
{
    return adopt(db, PQconnectdbParams((const char *const *)self->keywords,
                                       (const char *const *)self->values, 0));
}

void pg_link_forget(struct pg_link *self)
{
    for (size_t i = 0; self->keywords != NULL && self->keywords[i] != NULL; i++) {
        explicit_bzero(self->values[i], strlen(self->values[i]));
        free(self->keywords[i]);
        free(self->values[i]);
    }
    free(self->keywords);
    free(self->values);
    *self = (struct pg_link){NULL, NULL};
}

/* --- what the server says of itself -------------------------------------------------- */

/* Whoever may not see pg_stat_replication's columns finds rows without a state in it. */
static const char FACTS[] =
    "SELECT current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),"
    " current_setting('fsync'), count(r.pid), count(r.sync_state),"
    " count(*) FILTER (WHERE r.sync_state IN ('sync', 'quorum'))"
    " FROM (SELECT 1) AS one LEFT JOIN pg_stat_replication r ON true";

static long column(const struct pg_db *db, int at)
{
    return strtol(PQgetvalue(db->result, 0, at), NULL, 10);
}

static void judge_replication(const struct pg_db *db, struct pg_facts *facts)
{
    const char *commit = PQgetvalue(db->result, 0, 0);
    const char *names = PQgetvalue(db->result, 0, 1);
    const bool waits = strcmp(commit, "on") == 0 || strcmp(commit, "remote_apply") == 0;
    const bool is_told = column(db, 3) == column(db, 4);

    if (!waits || names[0] == '\0') {
        snprintf(facts->replication, sizeof(facts->replication),
                 "none: synchronous_commit=%.32s, synchronous_standby_names='%.64s'", commit,
                 names);
    } else if (is_told && column(db, 5) == 0) {
        snprintf(facts->replication, sizeof(facts->replication),
                 "none: no standby of synchronous_standby_names='%.64s' is connected", names);
    } else {
        facts->is_synchronous = true;
        snprintf(facts->replication, sizeof(facts->replication), "synchronous with %.64s%s", names,
                 is_told ? "" : " (whether it is connected, pg_monitor may see)");
    }
}

static void note_ports(PGconn *conn, struct pg_facts *facts)
{
    PQconninfoOption *all = PQconninfo(conn);
    const char *hosts = value_of(all, "host");
    char host[256], port[16];

    facts->ports[0] = facts->port;
    for (size_t i = 0; has_hosts(all) && i < parts_in(hosts); i++) {
        part_of(hosts, i, host, sizeof(host));
        part_of(value_of(all, "port"), i, port, sizeof(port));
        facts->ports[i] = host[0] == '/' || host[0] == '@'
                              ? 0
                              : (uint16_t)strtoul(port[0] == '\0' ? PG_PORT : port, NULL, 10);
    }
    PQconninfoFree(all);
}

/* Each new connection with TLS reads them again. */
static void note_files(PGconn *conn, struct pg_facts *facts)
{
    static const char *const keywords[] = {"sslrootcert", "sslcert", "sslkey", "sslcrl"};
    PQconninfoOption *all = PQconninfo(conn);
    const char *home = getenv("HOME");

    for (const PQconninfoOption *one = all; one != NULL && one->keyword != NULL; one++) {
        for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
            if (one->val != NULL && strcmp(one->keyword, keywords[i]) == 0)
                snprintf(facts->files[i], sizeof(facts->files[i]), "%s", one->val);
        }
    }
    if (home != NULL) /* where libpq looks when nobody says */
        snprintf(facts->files[PG_FILES_MAX - 1], sizeof(facts->files[0]), "%s/.postgresql", home);
    PQconninfoFree(all);
}

enum rc pg_link_facts(struct pg_db *db, struct pg_facts *ret)
{
    const enum rc rc = pg_execute(db, FACTS);
    const char *host = PQhost(db->conn);
    const bool is_local = host != NULL && (host[0] == '/' || host[0] == '@');

    if (rc != RC_OK)
        return rc;
    *ret = (struct pg_facts){.version = PQserverVersion(db->conn),
                             .is_tls = PQsslInUse(db->conn),
                             .port = is_local ? 0 : (uint16_t)strtoul(PQport(db->conn), NULL, 10),
                             .is_fsync_off = strcmp(PQgetvalue(db->result, 0, 2), "off") == 0};
    snprintf(ret->where, sizeof(ret->where), "%.40s@%.100s:%.8s/%.64s", PQuser(db->conn),
             host == NULL ? "" : host, PQport(db->conn), PQdb(db->conn));
    judge_replication(db, ret);
    note_ports(db->conn, ret);
    note_files(db->conn, ret);
    return RC_OK;
}

bool store_pg_has_password(const char *url)
{
    PQconninfoOption *all = PQconninfoParse(url, NULL);
    bool has_password = false;

    for (const PQconninfoOption *one = all; one != NULL && one->keyword != NULL; one++)
        has_password =
            has_password || (one->val != NULL && (strcmp(one->keyword, "password") == 0 ||
                                                  strcmp(one->keyword, "sslpassword") == 0));
    PQconninfoFree(all);
    return has_password;
}
