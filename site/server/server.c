#include "site/server/server.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/server/keys.h"
#include "site/store/policy.h"
#include "site/server/private.h"

#include <stdlib.h>
#include <string.h>

enum { SETTLE_MAX = 4 };

/* ---- the database ----------------------------------------------------------------------------------------------------- */

enum sl_status srv_store(struct srv *srv, struct sst **ret_store, struct sl_error *e)
{
    struct sst_pool *pool = srv->options.pool;
    enum sl_status status = sst_pool_admit(pool, e);
    if (srv->store != NULL && (status != SL_OK || !sst_is_current(srv->store))) {
        sst_close(srv->store);
        srv->store = NULL;
    }
    if (status == SL_OK && srv->store == NULL)
        status = sst_pool_open(pool, srv->options.is_server ? SST_READ_WRITE : SST_READ_ONLY, &srv->store, e);
    if (status == SL_OK)
        *ret_store = srv->store;
    return status;
}

enum sl_status srv_have_lock(struct srv *srv, struct sl_error *e)
{
    if (!srv->options.is_server)
        return SL_OK;
    enum sl_status status = sst_pool_admit(srv->options.pool, e);
    if (status == SL_OK)
        status = srv->lock == NULL ? sst_pool_lock(srv->options.pool, &srv->lock, e) : sst_relock_server(srv->lock, e);
    atomic_store(&srv->is_locked, srv->lock != NULL);
    return status;
}

enum sl_status srv_sites(struct srv *srv, struct sl_strings *ret_codes, struct sl_error *e)
{
    struct sst *store;
    enum sl_status status = srv_store(srv, &store, e);
    if (status != SL_OK)
        return status;
    if (srv->options.site == NULL)
        return sst_sites(store, ret_codes, e);
    struct sl_strings one = {0};
    sl_strings_add(&one, srv->options.site);
    *ret_codes = one;
    return SL_OK;
}

/* ---- looking for changes ---------------------------------------------------------------------------------------------- */

static void tell_all(struct srv *srv, const struct sm_snapshot *const *sites, size_t count)
{
    if (srv->options.names != NULL)
        nbn_set_sites(srv->options.names, sites, count);
    if (srv->options.on_sites != NULL)
        srv->options.on_sites(sites, count, srv->options.on_sites_ctx);
    if (srv->selftest != NULL)
        srv_selftest_set_sites(srv->selftest, sites, count);
}

/* All or none: a database that goes away meanwhile must not take the names and certificates of what was not read. */
static enum sl_status tell_sites(struct srv *srv, struct sst *store, const struct sl_strings *codes, struct sl_error *e)
{
    struct sm_snapshot **sites = sl_new_array(codes->count + 1, sizeof *sites);
    size_t count = 0;
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < codes->count && status == SL_OK; i++) {
        status = sst_snapshot(store, codes->items[i], &sites[count], e);
        if (status == SL_OK && sites[count] != NULL)
            count++;
    }
    if (status == SL_OK)
        tell_all(srv, (const struct sm_snapshot *const *)sites, count);
    for (size_t i = 0; i < count; i++)
        sm_snapshot_free(sites[i]);
    free(sites);
    return status;
}

/* What could not be issued is tried again with a back-off, whatever else happens meanwhile. */
static void certify_later(struct srv *srv, bool has_failed)
{
    if (!has_failed) {
        if (srv->certify_attempts > 0)
            sl_log(SL_LOG_INFO, "certificates-issued", "attempts=%u", srv->certify_attempts);
        srv->certify_attempts = 0;
        srv->certify_waits = false;
        host_timer_stop(srv->certify);
    } else if (!srv->certify_waits) {
        srv->certify_waits = true;
        host_timer_start(srv->certify, srv_retry_ms(++srv->certify_attempts, &srv->random));
    }
}

/* Issues what certificates are wanting or due. What cannot be is told, and is no reason to leave anything else undone. */
static void certify_all(struct srv *srv, struct sst *store, const struct sl_strings *codes)
{
    bool has_failed = false;
    for (size_t i = 0; i < codes->count; i++) {
        struct sl_error e = {0};
        enum sl_status status = srv_keys_certify(store, srv->options.state, codes->items[i], srv->options.times.certificate_days,
                                                 sl_clock_real_s(), &e);
        if (status != SL_OK)
            sl_log(SL_LOG_ERROR, "certificates-not-issued", "site=%s text=%s", codes->items[i], SL_LOG_TEXT(e.text));
        has_failed = has_failed || status != SL_OK;
    }
    certify_later(srv, has_failed);
}

/* Of every site, unless the database is away, which has been told: when it is back, all is looked at anew. */
static bool certify_now(struct srv *srv, struct sl_strings *ret_codes)
{
    struct sst *store;
    if (srv->lost || srv_have_lock(srv, NULL) != SL_OK || srv_sites(srv, ret_codes, NULL) != SL_OK)
        return false;
    if (srv_store(srv, &store, NULL) == SL_OK)
        certify_all(srv, store, ret_codes);
    return true;
}

static void on_certify(void *ctx)
{
    struct srv *srv = ctx;
    struct sl_strings codes;
    SL_CHECK_MAGIC(srv, SRV_MAGIC);
    srv->certify_waits = false;
    if (certify_now(srv, &codes))
        sl_strings_fini(&codes);
    else
        certify_later(srv, true);
}

/* Whoever changed a site, its policies follow (S1.11). */
static void refresh_policies(struct sst *store, const struct sl_strings *codes)
{
    for (size_t i = 0; i < codes->count; i++) {
        struct sl_error e = {0};
        bool changed = false;
        if (sst_refresh_policies(store, codes->items[i], &changed, &e) != SL_OK)
            sl_log(SL_LOG_ERROR, "policies-not-made", "site=%s text=%s", codes->items[i], SL_LOG_TEXT(e.text));
        else if (changed)
            sl_log(SL_LOG_INFO, "policies-made", "site=%s", codes->items[i]);
    }
}

/* Publishes every site in the background. */
static void publish_all(struct srv *srv, const struct sl_strings *codes)
{
    struct sl_error e = {0};
    for (size_t i = 0; i < codes->count; i++)
        if (srv_publish(srv->publisher, codes->items[i], &(struct pub_order){.mode = PUB_APPLY}, NULL, &e) != SL_OK)
            sl_log(SL_LOG_WARNING, "publication-left-out", "site=%s text=%s", codes->items[i], SL_LOG_TEXT(e.text));
}

static void schedule_publish(struct srv *srv, int64_t ms)
{
    srv->next_publish_s = sl_clock_real_s() + ms / 1000;
    host_timer_start(srv->interval, ms);
}

void srv_set_times(struct srv *srv, const struct srv_times *times)
{
    bool changed = srv->options.times.publish_interval_ms != times->publish_interval_ms;
    srv->options.times = *times;
    if (changed && srv->publisher != NULL)
        schedule_publish(srv, times->publish_interval_ms);
    if (srv->selftest != NULL)
        srv_selftest_set_interval(srv->selftest, times->selftest_interval_ms);
}

/*
 * Does what follows from a change: certificates and policies, which are changes themselves, until nothing is left to do. The
 * generation is that from before the last look, so that the key that another host sends meanwhile is seen the next time.
 */
static enum sl_status settle(struct srv *srv, struct sst *store, const struct sl_strings *codes, int64_t *generation,
                             struct sl_error *e)
{
    int64_t after = *generation;
    enum sl_status status = SL_OK;
    for (int i = 0; i < SETTLE_MAX && srv->options.is_server && status == SL_OK && (i == 0 || after != *generation); i++) {
        *generation = after;
        certify_all(srv, store, codes);
        refresh_policies(store, codes);
        status = sst_generation(store, &after, e);
    }
    return status;
}

static enum sl_status look(struct srv *srv, struct sl_error *e)
{
    struct sst *store;
    struct sl_strings codes;
    int64_t generation;
    enum sl_status status = srv->lock == NULL ? srv_have_lock(srv, e) : SL_OK;
    if (status == SL_OK)
        status = srv_store(srv, &store, e);
    if (status == SL_OK)
        status = sst_generation(store, &generation, e);
    if (status != SL_OK)
        return status;
    bool is_fetched = sst_fetched(store) != srv->fetched;
    srv->fetched = sst_fetched(store);
    if (generation == srv->generation) {
        if (is_fetched && srv->options.exchange != NULL)
            srv_exchange_poke(srv->options.exchange);
        return SL_OK;
    }
    status = srv_sites(srv, &codes, e);
    if (status != SL_OK)
        return status;
    status = settle(srv, store, &codes, &generation, e);
    if (status == SL_OK)
        status = tell_sites(srv, store, &codes, e);
    if (status != SL_OK) {
        sl_strings_fini(&codes);
        return status;
    }
    srv->generation = generation;
    if (srv->options.exchange != NULL)
        srv_exchange_poke(srv->options.exchange);
    if (srv->publisher != NULL) {
        publish_all(srv, &codes);
        schedule_publish(srv, srv->options.times.publish_interval_ms);
    }
    sl_strings_fini(&codes);
    return SL_OK;
}

void srv_lose(struct srv *srv, const struct sl_error *why)
{
    if (!srv->lost)
        sl_log(SL_LOG_ERROR, "database-lost", "text=%s", SL_LOG_TEXT(why->text));
    srv->lost = true;
    sst_close(srv->store);
    srv->store = NULL;
}

void srv_look(struct srv *srv)
{
    struct sl_error e = {0};
    if (look(srv, &e) != SL_OK) {
        srv_lose(srv, &e);
        return;
    }
    if (srv->lost)
        sl_log(SL_LOG_INFO, "database-back", "file=%s", SL_LOG_TEXT(srv->options.path));
    srv->lost = false;
}

static void on_interval(void *ctx)
{
    struct srv *srv = ctx;
    struct sl_strings codes;
    SL_CHECK_MAGIC(srv, SRV_MAGIC);
    if (certify_now(srv, &codes)) {
        publish_all(srv, &codes);
        sl_strings_fini(&codes);
    }
    schedule_publish(srv, srv->options.times.publish_interval_ms);
}

/* ---- what became of publications -------------------------------------------------------------------------------------- */

static bool is_failure(enum sl_outcome outcome)
{
    return outcome != SL_OUTCOME_OK && outcome != SL_OUTCOME_NEGATIVE;
}

static size_t find_result(const struct srv *srv, const char *site, const char *target)
{
    size_t i = 0;
    while (i < srv->result_count && (strcmp(srv->results[i].site, site) != 0 || strcmp(srv->results[i].target, target) != 0))
        i++;
    return i;
}

const struct srv_result *srv_result_of(const struct srv *srv, const char *site, const char *target)
{
    size_t i = find_result(srv, site, target);
    return i < srv->result_count ? &srv->results[i] : NULL;
}

bool srv_has_failed(struct srv *srv, const char *site, const char *target)
{
    pthread_mutex_lock(&srv->telling);
    const struct srv_result *r = srv_result_of(srv, site, target);
    bool failed = r != NULL && r->outcome != SL_OUTCOME_COUNT && is_failure(r->outcome);
    pthread_mutex_unlock(&srv->telling);
    return failed;
}

/* The row of a target, a new one when there is room. */
static struct srv_result *result_for(struct srv *srv, const char *site, const char *target)
{
    size_t i = find_result(srv, site, target);
    if (i < srv->result_count)
        return &srv->results[i];
    if (i == SRV_RESULTS_MAX)
        return NULL;
    srv->results = sl_resize(srv->results, i + 1, sizeof *srv->results);
    srv->result_count++;
    srv->results[i] = (struct srv_result){.target = sl_strdup(target), .outcome = SL_OUTCOME_COUNT, .drift = -1};
    sl_text_copy(srv->results[i].site, sizeof srv->results[i].site, site);
    return &srv->results[i];
}

static void log_result(const char *site, const struct pub_result *result, bool news)
{
    bool failed = is_failure(result->outcome);
    if (failed || news)
        sl_log(failed ? SL_LOG_WARNING : SL_LOG_INFO, failed ? "publication-failed" : "published",
               "site=%s target=%s outcome=%s reason=%s text=%s", site, SL_LOG_TEXT(result->target),
               sl_outcome_word(result->outcome), SL_LOG_TEXT(result->reason), SL_LOG_TEXT(result->message));
}

/* What was found there before it was mended; somebody else's work when the site is still what was published before. */
static void note_drift(struct srv_result *r, const struct pub_result *said, int64_t generation)
{
    if (said->differing > 0 && r->outcome == SL_OUTCOME_OK && r->generation == generation)
        sl_log(SL_LOG_WARNING, "target-drifted", "site=%s target=%s objects=%zu", r->site, SL_LOG_TEXT(r->target),
               said->differing);
    if (said->differing > 0 || !is_failure(said->outcome)) /* else it could not be read */
        r->drift = (int64_t)said->differing;
    if (said->outcome == SL_OUTCOME_OK || said->outcome == SL_OUTCOME_PARTIAL)
        r->mended += said->differing - said->failed;
    r->generation = generation;
}

void srv_remember(struct srv *srv, const char *site, const struct pub_report *report)
{
    bool failed = report->outcome == SL_OUTCOME_CONFLICT;
    pthread_mutex_lock(&srv->telling);
    if (failed)
        sl_log(SL_LOG_WARNING, "publication-refused", "site=%s reason=%s text=%s", site, SL_LOG_TEXT(report->reason),
               SL_LOG_TEXT(report->message));
    for (size_t i = 0; i < report->result_count; i++) {
        const struct pub_result *said = &report->results[i];
        struct srv_result *r = result_for(srv, site, said->target);
        failed = failed || is_failure(said->outcome);
        log_result(site, said, r == NULL || r->outcome != said->outcome);
        if (r == NULL)
            continue;
        note_drift(r, said, report->generation);
        free(r->message);
        r->message = sl_strdup(said->message);
        r->outcome = said->outcome;
        r->at_s = sl_clock_real_s();
    }
    pthread_mutex_unlock(&srv->telling);
    srv_retry_note(srv, site, failed);
}

/* ---- life ------------------------------------------------------------------------------------------------------------- */

/* What is wrong now may be right later, but for another site server and what somebody has written wrongly. */
static enum sl_status open_database(struct srv *srv, struct sl_error *e)
{
    struct sst *store;
    char *code = NULL;
    enum sl_status status = srv_have_lock(srv, e);
    if (status == SL_CONFLICT)
        return status;
    if (status == SL_OK)
        status = srv_store(srv, &store, e);
    if (status == SL_OK && srv->options.site != NULL)
        status = sst_choose_site(store, srv->options.site, &code, e);
    free(code);
    if (status != SL_OK && status != SL_USAGE)
        srv_lose(srv, e);
    return status == SL_USAGE ? status : SL_OK;
}

static void drop_content(void *ctx, struct sm_manifest *files)
{
    srv_drop_content(ctx, files);
}

enum sl_status srv_open(struct host_loop *loop, const struct srv_options *options, struct srv **ret_srv, struct sl_error *e)
{
    struct srv *srv = sl_new(sizeof *srv);
    *srv = (struct srv){.magic = SRV_MAGIC, .loop = loop, .options = *options, .generation = -1};
    pthread_mutex_init(&srv->telling, NULL);
    enum sl_status status = open_database(srv, e);
    if (status == SL_OK && options->is_server)
        status = cnt_open(options->content, true, &srv->library, e);
    if (status == SL_OK && options->is_server)
        status = srv_selftest_new(loop, options->times.selftest_interval_ms, &srv->options.mp_trust, &srv->selftest, e);
    if (status != SL_OK) {
        srv_close(srv);
        return status;
    }
    srv->interval = host_timer_new(loop, on_interval, srv);
    srv->retry = host_timer_new(loop, srv_retry_due, srv);
    srv->certify = host_timer_new(loop, on_certify, srv);
    srv->random = sl_random_seeded(sl_random_os_seed());
    if (options->is_server)
        srv->publisher = srv_publisher_new(srv);
    if (options->is_server)
        srv->copier = host_worker_new(loop);
    if (options->is_server && options->exchange != NULL)
        srv_exchange_set_drop(options->exchange, drop_content, srv);
    if (options->is_server)
        srv->verifier = host_worker_new(loop);
    if (!srv->lost)
        srv_look(srv);
    status = srv_watch_new(srv, &srv->watch, e);
    if (status == SL_OK)
        *ret_srv = srv;
    else
        srv_close(srv);
    return status;
}

void srv_close(struct srv *srv)
{
    if (srv == NULL)
        return;
    SL_CHECK_MAGIC(srv, SRV_MAGIC);
    if (srv->options.exchange != NULL)
        srv_exchange_set_drop(srv->options.exchange, NULL, NULL);
    srv_watch_free(srv->watch);
    srv_publisher_free(srv->publisher);
    host_worker_free(srv->copier);
    host_worker_free(srv->verifier);
    srv_selftest_free(srv->selftest);
    cnt_close(srv->library);
    if (srv->interval != NULL)
        host_timer_free(srv->interval);
    if (srv->retry != NULL)
        host_timer_free(srv->retry);
    if (srv->certify != NULL)
        host_timer_free(srv->certify);
    free(srv->retries);
    for (size_t i = 0; i < srv->result_count; i++) {
        free(srv->results[i].target);
        free(srv->results[i].message);
    }
    free(srv->results);
    sst_pool_renew(srv->options.pool); /* who may write closes a file last, and so leaves it whole, without a log beside it */
    sst_close(srv->store);
    sst_unlock_server(srv->lock);
    pthread_mutex_destroy(&srv->telling);
    srv->magic = 0;
    free(srv);
}
