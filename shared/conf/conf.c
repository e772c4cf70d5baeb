#include "shared/conf/conf.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/conf/take.h"
#include "shared/text/clean.h"

/* Defaults. A test reads every table with conf_check_table(), so a bad row is our own fault. */

void conf_defaults(const struct conf_schema *schema, void *settings)
{
    unsigned owners[CONF_ROWS_MAX] = {0};
    struct conf_take take = {.schema = schema, .settings = settings, .source = 1, .owners = owners};
    char buf[CONF_EXPECTED_BYTES];

    memset(settings, 0, schema->size);
    for (size_t i = 0; i < schema->count; i++) {
        const struct conf_row *row = &schema->row[i];

        if (row->initial != NULL)
            INVARIANT(conf_take_give(&take, i, (struct span){NULL, 0}, row->initial, 1, buf) ==
                      NULL);
    }
    conf_take_fini(&take);
}

const char *conf_check_table(const struct conf_schema *schema)
{
    void *settings = x_alloc(1, schema->size);
    const char *wrong = schema->count > CONF_ROWS_MAX ? "too many rows" : NULL;
    struct span name;

    for (size_t i = 0; i < schema->count && wrong == NULL; i++) {
        const struct conf_row *row = &schema->row[i];
        const bool is_number =
            row->type == CONF_UINT || row->type == CONF_DURATION || row->type == CONF_SIZE;
        char buf[CONF_EXPECTED_BYTES];
        size_t size;
        void *value = conf_value_at(row, settings, 0, &size);

        if (row->help == NULL || row->help[0] == '\0' ||
            conf_take_find(schema, span_of(row->key), &name) != i)
            wrong = row->key;
        else if (row->type == CONF_CHOICE && row->choices == NULL)
            wrong = row->key;
        else if (is_number && (row->least > row->most || (size != 4 && size != 8) ||
                               (size == 4 && row->most > UINT32_MAX)))
            wrong = row->key;
        else if (row->type == CONF_TEXT && size > CONF_VALUE_BYTES)
            wrong = row->key;
        else if ((row->argument == NULL) != (row->type == CONF_FLAG && row->list_max == 0))
            wrong = row->key;
        else if (row->initial != NULL &&
                 conf_value_parse(row, row->initial, value, size, buf) != NULL)
            wrong = row->key;
        else if (row->offset + row->size > schema->size)
            wrong = row->key;
    }
    free(settings);
    return wrong;
}

/* The command line */

static enum rc take_argument(struct conf_take *take, char *const *argv, int argc, int *at,
                             char *why)
{
    const struct conf_schema *schema = take->schema;
    const char *key = strncmp(argv[*at], "--", 2) == 0 ? argv[*at] + 2 : "";
    const char *equals = strchr(key, '=');
    const struct span name = {key, equals == NULL ? strlen(key) : (size_t)(equals - key)};
    char shown[400], buf[CONF_EXPECTED_BYTES];
    const char *value, *expected;
    struct span star;
    const size_t row = conf_take_find(schema, name, &star);

    if (row == schema->count || star.len > 0) {
        clean_copy(shown, 64, span_of(argv[*at]));
        snprintf(why, CONF_WHY_BYTES, "%s: there is no such option, see --help", shown);
        return RC_CONFIG;
    }
    if (equals != NULL)
        value = equals + 1;
    else if (schema->row[row].type == CONF_FLAG)
        value = "yes";
    else if (*at + 1 < argc)
        value = argv[++*at];
    else {
        snprintf(why, CONF_WHY_BYTES, "--%s: expected %s behind it", schema->row[row].key,
                 schema->row[row].argument);
        return RC_CONFIG;
    }
    expected = conf_take_give(take, row, star, value, 1, buf);
    if (expected == NULL)
        return RC_OK;
    clean_copy(shown, sizeof(shown), span_of(value));
    snprintf(why, CONF_WHY_BYTES, "--%s %s: expected %s", schema->row[row].key, shown, expected);
    return RC_CONFIG;
}

enum rc conf_read_arguments(const struct conf_schema *schema, void *settings, int argc,
                            char *const *argv, char why[static CONF_WHY_BYTES])
{
    unsigned owners[CONF_ROWS_MAX] = {0};
    struct conf_take take = {
        .schema = schema, .settings = settings, .may_repeat = true, .source = 1, .owners = owners};
    enum rc rc = RC_OK;

    for (int i = 1; i < argc && rc == RC_OK; i++)
        rc = take_argument(&take, argv, argc, &i, why);
    conf_take_fini(&take);
    return rc;
}

enum rc conf_load(const struct conf_schema *schema, void *ret_settings, const char *file, int argc,
                  char *const *argv, struct conf_files *ret_files, char why[static CONF_WHY_BYTES])
{
    void *settings = x_alloc(1, schema->size);
    struct conf_common given;
    enum rc rc;

    if (ret_files != NULL)
        ret_files->count = 0;
    conf_defaults(schema, settings);
    rc = conf_read_arguments(schema, settings, argc, argv, why); /* for --config and --help */
    memcpy(&given, settings, sizeof(given));
    if (rc == RC_OK && !given.is_help && !given.is_version) {
        conf_defaults(schema, settings);
        if (given.config[0] == '\0' && file != NULL && access(file, F_OK) == 0)
            snprintf(given.config, sizeof(given.config), "%s", file);
        memcpy(settings, &given, sizeof(given));
        if (given.config[0] != '\0')
            rc = conf_read_file(schema, settings, given.config, ret_files, why);
        if (rc == RC_OK)
            rc = conf_read_arguments(schema, settings, argc, argv, why);
    }
    if (rc == RC_OK)
        memcpy(ret_settings, settings, schema->size);
    free(settings);
    return rc;
}

/* Side by side */

static void add_key(char keys[static CONF_WHY_BYTES], const char *key)
{
    const size_t len = strlen(keys);
    const char *space = len > 0 ? " " : "";

    if (len + strlen(space) + strlen(key) + sizeof(" ...") <= CONF_WHY_BYTES)
        snprintf(keys + len, CONF_WHY_BYTES - len, "%s%s", space, key);
    else if (len < 4 || strcmp(keys + len - 4, " ...") != 0)
        snprintf(keys + len, CONF_WHY_BYTES - len, " ...");
}

static void copy_row(const struct conf_row *row, void *settings, const void *fresh)
{
    const size_t elements = row->list_max > 0 ? row->list_max : 1;

    memcpy((char *)settings + row->offset, (const char *)fresh + row->offset, elements * row->size);
    if (row->list_max > 0)
        memcpy((char *)settings + row->count_offset, (const char *)fresh + row->count_offset,
               sizeof(size_t));
}

void conf_reload(const struct conf_schema *schema, void *settings, const void *fresh,
                 struct conf_changes *ret)
{
    *ret = (struct conf_changes){.taken = 0};
    for (size_t i = 0; i < schema->count; i++) {
        const struct conf_row *row = &schema->row[i];

        if (row->is_command || conf_value_equal(row, settings, fresh))
            continue;
        if (row->is_reloadable) {
            copy_row(row, settings, fresh);
            add_key(ret->taken_keys, row->key);
            ret->taken++;
        } else {
            add_key(ret->kept_keys, row->key);
            ret->kept++;
        }
    }
}

const void *conf_named(const void *first, size_t count, size_t size, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *element = (const char *)first + i * size;

        if (strcmp(element, name) == 0)
            return element;
    }
    return NULL;
}
