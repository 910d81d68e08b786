/*
 * Queries and registrations per second of winsd, and its processor time for each, beside a bare echo in the same run.
 *
 *     bench-registry WINSD [PAIRS [NAMES]]
 *
 * Runs of the echo and of winsd alternate; a ratio is the median over the pairs. 64 requests are under way, one worker serves,
 * every answer is checked. Exit code 1 when an answer was wrong or a server died, whatever the speed.
 */
#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "tests/bench/echo.h"
#include "tests/bench/load.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS = 11, PAIRS_MAX = 1001, NAMES = 20000, QUERIES = 200000, REGISTRATIONS = 5000, PATH_LEN = 256 };

struct server {
    pid_t pid;
    struct sl_endpoint endpoint;
};

/* One measured run. */
struct sample {
    double rate;    /* answers a second */
    double cpu_us;  /* of the server, for each answer */
};

struct series {
    const char *what;
    size_t count;
    struct sample samples[PAIRS_MAX], echo[PAIRS_MAX];
};

static double cpu_seconds(pid_t pid)
{
    clockid_t id;
    struct timespec t;
    sl_assert(clock_getcpuclockid(pid, &id) == 0 && clock_gettime(id, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sample measure(const struct server *s, enum load_kind kind, uint32_t first, uint32_t names, uint64_t count)
{
    double before = cpu_seconds(s->pid);
    struct load_result r = load_run(&s->endpoint, kind, first, names, count);
    if (r.wrong || r.answers != count) {
        fprintf(stderr, "%llu wrong answers\n", (unsigned long long)r.wrong);
        exit(EXIT_FAILURE);
    }
    if (r.repeated)
        fprintf(stderr, "%llu requests repeated\n", (unsigned long long)r.repeated);
    return (struct sample){(double)count / r.seconds, (cpu_seconds(s->pid) - before) * 1e6 / (double)count};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double median_of(const struct series *s, double (*value)(const struct series *s, size_t i))
{
    double values[PAIRS_MAX];
    for (size_t i = 0; i < s->count; i++)
        values[i] = value(s, i);
    return median(values, s->count);
}

static double rate(const struct series *s, size_t i)
{
    return s->samples[i].rate;
}

static double cpu(const struct series *s, size_t i)
{
    return s->samples[i].cpu_us;
}

static double echo_rate(const struct series *s, size_t i)
{
    return s->echo[i].rate;
}

static double echo_cpu(const struct series *s, size_t i)
{
    return s->echo[i].cpu_us;
}

static double rate_ratio(const struct series *s, size_t i)
{
    return s->samples[i].rate / s->echo[i].rate;
}

static double cpu_ratio(const struct series *s, size_t i)
{
    return s->samples[i].cpu_us / s->echo[i].cpu_us;
}

static void print(const struct series *s)
{
    printf("%-13s %9.0f/s %7.2f us CPU   echo %9.0f/s %6.2f us CPU   rate %5.3f of echo   CPU %5.2f x echo\n", s->what,
           median_of(s, rate), median_of(s, cpu), median_of(s, echo_rate), median_of(s, echo_cpu), median_of(s, rate_ratio),
           median_of(s, cpu_ratio));
}

static void take_pair(struct series *s, const struct server *echo, const struct server *winsd, enum load_kind kind,
                      uint32_t first, uint32_t names, uint64_t count)
{
    s->echo[s->count] = measure(echo, LOAD_ECHO, first, names, count);
    s->samples[s->count] = measure(winsd, kind, first, names, count);
    s->count++;
}

static uint16_t free_port(void)
{
    struct sl_endpoint own = sl_endpoint_ip4(INADDR_LOOPBACK, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sl_assert(fd >= 0 && bind(fd, &own.any, own.len) == 0 && getsockname(fd, &own.any, &own.len) == 0);
    close(fd);
    return sl_endpoint_port(&own);
}

static struct server start_winsd(const char *path, const char *folder)
{
    char db[PATH_LEN], control[PATH_LEN], listen[32];
    snprintf(db, sizeof db, "%s/wins.db", folder);
    snprintf(control, sizeof control, "%s/winsd.sock", folder);
    snprintf(listen, sizeof listen, "127.0.0.1:%u", free_port());
    const char *const argv[] = {path,       "--foreground", "--db",      db,  "--control", control,
                                "--listen", listen,         "--workers", "1", NULL};
    struct server s;
    sl_assert(sl_endpoint_parse(listen, 0, &s.endpoint, NULL) == SL_OK);
    int error = posix_spawn(&s.pid, path, NULL, NULL, (char *const *)(uintptr_t)argv, environ);
    if (error) {
        fprintf(stderr, "%s: %s\n", path, strerror(error));
        exit(EXIT_FAILURE);
    }
    for (int i = 0; access(control, F_OK) != 0 && i < 500 && waitpid(s.pid, NULL, WNOHANG) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return s;
}

static void stop(const struct server *s, int signo)
{
    kill(s->pid, signo);
    int status = 0;
    waitpid(s->pid, &status, 0);
    if (signo == SIGTERM && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        fprintf(stderr, "winsd did not end cleanly\n");
        exit(EXIT_FAILURE);
    }
}

static uint32_t number_argument(int argc, char **argv, int i, uint32_t fallback, uint32_t most)
{
    uint64_t n = fallback;
    if (i < argc && (!sl_parse_u64(argv[i], most, &n) || n == 0)) {
        fprintf(stderr, "\"%s\" is not a number from 1 to %u\n", argv[i], most);
        exit(2);
    }
    return (uint32_t)n;
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"wins.db", "wins.db-wal", "wins.db-shm", "winsd.sock"};
    char path[PATH_LEN];
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s WINSD [PAIRS [NAMES]]\n", argv[0]);
        return 2;
    }
    uint32_t pairs = number_argument(argc, argv, 2, PAIRS, PAIRS_MAX), names = number_argument(argc, argv, 3, NAMES, 5000000);
    char folder[] = "/tmp/bench-registry-XXXXXX";
    sl_assert(mkdtemp(folder));
    struct server echo, winsd = start_winsd(argv[1], folder);
    echo.pid = echo_start(&echo.endpoint);
    static struct series registrations = {.what = "registration"}, queries = {.what = "query"};
    measure(&winsd, LOAD_REGISTER, 0, names, names);
    for (uint32_t i = 0; i < pairs; i++)
        take_pair(&queries, &echo, &winsd, LOAD_QUERY, 0, names, QUERIES);
    for (uint32_t i = 0; i < pairs; i++)
        take_pair(&registrations, &echo, &winsd, LOAD_REGISTER, names + i * REGISTRATIONS, REGISTRATIONS, REGISTRATIONS);
    print(&queries);
    print(&registrations);
    stop(&winsd, SIGTERM);
    stop(&echo, SIGKILL);
    remove_folder(folder);
    return EXIT_SUCCESS;
}
