/*
 * teller.h - what site servers of a hierarchy say to each other is signed by the trusted root key of the site that says it, and
 * taken from neighbours alone (exchange.h, flow.h). Inside site/server.
 */
#ifndef SL_SITE_SERVER_TELLER_H
#define SL_SITE_SERVER_TELLER_H

#include "common/base/cancel.h"
#include "locator/net/httpc.h"
#include "locator/net/proof.h"
#include "site/report/uplink.h"
#include "site/store/neighbour.h"

/* The HTTP status of a failure; 200 of none. */
unsigned srv_refusal_of(enum sl_status status);
/*
 * SL_DENIED unless `text` is signed by the key that is pinned for a neighbour: for that of this code, NULL for any. Sites of a
 * hierarchy may share a root key. Any thread, with a store of its own.
 */
enum sl_status srv_check_teller(struct sst *store, const char *code, const char *text, size_t len, const char *signature,
                                struct sl_error *e) SL_MUST;
/*
 * Asks a site server at "URL PATH?CODE" with a signed text, in 10 s at most, or until `stop`. What is not answered with 200 is
 * SL_UNREACHABLE and says what was. The caller owns the reply, whose header is the signature of its body.
 */
enum sl_status srv_ask_neighbour(const struct sst_neighbour *neighbour, const char *path, const struct sl_text *text,
                                 const char *signature, struct sl_cancel *stop, struct httpc_reply *ret_reply,
                                 struct sl_error *e) SL_MUST;

#endif
