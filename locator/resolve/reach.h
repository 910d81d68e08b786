/*
 * reach.h - an HTTP request to a management point: over which protocol, to which address and port, with which certificates.
 */
#ifndef SL_LOCATOR_RESOLVE_REACH_H
#define SL_LOCATOR_RESOLVE_REACH_H

#include "locator/model/mp.h"
#include "locator/net/httpc.h"
#include "locator/source/source.h"

/* The URL of `path` at a management point (lm_mp_is_https, lm_mp_port); false when its name is no host name. */
bool resolve_url(const struct src_config *config, const struct lm_mp *mp, const char *path, char *out, size_t size);
/*
 * Sends `request`, whose connect_to and certificates are set here, to the address that an override gives, else to the one that
 * was found with the management point (Q2: a hint), else, when nothing answered there, to what its name is looked up to. When
 * that gives no address the failure is that of the first attempt.
 */
enum sl_status resolve_reach(const struct src_config *config, const struct lm_mp *mp, struct httpc_request *request,
                             struct sl_deadline deadline, struct httpc_reply *ret_reply, struct sl_error *e) SL_MUST;

#endif
