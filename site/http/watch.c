#include "site/http/watch.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define WATCH_MAGIC 0x3eb00002u

enum { LOOK_S = 1 };

struct web_guest {
    struct web_guest *next, **link;
    int fd;
    int64_t due_ms; /* monotonic; 0: nothing is waited for */
};

struct web_watch {
    uint32_t magic;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ending;
    bool is_ending;
    struct web_guest *guests;
};

/* The socket is open as long as its guest is in the list: whoever closes it leaves first. */
static void cut_off(struct web_watch *w, int64_t now_ms)
{
    for (struct web_guest *g = w->guests; g != NULL; g = g->next)
        if (g->due_ms != 0 && g->due_ms <= now_ms) {
            (void)shutdown(g->fd, SHUT_RDWR);
            g->due_ms = 0;
        }
}

static void *work(void *ctx)
{
    struct web_watch *w = ctx;
    (void)pthread_mutex_lock(&w->mutex);
    while (!w->is_ending) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_S;
        (void)pthread_cond_timedwait(&w->ending, &w->mutex, &until);
        cut_off(w, sl_clock_mono_ms());
    }
    (void)pthread_mutex_unlock(&w->mutex);
    return NULL;
}

enum sl_status web_watch_new(struct web_watch **ret_watch, struct sl_error *e)
{
    struct web_watch *w = sl_new(sizeof *w);
    pthread_condattr_t attr;
    *w = (struct web_watch){.magic = WATCH_MAGIC};
    (void)pthread_mutex_init(&w->mutex, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->ending, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&w->thread, NULL, work, w) == 0) {
        *ret_watch = w;
        return SL_OK;
    }
    (void)pthread_cond_destroy(&w->ending);
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
    return sl_fail(e, SL_LIMIT, "HTTP: no thread to watch over connections");
}

void web_watch_free(struct web_watch *w)
{
    if (w == NULL)
        return;
    SL_CHECK_MAGIC(w, WATCH_MAGIC);
    (void)pthread_mutex_lock(&w->mutex);
    w->is_ending = true;
    (void)pthread_cond_signal(&w->ending);
    (void)pthread_mutex_unlock(&w->mutex);
    (void)pthread_join(w->thread, NULL);
    sl_assert(w->guests == NULL);
    (void)pthread_cond_destroy(&w->ending);
    (void)pthread_mutex_destroy(&w->mutex);
    w->magic = 0;
    free(w);
}

struct web_guest *web_watch_enter(struct web_watch *w, int fd, int64_t limit_ms)
{
    struct web_guest *g = sl_new(sizeof *g);
    SL_CHECK_MAGIC(w, WATCH_MAGIC);
    (void)pthread_mutex_lock(&w->mutex);
    *g = (struct web_guest){.next = w->guests, .link = &w->guests, .fd = fd, .due_ms = sl_clock_mono_ms() + limit_ms};
    if (g->next != NULL)
        g->next->link = &g->next;
    w->guests = g;
    (void)pthread_mutex_unlock(&w->mutex);
    return g;
}

static void set_due(struct web_watch *w, struct web_guest *g, int64_t due_ms)
{
    (void)pthread_mutex_lock(&w->mutex);
    g->due_ms = due_ms;
    (void)pthread_mutex_unlock(&w->mutex);
}

void web_watch_served(struct web_watch *w, struct web_guest *g)
{
    set_due(w, g, 0);
}

void web_watch_next(struct web_watch *w, struct web_guest *g, int64_t limit_ms)
{
    set_due(w, g, sl_clock_mono_ms() + limit_ms);
}

void web_watch_leave(struct web_watch *w, struct web_guest *g)
{
    (void)pthread_mutex_lock(&w->mutex);
    *g->link = g->next;
    if (g->next != NULL)
        g->next->link = g->link;
    (void)pthread_mutex_unlock(&w->mutex);
    free(g);
}
