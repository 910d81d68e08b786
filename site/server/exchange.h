/*
 * exchange.h - how site servers of a hierarchy with databases of their own tell each other their sites, so that clients that roam
 * into the boundaries of another one find its management point (facts sms.md 6.3).
 *
 *   POST <url>/sms_site/site?CODE   the description of the asker's site (describe.h), for site CODE there
 *   Sitelocator-Signature           of the request and of the answer: by the trusted root key of the site that is described
 *   200                             what was told is kept; the description of CODE
 *   400                             it cannot be read; the text says where
 *   403                             the asker is no neighbour (sst_add_neighbour), or not signed by the key that is pinned for it
 *   404                             no such site here. 409: something newer is known, it is dated more than an hour ahead of the
 *                                   clock here, or its place in the hierarchy is impossible
 *   500                             the database cannot be written now
 *
 * So one question tells both sides. What is older than what is known is refused, so that nobody who has recorded one can bring it
 * back. Every neighbour is told of every site of ours when anything has changed, and now and then; what fails is logged once.
 *
 * Threads: questions are asked on a thread of their own and answered on those of the HTTP server; the functions belong to the
 * loop's thread.
 */
#ifndef SL_SITE_SERVER_EXCHANGE_H
#define SL_SITE_SERVER_EXCHANGE_H

#include "common/host/loop.h"
#include "site/http/web.h"
#include "site/store/pool.h"

#define SRV_EXCHANGE_PATH "/sms_site/site"

struct srv_exchange;

/* The routes, that of flow.h too; their ctx is a struct srv_exchange. */
extern const struct web_route srv_exchange_routes[];
extern const size_t srv_exchange_route_count;

/* Borrowed, all of it. */
struct srv_exchange_options {
    const char *state;     /* sst_state: where the root keys are */
    const char *site;      /* the one that is told of, NULL for all in the database */
    struct sst_pool *pool; /* of the database */
    int64_t interval_ms;
};

/* Begins to tell at the interval. SL_IO. */
enum sl_status srv_exchange_new(struct host_loop *loop, const struct srv_exchange_options *options,
                                struct srv_exchange **ret_exchange, struct sl_error *e) SL_MUST;
/* Gives files that no package may have any more to `drop`, into whose hands they pass; on the loop's thread. NULL: nobody. */
void srv_exchange_set_drop(struct srv_exchange *exchange, void (*drop)(void *ctx, struct sm_manifest *files), void *ctx);
/* Another interval, from now on. */
void srv_exchange_set_interval(struct srv_exchange *exchange, int64_t interval_ms);
/* Something has changed: tells it soon. */
void srv_exchange_poke(struct srv_exchange *exchange);
/* Ends what is asked, and frees; no request may be running. NULL is accepted. */
void srv_exchange_free(struct srv_exchange *exchange);

#endif
