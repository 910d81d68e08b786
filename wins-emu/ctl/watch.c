#include "wins-emu/ctl/watch.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "wins-emu/core/pattern.h"
#include "wins-emu/ctl/note.h"

#include <pthread.h>
#include <stdlib.h>

#define HUB_MAGIC 0xc7100002u

struct watcher {
    struct watcher *next, **link;
    struct wctl_hub *hub;
    struct host_reply *reply;
    struct host_timer *timer; /* of its end, or NULL */
    bool over;
    bool all;
    struct wins_pattern pattern;
    uint64_t left; /* changes until its end; 0: without end */
    size_t first, count; /* in notes; guarded by the hub's lock, as is `lost` */
    uint64_t lost;       /* behind the notes */
    struct wst_note notes[WCTL_WATCH_QUEUE];
};

struct wctl_hub {
    uint32_t magic;
    struct host_loop *loop;
    unsigned count; /* of watchers; read without the lock */
    pthread_mutex_t lock;
    struct watcher *first;
    bool posted; /* on_news is on its way */
};

struct wctl_hub *wctl_hub_new(struct host_loop *loop)
{
    struct wctl_hub *hub = sl_new(sizeof *hub);
    *hub = (struct wctl_hub){.magic = HUB_MAGIC, .loop = loop};
    pthread_mutex_init(&hub->lock, NULL);
    return hub;
}

void wctl_hub_free(struct wctl_hub *hub)
{
    if (!hub)
        return;
    SL_CHECK_MAGIC(hub, HUB_MAGIC);
    sl_assert(!hub->first);
    pthread_mutex_destroy(&hub->lock);
    hub->magic = 0;
    free(hub);
}

/* ---- on the writer's thread ---- */

static void keep(struct watcher *w, const struct wst_note *note)
{
    if (!w->all && !wins_pattern_matches(&w->pattern, &note->name))
        return;
    if (w->lost || w->count == WCTL_WATCH_QUEUE)
        w->lost++;
    else
        w->notes[(w->first + w->count++) % WCTL_WATCH_QUEUE] = *note;
}

static void on_news(void *ctx)
{
    struct wctl_hub *hub = ctx;
    pthread_mutex_lock(&hub->lock);
    hub->posted = false;
    pthread_mutex_unlock(&hub->lock);
    for (struct watcher *w = hub->first; w; w = w->next)
        host_reply_wake(w->reply);
}

void wctl_hub_note(struct wctl_hub *hub, const struct wst_note *note)
{
    SL_CHECK_MAGIC(hub, HUB_MAGIC);
    if (__atomic_load_n(&hub->count, __ATOMIC_RELAXED) == 0)
        return;
    pthread_mutex_lock(&hub->lock);
    for (struct watcher *w = hub->first; w; w = w->next)
        keep(w, note);
    bool post = hub->first && !hub->posted;
    hub->posted = hub->posted || post;
    pthread_mutex_unlock(&hub->lock);
    if (post)
        host_loop_post(hub->loop, on_news, hub);
}

/* ---- on the loop's thread, which alone adds and removes watchers ---- */

static void watcher_free(void *ctx)
{
    struct watcher *w = ctx;
    struct wctl_hub *hub = w->hub;
    pthread_mutex_lock(&hub->lock);
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    pthread_mutex_unlock(&hub->lock);
    __atomic_fetch_sub(&hub->count, 1, __ATOMIC_RELAXED);
    host_timer_free(w->timer);
    free(w);
}

enum take { TAKE_NOTHING, TAKE_NOTE, TAKE_LOST };

static enum take take(struct watcher *w, struct wst_note *ret_note, uint64_t *ret_lost)
{
    enum take taken = TAKE_NOTHING;
    pthread_mutex_lock(&w->hub->lock);
    if (w->count) {
        *ret_note = w->notes[w->first];
        w->first = (w->first + 1) % WCTL_WATCH_QUEUE;
        w->count--;
        taken = TAKE_NOTE;
    } else if (w->lost) {
        *ret_lost = w->lost;
        w->lost = 0;
        taken = TAKE_LOST;
    }
    pthread_mutex_unlock(&w->hub->lock);
    return taken;
}

static bool more(struct host_reply *reply, void *state)
{
    struct watcher *w = state;
    struct wst_note note;
    uint64_t lost;
    enum take taken = take(w, &note, &lost);
    if (taken == TAKE_NOTE)
        wctl_note_row(reply, &note, true);
    else if (taken == TAKE_LOST)
        wctl_note_lost(reply, lost);
    bool last = taken == TAKE_NOTE && w->left && --w->left == 0;
    if (last || (taken == TAKE_NOTHING && w->over)) {
        host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
        watcher_free(w);
        return false;
    }
    if (taken == TAKE_NOTHING)
        host_reply_rest(reply);
    return true;
}

static void on_time(void *ctx)
{
    struct watcher *w = ctx;
    w->over = true;
    host_reply_wake(w->reply);
}

/* The options of the request; false when the reply has been ended. */
static bool read_request(struct watcher *w, const struct host_request *request, int64_t *ret_timeout_ms, struct host_reply *reply)
{
    struct sl_error e;
    const char *count = host_request_option(request, "count", 0), *timeout = host_request_option(request, "timeout", 0);
    *ret_timeout_ms = 0;
    w->all = request->arg_count == 0;
    enum sl_status status = w->all ? SL_OK : wins_pattern_parse(request->args[0], &w->pattern, &e);
    if (status == SL_OK && count && !sl_parse_u64(count, UINT64_MAX, &w->left))
        status = sl_fail(&e, SL_USAGE, "--count \"%s\" is no number", count);
    if (status == SL_OK && timeout && !sl_parse_duration_ms(timeout, ret_timeout_ms))
        status = sl_fail(&e, SL_USAGE, "--timeout \"%s\" is no time", timeout);
    if (status != SL_OK)
        host_reply_fail(reply, status, &e);
    return status == SL_OK;
}

void wctl_watch(struct wctl_hub *hub, const struct host_request *request, struct host_reply *reply)
{
    SL_CHECK_MAGIC(hub, HUB_MAGIC);
    if (hub->count == WCTL_WATCHERS_MAX) {
        host_reply_end(reply, SL_OUTCOME_CONFLICT, "too-many", "%d others are watching already", WCTL_WATCHERS_MAX);
        return;
    }
    struct watcher *w = sl_new(sizeof *w);
    int64_t timeout_ms;
    if (!read_request(w, request, &timeout_ms, reply)) {
        free(w);
        return;
    }
    w->hub = hub;
    w->reply = reply;
    w->timer = timeout_ms ? host_timer_new(hub->loop, on_time, w) : NULL;
    if (w->timer)
        host_timer_start(w->timer, timeout_ms);
    pthread_mutex_lock(&hub->lock);
    w->next = hub->first;
    w->link = &hub->first;
    if (w->next)
        w->next->link = &w->next;
    hub->first = w;
    pthread_mutex_unlock(&hub->lock);
    __atomic_fetch_add(&hub->count, 1, __ATOMIC_RELAXED);
    wctl_note_columns(reply, true);
    host_reply_pull(reply, more, watcher_free, w);
}
