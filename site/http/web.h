/*
 * web.h - the HTTP server of the site roles; the one file that includes libmicrohttpd is web.c.
 *
 * A server has a table of routes and any number of addresses. Paths are compared without case, as the field's clients mix them. A
 * path that is known with another method is 405 (Allow names those there are), an unknown one 404. Bodies are read whole before
 * a handler is called, and are bounded: WEB_BODY_MAX octets or more are 413. A connection that is silent for too long, or takes
 * longer than it may for the headers of a request or for one body, is closed; connections are bounded in all and per client
 * (struct web_limits). A body with two lengths, or coded otherwise than in chunks, is 400 or 501, and closed.
 *
 * Connections with TLS: tls.h.
 *
 * Threads: each address has WEB_WORKERS threads of its own. Handlers run on them, several at a time, and must do their own
 * locking; they may block. web_free waits for running handlers.
 */
#ifndef SL_SITE_HTTP_WEB_H
#define SL_SITE_HTTP_WEB_H

#include "common/base/addr.h"
#include "common/base/log.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WEB_BODY_MAX = 1 << 20,
    WEB_ANSWER_MAX = 4 << 20,
    WEB_QUERY_MAX = 1024,
    WEB_ITEM_MAX = 256,
    WEB_ETAG_MAX = 96,
    WEB_HEADER_MAX = 4096,
    WEB_WORKERS = 2,
    WEB_ROUTES_MAX = 64,
    WEB_ADDRESSES_MAX = 16,
    WEB_PORT = 80,
    WEB_TLS_PORT = 443,
    WEB_PEER_MAX = 64,
    WEB_CLASSES = 6, /* of status codes: 1xx to 5xx, by their first digit */
};

struct web;
struct web_tls; /* tls.h */

/* What an address of ours grants its clients. */
struct web_limits {
    unsigned connections; /* in all; more wait until one of them ends */
    unsigned per_client;  /* of one address; more are closed at once */
    struct web_times {
        int64_t idle_ms;    /* of silence */
        int64_t headers_ms; /* from the connection, or the answer before, to the end of the headers */
        int64_t body_ms;    /* for one body */
    } times;
};

/* A request; everything lives until the handler returns. Strings are never NULL but `content_type` and `host`. */
struct web_request {
    const char *method; /* "GET", also for HEAD; "CCM_POST" ... */
    const char *path;   /* decoded, begins with '/' */
    const char *query;  /* what follows '?', as it came; "" without one */
    const char *content_type;
    const char *host; /* the Host header */
    const char *peer; /* numeric address of the client, IPv4 as such; NULL: a request without a connection */
    bool is_tls;
    const void *body;
    size_t body_len;
    void *connection; /* for web_header; NULL: a request without further headers */
};

/* An answer: set before the handler is called to 500, text/plain, nothing. */
struct web_response {
    unsigned status;
    const char *type; /* a literal, or within `type_text` */
    char type_text[WEB_ITEM_MAX];
    const char *header;                /* name of one more header, a literal; NULL for none */
    char header_value[WEB_HEADER_MAX]; /* its value, printable */
    struct sl_text body;
    int file; /* a regular file to send instead of `body` (web_file), -1 for none */
    uint64_t file_size;
    char etag[WEB_ETAG_MAX];
    struct sl_log_limit *log; /* of the role, for web_fail; NULL: unlimited */
};

typedef void web_handler(const struct web_request *request, struct web_response *response, void *ctx);

struct web_route {
    const char *method;
    const char *path; /* exact; ending in '*': every path that begins so */
    web_handler *handler;
};

/* A server without routes and addresses. */
struct web *web_new(const struct web_limits *limits);
/* Other times, for connections and requests from now on; any thread. */
void web_set_times(struct web *web, const struct web_times *times);
/* Adds the routes of a role of its own, each called with `ctx`; before web_start. `role` and the rows must outlive the server. */
void web_add_routes(struct web *web, const char *role, const struct web_route *routes, size_t count, void *ctx);
/*
 * Binds an address, with TLS unless `tls` is NULL, which must outlive the server; SL_CONFLICT when it is taken, SL_DENIED for a
 * port that needs more rights. Starts no thread: the caller may give up rights before web_start.
 */
enum sl_status web_listen(struct web *web, const struct sl_endpoint *address, const struct web_tls *tls,
                          struct sl_error *e) SL_MUST;
/* Starts answering on every address. */
enum sl_status web_start(struct web *web, struct sl_error *e) SL_MUST;
/* Stops answering, waits for what runs and, for 300 ms, until its answers have gone out, and frees; NULL is accepted. */
void web_free(struct web *web);

/* A header of the request, whatever its case; NULL when absent. Lives until the handler returns. */
const char *web_header(const struct web_request *request, const char *name);
/* Answers with a status and a line of text. */
void web_text(struct web_response *response, unsigned status, const char *fmt, ...) SL_PRINTF(3, 4);
/* Answers 500 with `text`, which tells nothing of what is wrong inside, and logs `event` with the failure, a line a second. */
void web_fail(struct web_response *response, const char *event, const struct sl_error *e, const char *text);
/* Tells how many requests each role has answered with codes of each class; "none" for those that no route took. Any thread. */
void web_counts(const struct web *web, void (*fn)(const char *role, const uint64_t counts[WEB_CLASSES], void *ctx), void *ctx);
/* Connections that are open now. */
size_t web_connections(const struct web *web);
/*
 * Answers with a file, whole or in the part that the request asks for, or with 304 when the client has it already (RFC 9110:
 * Range, If-Range, If-None-Match). `fd` passes into the server's hands; its contents under this entity tag (without
 * quotes) must never change.
 */
void web_file(struct web_response *response, int fd, uint64_t size, const char *etag);
/*
 * The n-th (from 0) item of a query "A&B=C&D", percent-decoded; false when there is none, or when it is longer than fits,
 * or badly encoded, or holds a NUL or what is not UTF-8.
 */
bool web_query_item(const char *query, size_t n, char *out, size_t size);

#endif
