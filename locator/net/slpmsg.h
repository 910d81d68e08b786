/*
 * slpmsg.h - what a server locator point is asked, and its answer, as plain structs.
 *
 * The product's bytes are published nowhere, so the form is ours (Q5), kept close to the message shapes of the SDK:
 *
 *     GET /SMS_SLP/slp.dll?site&sc=PS1                              the default management point of a site
 *     GET /SMS_SLP/slp.dll?site&ip=10.1.2.3/24&ip=...&ad=Berlin     the site of a client there ("/LEN" when its mask is known)
 *
 *     <SLPReply SchemaVersion="1.0">
 *       <Site SiteCode="PS1" AssignmentSiteCode="PS1" AssignedBy="subnet">
 *         <MP Name="mp1.example.org" Address="10.0.0.11" Port="80" Version="6487" Forest="example.org"/>
 *         <CAP Name="cap1.example.org"/>
 *       </Site>
 *     </SLPReply>
 *
 * No Site: no such site, or none that holds the client. No MP: the site has no default management point. CAP: a client access
 * point of the site, for legacy clients (S1.09), any number. AssignedBy is one of
 * "site-code", "ad-site", "subnet", "range"; a reader that meets several sites takes the first. MP/@SSLState is 1 when its port
 * speaks TLS, and absent for HTTP. Attributes but SiteCode and Name may be absent, what is not known is passed over. Everything
 * read is hostile: text longer than its field, a code, a number, a host or an address that is none are SL_MALFORMED. Pure, any
 * thread.
 */
#ifndef SL_LOCATOR_NET_SLPMSG_H
#define SL_LOCATOR_NET_SLPMSG_H

#include "common/base/error.h"
#include "common/base/text.h"
#include "locator/model/boundary.h"
#include "locator/model/mp.h"

#include <stdbool.h>
#include <stddef.h>

enum { LOC_SLP_CAPS_MAX = 32 };

#define LOC_SLP_PATH "/SMS_SLP/slp.dll"

struct loc_slp_reply {
    size_t sites;                  /* how many were named */
    char site[LM_CODE_SIZE];       /* the first */
    char assignment[LM_CODE_SIZE]; /* where its clients are assigned: `site` when absent */
    char assigned_by[16];          /* "" when absent */
    bool has_mp;
    struct lm_mp mp;               /* its default management point */
    size_t cap_count;
    char caps[LOC_SLP_CAPS_MAX][LM_NAME_MAX]; /* its client access points */
};

/* Appends the query, "?site&sc=PS1": the site's code, or, when it is "", where the client is. A failure is sticky in `out`. */
void loc_slp_query(const char *site, const struct lm_client *client, struct sl_text *out);
/* Reads an answer. */
enum sl_status loc_slp_reply_read(const char *xml, size_t len, struct loc_slp_reply *ret_reply, struct sl_error *e) SL_MUST;
/* Writes an answer: of each reply its one site. A failure is sticky in `out`. */
void loc_slp_reply_write(const struct loc_slp_reply *replies, size_t count, struct sl_text *out);

#endif
