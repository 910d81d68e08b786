/*
 * errand.h - work in a thread of its own that is done when it is woken, or now and then, and again, with a back-off of which half
 * is left to chance, as long as it fails: what a daemon owes to others, who may be away.
 */
#ifndef SL_COMMON_BASE_ERRAND_H
#define SL_COMMON_BASE_ERRAND_H

#include "common/base/cancel.h"

#include <stdint.h>

struct sl_errand;

struct sl_errand_work {
    /*
     * Does all there is to do and returns true, false when something failed; on the errand's thread. `failures` is how often it
     * has failed in a row before, so that who logs tells it once. `stop` is told when the errand ends: for deadlines.
     */
    bool (*run)(void *ctx, unsigned failures, const struct sl_cancel *stop);
    void *ctx;
    int64_t retry_min_ms, retry_max_ms; /* sl_backoff_ms */
    int64_t period_ms;                  /* works again after so long, when it went well; 0: only when it is woken */
};

/* Starts the thread, which works at once. SL_IO. */
enum sl_status sl_errand_start(const struct sl_errand_work *work, struct sl_errand **ret_errand, struct sl_error *e) SL_MUST;
/* There is something to do. While it waits after a failure it goes on waiting. Any thread. */
void sl_errand_wake(struct sl_errand *errand);
/* Tells it to stop, waits for it, and frees; NULL is accepted. */
void sl_errand_end(struct sl_errand *errand);

#endif
