#include "site/http/web.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "site/http/file.h"
#include "site/http/tls.h"
#include "site/http/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define WEB_MAGIC 0x3eb00001u

enum {
    BACKLOG = 128,
    CONNECTION_MEMORY = 32 << 10, /* request line and headers */
    FINISH_MS = 300, FINISH_LOOK_MS = 5, /* how long answers may take to go out at the end, and how often that is looked at */
    DRAIN_MAX = 8 * WEB_BODY_MAX, /* of a body that is too large, so that its sender gets to read the 413 */
};

/* Of one role. */
struct routes {
    const char *role;
    const struct web_route *rows;
    size_t count;
    void *ctx;
    struct sl_log_limit log;
    _Atomic uint64_t counts[WEB_CLASSES];
};

/* An address. */
struct door {
    struct web *web;
    struct sl_endpoint address;
    const struct web_tls *tls; /* NULL: none */
    int fd;                    /* until the server has it */
    struct MHD_Daemon *daemon; /* NULL before web_start */
};

struct web {
    uint32_t magic;
    struct routes routes[WEB_ROUTES_MAX];
    size_t route_count;
    struct routes none; /* counts what no route took */
    struct door doors[WEB_ADDRESSES_MAX];
    size_t door_count;
    struct web_watch *watch; /* from web_start on */
    unsigned connections, per_client;
    _Atomic int64_t idle_ms, headers_ms, body_ms;
    atomic_int answering; /* requests whose answer has not gone out in full yet */
    bool started;
};

/* One request on its way in; made when its first line has been read. */
struct exchange {
    char query[WEB_QUERY_MAX];
    bool query_fits;
    bool has_nul; /* "%00" in the path, which would end it early */
    bool begun;
    bool is_answered; /* counted in web.answering */
    struct sl_deadline deadline; /* for the whole body */
    struct sl_text body;
    size_t received;
};

struct web *web_new(const struct web_limits *limits)
{
    struct web *web = sl_new(sizeof *web);
    web->magic = WEB_MAGIC;
    web->none.role = "none";
    web->connections = limits->connections;
    web->per_client = limits->per_client;
    web_set_times(web, &limits->times);
    return web;
}

void web_set_times(struct web *web, const struct web_times *times)
{
    web->idle_ms = times->idle_ms;
    web->headers_ms = times->headers_ms;
    web->body_ms = times->body_ms;
}

void web_add_routes(struct web *web, const char *role, const struct web_route *routes, size_t count, void *ctx)
{
    SL_CHECK_MAGIC(web, WEB_MAGIC);
    sl_assert(!web->started && web->route_count < WEB_ROUTES_MAX);
    for (size_t i = 0; i < web->route_count; i++)
        sl_assert(strcmp(web->routes[i].role, role) != 0); /* each is counted by its name */
    web->routes[web->route_count++] =
        (struct routes){.role = role, .rows = routes, .count = count, .ctx = ctx, .log = {.lines_per_s = 1}};
}

void web_text(struct web_response *response, unsigned status, const char *fmt, ...)
{
    char line[SL_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    response->status = status;
    response->type = "text/plain; charset=utf-8";
    sl_text_reset(&response->body);
    sl_text_printf(&response->body, "%s\n", line);
}

void web_fail(struct web_response *response, const char *event, const struct sl_error *e, const char *text)
{
    uint64_t left_out = 0;
    if (response->log == NULL || sl_log_allowed(response->log, &left_out))
        sl_log(SL_LOG_ERROR, event, "text=%s left-out=%" PRIu64, SL_LOG_TEXT(sl_error_text(e)), left_out);
    web_text(response, 500, "%s", text);
}

const char *web_header(const struct web_request *request, const char *name)
{
    return request->connection != NULL ? MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name) : NULL;
}

/* ---- routing ---------------------------------------------------------------------------------------------------------- */

static bool path_matches(const char *pattern, const char *path)
{
    size_t len = strlen(pattern);
    return pattern[len - 1] == '*' ? strncasecmp(pattern, path, len - 1) == 0 : sl_text_iequal(pattern, path);
}

/* Calls the handler of the route, or answers 404 or 405; *allow collects the methods of the path. Returns whose it was. */
static struct routes *dispatch(struct web *web, const struct web_request *request, struct web_response *response,
                               struct sl_text *allow)
{
    for (size_t i = 0; i < web->route_count; i++)
        for (size_t k = 0; k < web->routes[i].count; k++) {
            const struct web_route *route = &web->routes[i].rows[k];
            if (!path_matches(route->path, request->path))
                continue;
            sl_text_printf(allow, "%s%s", allow->len > 0 ? ", " : "", route->method);
            if (strcmp(route->method, request->method) == 0) {
                response->log = &web->routes[i].log;
                route->handler(request, response, web->routes[i].ctx);
                return &web->routes[i];
            }
        }
    bool known = allow->len > 0;
    web_text(response, known ? 405 : 404, known ? "this path is not served with that method" : "no such path");
    return &web->none;
}

/* ---- libmicrohttpd ---------------------------------------------------------------------------------------------------- */

struct header {
    const char *name, *value; /* NULL: left out */
};

/* Sends a response of libmicrohttpd with these headers and lets it go; NULL closes the connection. */
static enum MHD_Result queue(struct MHD_Connection *conn, unsigned status, struct MHD_Response *mhd, const struct header *headers,
                             size_t count)
{
    if (mhd == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_YES;
    for (size_t i = 0; i < count && result == MHD_YES; i++)
        if (headers[i].value != NULL)
            result = MHD_add_response_header(mhd, headers[i].name, headers[i].value);
    if (result == MHD_YES)
        result = MHD_queue_response(conn, status, mhd);
    MHD_destroy_response(mhd);
    return result;
}

static enum MHD_Result send_body(struct MHD_Connection *conn, struct web_response *response, const char *allow)
{
    if (sl_text_failed(&response->body))
        web_text(response, 500, "the answer is too large");
    size_t len = response->body.len;
    char *data = sl_text_take(&response->body);
    struct MHD_Response *mhd = MHD_create_response_from_buffer(data != NULL ? len : 0, data, MHD_RESPMEM_MUST_FREE);
    if (mhd == NULL)
        free(data);
    const struct header headers[] = {{"Content-Type", response->type},
                                     {"Allow", response->status == 405 ? allow : NULL},
                                     {response->header, response->header != NULL ? response->header_value : NULL}};
    return queue(conn, response->status, mhd, headers, SL_COUNT(headers));
}

void web_file(struct web_response *response, int fd, uint64_t size, const char *etag)
{
    response->status = 200;
    response->type = "application/octet-stream";
    response->file = fd;
    response->file_size = size;
    snprintf(response->etag, sizeof response->etag, "\"%s\"", etag);
}

/* RFC 9110 13.2.2: what the client has already comes first, then the part it asks for; 14.2: parts are for GET. */
static enum MHD_Result send_file(struct MHD_Connection *conn, struct web_response *response, bool is_head)
{
    const char *none_match = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "If-None-Match");
    const char *if_range = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "If-Range");
    const char *range = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Range");
    uint64_t first = 0, count = response->file_size;
    char content_range[WEB_ITEM_MAX] = "";
    unsigned status = 200;
    if (is_head || (if_range != NULL && strcmp(if_range, response->etag) != 0))
        range = NULL;
    enum web_part part = web_range(range, response->file_size, &first, &count);
    if (web_has_etag(none_match, response->etag)) {
        status = 304;
    } else if (part == WEB_NO_PART) {
        status = 416;
        snprintf(content_range, sizeof content_range, "bytes */%" PRIu64, response->file_size);
    } else if (part == WEB_PART) {
        status = 206;
        snprintf(content_range, sizeof content_range, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, first + count - 1,
                 response->file_size);
    }
    bool has_body = status == 200 || status == 206;
    struct MHD_Response *mhd = has_body ? MHD_create_response_from_fd_at_offset64(count, response->file, first)
                                        : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (has_body && mhd != NULL)
        response->file = -1; /* closed with the response */
    const struct header headers[] = {
        {"Content-Type", has_body ? response->type : NULL}, {"ETag", response->etag}, {"Accept-Ranges", "bytes"},
        {"Content-Range", content_range[0] != '\0' ? content_range : NULL},
    };
    return queue(conn, status, mhd, headers, SL_COUNT(headers));
}

static enum MHD_Result send_response(struct MHD_Connection *conn, struct web_response *response, bool is_head, const char *allow)
{
    bool is_file = response->file >= 0 && response->status == 200;
    enum MHD_Result result = is_file ? send_file(conn, response, is_head) : send_body(conn, response, allow);
    if (response->file >= 0)
        close(response->file);
    return result;
}

static enum MHD_Result send_text(struct MHD_Connection *conn, unsigned status, const char *text)
{
    struct web_response response = {.body = sl_text_new(WEB_ITEM_MAX), .file = -1};
    web_text(&response, status, "%s", text);
    enum MHD_Result result = send_response(conn, &response, false, NULL);
    sl_text_fini(&response.body);
    return result;
}

static void count(struct routes *routes, unsigned status)
{
    if (status / 100 < WEB_CLASSES)
        atomic_fetch_add_explicit(&routes->counts[status / 100], 1, memory_order_relaxed);
}

static enum MHD_Result refuse(struct web *web, struct MHD_Connection *conn, unsigned status, const char *text)
{
    count(&web->none, status);
    return send_text(conn, status, text);
}

/* The address of a client as text; IPv4 as such, also when it came through IPv6. */
static void peer_of(struct MHD_Connection *conn, char out[WEB_PEER_MAX])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *from = info != NULL ? info->client_addr : NULL;
    size_t len = from != NULL && from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    bool told = from != NULL && getnameinfo(from, (socklen_t)len, out, WEB_PEER_MAX, NULL, 0, NI_NUMERICHOST) == 0;
    if (!told)
        out[0] = '\0';
}

static enum MHD_Result answer(struct web *web, struct MHD_Connection *conn, struct exchange *x, const char *path,
                              const char *method, bool is_tls)
{
    char peer[WEB_PEER_MAX];
    peer_of(conn, peer);
    bool is_head = strcmp(method, "HEAD") == 0;
    struct web_request request = {
        .method = is_head ? "GET" : method,
        .path = path,
        .query = x->query,
        .content_type = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Type"),
        .host = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Host"),
        .body = sl_text_str(&x->body),
        .body_len = x->body.len,
        .connection = conn,
        .peer = peer,
        .is_tls = is_tls,
    };
    struct web_response response = {
        .status = 500, .type = "text/plain; charset=utf-8", .body = sl_text_new(WEB_ANSWER_MAX), .file = -1};
    struct sl_text allow = sl_text_new(WEB_ITEM_MAX);
    struct routes *routes = dispatch(web, &request, &response, &allow);
    count(routes, response.status);
    enum MHD_Result result = send_response(conn, &response, is_head, sl_text_str(&allow));
    sl_text_fini(&allow);
    sl_text_fini(&response.body);
    return result;
}

static const char *const too_large = "the body must be smaller than 1 MiB";

static bool is_welcome(const struct door *door, struct MHD_Connection *conn)
{
    if (door->tls == NULL || door->tls->client_ca == NULL)
        return true;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info != NULL && web_tls_is_known(info->tls_session);
}

/* The headers are there, the body is not: refuse now what need not be read. */
static enum MHD_Result begin(const struct door *door, struct MHD_Connection *conn, struct exchange *x)
{
    struct web *web = door->web;
    const char *length = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Length");
    const char *coding = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Transfer-Encoding");
    uint64_t octets = 0;
    x->begun = true;
    x->deadline = sl_deadline_in(web->body_ms);
    if (!x->query_fits)
        return refuse(web, conn, 414, "the query is too long");
    if (x->has_nul)
        return refuse(web, conn, 400, "a NUL in the path");
    if (coding != NULL && length != NULL)
        return refuse(web, conn, 400, "a body has one length"); /* RFC 9112 6.1: somebody on the way may have read the other */
    if (coding != NULL && !sl_text_iequal(coding, "chunked"))
        return refuse(web, conn, 501, "that transfer coding is not known");
    if (!is_welcome(door, conn))
        return refuse(web, conn, 403, "a client certificate of an authority of this site is needed");
    if (length == NULL || !sl_parse_u64(length, UINT64_MAX, &octets) || octets < WEB_BODY_MAX)
        return MHD_YES;
    /* Who waits for "100 Continue" reads the answer at once; others are let finish unless it is absurd. */
    bool waits = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Expect") != NULL;
    return waits || octets > DRAIN_MAX ? refuse(web, conn, 413, too_large) : MHD_YES;
}

static struct web_guest *guest_of(struct MHD_Connection *conn)
{
    return MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Comes and goes with the socket, on the thread that then serves it. */
static void on_connection(void *cls, struct MHD_Connection *conn, void **socket_context, enum MHD_ConnectionNotificationCode what)
{
    struct web *web = ((const struct door *)cls)->web;
    if (what != MHD_CONNECTION_NOTIFY_STARTED) {
        web_watch_leave(web->watch, *socket_context);
        return;
    }
    *socket_context = web_watch_enter(
        web->watch, MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, web->headers_ms);
    (void)MHD_set_connection_option(conn, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)(web->idle_ms / 1000));
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **con_cls)
{
    const struct door *door = cls;
    struct web *web = door->web;
    struct exchange *x = *con_cls;
    (void)version;
    SL_CHECK_MAGIC(web, WEB_MAGIC);
    if (x == NULL)
        return MHD_NO;
    if (!x->begun) {
        web_watch_served(web->watch, guest_of(conn));
        return begin(door, conn, x);
    }
    if (*upload_len > 0) {
        x->received += *upload_len;
        if (x->received > DRAIN_MAX || sl_deadline_passed(x->deadline))
            return MHD_NO;
        sl_text_add(&x->body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    if (x->received >= WEB_BODY_MAX)
        return refuse(web, conn, 413, too_large);
    x->is_answered = true;
    atomic_fetch_add(&web->answering, 1);
    return answer(web, conn, x, path, method, door->tls != NULL);
}

/* The only place where the query is seen as it came; "&CODE" has no '=' and would lose its order later. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
    (void)cls;
    (void)conn;
    struct exchange *x = sl_new(sizeof *x);
    const char *query = strchr(uri, '?');
    x->query_fits = sl_text_copy(x->query, sizeof x->query, query != NULL ? query + 1 : "");
    const char *nul = strstr(uri, "%00");
    x->has_nul = nul != NULL && (query == NULL || nul < query);
    x->body = sl_text_new(WEB_BODY_MAX);
    return x;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls, enum MHD_RequestTerminationCode why)
{
    (void)why;
    const struct door *door = cls;
    struct exchange *x = *con_cls;
    web_watch_next(door->web->watch, guest_of(conn), door->web->headers_ms);
    if (x == NULL)
        return;
    if (x->is_answered)
        atomic_fetch_sub(&door->web->answering, 1);
    sl_text_fini(&x->body);
    free(x);
    *con_cls = NULL;
}

static void on_log(void *cls, const char *fmt, va_list args) SL_PRINTF(2, 0);
static void on_log(void *cls, const char *fmt, va_list args)
{
    char line[SL_LOG_VALUE_MAX];
    (void)cls;
    vsnprintf(line, sizeof line, fmt, args);
    line[strcspn(line, "\n")] = '\0';
    sl_log(SL_LOG_DEBUG, "http", "text=%s", SL_LOG_TEXT(line));
}

/* A listening socket of our own, so that a failure names its reason. */
static enum sl_status listen_on(const struct sl_endpoint *address, int *ret_fd, struct sl_error *e)
{
    int one = 1;
    struct sl_endpoint_text text = sl_endpoint_text(address);
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return sl_fail(e, SL_IO, "HTTP on %s: %s", text.text, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address->any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, &address->any, address->len) == 0 && listen(fd, BACKLOG) == 0) {
        *ret_fd = fd;
        return SL_OK;
    }
    int err = errno;
    close(fd);
    if (err == EADDRINUSE)
        return sl_fail(e, SL_CONFLICT, "HTTP on %s: the port is held by another program", text.text);
    if (err == EACCES)
        return sl_fail(e, SL_DENIED, "HTTP on %s: %s; ports below 1024 need root or CAP_NET_BIND_SERVICE", text.text,
                       strerror(err));
    return sl_fail(e, SL_IO, "HTTP on %s: %s", text.text, strerror(err));
}

enum sl_status web_listen(struct web *web, const struct sl_endpoint *address, const struct web_tls *tls, struct sl_error *e)
{
    SL_CHECK_MAGIC(web, WEB_MAGIC);
    int fd = -1;
    if (web->door_count == WEB_ADDRESSES_MAX)
        return sl_fail(e, SL_LIMIT, "HTTP: more than %d addresses", WEB_ADDRESSES_MAX);
    enum sl_status status = listen_on(address, &fd, e);
    if (status == SL_OK)
        web->doors[web->door_count++] = (struct door){.web = web, .address = *address, .tls = tls, .fd = fd};
    return status;
}

static enum sl_status start_door(struct door *d, struct sl_error *e)
{
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, d->tls != NULL ? d->tls->certificate : NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, d->tls != NULL ? d->tls->key : NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)WEB_TLS_PRIORITY},
        {d->tls != NULL && d->tls->client_ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
         d->tls != NULL ? d->tls->client_ca : NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG | (d->tls != NULL ? MHD_USE_TLS : 0);
    /* The logger comes first, so that it hears of the other options. */
    d->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, d, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, d->fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)WEB_WORKERS, MHD_OPTION_CONNECTION_LIMIT, d->web->connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, d->web->per_client, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(d->web->idle_ms / 1000),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, d, MHD_OPTION_NOTIFY_CONNECTION, on_connection, d, MHD_OPTION_ARRAY,
        d->tls != NULL ? secure : plain, MHD_OPTION_END);
    if (d->daemon == NULL)
        return sl_fail(e, SL_IO, "HTTP on %s: the server could not be started", sl_endpoint_text(&d->address).text);
    d->fd = -1;
    return SL_OK;
}

enum sl_status web_start(struct web *web, struct sl_error *e)
{
    SL_CHECK_MAGIC(web, WEB_MAGIC);
    enum sl_status status = web_watch_new(&web->watch, e);
    web->started = true;
    for (size_t i = 0; i < web->door_count && status == SL_OK; i++)
        status = start_door(&web->doors[i], e);
    return status;
}

static void tell_counts(const struct routes *routes, void (*fn)(const char *, const uint64_t *, void *), void *ctx)
{
    uint64_t counts[WEB_CLASSES];
    for (size_t i = 0; i < WEB_CLASSES; i++)
        counts[i] = atomic_load_explicit(&routes->counts[i], memory_order_relaxed);
    fn(routes->role, counts, ctx);
}

void web_counts(const struct web *web, void (*fn)(const char *role, const uint64_t counts[WEB_CLASSES], void *ctx), void *ctx)
{
    for (size_t i = 0; i < web->route_count; i++)
        tell_counts(&web->routes[i], fn, ctx);
    tell_counts(&web->none, fn, ctx);
}

size_t web_connections(const struct web *web)
{
    size_t open = 0;
    for (size_t i = 0; i < web->door_count; i++) {
        const union MHD_DaemonInfo *info =
            web->doors[i].daemon != NULL ? MHD_get_daemon_info(web->doors[i].daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS) : NULL;
        open += info != NULL ? info->num_connections : 0;
    }
    return open;
}

static bool has_connections(const struct web *web)
{
    for (size_t i = 0; i < web->door_count; i++) {
        const union MHD_DaemonInfo *info =
            web->doors[i].daemon ? MHD_get_daemon_info(web->doors[i].daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS) : NULL;
        if (info != NULL && info->num_connections > 0)
            return true;
    }
    return false;
}

/*
 * Who was waiting is told; what is too long for that is cut off, and asked for again. A connection on which something senseless
 * arrives while the library stops is more than libmicrohttpd 0.9.75 can take: it writes the head of an answer that it has not
 * got. So those whose clients are gone go first.
 */
static void let_finish(struct web *web)
{
    struct sl_deadline deadline = sl_deadline_in(FINISH_MS);
    while ((atomic_load(&web->answering) > 0 || has_connections(web)) && !sl_deadline_passed(deadline))
        (void)poll(NULL, 0, FINISH_LOOK_MS);
}

void web_free(struct web *web)
{
    if (web == NULL)
        return;
    SL_CHECK_MAGIC(web, WEB_MAGIC);
    let_finish(web);
    for (size_t i = 0; i < web->door_count; i++) {
        if (web->doors[i].daemon != NULL)
            MHD_stop_daemon(web->doors[i].daemon);
        if (web->doors[i].fd >= 0)
            close(web->doors[i].fd);
    }
    web_watch_free(web->watch);
    web->magic = 0;
    free(web);
}
