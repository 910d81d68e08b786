#include "common/host/worker.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define WORKER_MAGIC 0x4057e201u

struct jobs {
    struct host_job *first, *last;
    size_t count;
};

struct host_worker {
    uint32_t magic;
    struct host_loop *loop;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;
    bool stop;
    struct jobs waiting, done;
};

static void push(struct jobs *jobs, struct host_job *job)
{
    job->next = NULL;
    if (jobs->count++ == 0)
        jobs->first = job;
    else
        jobs->last->next = job;
    jobs->last = job;
}

static struct host_job *pop(struct jobs *jobs)
{
    if (jobs->count == 0)
        return NULL;
    struct host_job *job = jobs->first;
    jobs->first = job->next;
    jobs->count--;
    return job;
}

static void on_done(void *ctx)
{
    struct host_worker *w = ctx;
    struct host_job *job;
    SL_CHECK_MAGIC(w, WORKER_MAGIC);
    do {
        pthread_mutex_lock(&w->mutex);
        job = pop(&w->done);
        pthread_mutex_unlock(&w->mutex);
        if (job != NULL)
            job->done(job);
    } while (job != NULL);
}

static void *work(void *ctx)
{
    struct host_worker *w = ctx;
    pthread_mutex_lock(&w->mutex);
    while (!w->stop) {
        struct host_job *job = pop(&w->waiting);
        if (job == NULL) {
            pthread_cond_wait(&w->wake, &w->mutex);
            continue;
        }
        pthread_mutex_unlock(&w->mutex);
        job->run(job, w);
        pthread_mutex_lock(&w->mutex);
        push(&w->done, job);
        host_loop_post(w->loop, on_done, w);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

struct host_worker *host_worker_new(struct host_loop *loop)
{
    struct host_worker *w = sl_new(sizeof *w);
    w->magic = WORKER_MAGIC;
    w->loop = loop;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->wake, NULL);
    int rc = pthread_create(&w->thread, NULL, work, w);
    sl_assert(rc == 0);
    return w;
}

void host_worker_free(struct host_worker *w)
{
    if (w == NULL)
        return;
    SL_CHECK_MAGIC(w, WORKER_MAGIC);
    pthread_mutex_lock(&w->mutex);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    on_done(w);
    for (struct host_job *job = pop(&w->waiting); job != NULL; job = pop(&w->waiting)) {
        job->canceled = true;
        job->done(job);
    }
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->mutex);
    w->magic = 0;
    free(w);
}

bool host_worker_push(struct host_worker *w, struct host_job *job, size_t max)
{
    SL_CHECK_MAGIC(w, WORKER_MAGIC);
    pthread_mutex_lock(&w->mutex);
    bool fits = w->waiting.count < max;
    if (fits) {
        push(&w->waiting, job);
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->mutex);
    return fits;
}

size_t host_worker_waiting(struct host_worker *w, bool (*is)(const struct host_job *job, const void *ctx), const void *ctx)
{
    size_t count = 0;
    pthread_mutex_lock(&w->mutex);
    const struct host_job *job = w->waiting.first;
    for (size_t i = 0; i < w->waiting.count; i++, job = job->next)
        count += is == NULL || is(job, ctx);
    pthread_mutex_unlock(&w->mutex);
    return count;
}

bool host_worker_is_stopping(struct host_worker *w)
{
    pthread_mutex_lock(&w->mutex);
    bool stop = w->stop;
    pthread_mutex_unlock(&w->mutex);
    return stop;
}

struct host_loop *host_worker_loop(const struct host_worker *w)
{
    return w->loop;
}
