/*
 * dp.h - the distribution point role. To clients a distribution point is a URL; this role answers under the default one, where
 * the distribution point is known by the Host header (its URL is http://HOST/SMS_DP_SMSPKG$/, over TLS https:):
 *
 *   GET /SMS_DP_SMSPKG$/ID.VERSION/        the files of the package, "HASH  PATH" a line as sha256sum writes and reads it; 204
 *                                          when the package is held here but its files are not in the content library
 *   GET /SMS_DP_SMSPKG$/ID.VERSION/PATH    a file, whole or in part (Range); its entity tag is its SHA-256
 *
 * 404 when the site database does not say that this distribution point holds that version of the package, or that file of it, and
 * for a file that has not come yet, or that somebody has written to since it came; 500 while the database or the library
 * cannot be read. What a client sends is only ever compared with what the database holds: a
 * path that leads elsewhere is a file that is not there.
 *
 * Threads: as mp.h.
 */
#ifndef SL_SITE_DP_DP_H
#define SL_SITE_DP_DP_H

#include "site/content/content.h"
#include "site/dp/fetch.h"
#include "site/http/web.h"
#include "site/store/pool.h"

struct dp;

/*
 * The role on this database pool and this content library (NULL: none), filled by `fetch`, which is told of files that are not as
 * they should be (NULL: by the site server). All must outlive it.
 */
struct dp *dp_new(struct sst_pool *pool, const struct cnt *library, struct dp_fetch *fetch);
/* Frees it; NULL is accepted. */
void dp_free(struct dp *dp);

/* The routes of the role; their ctx is the struct dp. */
extern const struct web_route dp_routes[];
extern const size_t dp_route_count;

#endif
