/*
 * uplink.h - the way from a management point's outbox to the site server (S1.01, S1.18, S2.06): one thread that hands over batch
 * after batch, oldest first, over the site server's HTTP.
 *
 *   POST <url>/sms_site/intake    a batch (model/report.h)
 *   Sitelocator-Signature         of the request: by the key of the management point, over the octets of the body (proof.h)
 *   200                           the batch is in the site database, on disk; only then is it taken out of the outbox
 *
 * So each report arrives at least once and in the order in which it came; a batch whose answer was lost is sent again, and the
 * site server leaves out the reports that it has. What fails is tried again with a back-off, of which half is left to chance.
 */
#ifndef SL_SITE_REPORT_UPLINK_H
#define SL_SITE_REPORT_UPLINK_H

#include "locator/net/proof.h"
#include "site/report/outbox.h"

#define UPL_PATH "/sms_site/intake"
#define UPL_SIGNATURE "Sitelocator-Signature"

enum {
    UPL_TIMEOUT_MS = 30000, /* of one batch */
    UPL_RETRY_MIN_MS = 500,
    UPL_RETRY_MAX_MS = 60000,
};

struct upl;

struct upl_options {
    struct obx *outbox;          /* must outlive it */
    const struct proof_key *key; /* likewise; NULL: nothing can be handed over, which is logged */
    const char *url;             /* "http://HOST[:PORT]" of the site server; NULL: that of the site, port 80 */
};

/* Starts the thread. SL_IO. */
enum sl_status upl_new(const struct upl_options *options, struct upl **ret_uplink, struct sl_error *e) SL_MUST;
/* Ends what it does, at once, and frees; NULL is accepted. */
void upl_free(struct upl *uplink);
/* Tells where the site servers are; any thread. */
void upl_set_sites(struct upl *uplink, const struct sm_snapshot *const *sites, size_t count);
/* Something was put into the outbox; any thread. */
void upl_wake(struct upl *uplink);

#endif
