/*
 * own.h - the addresses of this host with their masks: where the client is, when the caller does not say.
 */
#ifndef SL_LOCATOR_NET_OWN_H
#define SL_LOCATOR_NET_OWN_H

#include "locator/model/boundary.h"

/*
 * The addresses of the interfaces that are up, at most LM_CLIENT_ADDRESSES_MAX, as `peer` may see them: link-local ones are
 * left out, and loopback ones unless `peer` (numeric text, or NULL) is itself on the loopback. Returns their number; 0 also when
 * the system does not tell.
 */
size_t loc_own_addresses(const char *peer, struct lm_address out[LM_CLIENT_ADDRESSES_MAX]);

#endif
