/* zchat-check - judge histories: zchat-check [--complete] FILE...
 *
 * --complete: all authors' histories and a reader of everything are among the files, so what is missing
 * is lost. Exit: 0 every promise kept, 1 some broken, 2 a file cannot be read. */
#include "tests/checker/checker.h"

#include <errno.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct checker *checker = checker_new();
    struct checker_options options = {.is_complete = false};
    struct checker_counts counts;
    size_t line = 0;
    int files = 0;
    int status = 2;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--complete") == 0) {
            options.is_complete = true;
            continue;
        }
        const enum rc rc = checker_add_file(checker, argv[i], &line);
        if (rc != RC_OK) {
            if (rc == RC_SYSTEM)
                fprintf(stderr, "zchat-check: %s: %s\n", argv[i], strerror(errno));
            else
                fprintf(stderr, "zchat-check: %s:%zu: not a line of a history\n", argv[i], line);
            goto out;
        }
        files++;
    }
    if (files == 0) {
        fputs("usage: zchat-check [--complete] FILE...\n", stderr);
        goto out;
    }
    const size_t broken = checker_judge(checker, &options, stdout, 50);
    checker_get_counts(checker, &counts);
    printf("%zu broken promises in %zu records: %zu posts, %zu stored, %zu delivered, %zu failed, "
           "%zu unknown, "
           "%zu shown, %zu appended, %zu streams\n",
           broken, counts.records, counts.posts, counts.stored, counts.delivered, counts.failed,
           counts.unknown, counts.shown, counts.appended, counts.streams);
    status = broken > 0;
out:
    checker_destroy(&checker);
    return status;
}
