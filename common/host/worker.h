/*
 * worker.h - one thread beside a loop, for work that blocks: jobs run one after another, first in, first out, and come back to
 * the loop's thread when they are done.
 *
 * A job is the first member of a struct of the caller's. `run` is called on the worker's thread, `done` on the loop's thread and
 * frees it; a job that never ran (the worker was freed first) is done all the same, with `canceled` set.
 */
#ifndef SL_COMMON_HOST_WORKER_H
#define SL_COMMON_HOST_WORKER_H

#include "common/host/loop.h"

#include <stddef.h>

struct host_worker;

struct host_job {
    void (*run)(struct host_job *job, struct host_worker *worker);
    void (*done)(struct host_job *job);
    bool canceled;
    struct host_job *next; /* of the worker */
};

/* Starts the thread; the loop must outlive the worker. */
struct host_worker *host_worker_new(struct host_loop *loop);
/* Tells the running job to stop (host_worker_is_stopping), waits for it, ends those that wait, and frees; NULL is accepted. */
void host_worker_free(struct host_worker *worker);
/* Queues a job, which passes into the worker's hands; false, and nothing is done, when `max` jobs are waiting already. */
bool host_worker_push(struct host_worker *worker, struct host_job *job, size_t max);
/* How many of the jobs that wait `is` says yes to, all with NULL; any thread. `is` only looks: it holds the lock. */
size_t host_worker_waiting(struct host_worker *worker, bool (*is)(const struct host_job *job, const void *ctx), const void *ctx);
/* True once the worker is being freed; any thread. Long jobs ask now and then. */
bool host_worker_is_stopping(struct host_worker *worker);
/* The loop it belongs to, for host_loop_post out of a running job. */
struct host_loop *host_worker_loop(const struct host_worker *worker);

#endif
