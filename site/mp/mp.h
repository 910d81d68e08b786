/*
 * mp.h - the management point role: what clients ask over HTTP (facts sms.md 5.1, 5.3, 5.4).
 *
 *   GET /SMS_MP/.sms_aut?MPLIST          the management points of this site
 *   GET /SMS_MP/.sms_aut?MPLIST1[&CODE]  the same with site codes, of the named site
 *   GET /SMS_MP/.sms_aut?MPCERT          and MPCERT1, MPKEYINFORMATION, SITESIGNCERT: see identity.h
 *   GET /SMS_MP/.sms_pol?{guid}.1_00     the body of a policy
 *   CCM_POST /ccm_system/request         a message; MP_LocationManager answers a ContentLocationRequest and a
 *                                        LocalMPLocationRequest, MP_PolicyManager the RequestAssignments of a client that has
 *                                        registered (S1.10); the endpoints of reports.c take what clients send up
 *
 * Paths and verbs are compared without case. Everything but the identity is answered from the site database, read-only; every
 * field of a message becomes a bound parameter. While the database cannot be read the answer is 500 (S2.14), and it is 200 again
 * when it can: nothing need be restarted. Bodies of policies that were assigned or fetched here are answered all the while, out
 * of the cache (cache.h); assignments are not.
 *
 * Which distribution points (facts 6.3): those of every site whose boundaries hold the client (Local; Remote when only slow ones
 * do); when none of these holds the package, those of the client's assigned site (Fallback); nothing else. In each site those
 * that protect the client alone, else those that are not protected. MasterSiteCode is the site above a secondary one. A
 * LocalMPLocationRequest is answered with these sites, Fallback only when the client is in none.
 *
 * Threads: the handlers run on the threads of the HTTP server; each request borrows a reading connection of its own (pool.h).
 */
#ifndef SL_SITE_MP_MP_H
#define SL_SITE_MP_MP_H

#include "locator/net/locmsg.h"
#include "site/http/web.h"
#include "site/mp/cache.h"
#include "site/mp/identity.h"
#include "site/report/uplink.h"
#include "site/store/pool.h"

struct mp;

/* The routes of the role; their ctx is a struct mp. */
extern const struct web_route mp_routes[];
extern const size_t mp_route_count;

/* The way up, both borrowed; NULL: no reports are taken. */
struct mp_upward {
    struct obx *outbox;
    struct upl *uplink;
};

/*
 * A role that reads through `pool`, which must outlive it. `site` is the site that a plain MPLIST is about, NULL for the only
 * one; `host` names this management point in its messages; `identity` and `cache` (NULL: none) must outlive it.
 */
struct mp *mp_new(struct sst_pool *pool, const char *site, const char *host, struct mp_identity *identity,
                  struct mp_upward upward, struct mp_cache *cache);
/* Checks a network, "10.0.0.0/8" or "2001:db8::/32": SL_USAGE says what is wrong. */
enum sl_status mp_check_network(const char *text, struct sl_error *e) SL_MUST;
/* Lets only clients of these networks have MPLIST and MPLIST1, others are answered 403; none: all. Any thread. */
enum sl_status mp_allow_lists(struct mp *mp, const struct sl_strings *networks, struct sl_error *e) SL_MUST;
/* Reads through another pool from the next request on, which must outlive the role too (S1.05). Any thread. */
void mp_read_at(struct mp *mp, struct sst_pool *pool);
/* Frees it; no request may be running. NULL is accepted. */
void mp_free(struct mp *mp);

#endif
