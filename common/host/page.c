#include "common/host/page.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VISITORS_MAX = 8, BACKLOG = 16, REQUEST_MAX = 8192, TIME_MS = 5000, PATIENCE_MS = 1000, HEAD_MAX = 512 };

#define PAGE_MAGIC 0x40570021u

struct visitor {
    struct host_page *page;
    int fd; /* -1: this place is free */
    struct host_watch *watch;
    struct host_timer *timer;
    int64_t since_ms;
    size_t len;
    char request[REQUEST_MAX];
    struct sl_text answer;
    size_t sent;
};

struct host_page {
    uint32_t magic;
    struct host_loop *loop;
    struct host_page_row row;
    int fd;
    struct host_watch *watch;
    struct visitor visitors[VISITORS_MAX];
};

static void leave(struct visitor *v)
{
    host_watch_free(v->watch);
    host_timer_free(v->timer);
    close(v->fd);
    sl_text_fini(&v->answer);
    v->fd = -1;
    host_watch_set(v->page->watch, HOST_READ);
}

static void on_time(void *ctx)
{
    leave(ctx);
}

/* ---- the answer ---- */

static void answer(struct visitor *v, const char *status, const char *type, const char *body, size_t len, bool with_body)
{
    sl_text_printf(&v->answer, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
                   type, len);
    if (with_body)
        sl_text_add(&v->answer, body, len);
    host_watch_set(v->watch, HOST_WRITE);
}

static void refuse(struct visitor *v, const char *status)
{
    answer(v, status, "text/plain", status, strlen(status), true);
}

/* "METHOD PATH HTTP/1.x" */
static void serve(struct visitor *v)
{
    const struct host_page_row *row = &v->page->row;
    const char *line = v->request, *end = strstr(line, "\r\n");
    size_t method = strcspn(line, " "), path = strcspn(line + method + (line[method] == ' '), " ?");
    const char *target = line + method + 1;
    bool head = method == 4 && memcmp(line, "HEAD", 4) == 0, get = method == 3 && memcmp(line, "GET", 3) == 0;
    if (line + method >= end || target + path >= end) {
        refuse(v, "400 Bad Request");
        return;
    }
    if (!get && !head) {
        refuse(v, "405 Method Not Allowed");
        return;
    }
    if (path != strlen(row->path) || memcmp(target, row->path, path) != 0) {
        refuse(v, "404 Not Found");
        return;
    }
    struct sl_text page = sl_text_new(row->most);
    row->write(&page, row->ctx);
    if (sl_text_failed(&page))
        refuse(v, "500 Internal Server Error");
    else
        answer(v, "200 OK", row->content_type, sl_text_str(&page), page.len, get);
    sl_text_fini(&page);
}

static void read_some(struct visitor *v)
{
    ssize_t n = recv(v->fd, v->request + v->len, sizeof v->request - 1 - v->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        leave(v);
        return;
    }
    v->len += (size_t)n;
    v->request[v->len] = '\0';
    if (strstr(v->request, "\r\n\r\n"))
        serve(v);
    else if (v->len == sizeof v->request - 1 || strlen(v->request) != v->len)
        refuse(v, "400 Bad Request");
}

static void write_some(struct visitor *v)
{
    ssize_t n = send(v->fd, v->answer.data + v->sent, v->answer.len - v->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    v->sent += n > 0 ? (size_t)n : 0;
    if (n <= 0 || v->sent == v->answer.len)
        leave(v);
}

static void on_visitor(int fd, unsigned events, void *ctx)
{
    (void)fd;
    if (events & HOST_WRITE)
        write_some(ctx);
    else
        read_some(ctx);
}

/* ---- who comes ---- */

/* A free place, else that of who came first, once that is long enough ago; NULL: nobody is let in until it is. */
static struct visitor *find_place(struct host_page *page)
{
    struct visitor *first = page->visitors;
    for (struct visitor *v = page->visitors; v < page->visitors + VISITORS_MAX; v++) {
        if (v->fd < 0)
            return v;
        if (v->since_ms < first->since_ms)
            first = v;
    }
    int64_t left_ms = first->since_ms + PATIENCE_MS - sl_clock_mono_ms();
    if (left_ms > 0) {
        host_watch_set(page->watch, 0);
        host_timer_start(first->timer, left_ms);
        return NULL;
    }
    leave(first);
    return first;
}

static void on_listen(int fd, unsigned events, void *ctx)
{
    (void)events;
    struct host_page *page = ctx;
    SL_CHECK_MAGIC(page, PAGE_MAGIC);
    struct visitor *v = find_place(page);
    if (!v)
        return;
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0)
        return;
    *v = (struct visitor){.page = page, .fd = client, .since_ms = sl_clock_mono_ms(),
                          .answer = sl_text_new(page->row.most + HEAD_MAX)};
    v->watch = host_watch_new(page->loop, client, HOST_READ, on_visitor, v);
    v->timer = host_timer_new(page->loop, on_time, v);
    host_timer_start(v->timer, TIME_MS);
}

enum sl_status host_page_check(const char *text, struct sl_error *e)
{
    struct sl_endpoint where;
    enum sl_status status = sl_endpoint_parse(text, 0, &where, e);
    if (status != SL_OK)
        return status;
    bool local = sl_endpoint_ip4_of(&where) >> 24 == IN_LOOPBACKNET ||
                 (where.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&where.v6.sin6_addr));
    return local && sl_endpoint_port(&where) != 0 ? SL_OK
                                                  : sl_fail(e, SL_USAGE, "\"%s\" is no loopback address with a port", text);
}

enum sl_status host_page_open(struct host_loop *loop, const struct sl_endpoint *where, const struct host_page_row *row,
                              struct host_page **ret_page, struct sl_error *e)
{
    int fd = socket(where->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, &where->any, where->len) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return sl_fail(e, error == EADDRINUSE ? SL_CONFLICT : error == EACCES ? SL_DENIED : SL_IO, "TCP port %s: %s",
                       sl_endpoint_text(where).text, strerror(error));
    }
    struct host_page *page = sl_new(sizeof *page);
    *page = (struct host_page){.magic = PAGE_MAGIC, .loop = loop, .row = *row, .fd = fd};
    for (size_t i = 0; i < VISITORS_MAX; i++)
        page->visitors[i].fd = -1;
    page->watch = host_watch_new(loop, fd, HOST_READ, on_listen, page);
    *ret_page = page;
    return SL_OK;
}

void host_page_close(struct host_page *page)
{
    if (!page)
        return;
    SL_CHECK_MAGIC(page, PAGE_MAGIC);
    for (size_t i = 0; i < VISITORS_MAX; i++)
        if (page->visitors[i].fd >= 0)
            leave(&page->visitors[i]);
    host_watch_free(page->watch);
    close(page->fd);
    page->magic = 0;
    free(page);
}
