/*
 * fetch.h - a distribution point on a host of its own brings the packages that lie on it into its content library (S2.09), and
 * the site server brings into its own, which the others share, what came down from another site (store/flow.h) or was lost.
 *
 * Every file is fetched by its hash (share.h), in pieces, first from the site server, then from other distribution points that
 * have it, then from the site that the package came from. Where it broke off it goes on, after a restart too. A file is in the
 * library when its SHA-256 is right, and the package is announced (store/fetch.h) when every file of it is. Files that were there
 * before are read and compared before that, but for those whose seal is whole (content.h). All are looked for once a start, and
 * whenever one is found wanting.
 *
 * The library of the site server may hold the only copy of a file: what is damaged there is put aside, and nothing is removed.
 *
 * A thread of its own, in which up to DP_FETCH_THREADS files of a package come side by side. What failed is tried again with a
 * back-off; one package holds up no other. Files of packages that are gone are removed. While a package comes it is written down
 * every DP_FETCH_TELL_MS how much of it is here.
 */
#ifndef SL_SITE_DP_FETCH_H
#define SL_SITE_DP_FETCH_H

#include "site/content/content.h"
#include "site/store/fetch.h"
#include "site/store/pool.h"

enum {
    DP_FETCH_THREADS = 4,
    DP_FETCH_PIECE = 4 << 20, /* octets in one exchange */
    DP_FETCH_PIECE_MS = 60000,
    DP_FETCH_SOURCES_MAX = 8,
    DP_FETCH_TELL_MS = 1000,
    DP_FETCH_RETRY_MIN_MS = 500,
    DP_FETCH_RETRY_MAX_MS = 300000,
};

struct dp_fetch;

/* All borrowed, for its whole life. */
struct dp_fetch_options {
    struct sst_pool *pool; /* of the site database, in which it is written down what has come */
    const char *dp;      /* host name of the distribution point, or SST_SHARED */
    const char *server;  /* "http://HOST[:PORT]" of the site server; NULL: that of the site, port 80. Not for SST_SHARED */
    struct cnt *library; /* open for writing */
};

/* Starts the thread. SL_IO. */
enum sl_status dp_fetch_new(const struct dp_fetch_options *options, struct dp_fetch **ret_fetch, struct sl_error *e) SL_MUST;
/* The site was changed; any thread. */
void dp_fetch_wake(struct dp_fetch *fetch);
/* A file that should be here is not, or its seal is broken: looks for all of them again; any thread. */
void dp_fetch_look(struct dp_fetch *fetch);
/* Since the start. */
struct dp_fetch_stats {
    uint64_t octets;           /* that have come */
    uint64_t damaged, missing; /* files of what had been announced, without those that verify.h has found */
};
/* Any thread. */
struct dp_fetch_stats dp_fetch_stats(const struct dp_fetch *fetch);
/* Breaks off what it does and frees; NULL is accepted. */
void dp_fetch_free(struct dp_fetch *fetch);

#endif
