#include "common/base/errand.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/random.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct sl_errand {
    struct sl_errand_work work;
    pthread_t thread;
    struct sl_cancel stop;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool has_work; /* guarded by the mutex */
};

/* Waits for `ms` (0: for ever); `is_eager`: or until there is work. */
static void wait_for_work(struct sl_errand *errand, int64_t ms, bool is_eager)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&errand->mutex);
    int passed = 0;
    while (!sl_cancel_is_told(&errand->stop) && passed == 0 && (!is_eager || !errand->has_work))
        passed = ms == 0 ? pthread_cond_wait(&errand->wake, &errand->mutex)
                        : pthread_cond_timedwait(&errand->wake, &errand->mutex, &until);
    errand->has_work = false;
    pthread_mutex_unlock(&errand->mutex);
}

static void *run(void *arg)
{
    struct sl_errand *errand = arg;
    const struct sl_errand_work *work = &errand->work;
    struct sl_random random = sl_random_seeded(sl_random_os_seed());
    unsigned failures = 0;
    while (!sl_cancel_is_told(&errand->stop)) {
        failures = work->run(work->ctx, failures, &errand->stop) ? 0 : failures + 1;
        if (failures == 0)
            wait_for_work(errand, work->period_ms, true);
        else
            wait_for_work(errand, sl_backoff_ms(failures, work->retry_min_ms, work->retry_max_ms, &random), false);
    }
    return NULL;
}

enum sl_status sl_errand_start(const struct sl_errand_work *work, struct sl_errand **ret_errand, struct sl_error *e)
{
    struct sl_errand *errand = sl_new(sizeof *errand);
    pthread_condattr_t monotonic;
    errand->work = *work;
    enum sl_status status = sl_cancel_init(&errand->stop, e);
    if (status != SL_OK) {
        free(errand);
        return status;
    }
    pthread_mutex_init(&errand->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&errand->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = pthread_create(&errand->thread, NULL, run, errand);
    sl_assert(rc == 0);
    *ret_errand = errand;
    return SL_OK;
}

void sl_errand_wake(struct sl_errand *errand)
{
    pthread_mutex_lock(&errand->mutex);
    errand->has_work = true;
    pthread_cond_signal(&errand->wake);
    pthread_mutex_unlock(&errand->mutex);
}

void sl_errand_end(struct sl_errand *errand)
{
    if (errand == NULL)
        return;
    sl_cancel_tell(&errand->stop);
    sl_errand_wake(errand);
    pthread_join(errand->thread, NULL);
    pthread_cond_destroy(&errand->wake);
    pthread_mutex_destroy(&errand->mutex);
    sl_cancel_fini(&errand->stop);
    free(errand);
}
