/*
 * cancel.h - a wish, told from any thread, that work under way should end early.
 *
 * A struct sl_deadline (clock.h) may carry one: whoever waits until a deadline then waits for the wish too, by looking at the
 * deadline between two steps and by adding sl_deadline_fd to what it polls.
 */
#ifndef SL_COMMON_BASE_CANCEL_H
#define SL_COMMON_BASE_CANCEL_H

#include "common/base/error.h"

#include <stdatomic.h>
#include <stdbool.h>

struct sl_cancel {
    atomic_bool told;
    int fd; /* readable once told (eventfd) */
};

/* A wish that nobody has told yet; SL_IO without a file descriptor. Release with sl_cancel_fini. */
enum sl_status sl_cancel_init(struct sl_cancel *c, struct sl_error *e) SL_MUST;
/* Releases it; no deadline that carries it may be looked at any more. */
void sl_cancel_fini(struct sl_cancel *c);
/* Tells the wish; any thread, any number of times. */
void sl_cancel_tell(struct sl_cancel *c);
/* Takes the wish back for all that begins from now on; by who tells it, one at a time. Who has not looked since may miss it. */
void sl_cancel_renew(struct sl_cancel *c);
/* True once told; any thread. */
bool sl_cancel_is_told(const struct sl_cancel *c);

#endif
