#include "common/base/assert.h"
#include "common/base/errand.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "site/server/private.h"

#include <pthread.h>
#include <stdlib.h>

/* What was seen, and what was made of it. */
struct sight {
    enum sl_status status;
    struct sst_counters at;
};

struct srv_watch {
    struct srv *srv;
    struct sl_errand *errand;
    struct sl_errand *replica; /* NULL without one */
    pthread_mutex_t mutex; /* guards all below */
    struct sight seen, told;
    struct sl_error why;
    bool is_lost;   /* the loop's last word; it may find fault where we find none */
    bool is_posted;
};

static void on_news(void *ctx)
{
    struct srv_watch *w = ctx;
    struct srv *srv = w->srv;
    SL_CHECK_MAGIC(srv, SRV_MAGIC);
    pthread_mutex_lock(&w->mutex);
    struct sight seen = w->seen;
    struct sl_error why = w->why;
    w->is_posted = false;
    pthread_mutex_unlock(&w->mutex);
    if (seen.status == SL_OK)
        srv_look(srv);
    else
        srv_lose(srv, &why);
    pthread_mutex_lock(&w->mutex);
    w->told = (struct sight){.status = seen.status, .at = {.generation = srv->generation, .fetched = srv->fetched}};
    w->is_lost = srv->lost;
    pthread_mutex_unlock(&w->mutex);
}

/* An sl_errand_work. */
static bool run(void *ctx, unsigned failures, const struct sl_cancel *stop)
{
    struct srv_watch *w = ctx;
    struct sl_error why = {0};
    struct sight seen = {0};
    (void)failures;
    seen.status = sst_pool_probe(w->srv->options.pool, stop, &seen.at, &why);
    pthread_mutex_lock(&w->mutex);
    bool is_news = w->is_lost || seen.status != w->told.status || seen.at.generation != w->told.at.generation ||
                   seen.at.fetched != w->told.at.fetched;
    bool posts = is_news && !w->is_posted;
    w->seen = seen;
    w->why = why;
    w->is_posted = w->is_posted || posts;
    pthread_mutex_unlock(&w->mutex);
    if (posts)
        host_loop_post(w->srv->loop, on_news, w);
    return seen.status == SL_OK;
}

/* Another sl_errand_work: nobody needs to know, but those who wait for the replica. */
static bool run_replica(void *ctx, unsigned failures, const struct sl_cancel *stop)
{
    struct srv_watch *w = ctx;
    struct sl_error why = {0};
    struct sst_counters ignored;
    enum sl_status status = sst_pool_probe(w->srv->options.replica, stop, &ignored, &why);
    if (status != SL_OK && failures == 0 && !sl_cancel_is_told(stop))
        sl_log(SL_LOG_ERROR, "replica-lost", "text=%s", SL_LOG_TEXT(why.text));
    else if (status == SL_OK && failures > 0)
        sl_log(SL_LOG_INFO, "replica-back", "attempts=%u", failures);
    return status == SL_OK;
}

enum sl_status srv_watch_new(struct srv *srv, struct srv_watch **ret_watch, struct sl_error *e)
{
    struct srv_watch *w = sl_new(sizeof *w);
    *w = (struct srv_watch){
        .srv = srv, .is_lost = srv->lost, .told = {.at = {.generation = srv->generation, .fetched = srv->fetched}}};
    pthread_mutex_init(&w->mutex, NULL);
    const struct sl_errand_work work = {
        .run = run, .ctx = w, .retry_min_ms = SRV_LOST_MS, .retry_max_ms = SRV_LOST_MS, .period_ms = SRV_POLL_MS};
    const struct sl_errand_work replica = {
        .run = run_replica, .ctx = w, .retry_min_ms = SRV_LOST_MS, .retry_max_ms = SRV_LOST_MS, .period_ms = SRV_LOST_MS};
    enum sl_status status = sl_errand_start(&work, &w->errand, e);
    if (status == SL_OK && srv->options.replica != srv->options.pool)
        status = sl_errand_start(&replica, &w->replica, e);
    if (status == SL_OK)
        *ret_watch = w;
    else
        srv_watch_free(w);
    return status;
}

void srv_watch_free(struct srv_watch *w)
{
    if (w == NULL)
        return;
    sl_errand_end(w->replica);
    sl_errand_end(w->errand);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}
