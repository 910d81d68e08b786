/*
 * The loop and the control socket: a server on a thread of its own, asked through cli_remote and through bare sockets.
 */
#include "common/base/addr.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/cli/remote.h"
#include "common/host/control.h"
#include "common/host/run.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { STREAM_ROWS = 50000, POSTS = 1000, PATIENCE_MS = 20000 };

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

struct counter {
    struct host_loop *loop;
    int next;
    bool in_order;
    int64_t started_ms, fired_ms;
    struct host_timer *timer;
    struct host_watch *watch;
    int fd;
};

struct post {
    struct counter *counter;
    int number;
};

static void count_post(void *ctx)
{
    struct post *post = ctx;
    struct counter *c = post->counter;
    c->in_order = c->in_order && post->number == c->next;
    c->next++;
    if (post->number == POSTS - 1)
        host_loop_stop(c->loop);
    free(post);
}

static void *post_many(void *arg)
{
    struct counter *c = arg;
    for (int i = 0; i < POSTS; i++) {
        struct post *post = sl_new(sizeof *post);
        *post = (struct post){c, i};
        host_loop_post(c->loop, count_post, post);
    }
    return NULL;
}

START_TEST(posts_run_in_order_on_the_loop)
{
    struct counter c = {.loop = host_loop_new(), .in_order = true};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, post_many, &c), 0);
    host_loop_run(c.loop);
    pthread_join(thread, NULL);
    ck_assert(c.in_order);
    ck_assert_int_eq(c.next, POSTS);
    host_loop_free(c.loop);
}
END_TEST

static void count_and_stop(void *ctx)
{
    struct counter *c = ctx;
    c->next++;
    host_loop_stop(c->loop);
}

START_TEST(stop_ends_the_round_at_once)
{
    struct counter c = {.loop = host_loop_new()};
    host_loop_post(c.loop, count_and_stop, &c);
    host_loop_post(c.loop, count_and_stop, &c);
    host_loop_run(c.loop);
    ck_assert_int_eq(c.next, 1);
    host_loop_run(c.loop);
    ck_assert_int_eq(c.next, 2);
    host_loop_stop(c.loop);
    host_loop_run(c.loop);
    host_loop_post(c.loop, count_and_stop, &c);
    host_loop_free(c.loop);
}
END_TEST

static void on_timer(void *ctx)
{
    struct counter *c = ctx;
    c->fired_ms = sl_clock_mono_ms();
    host_timer_free(c->timer);
    host_loop_stop(c->loop);
}

START_TEST(a_timer_fires_once_and_never_early)
{
    for (int ms = 0; ms < 40; ms += 7) {
        struct counter c = {.loop = host_loop_new(), .started_ms = sl_clock_mono_ms()};
        struct host_timer *stopped = host_timer_new(c.loop, count_and_stop, &c);
        host_timer_start(stopped, 1);
        host_timer_stop(stopped);
        c.timer = host_timer_new(c.loop, on_timer, &c);
        host_timer_start(c.timer, ms);
        host_loop_run(c.loop);
        ck_assert_int_ge(c.fired_ms - c.started_ms, ms);
        ck_assert_int_eq(c.next, 0);
        host_timer_free(stopped);
        host_loop_free(c.loop);
    }
}
END_TEST

static void on_fd(int fd, unsigned events, void *ctx)
{
    struct counter *c = ctx;
    char octet;
    ck_assert_uint_eq(events, HOST_READ);
    ck_assert_int_eq(read(fd, &octet, 1), 1);
    c->next++;
    if (octet == 'p') {
        host_watch_set(c->watch, 0);
        host_loop_stop(c->loop);
    }
    if (octet == 'q') {
        host_watch_free(c->watch);
        host_loop_stop(c->loop);
    }
}

START_TEST(a_watch_pauses_and_frees_itself)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct counter c = {.loop = host_loop_new()};
    c.watch = host_watch_new(c.loop, pair[0], HOST_READ, on_fd, &c);
    ck_assert_int_eq(write(pair[1], "aapq", 4), 4);
    host_loop_run(c.loop);
    ck_assert_int_eq(c.next, 3);
    host_watch_set(c.watch, HOST_READ);
    host_loop_run(c.loop);
    ck_assert_int_eq(c.next, 4);
    host_loop_free(c.loop);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(a_signal_reaches_the_loop)
{
    struct counter c = {.loop = host_loop_new()};
    host_signal(c.loop, SIGTERM, count_and_stop, &c);
    kill(getpid(), SIGTERM);
    host_loop_run(c.loop);
    ck_assert_int_eq(c.next, 1);
    host_loop_free(c.loop);
}
END_TEST

/* ---- the server -------------------------------------------------------------------------------------------------- */

static atomic_int states_alive;

struct server {
    struct host_loop *loop;
    struct host_control *control;
    char path[64];
    pthread_t thread;
    struct host_reply *held; /* by the verb "hold" */
    atomic_bool holding;
    bool close_in_verb;
};

static void run_echo(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)ctx;
    const char *site = host_request_option(request, "site", 0), *second = host_request_option(request, "site", 1);
    host_reply_columns(reply, (const char *[]){"name:text", "n:number", "yes:bool", "items:list"}, 4, true);
    host_reply_progress(reply, 1, 2, "echo");
    host_reply_warning(reply, "warned of %s", request->arg_count ? request->args[0] : "nothing");
    host_reply_row(reply, (const char *[]){site, second, NULL, "a\nb"}, 4);
    host_reply_end(reply, SL_OUTCOME_NEGATIVE, "just-so", "args %zu options %zu", request->arg_count, request->option_count);
}

static void run_fail(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)request;
    (void)ctx;
    struct sl_error e = {0};
    enum sl_status status = sl_fail(&e, SL_CONFLICT, "second default MP");
    host_reply_fail(reply, status, &e);
}

static void run_hold(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)request;
    struct server *s = ctx;
    s->held = reply;
    s->holding = true;
}

struct stream {
    int left;
};

static bool more_rows(struct host_reply *reply, void *state)
{
    struct stream *stream = state;
    char cell[128];
    for (int i = 0; i < 10 && stream->left > 0; i++, stream->left--) {
        snprintf(cell, sizeof cell, "row %d of a stream that is far too long to be held as one whole in memory", stream->left);
        host_reply_row(reply, (const char *[]){cell}, 1);
    }
    if (stream->left > 0)
        return true;
    host_reply_end(reply, SL_OUTCOME_OK, "", NULL);
    states_alive--;
    free(stream);
    return false;
}

static void drop_stream(void *state)
{
    states_alive--;
    free(state);
}

static void run_stream(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)ctx;
    struct stream *stream = sl_new(sizeof *stream);
    int64_t rows = STREAM_ROWS;
    if (request->arg_count)
        ck_assert(sl_parse_i64(request->args[0], 0, INT32_MAX, &rows));
    stream->left = (int)rows;
    states_alive++;
    host_reply_columns(reply, (const char *[]){"row:text"}, 1, false);
    host_reply_pull(reply, more_rows, drop_stream, stream);
}

static void run_huge(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)request;
    (void)ctx;
    char *cell = malloc(900000);
    memset(cell, 'x', 899999);
    cell[899999] = '\0';
    host_reply_columns(reply, (const char *[]){"row:text"}, 1, false);
    for (int i = 0; i < 30; i++)
        host_reply_row(reply, (const char *const *)&cell, 1);
    free(cell);
    host_reply_end(reply, SL_OUTCOME_OK, "", NULL);
}

static void run_close(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)request;
    struct server *s = ctx;
    host_control_close(s->control);
    s->control = NULL;
    host_reply_row(reply, (const char *[]){"never read"}, 1);
    host_reply_end(reply, SL_OUTCOME_OK, "", "closed");
}

static const struct host_verb verbs[] = {
    {"echo", run_echo}, {"fail", run_fail}, {"hold", run_hold}, {"stream", run_stream}, {"huge", run_huge}, {"close", run_close},
};

static void *serve(void *arg)
{
    struct server *s = arg;
    host_loop_run(s->loop);
    return NULL;
}

static void server_open(struct server *s)
{
    struct sl_error e = {0};
    *s = (struct server){.loop = host_loop_new()};
    snprintf(s->path, sizeof s->path, "/tmp/test-host-%d.sock", getpid());
    enum sl_status status = host_control_open(s->loop, s->path, verbs, SL_COUNT(verbs), s, &s->control, &e);
    ck_assert_msg(status == SL_OK, "%s", e.text);
    ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    host_loop_stop(s->loop);
    pthread_join(s->thread, NULL);
}

static void server_close(struct server *s)
{
    server_stop(s);
    host_control_close(s->control);
    host_loop_free(s->loop);
    ck_assert_int_ne(access(s->path, F_OK), 0);
    ck_assert_int_eq(states_alive, 0);
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

struct asked {
    enum sl_outcome outcome;
    char *json;
    size_t len;
};

struct ask_values {
    struct cli_common common;
    char *control;
};

struct ask_verb_values {
    struct sl_strings site;
    int64_t wait_ms;
    char *file;
};

static const struct sl_option program_rows[] = {
    {.name = "control", .type = SL_OPT_STRING, .offset = offsetof(struct ask_values, control)},
};
static const struct sl_option verb_rows[] = {
    {.name = "site", .type = SL_OPT_STRINGS, .offset = offsetof(struct ask_verb_values, site)},
    {.name = "wait", .type = SL_OPT_DURATION, .offset = offsetof(struct ask_verb_values, wait_ms)},
    {.name = "file", .type = SL_OPT_STRING, .offset = offsetof(struct ask_verb_values, file), .flags = SL_OPT_PATH},
};

static struct asked ask_with(const char *path, const char *verb_name, const char *arg, int64_t timeout_ms,
                             struct ask_verb_values *verb_values, const struct sl_option **given, size_t given_count)
{
    struct ask_values values = {0};
    const struct cli_verb verb = {.name = verb_name, .options = verb_rows, .option_count = SL_COUNT(verb_rows)};
    const struct cli_program program = {.name = "ask", .options = program_rows, .option_count = SL_COUNT(program_rows)};
    struct asked asked = {0};
    FILE *out = tmpfile();
    char *args[] = {(char *)(uintptr_t)arg};
    struct cli_call call = {.program = &program, .verb = &verb, .values = &values, .verb_values = verb_values, .args = args,
                            .arg_count = arg ? 1 : 0, .given = given, .given_count = given_count};
    call.doc = cli_doc_new(out, CLI_JSON, false);
    asked.outcome = cli_remote(&call, path, timeout_ms);
    cli_doc_finish(call.doc, "ask", asked.outcome, false);
    cli_doc_free(call.doc);
    asked.len = (size_t)ftell(out);
    asked.json = sl_new(asked.len + 1);
    rewind(out);
    ck_assert_uint_eq(fread(asked.json, 1, asked.len, out), asked.len);
    fclose(out);
    return asked;
}

static struct asked ask(const struct server *s, const char *verb, const char *arg)
{
    return ask_with(s->path, verb, arg, PATIENCE_MS, NULL, NULL, 0);
}

static void expect(struct asked asked, enum sl_outcome outcome, const char *part)
{
    ck_assert_msg(asked.outcome == outcome && strstr(asked.json, part), "outcome %s, wanted %s with %s: %.300s",
                  sl_outcome_word(asked.outcome), sl_outcome_word(outcome), part, asked.json);
    free(asked.json);
}

static int connect_raw(const struct server *s)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    ck_assert(sl_text_copy(addr.sun_path, sizeof addr.sun_path, s->path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

static void send_verb(int fd, const char *verb, const char *arg)
{
    struct sl_text out = sl_text_new(4096);
    sl_frame_put(&out, SL_FRAME_REQUEST, (const char *[]){verb, "", arg}, arg ? 3 : 2);
    ck_assert_int_eq(write(fd, out.data, out.len), (ssize_t)out.len);
    sl_text_fini(&out);
}

static bool closed_by_peer(int fd)
{
    char octet;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) != 1)
        return false;
    return recv(fd, &octet, 1, 0) <= 0;
}

static void wait_until_holding(struct server *s)
{
    for (int64_t end = sl_clock_mono_ms() + PATIENCE_MS; !s->holding && sl_clock_mono_ms() < end;)
        poll(NULL, 0, 2);
    ck_assert(s->holding);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

START_TEST(a_request_becomes_a_document)
{
    struct server s;
    server_open(&s);
    char abc[] = "ABC", number[] = "42", file[] = "x", *sites[] = {abc, number};
    struct ask_verb_values v = {.site = {.items = sites, .count = 2}, .wait_ms = 1500, .file = file};
    const struct sl_option *given[] = {&verb_rows[0], &verb_rows[1], &verb_rows[2], &cli_common_options[0]};
    struct asked asked = ask_with(s.path, "echo", "one", PATIENCE_MS, &v, given, 4);
    expect(asked, SL_OUTCOME_NEGATIVE,
           "{\"v\":1,\"outcome\":\"negative\",\"reason\":\"just-so\",\"message\":\"args 1 options 4\","
           "\"answer\":{\"name\":\"ABC\",\"n\":42,\"yes\":null,\"items\":[\"a\",\"b\"]},"
           "\"steps\":[],\"warnings\":[\"warned of one\"]}\n");
    expect(ask(&s, "fail", NULL), SL_OUTCOME_CONFLICT, "second default MP");
    expect(ask(&s, "nothing", NULL), SL_OUTCOME_USAGE, "unknown-verb");
    server_close(&s);
}
END_TEST

START_TEST(a_long_answer_is_streamed)
{
    struct server s;
    server_open(&s);
    struct asked asked = ask(&s, "stream", NULL);
    size_t rows = 0; /* a line each */
    for (const char *p = asked.json; *p; p++)
        rows += *p == '\n';
    ck_assert_uint_eq(rows, STREAM_ROWS);
    expect(asked, SL_OUTCOME_OK, "\"row 1 of");
    expect(ask(&s, "stream", "0"), SL_OUTCOME_OK, "\"answer\":[]");
    server_close(&s);
}
END_TEST

START_TEST(an_answer_too_large_to_hold_is_told)
{
    struct server s;
    server_open(&s);
    expect(ask(&s, "huge", NULL), SL_OUTCOME_INTERNAL, "larger than the daemon may hold");
    server_close(&s);
}
END_TEST

START_TEST(a_stream_is_dropped_with_its_client)
{
    struct server s;
    server_open(&s);
    for (int i = 0; i < 20; i++) {
        int fd = connect_raw(&s);
        char octets[1000];
        send_verb(fd, "stream", "100000000");
        ck_assert_int_gt(recv(fd, octets, sizeof octets, 0), 0);
        close(fd);
    }
    expect(ask(&s, "stream", "3"), SL_OUTCOME_OK, "\"row 3 of");
    server_close(&s);
}
END_TEST

static void end_held(void *ctx)
{
    struct server *s = ctx;
    host_reply_row(s->held, (const char *[]){"x"}, 1);
    host_reply_end(s->held, SL_OUTCOME_OK, "", "late");
    s->held = NULL;
}

static void end_late(void *ctx)
{
    struct server *s = ctx;
    end_held(s);
    s->holding = false;
}

START_TEST(a_reply_may_end_after_its_client)
{
    struct server s;
    server_open(&s);
    int fd = connect_raw(&s);
    send_verb(fd, "hold", NULL);
    wait_until_holding(&s);
    close(fd);
    expect(ask(&s, "stream", "0"), SL_OUTCOME_OK, "\"answer\":[]"); /* whoever comes later is served after the close is seen */
    host_loop_post(s.loop, end_late, &s);
    for (int64_t end = sl_clock_mono_ms() + PATIENCE_MS; s.holding && sl_clock_mono_ms() < end;)
        poll(NULL, 0, 2);
    ck_assert(!s.holding);
    server_close(&s);
}
END_TEST

START_TEST(a_reply_may_end_after_the_socket)
{
    struct server s;
    server_open(&s);
    int fd = connect_raw(&s);
    send_verb(fd, "hold", NULL);
    wait_until_holding(&s);
    server_stop(&s);
    host_control_close(s.control);
    end_held(&s);
    ck_assert(closed_by_peer(fd));
    close(fd);
    host_loop_free(s.loop);
}
END_TEST

START_TEST(a_verb_may_close_the_socket)
{
    struct server s;
    server_open(&s);
    expect(ask(&s, "close", NULL), SL_OUTCOME_UNREACHABLE, "before its answer was complete");
    server_close(&s);
}
END_TEST

START_TEST(a_streaming_reply_dies_with_the_socket)
{
    struct server s;
    server_open(&s);
    int fd = connect_raw(&s);
    char octet;
    send_verb(fd, "stream", "100000000");
    ck_assert_int_eq(recv(fd, &octet, 1, 0), 1);
    server_close(&s);
    close(fd);
}
END_TEST

START_TEST(bad_clients_are_cut_off)
{
    static const struct {
        const char *octets;
        size_t len;
    } cases[] = {
        {"GET / HTTP/1.0\r\n\r\n", 18}, {"\0\0\0\0Q", 5},      {"\xff\xff\xff\xffQ", 5},      {"\0\0\0\x03Rx", 7},
        {"\0\0\0\x02Qx", 6},            {"\0\0\0\x01Q", 5},    {"\0\0\0\x03Qx\0Q", 8},        {"\0\0\0\x03Zx", 7},
    };
    struct server s;
    server_open(&s);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        int fd = connect_raw(&s);
        ck_assert_int_eq(write(fd, cases[i].octets, cases[i].len), (ssize_t)cases[i].len);
        ck_assert_msg(closed_by_peer(fd), "case %zu", i);
        close(fd);
    }
    expect(ask(&s, "fail", NULL), SL_OUTCOME_CONFLICT, "second");
    server_close(&s);
}
END_TEST

START_TEST(a_request_may_come_in_pieces)
{
    struct server s;
    server_open(&s);
    int fd = connect_raw(&s);
    static const char request[] = "\0\0\0\x07Qfail\0";
    for (size_t i = 0; i < sizeof request; i++) {
        ck_assert_int_eq(send(fd, request + i, 1, MSG_NOSIGNAL), 1);
        poll(NULL, 0, 1);
    }
    char answer[200];
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    ck_assert_int_gt(n, 5);
    ck_assert_int_eq(answer[4], 'E');
    ck_assert_str_eq(answer + 5, "conflict");
    close(fd);
    server_close(&s);
}
END_TEST

/* A request with so many copies of a file along. */
static void send_files(int fd, int file, size_t count)
{
    enum { FILES_MAX = 8 };
    static const char request[] = "\0\0\0\x06Qfail";
    char control[CMSG_SPACE(FILES_MAX * sizeof(int))] = "";
    struct iovec part = {.iov_base = (char *)(uintptr_t)request, .iov_len = sizeof request};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = CMSG_SPACE(count * sizeof file)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof file), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    for (size_t i = 0; i < count; i++)
        memcpy(CMSG_DATA(c) + i * sizeof file, &file, sizeof file);
    ck_assert_int_eq(sendmsg(fd, &message, 0), (ssize_t)sizeof request);
}

START_TEST(files_that_come_along_are_closed_however_many)
{
    enum { MOST = 4, SOON_MS = 2000 };
    struct server s;
    server_open(&s);
    for (size_t count = 1; count <= MOST; count++) {
        int ends[2], fd = connect_raw(&s);
        ck_assert_int_eq(pipe(ends), 0);
        send_files(fd, ends[1], count);
        close(ends[1]);
        struct pollfd answer = {.fd = fd, .events = POLLIN}, end = {.fd = ends[0]};
        ck_assert_int_eq(poll(&answer, 1, PATIENCE_MS), 1);
        ck_assert_msg(poll(&end, 1, SOON_MS) == 1, "one of %zu files is still open", count);
        close(ends[0]);
        close(fd);
    }
    server_close(&s);
}
END_TEST

START_TEST(connections_that_wait_for_an_answer_are_bounded)
{
    enum { CROWD = 80 };
    struct server s;
    int fds[CROWD];
    server_open(&s);
    for (int i = 0; i < CROWD; i++) {
        fds[i] = connect_raw(&s);
        send_verb(fds[i], i < CROWD - 1 ? "stream" : "fail", i < CROWD - 1 ? "100000000" : NULL);
    }
    struct pollfd p = {.fd = fds[CROWD - 1], .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 200), 0);
    for (int i = 0; i < CROWD - 1; i++)
        close(fds[i]);
    ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
    close(fds[CROWD - 1]);
    server_close(&s);
}
END_TEST

START_TEST(who_asks_nothing_keeps_nobody_out)
{
    enum { CROWD = 80 };
    struct server s;
    int fds[CROWD];
    server_open(&s);
    for (int i = 0; i < CROWD; i++)
        fds[i] = connect_raw(&s);
    expect(ask(&s, "fail", NULL), SL_OUTCOME_CONFLICT, "second");
    ck_assert(closed_by_peer(fds[0])); /* the oldest goes, the youngest stays */
    struct pollfd p = {.fd = fds[CROWD - 1], .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
    server_close(&s);
}
END_TEST

START_TEST(the_socket_file_is_kept_in_order)
{
    struct server s;
    struct stat st;
    struct sl_error e = {0};
    struct host_control *second = NULL;
    mode_t old = umask(0);
    server_open(&s);
    ck_assert_int_eq(stat(s.path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0660);
    ck_assert_int_eq(host_control_open(s.loop, s.path, verbs, 1, NULL, &second, &e), SL_CONFLICT);
    ck_assert_ptr_nonnull(strstr(e.text, s.path));
    expect(ask(&s, "fail", NULL), SL_OUTCOME_CONFLICT, "second");
    server_close(&s);

    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    ck_assert(sl_text_copy(addr.sun_path, sizeof addr.sun_path, s.path));
    ck_assert_int_eq(bind(stale, (struct sockaddr *)&addr, sizeof addr), 0);
    close(stale);
    expect(ask(&s, "fail", NULL), SL_OUTCOME_UNREACHABLE, "no daemon answers");
    server_open(&s);
    expect(ask(&s, "fail", NULL), SL_OUTCOME_CONFLICT, "second");
    server_close(&s);
    expect(ask(&s, "fail", NULL), SL_OUTCOME_UNREACHABLE, "no daemon answers");

    fclose(fopen(s.path, "w"));
    struct host_loop *loop = host_loop_new();
    ck_assert_int_eq(host_control_open(loop, s.path, verbs, 1, NULL, &second, &e), SL_CONFLICT);
    ck_assert_int_eq(unlink(s.path), 0);
    ck_assert_int_ne(host_control_open(loop, "/nowhere/at/all.sock", verbs, 1, NULL, &second, &e), SL_OK);
    ck_assert_ptr_nonnull(strstr(e.text, "/nowhere/at/all.sock"));
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_assert_int_eq(host_control_open(loop, longest, verbs, 1, NULL, &second, &e), SL_USAGE);
    host_loop_free(loop);
    umask(old);
}
END_TEST

START_TEST(a_silent_daemon_is_not_waited_for)
{
    struct server s;
    server_open(&s);
    expect(ask_with(s.path, "hold", NULL, 50, NULL, NULL, 0), SL_OUTCOME_UNREACHABLE, "no answer within 50 ms");
    wait_until_holding(&s);
    host_loop_post(s.loop, end_held, &s);
    expect(ask(&s, "fail", NULL), SL_OUTCOME_CONFLICT, "second");
    server_close(&s);
}
END_TEST

START_TEST(a_program_runs_without_a_shell)
{
    struct sl_text out = sl_text_new(64);
    struct sl_error e = {0};
    int code = -1;
    const char *const cat[] = {"cat", NULL}, *const words[] = {"printf", "%s|", "a b", "$HOME", "`id`", NULL};
    ck_assert_int_eq(host_run(cat, "to be\nor not", sl_deadline_in(5000), &out, &code, &e), SL_OK);
    ck_assert_str_eq(sl_text_str(&out), "to be\nor not");
    ck_assert_int_eq(code, 0);
    sl_text_reset(&out);
    ck_assert_int_eq(host_run(words, "", sl_deadline_in(5000), &out, &code, &e), SL_OK);
    ck_assert_str_eq(sl_text_str(&out), "a b|$HOME|`id`|");
    sl_text_fini(&out);
}
END_TEST

START_TEST(a_program_that_fails_or_hangs_is_told)
{
    enum { MUCH = 1 << 20 };
    struct sl_text out = sl_text_new(MUCH / 2);
    struct sl_error e = {0};
    int code = -1;
    const char *const no[] = {"false", NULL}, *const none[] = {"no-such-program-anywhere", NULL};
    const char *const hangs[] = {"sh", "-c", "exec >/dev/null 2>&1; sleep 60", NULL};
    const char *const left[] = {"sh", "-c", "sleep 2 & kill -9 $$", NULL};
    const char *const cat[] = {"cat", NULL}, *const deaf[] = {"true", NULL};
    ck_assert_int_eq(host_run(no, "", sl_deadline_in(5000), &out, &code, &e), SL_OK);
    ck_assert_int_eq(code, 1);
    ck_assert_int_eq(host_run(none, "", sl_deadline_in(5000), &out, &code, &e), SL_UNSUPPORTED);
    int64_t start_ms = sl_clock_mono_ms();
    ck_assert_int_eq(host_run(hangs, "", sl_deadline_in(100), &out, &code, &e), SL_TIMEOUT);
    ck_assert_int_lt(sl_clock_mono_ms() - start_ms, 5000);
    ck_assert_int_eq(host_run(left, "", sl_deadline_in(5000), &out, &code, &e), SL_OK); /* it leaves its output to another */
    ck_assert_int_eq(code, 128 + SIGKILL);
    char *much = sl_new(MUCH + 1);
    memset(much, 'x', MUCH);
    ck_assert_int_eq(host_run(deaf, much, sl_deadline_in(5000), &out, &code, &e), SL_OK); /* it never reads */
    ck_assert_int_eq(host_run(cat, much, sl_deadline_in(5000), &out, &code, &e), SL_OK);  /* more than there is room for */
    ck_assert_uint_eq(out.len, MUCH / 2);
    ck_assert(!sl_text_failed(&out));
    free(much);
    sl_text_fini(&out);
}
END_TEST

UNIT_MAIN("host", posts_run_in_order_on_the_loop, stop_ends_the_round_at_once, a_timer_fires_once_and_never_early,
          a_watch_pauses_and_frees_itself, a_signal_reaches_the_loop, a_request_becomes_a_document, a_long_answer_is_streamed,
          an_answer_too_large_to_hold_is_told, a_stream_is_dropped_with_its_client, a_reply_may_end_after_its_client,
          a_reply_may_end_after_the_socket, a_verb_may_close_the_socket, a_streaming_reply_dies_with_the_socket,
          bad_clients_are_cut_off, a_request_may_come_in_pieces, files_that_come_along_are_closed_however_many,
          connections_that_wait_for_an_answer_are_bounded, who_asks_nothing_keeps_nobody_out, the_socket_file_is_kept_in_order,
          a_silent_daemon_is_not_waited_for, a_program_runs_without_a_shell, a_program_that_fails_or_hangs_is_told)
