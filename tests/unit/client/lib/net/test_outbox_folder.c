#include "tests/unit/client/lib/net/outbox_fixture.h"

#include "client/lib/net/outbox_folder.h"

#include <dirent.h>

#define KEY "be8a8ab6c0f9129016286f1ad89e25b3d5939adf0702045ba4b3bc1a9d8eaf17"

struct scene {
    struct folder folder;
    struct home home;
    struct outbox_folder box;
    struct why why;
};

static struct outbox_folder box_of(const struct scene *s, const char *nick, const char *url_text)
{
    struct outbox_folder box;
    struct broker_url url;
    struct name name;
    const char *why;

    assert_int_equal(broker_url_parse(span_of(url_text), &url, &why), RC_OK);
    assert_int_equal(name_parse(span_of(nick), &name), RC_OK);
    outbox_folder_init(&box, &s->home, &name, &url);
    return box;
}

static int open_scene(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    *state = s;
    if (s == NULL || !folder_open(&s->folder) ||
        home_open(s->folder.path, &s->home, &s->why) != RC_OK)
        return -1;
    s->box = box_of(s, "alice", "zchat://127.0.0.1:5670?key=" KEY);
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;

    folder_close(&s->folder);
    free(s);
    return 0;
}

/* A run that ended with `count` unanswered posts. */
static void leave(const struct outbox_folder *box, uint64_t session, uint32_t count)
{
    struct outbox_file *file = outbox_folder_new(box, session);

    for (uint32_t i = 1; i <= count; i++)
        assert_int_equal(post_text(file, i, "hello"), RC_OK);
    outbox_file_close(&file);
}

static void path_in(const struct scene *s, uint64_t session, const char *rest, char buf[300])
{
    snprintf(buf, 300, "%s/outbox/alice@be8a8ab6c0f91290-%016llx.log%s", s->folder.path,
             (unsigned long long)session, rest);
}

static size_t count_files(const struct scene *s)
{
    size_t count = 0;
    struct dirent *entry;
    DIR *dir = opendir(s->box.path);

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static struct outbox_file *adopt(struct scene *s)
{
    struct outbox_file *file;

    assert_int_equal(outbox_folder_adopt(&s->box, &file, &s->why), RC_OK);
    return file;
}

static void without_a_folder_there_is_nothing_to_take_over(void **state)
{
    struct scene *s = *state;

    assert_null(adopt(s));
    assert_string_equal(s->why.text, "");
    assert_int_equal(outbox_folder_waiting(&s->box), 0);
}

static void the_oldest_is_taken_over_first_and_the_others_wait(void **state)
{
    struct scene *s = *state;
    char path[300];
    struct outbox_file *first, *second;

    /* The clock has milliseconds: make sure that they differ. */
    leave(&s->box, 0xb, 2);
    usleep(2000);
    leave(&s->box, 0xa, 3);
    path_in(s, 0xb, "", path);
    assert_true(is_there(path));
    assert_int_equal(outbox_folder_waiting(&s->box), 5);
    first = adopt(s);
    assert_int_equal(outbox_file_session(first), 0xb);
    assert_int_equal(outbox_file_count(first), 2);
    assert_int_equal(outbox_folder_waiting(&s->box), 3);
    second = adopt(s);
    assert_int_equal(outbox_file_session(second), 0xa);
    assert_null(adopt(s));
    outbox_file_close(&first);
    outbox_file_close(&second);
    assert_int_equal(outbox_folder_waiting(&s->box), 5);
}

static void outboxes_of_other_nicks_and_brokers_are_left_alone(void **state)
{
    struct scene *s = *state;
    const struct outbox_folder others[] = {
        box_of(s, "alic", "zchat://127.0.0.1:5670?key=" KEY),
        box_of(s, "alice-b", "zchat://127.0.0.1:5670?key=" KEY),
        box_of(s, "alice", "zchat://127.0.0.1:5670"),
        box_of(s, "alice", "zchat+ipc:///run/zchat/socket"),
    };
    const struct outbox_folder moved = box_of(s, "alice", "zchat://elsewhere:1234?key=" KEY);

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        leave(&others[i], 1 + i, 1);
    assert_null(adopt(s));
    assert_int_equal(outbox_folder_waiting(&others[0]), 1);
    leave(&s->box, 9, 1);
    assert_int_equal(outbox_folder_waiting(&moved), 1); /* a broker is its key, not its address */
}

static void those_without_posts_are_removed(void **state)
{
    struct scene *s = *state;
    char path[300];

    leave(&s->box, 1, 1);
    path_in(s, 1, "", path);

    struct outbox_file *file = adopt(s);
    size_t len;
    char *bytes;

    outbox_file_done(file, 1);
    bytes = slurp(path, &len);
    outbox_file_close(&file);
    spill(path, bytes, len); /* as if killed before it could remove it */
    free(bytes);
    assert_null(adopt(s));
    assert_int_equal(count_files(s), 0);
}

static void a_damaged_one_is_set_aside_and_the_sentence_says_where(void **state)
{
    struct scene *s = *state;
    char path[300], failed[300];
    size_t len;

    for (int round = 1; round <= 2; round++) {
        leave(&s->box, 1, 3);
        path_in(s, 1, "", path);
        path_in(s, 1, round == 1 ? ".failed" : ".failed.2", failed);

        char *bytes = slurp(path, &len);

        bytes[len / 2] ^= 1;
        spill(path, bytes, len);
        s->why.text[0] = '\0';
        assert_int_equal(outbox_folder_waiting(&s->box), 0);
        assert_string_equal(s->why.text, "");
        assert_null(adopt(s));
        assert_non_null(strstr(s->why.text, failed));
        assert_false(is_there(path));

        char *kept = slurp(failed, &len);

        assert_memory_equal(kept, bytes, len);
        free(kept);
        free(bytes);
    }
    s->why.text[0] = '\0';
    assert_null(adopt(s));
    assert_string_equal(s->why.text, "");
}

static void other_files_are_not_touched_but_unfinished_old_ones(void **state)
{
    static const struct timespec LONG_AGO[2] = {{1000, 0}, {1000, 0}};
    struct scene *s = *state;
    static const char *const rest[] = {".failed", ".new-abcdef", "x", ""};
    char path[300];

    leave(&s->box, 1, 1);
    for (size_t i = 0; i < 3; i++) {
        path_in(s, 2, rest[i], path);
        spill(path, "x", 1);
        assert_int_equal(utimensat(AT_FDCWD, path, LONG_AGO, 0), 0);
    }
    path_in(s, 3, ".new-abcdef", path);
    spill(path, "x", 1);
    assert_int_equal(outbox_folder_waiting(&s->box), 1);
    assert_int_equal(count_files(s), 4); /* the old unfinished one is gone */
    path_in(s, 2, ".new-abcdef", path);
    assert_false(is_there(path));
}

static void a_folder_that_cannot_be_read_is_told(void **state)
{
    struct scene *s = *state;
    struct outbox_file *file;

    spill(s->box.path, "x", 1);
    assert_int_equal(outbox_folder_adopt(&s->box, &file, &s->why), RC_SYSTEM);
    assert_non_null(strstr(s->why.text, s->box.path));
    assert_int_equal(outbox_folder_waiting(&s->box), 0);
    assert_int_equal(unlink(s->box.path), 0);
    if (geteuid() == 0) /* root reads everything */
        return;
    leave(&s->box, 1, 1);
    assert_int_equal(chmod(s->box.path, 0), 0);
    assert_int_equal(outbox_folder_adopt(&s->box, &file, &s->why), RC_SYSTEM);
    assert_int_equal(chmod(s->box.path, 0700), 0);
}

struct killed {
    const struct outbox_folder *box;
    uint64_t session;
};

static void post_three(void *context)
{
    const struct killed *killed = context;
    struct outbox_file *file = outbox_folder_new(killed->box, killed->session);

    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(post_text(file, i, "from another process"), RC_OK);
}

static void what_a_killed_process_wrote_is_taken_over(void **state)
{
    struct scene *s = *state;
    struct killed killed = {&s->box, 5};
    struct outbox_file *file;
    struct outbox_post post;

    in_a_killed_run(post_three, &killed);
    file = adopt(s);
    assert_int_equal(outbox_file_count(file), 3);
    assert_int_equal(outbox_file_get(file, 2, &post), RC_OK);
    assert_true(span_equal(post.text, SPAN("from another process")));
    outbox_file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
        TEST(without_a_folder_there_is_nothing_to_take_over),
        TEST(the_oldest_is_taken_over_first_and_the_others_wait),
        TEST(outboxes_of_other_nicks_and_brokers_are_left_alone),
        TEST(those_without_posts_are_removed),
        TEST(a_damaged_one_is_set_aside_and_the_sentence_says_where),
        TEST(other_files_are_not_touched_but_unfinished_old_ones),
        TEST(a_folder_that_cannot_be_read_is_told),
        TEST(what_a_killed_process_wrote_is_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
