#include "tests/support/check.h"

#include "broker/store/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct fixture {
    char path[64];
    int folder;
    struct disk disk;
};

static int set_up(void **state)
{
    static struct fixture self;

    snprintf(self.path, sizeof(self.path), "/tmp/zchat-disk-XXXXXX");
    assert_non_null(mkdtemp(self.path));
    self.folder = open(self.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(self.folder >= 0);
    *state = &self;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *self = *state;

    unlinkat(self->folder, "zchat.ballast", 0);
    close(self->folder);
    return rmdir(self->path);
}

static off_t ballast_bytes(const struct fixture *self)
{
    struct stat stat;

    return fstatat(self->folder, "zchat.ballast", &stat, 0) == 0 ? stat.st_size : 0;
}

static void room_is_what_is_free_above_the_watermark(void **state)
{
    struct fixture *self = *state;

    disk_init(&self->disk, self->folder, 1, 0);
    assert_true(disk_has_room(&self->disk, 1000));
    disk_init(&self->disk, self->folder, UINT64_MAX, 0);
    assert_false(disk_has_room(&self->disk, 1000));
}

static void the_ballast_is_made_once_and_taken_away_when_not_wanted(void **state)
{
    struct fixture *self = *state;

    disk_init(&self->disk, self->folder, 1, 1 << 20);
    assert_int_equal(ballast_bytes(self), 1 << 20);
    disk_init(&self->disk, self->folder, 1, 1 << 20);
    assert_int_equal(ballast_bytes(self), 1 << 20);
    disk_init(&self->disk, self->folder, 1, 1 << 19);
    assert_int_equal(ballast_bytes(self), 1 << 19);
    disk_init(&self->disk, self->folder, 1, 0);
    assert_int_equal(ballast_bytes(self), 0);
}

static void no_ballast_is_made_where_it_would_reach_the_watermark(void **state)
{
    struct fixture *self = *state;
    struct statvfs fs;

    assert_int_equal(fstatvfs(self->folder, &fs), 0);
    disk_init(&self->disk, self->folder, 1, (uint64_t)fs.f_bavail * fs.f_frsize);
    assert_int_equal(ballast_bytes(self), 0);
}

static void a_failed_write_gives_the_ballast_up_when_the_disk_is_full(void **state)
{
    struct fixture *self = *state;

    disk_init(&self->disk, self->folder, 1, 1 << 20);
    disk_write_failed(&self->disk, 1000); /* by the size limit: there is room on the disk */
    assert_int_equal(ballast_bytes(self), 1 << 20);
    assert_false(disk_has_room(&self->disk, 1999));
    assert_true(disk_has_room(&self->disk, 2000));
    self->disk.free_bytes_min = UINT64_MAX; /* as if somebody had filled it */
    disk_write_failed(&self->disk, 3000);
    assert_int_equal(ballast_bytes(self), 0);
    self->disk.free_bytes_min = 1;
    assert_false(disk_has_room(&self->disk, 3500));
    assert_int_equal(ballast_bytes(self), 0);
    assert_true(disk_has_room(&self->disk, 4000));
    assert_int_equal(ballast_bytes(self), 1 << 20);
}

static void it_looks_once_a_second_at_most(void **state)
{
    struct fixture *self = *state;

    disk_init(&self->disk, self->folder, 1, 0);
    assert_true(disk_has_room(&self->disk, 1000));
    self->disk.free_bytes_min = UINT64_MAX;
    assert_true(disk_has_room(&self->disk, 1999));
    assert_false(disk_has_room(&self->disk, 2000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(room_is_what_is_free_above_the_watermark),
        TEST(the_ballast_is_made_once_and_taken_away_when_not_wanted),
        TEST(no_ballast_is_made_where_it_would_reach_the_watermark),
        TEST(a_failed_write_gives_the_ballast_up_when_the_disk_is_full),
        TEST(it_looks_once_a_second_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
