#include "common/base/assert.h"
#include "common/base/errand.h"
#include "common/base/memory.h"
#include "site/server/private.h"

#include <pthread.h>
#include <stdlib.h>

/* What was seen, and what was made of it. */
struct sight {
    enum sl_status status;
    int64_t generation, fetched;
};

struct srv_watch {
    struct srv *srv;
    struct sl_errand *errand;
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
    w->told = (struct sight){.status = seen.status, .generation = srv->generation, .fetched = srv->fetched};
    w->is_lost = srv->lost;
    pthread_mutex_unlock(&w->mutex);
}

static enum sl_status see(const struct srv_options *options, struct sight *seen, struct sl_error *e)
{
    struct sst *store = NULL;
    enum sl_status status = sst_borrow(options->pool, &store, e);
    if (status == SL_OK)
        status = sst_recheck(store, e);
    if (status == SL_OK)
        status = sst_generation(store, &seen->generation, e);
    if (status == SL_OK)
        seen->fetched = sst_fetched(store);
    sst_give_back(options->pool, store, status);
    if (status == SL_FOREIGN) { /* others may have it open still, from before it was so */
        sst_pool_renew(options->pool);
        sst_pool_renew(options->replica);
    }
    return status;
}

/* An sl_errand_work. */
static bool run(void *ctx, unsigned failures, const struct sl_cancel *stop)
{
    struct srv_watch *w = ctx;
    struct sl_error why = {0};
    struct sight seen = {0};
    (void)failures;
    (void)stop;
    seen.status = see(&w->srv->options, &seen, &why);
    pthread_mutex_lock(&w->mutex);
    bool is_news = w->is_lost || seen.status != w->told.status || seen.generation != w->told.generation ||
                   seen.fetched != w->told.fetched;
    bool posts = is_news && !w->is_posted;
    w->seen = seen;
    w->why = why;
    w->is_posted = w->is_posted || posts;
    pthread_mutex_unlock(&w->mutex);
    if (posts)
        host_loop_post(w->srv->loop, on_news, w);
    return seen.status == SL_OK;
}

enum sl_status srv_watch_new(struct srv *srv, struct srv_watch **ret_watch, struct sl_error *e)
{
    struct srv_watch *w = sl_new(sizeof *w);
    *w = (struct srv_watch){.srv = srv, .is_lost = srv->lost, .told = {.generation = srv->generation, .fetched = srv->fetched}};
    pthread_mutex_init(&w->mutex, NULL);
    const struct sl_errand_work work = {
        .run = run, .ctx = w, .retry_min_ms = SRV_LOST_MS, .retry_max_ms = SRV_LOST_MS, .period_ms = SRV_POLL_MS};
    enum sl_status status = sl_errand_start(&work, &w->errand, e);
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
    sl_errand_end(w->errand);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}
