#include "shared/text/url.h"

#include "shared/base/invariant.h"
#include "shared/text/name.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define SCHEME_TCP "zchat://"
#define SCHEME_IPC "zchat+ipc://"

#define PUB_SUFFIX   ".pub"
#define HOST_MAX     253
#define LABEL_MAX    63
#define IPC_PATH_MAX (sizeof((struct sockaddr_un *)0)->sun_path - sizeof PUB_SUFFIX)
#define PORT_MAX     65534 /* broadcasts need the one above */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void hex_encode(const unsigned char *bytes, size_t len, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * len] = '\0';
}

enum rc hex_decode(struct span given, unsigned char *ret, size_t len)
{
    if (given.len / 2 != len || given.len % 2 != 0)
        return RC_BAD_FIELD;
    for (size_t i = 0; i < given.len; i++) {
        if (hex_value(given.ptr[i]) < 0)
            return RC_BAD_FIELD;
    }
    for (size_t i = 0; i < len; i++)
        ret[i] =
            (unsigned char)(hex_value(given.ptr[2 * i]) << 4 | hex_value(given.ptr[2 * i + 1]));
    return RC_OK;
}

/* The functions below take a part of an address and return NULL, or why it is refused. */

static bool take_prefix(struct span *rest, struct span prefix)
{
    if (rest->len < prefix.len || strncasecmp(rest->ptr, prefix.ptr, prefix.len) != 0)
        return false;
    rest->ptr += prefix.len;
    rest->len -= prefix.len;
    return true;
}

/* Take what stands before the first `c`, or everything; true when there was one, which is gone too. */
static bool take_until(struct span *rest, char c, struct span *ret)
{
    const char *at = rest->len == 0 ? NULL : memchr(rest->ptr, c, rest->len);
    const size_t len = at == NULL ? rest->len : (size_t)(at - rest->ptr);
    const size_t gone = at == NULL ? len : len + 1;

    *ret = (struct span){rest->ptr, len};
    *rest = (struct span){rest->ptr + gone, rest->len - gone};
    return at != NULL;
}

static void copy_lower(char *to, struct span from)
{
    for (size_t i = 0; i < from.len; i++)
        to[i] = from.ptr[i] >= 'A' && from.ptr[i] <= 'Z' ? (char)(from.ptr[i] + 32) : from.ptr[i];
    to[from.len] = '\0';
}

static const char *parse_host_name(struct span host, struct broker_url *url)
{
    struct span rest = host, label;
    bool has_more = true, is_number = true;
    struct in_addr ignored;

    if (host.len == 0)
        return "the address has no host: zchat://HOST:PORT?key=KEY was expected";
    if (host.len > HOST_MAX)
        return "the host name is longer than 253 characters";
    while (has_more) {
        has_more = take_until(&rest, '.', &label);
        if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' ||
            label.ptr[label.len - 1] == '-')
            return "each part of a host name is 1 to 63 letters, digits or -, "
                   "and neither begins nor ends with -";
        for (size_t i = 0; i < label.len; i++) {
            if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-' && label.ptr[i] != '_')
                return "a host is a name of letters, digits, - and dots, an IPv4 address, "
                       "or an IPv6 address in [ ]";
            is_number = is_number && is_digit(label.ptr[i]);
        }
    }
    copy_lower(url->host, host);
    if (is_number && inet_pton(AF_INET, url->host, &ignored) != 1)
        return "an IPv4 address is four numbers from 0 to 255 with dots between them";
    return NULL;
}

/* The bracketed text at the front of *rest. */
static const char *parse_ipv6(struct span *rest, struct broker_url *url)
{
    struct in6_addr ignored;
    struct span inner;
    char text[INET6_ADDRSTRLEN];

    rest->ptr++;
    rest->len--;
    if (!take_until(rest, ']', &inner))
        return "the ] behind the IPv6 address is missing";
    if (inner.len >= sizeof text)
        return "an IPv6 address in [ ] has at most 45 characters";
    copy_lower(text, inner);
    if (strlen(text) != inner.len || inet_pton(AF_INET6, text, &ignored) != 1)
        return "between [ and ] an IPv6 address was expected, such as [::1]";
    snprintf(url->host, sizeof url->host, "[%s]", text);
    return NULL;
}

static const char *parse_port(struct span text, struct broker_url *url)
{
    static const char why[] = "a port is a number from 1 to 65534 (the one above it is for "
                              "broadcasts)";
    unsigned port = 0;

    if (text.len == 0 || text.len > 5)
        return why;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return why;
        port = port * 10 + (unsigned)(text.ptr[i] - '0');
    }
    if (port < 1 || port > PORT_MAX)
        return why;
    url->port = (uint16_t)port;
    return NULL;
}

static const char *parse_place(struct span place, struct broker_url *url)
{
    struct span rest = place, host;
    const char *why;

    url->port = DEFAULT_PORT;
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '/')
        rest.len--; /* programs that know web addresses add one */
    if (rest.len > 0 && rest.ptr[0] == '[') {
        why = parse_ipv6(&rest, url);
        if (why != NULL || rest.len == 0)
            return why;
        if (rest.ptr[0] != ':')
            return "behind the ] of an IPv6 address only :PORT was expected";
        return parse_port((struct span){rest.ptr + 1, rest.len - 1}, url);
    }
    if (!take_until(&rest, ':', &host))
        return parse_host_name(host, url);
    if (rest.len > 0 && memchr(rest.ptr, ':', rest.len) != NULL)
        return "an IPv6 address stands in [ ], as in zchat://[::1]:5670";
    why = parse_host_name(host, url);
    return why != NULL ? why : parse_port(rest, url);
}

/* The byte that stands at text[*at], perhaps as %XX; *at moves behind it. False: not well-formed, or a NUL. */
static bool take_byte(struct span text, size_t *at, char *ret)
{
    unsigned char c = (unsigned char)text.ptr[*at];

    if (c == '%') {
        const size_t len = text.len - *at < 3 ? 0 : 2;

        if (hex_decode((struct span){text.ptr + *at + 1, len}, &c, 1) != RC_OK)
            return false;
        *at += 2;
    }
    ++*at;
    *ret = (char)c;
    return c != '\0';
}

static const char *parse_path(struct span path, struct broker_url *url)
{
    size_t len = 0, at = 0;
    char c;

    if (path.len < 2 || path.ptr[0] != '/')
        return "an ipc address holds an absolute path: zchat+ipc:///PATH?key=KEY";
    while (at < path.len) {
        if (!take_byte(path, &at, &c))
            return "in an ipc path % stands before two hexadecimal digits, and not 00";
        if (len == IPC_PATH_MAX)
            return "an ipc path has at most 103 bytes";
        url->host[len++] = c;
    }
    url->host[len] = '\0';
    url->is_ipc = true;
    return NULL;
}

static const char *parse_nick(struct span given, struct broker_url *url)
{
    static const char why[] = "the nick of an invitation is 1 to 32 letters, digits, - or _ of one "
                              "script, other bytes as %XX";
    char text[NAME_BYTES_MAX];
    size_t len = 0, at = 0;
    struct name name;

    while (at < given.len) {
        if (len == sizeof text || !take_byte(given, &at, &text[len++]))
            return why;
    }
    if (name_parse((struct span){text, len}, &name) != RC_OK)
        return why;
    memcpy(url->nick, name.text, sizeof url->nick);
    return NULL;
}

static const char *parse_part(struct span name, struct span value, struct broker_url *url)
{
    if (span_equal(name, SPAN("key"))) {
        if (url->has_key)
            return "the key stands there twice";
        if (hex_decode(value, url->key, sizeof url->key) != RC_OK)
            return "a broker's key is exactly 64 hexadecimal digits";
        url->has_key = true;
    } else if (span_equal(name, SPAN("invite"))) {
        if (url->has_invite)
            return "the invitation stands there twice";
        if (hex_decode(value, url->invite, sizeof url->invite) != RC_OK)
            return "an invitation is exactly 32 hexadecimal digits";
        url->has_invite = true;
    } else if (span_equal(name, SPAN("nick"))) {
        if (url->nick[0] != '\0')
            return "the nick stands there twice";
        return parse_nick(value, url);
    } /* else of a later version */
    return NULL;
}

static const char *parse_query(struct span query, struct broker_url *url)
{
    struct span rest = query, part, name;
    bool has_more = true;

    while (has_more) {
        has_more = take_until(&rest, '&', &part);
        if (!take_until(&part, '=', &name) || name.len == 0)
            return "behind the ? parts NAME=VALUE were expected, such as key=KEY";

        const char *why = parse_part(name, part, url);

        if (why != NULL)
            return why;
    }
    if (!url->has_invite) /* it is the invitation's */
        memset(url->nick, 0, sizeof url->nick);
    return NULL;
}

static const char *parse(struct span given, struct broker_url *url)
{
    struct span rest = given, place;
    const char *why;
    bool has_query, is_ipc;

    if (given.len >= URL_BYTES_MAX)
        return "the address is longer than 1023 bytes";
    for (size_t i = 0; i < given.len; i++) {
        if ((unsigned char)given.ptr[i] <= ' ' || given.ptr[i] == 0x7F)
            return "an address has no spaces and no control characters";
    }
    is_ipc = take_prefix(&rest, SPAN(SCHEME_IPC));
    if (!is_ipc && !take_prefix(&rest, SPAN(SCHEME_TCP)))
        return "a broker's address begins with zchat:// or zchat+ipc://";
    has_query = take_until(&rest, '?', &place);
    why = is_ipc ? parse_path(place, url) : parse_place(place, url);
    if (why == NULL && has_query)
        why = parse_query(rest, url);
    return why;
}

enum rc broker_url_parse(struct span given, struct broker_url *ret, const char **ret_why)
{
    struct broker_url url = {0};
    const char *why = parse(given, &url);

    if (why != NULL) {
        *ret_why = why;
        return RC_BAD_URL;
    }
    *ret = url;
    return RC_OK;
}

/* The text with what an address cannot hold as %XX; `to` needs three times the text's length. */
static void encode(char *to, const char *text, bool is_path)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;

        if (is_path ? c <= ' ' || c == 0x7F || strchr("%?#\"<>,", c) != NULL
                    : !is_alnum(*text) && c != '-' && c != '_') {
            *to++ = '%';
            hex_encode(&c, 1, to);
            to += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

/* "?key=...&invite=...&nick=..." */
static void format_query(const struct broker_url *url, char *buf, size_t capacity)
{
    char key[2 * PUBLIC_KEY_BYTES + 1], invite[2 * INVITE_BYTES + 1], nick[3 * sizeof url->nick];
    size_t len = 0;

    buf[0] = '\0';
    if (url->has_key) {
        hex_encode(url->key, sizeof url->key, key);
        len += (size_t)snprintf(buf, capacity, "?key=%s", key);
    }
    if (!url->has_invite)
        return;
    hex_encode(url->invite, sizeof url->invite, invite);
    len += (size_t)snprintf(buf + len, capacity - len, "%cinvite=%s", url->has_key ? '&' : '?',
                            invite);
    explicit_bzero(invite, sizeof invite);
    encode(nick, url->nick, false);
    if (nick[0] != '\0')
        snprintf(buf + len, capacity - len, "&nick=%s", nick);
}

void broker_url_format(const struct broker_url *url, char *buf)
{
    char path[3 * sizeof url->host], query[URL_BYTES_MAX];
    int len;

    format_query(url, query, sizeof query);
    if (url->is_ipc) {
        encode(path, url->host, true);
        len = snprintf(buf, URL_BYTES_MAX, SCHEME_IPC "%s%s", path, query);
    } else {
        len = snprintf(buf, URL_BYTES_MAX, SCHEME_TCP "%s:%u%s", url->host, (unsigned)url->port,
                       query);
    }
    explicit_bzero(query, sizeof query);
    INVARIANT(len > 0 && len < URL_BYTES_MAX);
}

bool broker_url_is_same_place(const struct broker_url *a, const struct broker_url *b)
{
    return a->is_ipc == b->is_ipc && a->port == b->port && strcmp(a->host, b->host) == 0;
}

void broker_url_strip_invite(struct broker_url *url)
{
    url->has_invite = false;
    explicit_bzero(url->invite, sizeof url->invite);
    memset(url->nick, 0, sizeof url->nick);
}

void broker_url_endpoints(const struct broker_url *url, char *ret_commands, char *ret_broadcasts)
{
    if (url->is_ipc) {
        snprintf(ret_commands, URL_BYTES_MAX, "ipc://%s", url->host);
        snprintf(ret_broadcasts, URL_BYTES_MAX, "ipc://%s" PUB_SUFFIX, url->host);
    } else {
        snprintf(ret_commands, URL_BYTES_MAX, "tcp://%s:%u", url->host, (unsigned)url->port);
        snprintf(ret_broadcasts, URL_BYTES_MAX, "tcp://%s:%u", url->host, url->port + 1U);
    }
}

static bool is_local_ipv4(const unsigned char *bytes)
{
    return bytes[0] == 127;
}

static bool is_local_ipv6(const char *bracketed)
{
    const size_t len = strlen(bracketed);
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (len < 2 || len - 2 >= sizeof text)
        return false;
    memcpy(text, bracketed + 1, len - 2);
    text[len - 2] = '\0';
    if (inet_pton(AF_INET6, text, &address) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&address) ||
           (IN6_IS_ADDR_V4MAPPED(&address) && is_local_ipv4(address.s6_addr + 12));
}

bool broker_url_is_local(const struct broker_url *url)
{
    unsigned char ipv4[4];

    if (url->is_ipc)
        return true;
    if (url->host[0] == '[')
        return is_local_ipv6(url->host);
    if (inet_pton(AF_INET, url->host, ipv4) == 1)
        return is_local_ipv4(ipv4);
    return strcasecmp(url->host, "localhost") == 0;
}

void key_fingerprint(const unsigned char key[static PUBLIC_KEY_BYTES], char buf[static 40])
{
    unsigned char hash[crypto_generichash_BYTES];

    crypto_generichash(hash, sizeof hash, key, PUBLIC_KEY_BYTES, NULL, 0);
    for (size_t group = 0; group < 8; group++) {
        hex_encode(hash + 2 * group, 2, buf + 5 * group);
        buf[5 * group + 4] = group < 7 ? ' ' : '\0';
    }
}
