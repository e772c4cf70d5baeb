/* fuzz_config.c - any bytes as a configuration with includes, of the broker and of a table with every type; or as the
 * broker's command line (words apart by newlines). What is accepted is printed in the form of the file, and that file
 * means the same. The first byte says which; in a configuration a form feed begins the next file: the first is
 * `main`, the others are `1`, `2`, ... and found by any pattern. */
#include "tests/fuzz/script.h"

#include "broker/ops/options.h"
#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/conf/parse.h"
#include "tests/support/settings.h"

#include <stdlib.h>

#define WORDS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rc load(void *context, const char *path, bool is_included, struct conf_text *ret,
                    char *why)
{
    const struct span *rest = context;
    struct span text = *rest;
    unsigned number = 0;

    for (unsigned wanted = is_included ? (unsigned)strtoul(path, NULL, 10) : 0;; number++) {
        const char *end = memchr(text.ptr, '\f', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

        if (number == wanted) {
            ret->bytes = x_spandup((struct span){text.ptr, len});
            ret->len = len;
            ret->id[0] = number;
            return RC_OK;
        }
        if (end == NULL)
            break;
        text = (struct span){end + 1, text.len - len - 1};
    }
    snprintf(why, CONF_WHY_BYTES, "there is none");
    return RC_CONFIG;
}

static enum rc expand(void *context, const char *pattern, struct conf_paths *ret, char *why)
{
    (void)context;
    (void)pattern;
    (void)why;
    ret->path = x_alloc(2, sizeof(*ret->path));
    ret->path[0] = x_strdup("1");
    ret->path[1] = x_strdup("2");
    ret->count = 2;
    return RC_OK;
}

static enum rc read_config(const struct conf_schema *schema, void *settings, struct span bytes)
{
    const struct conf_loader loader = {.context = &bytes, .load = load, .expand = expand};
    char why[CONF_WHY_BYTES] = "";

    conf_defaults(schema, settings);
    const enum rc rc = conf_parse(schema, settings, "main", &loader, NULL, why);

    INVARIANT(memchr(why, '\0', sizeof why) != NULL);
    INVARIANT((rc == RC_OK) == (why[0] == '\0')); /* a refusal says why */
    return rc;
}

static char *print(const struct conf_schema *schema, const void *settings, size_t *ret_len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_len);

    INVARIANT(out != NULL);
    conf_print(schema, settings, out);
    fclose(out);
    return text;
}

static void check_file(const struct conf_schema *schema, void *settings, void *again,
                       struct span bytes)
{
    char *text, *second;
    size_t len, second_len;
    struct conf_changes changes;

    if (read_config(schema, settings, bytes) != RC_OK)
        return;
    text = print(schema, settings, &len);
    const enum rc rc = read_config(schema, again, (struct span){text, len});
    INVARIANT(rc == RC_OK);
    second = print(schema, again, &second_len);
    INVARIANT(span_equal((struct span){text, len}, (struct span){second, second_len}));
    conf_reload(schema, settings, again, &changes);
    INVARIANT(changes.taken + changes.kept == 0);
    free(text);
    free(second);
}

static void check_options(const struct options *options)
{
    INVARIANT(options->bind_count >= 1 && options->bind_count <= BIND_MAX);
    INVARIANT(options->limits.accounts_max >= 1 && options->port <= 65534);
    INVARIANT(!options->is_insecure || options_are_local(options));
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
    if (rc == RC_OK && !options.common.is_help && !options.common.is_version)
        check_options(&options);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct options options, options_again;
    static struct settings settings, settings_again;
    struct script script = script_over(data, size);
    const unsigned kind = script_byte(&script) & 3;
    const struct span bytes = script_bytes(&script, script.left);

    setenv("HOME", "/home/fuzz", 1);
    unsetenv("XDG_STATE_HOME");
    if (kind == 1)
        check_words(bytes);
    else if (kind == 2)
        check_file(&settings_schema, &settings, &settings_again, bytes);
    else
        check_file(options_schema(), &options, &options_again, bytes);
    return 0;
}
