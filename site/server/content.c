#include "site/server/private.h"

#include "common/base/assert.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_STEP = 64 << 20 }; /* octets */

/*
 * Work on the content library. Each kind uses what it needs; the database is reached through a connection of its own, since a
 * package is added in the same job that copied its files: no other job then runs in between and takes them for unused.
 */
struct content_job {
    struct host_job job; /* first */
    struct srv *srv;
    struct host_worker *worker;
    char site[SM_CODE_LEN + 1];
    char *package;
    uint32_t version;
    struct sl_strings dps;
    int dir_fd;
    struct host_reply *reply; /* NULL when nobody waits; only used on the loop's thread */
    struct sm_manifest files;
    bool added;
    uint64_t told;              /* octets when progress was last told */
    _Atomic uint64_t octets;    /* copied */
    atomic_bool is_posted;      /* a call of on_progress is on its way */
    enum sl_status status;
    struct sl_error e;
};

static struct content_job *new_job(struct srv *srv, const char *site, const char *package, struct host_reply *reply)
{
    struct content_job *job = sl_new(sizeof *job);
    job->srv = srv;
    job->dir_fd = -1;
    job->reply = reply;
    job->package = sl_strdup(package);
    sl_text_copy(job->site, sizeof job->site, site);
    return job;
}

static void free_job(struct content_job *job)
{
    if (job->dir_fd >= 0)
        close(job->dir_fd);
    free(job->package);
    sl_strings_fini(&job->dps);
    sm_manifest_fini(&job->files);
    free(job);
}

static enum sl_status push(struct srv *srv, struct content_job *job, struct sl_error *e)
{
    if (host_worker_push(srv->copier, &job->job, SRV_COPIES_MAX))
        return SL_OK;
    free_job(job);
    return sl_fail(e, SL_LIMIT, "%d copies of content wait already", SRV_COPIES_MAX);
}

/* ---- progress --------------------------------------------------------------------------------------------------------- */

static void on_progress(void *ctx)
{
    struct content_job *job = ctx;
    char done[64];
    snprintf(done, sizeof done, "MiB of %s", job->package);
    host_reply_progress(job->reply, atomic_load(&job->octets) >> 20, 0, done);
    atomic_store(&job->is_posted, false);
}

/* The job outlives what it posts: posted calls run in their order, and the job's end is the last of them. */
static void copied(void *ctx, uint64_t octets)
{
    struct content_job *job = ctx;
    atomic_store(&job->octets, octets);
    if (octets - job->told < PROGRESS_STEP || atomic_exchange(&job->is_posted, true))
        return;
    job->told = octets;
    host_loop_post(host_worker_loop(job->worker), on_progress, job);
}

static bool is_stopping(void *ctx)
{
    const struct content_job *job = ctx;
    return host_worker_is_stopping(job->worker);
}

static struct cnt_env env_of(struct content_job *job)
{
    return (struct cnt_env){.is_stopping = is_stopping, .on_progress = job->reply != NULL ? copied : NULL, .ctx = job};
}

/* ---- adding ----------------------------------------------------------------------------------------------------------- */

static enum sl_status add_package(struct content_job *job)
{
    struct sst *store;
    enum sl_status status = sst_pool_open(job->srv->options.pool, SST_READ_WRITE, &store, &job->e);
    if (status != SL_OK)
        return status;
    const struct sst_new_package package = {job->package, job->version, (const char *const *)job->dps.items, job->dps.count,
                                            &job->files};
    status = sst_add_package(store, job->site, &package, &job->added, &job->e);
    sst_close(store);
    return status;
}

static void run_add(struct host_job *base, struct host_worker *worker)
{
    struct content_job *job = (struct content_job *)base;
    job->worker = worker;
    const struct cnt_env env = env_of(job);
    job->status = cnt_add_tree(job->srv->library, job->dir_fd, &env, &job->files, &job->e);
    if (job->status == SL_OK)
        job->status = add_package(job);
}

static void done_add(struct host_job *base)
{
    static const char *const columns[] = {"site:text",    "kind:text",    "name:text",   "change:text",
                                          "files:number", "octets:number", "sha256:text"};
    struct content_job *job = (struct content_job *)base;
    char files[24], octets[24];
    uint64_t sum = 0;
    for (size_t i = 0; i < job->files.count; i++)
        sum += job->files.files[i].size;
    snprintf(files, sizeof files, "%zu", job->files.count);
    snprintf(octets, sizeof octets, "%" PRIu64, sum);
    const char *const cells[] = {job->site, "package", job->package, job->added ? "added" : "unchanged", files, octets,
                                 job->files.sha256};
    if (base->canceled)
        job->status = sl_fail(&job->e, SL_CANCELED, "sited is stopping");
    if (job->status == SL_OK) {
        host_reply_columns(job->reply, columns, SL_COUNT(columns), true);
        host_reply_row(job->reply, cells, SL_COUNT(cells));
        host_reply_end(job->reply, SL_OUTCOME_OK, "", "%s", "");
        if (!is_stopping(job)) /* else publisher and database are closed already; the next start looks */
            srv_look(job->srv);
    } else {
        host_reply_fail(job->reply, job->status, &job->e);
    }
    free_job(job);
}

enum sl_status srv_add_content(struct srv *srv, const char *site, const struct sst_new_package *package, int dir_fd,
                               struct host_reply *reply, struct sl_error *e)
{
    struct content_job *job = new_job(srv, site, package->id, reply);
    job->job.run = run_add;
    job->job.done = done_add;
    job->version = package->version;
    job->dir_fd = dir_fd;
    for (size_t i = 0; i < package->dp_count; i++)
        sl_strings_add(&job->dps, package->dps[i]);
    return push(srv, job, e);
}

/* ---- dropping --------------------------------------------------------------------------------------------------------- */

static void run_drop(struct host_job *base, struct host_worker *worker)
{
    struct content_job *job = (struct content_job *)base;
    struct sst *store = NULL;
    (void)worker;
    job->status = sst_borrow(job->srv->options.pool, &store, &job->e);
    for (size_t i = 0; i < job->files.count && job->status == SL_OK; i++) {
        bool used = true;
        job->status = sst_is_used(store, job->files.files[i].sha256, &used, &job->e);
        if (job->status == SL_OK && !used)
            job->status = cnt_remove(job->srv->library, job->files.files[i].sha256, &job->e);
    }
    sst_give_back(job->srv->options.pool, store, job->status);
}

static void done_drop(struct host_job *base)
{
    struct content_job *job = (struct content_job *)base;
    if (job->status != SL_OK)
        sl_log(SL_LOG_WARNING, "content-left-behind", "text=%s", SL_LOG_TEXT(sl_error_text(&job->e)));
    free_job(job);
}

void srv_drop_content(struct srv *srv, struct sm_manifest *manifest)
{
    struct sl_error e = {0};
    if (manifest->count == 0)
        return;
    struct content_job *job = new_job(srv, "", "", NULL);
    job->job.run = run_drop;
    job->job.done = done_drop;
    job->files = *manifest;
    *manifest = (struct sm_manifest){0};
    if (push(srv, job, &e) != SL_OK)
        sl_log(SL_LOG_WARNING, "content-left-behind", "text=%s", SL_LOG_TEXT(e.text));
}
