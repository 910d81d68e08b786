/*
 * flow.h - packages flow down: a site server asks those above it, that have databases of their own, which packages they have
 * (facts sms.md 6.3; site/store/flow.h), so that the management points below it tell clients where they lie. Inside site/server.
 *
 *   POST <url>/sms_site/packages?CODE   what is wanted (page.h), of site CODE
 *   Sitelocator-Signature               of the question by the root key of who asks, of the answer by that of CODE
 *   200                                 a page
 *   400, 403, 404, 500                  as exchange.h; 403 also when who asks does not lie below CODE
 *   409                                 the question is more than an hour off the clock here
 *
 *   GET <url>/sms_site/files/HASH?N     the files over which there is this hash from number N on (page.h), 0 the first; nothing
 *                                       behind the last one, 404 where there are none. A hash that was signed needs no other
 *                                       signature; the files themselves are had by theirs (site/dp/share.h)
 *
 * It asks when a description (describe.h) says that something has changed since, for that alone, until the last page.
 */
#ifndef SL_SITE_SERVER_FLOW_H
#define SL_SITE_SERVER_FLOW_H

#include "common/base/cancel.h"
#include "site/server/exchange.h"
#include "site/store/neighbour.h"

#define SRV_FLOW_PATH "/sms_site/packages"
#define SRV_FILES_PATH "/sms_site/files/"

enum { SRV_PAGES_MAX = 4096, SRV_ASKED_WITHIN_S = 3600, SRV_FILES_MS = 60000 };

/* Answers a question, into the body and the header of the response. Any thread. */
enum sl_status srv_flow_answer(const struct srv_exchange_options *options, const struct web_request *request,
                               struct web_response *response, struct sl_error *e) SL_MUST;
/* Answers with the files over which there is a hash. Any thread. */
enum sl_status srv_flow_files(const struct srv_exchange_options *options, const struct web_request *request,
                              struct web_response *response, struct sl_error *e) SL_MUST;
/* Forgets the packages that are known of a neighbour which lies above none of the sites `ours` any more. */
enum sl_status srv_flow_forget(const struct srv_exchange_options *options, const struct sst_neighbour *neighbour,
                               const struct sl_strings *ours, struct sl_error *e) SL_MUST;
/*
 * Learns the packages of a neighbour above one of the sites `ours` when it says that it has others than are known. Blocks; ends
 * early, failing, when `stop` is told.
 */
enum sl_status srv_flow_pull(const struct srv_exchange_options *options, const char *neighbour, const struct sl_strings *ours,
                             struct sl_cancel *stop, struct sl_error *e) SL_MUST;

/*
 * Learns which files the packages of a neighbour have that are laid here; others fetch these then (site/dp/fetch.h). Files that
 * none of them has any more are appended to *dropped. What fails with one holds up no other. Blocks as srv_flow_pull does.
 */
enum sl_status srv_flow_arrive(const struct srv_exchange_options *options, const char *neighbour, struct sl_cancel *stop,
                               struct sm_manifest *dropped, struct sl_error *e) SL_MUST;

#endif
