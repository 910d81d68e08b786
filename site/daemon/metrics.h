/*
 * metrics.h - what sited tells a collector of metrics; inside daemon/ only.
 */
#ifndef SL_SITE_DAEMON_METRICS_H
#define SL_SITE_DAEMON_METRICS_H

#include "site/http/web.h"
#include "site/nbname/nbname.h"
#include "site/server/server.h"

enum { SITED_PAGE_MAX = 256 << 10 };

/* Writes the page in the text format of Prometheus. `web` and `names` may be NULL. On the loop's thread. */
void sited_metrics(const struct srv *srv, const struct web *web, const struct nbn *names, struct sl_text *out);

#endif
