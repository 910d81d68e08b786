/*
 * load-http.c - many HTTP requests over kept connections, each answer checked.
 *
 *   load-http ADDRESS PORT CONNECTIONS SECONDS REQUESTS-FILE EXPECT
 *
 * REQUESTS-FILE holds whole requests (head and body), each after a line with its length in octets. Every connection has a
 * thread that sends one request after the other, beginning at its own place in the file, and reads the whole answer, which
 * must be 200, have a Content-Length, and hold EXPECT. Prints "ANSWERS SECONDS"; exit code 1 when an answer was wrong.
 */
#include "common/base/addr.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20, CONNECTIONS_MAX = 256, REQUESTS_MAX = 100000, LENGTH_FIELD = sizeof "content-length: " - 1 };

struct request {
    char *octets;
    size_t len;
};

struct load {
    struct sl_endpoint server;
    const char *expect;
    struct request *requests;
    size_t request_count;
    struct sl_deadline end;
    atomic_ullong answers;
    atomic_bool wrong;
};

struct thread {
    struct load *load;
    pthread_t id;
    size_t first;
};

static void read_requests(struct load *load, const char *path)
{
    char line[32];
    uint64_t len;
    FILE *file = fopen(path, "r");
    load->requests = sl_new_array(REQUESTS_MAX, sizeof *load->requests);
    while (file != NULL && load->request_count < REQUESTS_MAX && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        struct request *r = &load->requests[load->request_count++];
        if (!sl_parse_u64(line, ANSWER_MAX, &len) || len == 0)
            break;
        r->octets = sl_new_array(len, 1);
        r->len = fread(r->octets, 1, len, file);
    }
    if (file != NULL)
        fclose(file);
}

/* The whole answer in `answer`, or 0 when it is cut. */
static size_t read_answer(int fd, char *answer)
{
    size_t len = 0, wanted = 0;
    uint64_t body = 0;
    while (wanted == 0 || len < wanted) {
        ssize_t n = recv(fd, answer + len, ANSWER_MAX - 1 - len, 0);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        answer[len] = '\0';
        const char *end = wanted == 0 ? strstr(answer, "\r\n\r\n") : NULL;
        const char *field = end != NULL ? strcasestr(answer, "content-length: ") : NULL;
        if (end == NULL)
            continue;
        char number[24];
        size_t digits = field != NULL ? strcspn(field + LENGTH_FIELD, "\r") : sizeof number;
        if (digits >= sizeof number)
            return 0;
        memcpy(number, field + LENGTH_FIELD, digits);
        number[digits] = '\0';
        if (!sl_parse_u64(number, ANSWER_MAX, &body))
            return 0;
        wanted = (size_t)(end + 4 - answer) + (size_t)body;
    }
    return len;
}

/* The body may be UTF-16: octets are compared with every second one left out, too. */
static bool holds(const char *answer, size_t len, const char *expect)
{
    size_t n = strlen(expect);
    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(answer + i, expect, n) == 0)
            return true;
    for (size_t i = 0; i + 2 * n <= len; i++) {
        size_t k = 0;
        while (k < n && answer[i + 2 * k] == expect[k])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

static void *run(void *ctx)
{
    struct thread *t = ctx;
    struct load *load = t->load;
    char *answer = sl_new_array(ANSWER_MAX, 1);
    int fd = socket(load->server.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, &load->server.any, load->server.len) == 0;
    for (size_t i = t->first; good && !sl_deadline_passed(load->end); i++) {
        const struct request *r = &load->requests[i % load->request_count];
        good = send(fd, r->octets, r->len, MSG_NOSIGNAL) == (ssize_t)r->len;
        size_t len = good ? read_answer(fd, answer) : 0;
        good = len > 0 && strncmp(answer, "HTTP/1.1 200", 12) == 0 && holds(answer, len, load->expect);
        if (good)
            atomic_fetch_add(&load->answers, 1);
    }
    if (!good && !atomic_exchange(&load->wrong, true))
        fprintf(stderr, "load-http: wrong answer: %.200s\n", answer);
    if (fd >= 0)
        close(fd);
    free(answer);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct thread threads[CONNECTIONS_MAX];
    struct load load = {0};
    uint64_t port, connections, seconds;
    if (argc != 7 || !sl_parse_u64(argv[2], UINT16_MAX, &port) || !sl_parse_u64(argv[3], CONNECTIONS_MAX, &connections) ||
        !sl_parse_u64(argv[4], 3600, &seconds) || sl_endpoint_parse(argv[1], (uint16_t)port, &load.server, NULL) != SL_OK) {
        fputs("usage: load-http ADDRESS PORT CONNECTIONS SECONDS REQUESTS-FILE EXPECT\n", stderr);
        return 2;
    }
    read_requests(&load, argv[5]);
    load.expect = argv[6];
    load.end = sl_deadline_in((int64_t)seconds * 1000);
    int64_t start = sl_clock_mono_ms();
    for (size_t i = 0; i < connections; i++) {
        threads[i] = (struct thread){.load = &load, .first = i * load.request_count / connections};
        if (pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
            return 1;
    }
    for (size_t i = 0; i < connections; i++)
        pthread_join(threads[i].id, NULL);
    printf("%llu %.3f\n", atomic_load(&load.answers), (double)(sl_clock_mono_ms() - start) / 1000.0);
    return atomic_load(&load.wrong) ? 1 : 0;
}
