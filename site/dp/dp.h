/*
 * dp.h - the distribution point role. To clients a distribution point is a URL; this role answers under the default one,
 *
 *   GET /SMS_DP_SMSPKG$/ID.VERSION/   204 when the site database says that the distribution point of this URL holds
 *                                     that version of the package, else 404; 500 while the database cannot be read
 *
 * so that an administrator, and a client that chooses, can tell a live distribution point from a dead one. The distribution
 * point is known by the Host header: its URL is http://HOST/SMS_DP_SMSPKG$/. Handing out the content itself is not part of it.
 *
 * Threads: as mp.h.
 */
#ifndef SL_SITE_DP_DP_H
#define SL_SITE_DP_DP_H

#include "site/http/web.h"
#include "site/store/pool.h"

/* The routes of the role; their ctx is the struct sst_pool it reads through. */
extern const struct web_route dp_routes[];
extern const size_t dp_route_count;

#endif
