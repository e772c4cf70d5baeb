/* http.h - the metrics page's server: who may ask what over HTTP, and how much. What is answered, its owner says.
 *
 * GET and HEAD of the paths below, nothing else, and of each connection only within DEADLINE_MS: who sends or reads
 * slower is cut, and the oldest goes when too many are there, so newcomers always get in. Belongs to one thread, which
 * polls http_descriptor() and takes turns. */
#ifndef BROKER_OPS_HTTP_H
#define BROKER_OPS_HTTP_H

#include "broker/ops/bearer.h"

#include <stdint.h>
#include <stdio.h>

#define HTTP_CONNECTIONS_MAX 64
#define HTTP_PER_ADDRESS_MAX 16
#define HTTP_DEADLINE_MS     20000 /* from connecting, or from the last answer, to the next question */
#define HTTP_REQUEST_BYTES \
    8192 /* request line and headers of one connection, with what serves them */

/* X(symbol, path, type, who may ask without the token: ALL, LOOPBACK (when bound there), NOBODY) */
#define HTTP_PATH_TABLE(X)                                                            \
    X(HTTP_PAGE, "/", "text/html; charset=utf-8", ALL)                                \
    X(HTTP_HEALTH, "/health", "text/plain; charset=utf-8", ALL)                       \
    X(HTTP_METRICS, "/metrics", "text/plain; version=0.0.4; charset=utf-8", LOOPBACK) \
    X(HTTP_FIGURES, "/metrics.json", "application/json", LOOPBACK)                    \
    X(HTTP_ROOMS, "/rooms.json", "application/json", NOBODY)                          \
    X(HTTP_SESSIONS, "/sessions.json", "application/json", NOBODY)

enum http_path {
#define X(symbol, path, type, who) symbol,
    HTTP_PATH_TABLE(X)
#undef X
        HTTP_PATHS
};

struct http_options {
    int listener;     /* a listening socket, which it takes over */
    bool is_loopback; /* of the address it listens at */
    const char *name; /* by which it may be asked for beside addresses and localhost; "": none */
    const struct bearer *bearer; /* borrowed */
    /* Write the answer's body, and return its status: 200 with a body of the path's type, or 503 with JSON. */
    unsigned (*answer)(void *context, enum http_path path, FILE *out);
    void *context;
};

struct http;

/* RC_SYSTEM: no memory or descriptors for it; the listener is closed all the same. */
enum rc http_start(const struct http_options *options, struct http **ret) MUST_CHECK;
void http_stop(struct http **self_p);

/* Poll it for reading. */
int http_descriptor(const struct http *self);
/* How long to wait at most; -1: for ever. */
long http_wait_ms(struct http *self);
void http_turn(struct http *self);

/* May a browser that says it wants this host be answered? Numbers, localhost and `name` may, with any port: a name of
 * somebody else's would be a page that has itself resolved to us (DNS rebinding). NULL may not. */
bool http_host_is_ours(const char *host, const char *name);

#endif
