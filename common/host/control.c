#include "config.h"

#include "common/host/control.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/host/unix.h"
#include "common/host/user.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 64,
    REQUEST_TIMEOUT_MS = 10000, /* for a whole request after connecting */
    PATIENCE_MS = 1000,         /* the same when others wait to connect */
    ACCEPT_PAUSE_MS = 1000,
    STALL_TIMEOUT_MS = 60000,   /* for a client that stops reading */
    READ_CHUNK = 16384,
    IN_MAX = SL_FRAME_MAX + 4,
    OUT_HIGH = 65536,           /* `more` rests while this much waits for the client */
    OUT_MAX = 16 << 20,         /* an answer that is written at once */
};

#define CONTROL_MAGIC 0x40570011u
#define CONN_MAGIC 0x40570012u
#define REPLY_MAGIC 0x40570013u

struct conn {
    uint32_t magic;
    struct conn *next, **link; /* in the list of its control */
    struct host_control *control;
    int fd;
    struct host_watch *watch;
    struct host_timer *timer;
    int64_t since_ms;
    struct sl_text in, out;
    int passed_fd;            /* came with the request, -1 for none */
    size_t sent;              /* of out */
    struct host_reply *reply; /* while a request is being answered */
    bool ending;              /* closes once `out` has been sent */
    bool busy;                /* one of its callbacks runs: freed when that returns */
    bool dead;
};

struct host_reply {
    uint32_t magic;
    struct conn *conn; /* NULL when the client has gone */
    struct host_request request;
    char *octets;         /* what the strings of the request point into */
    const char **strings; /* what its lists point into */
    bool overflow; /* something did not fit: the answer cannot be told whole */
    bool pulling;  /* inside `more` */
    bool resting;  /* `more` has nothing to say until host_reply_wake */
    bool (*more)(struct host_reply *reply, void *state);
    host_fn *drop;
    void *state;
};

struct host_control {
    uint32_t magic;
    struct host_loop *loop;
    struct host_watch *watch;
    struct host_timer *resume; /* after a pause for want of descriptors or room */
    struct host_unix file;
    const struct host_verb *verbs;
    size_t verb_count;
    void *ctx;
    struct conn *conns;
    size_t conn_count;
};

/* ---- replies ----------------------------------------------------------------------------------------------------- */

static void reply_free(struct host_reply *reply)
{
    reply->magic = 0;
    if (reply->request.fd >= 0)
        close(reply->request.fd);
    free(reply->octets);
    free(reply->strings);
    free(reply);
}

static void stream_drop(struct host_reply *reply)
{
    if (reply->drop)
        reply->drop(reply->state);
    reply_free(reply);
}

static size_t pending(const struct conn *conn)
{
    return conn->out.len - conn->sent;
}

/* Writing begins when the loop comes round, so that no callback of ours runs inside one of the owner's. */
static void put(struct host_reply *reply, enum sl_frame_kind kind, const char *const *strings, size_t count)
{
    SL_CHECK_MAGIC(reply, REPLY_MAGIC);
    struct conn *conn = reply->conn;
    if (!conn || reply->overflow)
        return;
    size_t before = conn->out.len;
    sl_frame_put(&conn->out, kind, strings, count);
    if (sl_text_failed(&conn->out)) {
        conn->out.failed = false;
        conn->out.len = before;
        reply->overflow = true;
        return;
    }
    host_watch_set(conn->watch, HOST_READ | HOST_WRITE);
}

void host_reply_columns(struct host_reply *reply, const char *const *columns, size_t count, bool single)
{
    const char **strings = sl_new_array(count + 1, sizeof *strings);
    strings[0] = single ? "1" : "*";
    memcpy(strings + 1, columns, count * sizeof *strings);
    put(reply, SL_FRAME_COLUMNS, strings, count + 1);
    free(strings);
}

void host_reply_row(struct host_reply *reply, const char *const *cells, size_t count)
{
    put(reply, SL_FRAME_ROW, cells, count);
}

void host_reply_warning(struct host_reply *reply, const char *fmt, ...)
{
    struct sl_error text;
    va_list args;
    va_start(args, fmt);
    sl_vfail(&text, SL_OK, fmt, args);
    va_end(args);
    put(reply, SL_FRAME_WARNING, (const char *[]){text.text}, 1);
}

void host_reply_progress(struct host_reply *reply, uint64_t done, uint64_t total, const char *what)
{
    /* A client that does not keep up is not told of every step. */
    if (!reply->conn || pending(reply->conn) > OUT_HIGH)
        return;
    char done_text[24], total_text[24];
    snprintf(done_text, sizeof done_text, "%" PRIu64, done);
    snprintf(total_text, sizeof total_text, "%" PRIu64, total);
    put(reply, SL_FRAME_PROGRESS, (const char *[]){done_text, total_text, what}, 3);
}

static void end(struct host_reply *reply, enum sl_outcome outcome, const char *reason, const char *message)
{
    SL_CHECK_MAGIC(reply, REPLY_MAGIC);
    struct conn *conn = reply->conn;
    if (reply->overflow) {
        reply->overflow = false;
        outcome = SL_OUTCOME_INTERNAL;
        reason = "";
        message = "the answer is larger than the daemon may hold";
    }
    put(reply, SL_FRAME_END, (const char *[]){sl_outcome_word(outcome), reason ? reason : "", message}, 3);
    if (conn) {
        conn->reply = NULL;
        conn->ending = true;
    }
    reply_free(reply);
}

void host_reply_end(struct host_reply *reply, enum sl_outcome outcome, const char *reason, const char *fmt, ...)
{
    struct sl_error text = {0};
    va_list args;
    va_start(args, fmt);
    if (fmt)
        sl_vfail(&text, SL_OK, fmt, args);
    va_end(args);
    end(reply, outcome, reason, text.text);
}

void host_reply_fail(struct host_reply *reply, enum sl_status status, const struct sl_error *e)
{
    end(reply, sl_status_outcome(status), "", e ? sl_error_text(e) : sl_status_text(status));
}

void host_reply_pull(struct host_reply *reply, bool (*more)(struct host_reply *reply, void *state), host_fn *drop, void *state)
{
    SL_CHECK_MAGIC(reply, REPLY_MAGIC);
    sl_assert(!reply->more);
    reply->more = more;
    reply->drop = drop;
    reply->state = state;
    if (reply->conn)
        host_watch_set(reply->conn->watch, HOST_READ | HOST_WRITE);
    else
        stream_drop(reply);
}

void host_reply_rest(struct host_reply *reply)
{
    SL_CHECK_MAGIC(reply, REPLY_MAGIC);
    sl_assert(reply->pulling);
    reply->resting = true;
}

void host_reply_wake(struct host_reply *reply)
{
    SL_CHECK_MAGIC(reply, REPLY_MAGIC);
    reply->resting = false;
    if (reply->conn)
        host_watch_set(reply->conn->watch, HOST_READ | HOST_WRITE);
}

int host_request_take_fd(struct host_reply *reply)
{
    SL_CHECK_MAGIC(reply, REPLY_MAGIC);
    int fd = reply->request.fd;
    reply->request.fd = -1;
    return fd;
}

const char *host_request_option(const struct host_request *request, const char *name, size_t nth)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < request->option_count; i++) {
        const char *option = request->options[i];
        if (strncmp(option, name, len) == 0 && option[len] == '=' && nth-- == 0)
            return option + len + 1;
    }
    return NULL;
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

/* A streaming reply ends with its client; another is only cut off, its owner will end it. */
static void orphan(struct conn *conn)
{
    struct host_reply *reply = conn->reply;
    if (!reply)
        return;
    conn->reply = NULL;
    reply->conn = NULL;
    if (reply->more && !reply->pulling)
        stream_drop(reply);
}

static void conn_free(struct conn *conn)
{
    if (conn->passed_fd >= 0)
        close(conn->passed_fd);
    sl_text_fini(&conn->in);
    sl_text_fini(&conn->out);
    conn->magic = 0;
    free(conn);
}

static void conn_close(struct conn *conn)
{
    SL_CHECK_MAGIC(conn, CONN_MAGIC);
    if (conn->dead)
        return;
    conn->dead = true;
    host_watch_free(conn->watch);
    host_timer_free(conn->timer);
    close(conn->fd);
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    conn->control->conn_count--;
    host_watch_set(conn->control->watch, HOST_READ);
    conn->control = NULL;
    orphan(conn);
    if (!conn->busy)
        conn_free(conn);
}

/* A request: verb, options, an empty string, arguments. */
static struct host_reply *reply_new(struct conn *conn, const struct sl_frame *frame)
{
    struct host_reply *reply = sl_new(sizeof *reply);
    reply->magic = REPLY_MAGIC;
    reply->conn = conn;
    reply->strings = sl_new_array(frame->count, sizeof *reply->strings);
    memcpy(reply->strings, frame->strings, frame->count * sizeof *reply->strings);
    reply->octets = sl_text_take(&conn->in);
    struct host_request *request = &reply->request;
    request->fd = conn->passed_fd;
    conn->passed_fd = -1;
    request->verb = reply->strings[0];
    request->options = reply->strings + 1;
    size_t at = 1;
    while (at < frame->count && reply->strings[at][0])
        at++;
    request->option_count = at - 1;
    if (at < frame->count) {
        request->args = reply->strings + at + 1;
        request->arg_count = frame->count - at - 1;
    }
    conn->reply = reply;
    return reply;
}

static void dispatch(struct conn *conn, const struct sl_frame *frame)
{
    const struct host_control *control = conn->control;
    struct host_reply *reply = reply_new(conn, frame);
    for (size_t i = 0; i < control->verb_count; i++)
        if (strcmp(control->verbs[i].name, reply->request.verb) == 0) {
            control->verbs[i].run(&reply->request, reply, control->ctx);
            return;
        }
    host_reply_end(reply, SL_OUTCOME_USAGE, "unknown-verb", "the daemon has no verb \"%s\"", reply->request.verb);
}

/* Handles what has been read; false when it is not a request. */
static bool on_octets(struct conn *conn)
{
    struct sl_frame *frame = sl_new(sizeof *frame);
    size_t used = 0;
    enum sl_status status = sl_frame_get(conn->in.data, conn->in.len, frame, &used, NULL);
    bool good = status == SL_OK && (used == 0 || (used == conn->in.len && frame->kind == SL_FRAME_REQUEST && frame->count > 0));
    if (good && used > 0) {
        host_timer_stop(conn->timer);
        dispatch(conn, frame);
    }
    free(frame);
    return good;
}

/* Keeps the first descriptor that comes along; the kernel drops what there is no room for. CMSG_SPACE, padded, would have two. */
static ssize_t receive(struct conn *conn, void *chunk, size_t size)
{
    union {
        struct cmsghdr header;
        char octets[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = chunk, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.octets,
                             .msg_controllen = CMSG_LEN(sizeof(int))};
    ssize_t n = recvmsg(conn->fd, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&message);
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
        return n;
    if (conn->passed_fd >= 0)
        close(conn->passed_fd);
    memcpy(&conn->passed_fd, CMSG_DATA(c), sizeof conn->passed_fd);
    return n;
}

/* False when the connection is over: closed by the client, or something else than one request came. */
static bool read_some(struct conn *conn)
{
    char chunk[READ_CHUNK];
    ssize_t n = receive(conn, chunk, sizeof chunk);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0 || conn->reply || conn->ending)
        return false;
    sl_text_add(&conn->in, chunk, (size_t)n);
    return !sl_text_failed(&conn->in) && on_octets(conn);
}

static bool write_some(struct conn *conn)
{
    while (pending(conn) > 0) {
        ssize_t n = send(conn->fd, conn->out.data + conn->sent, pending(conn), MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        conn->sent += (size_t)n;
        host_timer_start(conn->timer, STALL_TIMEOUT_MS);
    }
    sl_text_reset(&conn->out);
    conn->sent = 0;
    return true;
}

/* Forgets what has been sent, so that a stream of any length needs little room. */
static void compact(struct conn *conn)
{
    if (conn->sent == 0)
        return;
    memmove(conn->out.data, conn->out.data + conn->sent, pending(conn));
    conn->out.len -= conn->sent;
    conn->sent = 0;
}

/* Lets a stream write until the client has enough to read, or the stream nothing to say. */
static void pull(struct conn *conn)
{
    struct host_reply *reply;
    while ((reply = conn->reply) && reply->more && !reply->resting && pending(conn) < OUT_HIGH) {
        compact(conn);
        size_t before = conn->out.len;
        reply->pulling = true;
        bool again = reply->more(reply, reply->state);
        if (!again) {
            sl_assert(conn->reply != reply);
            return;
        }
        reply->pulling = false;
        if (!reply->conn)
            stream_drop(reply);
        if (conn->out.len == before)
            return;
    }
}

/* False when the connection is over. */
static bool serve(struct conn *conn, unsigned events)
{
    if ((events & HOST_READ) && !read_some(conn))
        return false;
    if (conn->dead)
        return false;
    if (events & HOST_WRITE) {
        pull(conn);
        if (conn->dead || !write_some(conn))
            return false;
    }
    if (pending(conn) > 0)
        return true;
    if (conn->ending)
        return false;
    bool streaming = conn->reply && conn->reply->more && !conn->reply->resting;
    if (!streaming) {
        host_watch_set(conn->watch, HOST_READ);
        if (conn->reply)
            host_timer_stop(conn->timer);
    }
    return true;
}

static void on_conn(int fd, unsigned events, void *ctx)
{
    (void)fd;
    struct conn *conn = ctx;
    SL_CHECK_MAGIC(conn, CONN_MAGIC);
    conn->busy = true;
    bool keep = serve(conn, events);
    if (!keep)
        conn_close(conn);
    conn->busy = false;
    if (conn->dead)
        conn_free(conn);
}

static void on_conn_timer(void *ctx)
{
    conn_close(ctx);
}

static void resume(void *ctx)
{
    struct host_control *control = ctx;
    host_watch_set(control->watch, HOST_READ);
}

/* Who has connected first and asked nothing for a while makes room for the next; false when there is none. */
static bool make_room(struct host_control *control)
{
    struct conn *oldest = NULL;
    for (struct conn *conn = control->conns; conn; conn = conn->next)
        oldest = conn->reply || conn->ending ? oldest : conn;
    if (!oldest || sl_clock_mono_ms() - oldest->since_ms < PATIENCE_MS)
        return false;
    conn_close(oldest);
    return true;
}

static void on_listen(int fd, unsigned events, void *ctx)
{
    (void)events;
    struct host_control *control = ctx;
    SL_CHECK_MAGIC(control, CONTROL_MAGIC);
    if (control->conn_count == CONNECTIONS_MAX && !make_room(control)) {
        host_watch_set(control->watch, 0); /* until one has ended, or been silent for long enough */
        host_timer_start(control->resume, ACCEPT_PAUSE_MS);
        return;
    }
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) {
        bool out_of_descriptors = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (out_of_descriptors) {
            host_watch_set(control->watch, 0);
            host_timer_start(control->resume, ACCEPT_PAUSE_MS);
        }
        return;
    }
    struct conn *conn = sl_new(sizeof *conn);
    *conn = (struct conn){.magic = CONN_MAGIC, .next = control->conns, .link = &control->conns, .control = control, .fd = client,
                           .passed_fd = -1, .since_ms = sl_clock_mono_ms()};
    conn->in = sl_text_new(IN_MAX);
    conn->out = sl_text_new(OUT_MAX);
    if (conn->next)
        conn->next->link = &conn->next;
    control->conns = conn;
    conn->watch = host_watch_new(control->loop, client, HOST_READ, on_conn, conn);
    conn->timer = host_timer_new(control->loop, on_conn_timer, conn);
    host_timer_start(conn->timer, REQUEST_TIMEOUT_MS);
    control->conn_count++;
}

/* ---- the socket ------------------------------------------------------------------------------------------------ */

enum sl_status host_control_open(struct host_loop *loop, const char *path, const struct host_verb *verbs, size_t verb_count,
                                 void *ctx, struct host_control **ret_control, struct sl_error *e)
{
    struct host_control *control = sl_new(sizeof *control);
    *control = (struct host_control){.magic = CONTROL_MAGIC, .loop = loop, .verbs = verbs, .verb_count = verb_count, .ctx = ctx};
    enum sl_status status = host_unix_listen(path, &control->file, e);
    if (status != SL_OK) {
        free(control);
        return status;
    }
    control->watch = host_watch_new(loop, control->file.fd, HOST_READ, on_listen, control);
    control->resume = host_timer_new(loop, resume, control);
    *ret_control = control;
    return SL_OK;
}

enum sl_status host_control_group(struct host_control *control, const char *group, struct sl_error *e)
{
    gid_t id;
    SL_CHECK_MAGIC(control, CONTROL_MAGIC);
    enum sl_status status = host_user_group(group, &id, e);
    if (status != SL_OK || lchown(control->file.path, (uid_t)-1, id) == 0)
        return status;
    return sl_fail(e, SL_DENIED, "%s: giving it to group %s: %s", control->file.path, group, strerror(errno));
}

void host_control_close(struct host_control *control)
{
    if (!control)
        return;
    SL_CHECK_MAGIC(control, CONTROL_MAGIC);
    while (control->conns)
        conn_close(control->conns);
    host_watch_free(control->watch);
    host_timer_free(control->resume);
    host_unix_close(&control->file);
    control->magic = 0;
    free(control);
}
