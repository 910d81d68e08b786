#include "config.h"

#include "tests/bench/programs.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 20, LIMIT_S = 300, PATH_LEN = SERVER_FOLDER_MAX + 32, LEASE_S = 300000, NOT_FOUND = 127 };
enum { CLIENTS_MAX = 4 };

/* ---- running ---- */

static pid_t spawn(const char *const *argv, int terminal)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    posix_spawn_file_actions_init(&actions);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        posix_spawn_file_actions_adddup2(&actions, terminal, fd);
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error ? -1 : pid;
}

/* Reads until nobody holds the other end, or the time is over. */
static bool read_all(int fd, struct sl_text *out)
{
    struct sl_deadline deadline = sl_deadline_in((int64_t)LIMIT_S * 1000);
    char chunk[4096];
    while (!sl_deadline_passed(deadline)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 1000) <= 0)
            continue;
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        sl_text_add(out, chunk, (size_t)n);
    }
    return false;
}

/* The exit code, NOT_FOUND when there is no such program. */
static int run(const char *const *argv, struct sl_text *out)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), state = 0;
    sl_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    sl_assert(terminal >= 0);
    pid_t pid = spawn(argv, terminal);
    close(terminal);
    if (pid > 0 && !read_all(master, out))
        kill(pid, SIGKILL);
    close(master);
    if (pid < 0)
        return NOT_FOUND;
    waitpid(pid, &state, 0);
    return WIFEXITED(state) ? WEXITSTATUS(state) : EXIT_FAILURE;
}

static void tell_failure(const char *what, struct sl_text *out)
{
    fprintf(stderr, "%s failed:\n%s\n", what, sl_text_str(out));
}

/* ---- winsctl ---- */

void program_write_winsdat(const char *path, uint32_t names)
{
    enum { STEP = 7919 }; /* a prime: each once */
    FILE *out = fopen(path, "we");
    sl_assert(out && names % STEP);
    int64_t expires_s = sl_clock_real_s() + LEASE_S;
    fputs("VERSION 1 0\n", out);
    for (uint64_t i = 0; i < names; i++) {
        uint32_t n = (uint32_t)(i * STEP % names);
        fprintf(out, "\"BENCH-%08" PRIu32 "#20\" %" PRIi64 " 10.%" PRIu32 ".%" PRIu32 ".%" PRIu32 " 66R\n", n, expires_s, n >> 16,
                n >> 8 & 0xff, n & 0xff);
    }
    sl_assert(fclose(out) == 0);
}

struct program_import program_import(const char *winsctl, const struct server *s, const char *path, uint32_t names)
{
    char control[PATH_LEN], wanted[64];
    snprintf(control, sizeof control, "%s/winsd.sock", s->folder);
    snprintf(wanted, sizeof wanted, "\n%" PRIu32 ",0,0,0,0", names);
    const char *const argv[] = {winsctl, "--control", control, "--timeout", "5m", "--csv", "import", path, NULL};
    struct sl_text out = sl_text_new(OUTPUT_MAX);
    int64_t start_us = sl_clock_mono_us();
    int code = run(argv, &out);
    struct program_import result = {.seconds = (double)(sl_clock_mono_us() - start_us) / 1e6};
    if (code != EXIT_SUCCESS) {
        tell_failure("winsctl import", &out);
        exit(EXIT_FAILURE);
    }
    result.complete = strstr(sl_text_str(&out), wanted) != NULL;
    result.progress = strstr(sl_text_str(&out), "names stored and published: ") != NULL;
    sl_text_fini(&out);
    return result;
}

/* ---- smbtorture ---- */

/* "61652.0 queries per second (0 failures)": the last one; false when there is none or a query failed. */
static bool read_rate(const char *text, double *ret_rate)
{
    static const char unit[] = " queries per second (0 failures)";
    const char *last = NULL;
    for (const char *at = strstr(text, unit); at; at = strstr(at + 1, unit))
        last = at;
    const char *begin = last;
    while (begin && begin > text && strchr("0123456789.", begin[-1]))
        begin--;
    return last && sscanf(begin, "%lf", ret_rate) == 1;
}

/* One client's rate; each needs a folder of its own. False when it failed. */
static bool torture(const struct server *s, const char *test, unsigned client, unsigned seconds, double *ret_rate)
{
    struct sl_text out = sl_text_new(OUTPUT_MAX);
    char target[64], duration[16], option[PATH_LEN];
    char address[] = "255.255.255.255";
    snprintf(address, sizeof address, "%.15s", sl_endpoint_text(&s->endpoint).text);
    address[strcspn(address, ":")] = '\0';
    snprintf(target, sizeof target, "//%s/_none_", address);
    snprintf(duration, sizeof duration, "%u", seconds);
    snprintf(option, sizeof option, "--basedir=%s/client-%u", s->folder, client);
    const char *folder = strchr(option, '=') + 1;
    sl_assert(mkdir(folder, 0755) == 0 || errno == EEXIST);
    const char *const argv[] = {"smbtorture", target, "-U%", "-s", "/dev/null", option, "-t", duration,
                                "--option=interfaces=127.0.0.1/8 127.0.0.4/8 127.0.0.5/8 127.0.0.6/8 127.0.0.7/8", test, NULL};
    int code = run(argv, &out);
    *ret_rate = NAN;
    bool good = code == NOT_FOUND || (code == EXIT_SUCCESS && read_rate(sl_text_str(&out), ret_rate));
    if (!good)
        tell_failure(test, &out);
    sl_text_fini(&out);
    return good;
}

double program_smbtorture(const struct server *s, const char *test, unsigned clients, unsigned seconds)
{
    pid_t pids[CLIENTS_MAX];
    int told[2];
    double all = 0, rate;
    sl_assert(clients <= CLIENTS_MAX && pipe(told) == 0);
    for (unsigned i = 0; i < clients; i++) {
        pids[i] = fork();
        sl_assert(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(torture(s, test, i, seconds, &rate) && write(told[1], &rate, sizeof rate) == sizeof rate ? EXIT_SUCCESS
                                                                                                          : EXIT_FAILURE);
    }
    close(told[1]);
    for (unsigned i = 0; i < clients; i++) {
        if (read(told[0], &rate, sizeof rate) != sizeof rate)
            exit(EXIT_FAILURE);
        all += rate;
    }
    close(told[0]);
    for (unsigned i = 0; i < clients; i++)
        waitpid(pids[i], NULL, 0);
    return all;
}
