#include "site/server/private.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int64_t srv_retry_ms(unsigned attempt, struct sl_random *random)
{
    return sl_backoff_ms(attempt, SRV_RETRY_MIN_MS, SRV_RETRY_MAX_MS, random);
}

static void schedule(struct srv *srv)
{
    int64_t first_ms = INT64_MAX;
    for (size_t i = 0; i < srv->retry_count; i++)
        if (srv->retries[i].due_ms > 0 && srv->retries[i].due_ms < first_ms)
            first_ms = srv->retries[i].due_ms;
    int64_t now_ms = sl_clock_mono_ms();
    if (first_ms != INT64_MAX)
        host_timer_start(srv->retry, first_ms > now_ms ? first_ms - now_ms : 0);
    else
        host_timer_stop(srv->retry);
}

static struct srv_retry *retry_of(struct srv *srv, const char *site)
{
    size_t i = 0;
    while (i < srv->retry_count && strcmp(srv->retries[i].site, site) != 0)
        i++;
    if (i == srv->retry_count) {
        srv->retries = sl_resize(srv->retries, ++srv->retry_count, sizeof *srv->retries);
        srv->retries[i] = (struct srv_retry){.attempts = 0};
        (void)sl_text_copy(srv->retries[i].site, sizeof srv->retries[i].site, site);
    }
    return &srv->retries[i];
}

void srv_retry_note(struct srv *srv, const char *site, bool has_failed)
{
    struct srv_retry *r = retry_of(srv, site);
    if (!has_failed) {
        *r = (struct srv_retry){.attempts = 0};
        (void)sl_text_copy(r->site, sizeof r->site, site);
    } else if (r->due_ms == 0) { /* else it waits already: what an administrator tries meanwhile does not put it off */
        int64_t ms = srv_retry_ms(++r->attempts, &srv->random);
        r->due_ms = sl_clock_mono_ms() + ms;
        sl_log(SL_LOG_INFO, "publication-retry", "site=%s attempt=%u in_ms=%" PRId64, site, r->attempts, ms);
    }
    schedule(srv);
}

void srv_retry_due(void *ctx)
{
    struct srv *srv = ctx;
    SL_CHECK_MAGIC(srv, SRV_MAGIC);
    int64_t now_ms = sl_clock_mono_ms();
    for (size_t i = 0; i < srv->retry_count; i++) {
        struct srv_retry *r = &srv->retries[i];
        if (r->due_ms == 0 || r->due_ms > now_ms)
            continue;
        r->due_ms = 0;
        if (srv_publish(srv->publisher, r->site, &(struct pub_order){.mode = PUB_APPLY}, NULL, NULL) != SL_OK)
            srv_retry_note(srv, r->site, true); /* the queue is full */
    }
    schedule(srv);
}
