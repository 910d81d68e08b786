#include "wins-emu/engine/writer.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"

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

struct queue {
    uint8_t *octets;
    size_t used, size;
    size_t count;
    size_t answers, answer_octets; /* of them, answers to challenges */
};

struct eng_writer {
    uint32_t magic;
    struct eng *eng;
    struct eng_writer_ops ops;
    struct queue taken; /* the thread's own */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t more;
    struct queue waiting;
    bool idle; /* the thread waits for `more` */
    bool stop;
    struct eng_writer_state state;
};

/* ---- the queue ---- */

/* Room for an item with `len` octets of data, or NULL when the queue is full; some is kept for an administrator's. */
static struct item *queue_push(struct queue *q, enum item_kind kind, size_t len)
{
    size_t size = (sizeof(struct item) + len + ITEM_ALIGN - 1) & ~(size_t)(ITEM_ALIGN - 1);
    size_t more = kind == ITEM_PACKET ? 0 : ENG_QUEUE_ADMIN;
    if (q->count >= ENG_QUEUE_MAX + more || q->used + size > ENG_QUEUE_OCTETS + more * ADMIN_OCTETS)
        return NULL;
    if (q->used + size > q->size) {
        q->size = q->size ? q->size * 2 : OCTETS_START;
        q->octets = sl_resize(q->octets, q->size, 1);
    }
    struct item *item = (struct item *)(void *)(q->octets + q->used);
    *item = (struct item){.size = (uint32_t)size, .len = (uint32_t)len, .kind = kind};
    q->used += size;
    q->count++;
    return item;
}

static bool is_answer(const struct eng_inbound *in)
{
    struct nb_cursor c = nb_cursor_read(in->octets, in->len);
    nb_get16(&c);
    uint16_t flags = nb_get16(&c);
    return nb_cursor_ok(&c) && nb_is_response(flags);
}

static bool push_packet(struct queue *q, const struct eng_inbound *in)
{
    bool answer = is_answer(in);
    if (answer && (q->answers >= ENG_QUEUE_MAX / ENG_QUEUE_ANSWERS || q->answer_octets >= ENG_QUEUE_OCTETS / ENG_QUEUE_ANSWERS))
        return false;
    struct item *item = queue_push(q, ITEM_PACKET, in->len);
    if (!item)
        return false;
    item->socket = in->socket;
    item->from = in->from;
    memcpy(item->data, in->octets, in->len);
    q->answers += answer;
    q->answer_octets += answer ? item->size : 0;
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
    if (w->waiting.count > w->state.queue_peak)
        w->state.queue_peak = w->waiting.count;
    bool wake = w->idle && w->waiting.count;
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

static enum sl_status submit_admin(struct eng_writer *w, enum item_kind kind, const void *data, size_t len, eng_admin_fn *done,
                                   void *ctx, struct sl_error *e)
{
    open_queue(w);
    struct item *item = w->stop ? NULL : queue_push(&w->waiting, kind, len);
    if (item) {
        item->done = done;
        item->ctx = ctx;
        memcpy(item->data, data, len);
    }
    close_queue(w);
    return item ? SL_OK : sl_fail(e, SL_LIMIT, "the queue of changes is full; try again");
}

enum sl_status eng_writer_add(struct eng_writer *w, const struct wins_record *record, eng_admin_fn *done, void *ctx,
                              struct sl_error *e)
{
    return submit_admin(w, ITEM_ADD, record, sizeof *record, done, ctx, e);
}

enum sl_status eng_writer_delete(struct eng_writer *w, const struct nb_name *name, eng_admin_fn *done, void *ctx,
                                 struct sl_error *e)
{
    return submit_admin(w, ITEM_DELETE, name, sizeof *name, done, ctx, e);
}

enum sl_status eng_writer_call(struct eng_writer *w, eng_call_fn *call, void *ctx, struct sl_error *e)
{
    open_queue(w);
    struct item *item = w->stop ? NULL : queue_push(&w->waiting, ITEM_CALL, 0);
    if (item) {
        item->call = call;
        item->ctx = ctx;
    }
    close_queue(w);
    return item ? SL_OK : sl_fail(e, SL_LIMIT, "the queue of changes is full; try again");
}

size_t eng_refusal(const void *octets, size_t len, void *buffer, size_t size)
{
    struct nb_message m;
    if (nb_message_parse(octets, len, &m, NULL) != SL_OK || nb_is_response(m.flags) || m.record != NB_SECTION_ADDITIONAL)
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

static void do_taken(struct eng_writer *w)
{
    for (size_t at = 0, left = w->taken.count; at < w->taken.used; left--) {
        const struct item *item = (const struct item *)(const void *)(w->taken.octets + at);
        struct eng_now now = now_of_both();
        eng_set_backlog(w->eng, left);
        if (item->kind == ITEM_PACKET)
            eng_packet(w->eng, now, item->from, item->socket, item->data, item->len);
        else if (item->kind == ITEM_CALL)
            item->call(item->ctx, w->eng, now);
        else
            do_admin(w, now, item);
        at += item->size;
    }
    w->taken.used = w->taken.count = w->taken.answers = w->taken.answer_octets = 0;
}

static void show_state(struct eng_writer *w)
{
    w->state.stats = *eng_stats(w->eng);
    w->state.version = eng_version(w->eng);
}

static void do_batch(struct eng_writer *w)
{
    do_taken(w);
    struct eng_now now = now_of_both();
    if (eng_next_timer_ms(w->eng) <= now.mono_ms)
        eng_tick(w->eng, now);
    w->ops.flush(w->ops.ctx);
    if (!eng_has_batch(w->eng))
        return;
    struct sl_error e;
    if (eng_commit(w->eng, &e) != SL_OK)
        w->ops.commit_failed(w->ops.ctx, &e);
    pthread_mutex_lock(&w->lock); /* who has his answer finds it counted */
    show_state(w);
    pthread_mutex_unlock(&w->lock);
    w->ops.flush(w->ops.ctx);
}

/* Waits until there is something in the queue, a timer is due or the end has come. The lock is held. */
static void wait_for_more(struct eng_writer *w)
{
    int64_t due_ms = eng_next_timer_ms(w->eng);
    struct timespec due = {.tv_sec = due_ms / MS_PER_S, .tv_nsec = due_ms % MS_PER_S * NS_PER_MS};
    int error = 0;
    while (w->waiting.count == 0 && !w->stop && error == 0) {
        w->idle = true;
        error = due_ms == INT64_MAX ? pthread_cond_wait(&w->more, &w->lock) : pthread_cond_timedwait(&w->more, &w->lock, &due);
    }
    w->idle = false;
}

/* False when the end has come and nothing is left to do. */
static bool take_waiting(struct eng_writer *w)
{
    pthread_mutex_lock(&w->lock);
    show_state(w);
    wait_for_more(w);
    struct queue empty = w->taken;
    w->taken = w->waiting;
    w->waiting = empty;
    bool over = w->stop && w->taken.count == 0;
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
    free(w->waiting.octets);
    w->magic = 0;
    free(w);
}

enum sl_status eng_writer_start(struct eng *eng, const struct eng_writer_ops *ops, struct eng_writer **ret_writer,
                                struct sl_error *e)
{
    struct eng_writer *w = sl_new(sizeof *w);
    *w = (struct eng_writer){.magic = WRITER_MAGIC, .eng = eng, .ops = *ops};
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
