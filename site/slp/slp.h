/*
 * slp.h - the server locator point role: tells a client the site that it is in, the default management point of a site, and the
 * client access points for legacy clients (S1.09). It answers for every site of its database, which is why a hierarchy has
 * one, at the central site (facts 5.2). Question and answer have the form of locator/net/slpmsg.h:
 *
 *   GET PATH?site&sc=LAB                      one site by its code, in either case
 *   GET PATH?site&ip=10.1.2.3/24&ad=Berlin    the sites whose boundaries hold the client, the surest first
 *
 * No site found is an answer without one. 400 for a question that asks for nothing, 500 while the database cannot be read.
 *
 * Threads: the handler may run on any number of them.
 */
#ifndef SL_SITE_SLP_SLP_H
#define SL_SITE_SLP_SLP_H

#include "site/http/web.h"
#include "site/store/pool.h"

struct slp;

enum { SLP_PLACES_MAX = 16, SLP_SITES_MAX = 16 }; /* addresses of a question, sites of an answer */

/* The role on this pool, which must outlive it, under this path. */
struct slp *slp_new(struct sst_pool *pool, const char *path);
/* Frees it; NULL is accepted. */
void slp_free(struct slp *slp);
/* The one route of the role; lives as long as it. Its ctx is the struct slp. */
const struct web_route *slp_route(const struct slp *slp);

#endif
