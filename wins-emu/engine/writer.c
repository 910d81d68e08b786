#include "wins-emu/engine/writer.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "wins-emu/engine/answer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WRITER_MAGIC 0x3217e001u

enum { MS_PER_S = 1000, NS_PER_MS = 1000000, ITEM_ALIGN = 8, OCTETS_START = 64 << 10, ADMIN_OCTETS = 1024 };

/* Items lie one behind the other in the octets of a queue, each with its length up to the next. */
enum item_kind { ITEM_PACKET, ITEM_ADD, ITEM_DELETE, ITEM_CALL };

struct item {
    uint32_t size; /* with what follows it, rounded up */
    uint32_t len;  /* of the packet */
    enum item_kind kind;
    unsigned socket;
    struct wins_peer from;
    eng_admin_fn *done;
    eng_call_fn *call;
    void *ctx;
    _Alignas(ITEM_ALIGN) uint8_t data[]; /* the packet, a struct wins_record or a struct nb_name */
};

_Static_assert(sizeof(struct item) + sizeof(struct wins_record) <= ADMIN_OCTETS, "room for an item of an administrator");

/* What some of the items may take of the room, and take. */
struct share {
    size_t count_max, octets_max;
    size_t count, octets;
};

struct queue {
    uint8_t *octets;
    size_t used, size;
    size_t count;
    struct share requests, answers; /* neither takes room from the other */
};

struct eng_writer {
    uint32_t magic;
    struct eng *eng;
    struct eng_writer_ops ops;
    struct queue taken, taken_orders; /* the thread's own */
    int64_t heard_ms; /* what came in until then is done or in `taken`; the thread's own */
    bool has_orders; /* atomic: an administrator waits */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t more;
    struct queue waiting, orders; /* what an administrator asks for goes first */
    bool idle; /* the thread waits for `more` */
    bool stop;
    struct eng_writer_state state;
};

/* ---- the queue ---- */

/* Room for an item with `len` octets of data, or NULL when its share of the queue is full. */
static struct item *queue_push(struct queue *q, struct share *share, enum item_kind kind, size_t len)
{
    size_t size = (sizeof(struct item) + len + ITEM_ALIGN - 1) & ~(size_t)(ITEM_ALIGN - 1);
    if (share->count >= share->count_max || share->octets + size > share->octets_max)
        return NULL;
    if (q->used + size > q->size) {
        q->size = q->size ? q->size * 2 : OCTETS_START;
        q->octets = sl_resize(q->octets, q->size, 1);
    }
    struct item *item = (struct item *)(void *)(q->octets + q->used);
    *item = (struct item){.size = (uint32_t)size, .len = (uint32_t)len, .kind = kind};
    q->used += size;
    q->count++;
    share->octets += size;
    share->count++;
    return item;
}

static void queue_swap(struct queue *a, struct queue *b)
{
    struct queue was = *a;
    *a = *b;
    *b = was;
}

static void queue_clear(struct queue *q)
{
    q->used = q->count = 0;
    q->requests.count = q->requests.octets = 0;
    q->answers.count = q->answers.octets = 0;
}

static bool push_packet(struct queue *q, const struct eng_inbound *in)
{
    struct share *share = eng_is_reply(in->octets, in->len) ? &q->answers : &q->requests;
    struct item *item = queue_push(q, share, ITEM_PACKET, in->len);
    if (!item)
        return false;
    item->socket = in->socket;
    item->from = in->from;
    memcpy(item->data, in->octets, in->len);
    return true;
}

/* Takes the lock of the queue. */
static void open_queue(struct eng_writer *w)
{
    SL_CHECK_MAGIC(w, WRITER_MAGIC);
    pthread_mutex_lock(&w->lock);
}

/* Wakes the thread when it has waited for what is in the queue now; after the lock, which it takes at once. */
static void close_queue(struct eng_writer *w)
{
    size_t count = w->waiting.count + w->orders.count;
    if (count > w->state.queue_peak)
        w->state.queue_peak = count;
    bool wake = w->idle && count;
    if (wake)
        w->idle = false;
    pthread_mutex_unlock(&w->lock);
    if (wake)
        pthread_cond_signal(&w->more);
}

size_t eng_writer_submit(struct eng_writer *w, struct eng_inbound *items, size_t count)
{
    size_t taken = 0;
    open_queue(w);
    for (size_t i = 0; i < count; i++) {
        items[i].refused = !push_packet(&w->waiting, &items[i]);
        taken += !items[i].refused;
    }
    close_queue(w);
    return taken;
}

bool eng_writer_wants(struct eng_writer *w, struct wins_peer from, const void *octets, size_t len)
{
    return eng_wants(w->eng, from, octets, len);
}

/* Queues what an administrator asks for; kind, done, call and ctx are those of *order. */
static enum sl_status submit_order(struct eng_writer *w, const struct item *order, const void *data, size_t len,
                                   struct sl_error *e)
{
    open_queue(w);
    struct item *item = w->stop ? NULL : queue_push(&w->orders, &w->orders.requests, order->kind, len);
    if (item) {
        item->done = order->done;
        item->call = order->call;
        item->ctx = order->ctx;
        memcpy(item->data, data, len);
        __atomic_store_n(&w->has_orders, true, __ATOMIC_RELAXED);
    }
    close_queue(w);
    return item ? SL_OK : sl_fail(e, SL_LIMIT, "the queue of changes is full; try again");
}

enum sl_status eng_writer_add(struct eng_writer *w, const struct wins_record *record, eng_admin_fn *done, void *ctx,
                              struct sl_error *e)
{
    return submit_order(w, &(struct item){.kind = ITEM_ADD, .done = done, .ctx = ctx}, record, sizeof *record, e);
}

enum sl_status eng_writer_delete(struct eng_writer *w, const struct nb_name *name, eng_admin_fn *done, void *ctx,
                                 struct sl_error *e)
{
    return submit_order(w, &(struct item){.kind = ITEM_DELETE, .done = done, .ctx = ctx}, name, sizeof *name, e);
}

enum sl_status eng_writer_call(struct eng_writer *w, eng_call_fn *call, void *ctx, struct sl_error *e)
{
    return submit_order(w, &(struct item){.kind = ITEM_CALL, .call = call, .ctx = ctx}, "", 0, e);
}

size_t eng_refusal(const void *octets, size_t len, void *buffer, size_t size)
{
    struct nb_message m;
    if (nb_message_parse(octets, len, &m, NULL) != SL_OK || nb_is_response(m.flags) || m.record != NB_SECTION_ADDITIONAL)
        return 0;
    if (m.flags & NB_BROADCAST)
        return 0;
    bool release = nb_opcode(m.flags) == NB_OP_RELEASE;
    nb_make_positive(&m, (release ? NB_REPLY_RELEASE : NB_REPLY_REGISTER) | NB_SRV_ERR, 0, m.addresses, m.count);
    return nb_message_build(&m, buffer, size);
}

/* ---- the thread ---- */

static struct eng_now now_of_both(void)
{
    return (struct eng_now){.real_s = sl_clock_real_s(), .mono_ms = sl_clock_mono_ms()};
}

/* Between the engine, which calls back once, and the one who asked. */
struct pending {
    eng_admin_fn *done;
    void *ctx;
};

static void on_committed(void *ctx, enum sl_status status, const struct sl_error *e)
{
    struct pending *p = ctx;
    p->done(p->ctx, status, true, e);
    free(p);
}

static void do_admin(struct eng_writer *w, struct eng_now now, const struct item *item)
{
    struct pending *p = sl_new(sizeof *p);
    *p = (struct pending){item->done, item->ctx};
    struct sl_error e = {0};
    enum sl_status status = SL_OK;
    bool found = true;
    if (item->kind == ITEM_ADD)
        status = eng_admin_add(w->eng, now, (const struct wins_record *)(const void *)item->data, on_committed, p, &e);
    else
        found = eng_admin_delete(w->eng, now, (const struct nb_name *)(const void *)item->data, on_committed, p);
    if (status == SL_OK && found)
        return;
    free(p);
    item->done(item->ctx, status, found, &e);
}

/* Does what an administrator has asked for up to now; costs nothing when that is nothing. */
static void do_orders(struct eng_writer *w)
{
    if (!__atomic_load_n(&w->has_orders, __ATOMIC_RELAXED))
        return;
    pthread_mutex_lock(&w->lock);
    queue_swap(&w->orders, &w->taken_orders);
    __atomic_store_n(&w->has_orders, false, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&w->lock);
    for (size_t at = 0; at < w->taken_orders.used;) {
        const struct item *item = (const struct item *)(const void *)(w->taken_orders.octets + at);
        if (item->kind == ITEM_CALL)
            item->call(item->ctx, w->eng, now_of_both());
        else
            do_admin(w, now_of_both(), item);
        at += item->size;
    }
    queue_clear(&w->taken_orders);
}

/* An order waits for the packets of one batch at most, however many there are. */
static void do_taken(struct eng_writer *w)
{
    do_orders(w);
    for (size_t at = 0, left = w->taken.count; at < w->taken.used; left--) {
        const struct item *item = (const struct item *)(const void *)(w->taken.octets + at);
        eng_set_backlog(w->eng, left);
        eng_packet(w->eng, now_of_both(), item->from, item->socket, item->data, item->len);
        at += item->size;
        do_orders(w);
    }
    queue_clear(&w->taken);
}

static void show_state(struct eng_writer *w)
{
    w->state.stats = *eng_stats(w->eng);
    w->state.version = eng_version(w->eng);
}

/* Who has his answer finds it counted. */
static void show_and_flush(struct eng_writer *w)
{
    pthread_mutex_lock(&w->lock);
    show_state(w);
    pthread_mutex_unlock(&w->lock);
    w->ops.flush(w->ops.ctx);
}

static void do_batch(struct eng_writer *w)
{
    do_taken(w);
    struct eng_now now = now_of_both();
    if (eng_next_timer_ms(w->eng) <= now.mono_ms)
        eng_tick(w->eng, now, w->heard_ms);
    show_and_flush(w);
    if (!eng_has_batch(w->eng))
        return;
    struct sl_error e;
    if (eng_commit(w->eng, &e) != SL_OK)
        w->ops.commit_failed(w->ops.ctx, &e);
    show_and_flush(w);
}

/* Waits until there is something in the queue, a timer is due or the end has come. The lock is held. */
static void wait_for_more(struct eng_writer *w)
{
    int64_t due_ms = eng_next_timer_ms(w->eng);
    struct timespec due = {.tv_sec = due_ms / MS_PER_S, .tv_nsec = due_ms % MS_PER_S * NS_PER_MS};
    int error = 0;
    while (w->waiting.count == 0 && w->orders.count == 0 && !w->stop && error == 0) {
        w->idle = true;
        error = due_ms == INT64_MAX ? pthread_cond_wait(&w->more, &w->lock) : pthread_cond_timedwait(&w->more, &w->lock, &due);
    }
    w->idle = false;
}

/* False when the end has come and nothing is left to do. */
static bool take_waiting(struct eng_writer *w)
{
    pthread_mutex_lock(&w->lock);
    wait_for_more(w);
    queue_swap(&w->taken, &w->waiting);
    w->heard_ms = sl_clock_mono_ms();
    bool over = w->stop && w->taken.count == 0 && w->orders.count == 0;
    pthread_mutex_unlock(&w->lock);
    return !over;
}

static void *run(void *ctx)
{
    struct eng_writer *w = ctx;
    tbl_reader_enter();
    while (take_waiting(w))
        do_batch(w);
    tbl_reader_leave();
    return NULL;
}

/* ---- life ---- */

static void writer_free(struct eng_writer *w)
{
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    free(w->taken.octets);
    free(w->taken_orders.octets);
    free(w->waiting.octets);
    free(w->orders.octets);
    w->magic = 0;
    free(w);
}

enum sl_status eng_writer_start(struct eng *eng, const struct eng_writer_ops *ops, struct eng_writer **ret_writer,
                                struct sl_error *e)
{
    struct eng_writer *w = sl_new(sizeof *w);
    const struct queue packets = {
        .requests = {.count_max = ENG_QUEUE_MAX, .octets_max = ENG_QUEUE_OCTETS},
        .answers = {.count_max = ENG_QUEUE_ANSWERS_MAX, .octets_max = ENG_QUEUE_ANSWER_OCTETS}};
    const struct queue orders = {
        .requests = {.count_max = ENG_QUEUE_ADMIN, .octets_max = (size_t)ENG_QUEUE_ADMIN * ADMIN_OCTETS}};
    *w = (struct eng_writer){.magic = WRITER_MAGIC, .eng = eng, .ops = *ops, .taken = packets, .waiting = packets,
                             .taken_orders = orders, .orders = orders};
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->more, &attr);
    pthread_condattr_destroy(&attr);
    show_state(w);
    int error = pthread_create(&w->thread, NULL, run, w);
    if (error) {
        writer_free(w);
        return sl_fail(e, SL_IO, "cannot start the writer's thread: %s", strerror(error));
    }
    *ret_writer = w;
    return SL_OK;
}

void eng_writer_stop(struct eng_writer *w)
{
    if (!w)
        return;
    SL_CHECK_MAGIC(w, WRITER_MAGIC);
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    writer_free(w);
}

void eng_writer_read(struct eng_writer *w, struct eng_writer_state *ret_state)
{
    SL_CHECK_MAGIC(w, WRITER_MAGIC);
    pthread_mutex_lock(&w->lock);
    *ret_state = w->state;
    pthread_mutex_unlock(&w->lock);
}
