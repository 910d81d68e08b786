#include "site/server/exchange.h"

#include "common/base/assert.h"
#include "common/base/cancel.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/host/worker.h"
#include "site/model/digest.h"
#include "site/server/describe.h"
#include "site/server/flow.h"
#include "site/server/keys.h"
#include "site/server/teller.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXCHANGE_MAGIC 0x52700003u

enum { SOON_MS = 500, AHEAD_MAX_S = 3600 };

/* A neighbour that the exchange failed with, and what it had told by then. */
struct failure {
    char code[SM_CODE_LEN + 1];
    int64_t told_s;
};

struct srv_exchange {
    uint32_t magic;
    struct srv_exchange_options options;
    struct host_timer *interval, *soon;
    struct host_worker *worker;
    struct sl_cancel stop;
    bool is_telling, again;
    bool is_due; /* an interval is over, and no round has begun since */
    void (*drop)(void *ctx, struct sm_manifest *files);
    void *drop_ctx;
    struct failure *failing;     /* of the last round; of the worker's thread, as the next two */
    size_t failing_count;
    char told[SM_SHA256_SIZE]; /* what was told to whom in the last round */
    pthread_mutex_t mutex;     /* guards the two below */
    struct sst *store;         /* for writing; NULL until it is needed, and after a failure */
    struct sl_log_limit log;
};

/* ---- what is known and what is told -------------------------------------------------------------------------------------- */

/* The signed description of a site of ours; SL_USAGE when there is none. */
static enum sl_status describe(struct srv_exchange *x, const char *code, struct sl_text *out, char signature[PROOF_TEXT_MAX],
                               struct sl_error *e)
{
    struct sst *store = NULL;
    struct sm_snapshot *site = NULL;
    struct proof_key *key = NULL;
    char *chosen = NULL;
    bool is_other = x->options.site != NULL && strcmp(x->options.site, code) != 0;
    enum sl_status status = is_other ? sl_fail(e, SL_USAGE, "site %s is not served here", code) : SL_OK;
    if (status == SL_OK)
        status = sst_borrow(x->options.pool, &store, e);
    if (status == SL_OK)
        status = sst_choose_site(store, code, &chosen, e);
    if (status == SL_OK)
        status = sst_outline(store, code, &site, e);
    sst_give_back(x->options.pool, store, status == SL_USAGE ? SL_OK : status);
    if (status == SL_OK && site == NULL)
        status = sl_fail(e, SL_USAGE, "site %s has just been removed", code);
    if (status == SL_OK)
        status = srv_keys_root(x->options.state, code, &key, e);
    if (status == SL_OK) {
        srv_describe(site, sl_clock_real_s(), out);
        status = sl_text_failed(out) ? sl_fail(e, SL_LIMIT, "site %s is too large to be described", code)
                                     : proof_sign(key, out->data, out->len, signature, e);
    }
    proof_key_free(key);
    sm_snapshot_free(site);
    free(chosen);
    return status;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A line for each part of a site, sorted: engines and sites may order them otherwise. The outermost element is none. */
static struct sl_strings parts_of(const struct sm_snapshot *site)
{
    struct sl_strings parts = {0};
    struct sl_text text = sl_text_new(SRV_DESCRIPTION_MAX);
    srv_describe(site, 1, &text);
    char *all = sl_text_take(&text), *rest = all;
    for (char *part; (part = strsep(&rest, "<")) != NULL;)
        if (strncmp(part, SRV_DESCRIPTION, strlen(SRV_DESCRIPTION)) != 0)
            sl_strings_add(&parts, part);
    qsort(parts.items, parts.count, sizeof *parts.items, compare_texts);
    free(all);
    return parts;
}

static bool is_same(const struct sm_snapshot *a, const struct sm_snapshot *b)
{
    struct sl_strings one = parts_of(a), two = parts_of(b);
    bool same = one.count == two.count;
    for (size_t i = 0; i < one.count && same; i++)
        same = strcmp(one.items[i], two.items[i]) == 0;
    sl_strings_fini(&one);
    sl_strings_fini(&two);
    return same;
}

/* With the mutex held. */
static enum sl_status open_store(struct srv_exchange *x, struct sl_error *e)
{
    if (x->store != NULL && sst_is_current(x->store))
        return SL_OK;
    sst_close(x->store);
    x->store = NULL;
    return sst_pool_open(x->options.pool, SST_READ_WRITE, &x->store, e);
}

/* With the mutex held. A parent that nobody has made known here is none: what is above does not matter to who locates. */
static enum sl_status store_told(struct srv_exchange *x, struct sm_snapshot *told, int64_t made_s, struct sl_error *e)
{
    struct sm_snapshot *known = NULL;
    char parent[SM_CODE_LEN + 1];
    enum sl_status status = sst_assigned_site(x->store, told->site.parent, parent, e);
    if (status == SL_OK && parent[0] == '\0')
        told->site.parent[0] = '\0';
    if (status == SL_OK)
        status = sst_outline(x->store, told->site.code, &known, e);
    if (status != SL_OK)
        return status;
    bool same = known != NULL && is_same(known, told);
    sm_snapshot_free(known);
    status = same ? sst_learn_same(x->store, told, made_s, e) : sst_learn(x->store, told, made_s, e);
    if (status == SL_OK && !same)
        sl_log(SL_LOG_INFO, "site-learned", "site=%s mps=%zu boundaries=%zu", told->site.code, told->mp_count,
               told->boundary_count);
    return status;
}

/* What a wrong clock has dated into the future would keep out all that is told until then. */
static enum sl_status check_time(const char *code, int64_t made_s, struct sl_error *e)
{
    int64_t now_s = sl_clock_real_s();
    if (made_s - now_s <= AHEAD_MAX_S)
        return SL_OK;
    return sl_fail(e, SL_CONFLICT, "site %s is described as of %" PRId64 " s ahead of the clock here", code, made_s - now_s);
}

/* With the mutex held. */
static enum sl_status take(struct srv_exchange *x, const char *wanted, const char *text, size_t len, const char *signature,
                           struct sl_error *e)
{
    struct sm_snapshot *told = NULL;
    int64_t made_s;
    enum sl_status status = srv_description_read(text, len, &told, &made_s, e);
    if (status != SL_OK)
        return status;
    if (wanted != NULL && strcmp(wanted, told->site.code) != 0)
        status = sl_fail(e, SL_DENIED, "site %s answers instead of %s", told->site.code, wanted);
    if (status == SL_OK)
        status = srv_check_teller(x->store, told->site.code, text, len, signature, e);
    if (status == SL_OK)
        status = check_time(told->site.code, made_s, e);
    if (status == SL_OK)
        status = store_told(x, told, made_s, e);
    sm_snapshot_free(told);
    return status;
}

/* Takes a description, of the site `wanted` alone, NULL for any neighbour. What none of them has signed is not even read. */
static enum sl_status learn(struct srv_exchange *x, const char *wanted, const char *text, size_t len, const char *signature,
                            struct sl_error *e)
{
    pthread_mutex_lock(&x->mutex);
    enum sl_status status = open_store(x, e);
    if (status == SL_OK)
        status = srv_check_teller(x->store, NULL, text, len, signature, e);
    if (status == SL_OK)
        status = take(x, wanted, text, len, signature, e);
    if (srv_refusal_of(status) == 500) {
        sst_close(x->store);
        x->store = NULL;
    }
    pthread_mutex_unlock(&x->mutex);
    return status;
}

/* ---- asking ------------------------------------------------------------------------------------------------------------- */

struct round {
    struct host_job job; /* first */
    struct srv_exchange *exchange;
    bool is_interval; /* nothing need have changed */
    struct sm_manifest dropped;
};

static enum sl_status ask(struct srv_exchange *x, const struct sst_neighbour *n, const char *ours, struct sl_error *e)
{
    char signature[PROOF_TEXT_MAX];
    struct sl_text text = sl_text_new(SRV_DESCRIPTION_MAX);
    struct httpc_reply reply;
    enum sl_status status = describe(x, ours, &text, signature, e);
    if (status == SL_OK)
        status = srv_ask_neighbour(n, SRV_EXCHANGE_PATH, &text, signature, &x->stop, &reply, e);
    sl_text_fini(&text);
    if (status != SL_OK)
        return status;
    status = learn(x, n->code, sl_text_str(&reply.body), reply.body.len, reply.header, e);
    httpc_reply_fini(&reply);
    return status;
}

static enum sl_status read_lists(struct srv_exchange *x, struct sst_neighbours *ret_neighbours, struct sl_strings *ret_ours,
                                 struct sl_error *e)
{
    struct sst *store = NULL;
    enum sl_status status = sst_borrow(x->options.pool, &store, e);
    if (status == SL_OK)
        status = sst_neighbours(store, ret_neighbours, e);
    if (status == SL_OK && x->options.site != NULL)
        sl_strings_add(ret_ours, x->options.site);
    else if (status == SL_OK)
        status = sst_sites(store, ret_ours, e);
    sst_give_back(x->options.pool, store, status);
    return status;
}

static const struct failure *failure_of(const struct srv_exchange *x, const struct sst_neighbour *n)
{
    for (size_t i = 0; i < x->failing_count; i++)
        if (strcmp(x->failing[i].code, n->code) == 0)
            return &x->failing[i];
    return NULL;
}

/* The hash of what is to be told, and to whom. */
static void digest(struct srv_exchange *x, const struct sst_neighbours *neighbours, const struct sl_strings *ours,
                   char ret_hex[SM_SHA256_SIZE])
{
    struct sm_digest *all = sm_digest_new();
    for (size_t i = 0; i < neighbours->count; i++) {
        sm_digest_add(all, neighbours->items[i].code, sizeof neighbours->items[i].code);
        sm_digest_add(all, neighbours->items[i].url, strlen(neighbours->items[i].url));
    }
    for (size_t i = 0; i < ours->count; i++) {
        struct sst *store = NULL;
        struct sm_snapshot *site = NULL;
        struct sl_text text = sl_text_new(SRV_DESCRIPTION_MAX);
        enum sl_status status = sst_borrow(x->options.pool, &store, NULL);
        if (status == SL_OK)
            status = sst_outline(store, ours->items[i], &site, NULL);
        sst_give_back(x->options.pool, store, status);
        if (status == SL_OK && site != NULL)
            srv_describe(site, 1, &text);
        sm_digest_add(all, sl_text_str(&text), text.len);
        sl_text_fini(&text);
        sm_snapshot_free(site);
    }
    sm_digest_end(all, ret_hex);
}

/* A neighbour need not know all our sites; only when it takes none of them something is wrong. */
static enum sl_status tell_one(struct srv_exchange *x, const struct sst_neighbour *n, const struct sl_strings *ours,
                               struct sl_error *e)
{
    bool is_taken = false;
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < ours->count && !sl_cancel_is_told(&x->stop); i++) {
        enum sl_status one = ask(x, n, ours->items[i], e);
        is_taken = is_taken || one == SL_OK;
        status = is_taken ? SL_OK : one;
    }
    return status;
}

/* Tells a neighbour when that is due, and asks it for what has changed. What failed waits for the interval, or for its news. */
static bool exchange_with(struct round *r, const struct sst_neighbour *n, const struct sl_strings *ours, bool is_due)
{
    struct srv_exchange *x = r->exchange;
    struct sl_error e = {0};
    const struct failure *before = failure_of(x, n);
    if (!is_due && before != NULL && before->told_s == n->told_s)
        return false;
    enum sl_status status = srv_flow_forget(&x->options, n, ours, &e);
    if (status == SL_OK && is_due)
        status = tell_one(x, n, ours, &e);
    if (status == SL_OK)
        status = srv_flow_pull(&x->options, n->code, ours, &x->stop, &e);
    if (status == SL_OK)
        status = srv_flow_arrive(&x->options, n->code, &x->stop, &r->dropped, &e);
    if (status != SL_OK && before == NULL && !sl_cancel_is_told(&x->stop))
        sl_log(SL_LOG_WARNING, "site-exchange-failed", "site=%s text=%s", n->code, SL_LOG_TEXT(sl_error_text(&e)));
    else if (status == SL_OK && before != NULL)
        sl_log(SL_LOG_INFO, "site-exchange-back", "site=%s", n->code);
    return status == SL_OK;
}

/* On the worker's thread. What we have learned is no news to tell, else two sites might tell each other for ever. */
static void tell_all(struct host_job *job, struct host_worker *worker)
{
    struct round *r = (struct round *)job;
    struct srv_exchange *x = r->exchange;
    struct sst_neighbours neighbours = {0};
    struct sl_strings ours = {0};
    char hex[SM_SHA256_SIZE] = "";
    enum sl_status status = read_lists(x, &neighbours, &ours, NULL); /* else the database is away, which others have told */
    if (status == SL_OK && neighbours.count > 0)
        digest(x, &neighbours, &ours, hex);
    bool is_due = r->is_interval || strcmp(hex, x->told) != 0;
    struct failure *failing = sl_new_array(neighbours.count + 1, sizeof *failing);
    size_t count = 0;
    for (size_t i = 0; i < neighbours.count && status == SL_OK && !host_worker_is_stopping(worker); i++) {
        const struct sst_neighbour *n = &neighbours.items[i];
        if (exchange_with(r, n, &ours, is_due))
            continue;
        memcpy(failing[count].code, n->code, sizeof n->code);
        failing[count++].told_s = n->told_s;
    }
    if (status == SL_OK) {
        memcpy(x->told, hex, sizeof x->told);
        free(x->failing);
        x->failing = failing;
        x->failing_count = count;
    } else {
        free(failing);
    }
    sst_neighbours_fini(&neighbours);
    sl_strings_fini(&ours);
}

static void end(struct host_job *job)
{
    struct round *r = (struct round *)job;
    struct srv_exchange *x = r->exchange;
    x->is_telling = false;
    if (x->drop != NULL && !job->canceled)
        x->drop(x->drop_ctx, &r->dropped);
    sm_manifest_fini(&r->dropped);
    if (x->again && !job->canceled)
        srv_exchange_poke(x);
    free(r);
}

static void begin(struct srv_exchange *x, bool is_interval)
{
    x->is_due = x->is_due || is_interval;
    x->again = x->is_telling;
    if (x->is_telling)
        return;
    struct round *r = sl_new(sizeof *r);
    *r = (struct round){.job = {.run = tell_all, .done = end}, .exchange = x, .is_interval = x->is_due};
    x->is_due = false;
    x->is_telling = host_worker_push(x->worker, &r->job, 1);
    sl_assert(x->is_telling); /* nothing else uses it */
}

static void on_interval(void *ctx)
{
    struct srv_exchange *x = ctx;
    begin(x, true);
    host_timer_start(x->interval, x->options.interval_ms);
}

static void on_soon(void *ctx)
{
    begin(ctx, false);
}

/* ---- answering ---------------------------------------------------------------------------------------------------------- */

static void log_refused(struct srv_exchange *x, const struct sl_error *e)
{
    uint64_t left_out = 0;
    pthread_mutex_lock(&x->mutex);
    bool may = sl_log_allowed(&x->log, &left_out);
    pthread_mutex_unlock(&x->mutex);
    if (may)
        sl_log(SL_LOG_WARNING, "site-exchange-refused", "text=%s left-out=%" PRIu64, SL_LOG_TEXT(sl_error_text(e)), left_out);
}

static void finish(struct srv_exchange *x, struct web_response *response, enum sl_status status, const struct sl_error *e)
{
    unsigned refusal = srv_refusal_of(status);
    if (status == SL_OK) {
        response->status = 200;
        response->header = UPL_SIGNATURE;
        return;
    }
    log_refused(x, e);
    web_text(response, refusal, "%s", refusal == 500 ? "the site database cannot be used" : e->text);
}

static void on_question(const struct web_request *request, struct web_response *response, void *ctx)
{
    struct srv_exchange *x = ctx;
    struct sl_error e = {0};
    const char *signature = web_header(request, UPL_SIGNATURE);
    char code[WEB_ITEM_MAX] = "";
    _Static_assert(sizeof response->header_value >= PROOF_TEXT_MAX, "a signature must fit");
    SL_CHECK_MAGIC(x, EXCHANGE_MAGIC);
    (void)web_query_item(request->query, 0, code, sizeof code);
    enum sl_status status = learn(x, NULL, request->body, request->body_len, signature != NULL ? signature : "", &e);
    if (status == SL_OK)
        status = describe(x, code, &response->body, response->header_value, &e);
    finish(x, response, status, &e);
}

static void on_wanted(const struct web_request *request, struct web_response *response, void *ctx)
{
    struct srv_exchange *x = ctx;
    struct sl_error e = {0};
    SL_CHECK_MAGIC(x, EXCHANGE_MAGIC);
    finish(x, response, srv_flow_answer(&x->options, request, response, &e), &e);
}

static void on_files(const struct web_request *request, struct web_response *response, void *ctx)
{
    struct srv_exchange *x = ctx;
    struct sl_error e = {0};
    SL_CHECK_MAGIC(x, EXCHANGE_MAGIC);
    enum sl_status status = srv_flow_files(&x->options, request, response, &e);
    finish(x, response, status, &e);
    response->header = NULL;
}

const struct web_route srv_exchange_routes[] = {
    {"GET", SRV_FILES_PATH "*", on_files},
    {"POST", SRV_EXCHANGE_PATH, on_question},
    {"POST", SRV_FLOW_PATH, on_wanted},
};
const size_t srv_exchange_route_count = SL_COUNT(srv_exchange_routes);

/* ---- life --------------------------------------------------------------------------------------------------------------- */

enum sl_status srv_exchange_new(struct host_loop *loop, const struct srv_exchange_options *options,
                                struct srv_exchange **ret_exchange, struct sl_error *e)
{
    struct srv_exchange *x = sl_new(sizeof *x);
    *x = (struct srv_exchange){.magic = EXCHANGE_MAGIC, .options = *options, .log = {.lines_per_s = 1}};
    enum sl_status status = sl_cancel_init(&x->stop, e);
    if (status != SL_OK) {
        free(x);
        return status;
    }
    pthread_mutex_init(&x->mutex, NULL);
    x->worker = host_worker_new(loop);
    x->interval = host_timer_new(loop, on_interval, x);
    x->soon = host_timer_new(loop, on_soon, x);
    host_timer_start(x->interval, options->interval_ms);
    *ret_exchange = x;
    return SL_OK;
}

void srv_exchange_set_drop(struct srv_exchange *x, void (*drop)(void *ctx, struct sm_manifest *files), void *ctx)
{
    x->drop = drop;
    x->drop_ctx = ctx;
}

void srv_exchange_set_interval(struct srv_exchange *x, int64_t interval_ms)
{
    if (x->options.interval_ms == interval_ms)
        return;
    x->options.interval_ms = interval_ms;
    host_timer_start(x->interval, interval_ms);
}

void srv_exchange_poke(struct srv_exchange *x)
{
    host_timer_start(x->soon, SOON_MS);
}

void srv_exchange_free(struct srv_exchange *x)
{
    if (x == NULL)
        return;
    SL_CHECK_MAGIC(x, EXCHANGE_MAGIC);
    sl_cancel_tell(&x->stop);
    host_worker_free(x->worker);
    host_timer_free(x->interval);
    host_timer_free(x->soon);
    sst_close(x->store);
    free(x->failing);
    pthread_mutex_destroy(&x->mutex);
    sl_cancel_fini(&x->stop);
    x->magic = 0;
    free(x);
}
