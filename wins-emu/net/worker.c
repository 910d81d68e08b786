#include "config.h"

#include "wins-emu/net/worker.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/random.h"
#include "common/host/loop.h"
#include "wins-emu/engine/answer.h"
#include "wins-emu/net/outbox.h"
#include "wins-emu/net/sockets.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKER_MAGIC 0x3e700002u

/* Batches taken from one socket before the others get their turn. */
enum { ROUNDS_MAX = 16 };
/*
 * Who has a few questions under way sends the next as soon as it has an answer. Were the worker asleep by then, the sender would
 * pay for waking it, which takes longer than what it sends: woken for more than one, the worker waits awake so long after so few.
 */
enum { FEW = 8, LINGER_US = 10 };
/* Of the encoded name in a question, behind its length. */
enum { NAME_AT = NB_HEADER_LEN + 1 };

struct listener {
    struct worker *worker;
    unsigned number; /* of the address */
    uint32_t address;
    int fd;
    struct host_watch *watch;
};

struct worker {
    uint32_t magic;
    const struct worker_env *env;
    struct host_loop *loop;
    pthread_t thread;
    bool running;
    struct listener *listeners;
    struct mmsghdr headers[WNET_BATCH];
    struct iovec parts[WNET_BATCH];
    struct sockaddr_in from[WNET_BATCH];
    uint8_t octets[WNET_BATCH][NB_RECEIVE_MAX];
    struct eng_inbound inbound[WNET_BATCH]; /* of the batch, for the writer */
    size_t inbound_count;
    const struct wins_policy *policy; /* for this batch, and its time when there is one */
    int64_t now_ms;
    struct wins_limiter *limiter;
    struct wnet_asked asked;
    struct wnet_look *look; /* that is posted */
    unsigned asked_alive;   /* signs of life; the main thread's */
    unsigned given_alive;
    struct outbox out;
    struct eng_counters counters;
};

static void count(struct worker *w, enum eng_counter counter, uint64_t n)
{
    eng_count(&w->counters.counts[counter], n);
}

static struct wins_peer peer_of(const struct sockaddr_in *from)
{
    return (struct wins_peer){ntohl(from->sin_addr.s_addr), ntohs(from->sin_port)};
}

/* One datagram: answered into the outbox, put aside for the writer, or dropped. */
static void on_datagram(struct worker *w, const struct listener *l, size_t i)
{
    const struct wins_peer from = peer_of(&w->from[i]);
    size_t len = w->headers[i].msg_len, answer_len;
    bool cut = w->headers[i].msg_hdr.msg_flags & MSG_TRUNC;
    enum wins_rule rule = cut ? WINS_R01 : WINS_RULE_NONE;
    enum eng_route route = ENG_ROUTE_DROP;
    eng_top_count(&w->asked.sources, &from.address, sizeof from.address);
    if (!cut && w->policy)
        rule = eng_limit(w->limiter, w->policy, from, w->octets[i], len, w->now_ms);
    if (rule == WINS_RULE_NONE)
        route = eng_answer(w->env->use.table, w->env->use.rules, w->policy, from, l->address, w->octets[i], len,
                           outbox_room(&w->out, l->fd), &answer_len, &rule);
    if (route == ENG_ROUTE_ENGINE && !eng_writer_wants(w->env->use.writer, from, w->octets[i], len)) {
        count(w, ENG_COUNT_stray_answers, 1);
        return;
    }
    if (route == ENG_ROUTE_ENGINE) {
        w->inbound[w->inbound_count++] =
            (struct eng_inbound){.from = from, .socket = l->number, .octets = w->octets[i], .len = len};
        return;
    }
    eng_count(&w->counters.rules[rule], 1);
    if (rule == WINS_P01 || rule == WINS_P07 || rule == WINS_P08)
        w->env->use.refused(w->env->use.ctx, rule, from);
    if (route == ENG_ROUTE_REPLY && w->headers[i].msg_len >= NAME_AT + ENG_TOP_KEY)
        eng_top_count(&w->asked.names, w->octets[i] + NAME_AT, ENG_TOP_KEY);
    if (route == ENG_ROUTE_REPLY)
        outbox_put(&w->out, &w->from[i], answer_len);
    else
        count(w, ENG_COUNT_dropped, 1);
}

static void refuse(struct worker *w, const struct listener *l, const struct eng_inbound *in)
{
    size_t len = eng_refusal(in->octets, in->len, outbox_room(&w->out, l->fd), NB_DATAGRAM_MAX);
    count(w, len ? ENG_COUNT_queue_full : ENG_COUNT_queue_full_dropped, 1);
    if (!len)
        return;
    eng_count(&w->counters.rules[WINS_B02], 1);
    const struct sl_endpoint to = sl_endpoint_ip4(in->from.address, in->from.port);
    outbox_put(&w->out, &to.v4, len);
}

static void hand_over(struct worker *w, const struct listener *l)
{
    if (!w->inbound_count)
        return;
    size_t taken = eng_writer_submit(w->env->use.writer, w->inbound, w->inbound_count);
    count(w, ENG_COUNT_queued, taken);
    for (size_t i = 0; i < w->inbound_count && taken < w->inbound_count; i++)
        if (w->inbound[i].refused)
            refuse(w, l, &w->inbound[i]);
    w->inbound_count = 0;
}

/* The names of the whole batch first: a lookup that waits for memory alone costs as much as the rest of the answer. */
static void look_ahead(struct worker *w, size_t n)
{
    uint64_t hints[WNET_BATCH];
    for (size_t i = 0; i < n; i++)
        hints[i] = eng_expect(w->env->use.table, w->octets[i], w->headers[i].msg_len);
    for (size_t i = 0; i < n; i++)
        tbl_expect_entry(w->env->use.table, hints[i]);
}

static void on_batch(struct worker *w, const struct listener *l, size_t n)
{
    count(w, ENG_COUNT_received, n);
    tbl_read_lock();
    w->policy = tbl_shared_get(w->env->use.policy);
    w->now_ms = w->policy ? sl_clock_mono_ms() : 0;
    look_ahead(w, n);
    for (size_t i = 0; i < n; i++)
        on_datagram(w, l, i);
    tbl_read_unlock();
    hand_over(w, l);
    outbox_flush(&w->out);
}

static void linger(void)
{
    for (int64_t end_us = sl_clock_mono_us() + LINGER_US; sl_clock_mono_us() < end_us;)
        ;
}

static void on_readable(int fd, unsigned events, void *ctx)
{
    (void)events;
    struct listener *l = ctx;
    struct worker *w = l->worker;
    SL_CHECK_MAGIC(w, WORKER_MAGIC);
    int taken = 0;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int n = recvmmsg(fd, w->headers, WNET_BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            return;
        on_batch(w, l, (size_t)n);
        taken += n;
        if (taken > 1 && n <= FEW)
            linger();
    }
}

static void *run(void *ctx)
{
    struct worker *w = ctx;
    tbl_reader_enter();
    host_loop_run(w->loop);
    tbl_reader_leave();
    return NULL;
}

static void init_buffers(struct worker *w)
{
    for (size_t i = 0; i < WNET_BATCH; i++) {
        w->parts[i] = (struct iovec){w->octets[i], sizeof w->octets[i]};
        w->headers[i].msg_hdr = (struct msghdr){.msg_name = &w->from[i], .msg_namelen = sizeof w->from[i],
                                                .msg_iov = &w->parts[i], .msg_iovlen = 1};
    }
    outbox_init(&w->out, &w->counters, ENG_COUNT_answered);
}

enum sl_status worker_new(const struct worker_env *env, struct worker **ret_worker, struct sl_error *e)
{
    struct worker *w = aligned_alloc(_Alignof(struct worker), sizeof *w);
    sl_assert(w);
    memset(w, 0, sizeof *w);
    w->magic = WORKER_MAGIC;
    w->env = env;
    w->loop = host_loop_new();
    w->listeners = sl_new_array(env->listen_count, sizeof *w->listeners);
    w->limiter = wins_limiter_new(sl_random_os_seed());
    eng_top_init(&w->asked.sources, sl_random_os_seed());
    eng_top_init(&w->asked.names, sl_random_os_seed());
    init_buffers(w);
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < env->listen_count; i++) {
        w->listeners[i] = (struct listener){.worker = w, .number = (unsigned)i, .fd = -1};
        w->listeners[i].address = sl_endpoint_ip4_of(&env->listen[i]);
        if (status == SL_OK)
            status = env->passed ? wnet_share(env->passed[i], &w->listeners[i].fd, e)
                                 : wnet_bind(&env->listen[i], &w->listeners[i].fd, e);
    }
    if (status != SL_OK) {
        worker_free(w);
        return status;
    }
    *ret_worker = w;
    return SL_OK;
}

/* Signals are the main thread's. */
static int start_thread(struct worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

enum sl_status worker_start(struct worker *w, struct sl_error *e)
{
    SL_CHECK_MAGIC(w, WORKER_MAGIC);
    for (size_t i = 0; i < w->env->listen_count; i++)
        w->listeners[i].watch = host_watch_new(w->loop, w->listeners[i].fd, HOST_READ, on_readable, &w->listeners[i]);
    int error = start_thread(w);
    if (error)
        return sl_fail(e, SL_IO, "cannot start a worker's thread: %s", strerror(error));
    w->running = true;
    return SL_OK;
}

void worker_stop(struct worker *w)
{
    SL_CHECK_MAGIC(w, WORKER_MAGIC);
    if (!w->running)
        return;
    host_loop_stop(w->loop);
    pthread_join(w->thread, NULL);
    w->running = false;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    worker_stop(w);
    for (size_t i = 0; i < w->env->listen_count; i++) {
        host_watch_free(w->listeners[i].watch);
        if (w->listeners[i].fd >= 0)
            close(w->listeners[i].fd);
    }
    free(w->listeners);
    wins_limiter_free(w->limiter);
    host_loop_free(w->loop);
    w->magic = 0;
    free(w);
}

int worker_socket(const struct worker *w, size_t i)
{
    sl_assert(i < w->env->listen_count);
    return w->listeners[i].fd;
}

static void give_sign(void *ctx)
{
    struct worker *w = ctx;
    __atomic_add_fetch(&w->given_alive, 1, __ATOMIC_RELAXED);
}

bool worker_alive(struct worker *w)
{
    bool alive = w->asked_alive == __atomic_load_n(&w->given_alive, __ATOMIC_RELAXED);
    if (alive) {
        w->asked_alive++;
        host_loop_post(w->loop, give_sign, w);
    }
    return alive;
}

static void look(void *ctx)
{
    struct worker *w = ctx;
    w->look->fn(w->look->ctx, &w->asked);
}

void worker_look(struct worker *w, struct wnet_look *order)
{
    w->look = order;
    host_loop_post(w->loop, look, w);
}

const struct eng_counters *worker_counters(const struct worker *w)
{
    return &w->counters;
}
