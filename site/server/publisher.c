#include "site/server/private.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/ldapc.h"
#include "site/server/check.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLISHER_MAGIC 0x52700002u

/* A publication: waiting, running, or done and on its way back to the loop. */
struct job {
    struct job *next;
    char site[SM_CODE_LEN + 1];
    struct pub_order order;
    struct host_reply *reply; /* NULL when nobody waits; only used on the loop's thread */
    int64_t asked_ms;         /* monotonic */
    enum sl_status status;    /* of reading the site; the report only counts when it is SL_OK */
    struct sl_error e;
    struct pub_report report;
    struct srv_chk_findings findings; /* of a check */
};

/* First in, first out. */
struct jobs {
    struct job *first, *last;
    size_t count;
};

struct srv_publisher {
    uint32_t magic;
    struct srv *srv;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;
    bool stop;
    bool running;
    struct jobs waiting, done;
    struct ldapc_health *health; /* of directory servers, as long as the process lives */
};

static void jobs_push(struct jobs *jobs, struct job *job)
{
    job->next = NULL;
    if (jobs->count++ == 0)
        jobs->first = job;
    else
        jobs->last->next = job;
    jobs->last = job;
}

static struct job *jobs_pop(struct jobs *jobs)
{
    if (jobs->count == 0)
        return NULL;
    struct job *job = jobs->first;
    jobs->first = job->next;
    jobs->count--;
    return job;
}

static void poke_names(void *ctx)
{
    struct srv_publisher *p = ctx;
    nbn_poke(p->srv->options.names);
}

static bool is_stopping(void *ctx)
{
    struct srv_publisher *p = ctx;
    pthread_mutex_lock(&p->mutex);
    bool stop = p->stop;
    pthread_mutex_unlock(&p->mutex);
    return stop;
}

static bool is_hurried(void *ctx)
{
    struct srv_publisher *p = ctx;
    pthread_mutex_lock(&p->mutex);
    bool waits = p->waiting.count > 0;
    pthread_mutex_unlock(&p->mutex);
    return waits;
}

static void run(struct srv_publisher *p, struct job *job)
{
    const struct srv_options *options = &p->srv->options; /* constant while the thread lives */
    const struct pub_env env = {.poke_names = options->names != NULL ? poke_names : NULL,
                                .is_stopping = is_stopping,
                                .is_hurried =
                                    job->reply == NULL ? is_hurried : NULL, /* who waits for this one shall see its end */
                                .ctx = p,
                                .health = p->health};
    struct sst *store = NULL;
    struct sm_snapshot *site = NULL;
    struct sl_strings overlaps = {0};
    job->status = sst_borrow(options->pool, &store, &job->e);
    if (job->status == SL_OK)
        job->status = sst_snapshot(store, job->site, &site, &job->e);
    if (job->status == SL_OK && job->order.is_check)
        job->status = sst_overlaps(store, job->site, CHK_FINDINGS_MAX, &overlaps, &job->e);
    sst_give_back(options->pool, store, job->status);
    if (job->status == SL_OK && site == NULL)
        job->status = sl_fail(&job->e, SL_USAGE, "no site \"%s\"", job->site);
    if (job->status == SL_OK && job->order.is_trial)
        job->status = sm_designate(site, job->order.trial_mp, &job->e);
    /* Nobody waits: a site that was unpublished stays so, and one without targets is still being set up, which is no failure. */
    bool needless =
        job->status == SL_OK && job->reply == NULL && (site->target_count == 0 || site->site.is_unpublished);
    if (job->status == SL_OK && !needless)
        pub_run(site, &job->order, &env, sl_deadline_in(SRV_PUBLISH_MS + pub_time_ms(site)), &job->report);
    if (job->status == SL_OK && job->order.is_check)
        srv_chk_look(site, &overlaps, &job->report, sl_deadline_in(CHK_ALL_MS), &job->findings);
    sl_strings_fini(&overlaps);
    sm_snapshot_free(site);
}

/* ---- on the loop's thread --------------------------------------------------------------------------------------------- */

/* Ends the reply of a publication that was carried out. */
static void end_report(const struct job *job)
{
    const struct pub_report *report = &job->report;
    const char *note = job->order.note != NULL ? job->order.note : "";
    for (size_t i = 0; i < report->warnings.count; i++)
        host_reply_warning(job->reply, "%s", report->warnings.items[i]);
    host_reply_end(job->reply, report->outcome, report->reason, "%s", report->message[0] != '\0' ? report->message : note);
}

static void send_report(const struct job *job)
{
    struct host_reply *reply = job->reply;
    const struct pub_report *report = &job->report;
    static const char *const columns[] = {"target:text", "object:text", "action:text", "detail:text"};
    host_reply_columns(reply, columns, SL_COUNT(columns), false);
    for (size_t i = 0; i < report->line_count; i++) {
        const struct pub_line *line = &report->lines[i];
        const char *const cells[] = {line->target, line->object, line->action, line->detail};
        host_reply_row(reply, cells, SL_COUNT(cells));
    }
    for (size_t i = 0; i < report->result_count; i++) {
        const struct pub_result *r = &report->results[i];
        if (r->outcome != SL_OUTCOME_OK && r->outcome != SL_OUTCOME_NEGATIVE)
            host_reply_warning(reply, "%s: %s%s%s: %s", r->target, sl_outcome_word(r->outcome), r->reason[0] != '\0' ? ", " : "",
                               r->reason, r->message);
    }
    end_report(job);
}

/* For who wants to know how long it took until every target agreed. */
static void send_times(const struct job *job)
{
    struct host_reply *reply = job->reply;
    static const char *const columns[] = {"target:text", "outcome:text", "ms:number", "message:text"};
    const struct pub_report *report = &job->report;
    host_reply_columns(reply, columns, SL_COUNT(columns), false);
    for (size_t i = 0; i < report->result_count; i++) {
        const struct pub_result *r = &report->results[i];
        char ms[24];
        snprintf(ms, sizeof ms, "%" PRId64, r->done_ms - job->asked_ms);
        host_reply_row(reply, (const char *const[]){r->target, sl_outcome_word(r->outcome), ms, r->message}, SL_COUNT(columns));
    }
    end_report(job);
}

/* Its outcome is `negative` when something found is as bad as the order says. */
static void send_findings(const struct job *job)
{
    host_reply_columns(job->reply, srv_chk_columns, CHK_CELLS, false);
    for (size_t i = 0; i < job->findings.count; i++) {
        const char *cells[CHK_CELLS];
        srv_chk_cells(&job->findings.items[i], cells);
        host_reply_row(job->reply, cells, CHK_CELLS);
    }
    bool is_bad = srv_chk_reaches(&job->findings, (enum srv_chk_severity)job->order.fail_at);
    host_reply_end(job->reply, is_bad ? SL_OUTCOME_NEGATIVE : SL_OUTCOME_OK, is_bad ? "findings" : "", "%zu findings",
                   job->findings.count);
}

static void finish(struct srv *srv, struct job *job)
{
    bool published = job->order.mode == PUB_APPLY || job->order.mode == PUB_UNPUBLISH;
    if (job->status == SL_OK && published)
        srv_remember(srv, job->site, &job->report);
    if (job->reply != NULL && job->status == SL_OK && job->order.is_check)
        send_findings(job);
    else if (job->reply != NULL && job->status == SL_OK && job->order.is_timed)
        send_times(job);
    else if (job->reply != NULL && job->status == SL_OK)
        send_report(job);
    else if (job->reply != NULL)
        host_reply_fail(job->reply, job->status, &job->e);
    pub_report_fini(&job->report);
    srv_chk_fini(&job->findings);
    pub_order_fini(&job->order);
    free(job);
}

static void on_done(void *ctx)
{
    struct srv_publisher *p = ctx;
    struct job *job;
    SL_CHECK_MAGIC(p, PUBLISHER_MAGIC);
    do {
        pthread_mutex_lock(&p->mutex);
        job = jobs_pop(&p->done);
        pthread_mutex_unlock(&p->mutex);
        if (job != NULL)
            finish(p->srv, job);
    } while (job != NULL);
}

/* ---- the thread ------------------------------------------------------------------------------------------------------- */

static void *work(void *ctx)
{
    struct srv_publisher *p = ctx;
    pthread_mutex_lock(&p->mutex);
    while (!p->stop) {
        struct job *job = jobs_pop(&p->waiting);
        if (job == NULL) {
            pthread_cond_wait(&p->wake, &p->mutex);
            continue;
        }
        p->running = true;
        pthread_mutex_unlock(&p->mutex);
        run(p, job);
        pthread_mutex_lock(&p->mutex);
        p->running = false;
        jobs_push(&p->done, job);
        host_loop_post(p->srv->loop, on_done, p);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

struct srv_publisher *srv_publisher_new(struct srv *srv)
{
    struct srv_publisher *p = sl_new(sizeof *p);
    p->magic = PUBLISHER_MAGIC;
    p->srv = srv;
    p->health = ldapc_health_new();
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    int rc = pthread_create(&p->thread, NULL, work, p);
    sl_assert(rc == 0);
    return p;
}

void srv_publisher_free(struct srv_publisher *p)
{
    if (p == NULL)
        return;
    SL_CHECK_MAGIC(p, PUBLISHER_MAGIC);
    pthread_mutex_lock(&p->mutex);
    p->stop = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    on_done(p);
    struct job *job;
    while ((job = jobs_pop(&p->waiting)) != NULL) {
        job->status = sl_fail(&job->e, SL_CANCELED, "sited is stopping");
        finish(p->srv, job);
    }
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->mutex);
    ldapc_health_unref(p->health);
    p->magic = 0;
    free(p);
}

/* True when the same publication waits already; nobody needs it twice. */
static bool is_waiting(const struct srv_publisher *p, const char *site, enum pub_mode mode)
{
    const struct job *job = p->waiting.first;
    for (size_t i = 0; i < p->waiting.count; i++, job = job->next)
        if (job->reply == NULL && job->order.mode == mode && strcmp(job->site, site) == 0)
            return true;
    return false;
}

static struct pub_order copy_order(const struct pub_order *order)
{
    struct pub_order copy = {.mode = order->mode, .forest = sl_strdup(order->forest), .is_stale = order->is_stale,
                             .is_timed = order->is_timed, .is_trial = order->is_trial,
                             .is_check = order->is_check, .fail_at = order->fail_at, .trial_mp = sl_strdup(order->trial_mp),
                             .note = sl_strdup(order->note)};
    for (size_t i = 0; i < order->sites.count; i++)
        sl_strings_add(&copy.sites, order->sites.items[i]);
    for (size_t i = 0; i < order->known.count; i++)
        sl_strings_add(&copy.known, order->known.items[i]);
    return copy;
}

enum sl_status srv_publish(struct srv_publisher *p, const char *site, const struct pub_order *order, struct host_reply *reply,
                           struct sl_error *e)
{
    enum sl_status status = SL_OK;
    SL_CHECK_MAGIC(p, PUBLISHER_MAGIC);
    pthread_mutex_lock(&p->mutex);
    bool needless = reply == NULL && is_waiting(p, site, order->mode);
    if (!needless && p->waiting.count == SRV_JOBS_MAX) {
        status = sl_fail(e, SL_LIMIT, "%d publications wait already", SRV_JOBS_MAX);
    } else if (!needless) {
        struct job *job = sl_new(sizeof *job);
        job->order = copy_order(order);
        job->reply = reply;
        job->asked_ms = sl_clock_mono_ms();
        sl_text_copy(job->site, sizeof job->site, site);
        jobs_push(&p->waiting, job);
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->mutex);
    return status;
}

size_t srv_publishing(struct srv_publisher *p)
{
    pthread_mutex_lock(&p->mutex);
    size_t count = p->waiting.count + p->running;
    pthread_mutex_unlock(&p->mutex);
    return count;
}
