/*
 * verify.h - a distribution point that fetches compares what it has with its hashes: on start, at an interval, and when the site
 * server asks (store/fetch.h). The site server does so for those that share its content library; there nobody asks.
 *
 * A file that is damaged is removed at once (put aside in the library that others share), so that nobody is served it, the
 * package counts as fetching again and is named no more, and `on_lost` is told. What is not asked for is read at no more than a
 * number of octets a second, and gives way to what is asked for; that is read as fast as it comes.
 *
 * A thread of its own, which looks for questions every DP_VERIFY_LOOK_MS.
 */
#ifndef SL_SITE_DP_VERIFY_H
#define SL_SITE_DP_VERIFY_H

#include "site/content/content.h"
#include "site/store/fetch.h"
#include "site/store/pool.h"

enum {
    DP_VERIFY_LOOK_MS = 1000,
    DP_VERIFY_RETRY_MAX_MS = 10000,
};

struct dp_verify;

/* All borrowed, for its whole life. */
struct dp_verify_options {
    struct sst_pool *pool;      /* as dp_fetch_options */
    const char *dp;
    struct cnt *library;
    void (*on_lost)(void *ctx); /* a file was lost; called on its thread */
    void *ctx;
};

/* When, and how fast. */
struct dp_verify_times {
    int64_t interval_ms;    /* from the end of one pass to the next */
    int64_t octets_per_s;
};

/* Since the start. */
struct dp_verify_stats {
    uint64_t octets;           /* read */
    uint64_t damaged, missing; /* files */
    int64_t passed_s;          /* when all was last compared, real time; 0: not yet */
};

/* Starts the thread. SL_IO. */
enum sl_status dp_verify_new(const struct dp_verify_options *options, const struct dp_verify_times *times,
                             struct dp_verify **ret_verify, struct sl_error *e) SL_MUST;
/* Other times, from now on; any thread. */
void dp_verify_set_times(struct dp_verify *verify, const struct dp_verify_times *times);
/* Any thread. */
struct dp_verify_stats dp_verify_stats(const struct dp_verify *verify);
/* Breaks off what it does and frees; NULL is accepted. */
void dp_verify_free(struct dp_verify *verify);

#endif
