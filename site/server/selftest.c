#include "site/server/selftest.h"

#include "common/base/assert.h"
#include "common/base/cancel.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/host/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_MS = 2000 }; /* a management point of this very process serves a little later than it is known */

enum verdict { NOT_ASKED, ANSWERS, SILENT };

/* A management point, and what was last heard of it. */
struct subject {
    char site[SM_CODE_LEN + 1];
    struct sm_mp mp;
    enum verdict verdict;
};

struct subjects {
    struct subject *items;
    size_t count;
};

struct srv_selftest {
    const struct srv_chk_trust *trust;
    int64_t interval_ms;
    struct host_timer *timer;
    struct host_worker *worker;
    struct sl_cancel stop;
    pthread_mutex_t mutex; /* guards the list, which other threads read too */
    struct subjects list;
    bool is_asking;
};

/* One round. */
struct round {
    struct host_job job; /* first */
    struct srv_selftest *test;
    struct subjects list; /* a copy of its own */
    char (*details)[SL_ERROR_TEXT_MAX];
};

static void free_subjects(struct subjects *list)
{
    for (size_t i = 0; i < list->count; i++)
        sm_mp_fini(&list->items[i].mp);
    free(list->items);
    *list = (struct subjects){0};
}

static void add(struct subjects *list, const char *site, const struct sm_mp *mp, enum verdict verdict)
{
    struct subject s = {.verdict = verdict};
    (void)sl_text_copy(s.site, sizeof s.site, site);
    sl_assert(sm_mp_make(mp->host, mp->address, mp->port, &s.mp, NULL) == SL_OK); /* it was one */
    s.mp.is_https = mp->is_https;
    list->items = sl_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = s;
}

static struct subject *find(const struct subjects *list, const char *site, const struct sm_mp *mp)
{
    for (size_t i = 0; i < list->count; i++) {
        struct subject *s = &list->items[i];
        if (strcmp(s->site, site) == 0 && sl_text_iequal(s->mp.host, mp->host) && strcmp(s->mp.address, mp->address) == 0 &&
            s->mp.port == mp->port && s->mp.is_https == mp->is_https)
            return s;
    }
    return NULL;
}

/* ---- a round ------------------------------------------------------------------------------------------------------------ */

static void ask_all(struct host_job *job, struct host_worker *worker)
{
    struct round *r = (struct round *)job;
    for (size_t i = 0; i < r->list.count && !host_worker_is_stopping(worker); i++) {
        struct subject *s = &r->list.items[i];
        struct sl_deadline deadline = sl_deadline_in(2 * CHK_MP_MS);
        deadline.cancel = &r->test->stop;
        s->verdict = srv_chk_answers(s->site, &s->mp, r->test->trust, deadline, r->details[i]) ? ANSWERS : SILENT;
    }
}

static void take_verdict(struct subject *s, enum verdict verdict, const char *detail)
{
    if (verdict == SILENT && s->verdict != SILENT)
        sl_log(SL_LOG_ERROR, "mp-not-answering", "site=%s mp=%s text=%s", s->site, SL_LOG_TEXT(s->mp.host), SL_LOG_TEXT(detail));
    else if (verdict == ANSWERS && s->verdict == SILENT)
        sl_log(SL_LOG_INFO, "mp-answering", "site=%s mp=%s", s->site, SL_LOG_TEXT(s->mp.host));
    s->verdict = verdict;
}

static void end(struct host_job *job)
{
    struct round *r = (struct round *)job;
    struct srv_selftest *test = r->test;
    pthread_mutex_lock(&test->mutex);
    for (size_t i = 0; i < r->list.count && !job->canceled; i++) {
        struct subject *s = find(&test->list, r->list.items[i].site, &r->list.items[i].mp);
        if (s != NULL && r->list.items[i].verdict != NOT_ASKED)
            take_verdict(s, r->list.items[i].verdict, r->details[i]);
    }
    pthread_mutex_unlock(&test->mutex);
    test->is_asking = false;
    free_subjects(&r->list);
    free(r->details);
    free(r);
}

static void begin(struct srv_selftest *test)
{
    struct round *r = sl_new(sizeof *r);
    r->job = (struct host_job){.run = ask_all, .done = end};
    r->test = test;
    for (size_t i = 0; i < test->list.count; i++)
        add(&r->list, test->list.items[i].site, &test->list.items[i].mp, NOT_ASKED);
    r->details = sl_new_array(r->list.count, sizeof *r->details);
    test->is_asking = host_worker_push(test->worker, &r->job, 1);
    sl_assert(test->is_asking); /* nothing else uses it */
}

static void on_timer(void *ctx)
{
    struct srv_selftest *test = ctx;
    bool must_wait = test->is_asking;
    if (!must_wait && test->list.count > 0)
        begin(test);
    host_timer_start(test->timer, must_wait ? FIRST_MS : test->interval_ms);
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

enum sl_status srv_selftest_new(struct host_loop *loop, int64_t interval_ms, const struct srv_chk_trust *trust,
                                struct srv_selftest **ret_test, struct sl_error *e)
{
    struct srv_selftest *test = sl_new(sizeof *test);
    *test = (struct srv_selftest){.trust = trust, .interval_ms = interval_ms};
    enum sl_status status = sl_cancel_init(&test->stop, e);
    if (status != SL_OK) {
        free(test);
        return status;
    }
    pthread_mutex_init(&test->mutex, NULL);
    test->worker = host_worker_new(loop);
    test->timer = host_timer_new(loop, on_timer, test);
    host_timer_start(test->timer, interval_ms);
    *ret_test = test;
    return SL_OK;
}

void srv_selftest_set_interval(struct srv_selftest *test, int64_t interval_ms)
{
    if (test->interval_ms == interval_ms)
        return;
    test->interval_ms = interval_ms;
    host_timer_start(test->timer, interval_ms);
}

void srv_selftest_set_sites(struct srv_selftest *test, const struct sm_snapshot *const *sites, size_t count)
{
    struct subjects list = {0};
    bool is_new = false;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sites[i]->mp_count; k++) {
            const struct sm_mp *mp = &sites[i]->mps[k];
            const struct subject *known = find(&test->list, sites[i]->site.code, mp);
            add(&list, sites[i]->site.code, mp, known != NULL ? known->verdict : NOT_ASKED);
            is_new = is_new || known == NULL;
        }
    pthread_mutex_lock(&test->mutex);
    struct subjects before = test->list;
    test->list = list;
    pthread_mutex_unlock(&test->mutex);
    free_subjects(&before);
    if (is_new)
        host_timer_start(test->timer, FIRST_MS < test->interval_ms ? FIRST_MS : test->interval_ms);
}

void srv_selftest_metrics(struct srv_selftest *test, struct sl_text *out)
{
    sl_text_puts(out, "# HELP sited_mp_answering the management point answered MPLIST and MPCERT when it was last asked\n"
                      "# TYPE sited_mp_answering gauge\n");
    pthread_mutex_lock(&test->mutex);
    for (size_t i = 0; i < test->list.count; i++) {
        const struct subject *s = &test->list.items[i];
        if (s->verdict != NOT_ASKED)
            sl_text_printf(out, "sited_mp_answering{site=\"%s\",mp=\"%s\"} %d\n", s->site, s->mp.host, s->verdict == ANSWERS);
    }
    pthread_mutex_unlock(&test->mutex);
}

void srv_selftest_free(struct srv_selftest *test)
{
    if (test == NULL)
        return;
    sl_cancel_tell(&test->stop);
    host_worker_free(test->worker);
    host_timer_free(test->timer);
    sl_cancel_fini(&test->stop);
    pthread_mutex_destroy(&test->mutex);
    free_subjects(&test->list);
    free(test);
}
