#include "common/base/clock.h"

#include "common/base/cancel.h"

#include <limits.h>
#include <time.h>

int64_t sl_clock_mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t sl_clock_mono_ms(void)
{
    return sl_clock_mono_us() / 1000;
}

int64_t sl_clock_real_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec;
}

struct sl_deadline sl_deadline_in(int64_t timeout_ms)
{
    return (struct sl_deadline){.at_ms = sl_clock_mono_ms() + timeout_ms};
}

struct sl_deadline sl_deadline_min(struct sl_deadline a, struct sl_deadline b)
{
    struct sl_deadline earlier = a.at_ms < b.at_ms ? a : b;
    earlier.cancel = a.cancel ? a.cancel : b.cancel;
    return earlier;
}

int sl_deadline_left_ms(struct sl_deadline d)
{
    int64_t left = d.at_ms - sl_clock_mono_ms();
    if (left < 0 || sl_deadline_canceled(d))
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

bool sl_deadline_passed(struct sl_deadline d)
{
    return sl_deadline_left_ms(d) == 0;
}

bool sl_deadline_canceled(struct sl_deadline d)
{
    return d.cancel && sl_cancel_is_told(d.cancel);
}

int sl_deadline_fd(struct sl_deadline d)
{
    return d.cancel ? d.cancel->fd : -1;
}
