#include "common/host/loop.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOP_MAGIC 0x40570001u
#define WATCH_MAGIC 0x40570002u
#define TIMER_MAGIC 0x40570003u

struct posted {
    struct posted *next;
    host_fn *fn;
    void *ctx;
};

struct signal_row {
    struct signal_row *next;
    struct event *event;
    host_fn *fn;
    void *ctx;
};

struct host_loop {
    uint32_t magic;
    struct event_base *base;
    struct signal_row *signals;
    int wake_fd; /* readable when `first` or `stop` may have something to say */
    struct event *wake;
    pthread_mutex_t lock; /* guards what follows */
    struct posted *first, **last;
    size_t posted;
    bool stop;
    bool running;
    pthread_t runner;
};

struct host_watch {
    uint32_t magic;
    struct host_loop *loop;
    struct event *event;
    int fd;
    unsigned events;
    host_watch_fn *fn;
    void *ctx;
};

struct host_timer {
    uint32_t magic;
    struct event *event;
    int64_t due_ms;
    host_fn *fn;
    void *ctx;
};

static void wake_up(struct host_loop *loop)
{
    sl_assert(write(loop->wake_fd, &(uint64_t){1}, sizeof(uint64_t)) == sizeof(uint64_t));
}

/* Takes the oldest posted call; false when there is none or the loop shall stop. */
static bool take(struct host_loop *loop, struct posted *ret_call)
{
    pthread_mutex_lock(&loop->lock);
    struct posted *p = loop->stop ? NULL : loop->first;
    if (p) {
        loop->first = p->next;
        loop->posted--;
        if (!loop->first)
            loop->last = &loop->first;
    }
    pthread_mutex_unlock(&loop->lock);
    if (!p)
        return false;
    *ret_call = *p;
    free(p);
    return true;
}

static bool stopping(struct host_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool stop = loop->stop;
    pthread_mutex_unlock(&loop->lock);
    return stop;
}

static size_t waiting(struct host_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    size_t count = loop->posted;
    pthread_mutex_unlock(&loop->lock);
    return count;
}

/* Runs what was posted before now; what the calls post themselves waits for the next round, so that sockets get their turn. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct host_loop *loop = arg;
    uint64_t ignored;
    if (read(fd, &ignored, sizeof ignored) < 0)
        return; /* woken for nothing */
    struct posted call;
    for (size_t left = waiting(loop); left > 0 && take(loop, &call); left--)
        call.fn(call.ctx);
    if (waiting(loop) > 0)
        wake_up(loop);
    if (stopping(loop))
        event_base_loopbreak(loop->base);
}

struct host_loop *host_loop_new(void)
{
    struct host_loop *loop = sl_new(sizeof *loop);
    loop->magic = LOOP_MAGIC;
    loop->last = &loop->first;
    pthread_mutex_init(&loop->lock, NULL);
    struct event_config *config = event_config_new();
    sl_assert(config);
    /* Timers count from the call, not from the start of the round. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sl_assert(loop->base && loop->wake_fd >= 0);
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    sl_assert(loop->wake && event_add(loop->wake, NULL) == 0);
    return loop;
}

void host_loop_free(struct host_loop *loop)
{
    if (!loop)
        return;
    SL_CHECK_MAGIC(loop, LOOP_MAGIC);
    while (loop->first) {
        struct posted *p = loop->first;
        loop->first = p->next;
        free(p);
    }
    while (loop->signals) {
        struct signal_row *row = loop->signals;
        loop->signals = row->next;
        event_free(row->event);
        free(row);
    }
    event_free(loop->wake);
    event_base_free(loop->base);
    close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
    loop->magic = 0;
    free(loop);
}

void host_loop_run(struct host_loop *loop)
{
    SL_CHECK_MAGIC(loop, LOOP_MAGIC);
    pthread_mutex_lock(&loop->lock);
    loop->running = true;
    loop->runner = pthread_self();
    pthread_mutex_unlock(&loop->lock);
    while (!stopping(loop))
        sl_assert(event_base_loop(loop->base, EVLOOP_ONCE) >= 0);
    pthread_mutex_lock(&loop->lock);
    loop->stop = loop->running = false;
    pthread_mutex_unlock(&loop->lock);
}

void host_loop_stop(struct host_loop *loop)
{
    SL_CHECK_MAGIC(loop, LOOP_MAGIC);
    pthread_mutex_lock(&loop->lock);
    loop->stop = true;
    bool inside = loop->running && pthread_equal(loop->runner, pthread_self());
    pthread_mutex_unlock(&loop->lock);
    if (inside)
        event_base_loopbreak(loop->base);
    else
        wake_up(loop);
}

void host_loop_post(struct host_loop *loop, host_fn *fn, void *ctx)
{
    SL_CHECK_MAGIC(loop, LOOP_MAGIC);
    struct posted *p = sl_new(sizeof *p);
    *p = (struct posted){.fn = fn, .ctx = ctx};
    pthread_mutex_lock(&loop->lock);
    bool was_empty = loop->posted++ == 0;
    *loop->last = p;
    loop->last = &p->next;
    pthread_mutex_unlock(&loop->lock);
    if (was_empty)
        wake_up(loop);
}

/* ---- file descriptors -------------------------------------------------------------------------------------------- */

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
    struct host_watch *watch = arg;
    SL_CHECK_MAGIC(watch, WATCH_MAGIC);
    unsigned events = (what & EV_READ ? HOST_READ : 0u) | (what & EV_WRITE ? HOST_WRITE : 0u);
    watch->fn(fd, events, watch->ctx);
}

struct host_watch *host_watch_new(struct host_loop *loop, int fd, unsigned events, host_watch_fn *fn, void *ctx)
{
    SL_CHECK_MAGIC(loop, LOOP_MAGIC);
    struct host_watch *watch = sl_new(sizeof *watch);
    *watch = (struct host_watch){.magic = WATCH_MAGIC, .loop = loop, .fd = fd, .fn = fn, .ctx = ctx};
    watch->event = event_new(loop->base, fd, 0, on_fd, watch);
    sl_assert(watch->event);
    host_watch_set(watch, events);
    return watch;
}

void host_watch_set(struct host_watch *watch, unsigned events)
{
    SL_CHECK_MAGIC(watch, WATCH_MAGIC);
    if (events == watch->events)
        return;
    event_del(watch->event);
    watch->events = events;
    if (!events)
        return;
    short what = (short)(EV_PERSIST | (events & HOST_READ ? EV_READ : 0) | (events & HOST_WRITE ? EV_WRITE : 0));
    sl_assert(event_assign(watch->event, watch->loop->base, watch->fd, what, on_fd, watch) == 0);
    sl_assert(event_add(watch->event, NULL) == 0);
}

void host_watch_free(struct host_watch *watch)
{
    if (!watch)
        return;
    SL_CHECK_MAGIC(watch, WATCH_MAGIC);
    event_free(watch->event);
    watch->magic = 0;
    free(watch);
}

/* ---- timers ------------------------------------------------------------------------------------------------------ */

static void arm(struct host_timer *timer, int64_t ms)
{
    const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    sl_assert(event_add(timer->event, &tv) == 0);
}

/* libevent reads a coarse clock and may be a tick early; our own clock decides. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct host_timer *timer = arg;
    SL_CHECK_MAGIC(timer, TIMER_MAGIC);
    int64_t left = timer->due_ms - sl_clock_mono_ms();
    if (left > 0)
        arm(timer, left);
    else
        timer->fn(timer->ctx);
}

struct host_timer *host_timer_new(struct host_loop *loop, host_fn *fn, void *ctx)
{
    SL_CHECK_MAGIC(loop, LOOP_MAGIC);
    struct host_timer *timer = sl_new(sizeof *timer);
    *timer = (struct host_timer){.magic = TIMER_MAGIC, .fn = fn, .ctx = ctx};
    timer->event = event_new(loop->base, -1, 0, on_timer, timer);
    sl_assert(timer->event);
    return timer;
}

void host_timer_start(struct host_timer *timer, int64_t ms)
{
    SL_CHECK_MAGIC(timer, TIMER_MAGIC);
    if (ms < 0)
        ms = 0;
    timer->due_ms = sl_clock_mono_ms() + ms;
    arm(timer, ms);
}

void host_timer_stop(struct host_timer *timer)
{
    SL_CHECK_MAGIC(timer, TIMER_MAGIC);
    event_del(timer->event);
}

void host_timer_free(struct host_timer *timer)
{
    if (!timer)
        return;
    SL_CHECK_MAGIC(timer, TIMER_MAGIC);
    event_free(timer->event);
    timer->magic = 0;
    free(timer);
}

/* ---- signals ----------------------------------------------------------------------------------------------------- */

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct signal_row *row = arg;
    row->fn(row->ctx);
}

void host_signal(struct host_loop *loop, int signo, host_fn *fn, void *ctx)
{
    SL_CHECK_MAGIC(loop, LOOP_MAGIC);
    struct signal_row *row = sl_new(sizeof *row);
    *row = (struct signal_row){.next = loop->signals, .fn = fn, .ctx = ctx};
    row->event = evsignal_new(loop->base, signo, on_signal, row);
    sl_assert(row->event && evsignal_add(row->event, NULL) == 0);
    loop->signals = row;
}
