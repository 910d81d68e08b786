/*
 * clock.h - the two clocks and deadlines.
 *
 * Pure code takes `now` as a parameter; only main loops read a clock. Lease times are seconds of real time (they survive
 * a restart); time-outs are milliseconds of monotonic time (they survive a clock that jumps).
 */
#ifndef SL_COMMON_BASE_CLOCK_H
#define SL_COMMON_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds of a clock that never jumps; only differences mean anything. */
int64_t sl_clock_mono_ms(void);
/* Microseconds of the same clock, for traces. */
int64_t sl_clock_mono_us(void);
/* Seconds since the epoch. */
int64_t sl_clock_real_s(void);

struct sl_cancel;

/* A deadline in monotonic milliseconds; it also passes when the wish to cancel is told, if it carries one. */
struct sl_deadline {
    int64_t at_ms;
    const struct sl_cancel *cancel; /* cancel.h; NULL: none. Must outlive the deadline */
};

/* The deadline that is `timeout_ms` from now. */
struct sl_deadline sl_deadline_in(int64_t timeout_ms);
/* The earlier of two deadlines, with the wish to cancel of the first that carries one. */
struct sl_deadline sl_deadline_min(struct sl_deadline a, struct sl_deadline b);
/* Milliseconds left, 0 when it has passed; fits the timeout of poll(2). */
int sl_deadline_left_ms(struct sl_deadline d);
/* True when it has passed. */
bool sl_deadline_passed(struct sl_deadline d);
/* True when the wish to cancel it was told. */
bool sl_deadline_canceled(struct sl_deadline d);
/* What to poll for POLLIN beside the work, so that a wish to cancel is heard at once; -1, which poll(2) passes over, for none. */
int sl_deadline_fd(struct sl_deadline d);

#endif
