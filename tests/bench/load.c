#include "config.h"

#include "tests/bench/load.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/wire/message.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    REQUEST_MAX = 128,
    ANSWER_MAX = 600,
    SILENCE_MS = 1000,
    SILENCES_MAX = 30,
    BASE_ADDRESS = 0x0a000000,
    LEASE_S = 300000,
    NODE_H = 0x6000,
    HUNDRED = 100,
    US_PER_S = 1000000,
    GRACE_US = 200000, /* for the last answers at a steady rate */
    BATCH = 64,
    RECEIVE_BUFFER = 4 << 20,
};

struct request {
    bool busy;
    enum load_kind kind;
    uint16_t id;
    uint32_t number;
    int64_t due_us;
    size_t len;
    uint8_t octets[REQUEST_MAX];
};

/* Datagrams on their way in or out. */
struct mail {
    struct mmsghdr headers[LOAD_WINDOW_MAX];
    struct iovec parts[LOAD_WINDOW_MAX];
    uint8_t answers[LOAD_WINDOW_MAX][ANSWER_MAX];
};

/* ---- one request, one answer ---- */

static void build(struct request *r, enum load_kind kind, uint16_t id, uint32_t number)
{
    static const uint16_t flags[] = {[LOAD_REGISTER] = NB_ASK_REGISTER, [LOAD_REFRESH] = NB_ASK_REFRESH,
                                     [LOAD_RELEASE] = NB_ASK_RELEASE};
    char text[NB_NAME_LEN];
    struct nb_name name;
    struct nb_message m;
    r->kind = kind;
    r->number = number;
    r->id = id;
    snprintf(text, sizeof text, "BENCH-%08u", number);
    sl_assert(nb_name_make(text, NB_SERVER, &name));
    if (kind == LOAD_QUERY || kind == LOAD_ECHO)
        nb_make_query(&m, id, NB_ASK_QUERY, &name, NB_RR_NB);
    else
        nb_make_request(&m, id, flags[kind], &name, LEASE_S, (struct nb_address){NODE_H, BASE_ADDRESS + number});
    r->len = nb_message_build(&m, r->octets, sizeof r->octets);
    sl_assert(r->len);
    r->busy = true;
}

static bool is_right(const struct request *r, const uint8_t *octets, size_t len)
{
    enum { ENCODED_NAME = 34, NAME_AT = 12 };
    if (r->kind == LOAD_ECHO)
        return len == r->len && memcmp(octets, r->octets, len) == 0;
    struct nb_cursor c = nb_cursor_read(octets, len);
    nb_take(&c, 2);
    uint16_t flags = nb_get16(&c);
    nb_take(&c, NAME_AT - 4);
    const uint8_t *name = nb_take(&c, ENCODED_NAME);
    nb_take(&c, 2 + 2 + 4 + 2 + 2);
    uint32_t address = nb_get32(&c);
    return nb_cursor_ok(&c) && nb_is_response(flags) && nb_opcode(flags) != NB_OP_WACK && nb_rcode(flags) == NB_OK &&
           memcmp(name, r->octets + NAME_AT, ENCODED_NAME) == 0 && address == BASE_ADDRESS + r->number;
}

static int connect_to(const struct sl_endpoint *server)
{
    const int octets = RECEIVE_BUFFER;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sl_assert(fd >= 0 && connect(fd, &server->any, server->len) == 0);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof octets) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    return fd;
}

static void put(struct mail *mail, unsigned i, struct request *r)
{
    mail->parts[i] = (struct iovec){r->octets, r->len};
    mail->headers[i].msg_hdr = (struct msghdr){.msg_iov = &mail->parts[i], .msg_iovlen = 1};
}

/* What the system does not take is repeated after the silence, or counts as lost. */
static void send_mail(int fd, struct mail *mail, unsigned n)
{
    for (unsigned at = 0; at < n;) {
        int sent = sendmmsg(fd, mail->headers + at, n - at, 0);
        if (sent <= 0)
            return;
        at += (unsigned)sent;
    }
}

static int receive_mail(int fd, struct mail *mail)
{
    for (size_t i = 0; i < LOAD_WINDOW_MAX; i++) {
        mail->parts[i] = (struct iovec){mail->answers[i], sizeof mail->answers[i]};
        mail->headers[i].msg_hdr = (struct msghdr){.msg_iov = &mail->parts[i], .msg_iovlen = 1};
    }
    return recvmmsg(fd, mail->headers, LOAD_WINDOW_MAX, MSG_DONTWAIT, NULL);
}

static bool id_of(const uint8_t *octets, size_t len, uint16_t *ret_id)
{
    struct nb_cursor c = nb_cursor_read(octets, len);
    *ret_id = nb_get16(&c);
    return nb_cursor_ok(&c);
}

/* ---- a window always full ---- */

struct load {
    int fd;
    const struct load_plan *plan;
    uint64_t started, finished;
    uint16_t generation;
    struct request requests[LOAD_WINDOW_MAX]; /* the place of one is the low part of its id */
    struct mail mail;
    struct load_result result;
};

/* The place in its hundred decides what a request of the mix is. */
static enum load_kind kind_of(const struct load_plan *plan, uint64_t n, uint32_t *ret_number)
{
    enum { RELEASE_AT = 50, NEW_AT = 25, NEW_AGAIN_AT = 75, REFRESH_EVERY = 14 };
    *ret_number = plan->first + (uint32_t)(n % plan->names);
    if (plan->kind != LOAD_MIX)
        return plan->kind;
    uint32_t hundred = (uint32_t)(n / HUNDRED), at = (uint32_t)(n % HUNDRED);
    if (at == NEW_AT || at == NEW_AGAIN_AT) {
        *ret_number = plan->fresh + 2 * hundred + (at == NEW_AGAIN_AT);
        return LOAD_REGISTER;
    }
    if (at == RELEASE_AT) {
        *ret_number = plan->doomed + hundred;
        return LOAD_RELEASE;
    }
    return at % REFRESH_EVERY == 1 && at < 7 * REFRESH_EVERY ? LOAD_REFRESH : LOAD_QUERY;
}

static void on_answer(struct load *l, const uint8_t *octets, size_t len)
{
    uint16_t id;
    if (!id_of(octets, len, &id))
        return;
    struct request *r = &l->requests[id % LOAD_WINDOW_MAX];
    if (!r->busy || r->id != id)
        return; /* the second answer to a request that was repeated */
    r->busy = false;
    l->finished++;
    if (is_right(r, octets, len))
        l->result.answers++;
    else
        l->result.wrong++;
}

static void send_new(struct load *l)
{
    unsigned n = 0;
    for (unsigned i = 0; i < l->plan->window && l->started < l->plan->count; i++) {
        if (l->requests[i].busy)
            continue;
        uint32_t number;
        enum load_kind kind = kind_of(l->plan, l->started++, &number);
        build(&l->requests[i], kind, (uint16_t)(l->generation * LOAD_WINDOW_MAX + i), number);
        put(&l->mail, n++, &l->requests[i]);
    }
    l->generation++;
    send_mail(l->fd, &l->mail, n);
}

static void send_again(struct load *l)
{
    unsigned n = 0;
    for (unsigned i = 0; i < l->plan->window; i++)
        if (l->requests[i].busy)
            put(&l->mail, n++, &l->requests[i]);
    l->result.repeated += n;
    send_mail(l->fd, &l->mail, n);
}

static bool receive(struct load *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    if (poll(&p, 1, SILENCE_MS) <= 0)
        return false;
    int n = receive_mail(l->fd, &l->mail);
    for (int i = 0; i < n; i++)
        on_answer(l, l->mail.answers[i], l->mail.headers[i].msg_len);
    return n > 0;
}

static void pump(struct load *l)
{
    for (int silences = 0; l->finished < l->plan->count;) {
        send_new(l);
        if (receive(l)) {
            silences = 0;
            continue;
        }
        send_again(l);
        if (++silences > SILENCES_MAX) {
            fprintf(stderr, "no answer for %d s\n", silences * SILENCE_MS / 1000);
            exit(EXIT_FAILURE);
        }
    }
}

struct load_result load_run(const struct sl_endpoint *server, const struct load_plan *plan)
{
    sl_assert(plan->window && plan->window <= LOAD_WINDOW_MAX);
    struct load *l = sl_new(sizeof *l);
    l->plan = plan;
    l->fd = connect_to(server);
    int64_t start_us = sl_clock_mono_us();
    pump(l);
    struct load_result result = l->result;
    result.seconds = (double)(sl_clock_mono_us() - start_us) / 1e6;
    close(l->fd);
    free(l);
    return result;
}

/* ---- a steady rate ---- */

struct steady {
    int fd;
    const struct load_plan *plan;
    uint64_t started;
    struct request requests[UINT16_MAX + 1]; /* by id */
    struct mail mail;
    double *waits_us;
    struct load_steady result;
};

static void send_due(struct steady *s, uint64_t due, int64_t start_us, unsigned rate)
{
    unsigned n = 0;
    for (; s->started < due && n < BATCH; s->started++) {
        struct request *r = &s->requests[s->started & UINT16_MAX];
        s->result.lost += r->busy;
        build(r, s->plan->kind, (uint16_t)s->started, s->plan->first + (uint32_t)(s->started % s->plan->names));
        r->due_us = start_us + (int64_t)(s->started * US_PER_S / rate);
        put(&s->mail, n++, r);
    }
    send_mail(s->fd, &s->mail, n);
}

static void take_answers(struct steady *s)
{
    int n = receive_mail(s->fd, &s->mail);
    int64_t now_us = sl_clock_mono_us();
    for (int i = 0; i < n; i++) {
        uint16_t id;
        size_t len = s->mail.headers[i].msg_len;
        struct request *r = id_of(s->mail.answers[i], len, &id) ? &s->requests[id] : NULL;
        if (!r || !r->busy)
            continue;
        r->busy = false;
        if (is_right(r, s->mail.answers[i], len))
            s->waits_us[s->result.answers++] = (double)(now_us - r->due_us);
        else
            s->result.wrong++;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void finish(struct steady *s)
{
    for (size_t i = 0; i <= UINT16_MAX; i++)
        s->result.lost += s->requests[i].busy;
    size_t n = s->result.answers;
    qsort(s->waits_us, n, sizeof *s->waits_us, compare);
    s->result.p50_us = n ? s->waits_us[n / 2] : 0;
    s->result.p99_us = n ? s->waits_us[n - 1 - n / 100] : 0;
}

struct load_steady load_at_rate(const struct sl_endpoint *server, const struct load_plan *plan, unsigned rate, unsigned seconds)
{
    uint64_t count = (uint64_t)rate * seconds;
    struct steady *s = sl_new(sizeof *s);
    s->plan = plan;
    s->fd = connect_to(server);
    s->waits_us = sl_new_array(count, sizeof *s->waits_us);
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    int64_t start_us = sl_clock_mono_us(), end_us = start_us + (int64_t)seconds * US_PER_S + GRACE_US;
    for (int64_t now_us = start_us; now_us < end_us; now_us = sl_clock_mono_us()) {
        uint64_t due = (uint64_t)(now_us - start_us) * rate / US_PER_S + 1;
        send_due(s, due < count ? due : count, start_us, rate);
        const struct timespec nap = {.tv_nsec = 1000000000L / (long)rate};
        if (ppoll(&p, 1, &nap, NULL) > 0)
            take_answers(s);
    }
    finish(s);
    struct load_steady result = s->result;
    close(s->fd);
    free(s->waits_us);
    free(s);
    return result;
}
