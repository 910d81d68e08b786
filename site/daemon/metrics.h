/*
 * metrics.h - what sited tells a collector of metrics; inside daemon/ only.
 */
#ifndef SL_SITE_DAEMON_METRICS_H
#define SL_SITE_DAEMON_METRICS_H

#include "site/dp/fetch.h"
#include "site/dp/verify.h"
#include "site/http/web.h"
#include "site/nbname/nbname.h"
#include "site/server/server.h"

enum { SITED_PAGE_MAX = 256 << 10 };

/* Writes the page in the text format of Prometheus. `web` and `names` may be NULL. Any thread; waits as srv_metrics does. */
void sited_metrics(struct srv *srv, const struct web *web, struct nbn *names, struct sl_text *out);
/* Writes what a distribution point that fetches, or the site server, has fetched, compared and found wanting. */
void sited_content_metrics(const struct dp_fetch *fetch, const struct dp_verify *verify, struct sl_text *out);

#endif
