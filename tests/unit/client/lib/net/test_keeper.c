/* The public API over several runs, without a broker: what is not answered stays. */
#include "tests/unit/client/lib/net/outbox_fixture.h"

#include "client/lib/zchat.h"

#include <dirent.h>
#include <sys/resource.h>

struct scene {
    struct folder folder;
    char broker[150];
    struct zchat *chat;
    const char *why;
    struct zchat_event event;
};

static int open_scene(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    *state = s;
    if (s == NULL || !folder_open(&s->folder))
        return -1;
    snprintf(s->broker, sizeof(s->broker), "zchat+ipc://%s/nobody-here", s->folder.path);
    unsetenv("ZCHAT_HOME");
    unsetenv("ZCHAT_BROKER");
    signal(SIGXFSZ, SIG_IGN);
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;

    zchat_close(&s->chat);
    folder_close(&s->folder);
    free(s);
    return 0;
}

static zchat_rc open_chat(struct scene *s, uint64_t session, struct zchat **ret)
{
    const struct zchat_options options = {.broker = s->broker,
                                          .nick = "alice",
                                          .home = s->folder.path,
                                          .session = session,
                                          .keeps_outbox = true,
                                          .keeps_places = true};

    return zchat_open(&options, ret, &s->why);
}

static void begin(struct scene *s)
{
    assert_int_equal(open_chat(s, 0, &s->chat), 0);
}

static void say(struct zchat *chat, const char *text, uint32_t number)
{
    uint32_t given = 0;

    assert_int_equal(zchat_post(chat, "#lobby", NULL, text, strlen(text), 0, &given), 0);
    assert_int_equal(given, number);
}

static bool next(struct scene *s)
{
    assert_int_equal(zchat_next(s->chat, 0, NULL, 0, &s->event), 0);
    return s->event.kind != ZCHAT_NONE;
}

/* The path of the only file in the folder of outboxes. */
static void outbox_path(const struct scene *s, char buf[400])
{
    char folder[100];
    struct dirent *entry;
    DIR *dir;
    int count = 0;

    snprintf(folder, sizeof(folder), "%s/outbox", s->folder.path);
    dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(buf, 400, "%s/%s", folder, entry->d_name);
        count++;
    }
    closedir(dir);
    assert_int_equal(count, 1);
}

static void the_next_run_goes_on_with_the_session_and_is_told_what_was_left(void **state)
{
    struct scene *s = *state;
    struct zchat_outbox outbox;

    begin(s);

    const uint64_t session = zchat_session(s->chat);

    say(s->chat, "one", 1);
    say(s->chat, "two", 2);
    zchat_outbox(s->chat, &outbox);
    assert_int_equal(outbox.adopted, 0);
    assert_int_equal(outbox.kept, 2);
    assert_int_equal(outbox.waiting, 0);
    zchat_close(&s->chat);
    for (uint32_t run = 0; run < 3; run++) {
        begin(s);
        assert_true(zchat_session(s->chat) == session);
        zchat_outbox(s->chat, &outbox);
        assert_int_equal(outbox.adopted, 2 + run);
        assert_int_equal(zchat_unanswered(s->chat), 2 + run);
        assert_string_equal(zchat_outbox_trouble(s->chat), "");
        assert_true(next(s));
        assert_int_equal(s->event.kind, ZCHAT_POST);
        assert_int_equal(s->event.post, ZCHAT_WAITING);
        assert_int_equal(s->event.number, 1);
        assert_string_equal(s->event.stream, "#lobby");
        assert_string_equal(s->event.text, "one");
        assert_true(next(s));
        assert_int_equal(s->event.number, 2);
        say(s->chat, "another", 3 + run);
        zchat_close(&s->chat);
    }
}

static void a_run_beside_it_has_a_session_of_its_own(void **state)
{
    struct scene *s = *state;
    struct zchat_outbox outbox;
    struct zchat *other;

    begin(s);
    say(s->chat, "one", 1);
    assert_int_equal(open_chat(s, 0, &other), 0);
    assert_true(zchat_session(other) != zchat_session(s->chat));
    say(other, "other one", 1);
    zchat_outbox(other, &outbox);
    assert_int_equal(outbox.adopted, 0);
    assert_int_equal(outbox.waiting, 0);
    zchat_close(&s->chat);
    zchat_outbox(other, &outbox);
    assert_int_equal(outbox.waiting, 1);
    zchat_close(&other);
    begin(s);
    zchat_outbox(s->chat, &outbox);
    assert_int_equal(outbox.adopted, 1);
    assert_int_equal(outbox.waiting, 1);
}

static void with_an_outbox_the_session_cannot_be_chosen(void **state)
{
    struct scene *s = *state;

    assert_int_equal(open_chat(s, 5, &s->chat), RC_BAD_FIELD);
    assert_non_null(strstr(s->why, "session"));
}

static void what_cannot_be_kept_is_not_taken(void **state)
{
    struct scene *s = *state;
    struct rlimit limit;
    uint32_t number;
    char path[400];

    begin(s);
    say(s->chat, "one", 1);
    outbox_path(s, path);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(zchat_post(s->chat, "#lobby", NULL, "two", 3, 0, &number), RC_SYSTEM);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_non_null(strstr(zchat_outbox_trouble(s->chat), path));
    assert_non_null(strstr(zchat_outbox_trouble(s->chat), strerror(EFBIG)));
    assert_int_equal(zchat_unanswered(s->chat), 1);
    say(s->chat, "two", 2);
}

static void a_damaged_outbox_is_set_aside_and_the_run_begins_without(void **state)
{
    struct scene *s = *state;
    char path[400];
    size_t len;

    begin(s);
    say(s->chat, "one", 1);
    say(s->chat, "two", 2);
    zchat_close(&s->chat);
    outbox_path(s, path);

    char *bytes = slurp(path, &len);

    *strstr(bytes, "one") = 'x';
    spill(path, bytes, len);
    free(bytes);
    begin(s);
    assert_int_equal(zchat_unanswered(s->chat), 0);
    assert_non_null(strstr(zchat_outbox_trouble(s->chat), ".failed"));
    outbox_path(s, path);
    assert_non_null(strstr(path, ".failed"));
    say(s->chat, "three", 1);
}

static void a_folder_that_cannot_be_read_stops_the_start(void **state)
{
    struct scene *s = *state;
    char path[100];

    snprintf(path, sizeof(path), "%s/outbox", s->folder.path);
    spill(path, "x", 1);
    assert_int_equal(open_chat(s, 0, &s->chat), RC_SYSTEM);
    assert_non_null(strstr(s->why, path));
}

static void a_place_is_the_same_in_the_next_run(void **state)
{
    struct scene *s = *state;

    begin(s);
    assert_int_equal(zchat_place(s->chat, "#lobby"), 0);
    zchat_set_place(s->chat, "#lobby", 18);
    zchat_close(&s->chat);
    begin(s);
    assert_int_equal(zchat_place(s->chat, "#lobby"), 18);
}

static void without_the_options_nothing_is_kept(void **state)
{
    struct scene *s = *state;
    const struct zchat_options options = {
        .broker = s->broker, .nick = "alice", .home = s->folder.path};
    struct zchat_outbox outbox;
    char path[100];

    assert_int_equal(zchat_open(&options, &s->chat, &s->why), 0);
    say(s->chat, "one", 1);
    zchat_set_place(s->chat, "#lobby", 18);
    assert_int_equal(zchat_place(s->chat, "#lobby"), 0);
    zchat_outbox(s->chat, &outbox);
    assert_int_equal(outbox.kept, 0);
    zchat_close(&s->chat);
    snprintf(path, sizeof(path), "%s/outbox", s->folder.path);
    assert_false(is_there(path));
    snprintf(path, sizeof(path), "%s/places", s->folder.path);
    assert_false(is_there(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
        TEST(the_next_run_goes_on_with_the_session_and_is_told_what_was_left),
        TEST(a_run_beside_it_has_a_session_of_its_own),
        TEST(with_an_outbox_the_session_cannot_be_chosen),
        TEST(what_cannot_be_kept_is_not_taken),
        TEST(a_damaged_outbox_is_set_aside_and_the_run_begins_without),
        TEST(a_folder_that_cannot_be_read_stops_the_start),
        TEST(a_place_is_the_same_in_the_next_run),
        TEST(without_the_options_nothing_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
