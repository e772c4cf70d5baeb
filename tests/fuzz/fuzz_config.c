/* fuzz_config.c - any bytes as the broker's configuration file, or as its command line (words apart by newlines). What
 * is accepted is printed in the form of the file, and that file means the same. The first byte says which. */
#include "tests/fuzz/script.h"

#include "broker/ops/options.h"
#include "shared/base/invariant.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORDS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char config_word[64]; /* --config=/proc/self/fd/N */

static int config_file(void)
{
    static int fd = -1;

    if (fd >= 0)
        return fd;
    fd = memfd_create("config", MFD_CLOEXEC);
    INVARIANT(fd >= 0);
    snprintf(config_word, sizeof config_word, "--config=/proc/self/fd/%d", fd);
    setenv("HOME", "/home/fuzz", 1);
    unsetenv("XDG_STATE_HOME");
    return fd;
}

static void fill(struct span bytes)
{
    const int fd = config_file();

    INVARIANT(ftruncate(fd, 0) == 0);
    INVARIANT(pwrite(fd, bytes.ptr, bytes.len, 0) == (ssize_t)bytes.len);
}

static enum rc read_config(struct options *ret)
{
    char program[] = "zchat-broker";
    char *argv[] = {program, config_word, NULL};
    char why[OPTIONS_WHY_BYTES] = "";
    const enum rc rc = options_parse(ret, 2, argv, why);

    INVARIANT(memchr(why, '\0', sizeof why) != NULL);
    INVARIANT((rc == RC_OK) == (why[0] == '\0')); /* a refusal says why */
    return rc;
}

static char *print(const struct options *options, size_t *ret_len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_len);

    INVARIANT(out != NULL);
    options_print(options, out);
    fclose(out);
    return text;
}

static void check_options(const struct options *options)
{
    INVARIANT(options->bind_count >= 1 && options->bind_count <= BIND_MAX);
    INVARIANT(options->limits.accounts_max >= 1 && options->port <= 65534);
    INVARIANT(!options->is_insecure || options_are_local(options));
}

static void check_file(struct span bytes)
{
    static struct options options, again;
    char *text, *second;
    size_t len, second_len;

    fill(bytes);
    if (read_config(&options) != RC_OK)
        return;
    check_options(&options);
    text = print(&options, &len);
    fill((struct span){text, len});
    const enum rc rc = read_config(&again);
    INVARIANT(rc == RC_OK);
    second = print(&again, &second_len);
    INVARIANT(span_equal((struct span){text, len}, (struct span){second, second_len}));
    free(text);
    free(second);
}

static void check_words(struct span bytes)
{
    static struct options options;
    char program[] = "zchat-broker";
    char *text = strndup(bytes.ptr, bytes.len), *rest = NULL;
    char *argv[WORDS_MAX + 2] = {program};
    char why[OPTIONS_WHY_BYTES] = "";
    int argc = 1;

    INVARIANT(text != NULL);
    for (char *word = strtok_r(text, "\n", &rest); word != NULL && argc <= WORDS_MAX;
         word = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(word, "--config", 8) != 0) /* no other file is opened */
            argv[argc++] = word;
    }
    const enum rc rc = options_parse(&options, argc, argv, why);
    INVARIANT((rc == RC_OK) == (why[0] == '\0'));
    if (rc == RC_OK && !options.is_help && !options.is_version)
        check_options(&options);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_over(data, size);
    const bool is_file = (script_byte(&script) & 1) == 0;
    const struct span bytes = script_bytes(&script, script.left);

    (void)config_file();
    if (is_file)
        check_file(bytes);
    else
        check_words(bytes);
    return 0;
}
