/* The index behind the log: what is found, how far it is, and what becomes of a damaged one. */
#include "tests/support/check.h"
#include "tests/support/store_ops.h"

#include "broker/store/search_file.h"
#include "broker/store/search_index.h"
#include "broker/store/search_reader.h"

#include <fcntl.h>
#include <sqlite3.h>

#define POSTS_A_DAY 86400000

struct fixture {
    struct box *box;
    struct search_index *index;
    struct search_reader *reader;
    stream_id alice, bob, lobby, lab;
    uint32_t number;
};

static void open_index(struct fixture *f)
{
    char why[SEARCH_WHY_BYTES];
    struct store_reader *log;

    assert_int_equal(store_reader_open(f->box->store, &log), RC_OK);
    if (search_index_open(f->box->folder, log, &f->index, why) != RC_OK)
        fail_msg("%s", why);
    assert_int_equal(search_index_check(f->index), RC_OK);
    assert_int_equal(search_reader_open(f->box->folder, &f->reader), RC_OK);
}

static void close_index(struct fixture *f)
{
    search_reader_close(&f->reader);
    search_index_close(&f->index);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->box = box_new(BOX_SQLITE);
    f->alice = person(f->box, "alice");
    f->bob = person(f->box, "bob");
    f->lobby = room(f->box, "#lobby", "alice", f->alice);
    f->lab = room(f->box, "#lab", "alice", f->alice);
    open_index(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    close_index(f);
    box_destroy(f->box);
    free(f);
    return 0;
}

static void say_to(struct fixture *f, const char *name, stream_id stream, const char *text)
{
    const struct op op = op_post(f->box, "alice", f->alice, name, stream, 77, ++f->number, text);

    assert_int_equal(box_apply(f->box, &op), RC_OK);
}

static void say(struct fixture *f, const char *text)
{
    say_to(f, "#lobby", f->lobby, text);
}

/* Until the index is where the log is. */
static void catch_up(struct fixture *f)
{
    enum rc rc;

    while ((rc = search_index_turn(f->index)) == RC_OK) {
    }
    assert_int_equal(rc, RC_END);
}

static struct search_question question_of(const struct fixture *f, const char *text)
{
    static struct scope scope[4];

    scope[0] = (struct scope){f->alice, 1, INT64_MAX};
    scope[1] = (struct scope){f->bob, 1, INT64_MAX};
    scope[2] = (struct scope){f->lobby, 1, INT64_MAX};
    scope[3] = (struct scope){f->lab, 1, INT64_MAX};
    return (struct search_question){
        .text = span_of(text), .scope = scope, .scope_count = 4, .time_ms = 10000};
}

/* Ask; the places found, "s:n s:n ..." with streams a b L l, newest first. */
static const char *ask(struct fixture *f, const struct search_question *question)
{
    static char found[4096];
    struct search_hit hit;
    uint64_t last = UINT64_MAX;
    enum rc rc;

    found[0] = '\0';
    assert_int_equal(search_reader_ask(f->reader, question), RC_OK);
    while ((rc = search_reader_next(f->reader, &hit)) == RC_OK) {
        const char name = stream_equal(hit.stream, f->alice)   ? 'a'
                          : stream_equal(hit.stream, f->bob)   ? 'b'
                          : stream_equal(hit.stream, f->lobby) ? 'L'
                                                               : 'l';

        assert_true(hit.id < last);
        last = hit.id;
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%c:%llu",
                 found[0] == '\0' ? "" : " ", name, (unsigned long long)hit.seq);
    }
    assert_int_equal(rc, RC_END);
    search_reader_done(f->reader);
    return found;
}

static const char *find(struct fixture *f, const char *text)
{
    const struct search_question question = question_of(f, text);

    return ask(f, &question);
}

static void words_phrases_and_beginnings_are_found_newest_first(void **state)
{
    struct fixture *f = *state;

    say(f, "The quick brown fox"); /* L:2, behind the join */
    say(f, "a brown quick dog");
    say(f, "Große Füße im CAFÉ");
    catch_up(f);
    assert_string_equal(find(f, "quick"), "L:3 L:2");
    assert_string_equal(find(f, "QUICK fox"), "L:2");
    assert_string_equal(find(f, "\"quick brown\""), "L:2");
    assert_string_equal(find(f, "\"brown quick\""), "L:3");
    assert_string_equal(find(f, "bro*"), "L:3 L:2");
    assert_string_equal(find(f, "bro"), "");
    assert_string_equal(find(f, "cafe fusse"), "");
    assert_string_equal(find(f, "cafe große"), "L:4");
    assert_string_equal(find(f, "alice"), ""); /* names and joins are no messages */
}

static void any_part_of_a_chinese_text_is_found(void **state)
{
    struct fixture *f = *state;

    say(f, "我们今天去北京吃饭");
    say(f, "京北是另一个词");
    say(f, "학교에서 만나요");
    catch_up(f);
    assert_string_equal(find(f, "北京"), "L:2");
    assert_string_equal(find(f, "京"), "L:3 L:2");
    assert_string_equal(find(f, "天去北"), "L:2");
    assert_string_equal(find(f, "吃饭 今天"), "L:2");
    assert_string_equal(find(f, "학교"), "L:4");
    assert_string_equal(find(f, "北吃"), "");
}

static void nothing_that_is_asked_is_read_as_sql_or_as_the_indexes_own_words(void **state)
{
    static const char *const words[] = {"a OR b",
                                        "tags:s1",
                                        "\"",
                                        "\"\"\"",
                                        "NEAR(a b)",
                                        "a NOT b",
                                        "^a",
                                        "body : x",
                                        "{tags} : x",
                                        "a + b",
                                        "x\") OR (tags : \"s1",
                                        "* a",
                                        "-a",
                                        "(((((((a",
                                        "\\\"a\\\""};
    struct fixture *f = *state;

    say(f, "harmless");
    catch_up(f);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const struct search_question question = question_of(f, words[i]);
        const enum rc rc = search_reader_ask(f->reader, &question);
        struct search_hit hit;

        assert_true(rc == RC_OK || rc == RC_BAD_FIELD);
        if (rc == RC_OK)
            assert_int_equal(search_reader_next(f->reader, &hit), RC_END);
        search_reader_done(f->reader);
    }
}

static void a_question_without_a_word_is_refused(void **state)
{
    struct fixture *f = *state;
    struct search_question question = question_of(f, "!!!");

    assert_int_equal(search_reader_ask(f->reader, &question), RC_BAD_FIELD);
    question.text = SPAN("");
    assert_int_equal(search_reader_ask(f->reader, &question), RC_BAD_FIELD);
    question.text = SPAN("1 2 3 4 5 6 7 8 9 a b c d e f g h");
    assert_int_equal(search_reader_ask(f->reader, &question), RC_TOO_BIG);
}

static void sender_partner_and_times_narrow_it(void **state)
{
    struct fixture *f = *state;
    struct search_question question = question_of(f, "fox");
    struct op op;

    say(f, "fox in the room");
    say_to(f, "@bob", f->bob, "fox for bob"); /* b:1 and, at the sender's, a:1 */
    op = op_join(f->box, "bob", f->bob, "#lobby", f->lobby);
    assert_int_equal(box_apply(f->box, &op), RC_OK);
    op = op_post(f->box, "bob", f->bob, "#lobby", f->lobby, 78, 1, "fox of bob");
    op.ts_ms = f->box->now_ms = POSTS_A_DAY;
    assert_int_equal(box_apply(f->box, &op), RC_OK);
    catch_up(f);
    question.from = SPAN("bob");
    assert_string_equal(ask(f, &question), "L:4");
    question.text = SPAN("");
    assert_string_equal(ask(f, &question), "L:4");
    question.from = SPAN("b");
    assert_string_equal(ask(f, &question), "");
    question.from = SPAN("");
    question.with = SPAN("bob");
    assert_string_equal(ask(f, &question), "b:1 a:1");
    question.with = SPAN("");
    question.text = SPAN("fox");
    question.since_ms = POSTS_A_DAY;
    assert_string_equal(ask(f, &question), "L:4");
    question.since_ms = POSTS_A_DAY + 1;
    assert_string_equal(ask(f, &question), "");
    question.since_ms = 0;
    question.until_ms = POSTS_A_DAY;
    assert_string_equal(ask(f, &question), "b:1 a:1 L:2");
    question.until_ms = POSTS_A_DAY + 1;
    assert_string_equal(ask(f, &question), "L:4 b:1 a:1 L:2");
}

static void nothing_outside_the_scope_is_told_r51(void **state)
{
    struct fixture *f = *state;
    struct scope many[40];
    struct search_question question;

    for (int i = 0; i < 3; i++) {
        say(f, "word"); /* L:2 .. L:4 */
        say_to(f, "#lab", f->lab, "word");
    }
    catch_up(f);
    question = question_of(f, "word");
    const struct scope narrow[] = {{f->lobby, 3, 3}};
    question.scope = narrow;
    question.scope_count = 1;
    assert_string_equal(ask(f, &question), "L:3");
    for (uint32_t i = 0; i < 40; i++) /* too many for tags: each row is looked at */
        many[i] = (struct scope){{f->lobby.v + 100 * i}, 3, 4};
    question.scope = many;
    question.scope_count = 40;
    assert_string_equal(ask(f, &question), "L:4 L:3");
    question.text = SPAN("");
    question.from = SPAN("alice");
    assert_string_equal(ask(f, &question), "L:4 L:3");
}

static void a_search_goes_on_behind_its_cursor(void **state)
{
    struct fixture *f = *state;
    struct search_question question = question_of(f, "word");
    struct search_hit hit;

    for (int i = 0; i < 5; i++)
        say(f, "word");
    catch_up(f);
    assert_int_equal(search_reader_ask(f->reader, &question), RC_OK);
    assert_int_equal(search_reader_next(f->reader, &hit), RC_OK);
    assert_int_equal(search_reader_next(f->reader, &hit), RC_OK);
    assert_int_equal(hit.seq, 5);
    search_reader_done(f->reader);
    question.before = hit.id;
    say(f, "word"); /* newer ones change nothing */
    catch_up(f);
    assert_string_equal(ask(f, &question), "L:4 L:3 L:2");
}

static void newest_first_is_by_time_whatever_was_indexed_first(void **state)
{
    struct fixture *f = *state;

    say_to(f, "#lab", f->lab, "word");
    say(f, "word");
    say_to(f, "#lab", f->lab, "word");
    say(f, "word");
    catch_up(f);
    assert_string_equal(find(f, "word"), "L:3 l:3 L:2 l:2");
    close_index(f);
    search_index_remove(f->box->folder);
    open_index(f);
    assert_string_equal(find(f, "word"), "");
    catch_up(f);
    assert_string_equal(find(f, "word"), "L:3 l:3 L:2 l:2");
}

static void many_messages_of_one_millisecond_are_all_found(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 50; i++) {
        f->box->now_ms = 5000;
        say(f, i % 2 == 0 ? "even" : "odd");
        if (i % 7 == 0)
            catch_up(f);
    }
    catch_up(f);
    assert_int_equal(strlen(find(f, "even")), 25 * 5 - 1 - 4); /* L:2 .. L:8 are shorter */
    assert_int_equal(strncmp(find(f, "odd"), "L:51 L:49 ", 10), 0);
}

static void a_chunk_is_bounded_and_every_stream_gets_its_turn(void **state)
{
    struct fixture *f = *state;
    uint64_t missing = 0;
    const struct scope lab = {f->lab, 1, 2};
    int turns = 0;

    for (int i = 0; i < 2500; i++)
        say(f, "busy");
    say_to(f, "#lab", f->lab, "calm");
    assert_int_equal(search_index_turn(f->index), RC_OK);
    assert_int_equal(search_reader_missing(f->reader, &lab, 1, &missing), RC_OK);
    for (turns = 1; search_index_turn(f->index) == RC_OK; turns++) {
    }
    assert_int_equal(turns, 3);
    assert_string_equal(find(f, "calm"), "l:2");
    assert_int_equal(search_reader_missing(f->reader, &lab, 1, &missing), RC_OK);
    assert_int_equal(missing, 0);
}

static void what_is_not_indexed_yet_is_counted_r52(void **state)
{
    struct fixture *f = *state;
    uint64_t missing = 0;
    const struct scope scope[] = {{f->lobby, 1, 3}, {f->lab, 1, 1}};

    say(f, "one");
    say(f, "two");
    assert_int_equal(search_reader_missing(f->reader, scope, 2, &missing), RC_OK);
    assert_int_equal(missing, 4);
    catch_up(f);
    assert_int_equal(search_reader_missing(f->reader, scope, 2, &missing), RC_OK);
    assert_int_equal(missing, 0);
    say(f, "three"); /* it was asked for what was there before */
    assert_int_equal(search_reader_missing(f->reader, scope, 1, &missing), RC_OK);
    assert_int_equal(missing, 0);
}

static void the_place_survives_and_nothing_is_doubled(void **state)
{
    struct fixture *f = *state;

    say(f, "word");
    catch_up(f);
    close_index(f);
    say(f, "word");
    open_index(f);
    catch_up(f);
    assert_string_equal(find(f, "word"), "L:3 L:2");
}

static void a_search_that_takes_too_long_ends_r53(void **state)
{
    struct fixture *f = *state;
    struct search_question question = question_of(f, "left right");
    struct search_hit hit;

    for (int i = 0; i < 6000; i++)
        say(f, i % 2 == 0 ? "left" : "right");
    catch_up(f);
    question.time_ms = 0;
    assert_int_equal(search_reader_ask(f->reader, &question), RC_OK);
    assert_int_equal(search_reader_next(f->reader, &hit), RC_BUSY);
    assert_int_equal(search_reader_seen(f->reader), 0);
    search_reader_done(f->reader);
    assert_string_equal(find(f, "left right"), "");
}

/* What stands in the file, as text. */
static bool is_in_file(const struct fixture *f, const char *name, const char *text)
{
    char path[80], *bytes;
    bool is_there;
    long size;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", f->box->folder, name);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    rewind(file);
    bytes = calloc(1, (size_t)size + 1);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
    is_there = memmem(bytes, (size_t)size, text, strlen(text)) != NULL;
    free(bytes);
    fclose(file);
    return is_there;
}

static void what_is_forgotten_is_found_no_more_and_leaves_the_file(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 1500; i++)
        say(f, i < 1200 ? "oldandsecret" : "newer");
    say_to(f, "#lab", f->lab, "another");
    catch_up(f);
    assert_int_equal(search_index_forget(f->index, f->lobby, 1201), RC_OK);
    assert_string_equal(find(f, "oldandsecret"), "");
    assert_int_equal(strncmp(find(f, "newer"), "L:1501 ", 7), 0);
    assert_string_equal(find(f, "another"), "l:2");
    catch_up(f);    /* lists are written anew */
    close_index(f); /* and the log of writes is folded back */
    assert_false(is_in_file(f, "search.db", "oldandsecret"));
    assert_true(is_in_file(f, "search.db", "newer"));
    open_index(f);
    catch_up(f);
    assert_string_equal(find(f, "oldandsecret"), ""); /* its place is behind it */
}

static void execute(const struct fixture *f, const char *name, const char *sql)
{
    char path[80];
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/%s", f->box->folder, name);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Retention: the log gives up what the index was not told of. */
static void what_the_log_gave_up_is_forgotten_at_the_next_start(void **state)
{
    struct fixture *f = *state;
    char sql[128];

    say(f, "first");
    say(f, "second");
    catch_up(f);
    close_index(f);
    box_close(f->box);
    snprintf(sql, sizeof(sql), "DELETE FROM event WHERE id >> 39 = %u AND id & 0xffff <= 2",
             f->lobby.v);
    execute(f, "zchat.db", sql);
    box_open(f->box);
    open_index(f);
    assert_string_equal(find(f, "first"), "");
    assert_string_equal(find(f, "second"), "L:3");
}

/* An older copy of the log was put back: the numbers are given out again. */
static void a_log_that_was_put_back_is_indexed_anew(void **state)
{
    struct fixture *f = *state;
    char sql[200];

    say(f, "common");
    say(f, "lost");
    say_to(f, "#lab", f->lab, "kept");
    catch_up(f);
    close_index(f);
    box_close(f->box);
    snprintf(sql, sizeof(sql),
             "DELETE FROM event WHERE id >> 39 = %u AND id & 0xffff > 2;"
             "UPDATE place SET head = 2 WHERE stream = %u",
             f->lobby.v, f->lobby.v);
    execute(f, "zchat.db", sql);
    box_open(f->box);
    f->number = 10;
    f->box->now_ms = POSTS_A_DAY;
    struct op op = op_post(f->box, "alice", f->alice, "#lobby", f->lobby, 79, 1, "instead");
    assert_int_equal(box_apply(f->box, &op), RC_OK);
    open_index(f);
    catch_up(f);
    assert_string_equal(find(f, "lost"), "");
    assert_string_equal(find(f, "instead"), "L:3");
    assert_string_equal(find(f, "common"), "L:2");
    assert_string_equal(find(f, "kept"), "l:2");
}

static void overwrite(const struct fixture *f, off_t at, const char *bytes)
{
    char path[80];
    int file;

    snprintf(path, sizeof(path), "%s/search.db", f->box->folder);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, bytes, strlen(bytes), at), strlen(bytes));
    close(file);
}

static void a_damaged_or_foreign_file_is_made_anew_r54(void **state)
{
    struct fixture *f = *state;

    say(f, "word");
    catch_up(f);
    close_index(f);
    overwrite(f, 0, "this is no database at all, not at all");
    open_index(f);
    catch_up(f);
    assert_string_equal(find(f, "word"), "L:2");
    close_index(f);
    execute(f, "search.db", "PRAGMA user_version = 99");
    open_index(f);
    catch_up(f);
    assert_string_equal(find(f, "word"), "L:2");
}

static void an_index_that_was_taken_away_answers_nothing_r54(void **state)
{
    struct fixture *f = *state;
    const struct search_question question = question_of(f, "word");

    say(f, "word");
    catch_up(f);
    search_index_discard(f->index);
    assert_int_equal(search_reader_ask(f->reader, &question), RC_NO_SEARCH);
}

static void the_file_is_its_owners_alone(void **state)
{
    struct fixture *f = *state;
    struct stat info;
    char path[80];

    snprintf(path, sizeof(path), "%s/search.db", f->box->folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    snprintf(path, sizeof(path), "%s/search.db-wal", f->box->folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void a_full_disk_makes_it_wait(void **state)
{
    struct fixture *f = *state;

    say(f, "word");
    search_index_set_free_min(f->index, UINT64_MAX);
    assert_int_equal(search_index_turn(f->index), RC_DISK_FULL);
    search_index_set_free_min(f->index, 0);
    catch_up(f);
    assert_string_equal(find(f, "word"), "L:2");
}

#define with_index(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_index(words_phrases_and_beginnings_are_found_newest_first),
        with_index(any_part_of_a_chinese_text_is_found),
        with_index(nothing_that_is_asked_is_read_as_sql_or_as_the_indexes_own_words),
        with_index(a_question_without_a_word_is_refused),
        with_index(sender_partner_and_times_narrow_it),
        with_index(nothing_outside_the_scope_is_told_r51),
        with_index(a_search_goes_on_behind_its_cursor),
        with_index(newest_first_is_by_time_whatever_was_indexed_first),
        with_index(many_messages_of_one_millisecond_are_all_found),
        with_index(a_chunk_is_bounded_and_every_stream_gets_its_turn),
        with_index(what_is_not_indexed_yet_is_counted_r52),
        with_index(the_place_survives_and_nothing_is_doubled),
        with_index(a_search_that_takes_too_long_ends_r53),
        with_index(what_is_forgotten_is_found_no_more_and_leaves_the_file),
        with_index(what_the_log_gave_up_is_forgotten_at_the_next_start),
        with_index(a_log_that_was_put_back_is_indexed_anew),
        with_index(a_damaged_or_foreign_file_is_made_anew_r54),
        with_index(an_index_that_was_taken_away_answers_nothing_r54),
        with_index(the_file_is_its_owners_alone),
        with_index(a_full_disk_makes_it_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
