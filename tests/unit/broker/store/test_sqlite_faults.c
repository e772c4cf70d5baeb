/* test_sqlite_faults.c - power cuts, failing and full disks under the store. */
#include "tests/support/check.h"
#include "tests/support/store_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* --- faults: this program's fdatasync() and pwrite64() stand before the system's ------ */

static struct {
    const char *watched; /* folder; what is synced there goes to `durable` as well */
    const char *durable;
    unsigned syncs;
    bool fails_sync;  /* EIO */
    bool fails_write; /* ENOSPC */
    unsigned writes;
} faults;

static void copy_file(const char *from, const char *to)
{
    static char buffer[1 << 20];
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t len;

    assert_true(in >= 0 && out >= 0);
    while ((len = read(in, buffer, sizeof(buffer))) > 0)
        assert_int_equal(write(out, buffer, (size_t)len), len);
    close(in);
    close(out);
}

/* The folder's own files, not those of folders within it. */
static bool is_watched(const char *path)
{
    const size_t len = faults.watched == NULL ? 0 : strlen(faults.watched);

    return len > 0 && strncmp(path, faults.watched, len) == 0 && strrchr(path, '/') == path + len;
}

static int sync_file(int fd, long call)
{
    char link[64], path[512] = "", to[600];
    ssize_t len;

    faults.syncs++;
    if (faults.fails_sync) {
        errno = EIO;
        return -1;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path) - 1);
    if (len > 0 && is_watched(path)) {
        snprintf(to, sizeof(to), "%s%s", faults.durable, strrchr(path, '/'));
        copy_file(path, to);
    }
    return (int)syscall(call, fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    return sync_file(fd, SYS_fdatasync);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    return sync_file(fd, SYS_fsync);
}

static ssize_t faulty_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    faults.writes++;
    if (faults.fails_write) {
        errno = ENOSPC;
        return -1;
    }
    return pwrite(fd, bytes, len, at);
}

static void fail_writes(bool does_fail)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    faults.fails_write = does_fail;
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)faulty_pwrite),
                     SQLITE_OK);
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)faulty_pwrite),
                     SQLITE_OK);
}

static enum rc post(struct box *box, stream_id alice, stream_id lobby, uint32_t number,
                    const char *text)
{
    const struct op op = op_post(box, "alice", alice, "#lobby", lobby, 77, number, text);

    return box_apply(box, &op);
}

/* --- power cuts and failing disks ----------------------------------------------------- */

static void assert_durable(const struct box *box, const char *durable, stream_id lobby,
                           uint64_t head)
{
    struct box after = {.kind = BOX_SQLITE, .now_ms = box->now_ms};
    struct store_page page;
    uint32_t last;

    /* A power cut may come right now: only what was synced is there afterwards. */
    snprintf(after.folder, sizeof(after.folder), "%.32s/after", box->folder);
    assert_int_equal(mkdir(after.folder, 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        const char *name = i == 0 ? "/zchat.db" : "/zchat.db-wal";
        char from[160], to[160];

        snprintf(from, sizeof(from), "%s%s", durable, name);
        snprintf(to, sizeof(to), "%s%s", after.folder, name);
        if (access(from, F_OK) == 0)
            copy_file(from, to);
    }
    box_open(&after);
    page = read_range(&after, lobby, head, 0, 0);
    assert_int_equal(page.head, head);
    assert_int_equal(page.count, 1);
    last = (uint32_t)head - 1; /* seq 1 is the join */
    assert_int_equal(post(&after, (stream_id){1}, lobby, last, "?"), RC_OK);
    assert_true(after.result.is_duplicate);
    assert_int_equal(after.result.seq, head);
    box_close(&after);
    box_remove_folder(after.folder);
}

static void what_was_answered_survives_a_power_cut(void **state)
{
    struct box *box = *state;
    static char text[TEXT_BYTES_MAX + 1];
    char durable[80], from[128], to[128];
    stream_id alice, lobby;
    uint32_t number = 0;
    unsigned syncs;

    memset(text, 'x', TEXT_BYTES_MAX);
    snprintf(durable, sizeof(durable), "%s/durable", box->folder);
    assert_int_equal(mkdir(durable, 0700), 0);
    box_close(box);
    snprintf(from, sizeof(from), "%s/zchat.db", box->folder);
    snprintf(to, sizeof(to), "%s/zchat.db", durable);
    copy_file(from, to);
    faults.watched = box->folder;
    faults.durable = durable;
    box_open(box);
    alice = person(box, "alice");
    lobby = room(box, "#lobby", "alice", alice);
    for (int batch = 0; batch < 60; batch++) { /* twice through a checkpoint */
        struct op ops[40];
        struct op_result results[40];

        for (int i = 0; i < 40; i++)
            ops[i] = op_post(box, "alice", alice, "#lobby", lobby, 77, ++number, text);
        syncs = faults.syncs;
        assert_int_equal(store_apply(box->store, ops, 40, results), RC_OK);
        assert_true(faults.syncs > syncs);
        if (batch % 6 == 0)
            assert_durable(box, durable, lobby, results[39].seq);
        assert_int_equal(store_maintain(box->store), RC_OK);
        if (batch % 6 == 3)
            assert_durable(box, durable, lobby, results[39].seq);
    }
}

static void a_failed_sync_is_unknown_and_ends_the_store(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op op = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");
    struct op_result result;

    faults.fails_sync = true;
    assert_int_equal(store_apply(box->store, &op, 1, &result), RC_STORE);
    faults.fails_sync = false;
    assert_non_null(strstr(store_why(box->store), "zchat.db"));
    assert_int_equal(store_apply(box->store, &op, 1, &result), RC_STORE); /* never again */
    box_close(box);
    box_open(box);
    assert_int_equal(post(box, alice, lobby, 1, "one"), RC_OK);
    assert_int_equal(box->result.seq, 2);
}

static void a_failed_checkpoint_ends_the_store(void **state)
{
    struct box *box = *state;
    static char text[TEXT_BYTES_MAX + 1];
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);

    memset(text, 'x', TEXT_BYTES_MAX);
    for (uint32_t n = 1; n <= 900; n++)
        assert_int_equal(post(box, alice, lobby, n, text), RC_OK);
    faults.fails_sync = true;
    assert_int_equal(store_maintain(box->store), RC_STORE);
    faults.fails_sync = false;
    box_close(box);
    box_open(box);
    assert_int_equal(read_range(box, lobby, 1, 1, 0).head, 901);
}

static void a_disk_that_fills_up_refuses_and_recovers(void **state)
{
    struct box *box = *state;
    const struct store_limits limits = {0};
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op ops[] = {
        op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one"),
        op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "two"),
        op_join(box, "alice", alice, "#other", (stream_id){0}),
    };
    struct op_result results[3];

    assert_int_equal(post(box, alice, lobby, 1, "one"), RC_OK);
    fail_writes(true);
    assert_int_equal(store_apply(box->store, ops, 3, results), RC_OK);
    assert_int_equal(results[0].rc, RC_OK);
    assert_true(results[0].is_duplicate);
    assert_int_equal(results[1].rc, RC_DISK_FULL);
    assert_int_equal(results[1].appended_count, 0);
    assert_int_equal(results[2].rc, RC_DISK_FULL);
    fail_writes(false);
    assert_int_equal(post(box, alice, lobby, 2, "two"), RC_DISK_FULL); /* it looks once a second */
    store_set_limits(box->store, &limits);
    assert_int_equal(store_apply(box->store, ops, 3, results), RC_OK);
    assert_int_equal(results[1].seq, 3);
    assert_true(results[2].is_new_room);
    box_close(box);
    box_open(box);
    assert_int_equal(read_range(box, lobby, 1, 0, 0).count, 3);
}

static void a_log_on_a_full_disk_can_still_be_opened_and_read(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    char path[128];
    sqlite3 *other;

    /* As after a crash: the files beside the database are still there. */
    snprintf(path, sizeof(path), "%s/zchat.db", box->folder);
    assert_int_equal(sqlite3_open_v2(path, &other, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "SELECT * FROM place", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(post(box, alice, lobby, 1, "one"), RC_OK);
    box_close(box);
    fail_writes(true);
    box_open(box);
    assert_int_equal(read_range(box, lobby, 1, 0, 0).count, 2);
    assert_int_equal(post(box, alice, lobby, 1, "one"), RC_OK);
    assert_int_equal(post(box, alice, lobby, 2, "two"), RC_DISK_FULL);
    sqlite3_close(other);
}

static void a_checkpoint_on_a_full_disk_is_no_failure(void **state)
{
    struct box *box = *state;
    const struct store_limits limits = {0};
    static char text[TEXT_BYTES_MAX + 1];
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);

    memset(text, 'x', TEXT_BYTES_MAX);
    for (uint32_t n = 1; n <= 900; n++)
        assert_int_equal(post(box, alice, lobby, n, text), RC_OK);
    fail_writes(true);
    assert_int_equal(store_maintain(box->store), RC_OK);
    fail_writes(false);
    store_set_limits(box->store, &limits);
    assert_int_equal(post(box, alice, lobby, 901, text), RC_OK);
}

static void the_file_keeps_to_its_size_limit(void **state)
{
    struct box *box = *state;
    const struct store_limits small = {.size_bytes_max = 1 << 20};
    const struct store_limits none = {0};
    static char text[TEXT_BYTES_MAX + 1];
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    uint32_t number = 1;

    memset(text, 'x', TEXT_BYTES_MAX);
    store_set_limits(box->store, &small);
    while (number < 200 && post(box, alice, lobby, number, text) == RC_OK)
        number++;
    assert_int_equal(box->result.rc, RC_DISK_FULL);
    assert_in_range(number, 30, 64);
    store_set_limits(box->store, &none);
    assert_int_equal(post(box, alice, lobby, number, text), RC_OK);
    assert_int_equal(box->result.seq, number + 1);
}

static void a_commit_is_written_in_few_pieces(void **state)
{
    struct box *box = *state;
    static char text[TEXT_BYTES_MAX + 1];
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    struct op ops[40];
    struct op_result results[40];

    memset(text, 'x', TEXT_BYTES_MAX);
    fail_writes(false); /* ours counts them */
    assert_int_equal(post(box, alice, lobby, 1, text), RC_OK);
    for (uint32_t i = 0; i < 40; i++)
        ops[i] = op_post(box, "alice", alice, "#lobby", lobby, 77, i + 2, text);
    faults.writes = 0;
    assert_int_equal(store_apply(box->store, ops, 40, results), RC_OK);
    assert_in_range(faults.writes, 1, 40 * TEXT_BYTES_MAX / 4096 / 4);
    assert_int_equal(read_range(box, lobby, 42, 0, 0).count,
                     1); /* a reader sees it through its own eyes */
}

static int set_up(void **state)
{
    *state = box_new(BOX_SQLITE);
    return 0;
}

static int tear_down(void **state)
{
    faults.watched = NULL;
    faults.fails_sync = false;
    fail_writes(false);
    box_destroy(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_answered_survives_a_power_cut),
        TEST(a_failed_sync_is_unknown_and_ends_the_store),
        TEST(a_failed_checkpoint_ends_the_store),
        TEST(a_disk_that_fills_up_refuses_and_recovers),
        TEST(a_log_on_a_full_disk_can_still_be_opened_and_read),
        TEST(a_checkpoint_on_a_full_disk_is_no_failure),
        TEST(the_file_keeps_to_its_size_limit),
        TEST(a_commit_is_written_in_few_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
