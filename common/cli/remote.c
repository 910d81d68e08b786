#include "common/cli/remote.h"

#include "common/base/assert.h"
#include "common/base/frame.h"
#include "common/base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_CHUNK = 65536, OPTION_TEXT_MAX = 64, TYPE_MAX = 16, NAME_MAX_LEN = 64 };

struct remote {
    struct cli_call *call;
    const char *path;
    int64_t timeout_ms;
    const struct cli_remote_extra *extra;
    int fd;
    int stop_fd; /* readable when a signal ends an endless call; -1 without */
    struct sl_text in;
    size_t width; /* of the declared columns */
    bool single;
    uint64_t rows;
    bool progress_shown;
    bool ended;
    enum sl_outcome outcome;
};

static enum sl_outcome give_up(struct remote *r, enum sl_outcome outcome, const char *fmt, ...) SL_PRINTF(3, 4);

static enum sl_outcome give_up(struct remote *r, enum sl_outcome outcome, const char *fmt, ...)
{
    struct sl_error text = {0};
    va_list args;
    va_start(args, fmt);
    sl_vfail(&text, SL_OK, fmt, args);
    va_end(args);
    sl_fail_in(&text, SL_OK, "%s", r->path);
    cli_doc_reason(r->call->doc, "", text.text);
    r->ended = true;
    r->outcome = outcome;
    return outcome;
}

/* ---- the request ------------------------------------------------------------------------------------------------- */

/* A file name that the daemon can open from its own folder. */
static void add_path(struct sl_text *out, const char *path)
{
    char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);
    if (folder)
        sl_text_printf(out, "%s/", folder);
    sl_text_puts(out, path);
    free(folder);
}

static void add_value(struct sl_text *out, const struct sl_option *row, const void *value, size_t nth)
{
    switch (row->type) {
    case SL_OPT_FLAG:
        sl_text_puts(out, "true");
        break;
    case SL_OPT_STRING:
        if (row->flags & SL_OPT_PATH)
            add_path(out, *(char *const *)value);
        else
            sl_text_puts(out, *(char *const *)value);
        break;
    case SL_OPT_STRINGS:
        sl_text_puts(out, ((const struct sl_strings *)value)->items[nth]);
        break;
    case SL_OPT_INT:
        sl_text_printf(out, "%" PRId64, *(const int64_t *)value);
        break;
    case SL_OPT_DURATION:
        sl_text_printf(out, "%" PRId64 "ms", *(const int64_t *)value);
        break;
    case SL_OPT_WORD:
        sl_text_puts(out, row->words[*(const int *)value]);
        break;
    }
}

static bool in_rows(const struct sl_option *row, const struct sl_option *rows, size_t count)
{
    return row >= rows && row < rows + count;
}

static void add_option(struct sl_strings *request, const struct cli_call *call, const struct sl_option *row)
{
    bool of_verb = in_rows(row, call->verb->options, call->verb->option_count);
    const void *value = (const char *)(of_verb ? call->verb_values : call->values) + row->offset;
    size_t times = row->type == SL_OPT_STRINGS ? ((const struct sl_strings *)value)->count : 1;
    for (size_t i = 0; i < times; i++) {
        struct sl_text text = sl_text_new(SL_FRAME_MAX);
        sl_text_printf(&text, "%s=", row->name);
        add_value(&text, row, value, i);
        sl_strings_add(request, sl_text_str(&text));
        sl_text_fini(&text);
    }
}

/* Verb, options (those of every program have no meaning for a daemon), an empty string, arguments. */
static void build_request(const struct cli_call *call, struct sl_text *out)
{
    struct sl_strings request = {0};
    sl_strings_add(&request, call->verb->name);
    for (size_t i = 0; i < call->given_count; i++)
        if (!in_rows(call->given[i], cli_common_options, cli_common_option_count))
            add_option(&request, call, call->given[i]);
    sl_strings_add(&request, "");
    for (int i = 0; i < call->arg_count; i++)
        sl_strings_add(&request, call->args[i]);
    sl_frame_put(out, SL_FRAME_REQUEST, (const char *const *)request.items, request.count);
    sl_strings_fini(&request);
}

/* ---- the socket -------------------------------------------------------------------------------------------------- */

static bool wait_for(struct remote *r, short events)
{
    struct pollfd p[] = {{.fd = r->fd, .events = events}, {.fd = r->stop_fd, .events = POLLIN}};
    bool patient = r->timeout_ms > INT32_MAX || (r->extra->endless && events == POLLIN);
    int n;
    do
        n = poll(p, SL_COUNT(p), patient ? -1 : (int)r->timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n > 0 && p[1].revents) {
        r->ended = true;
        r->outcome = SL_OUTCOME_OK;
        return false;
    }
    if (n == 0)
        give_up(r, SL_OUTCOME_UNREACHABLE, "no answer within %" PRId64 " ms", r->timeout_ms);
    return n > 0;
}

static void connect_to(struct remote *r)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (!sl_text_copy(addr.sun_path, sizeof addr.sun_path, r->path)) {
        give_up(r, SL_OUTCOME_USAGE, "longer than the %zu octets of a socket's path", sizeof addr.sun_path - 1);
        return;
    }
    r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->fd >= 0 && connect(r->fd, (const struct sockaddr *)&addr, sizeof addr) == 0)
        return;
    int err = errno;
    if (err == EACCES || err == EPERM)
        give_up(r, SL_OUTCOME_DENIED, "the control socket may not be opened: %s", strerror(err));
    else
        give_up(r, SL_OUTCOME_UNREACHABLE, "no daemon answers: %s; is it running, and is that its --control?", strerror(err));
}

/* The descriptor goes with the first octets. */
static ssize_t send_octets(const struct remote *r, void *octets, size_t len, bool first)
{
    if (!first || r->extra->fd < 0)
        return send(r->fd, octets, len, MSG_NOSIGNAL);
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
    memcpy(CMSG_DATA(c), &r->extra->fd, sizeof r->extra->fd);
    return sendmsg(r->fd, &message, MSG_NOSIGNAL);
}

static void send_request(struct remote *r)
{
    struct sl_text out = sl_text_new(SL_FRAME_MAX + 16);
    build_request(r->call, &out);
    if (sl_text_failed(&out))
        give_up(r, SL_OUTCOME_USAGE, "the request is longer than %d octets", SL_FRAME_MAX);
    for (size_t sent = 0; sent < out.len && !r->ended && wait_for(r, POLLOUT);) {
        ssize_t n = send_octets(r, out.data + sent, out.len - sent, sent == 0);
        if (n < 0 && errno != EINTR)
            break; /* what the daemon has to say about it can still be read */
        sent += n > 0 ? (size_t)n : 0;
    }
    sl_text_fini(&out);
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static bool parse_column(const char *text, char name[NAME_MAX_LEN], enum cli_type *ret_type)
{
    static const struct {
        const char *word;
        enum cli_type type;
    } types[] = {{"text", CLI_TEXT}, {"number", CLI_NUMBER}, {"bool", CLI_BOOL}, {"list", CLI_LIST}};
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || colon - text >= NAME_MAX_LEN)
        return false;
    snprintf(name, NAME_MAX_LEN, "%.*s", (int)(colon - text), text);
    for (size_t i = 0; i < SL_COUNT(types); i++)
        if (strcmp(types[i].word, colon + 1) == 0) {
            *ret_type = types[i].type;
            return true;
        }
    return false;
}

static bool on_columns(struct remote *r, const struct sl_frame *f)
{
    if (r->width > 0 || f->count < 2)
        return false;
    size_t width = f->count - 1;
    struct cli_column *columns = sl_new_array(width, sizeof *columns);
    char(*names)[NAME_MAX_LEN] = sl_new_array(width, sizeof *names);
    bool good = true;
    for (size_t i = 0; i < width && good; i++) {
        columns[i].name = names[i];
        good = parse_column(f->strings[i + 1], names[i], &columns[i].type);
    }
    if (good) {
        r->width = width;
        r->single = strcmp(f->strings[0], "1") == 0;
        if (!r->extra->row)
            cli_doc_columns(r->call->doc, columns, width, r->single);
    }
    free(names);
    free(columns);
    return good;
}

static void cells_of(const struct sl_frame *f, const char **cells)
{
    for (size_t i = 0; i < f->count; i++)
        cells[i] = strcmp(f->strings[i], SL_FRAME_NULL) == 0 ? NULL : f->strings[i];
}

static bool on_row(struct remote *r, const struct sl_frame *f)
{
    if (f->count != r->width || (r->single && r->rows > 0))
        return false;
    const char **cells = sl_new_array(f->count, sizeof *cells);
    cells_of(f, cells);
    bool taken = !r->extra->row || r->extra->row(r->extra->ctx, cells, f->count);
    if (!r->extra->row)
        cli_doc_row(r->call->doc, cells);
    free(cells);
    r->rows++;
    return taken;
}

static bool on_step(struct remote *r, const struct sl_frame *f)
{
    const char *cells[CLI_STEP_COLUMNS];
    if (f->count != CLI_STEP_COLUMNS)
        return false;
    cells_of(f, cells);
    cli_doc_step(r->call->doc, cells);
    return true;
}

static bool on_warning(struct remote *r, const struct sl_frame *f)
{
    if (f->count != 1)
        return false;
    cli_doc_warning(r->call->doc, f->strings[0]);
    return true;
}

static bool on_progress(struct remote *r, const struct sl_frame *f)
{
    const struct cli_common *common = r->call->values;
    if (f->count != 3)
        return false;
    if (common->quiet || !isatty(STDERR_FILENO))
        return true;
    char what[NAME_MAX_LEN];
    bool total = strcmp(f->strings[1], "0") != 0;
    sl_text_escape(what, sizeof what, f->strings[2], strlen(f->strings[2]));
    fprintf(stderr, "\r%s %.20s%s%.20s\033[K", what, f->strings[0], total ? " of " : "", total ? f->strings[1] : "");
    r->progress_shown = true;
    return true;
}

static bool on_end(struct remote *r, const struct sl_frame *f)
{
    if (f->count != 3)
        return false;
    r->outcome = sl_outcome_parse(f->strings[0]);
    if (r->outcome == SL_OUTCOME_COUNT)
        return false;
    const char *message = strcmp(f->strings[2], SL_FRAME_NULL) == 0 ? "" : f->strings[2];
    cli_doc_reason(r->call->doc, f->strings[1], message);
    r->ended = true;
    return true;
}

static bool on_frame(struct remote *r, const struct sl_frame *f)
{
    switch (f->kind) {
    case SL_FRAME_COLUMNS:
        return on_columns(r, f);
    case SL_FRAME_ROW:
        return on_row(r, f);
    case SL_FRAME_STEP:
        return on_step(r, f);
    case SL_FRAME_WARNING:
        return on_warning(r, f);
    case SL_FRAME_PROGRESS:
        return on_progress(r, f);
    case SL_FRAME_END:
        return on_end(r, f);
    case SL_FRAME_REQUEST:
        return false;
    }
    return false;
}

/* Handles every whole frame that has come and keeps the rest. */
static void take_frames(struct remote *r, struct sl_frame *frame)
{
    size_t at = 0;
    while (!r->ended) {
        size_t used = 0;
        struct sl_error e = {0};
        if (sl_frame_get(r->in.data + at, r->in.len - at, frame, &used, &e) != SL_OK) {
            give_up(r, SL_OUTCOME_INTERNAL, "%s", sl_error_text(&e));
            return;
        }
        if (used == 0)
            break;
        at += used;
        if (!on_frame(r, frame))
            give_up(r, SL_OUTCOME_INTERNAL, "the daemon sent a '%c' frame that does not fit its answer", frame->kind);
    }
    memmove(r->in.data, r->in.data + at, r->in.len - at);
    r->in.len -= at;
}

static void receive(struct remote *r)
{
    struct sl_frame *frame = sl_new(sizeof *frame);
    char *chunk = sl_new(READ_CHUNK);
    while (!r->ended && wait_for(r, POLLIN)) {
        ssize_t n = recv(r->fd, chunk, READ_CHUNK, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            give_up(r, SL_OUTCOME_UNREACHABLE, "the daemon closed the connection before its answer was complete");
            break;
        }
        sl_text_add(&r->in, chunk, (size_t)n);
        take_frames(r, frame);
    }
    if (r->progress_shown)
        fputs("\r\033[K", stderr);
    free(chunk);
    free(frame);
}

/* From here on these two are read from a descriptor instead of ending the process. */
static int catch_signals(void)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &both, NULL);
    return signalfd(-1, &both, SFD_CLOEXEC);
}

enum sl_outcome cli_remote(struct cli_call *call, const char *path, int64_t timeout_ms)
{
    return cli_remote_with(call, path, timeout_ms, &(struct cli_remote_extra){.fd = -1});
}

enum sl_outcome cli_remote_with(struct cli_call *call, const char *path, int64_t timeout_ms,
                                const struct cli_remote_extra *extra)
{
    struct remote r = {.call = call, .path = path, .timeout_ms = timeout_ms, .extra = extra, .fd = -1, .stop_fd = -1,
                       .outcome = SL_OUTCOME_INTERNAL};
    r.in = sl_text_new(SL_FRAME_MAX + READ_CHUNK + 16);
    connect_to(&r);
    if (!r.ended && extra->endless)
        r.stop_fd = catch_signals();
    if (!r.ended)
        send_request(&r);
    if (!r.ended)
        receive(&r);
    if (r.stop_fd >= 0)
        close(r.stop_fd);
    if (r.fd >= 0)
        close(r.fd);
    sl_text_fini(&r.in);
    return r.outcome;
}
