/*
 * describe.h - a site as it is told to the other site servers of its hierarchy (exchange.h). Inside site/server.
 *
 *   sitelocator site 1
 *   <SiteDescription SchemaVersion="1.0" Made="1795338000" Packages="42">
 *     <Site Code="CHD" Kind="primary" Parent="PAR" Domain="child.example.org" Forest="example.org"
 *           Server="srv.child.example.org"/>
 *     <MP Host="mp1.child.example.org" Address="192.0.2.20" Port="80" HTTPS="0" NLB="0" Default="1"/>
 *     <Boundary Kind="subnet" Value="10.2.0.0/16" Slow="0"/>
 *     <DP Host="dp1.child.example.org" URL="http://dp1.child.example.org/SMS_DP_SMSPKG$/"/>
 *     <Protected DP="dp1.child.example.org" Kind="subnet" Value="10.2.0.0/16"/>
 *   </SiteDescription>
 *
 * Made is its time, in seconds since 1970; Packages the number of the last change of its packages (site/store/flow.h), for which
 * sites below it ask then (flow.h). Parent may be empty. What is read is hostile: it passes the checks that an
 * administrator's values pass, else SL_MALFORMED names the element. Pure, any thread.
 */
#ifndef SL_SITE_SERVER_DESCRIBE_H
#define SL_SITE_SERVER_DESCRIBE_H

#include "common/base/text.h"
#include "site/model/site.h"

#define SRV_DESCRIPTION "SiteDescription"

enum { SRV_DESCRIPTION_MAX = 1000 * 1000, SRV_DESCRIBED_MPS_MAX = 1000 };

/* Appends the description of a site; a failure is sticky in `out`. */
void srv_describe(const struct sm_snapshot *site, int64_t made_s, struct sl_text *out);
/* Reads one; the snapshot holds nothing else. Freed by sm_snapshot_free. */
enum sl_status srv_description_read(const char *text, size_t len, struct sm_snapshot **ret_site, int64_t *ret_made_s,
                                    struct sl_error *e) SL_MUST;

#endif
