#include "broker/ops/http.h"

#include "broker/ops/page.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* A few more than are welcome: those that were cut are there until they are seen to be gone. */
#define SLOTS (2 * HTTP_CONNECTIONS_MAX)

enum who { ALL, LOOPBACK, NOBODY };

static const struct {
    const char *path;
    const char *type;
    enum who who;
} PATHS[HTTP_PATHS] = {
#define X(symbol, path_, type_, who_) [symbol] = {path_, type_, who_},
    HTTP_PATH_TABLE(X)
#undef X
};

struct slot {
    int fd; /* -1: free */
    bool is_cut;
    struct in6_addr address;
    uint64_t heard_ms; /* when it came, or was answered last */
};

struct http {
    struct http_options options;
    struct MHD_Daemon *daemon;
    int epoll;
    struct slot slot[SLOTS];
};

/* Connections */

static struct in6_addr address_of(const struct sockaddr *peer)
{
    struct in6_addr address = IN6ADDR_ANY_INIT;

    if (peer != NULL && peer->sa_family == AF_INET6)
        address = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    else if (peer != NULL && peer->sa_family == AF_INET)
        memcpy(&address.s6_addr[12], &((const struct sockaddr_in *)(const void *)peer)->sin_addr,
               sizeof(struct in_addr));
    return address;
}

/* Its descriptor stays libmicrohttpd's, which finds the connection ended. */
static void cut(struct slot *slot)
{
    slot->is_cut = true;
    (void)shutdown(slot->fd, SHUT_RDWR);
}

/* The one of that address (NULL: of all) that was answered longest ago goes, when there are more than `most`. */
static void make_room(struct http *self, const struct in6_addr *address, size_t most)
{
    struct slot *oldest = NULL;
    size_t count = 0;

    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &self->slot[i];

        if (slot->fd < 0 || slot->is_cut ||
            (address != NULL && memcmp(address, &slot->address, sizeof(*address)) != 0))
            continue;
        count++;
        if (oldest == NULL || slot->heard_ms < oldest->heard_ms)
            oldest = slot;
    }
    if (count > most)
        cut(oldest);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **ret_slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *self = context;
    struct slot *slot = *ret_slot;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (slot != NULL)
            slot->fd = -1;
        return;
    }
    for (size_t i = 0; i < SLOTS && slot == NULL; i++) {
        if (self->slot[i].fd < 0)
            slot = &self->slot[i];
    }
    *ret_slot = slot;
    if (slot == NULL) /* libmicrohttpd's own limit is as many */
        return;
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *slot = (struct slot){.fd = fd->connect_fd,
                          .address = address_of(peer->client_addr),
                          .heard_ms = clock_mono_ms()};
    make_room(self, &slot->address, HTTP_PER_ADDRESS_MAX);
    make_room(self, NULL, HTTP_CONNECTIONS_MAX);
}

static void cut_overdue(struct http *self)
{
    const uint64_t now_ms = clock_mono_ms();

    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &self->slot[i];

        if (slot->fd >= 0 && !slot->is_cut && now_ms - slot->heard_ms >= HTTP_DEADLINE_MS)
            cut(slot);
    }
}

/* Answers */

static bool is_number(const char *host, size_t len)
{
    char text[INET6_ADDRSTRLEN + 1];
    struct in6_addr address;

    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, host, len);
    text[len] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

bool http_host_is_ours(const char *host, const char *name)
{
    if (host == NULL)
        return false;
    if (host[0] == '[') {
        const char *end = strchr(host, ']');

        return end != NULL && (end[1] == '\0' || end[1] == ':') &&
               is_number(host + 1, (size_t)(end - host - 1));
    }
    const size_t len = strcspn(host, ":");
    if (is_number(host, len))
        return true;
    if (len == strlen("localhost") && strncasecmp(host, "localhost", len) == 0)
        return true;
    return name[0] != '\0' && len == strlen(name) && strncasecmp(host, name, len) == 0;
}

/* Whatever is answered; the body becomes the response's. */
static enum MHD_Result give(struct MHD_Connection *connection, unsigned status, const char *type,
                            char *body, size_t len)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);

    if (response == NULL) {
        free(body);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", type);
    (void)MHD_add_response_header(response, "Content-Security-Policy", page_policy());
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "X-Frame-Options", "DENY");
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    if (status == MHD_HTTP_UNAUTHORIZED)
        (void)MHD_add_response_header(response, "WWW-Authenticate",
                                      "Bearer realm=\"zchat-broker\"");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD");
        (void)MHD_add_response_header(response, "Connection",
                                      "close"); /* a body may be under way */
    }
    const enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *why)
{
    return give(connection, status, "text/plain; charset=utf-8", x_strdup(why), strlen(why));
}

static bool needs_token(const struct http *self, enum http_path path)
{
    return PATHS[path].who == NOBODY || (PATHS[path].who == LOOPBACK && !self->options.is_loopback);
}

static enum MHD_Result answer(struct http *self, struct MHD_Connection *connection,
                              enum http_path path)
{
    char *body = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&body, &len);

    if (out == NULL)
        return MHD_NO;
    const unsigned status = self->options.answer(self->options.context, path, out);
    if (fclose(out) != 0) {
        free(body);
        return MHD_NO;
    }
    return give(connection, status, status == MHD_HTTP_OK ? PATHS[path].type : "application/json",
                body, len);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct slot *slot = info == NULL ? NULL : info->socket_context;
    struct http *self = context;

    (void)version, (void)upload, (void)upload_len;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    if (*request == NULL) { /* answered before its end is seen, the connection would be closed */
        *request = self;
        return MHD_YES;
    }
    if (slot != NULL)
        slot->heard_ms = clock_mono_ms();
    if (!http_host_is_ours(header(connection, "Host"), self->options.name))
        return refuse(connection, MHD_HTTP_MISDIRECTED_REQUEST,
                      "ask for it by its address, by localhost, or by the name in metrics-host\n");
    for (enum http_path path = 0; path < HTTP_PATHS; path++) {
        if (strcmp(url, PATHS[path].path) != 0)
            continue;
        if (needs_token(self, path) &&
            !bearer_is_shown(self->options.bearer, header(connection, "Authorization")))
            return refuse(connection, MHD_HTTP_UNAUTHORIZED,
                          "show the token: Authorization: Bearer TOKEN\n");
        return answer(self, connection, path);
    }
    return refuse(connection, MHD_HTTP_NOT_FOUND, "there is no such page\n");
}

/* Life */

enum rc http_start(const struct http_options *options, struct http **ret)
{
    struct http *self = x_alloc(1, sizeof(*self));

    self->options = *options;
    for (size_t i = 0; i < SLOTS; i++)
        self->slot[i].fd = -1;
    self->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, self, MHD_OPTION_LISTEN_SOCKET,
                         options->listener, MHD_OPTION_CONNECTION_LIMIT, (unsigned)SLOTS,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(HTTP_DEADLINE_MS / 1000),
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_BYTES,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, self, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        self->daemon == NULL ? NULL : MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        if (self->daemon != NULL)
            MHD_stop_daemon(self->daemon);
        else
            (void)close(options->listener);
        free(self);
        return RC_SYSTEM;
    }
    self->epoll = info->epoll_fd;
    *ret = self;
    return RC_OK;
}

void http_stop(struct http **self_p)
{
    struct http *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    MHD_stop_daemon(self->daemon); /* closes the listener too */
    free(self);
}

int http_descriptor(const struct http *self)
{
    return self->epoll;
}

long http_wait_ms(struct http *self)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;

    return MHD_get_timeout(self->daemon, &wait_ms) == MHD_YES ? (long)wait_ms : -1;
}

void http_turn(struct http *self)
{
    (void)MHD_run(self->daemon);
    cut_overdue(self);
}
