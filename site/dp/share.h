/*
 * share.h - the files of this host's content library, for the distribution points of other hosts (fetch.h).
 *
 *   GET /sms_site/content/HASH    the file of that SHA-256, whole or in part (Range); 404 when it is not here
 *
 * A file is known by its hash alone: who asks compares it, so it does not matter whom he asks, and nobody finds out what there
 * is.
 * Any thread.
 */
#ifndef SL_SITE_DP_SHARE_H
#define SL_SITE_DP_SHARE_H

#include "site/content/content.h"
#include "site/http/web.h"

#define DP_SHARE_PATH "/sms_site/content/"

/* The one route; its ctx is a struct cnt. */
extern const struct web_route dp_share_routes[];
extern const size_t dp_share_route_count;

#endif
