#include "site/report/uplink.h"

#include "common/base/assert.h"
#include "common/base/cancel.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/option.h"
#include "common/base/random.h"
#include "locator/net/httpc.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPL_MAGIC 0x51735706u

struct server {
    char site[SM_CODE_LEN + 1];
    char *host;
};

struct upl {
    uint32_t magic;
    struct upl_options options;
    pthread_t thread;
    struct sl_cancel stop;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;
    bool has_work;
    struct server *servers;
    size_t server_count;
};

static void free_servers(struct upl *u)
{
    for (size_t i = 0; i < u->server_count; i++)
        free(u->servers[i].host);
    free(u->servers);
    u->servers = NULL;
    u->server_count = 0;
}

/* ---- one batch ---------------------------------------------------------------------------------------------------------- */

/* Where the reports of a site go. */
static enum sl_status find_url(struct upl *u, const char *site, char *out, size_t size, struct sl_error *e)
{
    bool found = u->options.url != NULL;
    size_t len = found ? (size_t)snprintf(out, size, "%s" UPL_PATH, u->options.url) : 0;
    pthread_mutex_lock(&u->mutex);
    for (size_t i = 0; i < u->server_count && !found; i++)
        if (strcmp(u->servers[i].site, site) == 0) {
            found = true;
            len = (size_t)snprintf(out, size, "http://%s" UPL_PATH, u->servers[i].host);
        }
    pthread_mutex_unlock(&u->mutex);
    return found && len < size ? SL_OK : sl_fail(e, SL_UNREACHABLE, "where the site server of %s is, is not known", site);
}

static enum sl_status post(struct upl *u, const char *url, const struct obx_batch *batch, struct sl_error *e)
{
    char signature[PROOF_TEXT_MAX], header[sizeof UPL_SIGNATURE + PROOF_TEXT_MAX + 2];
    struct httpc_reply reply;
    enum sl_status status = proof_sign(u->options.key, batch->text.data, batch->text.len, signature, e);
    if (status != SL_OK)
        return status;
    (void)snprintf(header, sizeof header, UPL_SIGNATURE ": %s", signature);
    const struct httpc_request request = {
        .method = "POST",
        .url = url,
        .content_type = "application/octet-stream",
        .body = batch->text.data,
        .body_len = batch->text.len,
        .header = header,
    };
    struct sl_deadline deadline = sl_deadline_in(UPL_TIMEOUT_MS);
    deadline.cancel = &u->stop;
    status = httpc_exchange(&request, deadline, &reply, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "%s", url);
    if (reply.status != 200)
        status = sl_fail(e, SL_UNREACHABLE, "%s: HTTP status %d: %.200s", url, reply.status, sl_text_str(&reply.body));
    httpc_reply_fini(&reply);
    return status;
}

/* Hands over one batch of a site; *ret_more is false when nothing waits. */
static enum sl_status forward(struct upl *u, const char *site, bool *ret_more, struct sl_error *e)
{
    char url[HTTPC_URL_MAX];
    struct obx_batch batch;
    if (u->options.key == NULL)
        return sl_fail(e, SL_CONFLICT, "this machine has no key of a management point");
    enum sl_status status = find_url(u, site, url, sizeof url, e);
    if (status == SL_OK)
        status = obx_read(u->options.outbox, site, &batch, e);
    if (status != SL_OK)
        return status;
    *ret_more = batch.count > 0;
    if (batch.count > 0)
        status = post(u, url, &batch, e);
    if (status == SL_OK && batch.count > 0)
        status = obx_forget(u->options.outbox, site, &batch, e);
    obx_batch_fini(&batch);
    return status;
}

/* Everything that waits, a site that fails does not hold up the others. False when something failed. */
static bool drain(struct upl *u, bool was_good)
{
    struct sl_strings sites = {0};
    struct sl_error e = {0};
    enum sl_status status = obx_sites(u->options.outbox, &sites, &e), first = status;
    for (size_t i = 0; i < sites.count; i++) {
        bool more = true;
        struct sl_error why = {0};
        for (status = SL_OK; more && status == SL_OK && !sl_cancel_is_told(&u->stop);)
            status = forward(u, sites.items[i], &more, &why);
        if (status != SL_OK && first == SL_OK) {
            first = status;
            e = why;
        }
    }
    sl_strings_fini(&sites);
    if (first != SL_OK && was_good && !sl_cancel_is_told(&u->stop))
        sl_log(SL_LOG_WARNING, "uplink-lost", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
    return first == SL_OK;
}

/* ---- the thread --------------------------------------------------------------------------------------------------------- */

/* Waits until there is work, or for `ms` (below 0: as long as it takes). */
static void wait_for_work(struct upl *u, int64_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&u->mutex);
    int passed = 0;
    while (!sl_cancel_is_told(&u->stop) && passed == 0 && (ms >= 0 || !u->has_work))
        passed = ms < 0 ? pthread_cond_wait(&u->wake, &u->mutex) : pthread_cond_timedwait(&u->wake, &u->mutex, &until);
    u->has_work = false;
    pthread_mutex_unlock(&u->mutex);
}

static void *run(void *arg)
{
    struct upl *u = arg;
    struct sl_random random = sl_random_seeded(sl_random_os_seed());
    unsigned failures = 0;
    while (!sl_cancel_is_told(&u->stop)) {
        bool good = drain(u, failures == 0);
        if (good && failures > 0)
            sl_log(SL_LOG_INFO, "uplink-back", "attempts=%u", failures);
        failures = good ? 0 : failures + 1;
        wait_for_work(u, good ? -1 : sl_backoff_ms(failures, UPL_RETRY_MIN_MS, UPL_RETRY_MAX_MS, &random));
    }
    return NULL;
}

enum sl_status upl_new(const struct upl_options *options, struct upl **ret_uplink, struct sl_error *e)
{
    struct upl *u = sl_new(sizeof *u);
    pthread_condattr_t monotonic;
    *u = (struct upl){.magic = UPL_MAGIC, .options = *options};
    enum sl_status status = sl_cancel_init(&u->stop, e);
    if (status != SL_OK) {
        free(u);
        return status;
    }
    pthread_mutex_init(&u->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&u->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    httpc_prepare(); /* in a thread that outlives ours */
    int rc = pthread_create(&u->thread, NULL, run, u);
    sl_assert(rc == 0);
    *ret_uplink = u;
    return SL_OK;
}

void upl_free(struct upl *u)
{
    if (u == NULL)
        return;
    SL_CHECK_MAGIC(u, UPL_MAGIC);
    sl_cancel_tell(&u->stop);
    upl_wake(u);
    pthread_join(u->thread, NULL);
    pthread_cond_destroy(&u->wake);
    pthread_mutex_destroy(&u->mutex);
    sl_cancel_fini(&u->stop);
    free_servers(u);
    u->magic = 0;
    free(u);
}

void upl_set_sites(struct upl *u, const struct sm_snapshot *const *sites, size_t count)
{
    SL_CHECK_MAGIC(u, UPL_MAGIC);
    pthread_mutex_lock(&u->mutex);
    free_servers(u);
    u->servers = sl_new_array(count + 1, sizeof *u->servers);
    for (size_t i = 0; i < count; i++) {
        (void)sl_text_copy(u->servers[i].site, sizeof u->servers[i].site, sites[i]->site.assignment);
        u->servers[i].host = sl_strdup(sites[i]->site.assignment_server);
    }
    u->server_count = count;
    pthread_mutex_unlock(&u->mutex);
}

void upl_wake(struct upl *u)
{
    SL_CHECK_MAGIC(u, UPL_MAGIC);
    pthread_mutex_lock(&u->mutex);
    u->has_work = true;
    pthread_cond_signal(&u->wake);
    pthread_mutex_unlock(&u->mutex);
}
