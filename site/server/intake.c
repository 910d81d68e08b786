#include "site/server/intake.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "site/report/message.h"
#include "site/report/uplink.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define INTAKE_MAGIC 0x52700002u

enum { DAY_S = 86400, DROPPED_AT_ONCE = 2 * SM_BATCH_REPORTS_MAX };

struct srv_intake {
    uint32_t magic;
    struct sst_pool *pool;
    const char *site;
    pthread_mutex_t mutex; /* guards what follows, while a batch is written too */
    int64_t days;
    struct sl_log_limit refused_log, failed_log;
    struct sst *store;     /* NULL until it is needed, and after a failure */
    pthread_mutex_t counting; /* guards all below */
    struct srv_intake_stats stats;
};

struct srv_intake *srv_intake_new(struct sst_pool *pool, const char *site, int64_t days)
{
    struct srv_intake *in = sl_new(sizeof *in);
    *in = (struct srv_intake){.magic = INTAKE_MAGIC, .pool = pool, .site = site, .days = days,
                             .refused_log = {.lines_per_s = 1}, .failed_log = {.lines_per_s = 1}};
    pthread_mutex_init(&in->mutex, NULL);
    pthread_mutex_init(&in->counting, NULL);
    return in;
}

void srv_intake_set_days(struct srv_intake *in, int64_t days)
{
    SL_CHECK_MAGIC(in, INTAKE_MAGIC);
    pthread_mutex_lock(&in->mutex);
    in->days = days;
    pthread_mutex_unlock(&in->mutex);
}

void srv_intake_free(struct srv_intake *in)
{
    if (in == NULL)
        return;
    SL_CHECK_MAGIC(in, INTAKE_MAGIC);
    sst_close(in->store);
    pthread_mutex_destroy(&in->counting);
    pthread_mutex_destroy(&in->mutex);
    in->magic = 0;
    free(in);
}

struct srv_intake_stats srv_intake_stats(struct srv_intake *in)
{
    SL_CHECK_MAGIC(in, INTAKE_MAGIC);
    pthread_mutex_lock(&in->counting);
    struct srv_intake_stats stats = in->stats;
    pthread_mutex_unlock(&in->counting);
    return stats;
}

/* ---- one batch ---------------------------------------------------------------------------------------------------------- */

static enum sl_status open_store(struct srv_intake *in, struct sl_error *e)
{
    if (in->store != NULL && sst_is_current(in->store))
        return sst_recheck(in->store, e);
    sst_close(in->store);
    in->store = NULL;
    return sst_pool_open(in->pool, SST_READ_WRITE, &in->store, e);
}

/* SL_UNTRUSTED unless a management point of the site has signed the octets. */
static enum sl_status check_signature(struct srv_intake *in, const char *site, const struct web_request *request,
                                      const char *signature, struct sl_error *e)
{
    struct sl_strings certificates = {0};
    bool is_signed = false;
    enum sl_status status = sst_mp_certificates(in->store, site, &certificates, e);
    for (size_t i = 0; i < certificates.count && !is_signed; i++) {
        struct proof_certificate c;
        const char *hex = certificates.items[i];
        is_signed = proof_certificate_read(hex, strlen(hex), &c, NULL) == SL_OK &&
                    proof_is_signed(&c.key, request->body, request->body_len, signature);
    }
    sl_strings_fini(&certificates);
    if (status == SL_OK && !is_signed)
        status = sl_fail(e, SL_UNTRUSTED, "the batch is not signed by a management point of site %s", site);
    return status;
}

static void log_refused(struct srv_intake *in, const struct sm_report *r, const char *why)
{
    uint64_t left_out = 0;
    if (sl_log_allowed(&in->refused_log, &left_out))
        sl_log(SL_LOG_WARNING, "report-refused", "client=%s kind=%s message=%s text=%s left-out=%" PRIu64, r->client,
               sm_report_word(r->kind), r->message, SL_LOG_TEXT(why), left_out);
}

static enum sl_status take_one(struct srv_intake *in, int64_t site_id, const struct sm_report *r, int64_t now_s,
                               enum sst_taken *ret_taken, struct sl_error *e)
{
    struct sm_content content = {0};
    struct sl_error why = {0};
    enum sl_status status = rep_read(r->kind, r->client, r->body, r->body_len, &content, &why);
    if (status == SL_OK)
        status = sst_take(in->store, site_id, r, &content, now_s, ret_taken, e);
    else if (status == SL_MALFORMED || status == SL_LIMIT) {
        *ret_taken = SST_REFUSED;
        status = SL_OK;
    } else {
        status = sl_fail(e, status, "%s", why.text);
    }
    sm_content_fini(&content);
    if (status == SL_OK && *ret_taken == SST_REFUSED)
        log_refused(in, r, why.text[0] != '\0' ? why.text : "the client is unknown, or its key another");
    return status;
}

static enum sl_status take_all(struct srv_intake *in, struct sm_batch *batch, struct srv_intake_stats *now, struct sl_error *e)
{
    int64_t site_id, now_s = sl_clock_real_s();
    bool more = true;
    enum sl_status status = sst_take_begin(in->store, batch->site, &site_id, e);
    if (status != SL_OK)
        return status;
    while (status == SL_OK && more) {
        struct sm_report r;
        enum sst_taken taken = SST_REFUSED;
        status = sm_batch_next(batch, &r, &more, e);
        if (status == SL_OK && more)
            status = take_one(in, site_id, &r, now_s, &taken, e);
        if (status == SL_OK && more)
            now->taken[taken]++;
    }
    if (status == SL_OK)
        status = sst_drop_reports(in->store, now_s - in->days * DAY_S, DROPPED_AT_ONCE, e);
    return sst_take_end(in->store, status, e);
}

static void count(struct srv_intake *in, const struct srv_intake_stats *now)
{
    pthread_mutex_lock(&in->counting);
    for (int i = 0; i < SST_TAKEN_COUNT; i++)
        in->stats.taken[i] += now->taken[i];
    pthread_mutex_unlock(&in->counting);
}

/* With the mutex held. */
static enum sl_status take_batch(struct srv_intake *in, struct sm_batch *batch, const struct web_request *request,
                                 const char *signature, struct srv_intake_stats *now, struct sl_error *e)
{
    enum sl_status status = open_store(in, e);
    if (status != SL_OK)
        return status;
    status = check_signature(in, batch->site, request, signature, e);
    if (status == SL_OK)
        status = take_all(in, batch, now, e);
    if (status == SL_OK) {
        count(in, now);
    } else if (status != SL_UNTRUSTED && status != SL_MALFORMED) {
        sst_close(in->store);
        in->store = NULL;
    }
    return status;
}

/* ---- HTTP --------------------------------------------------------------------------------------------------------------- */

static void log_failed(struct srv_intake *in, const struct sl_error *e)
{
    uint64_t left_out = 0;
    pthread_mutex_lock(&in->mutex);
    bool may = sl_log_allowed(&in->failed_log, &left_out);
    pthread_mutex_unlock(&in->mutex);
    if (may)
        sl_log(SL_LOG_WARNING, "intake-failed", "text=%s left-out=%" PRIu64, SL_LOG_TEXT(sl_error_text(e)), left_out);
}

static void answer(struct srv_intake *in, struct web_response *response, enum sl_status status,
                   const struct srv_intake_stats *now, const struct sl_error *e)
{
    static const char *const words[SST_TAKEN_COUNT] = {
#define TAKEN_WORD(name, word) word,
        SST_TAKEN_TABLE(TAKEN_WORD)
#undef TAKEN_WORD
    };
    if (status == SL_OK) {
        response->status = 200;
        for (int i = 0; i < SST_TAKEN_COUNT; i++)
            sl_text_printf(&response->body, "%s%s %" PRIu64, i > 0 ? " " : "", words[i], now->taken[i]);
        sl_text_puts(&response->body, "\n");
        return;
    }
    log_failed(in, e);
    switch (status) {
    case SL_MALFORMED:
        web_text(response, 400, "%s", e->text);
        return;
    case SL_UNTRUSTED:
        web_text(response, 403, "%s", e->text);
        return;
    case SL_USAGE:
        web_text(response, 404, "no such site");
        return;
    default:
        web_text(response, 500, "the site database cannot be written");
    }
}

static void on_intake(const struct web_request *request, struct web_response *response, void *ctx)
{
    struct srv_intake *in = ctx;
    struct sm_batch batch;
    struct srv_intake_stats now = {0};
    struct sl_error e = {0};
    const char *signature = web_header(request, UPL_SIGNATURE);
    SL_CHECK_MAGIC(in, INTAKE_MAGIC);
    enum sl_status status = sm_batch_open(request->body, request->body_len, &batch, &e);
    if (status == SL_OK && in->site != NULL && strcmp(in->site, batch.site) != 0)
        status = sl_fail(&e, SL_USAGE, "this is the site server of %s, not of %s", in->site, batch.site);
    if (status == SL_OK) {
        pthread_mutex_lock(&in->mutex);
        status = take_batch(in, &batch, request, signature != NULL ? signature : "", &now, &e);
        pthread_mutex_unlock(&in->mutex);
    }
    answer(in, response, status, &now, &e);
}

const struct web_route srv_intake_routes[] = {
    {"POST", UPL_PATH, on_intake},
};
const size_t srv_intake_route_count = SL_COUNT(srv_intake_routes);
