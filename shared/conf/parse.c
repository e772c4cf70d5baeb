#include "shared/conf/parse.h"

#include "shared/base/alloc.h"
#include "shared/conf/take.h"
#include "shared/text/clean.h"

struct reading {
    const struct conf_schema *schema;
    void *settings;
    const struct conf_loader *loader;
    struct conf_files *files; /* may be NULL */
    unsigned file_count;
    unsigned owners[CONF_ROWS_MAX];
    uint64_t open[CONF_DEPTH_MAX][2]; /* ids of the files that include each other now */
    size_t depth;
    char *why;
};

struct file {
    struct conf_take take;
    const char *path;
    unsigned number; /* of the line */
};

static enum rc refuse(struct reading *self, const struct file *file, const char *text,
                      const char *value, const char *expected)
{
    char shown[160], shown_value[400];

    clean_copy(shown, sizeof(shown), span_of(text));
    clean_copy(shown_value, sizeof(shown_value), span_of(value));
    snprintf(self->why, CONF_WHY_BYTES, "%.320s:%u: %s%s%.240s%.280s", file->path, file->number,
             shown, value != NULL ? " = " : "", shown_value, expected);
    return RC_CONFIG;
}

static struct span trim(struct span text)
{
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[0], 4) != NULL)
        text = (struct span){text.ptr + 1, text.len - 1};
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[text.len - 1], 4) != NULL)
        text.len--;
    return text;
}

/* A comment begins at the line's start or behind white space, since paths may contain a `#`. */
static struct span without_comment(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '#' && (i == 0 || text.ptr[i - 1] == ' ' || text.ptr[i - 1] == '\t'))
            text.len = i;
    }
    return trim(text);
}

/* A value as it was meant, into buf (as large as a line). `behind` says what stands before it: a `#` right behind
 * the = is the value's own. False: a quotation mark is open, or something stands behind the closing one. */
static bool unquote(struct span given, char *buf)
{
    struct span text = trim(given);
    size_t len = 0, i = 1;

    if (text.len == 0 || text.ptr[0] != '"') {
        /* without_comment() would take a value that begins with `#` for one, and so is what " #" begins. */
        const bool is_own = given.len > 0 && given.ptr[0] == '#';
        const struct span rest = is_own
                                     ? without_comment((struct span){given.ptr + 1, given.len - 1})
                                     : without_comment(given);

        if (is_own) {
            const char *end = rest.len > 0 ? rest.ptr + rest.len : given.ptr + 1;

            text = (struct span){given.ptr, (size_t)(end - given.ptr)};
        } else {
            text = rest;
        }
        memcpy(buf, text.ptr, text.len);
        buf[text.len] = '\0';
        return true;
    }
    for (; i < text.len && text.ptr[i] != '"'; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len &&
            (text.ptr[i + 1] == '"' || text.ptr[i + 1] == '\\'))
            i++;
        buf[len++] = text.ptr[i];
    }
    buf[len] = '\0';
    return i < text.len &&
           without_comment((struct span){text.ptr + i + 1, text.len - i - 1}).len == 0;
}

void conf_write_value(FILE *out, const char *value)
{
    const size_t len = strlen(value);
    bool is_quoted = len == 0 || value[0] == '"' || value[0] == '#' || value[0] == ' ' ||
                     value[0] == '\t' || value[len - 1] == ' ' || value[len - 1] == '\t' ||
                     strstr(value, " #") != NULL || strstr(value, "\t#") != NULL;

    if (!is_quoted) {
        fputs(value, out);
        return;
    }
    fputc('"', out);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
    fputc('"', out);
}

static enum rc parse_file(struct reading *self, const char *path, const struct file *from);

static bool is_pattern(const char *path)
{
    return strpbrk(path, "*?[") != NULL;
}

/* What was looked for, too: a file that is not there yet must be readable later. */
static void note_file(struct reading *self, const char *path)
{
    if (self->files != NULL && self->files->count < CONF_FILES_MAX)
        snprintf(self->files->path[self->files->count++], CONF_PATH_BYTES, "%s", path);
}

static enum rc include(struct reading *self, struct file *file, struct span given)
{
    char name[CONF_LINE_BYTES_MAX], path[CONF_LINE_BYTES_MAX + CONF_PATH_BYTES];
    const char *slash = strrchr(file->path, '/');
    struct conf_paths found = {NULL, 0};
    enum rc rc = RC_OK;

    if (!unquote(given, name) || name[0] == '\0' || name[0] == '=')
        return refuse(self, file, "include", NULL, ": expected `include FILE`");
    snprintf(path, sizeof(path), "%.*s%s",
             name[0] == '/' || slash == NULL ? 0 : (int)(slash - file->path + 1), file->path, name);
    if (strlen(path) >= CONF_PATH_BYTES)
        return refuse(self, file, "include", NULL, ": expected a path of at most 511 bytes");
    if (!is_pattern(path))
        return parse_file(self, path, file);
    note_file(self, path);
    if (self->loader->expand(self->loader->context, path, &found, self->why) != RC_OK) {
        snprintf(name, sizeof(name), ": %.512s", self->why);
        rc = refuse(self, file, "include", NULL, name);
    }
    for (size_t i = 0; i < found.count; i++) {
        if (rc == RC_OK)
            rc = strlen(found.path[i]) < CONF_PATH_BYTES
                     ? parse_file(self, found.path[i], file)
                     : refuse(self, file, "include", NULL, ": expected paths of at most 511 bytes");
        free(found.path[i]);
    }
    free(found.path);
    return rc;
}

static enum rc take_pair(struct reading *self, struct file *file, struct span key,
                         struct span given)
{
    char expected_buf[CONF_EXPECTED_BYTES], value[CONF_LINE_BYTES_MAX];
    char name[CONF_LINE_BYTES_MAX], sentence[CONF_EXPECTED_BYTES + 96];
    const struct conf_schema *schema = self->schema;
    const char *expected;
    struct span star;
    const size_t row = conf_take_find(schema, key, &star);

    snprintf(name, sizeof(name), "%.*s", (int)key.len, key.ptr);
    if (row == schema->count) {
        snprintf(sentence, sizeof(sentence), ": there is no such key, see %s --help",
                 schema->program);
        return refuse(self, file, name, NULL, sentence);
    }
    if (schema->row[row].is_command)
        return refuse(self, file, name, NULL, ": this belongs on the command line");
    if (!unquote(given, value))
        return refuse(self, file, name, NULL,
                      ": expected one value, in a pair of quotation marks or without any");
    expected = conf_take_give(&file->take, row, star, value, file->number, expected_buf);
    if (expected == NULL)
        return RC_OK;
    snprintf(sentence, sizeof(sentence), ": expected %s%s", expected,
             value[0] == '\0' && memchr(given.ptr, '#', given.len) != NULL
                 ? "; a value that begins with # stands in quotation marks"
                 : "");
    return refuse(self, file, name, value, sentence);
}

static enum rc take_line(struct reading *self, struct file *file, struct span line)
{
    const struct span text = trim(line);
    const char *equals;

    if (text.len == 0 || text.ptr[0] == '#')
        return RC_OK;
    if (line.len > CONF_LINE_BYTES_MAX - 2)
        return refuse(self, file, "", NULL, "expected a line of at most 2046 bytes");
    if (memchr(text.ptr, '\0', text.len) != NULL)
        return refuse(self, file, "", NULL, "expected text, found a NUL byte");
    if (text.len > 7 && memcmp(text.ptr, "include", 7) == 0 &&
        (text.ptr[7] == ' ' || text.ptr[7] == '\t'))
        return include(self, file, (struct span){text.ptr + 8, text.len - 8});
    equals = memchr(text.ptr, '=', text.len);
    if (equals == NULL)
        return refuse(self, file, "", NULL, "expected `key = value`");
    return take_pair(self, file, trim((struct span){text.ptr, (size_t)(equals - text.ptr)}),
                     (struct span){equals + 1, text.len - (size_t)(equals - text.ptr) - 1});
}

static enum rc parse_text(struct reading *self, const char *path, struct span text)
{
    struct file file = {.take = {.schema = self->schema,
                                 .settings = self->settings,
                                 .source = self->file_count,
                                 .owners = self->owners},
                        .path = path};
    enum rc rc = RC_OK;

    while (rc == RC_OK && text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

        file.number++;
        rc = take_line(self, &file, (struct span){text.ptr, len});
        text = (struct span){text.ptr + len + (end != NULL), text.len - len - (end != NULL)};
    }
    conf_take_fini(&file.take);
    return rc;
}

/* RC_CONFIG: it may not be read here; `buf` says why. */
static enum rc may_enter(const struct reading *self, const uint64_t id[2], char *buf)
{
    for (size_t i = 0; i < self->depth; i++) {
        if (self->open[i][0] == id[0] && self->open[i][1] == id[1]) {
            snprintf(buf, CONF_WHY_BYTES, "this file includes itself");
            return RC_CONFIG;
        }
    }
    if (self->depth == CONF_DEPTH_MAX) {
        snprintf(buf, CONF_WHY_BYTES, "files include each other more than %d deep", CONF_DEPTH_MAX);
        return RC_CONFIG;
    }
    if (self->file_count == CONF_FILES_MAX) {
        snprintf(buf, CONF_WHY_BYTES, "more than %d files", CONF_FILES_MAX);
        return RC_CONFIG;
    }
    return RC_OK;
}

/* `from` is the file that includes it, or NULL. */
static enum rc parse_file(struct reading *self, const char *path, const struct file *from)
{
    struct conf_text text = {.bytes = NULL};
    char why[CONF_WHY_BYTES] = "", sentence[CONF_WHY_BYTES];
    enum rc rc = self->loader->load(self->loader->context, path, from != NULL, &text, why);

    note_file(self, path);
    if (rc == RC_OK)
        rc = may_enter(self, text.id, why);
    if (rc != RC_OK) {
        free(text.bytes);
        snprintf(sentence, sizeof(sentence), "cannot read %.511s: %.480s", path, why);
        if (from != NULL)
            return refuse(self, from, "include: ", NULL, sentence);
        snprintf(self->why, CONF_WHY_BYTES, "%s", sentence);
        return RC_CONFIG;
    }
    self->file_count++;
    memcpy(self->open[self->depth++], text.id, sizeof(text.id));
    rc = parse_text(self, path, (struct span){text.bytes, text.len});
    self->depth--;
    free(text.bytes);
    return rc;
}

enum rc conf_parse(const struct conf_schema *schema, void *settings, const char *path,
                   const struct conf_loader *loader, struct conf_files *ret_files,
                   char why[static CONF_WHY_BYTES])
{
    struct reading self = {
        .schema = schema, .settings = settings, .loader = loader, .files = ret_files, .why = why};

    if (ret_files != NULL)
        ret_files->count = 0;
    return parse_file(&self, path, NULL);
}
