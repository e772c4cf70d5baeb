/* pg_server.h - a PostgreSQL server of the test's own, started when it is asked for the first time: in a temporary folder, on a
 * local socket. It ends with this process, whatever way. Include after check.h. */
#ifndef TESTS_SUPPORT_PG_SERVER_H
#define TESTS_SUPPORT_PG_SERVER_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG_SERVER_UNUSED __attribute__((unused))
#define PG_TURNS_MAX     3000 /* of PG_TURN_MS, until it answers */
#define PG_TURN_MS       20

static struct {
    char folder[48];
    char programs[256]; /* where initdb and postgres are */
    char url[128];
    pid_t pid; /* 0: it does not run */
} pg_server;

static inline void pg_server_find(void)
{
    glob_t found;
    char *slash;

    /* Sorted, so the newest is the last. */
    if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) != 0) {
        print_error("there is no PostgreSQL server: scripts/dev setup installs one\n");
        fail();
        return;
    }
    snprintf(pg_server.programs, sizeof(pg_server.programs), "%s",
             found.gl_pathv[found.gl_pathc - 1]);
    slash = strrchr(pg_server.programs, '/');
    *slash = '\0';
    globfree(&found);
}

/* It refuses to run as root. */
static inline const struct passwd *pg_server_user(void)
{
    return geteuid() == 0 ? getpwnam("nobody") : NULL;
}

static inline pid_t pg_server_run(const char *program, char *const *arguments)
{
    const struct passwd *user = pg_server_user();
    const pid_t parent = getpid();
    char path[320];
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    snprintf(path, sizeof(path), "%s/%s", pg_server.programs, program);
    const int nothing = open("/dev/null", O_RDWR);
    char log[80];
    snprintf(log, sizeof(log), "%s/log", pg_server.folder);
    const int output = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(nothing, 0);
    dup2(output, 1);
    dup2(output, 2);
    if (user != NULL &&
        (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0 || chdir(pg_server.folder) != 0))
        _exit(126);
    /* Behind setuid(), which clears it. SIGQUIT: at once, without a farewell. */
    if (prctl(PR_SET_PDEATHSIG, SIGQUIT) != 0 || getppid() != parent)
        _exit(126);
    execv(path, arguments);
    _exit(127);
}

static inline void pg_server_say_log(void)
{
    char command[128], line[512];
    FILE *log;

    snprintf(command, sizeof(command), "%s/log", pg_server.folder);
    log = fopen(command, "r");
    while (log != NULL && fgets(line, sizeof(line), log) != NULL)
        print_error("%s", line);
    if (log != NULL)
        fclose(log);
}

/* A server without its own synchronisation would test nothing of what a commit costs; initdb may be quick. */
static PG_SERVER_UNUSED void pg_server_start(void)
{
    char data[64];
    char *const arguments[] = {(char *)"postgres",
                               (char *)"-D",
                               data,
                               (char *)"-k",
                               pg_server.folder,
                               (char *)"-c",
                               (char *)"listen_addresses=",
                               (char *)"-c",
                               (char *)"shared_buffers=16MB",
                               (char *)"-c",
                               (char *)"max_connections=20",
                               (char *)"-c",
                               (char *)"autovacuum=off",
                               (char *)"-c",
                               (char *)"fsync=off", /* rules are tested here, and no power fails */
                               NULL};

    snprintf(data, sizeof(data), "%s/data", pg_server.folder);
    pg_server.pid = pg_server_run("postgres", arguments);
    for (int turn = 0; PQping(pg_server.url) != PQPING_OK; turn++) {
        if (turn == PG_TURNS_MAX || waitpid(pg_server.pid, NULL, WNOHANG) != 0) {
            pg_server_say_log();
            fail_msg("the PostgreSQL server does not answer");
        }
        (void)poll(NULL, 0, PG_TURN_MS);
    }
}

/* At once, as a power cut of the process does it: SIGQUIT to the first of its processes. */
static PG_SERVER_UNUSED void pg_server_stop(void)
{
    if (pg_server.pid == 0)
        return;
    (void)kill(pg_server.pid, SIGQUIT);
    while (waitpid(pg_server.pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    pg_server.pid = 0;
}

static int pg_server_remove_one(const char *path, const struct stat *stat, int type,
                                struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void pg_server_end(void)
{
    pg_server_stop();
    nftw(pg_server.folder, pg_server_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The user `locked` needs a password, all others none. */
static inline void pg_server_write_rules(const char *data)
{
    char path[96];
    FILE *rules;

    snprintf(path, sizeof(path), "%s/pg_hba.conf", data);
    rules = fopen(path, "w");
    assert_non_null(rules);
    fputs("local all locked scram-sha-256\nlocal all all trust\n", rules);
    assert_int_equal(fclose(rules), 0);
}

static inline void pg_server_make(void)
{
    const struct passwd *user = pg_server_user();
    char data[64];
    char *const arguments[] = {(char *)"initdb",     (char *)"-D",    data,
                               (char *)"-A",         (char *)"trust", (char *)"-U",
                               (char *)"zchat",      (char *)"-E",    (char *)"UTF8",
                               (char *)"--locale=C", (char *)"-N",    NULL};
    int status = 0;

    pg_server_find();
    snprintf(pg_server.folder, sizeof(pg_server.folder), "/tmp/zchat-pg-XXXXXX");
    assert_non_null(mkdtemp(pg_server.folder));
    atexit(pg_server_end);
    if (user != NULL)
        assert_int_equal(chown(pg_server.folder, user->pw_uid, user->pw_gid), 0);
    snprintf(data, sizeof(data), "%s/data", pg_server.folder);
    snprintf(pg_server.url, sizeof(pg_server.url), "postgres://zchat@/postgres?host=%s",
             pg_server.folder);
    const pid_t pid = pg_server_run("initdb", arguments);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status != 0) {
        pg_server_say_log();
        fail_msg("initdb fails");
    }
    pg_server_write_rules(data);
    pg_server_start();
}

/* Where it is; it runs then. */
static PG_SERVER_UNUSED const char *pg_server_url(void)
{
    if (pg_server.url[0] == '\0')
        pg_server_make();
    return pg_server.url;
}

/* A statement by somebody else; the first value of its last row goes into `value`. */
static PG_SERVER_UNUSED void pg_server_say(const char *sql, char *value, size_t size)
{
    char url[256];

    /* Also where a test lets others only read. */
    snprintf(
        url, sizeof(url),
        "%s&options=-cdefault_transaction_read_only%%3Doff%%20-cclient_min_messages%%3Dwarning",
        pg_server_url());
    PGconn *conn = PQconnectdb(url);
    PGresult *result = PQexec(conn, sql);
    const ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        print_error("%s", PQerrorMessage(conn));
    assert_true(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
    if (value != NULL)
        snprintf(value, size, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
}

static PG_SERVER_UNUSED void pg_server_empty(void)
{
    pg_server_say("DROP SCHEMA IF EXISTS zchat CASCADE", NULL, 0);
}

#endif
