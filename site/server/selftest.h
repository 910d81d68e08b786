/*
 * selftest.h - the site server asks each management point of its sites for MPLIST and MPCERT now and then, and raises an alarm
 * when one falls silent (S1.03, facts sms.md 9): `mp-not-answering` in the log, once, and 0 in the metrics, and `mp-answering`
 * when it is back. It changes nothing: another management point is designated by hand only (S1.24). Inside site/server.
 *
 * The questions are asked on a thread of their own, one management point after the other, CHK_MP_MS each; everything else but the
 * metrics belongs to the loop's thread.
 */
#ifndef SL_SITE_SERVER_SELFTEST_H
#define SL_SITE_SERVER_SELFTEST_H

#include "common/base/text.h"
#include "common/host/loop.h"
#include "site/server/check.h"

#include <stdint.h>

struct srv_selftest;

enum { SRV_SELFTEST_MS = 300 * 1000 }; /* Q10 */

/* Begins to ask at this interval, with the credentials of `trust`, which are borrowed. SL_IO. */
enum sl_status srv_selftest_new(struct host_loop *loop, int64_t interval_ms, const struct srv_chk_trust *trust,
                                struct srv_selftest **ret_test, struct sl_error *e) SL_MUST;
/* Another interval, from now on. */
void srv_selftest_set_interval(struct srv_selftest *test, int64_t interval_ms);
/* Which sites there are now; management points that have come or changed are asked soon. */
void srv_selftest_set_sites(struct srv_selftest *test, const struct sm_snapshot *const *sites, size_t count);
/* Appends sited_mp_answering for each management point that was asked, in the text format of Prometheus; any thread. */
void srv_selftest_metrics(struct srv_selftest *test, struct sl_text *out);
/* Ends what is asked, and frees; NULL is accepted. */
void srv_selftest_free(struct srv_selftest *test);

#endif
