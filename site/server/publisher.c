#include "site/server/private.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/ldapc.h"
#include "site/server/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLISHER_MAGIC 0x52700002u

/* A publication: waiting, running, or done and on its way back to the loop. */
struct job {
    struct host_job job; /* first */
    struct srv_publisher *publisher;
    char site[SM_CODE_LEN + 1];
    struct pub_order order;
    struct host_reply *reply; /* NULL when nobody waits; only used on the loop's thread */
    int64_t asked_ms;         /* monotonic */
    enum sl_status status;    /* of reading the site; the report only counts when it is SL_OK */
    struct sl_error e;
    struct pub_report report;
    struct srv_chk_findings findings; /* of a check */
};

struct srv_publisher {
    uint32_t magic;
    struct srv *srv;
    struct host_worker *worker;
    atomic_size_t count;         /* of jobs that wait or run */
    struct ldapc_health *health; /* of directory servers, as long as the process lives */
};

static void poke_names(void *ctx)
{
    struct srv_publisher *p = ctx;
    nbn_poke(p->srv->options.names);
}

static bool is_stopping(void *ctx)
{
    struct srv_publisher *p = ctx;
    return host_worker_is_stopping(p->worker);
}

static bool is_hurried(void *ctx)
{
    struct srv_publisher *p = ctx;
    return host_worker_waiting(p->worker, NULL, NULL) > 0;
}

static bool is_ailing(void *ctx, const char *site, const char *target)
{
    struct srv_publisher *p = ctx;
    return srv_has_failed(p->srv, site, target);
}

/* What a check reads of the database, beside the site itself. */
struct facts {
    struct sl_strings overlaps;
    struct sst_neighbours neighbours;
    struct sst_holding *holdings;
    size_t holding_count;
};

/* Freed by free_facts, on failure too. */
static enum sl_status read_facts(struct sst *store, const char *site, struct facts *facts, struct sl_error *e)
{
    enum sl_status status = sst_overlaps(store, site, CHK_FINDINGS_MAX, &facts->overlaps, e);
    if (status == SL_OK)
        status = sst_neighbours(store, &facts->neighbours, e);
    if (status == SL_OK)
        status = sst_holdings(store, site, SST_NOT_THERE, NULL, CHK_FINDINGS_MAX, &facts->holdings, &facts->holding_count, e);
    return status;
}

static void free_facts(struct facts *facts)
{
    sl_strings_fini(&facts->overlaps);
    sst_neighbours_fini(&facts->neighbours);
    for (size_t i = 0; i < facts->holding_count; i++)
        sst_holding_fini(&facts->holdings[i]);
    free(facts->holdings);
}

static void look(struct job *job, const struct sm_snapshot *site, const struct facts *facts, const struct srv_chk_trust *trust)
{
    const struct srv_chk_matter matter = {.site = site,
                                          .overlaps = &facts->overlaps,
                                          .neighbours = &facts->neighbours,
                                          .holdings = facts->holdings,
                                          .holding_count = facts->holding_count,
                                          .report = &job->report,
                                          .trust = trust,
                                          .now_s = sl_clock_real_s()};
    srv_chk_look(&matter, sl_deadline_in(CHK_ALL_MS), &job->findings);
}

/* True for the same publication that somebody waits for. */
static bool is_ordered(const struct host_job *base, const void *ctx)
{
    const struct job *job = (const struct job *)base, *other = ctx;
    return job->reply != NULL && job->order.mode == other->order.mode && strcmp(job->site, other->site) == 0;
}

static void run(struct host_job *base, struct host_worker *worker)
{
    struct job *job = (struct job *)base;
    struct srv_publisher *p = job->publisher;
    const struct srv_options *options = &p->srv->options; /* constant while the worker lives */
    const struct pub_env env = {.poke_names = options->names != NULL ? poke_names : NULL,
                                .is_stopping = is_stopping,
                                .is_ailing = is_ailing,
                                .is_hurried =
                                    job->reply == NULL ? is_hurried : NULL, /* who waits for this one shall see its end */
                                .ctx = p,
                                .health = p->health};
    struct sst *store = NULL;
    struct sm_snapshot *site = NULL;
    struct facts facts = {0};
    job->status = sst_borrow(options->pool, &store, &job->e);
    if (job->status == SL_OK)
        job->status = sst_snapshot(store, job->site, &site, &job->e);
    if (job->status == SL_OK && job->order.is_check)
        job->status = read_facts(store, job->site, &facts, &job->e);
    sst_give_back(options->pool, store, job->status);
    if (job->status == SL_OK && site == NULL)
        job->status = sl_fail(&job->e, SL_USAGE, "no site \"%s\"", job->site);
    if (job->status == SL_OK && job->order.is_trial)
        job->status = sm_designate(site, job->order.trial_mp, &job->e);
    /*
     * Nobody waits: a site that was unpublished stays so, one without targets is still being set up, which is no failure, and
     * who ordered the same shall be told what was done.
     */
    bool needless = job->status == SL_OK && job->reply == NULL &&
                    (site->target_count == 0 || site->site.is_unpublished || host_worker_waiting(worker, is_ordered, job) > 0);
    if (job->status == SL_OK && !needless)
        pub_run(site, &job->order, &env, sl_deadline_in(SRV_PUBLISH_MS + pub_time_ms(site)), &job->report);
    if (job->status == SL_OK && job->order.is_check)
        look(job, site, &facts, &options->mp_trust);
    free_facts(&facts);
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
    const char *between = note[0] != '\0' && report->message[0] != '\0' ? "; " : "";
    host_reply_end(job->reply, report->outcome, report->reason, "%s%s%s", note, between, report->message);
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

static void finish(struct host_job *base)
{
    struct job *job = (struct job *)base;
    struct srv_publisher *p = job->publisher;
    p->count--;
    if (base->canceled)
        job->status = sl_fail(&job->e, SL_CANCELED, "sited is stopping");
    bool published = job->order.mode == PUB_APPLY || job->order.mode == PUB_UNPUBLISH;
    if (job->status == SL_OK && published)
        srv_remember(p->srv, job->site, &job->report);
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

struct srv_publisher *srv_publisher_new(struct srv *srv)
{
    struct srv_publisher *p = sl_new(sizeof *p);
    p->magic = PUBLISHER_MAGIC;
    p->srv = srv;
    p->health = ldapc_health_new();
    p->worker = host_worker_new(srv->loop);
    return p;
}

void srv_publisher_free(struct srv_publisher *p)
{
    if (p == NULL)
        return;
    SL_CHECK_MAGIC(p, PUBLISHER_MAGIC);
    host_worker_free(p->worker);
    ldapc_health_unref(p->health);
    p->magic = 0;
    free(p);
}

/* True for the same publication, which nobody needs twice while it waits. */
static bool is_same(const struct host_job *base, const void *ctx)
{
    const struct job *job = (const struct job *)base, *other = ctx;
    return job->reply == NULL && job->order.mode == other->order.mode && strcmp(job->site, other->site) == 0;
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
    SL_CHECK_MAGIC(p, PUBLISHER_MAGIC);
    struct job *job = sl_new(sizeof *job);
    *job = (struct job){.job = {.run = run, .done = finish}, .publisher = p, .order = copy_order(order), .reply = reply,
                        .asked_ms = sl_clock_mono_ms()};
    sl_text_copy(job->site, sizeof job->site, site);
    bool needless = reply == NULL && host_worker_waiting(p->worker, is_same, job) > 0;
    if (!needless && host_worker_push(p->worker, &job->job, SRV_JOBS_MAX)) {
        p->count++;
        return SL_OK;
    }
    pub_order_fini(&job->order);
    free(job);
    return needless ? SL_OK : sl_fail(e, SL_LIMIT, "%d publications wait already", SRV_JOBS_MAX);
}

size_t srv_publishing(const struct srv_publisher *p)
{
    return p->count;
}
