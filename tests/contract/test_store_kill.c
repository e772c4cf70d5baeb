/* test_store_kill.c - a process that brings a database up to the newest schema, makes one or restores one may be killed at every single
 * call that changes a file, between two, or in the middle of a write; and the power may go there. What was in it is in it then,
 * in the old schema or the new one, and the next start brings it up.
 *
 * The calls that SQLite and we make are this program's own, below: they count, and die at the chosen one. */
#include "tests/support/check.h"
#include "tests/support/dump.h"
#include "tests/support/old_schemas.h"

#include "broker/store/restore.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* --- a process that dies at its n-th call ---------------------------------------------------------- */

enum death {
    BEFORE,    /* the call does nothing */
    TORN,      /* a write does half of it */
    POWER_CUT, /* nothing is left but what was synced */
    DEATHS
};

static struct {
    bool is_armed;
    enum death death;
    unsigned die_at; /* 0: never */
    unsigned calls;
} killer;

#define PATH_BYTES 512

/* "FOLDER/name" to "FOLDER.synced/name": what a power cut leaves of each file. */
static bool synced_path(int fd, char path[PATH_BYTES], char synced[PATH_BYTES])
{
    char link[64];
    struct stat info;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, PATH_BYTES - 16);
    if (len <= 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    path[len] = '\0';
    const char *name = strrchr(path, '/');
    snprintf(synced, PATH_BYTES, "%.*s.synced%s", (int)(name - path), path, name);
    return true;
}

static void copy_file(const char *from, const char *to)
{
    static char buffer[1 << 16];
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got;

    assert_true(in >= 0 && out >= 0);
    while ((got = read(in, buffer, sizeof(buffer))) > 0)
        assert_int_equal(syscall(SYS_write, out, buffer, (size_t)got), got);
    close(in);
    close(out);
}

static void note_synced(int fd)
{
    char path[PATH_BYTES], synced[PATH_BYTES];

    if (killer.is_armed && killer.death == POWER_CUT && synced_path(fd, path, synced)) {
        killer.is_armed = false;
        copy_file(path, synced);
        killer.is_armed = true;
    }
}

/* True when the call is the last one: the caller does its half, and calls die(). Of writes alone there is a half. */
static bool is_last(bool is_write)
{
    return (is_write || killer.death != TORN) && killer.is_armed && ++killer.calls == killer.die_at;
}

static _Noreturn void die(void)
{
    (void)raise(SIGKILL);
    abort();
}

/* These stand in the place of the C library's for this program and the libraries it uses. */
#define INSTEAD __attribute__((visibility("default")))

/* Hundreds of children: what a sanitizer keeps of freed memory would be copied for each. */
INSTEAD const char *__asan_default_options(void);
INSTEAD const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1";
}

INSTEAD ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    if (is_last(true)) {
        if (killer.death == TORN)
            (void)syscall(SYS_pwrite64, fd, bytes, len / 2, at);
        die();
    }
    return syscall(SYS_pwrite64, fd, bytes, len, at);
}

INSTEAD ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return pwrite64(fd, bytes, len, at);
}

INSTEAD ssize_t write(int fd, const void *bytes, size_t len)
{
    if (is_last(true)) {
        if (killer.death == TORN)
            (void)syscall(SYS_write, fd, bytes, len / 2);
        die();
    }
    return syscall(SYS_write, fd, bytes, len);
}

INSTEAD int fsync(int fd)
{
    if (is_last(false))
        die();
    note_synced(fd);
    return 0; /* what the disk has is the test's to say */
}

INSTEAD int fdatasync(int fd)
{
    if (is_last(false))
        die();
    note_synced(fd);
    return 0;
}

INSTEAD int ftruncate64(int fd, off64_t len)
{
    if (is_last(false))
        die();
    return (int)syscall(SYS_ftruncate, fd, len);
}

INSTEAD int ftruncate(int fd, off_t len)
{
    return ftruncate64(fd, len);
}

INSTEAD int unlink(const char *path)
{
    if (is_last(false))
        die();
    return (int)syscall(SYS_unlink, path);
}

INSTEAD int rename(const char *from, const char *to)
{
    if (is_last(false))
        die();
    if (killer.is_armed && killer.death == POWER_CUT) { /* its bytes go along */
        char synced[2][PATH_BYTES];

        snprintf(synced[0], PATH_BYTES, "%.*s.synced%s", (int)(strrchr(from, '/') - from), from,
                 strrchr(from, '/'));
        snprintf(synced[1], PATH_BYTES, "%.*s.synced%s", (int)(strrchr(to, '/') - to), to,
                 strrchr(to, '/'));
        (void)syscall(SYS_rename, synced[0], synced[1]);
    }
    return (int)syscall(SYS_rename, from, to);
}

/* --- what is done, and what has to be there ------------------------------------------------------- */

struct work {
    const char *name;
    void (*begin)(struct box *box); /* the folder as it is before */
    bool (*carry_out)(const struct box *box);
    bool (*again)(const struct box *box); /* what is done after it was killed, and comes through */
};

static const char *const FILES[] = {"zchat.db",
                                    "zchat.db-wal",
                                    "zchat.db-shm",
                                    "zchat.db-journal",
                                    ".zchat.db.part",
                                    ".zchat.db.part-journal",
                                    ".zchat.db.part-wal",
                                    ".zchat.db.part-shm",
                                    "backup",
                                    "other"};
enum { DB = 0, BACKUP = 8, OTHER = 9 };
#define FILE_COUNT (sizeof(FILES) / sizeof(FILES[0]))

static const char *file_of(const struct box *box, const char *suffix, size_t i)
{
    static char path[PATH_BYTES];

    snprintf(path, sizeof(path), "%s%s/%s", box->folder, suffix, FILES[i]);
    return path;
}

static void clear(const struct box *box)
{
    for (size_t i = 0; i < FILE_COUNT; i++) {
        (void)unlink(file_of(box, "", i));
        (void)unlink(file_of(box, ".synced", i));
    }
}

static void begin_with_nothing(struct box *box)
{
    (void)box;
}

static void move_log(const struct box *box, size_t to)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof(path), "%s", file_of(box, "", DB));
    assert_int_equal(rename(path, file_of(box, "", to)), 0);
}

/* A folder with nothing but two backups of that schema, of which one has more in it. */
static void begin_with_backups(struct box *box)
{
    make_schema_1(box);
    move_log(box, BACKUP);
    make_schema_1(box);
    sqlite3 *handle = open_raw(box);
    assert_int_equal(
        sqlite3_exec(handle,
                     "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 90)"
                     " INSERT INTO event SELECT (2 << 39) + i, 500 + i, 0, 0, 0, 0,"
                     " randomblob(300) FROM n; UPDATE place SET head = 90 WHERE stream = 2",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(handle);
    move_log(box, OTHER);
}

static void begin_with_schema_1(struct box *box)
{
    make_schema_1(box);
}

static bool open_store(const struct box *box)
{
    struct store *store = NULL;
    const char *why;

    if (store_open_sqlite(box->folder, &store, &why) != RC_OK)
        return false;
    store_close(&store);
    return true;
}

static bool restore_file(const struct box *box, size_t which)
{
    struct copy_done done;
    char path[PATH_BYTES], why[COPY_WHY_BYTES];

    snprintf(path, sizeof(path), "%s", file_of(box, "", which));
    return store_restore(path, box->folder, &done, why) == RC_OK;
}

static bool restore(const struct box *box)
{
    return restore_file(box, BACKUP);
}

static bool restore_other(const struct box *box)
{
    return restore_file(box, OTHER);
}

static char *dump_of(const struct box *box)
{
    sqlite3 *handle = open_raw(box);
    char *text = dump_log(handle, false); /* when a device came is the migration's time */

    sqlite3_stmt *check;
    assert_int_equal(sqlite3_prepare_v2(handle, "PRAGMA integrity_check", -1, &check, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(check), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(check, 0), "ok");
    sqlite3_finalize(check);
    sqlite3_close(handle);
    return text;
}

static bool is_there(const struct box *box)
{
    return access(file_of(box, "", DB), F_OK) == 0;
}

/* Do the work and die on the way; false: it was over before. */
static bool work_and_die(const struct box *box, const struct work *work, enum death death,
                         unsigned die_at)
{
    const pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        killer.death = death;
        killer.die_at = die_at;
        killer.calls = 0;
        killer.is_armed = true;
        const bool is_done = work->carry_out(box);
        killer.is_armed = false;
        _exit(is_done ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

/* Names are there at once here; of the bytes of each file only what was synced. */
static void cut_power(const struct box *box)
{
    for (size_t i = 0; i < FILE_COUNT; i++) {
        char synced[PATH_BYTES];
        const char *path;

        snprintf(synced, sizeof(synced), "%s", file_of(box, ".synced", i));
        path = file_of(box, "", i);
        if (access(path, F_OK) != 0)
            continue;
        if (access(synced, F_OK) == 0)
            copy_file(synced, path);
        else
            assert_int_equal(truncate(path, 0), 0);
    }
}

/* Copy all files of the folder with one suffix to that with another. */
static void copy_all(const struct box *box, const char *from, const char *to)
{
    for (size_t i = 0; i < FILE_COUNT; i++) {
        char path[PATH_BYTES];

        snprintf(path, sizeof(path), "%s", file_of(box, from, i));
        if (access(path, F_OK) == 0)
            copy_file(path, file_of(box, to, i));
    }
}

/* As it was before the work, all of it synced. */
static void begin(const struct box *box)
{
    clear(box);
    copy_all(box, ".begin", "");
    copy_all(box, ".begin", ".synced");
}

/* What has to be there. */
struct states {
    char *old, *new;
    char *again; /* when what is done again was done */
};

static bool is_state(const struct box *box, const char *state)
{
    char *text = is_there(box) ? dump_of(box) : strdup("");
    const bool is_it = strcmp(text, state) == 0;

    free(text);
    return is_it;
}

/* Kill it at each of its calls; returns how many there are. */
static unsigned kill_everywhere(const struct box *box, const struct work *work, enum death death,
                                const struct states *states)
{
    unsigned news = 0, at = 1;
    bool has_died = true;

    for (; has_died; at++) {
        begin(box);
        has_died = work_and_die(box, work, death, at);
        if (death == POWER_CUT)
            cut_power(box);
        const bool is_new = is_state(box, states->new);
        news += is_new;
        if (!is_new && (!has_died || !is_state(box, states->old)))
            fail_msg("%s, death %d at call %u of it: it is neither old nor new", work->name,
                     (int)death, at);
        if (is_new && work->carry_out != work->again) /* nothing is put over a log */
            continue;
        assert_true(work->again(box));
        if (!is_state(box, states->again))
            fail_msg("%s, death %d at call %u of it: the next start finds something else",
                     work->name, (int)death, at);
    }
    assert_true(news < at - 1);
    return at - 2;
}

static char *state_after(const struct box *box, bool (*carry_out)(const struct box *box))
{
    begin(box);
    assert_true(carry_out(box));
    return dump_of(box);
}

static void kill_at_every_step(void **state, const struct work *work)
{
    struct box *box = *state;
    static const char *const suffixes[] = {".begin", ".synced"};
    char folder[2][64];

    for (size_t i = 0; i < 2; i++) {
        snprintf(folder[i], sizeof(folder[i]), "%s%s", box->folder, suffixes[i]);
        assert_int_equal(mkdir(folder[i], 0700), 0);
    }
    box_close(box);
    clear(box);
    work->begin(box);
    copy_all(box, "", ".begin");
    struct states states = {.old = is_there(box) ? dump_of(box) : strdup(""),
                            .new = state_after(box, work->carry_out),
                            .again = state_after(box, work->again)};
    assert_string_not_equal(states.old, states.new);
    for (enum death death = BEFORE; death < DEATHS; death++) {
        const unsigned calls = kill_everywhere(box, work, death, &states);

        assert_true(calls >= 8);
    }
    free(states.old);
    free(states.new);
    free(states.again);
    clear(box);
    for (size_t i = 0; i < 2; i++)
        box_remove_folder(folder[i]);
    box_open(box);
}

static void schema_1_becomes_the_newest(void **state)
{
    kill_at_every_step(state, &(struct work){.name = "schema 1",
                                             .begin = begin_with_schema_1,
                                             .carry_out = open_store,
                                             .again = open_store});
}

static void schema_2_becomes_the_newest(void **state)
{
    kill_at_every_step(state, &(struct work){.name = "schema 2",
                                             .begin = make_schema_2,
                                             .carry_out = open_store,
                                             .again = open_store});
}

static void a_new_log_is_made(void **state)
{
    kill_at_every_step(state, &(struct work){.name = "no log",
                                             .begin = begin_with_nothing,
                                             .carry_out = open_store,
                                             .again = open_store});
}

static void a_backup_of_schema_1_is_restored(void **state)
{
    kill_at_every_step(state, &(struct work){.name = "restore",
                                             .begin = begin_with_backups,
                                             .carry_out = restore,
                                             .again = restore_other});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_sqlite, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(schema_1_becomes_the_newest),
        TEST(schema_2_becomes_the_newest),
        TEST(a_new_log_is_made),
        TEST(a_backup_of_schema_1_is_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
