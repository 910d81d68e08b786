#include "site/dp/verify.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/errand.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "site/dp/private.h"

#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERIFY_MAGIC 0xd9000003u

struct dp_verify {
    uint32_t magic;
    struct dp_verify_options options;
    struct sl_errand *errand;
    _Atomic int64_t interval_ms, octets_per_s, passed_s;
    _Atomic uint64_t octets, damaged, missing;
    struct sst *store;          /* all below: of the errand's thread */
    int64_t due_ms;             /* monotonic: when the next pass begins */
    char next[SM_SHA256_SIZE];  /* of the package that the pass has come to */
    size_t next_file;           /* of that package */
    struct cnt_finding finding; /* likewise */
};

/* One package being compared. */
struct check {
    struct dp_verify *verify;
    const struct sst_task *task;
    const struct sl_cancel *stop;
    bool is_asked;           /* somebody waits for it */
    bool is_put_off;         /* somebody asks for something else */
    int64_t ticked_ms;       /* when it last gave a sign, or looked for questions */
    int64_t begun_ms;        /* the file */
    uint64_t done;           /* of the file */
    enum sl_status status;   /* of the database meanwhile */
    struct sl_error e;
};

/* ---- one file ----------------------------------------------------------------------------------------------------------- */

/* Every second: who waits is given a sign, and who does not wait gives way to who does. */
static void tick(struct check *check)
{
    struct dp_verify *v = check->verify;
    int64_t now_ms = sl_clock_mono_ms();
    if (now_ms - check->ticked_ms < DP_VERIFY_LOOK_MS || check->status != SL_OK)
        return;
    check->ticked_ms = now_ms;
    check->status = check->is_asked ? sst_give_sign(v->store, v->options.dp, &check->e)
                                    : sst_is_asked(v->store, v->options.dp, &check->is_put_off, &check->e);
}

static bool is_stopping(void *ctx)
{
    struct check *check = ctx;
    tick(check);
    return check->is_put_off || check->status != SL_OK || sl_cancel_is_told(check->stop);
}

/* Waits until as much may have been read as has been. */
static void on_progress(void *ctx, uint64_t octets)
{
    struct check *check = ctx;
    atomic_fetch_add(&check->verify->octets, octets - check->done);
    check->done = octets;
    if (check->is_asked)
        return;
    int64_t rate = atomic_load(&check->verify->octets_per_s);
    struct sl_deadline until = {.at_ms = check->begun_ms + (int64_t)(octets * 1000 / (uint64_t)rate), .cancel = check->stop};
    struct pollfd told = {.fd = sl_deadline_fd(until), .events = POLLIN};
    (void)poll(&told, 1, sl_deadline_left_ms(until));
}

static enum sl_status compare(struct check *check, const struct sm_file *file, bool *ret_here, bool *ret_good, struct sl_error *e)
{
    struct cnt *library = check->verify->options.library;
    const struct cnt_env env = {.is_stopping = is_stopping, .on_progress = on_progress, .ctx = check};
    int fd = -1;
    uint64_t size = 0;
    enum sl_status status = cnt_file(library, file->sha256, &fd, &size, e);
    if (status != SL_OK)
        return status;
    *ret_here = fd >= 0;
    *ret_good = false;
    if (fd < 0)
        return SL_OK;
    bool is_sealed = cnt_is_sealed(fd);
    close(fd);
    check->begun_ms = sl_clock_mono_ms();
    check->done = 0;
    status = cnt_verify(library, file->sha256, &env, ret_good, e);
    if (status == SL_OK && *ret_good && !is_sealed)
        *ret_good = dp_may_stay(library, check->verify->options.dp, file->sha256);
    return status == SL_OK && !*ret_good ? dp_take_out(library, check->verify->options.dp, file->sha256, e) : status;
}

/* A package without the file: it is named no more, and the file fetched again. */
static enum sl_status lose_in(struct dp_verify *v, const struct sst_task *task, const struct cnt_files *files,
                              const struct sm_file *file, const struct cnt_finding *finding, struct sl_error *e)
{
    const struct sst_note note = {.state = SST_FETCHING,
                                  .message = sl_text_str(&finding->text),
                                  .octets = files->size - file->size,
                                  .size = files->size,
                                  .now_s = sl_clock_real_s()};
    return sst_fetch_note(v->store, v->options.dp, task, &note, e);
}

/* The same for a package that was not being compared; the file has a path of its own there. */
static enum sl_status lose_in_other(struct dp_verify *v, const struct sst_task *task, const char *sha256, bool is_here,
                                    struct sl_error *e)
{
    struct sm_manifest manifest = {0};
    struct cnt_finding finding = {0};
    enum sl_status status = sst_manifest(v->store, task->site, task->package, &manifest, e);
    struct cnt_files files = cnt_files_of(&manifest);
    cnt_finding_reset(&finding);
    for (size_t i = 0; i < files.count && status == SL_OK; i++) {
        if (strcmp(files.items[i]->sha256, sha256) != 0)
            continue;
        cnt_finding_add(&finding, is_here, files.items[i]->path);
        dp_log_lost(task, files.items[i], is_here);
        status = lose_in(v, task, &files, files.items[i], &finding, e);
    }
    cnt_finding_fini(&finding);
    cnt_files_fini(&files);
    sm_manifest_fini(&manifest);
    return status;
}

static bool is_same(const struct sst_task *a, const struct sst_task *b)
{
    return strcmp(a->site, b->site) == 0 && strcmp(a->package, b->package) == 0;
}

/* The file is gone, for each package that has it. */
static enum sl_status lose(struct check *check, const struct cnt_files *files, const struct sm_file *file, bool is_here,
                           struct sl_error *e)
{
    struct dp_verify *v = check->verify;
    struct sst_tasks tasks = {0};
    cnt_finding_add(&v->finding, is_here, file->path);
    atomic_fetch_add(is_here ? &v->damaged : &v->missing, 1);
    dp_log_lost(check->task, file, is_here);
    enum sl_status status = lose_in(v, check->task, files, file, &v->finding, e);
    if (status == SL_OK)
        status = sst_sharing_tasks(v->store, v->options.dp, file->sha256, &tasks, e);
    for (size_t i = 0; i < tasks.count && status == SL_OK; i++)
        if (tasks.items[i].is_available && !is_same(&tasks.items[i], check->task))
            status = lose_in_other(v, &tasks.items[i], file->sha256, is_here, e);
    sst_tasks_fini(&tasks);
    v->options.on_lost(v->options.ctx);
    return status;
}

/* ---- one package -------------------------------------------------------------------------------------------------------- */

/* Compares the files of a package from v->next_file on, and writes down what was found once it has come to the end. */
static enum sl_status compare_all(struct check *check, struct sl_error *e)
{
    struct dp_verify *v = check->verify;
    struct sm_manifest manifest = {0};
    enum sl_status status = sst_manifest(v->store, check->task->site, check->task->package, &manifest, e);
    struct cnt_files files = cnt_files_of(&manifest);
    for (; v->next_file < files.count && status == SL_OK; v->next_file++) {
        bool is_here = false, is_good = false;
        if (is_stopping(check))
            status = sl_fail(e, SL_CANCELED, "put off");
        else
            status = compare(check, files.items[v->next_file], &is_here, &is_good, e);
        if (status == SL_OK && !is_good)
            status = lose(check, &files, files.items[v->next_file], is_here, e);
        if (status != SL_OK)
            break;
    }
    cnt_files_fini(&files);
    sm_manifest_fini(&manifest);
    if (check->status != SL_OK && e != NULL)
        *e = check->e;
    return check->status != SL_OK ? check->status : status;
}

static enum sl_status check_task(struct check *check, struct sl_error *e)
{
    struct dp_verify *v = check->verify;
    enum sl_status status = compare_all(check, e);
    if (status != SL_OK)
        return status;
    const struct sst_finding finding = {v->finding.damaged, v->finding.missing, sl_text_str(&v->finding.text)};
    return sst_verified(v->store, v->options.dp, check->task, &finding, sl_clock_real_s(), e);
}

/* ---- what is asked for -------------------------------------------------------------------------------------------------- */

static enum sl_status answer_one(struct dp_verify *v, const struct sst_task *task, const struct sl_cancel *stop,
                                 struct sl_error *e)
{
    struct check check = {.verify = v, .task = task, .stop = stop, .is_asked = true, .ticked_ms = sl_clock_mono_ms()};
    enum sl_status status = sst_give_sign(v->store, v->options.dp, e);
    v->next_file = 0;
    cnt_finding_reset(&v->finding);
    if (status != SL_OK)
        return status;
    return task->is_available ? check_task(&check, e)
                              : sst_verified(v->store, v->options.dp, task, NULL, sl_clock_real_s(), e);
}

/* The package that the pass has come to begins anew after that: its finding is not kept apart. */
static enum sl_status answer(struct dp_verify *v, const struct sl_cancel *stop, struct sl_error *e)
{
    struct sst_tasks tasks = {0};
    bool asked = false;
    enum sl_status status = sst_is_asked(v->store, v->options.dp, &asked, e);
    if (status != SL_OK || !asked)
        return status;
    status = sst_asked_tasks(v->store, v->options.dp, &tasks, e);
    for (size_t i = 0; i < tasks.count && status == SL_OK; i++)
        status = answer_one(v, &tasks.items[i], stop, e);
    sst_tasks_fini(&tasks);
    v->next_file = 0;
    cnt_finding_reset(&v->finding);
    return status;
}

/* ---- a pass over all packages ------------------------------------------------------------------------------------------- */

static void end_pass(struct dp_verify *v)
{
    v->next[0] = '\0';
    v->due_ms = sl_clock_mono_ms() + atomic_load(&v->interval_ms);
    atomic_store(&v->passed_s, sl_clock_real_s());
    sl_log(SL_LOG_INFO, "content-verified", "octets=%" PRIu64 " damaged=%" PRIu64 " missing=%" PRIu64,
           atomic_load(&v->octets), atomic_load(&v->damaged), atomic_load(&v->missing));
}

/* Goes on with the pass, until its end or until somebody asks for something. */
static enum sl_status go_on(struct dp_verify *v, const struct sl_cancel *stop, struct sl_error *e)
{
    struct sst_tasks tasks = {0};
    struct check check = {.verify = v, .stop = stop, .ticked_ms = sl_clock_mono_ms()};
    enum sl_status status = sst_fetch_tasks(v->store, v->options.dp, &tasks, e);
    for (size_t i = 0; i < tasks.count && status == SL_OK; i++) {
        int order = strcmp(tasks.items[i].sha256, v->next);
        if (order < 0 || !tasks.items[i].is_available)
            continue;
        if (order > 0) {
            memcpy(v->next, tasks.items[i].sha256, sizeof v->next);
            v->next_file = 0;
            cnt_finding_reset(&v->finding);
        }
        check.task = &tasks.items[i];
        status = check_task(&check, e);
    }
    sst_tasks_fini(&tasks);
    if (status == SL_OK)
        end_pass(v);
    return status == SL_CANCELED ? SL_OK : status;
}

/* An sl_errand_work. That the database is away the fetching tells. */
static bool run(void *ctx, unsigned failures, const struct sl_cancel *stop)
{
    struct dp_verify *v = ctx;
    struct sl_error e = {0};
    enum sl_status status = dp_open_store(v->options.pool, &v->store, &e);
    if (status == SL_OK)
        status = answer(v, stop, &e);
    if (status == SL_OK && sl_clock_mono_ms() >= v->due_ms)
        status = go_on(v, stop, &e);
    if (status != SL_OK && failures == 0 && !sl_cancel_is_told(stop))
        sl_log(SL_LOG_WARNING, "content-not-verified", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
    if (status != SL_OK) {
        sst_close(v->store);
        v->store = NULL;
    }
    return status == SL_OK;
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

void dp_verify_set_times(struct dp_verify *v, const struct dp_verify_times *times)
{
    SL_CHECK_MAGIC(v, VERIFY_MAGIC);
    atomic_store(&v->interval_ms, times->interval_ms);
    atomic_store(&v->octets_per_s, times->octets_per_s);
}

struct dp_verify_stats dp_verify_stats(const struct dp_verify *v)
{
    return (struct dp_verify_stats){.octets = atomic_load(&v->octets),
                                    .damaged = atomic_load(&v->damaged),
                                    .missing = atomic_load(&v->missing),
                                    .passed_s = atomic_load(&v->passed_s)};
}

enum sl_status dp_verify_new(const struct dp_verify_options *options, const struct dp_verify_times *times,
                             struct dp_verify **ret_verify, struct sl_error *e)
{
    struct dp_verify *v = sl_new(sizeof *v);
    *v = (struct dp_verify){.magic = VERIFY_MAGIC, .options = *options};
    cnt_finding_reset(&v->finding);
    dp_verify_set_times(v, times);
    const struct sl_errand_work work = {.run = run,
                                        .ctx = v,
                                        .retry_min_ms = DP_VERIFY_LOOK_MS,
                                        .retry_max_ms = DP_VERIFY_RETRY_MAX_MS,
                                        .period_ms = DP_VERIFY_LOOK_MS};
    enum sl_status status = sl_errand_start(&work, &v->errand, e);
    if (status == SL_OK)
        *ret_verify = v;
    else
        dp_verify_free(v);
    return status;
}

void dp_verify_free(struct dp_verify *v)
{
    if (v == NULL)
        return;
    SL_CHECK_MAGIC(v, VERIFY_MAGIC);
    sl_errand_end(v->errand);
    sst_close(v->store);
    cnt_finding_fini(&v->finding);
    v->magic = 0;
    free(v);
}
