#include "common/host/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 4096, PIPE_CHUNKS = 16, SIGNALED = 128 };

/* A program under way. Its standard input is a socket: writing to one that has gone is an error, not a signal. */
struct running {
    pid_t pid;
    int in, out, end;
};

/* The threads of a daemon block signals; the program starts without. It leads a group: what it starts ends with it. */
static int spawn(const char *const *argv, int in, int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int error = posix_spawnp(ret_pid, argv[0], &files, &attr, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int start(const char *const *argv, struct running *r)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, error = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
        fcntl(out[0], F_SETFL, O_NONBLOCK) != 0)
        error = errno;
    else
        error = spawn(argv, in[1], out[1], &r->pid);
    close_one(&in[1]);
    close_one(&out[1]);
    r->in = in[0];
    r->out = out[0];
    r->end = error ? -1 : (int)syscall(SYS_pidfd_open, r->pid, 0);
    return error || r->end >= 0 ? error : errno;
}

/* Its exit code. */
static int end(struct running *r, bool by_force)
{
    int how = 0;
    if (r->pid && by_force)
        kill(-r->pid, SIGKILL);
    while (r->pid && waitpid(r->pid, &how, 0) < 0 && errno == EINTR)
        ;
    close_one(&r->in);
    close_one(&r->out);
    close_one(&r->end);
    return WIFEXITED(how) ? WEXITSTATUS(how) : SIGNALED + WTERMSIG(how);
}

/* Writes what there is room for; closes the input when all is written, or nobody reads it. */
static void feed(struct running *r, const char **input)
{
    ssize_t n = send(r->in, *input, strlen(*input), MSG_DONTWAIT | MSG_NOSIGNAL);
    *input += n > 0 ? n : 0;
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || **input == '\0')
        close_one(&r->in);
}

/* Takes what there is room for and drops the rest; false when there is no more for now. */
static bool take(struct running *r, struct sl_text *output)
{
    char chunk[CHUNK];
    ssize_t n = read(r->out, chunk, sizeof chunk);
    if (n == 0)
        close_one(&r->out);
    if (n <= 0)
        return false;
    size_t room = output->limit - output->len;
    sl_text_add(output, chunk, (size_t)n < room ? (size_t)n : room);
    return true;
}

/* Until it has ended: what it has left behind may hold its output open. */
static enum sl_status talk(struct running *r, const char *input, struct sl_deadline deadline, struct sl_text *output)
{
    for (;;) {
        struct pollfd p[] = {{r->out, POLLIN, 0}, {r->in, POLLOUT, 0}, {r->end, POLLIN, 0}};
        int n = poll(p, SL_COUNT(p), sl_deadline_left_ms(deadline));
        if (n == 0 || sl_deadline_passed(deadline))
            return SL_TIMEOUT;
        if (p[1].revents != 0)
            feed(r, &input);
        if (p[0].revents != 0)
            (void)take(r, output);
        if (p[2].revents == 0)
            continue;
        for (int i = 0; i < PIPE_CHUNKS && r->out >= 0 && take(r, output); i++)
            ;
        return SL_OK;
    }
}

enum sl_status host_run(const char *const *argv, const char *input, struct sl_deadline deadline, struct sl_text *output,
                        int *ret_code, struct sl_error *e)
{
    struct running r = {.in = -1, .out = -1, .end = -1};
    int error = start(argv, &r);
    enum sl_status status = error ? SL_IO : talk(&r, input, deadline, output);
    int code = end(&r, status != SL_OK);
    if (status == SL_OK)
        *ret_code = code;
    else if (error)
        status = sl_fail(e, error == ENOENT ? SL_UNSUPPORTED : SL_IO, "%s: %s", argv[0], strerror(error));
    else
        status = sl_fail(e, status, "%s: not done in time", argv[0]);
    return status;
}
