/*
 * reach.h - an HTTP request to a management point: at which address.
 */
#ifndef SL_LOCATOR_RESOLVE_REACH_H
#define SL_LOCATOR_RESOLVE_REACH_H

#include "locator/model/mp.h"
#include "locator/net/httpc.h"

/*
 * Sends `request` (its connect_to is set here) to the address that an override gives (`forced`, NULL for none), else to the one
 * that was found with the management point (Q2: a hint), else, when nothing answered there, to what its name is looked up to.
 */
enum sl_status resolve_reach(const struct lm_mp *mp, const char *forced, struct httpc_request *request,
                             struct sl_deadline deadline, struct httpc_reply *ret_reply, struct sl_error *e) SL_MUST;

#endif
