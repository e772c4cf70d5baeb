#include "shared/conf/take.h"

#include "shared/base/alloc.h"

void conf_take_fini(struct conf_take *self)
{
    free(self->element);
    self->element = NULL;
    self->element_count = 0;
}

static bool has_name(const struct conf_row *row)
{
    return strchr(row->key, '*') != NULL;
}

static bool match(const char *pattern, struct span key, struct span *ret_name)
{
    const char *star = strchr(pattern, '*');
    const size_t before = (size_t)(star - pattern), behind = strlen(star + 1);

    if (key.len <= before + behind || memcmp(key.ptr, pattern, before) != 0 ||
        memcmp(key.ptr + key.len - behind, star + 1, behind) != 0)
        return false;
    *ret_name = (struct span){key.ptr + before, key.len - before - behind};
    return true;
}

size_t conf_take_find(const struct conf_schema *schema, struct span key, struct span *ret_name)
{
    *ret_name = (struct span){NULL, 0};
    for (size_t i = 0; i < schema->count; i++) {
        if (!has_name(&schema->row[i]) && span_equal(span_of(schema->row[i].key), key))
            return i;
    }
    for (size_t i = 0; i < schema->count; i++) {
        if (has_name(&schema->row[i]) && match(schema->row[i].key, key, ret_name))
            return i;
    }
    return schema->count;
}

static void set_count(const struct conf_row *row, void *settings, size_t count)
{
    memcpy((char *)settings + row->count_offset, &count, sizeof(count));
}

static const char *complain_of_repeat(unsigned line, char *buf)
{
    snprintf(buf, CONF_EXPECTED_BYTES, "it once (it stands in line %u too)", line);
    return buf;
}

/* Behind the last element, or what was expected. */
static const char *append(struct conf_take *self, const struct conf_row *row, struct span name,
                          const char *text, char *buf)
{
    const size_t count = conf_value_count(row, self->settings);
    const char *expected;
    char *value;
    size_t size;

    if (count == row->list_max) {
        snprintf(buf, CONF_EXPECTED_BYTES, "at most %zu %s", row->list_max,
                 row->type == CONF_ADDRESS ? "addresses" : "of them");
        return buf;
    }
    value = conf_value_at(row, self->settings, count, &size);
    expected = conf_value_parse(row, text, value, size, buf);
    if (expected != NULL)
        return expected;
    if (name.len > 0) {
        memset(value - CONF_NAME_BYTES, 0, CONF_NAME_BYTES);
        memcpy(value - CONF_NAME_BYTES, name.ptr, name.len);
    }
    set_count(row, self->settings, count + 1);
    return NULL;
}

/* The first of a source replaces those of the others. */
static const char *give_element(struct conf_take *self, size_t at, const char *text, unsigned line,
                                char *buf)
{
    const struct conf_row *row = &self->schema->row[at];

    if (self->owners[at] != self->source)
        set_count(row, self->settings, 0);
    self->owners[at] = self->source;
    self->lines[at] = line;
    return append(self, row, (struct span){NULL, 0}, text, buf);
}

/* The element of that name; the count: there is none. */
static size_t find_element(const struct conf_row *row, const void *settings, struct span name)
{
    const size_t count = conf_value_count(row, settings);
    size_t i, size;

    for (i = 0; i < count; i++) {
        const char *value = conf_value_at(row, settings, i, &size);

        if (span_equal(span_of(value - CONF_NAME_BYTES), name))
            break;
    }
    return i;
}

static const char *give_named(struct conf_take *self, size_t at, struct span name, const char *text,
                              unsigned line, char *buf)
{
    const struct conf_row *row = &self->schema->row[at];
    const char *expected;
    size_t index, size;
    void *value;

    if (name.len >= CONF_NAME_BYTES) {
        snprintf(buf, CONF_EXPECTED_BYTES, "a name of at most %d bytes", CONF_NAME_BYTES - 1);
        return buf;
    }
    index = find_element(row, self->settings, name);
    for (size_t i = 0; i < self->element_count && !self->may_repeat; i++) {
        if (self->element[i].row == at && self->element[i].index == index)
            return complain_of_repeat(self->element[i].line, buf);
    }
    if (index == conf_value_count(row, self->settings)) {
        expected = append(self, row, name, text, buf);
    } else {
        value = conf_value_at(row, self->settings, index, &size);
        expected = conf_value_parse(row, text, value, size, buf);
    }
    self->element = x_realloc(self->element, self->element_count + 1, sizeof(*self->element));
    self->element[self->element_count++] = (struct conf_take_element){at, index, line};
    return expected;
}

const char *conf_take_give(struct conf_take *self, size_t at, struct span name, const char *text,
                           unsigned line, char buf[static CONF_EXPECTED_BYTES])
{
    const struct conf_row *row = &self->schema->row[at];
    size_t size;
    void *value;

    if (has_name(row))
        return give_named(self, at, name, text, line, buf);
    if (row->list_max > 0)
        return give_element(self, at, text, line, buf);
    if (self->lines[at] != 0 && !self->may_repeat)
        return complain_of_repeat(self->lines[at], buf);
    self->lines[at] = line;
    value = conf_value_at(row, self->settings, 0, &size);
    return conf_value_parse(row, text, value, size, buf);
}
