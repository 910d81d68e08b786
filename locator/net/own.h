/*
 * own.h - the addresses of this host with their masks: where the client is, when the caller does not say.
 */
#ifndef SL_LOCATOR_NET_OWN_H
#define SL_LOCATOR_NET_OWN_H

#include "locator/model/boundary.h"

/*
 * The addresses of the interfaces that are up, loopback and link-local ones left out; at most LM_CLIENT_ADDRESSES_MAX. Returns
 * their number; 0 also when the system does not tell.
 */
size_t loc_own_addresses(struct lm_address out[LM_CLIENT_ADDRESSES_MAX]);

#endif
