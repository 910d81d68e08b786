#include "common/host/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 4096, SIGNALED = 128 };

/* A program under way. Its standard input is a socket: writing to one that has gone is an error, not a signal. */
struct running {
    pid_t pid;
    int in, out;
};

/* The threads of a daemon block signals; the program starts without. */
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
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawnp(ret_pid, argv[0], &files, &attr, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static enum sl_status start(const char *const *argv, struct running *r, struct sl_error *e)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, error = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0)
        error = errno;
    else
        error = spawn(argv, in[1], out[1], &r->pid);
    if (in[1] >= 0)
        close(in[1]);
    if (out[1] >= 0)
        close(out[1]);
    r->in = in[0];
    r->out = out[0];
    if (error == 0)
        return SL_OK;
    if (in[0] >= 0)
        close(in[0]);
    if (out[0] >= 0)
        close(out[0]);
    return sl_fail(e, error == ENOENT ? SL_UNSUPPORTED : SL_IO, "%s: %s", argv[0], strerror(error));
}

/* Writes what there is room for; closes the input when all is written, or nobody reads it. */
static void feed(struct running *r, const char **input)
{
    ssize_t n = send(r->in, *input, strlen(*input), MSG_DONTWAIT | MSG_NOSIGNAL);
    *input += n > 0 ? n : 0;
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || **input == '\0') {
        close(r->in);
        r->in = -1;
    }
}

/* False at the end of its output. */
static bool take(struct running *r, struct sl_text *output)
{
    char chunk[CHUNK];
    ssize_t n = read(r->out, chunk, sizeof chunk);
    if (n > 0 && output->len + (size_t)n <= output->limit)
        sl_text_add(output, chunk, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

static enum sl_status talk(struct running *r, const char *input, struct sl_deadline deadline, struct sl_text *output)
{
    for (;;) {
        struct pollfd p[] = {{.fd = r->out, .events = POLLIN}, {.fd = r->in, .events = POLLOUT}};
        int n = poll(p, SL_COUNT(p), sl_deadline_left_ms(deadline));
        if (n == 0 || sl_deadline_passed(deadline))
            return SL_TIMEOUT;
        if (r->in >= 0 && p[1].revents != 0)
            feed(r, &input);
        if (p[0].revents != 0 && !take(r, output))
            return SL_OK;
    }
}

enum sl_status host_run(const char *const *argv, const char *input, struct sl_deadline deadline, struct sl_text *output,
                        int *ret_code, struct sl_error *e)
{
    struct running r = {.in = -1, .out = -1};
    int how = 0;
    enum sl_status status = start(argv, &r, e);
    if (status != SL_OK)
        return status;
    status = talk(&r, input, deadline, output);
    if (status != SL_OK) {
        kill(r.pid, SIGKILL);
        (void)sl_fail(e, status, "%s: not done in time", argv[0]);
    }
    close(r.out);
    if (r.in >= 0)
        close(r.in);
    while (waitpid(r.pid, &how, 0) < 0 && errno == EINTR)
        ;
    if (status == SL_OK)
        *ret_code = WIFEXITED(how) ? WEXITSTATUS(how) : SIGNALED + WTERMSIG(how);
    return status;
}
