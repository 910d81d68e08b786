#include "site/dp/fetch.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/errand.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "locator/net/httpc.h"
#include "site/dp/private.h"
#include "site/dp/share.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FETCH_MAGIC 0xd9000002u

struct dp_fetch {
    uint32_t magic;
    struct dp_fetch_options options;
    struct sl_errand *errand;
    atomic_bool has_looked;  /* for the files of what has been announced, and nobody has found one wanting since */
    atomic_uint_fast64_t octets, damaged, missing;
    bool has_swept;
    struct sst *store;       /* all below: of the errand's thread */
    struct sst_tasks before; /* of the last pass */
};

/* The files of one package on their way. */
struct load {
    struct dp_fetch *fetch;
    const struct sst_task *task;
    const struct sl_cancel *stop;
    struct sl_strings sources; /* "http://HOST[:PORT]" */
    struct cnt_files files;     /* all, then only those that are to be fetched; the size is that of all */
    atomic_size_t next;
    atomic_uint_fast64_t here; /* octets */
    pthread_mutex_t mutex;     /* guards all below */
    pthread_cond_t ended;
    size_t running;        /* threads */
    enum sl_status status; /* the first failure */
    struct sl_error e;
};

void dp_log_lost(const struct sst_task *task, const struct sm_file *file, bool is_here)
{
    sl_log(SL_LOG_WARNING, is_here ? "content-damaged" : "content-missing", "package=%s version=%u path=%s sha256=%s",
           task->package, task->version, SL_LOG_TEXT(file->path), file->sha256);
}

static bool is_shared(const char *dp)
{
    return strcmp(dp, SST_SHARED) == 0;
}

bool dp_may_stay(struct cnt *library, const char *dp, const char *sha256)
{
    return cnt_seal(library, sha256, NULL) == SL_OK || is_shared(dp);
}

enum sl_status dp_take_out(struct cnt *library, const char *dp, const char *sha256, struct sl_error *e)
{
    return is_shared(dp) ? cnt_put_aside(library, sha256, e) : cnt_remove(library, sha256, e);
}

enum sl_status dp_open_store(struct sst_pool *pool, struct sst **store, struct sl_error *e)
{
    if (*store != NULL && sst_is_current(*store))
        return sst_recheck(*store, e);
    sst_close(*store);
    *store = NULL;
    return sst_pool_open(pool, SST_READ_WRITE, store, e);
}

static bool is_stopping(void *ctx)
{
    return sl_cancel_is_told(ctx);
}

/* So that reading a large file again ends too. */
static struct cnt_env env_of(const struct load *load)
{
    return (struct cnt_env){.is_stopping = is_stopping, .ctx = (void *)(uintptr_t)load->stop};
}

/* ---- one file ----------------------------------------------------------------------------------------------------------- */

/* The octets of a file from `first` on, `count` of them. */
static enum sl_status get_piece(struct load *load, const char *url, uint64_t first, size_t count, int fd,
                                struct sl_error *e)
{
    char header[96];
    struct httpc_reply reply;
    struct sl_deadline deadline = sl_deadline_in(DP_FETCH_PIECE_MS);
    deadline.cancel = load->stop;
    snprintf(header, sizeof header, "Range: bytes=%llu-%llu", (unsigned long long)first, (unsigned long long)(first + count - 1));
    const struct httpc_request request = {.url = url, .header = header, .reply_max = DP_FETCH_PIECE};
    enum sl_status status = httpc_exchange(&request, deadline, &reply, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "%s", url);
    if (reply.status != 206)
        status = sl_fail(e, SL_UNREACHABLE, "%s: HTTP status %d: %.200s", url, reply.status, sl_text_str(&reply.body));
    else if (reply.body.len != count)
        status = sl_fail(e, SL_UNREACHABLE, "%s: %zu octets came instead of %zu", url, reply.body.len, count);
    else
        status = cnt_part_add(load->fetch->options.library, fd, reply.body.data, count, e);
    if (status == SL_OK)
        atomic_fetch_add(&load->fetch->octets, count);
    httpc_reply_fini(&reply);
    return status;
}

/* *told is how much of the file has been counted as here. */
static void tell_here(struct load *load, uint64_t *told, uint64_t have)
{
    atomic_fetch_add(&load->here, have - *told);
    *told = have;
}

static enum sl_status fetch_from(struct load *load, const char *source, const struct sm_file *file, uint64_t *told,
                                 struct sl_error *e)
{
    char url[HTTPC_URL_MAX];
    const struct cnt_env env = env_of(load);
    int fd = -1;
    uint64_t have = 0;
    if ((size_t)snprintf(url, sizeof url, "%s" DP_SHARE_PATH "%s", source, file->sha256) >= sizeof url)
        return sl_fail(e, SL_LIMIT, "%s: the address is too long", source);
    enum sl_status status = cnt_part_open(load->fetch->options.library, file->sha256, &fd, &have, e);
    if (status != SL_OK)
        return status;
    while (status == SL_OK && have < file->size) {
        size_t count = file->size - have < DP_FETCH_PIECE ? (size_t)(file->size - have) : DP_FETCH_PIECE;
        tell_here(load, told, have);
        status = get_piece(load, url, have, count, fd, e);
        have += count;
    }
    if (status == SL_OK)
        status = cnt_part_keep(load->fetch->options.library, fd, file->sha256, &env, e);
    if (status == SL_OK)
        tell_here(load, told, file->size);
    close(fd);
    return status;
}

/* From the first that has it. Where the disk is the matter, another source is of no use. */
static enum sl_status fetch_file(struct load *load, const struct sm_file *file, struct sl_error *e)
{
    uint64_t told = 0;
    enum sl_status status = SL_UNREACHABLE;
    if (load->sources.count == 0)
        return sl_fail(e, status, "missing: %s, and no other host has it; give it back with: sitectl package add %s --dir",
                       file->path, load->task->package);
    for (size_t i = 0; i < load->sources.count && status != SL_OK && status != SL_IO && !sl_cancel_is_told(load->stop); i++)
        status = fetch_from(load, load->sources.items[i], file, &told, e);
    return status;
}

/* ---- one package -------------------------------------------------------------------------------------------------------- */

static void *fetch_some(void *arg)
{
    struct load *load = arg;
    bool is_good = true;
    for (size_t i; is_good && (i = atomic_fetch_add(&load->next, 1)) < load->files.count;) {
        struct sl_error e = {0};
        enum sl_status status = fetch_file(load, load->files.items[i], &e);
        pthread_mutex_lock(&load->mutex);
        if (status != SL_OK && load->status == SL_OK) {
            load->status = status;
            load->e = e;
        }
        is_good = load->status == SL_OK;
        pthread_mutex_unlock(&load->mutex);
    }
    pthread_mutex_lock(&load->mutex);
    load->running--;
    pthread_cond_signal(&load->ended);
    pthread_mutex_unlock(&load->mutex);
    return NULL;
}

/* False when all threads have ended, true when they have not for a while. */
static bool wait_a_while(struct load *load)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DP_FETCH_TELL_MS / 1000;
    pthread_mutex_lock(&load->mutex);
    for (int passed = 0; load->running > 0 && passed == 0;)
        passed = pthread_cond_timedwait(&load->ended, &load->mutex, &until);
    bool is_running = load->running > 0;
    pthread_mutex_unlock(&load->mutex);
    return is_running;
}

/* While the threads run. That a database is away is told when the end is written down. */
static void tell_progress(struct load *load)
{
    uint64_t told = atomic_load(&load->here);
    enum sl_status status = SL_OK;
    while (wait_a_while(load)) {
        uint64_t here = atomic_load(&load->here);
        if (status == SL_OK && here != told)
            status = sst_fetch_progress(load->fetch->store, load->fetch->options.dp, load->task, here, NULL);
        told = here;
    }
}

static enum sl_status fetch_all(struct load *load, struct sl_error *e)
{
    pthread_t threads[DP_FETCH_THREADS];
    size_t started = 0;
    load->running = load->files.count < DP_FETCH_THREADS ? load->files.count : DP_FETCH_THREADS;
    for (size_t count = load->running; started < count; started++) {
        int rc = pthread_create(&threads[started], NULL, fetch_some, load);
        sl_assert(rc == 0);
    }
    tell_progress(load);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (load->status != SL_OK && e != NULL)
        *e = load->e;
    return load->status;
}

/* "http://HOST[:PORT]" of a URL, nothing of another scheme: there is nobody to say whom to trust. */
static void add_origin(struct sl_strings *list, const char *url)
{
    static const char scheme[] = "http://";
    char origin[SM_URL_MAX];
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return;
    size_t len = sizeof scheme - 1 + strcspn(url + sizeof scheme - 1, "/");
    snprintf(origin, sizeof origin, "%.*s", (int)len, url);
    sl_strings_add(list, origin);
}

static enum sl_status find_sources(struct load *load, struct sl_error *e)
{
    const struct dp_fetch_options *o = &load->fetch->options;
    struct sl_strings urls = {0};
    char server[SM_HOST_MAX + 16];
    snprintf(server, sizeof server, "http://%s", load->task->server);
    if (!is_shared(o->dp))
        sl_strings_add(&load->sources, o->server != NULL ? o->server : server);
    enum sl_status status = sst_fetch_sources(load->fetch->store, o->dp, load->task, DP_FETCH_SOURCES_MAX, &urls, e);
    for (size_t i = 0; i < urls.count; i++)
        add_origin(&load->sources, urls.items[i]);
    sl_strings_fini(&urls);
    return status;
}

/* Of what had been announced; what was not all there yet has lost nothing. */
static void tell_lost(struct load *load, const struct sm_file *file, bool is_here)
{
    const struct sst_task *task = load->task;
    if (!task->is_available)
        return;
    atomic_fetch_add(is_here ? &load->fetch->damaged : &load->fetch->missing, 1);
    dp_log_lost(task, file, is_here);
}

/* True in *ret_here when the file is in the library: compared where its seal does not say that it was. A damaged one goes. */
static enum sl_status look_for(struct load *load, const struct sm_file *file, bool *ret_here, struct sl_error *e)
{
    struct cnt *library = load->fetch->options.library;
    const struct cnt_env env = env_of(load);
    int fd = -1;
    uint64_t size = 0;
    bool is_good = false;
    enum sl_status status = cnt_file(library, file->sha256, &fd, &size, e);
    if (status == SL_OK && fd < 0)
        tell_lost(load, file, false);
    if (status != SL_OK || fd < 0)
        return status;
    bool is_sealed = size == file->size && cnt_is_sealed(fd);
    close(fd);
    if (!is_sealed)
        status = cnt_verify(library, file->sha256, &env, &is_good, e);
    if (status == SL_OK && is_good)
        is_good = dp_may_stay(library, load->fetch->options.dp, file->sha256); /* else one of our own is fetched */
    if (status == SL_OK && !is_sealed && !is_good) {
        tell_lost(load, file, true);
        status = dp_take_out(library, load->fetch->options.dp, file->sha256, e);
    }
    *ret_here = is_sealed || is_good;
    return status;
}

/* Leaves the files that are not here. */
static enum sl_status find_missing(struct load *load, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    size_t count = load->files.count;
    load->files.count = 0;
    for (size_t i = 0; i < count && status == SL_OK && !sl_cancel_is_told(load->stop); i++) {
        const struct sm_file *file = load->files.items[i];
        bool is_here = false;
        status = look_for(load, file, &is_here, e);
        if (status == SL_OK && is_here)
            atomic_fetch_add(&load->here, file->size);
        else if (status == SL_OK)
            load->files.items[load->files.count++] = file;
    }
    return status;
}

static enum sl_status write_down(struct load *load, enum sst_fetch_state state, const struct sl_error *why, struct sl_error *e)
{
    const struct dp_fetch *f = load->fetch;
    const char *text = why != NULL ? sl_error_text(why) : "";
    if (state == SST_FAILED)
        sl_log(SL_LOG_WARNING, "package-not-fetched", "package=%s version=%u text=%s", load->task->package, load->task->version,
               SL_LOG_TEXT(text));
    else if (state == SST_AVAILABLE)
        sl_log(SL_LOG_INFO, "package-fetched", "package=%s version=%u files=%zu", load->task->package, load->task->version,
               load->files.count);
    const struct sst_note note = {.state = state,
                                  .message = text,
                                  .octets = atomic_load(&load->here),
                                  .size = load->files.size,
                                  .now_s = sl_clock_real_s()};
    return sst_fetch_note(f->store, f->options.dp, load->task, &note, e);
}

/* Fetches what is missing of a package and announces it. A failure is written down, and false in *ret_done. */
static enum sl_status bring(struct load *load, bool *ret_done, struct sl_error *e)
{
    struct sm_manifest all = {0};
    struct sl_error why = {0};
    bool was_available = load->task->is_available;
    enum sl_status status = sst_manifest(load->fetch->store, load->task->site, load->task->package, &all, e);
    if (status == SL_OK)
        load->files = cnt_files_of(&all);
    if (status == SL_OK)
        status = find_missing(load, e);
    if (status == SL_OK)
        status = find_sources(load, e);
    if (status == SL_OK && load->files.count > 0)
        status = write_down(load, SST_FETCHING, NULL, e);
    if (status == SL_OK && !sl_cancel_is_told(load->stop)) {
        *ret_done = fetch_all(load, &why) == SL_OK;
        if (!*ret_done && !sl_cancel_is_told(load->stop))
            status = write_down(load, SST_FAILED, &why, e);
        else if (*ret_done && (load->files.count > 0 || !was_available))
            status = write_down(load, SST_AVAILABLE, NULL, e);
    }
    cnt_files_fini(&load->files);
    sm_manifest_fini(&all);
    return status;
}

static enum sl_status bring_task(struct dp_fetch *f, const struct sst_task *task, const struct sl_cancel *stop, bool *ret_done,
                                 struct sl_error *e)
{
    struct load load = {.fetch = f, .task = task, .stop = stop};
    pthread_condattr_t monotonic;
    pthread_mutex_init(&load.mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&load.ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    enum sl_status status = bring(&load, ret_done, e);
    pthread_cond_destroy(&load.ended);
    pthread_mutex_destroy(&load.mutex);
    sl_strings_fini(&load.sources);
    return status;
}

/* ---- what is no longer wanted ------------------------------------------------------------------------------------------- */

static bool has_task(const struct sst_tasks *tasks, const char *sha256)
{
    size_t low = 0, high = tasks->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(tasks->items[middle].sha256, sha256);
        if (order == 0)
            return true;
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return false;
}

static bool has_lost_one(const struct sst_tasks *before, const struct sst_tasks *now)
{
    bool lost = false;
    for (size_t i = 0; i < before->count && !lost; i++)
        lost = !has_task(now, before->items[i].sha256);
    return lost;
}

static int by_text(const void *a, const void *b)
{
    const char *const *one = a, *const *other = b;
    return strcmp(*one, *other);
}

static bool is_wanted(const char *sha256, void *ctx)
{
    const struct sl_strings *wanted = ctx;
    return wanted->count > 0 && bsearch(&sha256, wanted->items, wanted->count, sizeof *wanted->items, by_text) != NULL;
}

static enum sl_status sweep(struct dp_fetch *f, const struct sst_tasks *tasks, struct sl_error *e)
{
    struct sl_strings wanted = {0};
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < tasks->count && status == SL_OK; i++) {
        struct sm_manifest files = {0};
        status = sst_manifest(f->store, tasks->items[i].site, tasks->items[i].package, &files, e);
        for (size_t k = 0; k < files.count; k++)
            sl_strings_add(&wanted, files.files[k].sha256);
        sm_manifest_fini(&files);
    }
    if (wanted.count > 0)
        qsort(wanted.items, wanted.count, sizeof *wanted.items, by_text);
    if (status == SL_OK)
        cnt_sweep(f->options.library, is_wanted, &wanted);
    sl_strings_fini(&wanted);
    return status;
}

/* ---- a pass over all packages ------------------------------------------------------------------------------------------- */

static enum sl_status bring_all(struct dp_fetch *f, const struct sst_tasks *tasks, const struct sl_cancel *stop, bool *ret_all,
                                struct sl_error *e)
{
    bool has_looked = atomic_exchange(&f->has_looked, true);
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < tasks->count && status == SL_OK && !sl_cancel_is_told(stop); i++) {
        bool done = false;
        if (tasks->items[i].is_available && has_looked)
            continue;
        status = bring_task(f, &tasks->items[i], stop, &done, e);
        *ret_all = *ret_all && done;
    }
    if (!*ret_all || status != SL_OK)
        atomic_store(&f->has_looked, false);
    return status;
}

static enum sl_status pass(struct dp_fetch *f, const struct sl_cancel *stop, bool *ret_all, struct sl_error *e)
{
    struct sst_tasks tasks = {0};
    bool known = false;
    enum sl_status status = dp_open_store(f->options.pool, &f->store, e);
    if (status == SL_OK)
        status = sst_fetch_begin(f->store, f->options.dp, &known, e);
    if (status == SL_OK && !known)
        return sl_fail(e, SL_CONFLICT, "no site has the distribution point %s; add it with: sitectl dp add %s", f->options.dp,
                       f->options.dp);
    if (status == SL_OK)
        status = sst_fetch_tasks(f->store, f->options.dp, &tasks, e);
    if (status == SL_OK)
        status = bring_all(f, &tasks, stop, ret_all, e);
    if (status == SL_OK && *ret_all && !sl_cancel_is_told(stop)) {
        if (!is_shared(f->options.dp) && (!f->has_swept || has_lost_one(&f->before, &tasks)))
            status = sweep(f, &tasks, e);
        f->has_swept = true;
        sst_tasks_fini(&f->before);
        f->before = tasks;
        tasks = (struct sst_tasks){0};
    }
    sst_tasks_fini(&tasks);
    return status;
}

/* An sl_errand_work. */
static bool run(void *ctx, unsigned failures, const struct sl_cancel *stop)
{
    struct dp_fetch *f = ctx;
    struct sl_error e = {0};
    bool all = true;
    enum sl_status status = pass(f, stop, &all, &e);
    if (status != SL_OK && failures == 0 && !sl_cancel_is_told(stop))
        sl_log(SL_LOG_WARNING, "fetching-lost", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
    if (status == SL_OK && all && failures > 0)
        sl_log(SL_LOG_INFO, "fetching-back", "attempts=%u", failures);
    sst_close(f->store); /* it may be long until the next pass: a file that goes away meanwhile is not held */
    f->store = NULL;
    return status == SL_OK && all;
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

enum sl_status dp_fetch_new(const struct dp_fetch_options *options, struct dp_fetch **ret_fetch, struct sl_error *e)
{
    struct dp_fetch *f = sl_new(sizeof *f);
    *f = (struct dp_fetch){.magic = FETCH_MAGIC, .options = *options};
    httpc_prepare(); /* in a thread that outlives the errand's */
    const struct sl_errand_work work = {
        .run = run, .ctx = f, .retry_min_ms = DP_FETCH_RETRY_MIN_MS, .retry_max_ms = DP_FETCH_RETRY_MAX_MS};
    enum sl_status status = sl_errand_start(&work, &f->errand, e);
    if (status == SL_OK)
        *ret_fetch = f;
    else
        dp_fetch_free(f);
    return status;
}

void dp_fetch_wake(struct dp_fetch *f)
{
    SL_CHECK_MAGIC(f, FETCH_MAGIC);
    sl_errand_wake(f->errand);
}

void dp_fetch_look(struct dp_fetch *f)
{
    SL_CHECK_MAGIC(f, FETCH_MAGIC);
    atomic_store(&f->has_looked, false);
    sl_errand_wake(f->errand);
}

struct dp_fetch_stats dp_fetch_stats(const struct dp_fetch *f)
{
    return (struct dp_fetch_stats){.octets = atomic_load(&f->octets),
                                   .damaged = atomic_load(&f->damaged),
                                   .missing = atomic_load(&f->missing)};
}

void dp_fetch_free(struct dp_fetch *f)
{
    if (f == NULL)
        return;
    SL_CHECK_MAGIC(f, FETCH_MAGIC);
    sl_errand_end(f->errand);
    sst_close(f->store);
    sst_tasks_fini(&f->before);
    f->magic = 0;
    free(f);
}
