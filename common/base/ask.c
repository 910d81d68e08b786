#include "common/base/ask.h"

#include "common/base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_CHUNK = 65536 };

struct asking {
    const struct sl_ask *ask;
    int fd;
    bool ended;
    struct sl_text in;
    struct sl_error *e;
};

static enum sl_status wait_for(const struct asking *a, short events)
{
    struct pollfd p[] = {{.fd = a->fd, .events = events}, {.fd = a->ask->endless ? a->ask->stop_fd : -1, .events = POLLIN}};
    bool patient = a->ask->timeout_ms > INT32_MAX || (a->ask->endless && events == POLLIN);
    int n;
    do
        n = poll(p, SL_COUNT(p), patient ? -1 : (int)a->ask->timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n > 0 && p[1].revents != 0)
        return sl_fail(a->e, SL_CANCELED, "told to stop");
    return n > 0 ? SL_OK : sl_fail(a->e, SL_TIMEOUT, "no answer within %" PRId64 " ms", a->ask->timeout_ms);
}

static enum sl_status connect_to(struct asking *a)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (!sl_text_copy(addr.sun_path, sizeof addr.sun_path, a->ask->path))
        return sl_fail(a->e, SL_USAGE, "longer than the %zu octets of a socket's path", sizeof addr.sun_path - 1);
    a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (a->fd >= 0 && connect(a->fd, (const struct sockaddr *)&addr, sizeof addr) == 0)
        return SL_OK;
    int err = errno;
    if (err == EACCES || err == EPERM)
        return sl_fail(a->e, SL_DENIED, "the control socket may not be opened: %s", strerror(err));
    return sl_fail(a->e, SL_UNREACHABLE, "no daemon answers: %s; is it running, and is that its --control?", strerror(err));
}

/* The descriptor goes with the first octets. */
static ssize_t send_octets(const struct asking *a, void *octets, size_t len, bool first)
{
    if (!first || a->ask->fd < 0)
        return send(a->fd, octets, len, MSG_NOSIGNAL);
    union {
        struct cmsghdr header;
        char octets[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = octets, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.octets,
                             .msg_controllen = sizeof control.octets};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &a->ask->fd, sizeof a->ask->fd);
    return sendmsg(a->fd, &message, MSG_NOSIGNAL);
}

static enum sl_status send_request(const struct asking *a)
{
    struct sl_text out = sl_text_new(SL_FRAME_MAX + 16);
    enum sl_status status = SL_OK;
    sl_frame_put(&out, SL_FRAME_REQUEST, a->ask->request, a->ask->count);
    if (sl_text_failed(&out))
        status = sl_fail(a->e, SL_USAGE, "the request is longer than %d octets", SL_FRAME_MAX);
    for (size_t sent = 0; sent < out.len && status == SL_OK;) {
        status = wait_for(a, POLLOUT);
        ssize_t n = status == SL_OK ? send_octets(a, out.data + sent, out.len - sent, sent == 0) : -1;
        if (n < 0 && errno != EINTR)
            break; /* what the daemon has to say about it can still be read */
        sent += n > 0 ? (size_t)n : 0;
    }
    sl_text_fini(&out);
    return status;
}

/* Handles every whole frame that has come and keeps the rest. */
static enum sl_status take_frames(struct asking *a, struct sl_frame *frame)
{
    size_t at = 0, used = 1;
    enum sl_status status = SL_OK;
    while (status == SL_OK && !a->ended && used > 0) {
        status = sl_frame_get(a->in.data + at, a->in.len - at, frame, &used, a->e);
        at += status == SL_OK ? used : 0;
        if (status == SL_OK && used > 0 && !a->ask->take(a->ask->ctx, frame, &a->ended))
            status = sl_fail(a->e, SL_MALFORMED, "the daemon sent a '%c' frame that does not fit its answer", frame->kind);
    }
    memmove(a->in.data, a->in.data + at, a->in.len - at);
    a->in.len -= at;
    return status;
}

static enum sl_status receive(struct asking *a)
{
    struct sl_frame *frame = sl_new(sizeof *frame);
    char *chunk = sl_new(READ_CHUNK);
    enum sl_status status = SL_OK;
    while (status == SL_OK && !a->ended && (status = wait_for(a, POLLIN)) == SL_OK) {
        ssize_t n = recv(a->fd, chunk, READ_CHUNK, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            status = sl_fail(a->e, SL_UNREACHABLE, "the daemon closed the connection before its answer was complete");
            break;
        }
        sl_text_add(&a->in, chunk, (size_t)n);
        status = take_frames(a, frame);
    }
    free(chunk);
    free(frame);
    return status;
}

enum sl_status sl_ask(const struct sl_ask *ask, struct sl_error *e)
{
    struct asking a = {.ask = ask, .fd = -1, .in = sl_text_new(SL_FRAME_MAX + READ_CHUNK + 16), .e = e};
    enum sl_status status = connect_to(&a);
    if (status == SL_OK)
        status = send_request(&a);
    if (status == SL_OK)
        status = receive(&a);
    if (a.fd >= 0)
        close(a.fd);
    sl_text_fini(&a.in);
    return status == SL_OK ? SL_OK : sl_fail_in(e, status, "%s", ask->path);
}
