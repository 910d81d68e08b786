#include "config.h"

#include "tests/bench/servers.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/wire/message.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_LEN = SERVER_FOLDER_MAX + 32, ASK_EVERY_MS = 5, NOT_INSTALLED = 77, WINS_PORT = 137, PORT_WAIT_MS = 10000 };

/* ---- the namespace ---- */

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static bool become_root(void)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", users);
    write_file("/proc/self/gid_map", groups);
    return true;
}

enum sl_status servers_isolate(struct sl_error *e)
{
    if (unshare(CLONE_NEWNET) != 0 && !become_root())
        return sl_fail(e, SL_DENIED, "cannot make a network namespace: %s", strerror(errno));
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool done = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &up) == 0;
    if (fd >= 0)
        close(fd);
    return done ? SL_OK : sl_fail(e, SL_DENIED, "cannot start the loopback interface: %s", strerror(errno));
}

/* ---- start ---- */

static void run(struct server *s, const char *const *argv, char *const *environment)
{
    int error = posix_spawn(&s->pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environment);
    if (error) {
        fprintf(stderr, "%s: %s\n", argv[0], strerror(error));
        exit(EXIT_FAILURE);
    }
}

static uint16_t free_port(void)
{
    struct sl_endpoint own = sl_endpoint_ip4(INADDR_LOOPBACK, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sl_assert(fd >= 0 && bind(fd, &own.any, own.len) == 0 && getsockname(fd, &own.any, &own.len) == 0);
    close(fd);
    return sl_endpoint_port(&own);
}

void server_start_winsd(struct server *s, const char *path, const char *address, const char *preload)
{
    char db[PATH_LEN], control[PATH_LEN], library[PATH_LEN];
    snprintf(db, sizeof db, "%s/wins.db", s->folder);
    snprintf(control, sizeof control, "%s/winsd.sock", s->folder);
    snprintf(library, sizeof library, "LD_PRELOAD=%s", preload ? preload : "");
    s->last_signal = SIGTERM;
    uint32_t ip = INADDR_LOOPBACK;
    sl_assert(!address || sl_ip4_parse(address, &ip));
    s->endpoint = sl_endpoint_ip4(ip, address ? WINS_PORT : free_port());
    const struct sl_endpoint_text listen = sl_endpoint_text(&s->endpoint);
    const char *const argv[] = {path,       "--foreground", "--db",      db,  "--control", control,
                                "--listen", listen.text,    "--workers", "1", NULL};
    char *const slow[] = {library, NULL};
    run(s, argv, preload ? slow : environ);
}

void server_start_samba(struct server *s, const char *script, const char *kind, const char *address)
{
    uint32_t ip;
    sl_assert(sl_ip4_parse(address, &ip));
    s->endpoint = sl_endpoint_ip4(ip, WINS_PORT);
    const char *const argv[] = {script, kind, s->folder, address, NULL};
    run(s, argv, environ);
}

/* ---- watching ---- */

static size_t build_question(uint8_t *buffer, size_t size)
{
    struct nb_name name;
    struct nb_message m;
    sl_assert(nb_name_make("NOBODY", 0, &name));
    nb_make_query(&m, 1, NB_ASK_QUERY, &name, NB_RR_NB);
    return nb_message_build(&m, buffer, size);
}

enum sl_status server_wait(struct server *s, unsigned seconds, struct sl_error *e)
{
    uint8_t question[128], answer[NB_DATAGRAM_MAX];
    size_t len = build_question(question, sizeof question);
    struct sl_deadline deadline = sl_deadline_in((int64_t)seconds * 1000);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), state = 0;
    sl_assert(fd >= 0);
    bool answered = false, ended = false;
    while (!answered && !ended && !sl_deadline_passed(deadline)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        (void)sendto(fd, question, len, 0, &s->endpoint.any, s->endpoint.len);
        answered = poll(&p, 1, ASK_EVERY_MS) > 0 && recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0;
        ended = waitpid(s->pid, &state, WNOHANG) == s->pid;
    }
    close(fd);
    if (answered && !ended)
        return SL_OK;
    if (!ended)
        return sl_fail(e, SL_UNREACHABLE, "no answer for %u s", seconds);
    s->pid = 0;
    return WIFEXITED(state) && WEXITSTATUS(state) == NOT_INSTALLED ? sl_fail(e, SL_UNSUPPORTED, "not installed")
                                                                    : sl_fail(e, SL_INTERNAL, "it ended; see %s/log", s->folder);
}

double server_cpu_s(const struct server *s)
{
    clockid_t id;
    struct timespec t;
    sl_assert(clock_getcpuclockid(s->pid, &id) == 0 && clock_gettime(id, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double server_memory_mib(const struct server *s)
{
    enum { KIB_PER_MIB = 1024 };
    char path[64], line[128];
    uint64_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)s->pid);
    FILE *in = fopen(path, "re");
    sl_assert(in);
    while (!kib && fgets(line, sizeof line, in)) {
        char *number = line + strcspn(line, "0123456789");
        if (strncmp(line, "VmRSS:", 6) != 0)
            continue;
        number[strspn(number, "0123456789")] = '\0';
        sl_assert(sl_parse_u64(number, UINT64_MAX, &kib));
    }
    fclose(in);
    return (double)kib / KIB_PER_MIB;
}

/* ---- end ---- */

void server_stop(struct server *s)
{
    if (!s->pid)
        return;
    kill(s->pid, s->last_signal);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void servers_await_port(const char *address)
{
    uint32_t ip;
    sl_assert(sl_ip4_parse(address, &ip));
    const struct sl_endpoint own = sl_endpoint_ip4(ip, WINS_PORT);
    struct sl_deadline deadline = sl_deadline_in(PORT_WAIT_MS);
    for (bool is_free = false; !is_free && !sl_deadline_passed(deadline);) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sl_assert(fd >= 0);
        is_free = bind(fd, &own.any, own.len) == 0;
        close(fd);
        if (!is_free)
            poll(NULL, 0, ASK_EVERY_MS);
    }
}

void server_remove(const char *folder)
{
    const char *const argv[] = {"/bin/rm", "-rf", "--", folder, NULL};
    struct server rm = {0};
    run(&rm, argv, environ);
    waitpid(rm.pid, NULL, 0);
}
