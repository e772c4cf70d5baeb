#include "shared/conf/value.h"

#include "shared/text/quantity.h"
#include "shared/text/url.h"

#include <arpa/inet.h>
#include <inttypes.h>

void *conf_value_at(const struct conf_row *row, const void *settings, size_t index,
                    size_t *ret_size)
{
    const size_t name = strchr(row->key, '*') != NULL ? CONF_NAME_BYTES : 0;

    *ret_size = row->size - name;
    return (char *)settings + row->offset + index * row->size + name;
}

size_t conf_value_count(const struct conf_row *row, const void *settings)
{
    size_t count = 1;

    if (row->list_max > 0)
        memcpy(&count, (const char *)settings + row->count_offset, sizeof(count));
    return count;
}

/* Integers of the sizes a member may have. */

static void put_number(void *member, size_t size, uint64_t value)
{
    const uint32_t narrow = (uint32_t)value;

    if (size == sizeof(bool))
        *(bool *)member = value != 0;
    else if (size == sizeof(narrow))
        memcpy(member, &narrow, sizeof(narrow));
    else
        memcpy(member, &value, sizeof(value));
}

static uint64_t get_number(const void *member, size_t size)
{
    uint64_t value = 0;
    uint32_t narrow;

    if (size == sizeof(bool))
        return *(const bool *)member ? 1 : 0;
    if (size == sizeof(narrow)) {
        memcpy(&narrow, member, sizeof(narrow));
        return narrow;
    }
    memcpy(&value, member, sizeof(value));
    return value;
}

/* Text to value */

static const char *parse_number(const struct conf_row *row, const char *text, uint64_t *ret,
                                char *buf)
{
    char least[QUANTITY_BYTES], most[QUANTITY_BYTES];
    const char *kind = "number";
    enum rc rc;

    if (row->type == CONF_DURATION) {
        kind = "time";
        rc = quantity_duration(text, ret);
        quantity_duration_format(row->least, least);
        quantity_duration_format(row->most, most);
    } else if (row->type == CONF_SIZE) {
        kind = "size";
        rc = quantity_size(text, row->unit > 0 ? row->unit : 1, ret);
        quantity_size_format(row->least, least);
        quantity_size_format(row->most, most);
    } else {
        rc = quantity_number(text, UINT64_MAX, ret);
        snprintf(least, sizeof(least), "%" PRIu64, row->least);
        snprintf(most, sizeof(most), "%" PRIu64, row->most);
    }
    if (rc == RC_OK && *ret >= row->least && *ret <= row->most)
        return NULL;
    snprintf(buf, CONF_EXPECTED_BYTES, "a %s from %s to %s%s", kind, least, most,
             row->type == CONF_DURATION ? ", such as 500ms, 10s, 5m or 1d"
             : row->type == CONF_SIZE   ? ", such as 500K, 100M or 2G"
                                        : "");
    return buf;
}

/* The index-th of "a|b|c"; without ptr: there is none. */
static struct span choice_at(const char *choices, uint64_t index)
{
    const char *end;

    while (index-- > 0 && choices != NULL)
        choices = (end = strchr(choices, '|')) == NULL ? NULL : end + 1;
    if (choices == NULL)
        return (struct span){NULL, 0};
    end = strchr(choices, '|');
    return (struct span){choices, end == NULL ? strlen(choices) : (size_t)(end - choices)};
}

static const char *parse_choice(const struct conf_row *row, const char *text, uint64_t *ret)
{
    struct span choice;

    for (uint64_t i = 0; (choice = choice_at(row->choices, i)).ptr != NULL; i++) {
        if (span_equal(choice, span_of(text))) {
            *ret = i;
            return NULL;
        }
    }
    return row->choices;
}

static const char *parse_flag(const char *text, uint64_t *ret)
{
    if (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0)
        *ret = 1;
    else if (strcmp(text, "no") == 0 || strcmp(text, "false") == 0)
        *ret = 0;
    else
        return "yes or no";
    return NULL;
}

static const char *parse_text(const struct conf_row *row, const char *text, char *member,
                              size_t size, char *buf)
{
    const size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            return "a text without control characters";
    }
    if ((len == 0 && !row->may_be_empty) || len >= size) {
        snprintf(buf, CONF_EXPECTED_BYTES, "%s%zu bytes", row->may_be_empty ? "at most " : "1 to ",
                 size - 1);
        return buf;
    }
    memmove(member, text, len + 1);
    return NULL;
}

static const char *parse_address(const char *text, struct broker_url *ret)
{
    struct broker_url url = {.is_ipc = strncmp(text, "ipc://", 6) == 0};
    unsigned char bytes[sizeof(struct in6_addr)];
    char inner[sizeof(url.host)];
    size_t len = strlen(text);
    bool has_brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';

    if (len >= sizeof(url.host) - 2)
        return "an address of at most 250 bytes";
    snprintf(inner, sizeof(inner), "%.*s", (int)(has_brackets ? len - 2 : len),
             has_brackets ? text + 1 : text);
    if (url.is_ipc) {
        if (text[6] != '/')
            return "ipc:// and an absolute path, such as ipc:///run/zchat/broker";
        snprintf(url.host, sizeof(url.host), "%s", text + 6);
    } else if (strcmp(text, "localhost") == 0) {
        snprintf(url.host, sizeof(url.host), "127.0.0.1");
    } else if (strcmp(text, "*") == 0) {
        snprintf(url.host, sizeof(url.host), "0.0.0.0");
    } else if (!has_brackets && inet_pton(AF_INET, text, bytes) == 1) {
        snprintf(url.host, sizeof(url.host), "%s", text);
    } else if (inet_pton(AF_INET6, inner, bytes) == 1) {
        snprintf(url.host, sizeof(url.host), "[%.250s]", inner);
    } else {
        return "an IPv4 or IPv6 address, localhost, * or ipc:///PATH";
    }
    *ret = url;
    return NULL;
}

const char *conf_value_parse(const struct conf_row *row, const char *text, void *member,
                             size_t size, char buf[static CONF_EXPECTED_BYTES])
{
    const char *expected = row->check != NULL ? row->check(text) : NULL;
    uint64_t number = 0;

    if (expected != NULL)
        return expected;
    switch (row->type) {
    case CONF_TEXT:
        return parse_text(row, text, member, size, buf);
    case CONF_ADDRESS:
        return parse_address(text, member);
    case CONF_FLAG:
        expected = parse_flag(text, &number);
        break;
    case CONF_CHOICE:
        expected = parse_choice(row, text, &number);
        break;
    case CONF_UINT:
    case CONF_DURATION:
    case CONF_SIZE:
        expected = parse_number(row, text, &number, buf);
        break;
    }
    if (expected == NULL)
        put_number(member, size, number);
    return expected;
}

/* Value to text */

void conf_value_format(const struct conf_row *row, const void *member, size_t size,
                       char buf[static CONF_VALUE_BYTES])
{
    const struct broker_url *url = member;
    char quantity[QUANTITY_BYTES];
    struct span choice;

    switch (row->type) {
    case CONF_TEXT:
        snprintf(buf, CONF_VALUE_BYTES, "%s", (const char *)member);
        break;
    case CONF_ADDRESS:
        snprintf(buf, CONF_VALUE_BYTES, "%s%s", url->is_ipc ? "ipc://" : "", url->host);
        break;
    case CONF_FLAG:
        snprintf(buf, CONF_VALUE_BYTES, "%s", get_number(member, size) != 0 ? "yes" : "no");
        break;
    case CONF_CHOICE:
        choice = choice_at(row->choices, get_number(member, size));
        snprintf(buf, CONF_VALUE_BYTES, "%.*s", (int)choice.len, choice.ptr);
        break;
    case CONF_UINT:
        snprintf(buf, CONF_VALUE_BYTES, "%" PRIu64, get_number(member, size));
        break;
    case CONF_DURATION:
        quantity_duration_format(get_number(member, size), quantity);
        snprintf(buf, CONF_VALUE_BYTES, "%s", quantity);
        break;
    case CONF_SIZE:
        quantity_size_format(get_number(member, size), quantity);
        /* A bare number would count units. */
        snprintf(buf, CONF_VALUE_BYTES, "%s%s", quantity,
                 row->unit > 1 && quantity[strlen(quantity) - 1] <= '9' &&
                         strcmp(quantity, "0") != 0
                     ? "B"
                     : "");
        break;
    }
}

bool conf_value_equal(const struct conf_row *row, const void *a, const void *b)
{
    const size_t count = conf_value_count(row, a);
    char ours[CONF_VALUE_BYTES], theirs[CONF_VALUE_BYTES];
    bool is_equal = count == conf_value_count(row, b);

    for (size_t i = 0; i < count && is_equal; i++) {
        size_t size;
        const char *one = conf_value_at(row, a, i, &size);
        const char *other = conf_value_at(row, b, i, &size);

        if (strchr(row->key, '*') != NULL)
            is_equal = strcmp(one - CONF_NAME_BYTES, other - CONF_NAME_BYTES) == 0;
        conf_value_format(row, one, size, ours);
        conf_value_format(row, other, size, theirs);
        is_equal = is_equal && strcmp(ours, theirs) == 0;
    }
    return is_equal;
}
