#include "site/report/uplink.h"

#include "common/base/assert.h"
#include "common/base/errand.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/option.h"
#include "locator/net/httpc.h"

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
    struct sl_errand *errand;
    pthread_mutex_t mutex; /* guards all below */
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

static enum sl_status post(struct upl *u, const char *url, const struct obx_batch *batch, const struct sl_cancel *stop,
                           struct sl_error *e)
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
    deadline.cancel = stop;
    status = httpc_exchange(&request, deadline, &reply, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "%s", url);
    if (reply.status != 200)
        status = sl_fail(e, SL_UNREACHABLE, "%s: HTTP status %d: %.200s", url, reply.status, sl_text_str(&reply.body));
    httpc_reply_fini(&reply);
    return status;
}

/* Hands over one batch of a site; *ret_more is false when nothing waits. */
static enum sl_status forward(struct upl *u, const char *site, const struct sl_cancel *stop, bool *ret_more,
                              struct sl_error *e)
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
        status = post(u, url, &batch, stop, e);
    if (status == SL_OK && batch.count > 0)
        status = obx_forget(u->options.outbox, site, &batch, e);
    obx_batch_fini(&batch);
    return status;
}

/* Everything that waits; a site that fails does not hold up the others. An sl_errand_work. */
static bool drain(void *ctx, unsigned failures, const struct sl_cancel *stop)
{
    struct upl *u = ctx;
    struct sl_strings sites = {0};
    struct sl_error e = {0};
    enum sl_status status = obx_sites(u->options.outbox, &sites, &e), first = status;
    for (size_t i = 0; i < sites.count; i++) {
        bool more = true;
        struct sl_error why = {0};
        for (status = SL_OK; more && status == SL_OK && !sl_cancel_is_told(stop);)
            status = forward(u, sites.items[i], stop, &more, &why);
        if (status != SL_OK && first == SL_OK) {
            first = status;
            e = why;
        }
    }
    sl_strings_fini(&sites);
    if (first != SL_OK && failures == 0 && !sl_cancel_is_told(stop))
        sl_log(SL_LOG_WARNING, "uplink-lost", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
    if (first == SL_OK && failures > 0)
        sl_log(SL_LOG_INFO, "uplink-back", "attempts=%u", failures);
    return first == SL_OK;
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

enum sl_status upl_new(const struct upl_options *options, struct upl **ret_uplink, struct sl_error *e)
{
    struct upl *u = sl_new(sizeof *u);
    *u = (struct upl){.magic = UPL_MAGIC, .options = *options};
    pthread_mutex_init(&u->mutex, NULL);
    httpc_prepare(); /* in a thread that outlives the errand's */
    const struct sl_errand_work work = {
        .run = drain, .ctx = u, .retry_min_ms = UPL_RETRY_MIN_MS, .retry_max_ms = UPL_RETRY_MAX_MS};
    enum sl_status status = sl_errand_start(&work, &u->errand, e);
    if (status == SL_OK)
        *ret_uplink = u;
    else
        upl_free(u);
    return status;
}

void upl_free(struct upl *u)
{
    if (u == NULL)
        return;
    SL_CHECK_MAGIC(u, UPL_MAGIC);
    sl_errand_end(u->errand);
    pthread_mutex_destroy(&u->mutex);
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
    sl_errand_wake(u->errand);
}
