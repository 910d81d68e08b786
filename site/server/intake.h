/*
 * intake.h - where the site server takes the reports that management points hand over (S1.18, S2.06).
 *
 *   POST /sms_site/intake    a batch (site/model/report.h), with the header Sitelocator-Signature by the key of a management
 *                            point of the site (site/report/uplink.h)
 *   200                      "stored N duplicate N refused N": it is in the site database, on disk
 *   400                      no batch; the text says where. 403: not signed by a management point of the site. 404: no such site
 *   500                      the database cannot be written now: to be sent again
 *
 * A batch is one transaction. A report that cannot be read or is of an unknown client is refused alone, counted and logged; it
 * holds nothing up. Reports are kept for a number of days; what is older goes with the batches that come.
 *
 * Threads: the handler runs on the threads of the HTTP server; one batch is written at a time, over a connection of its own.
 */
#ifndef SL_SITE_SERVER_INTAKE_H
#define SL_SITE_SERVER_INTAKE_H

#include "site/http/web.h"
#include "site/store/pool.h"
#include "site/store/report.h"

struct srv_intake;

/* The one route; its ctx is a struct srv_intake. */
extern const struct web_route srv_intake_routes[];
extern const size_t srv_intake_route_count;

/* What was taken since the start. */
struct srv_intake_stats {
    uint64_t taken[SST_TAKEN_COUNT];
};

/*
 * Takes reports for the database of `pool`, of `site` only (NULL: of all in it), both borrowed, and keeps them for `days`. Opens
 * nothing yet.
 */
struct srv_intake *srv_intake_new(struct sst_pool *pool, const char *site, int64_t days);
/* Another number of days, from the next batch on; any thread. */
void srv_intake_set_days(struct srv_intake *intake, int64_t days);
void srv_intake_free(struct srv_intake *intake); /* NULL is accepted; no request may be running */
/* How much was taken; any thread, and never waits. */
struct srv_intake_stats srv_intake_stats(struct srv_intake *intake);

#endif
