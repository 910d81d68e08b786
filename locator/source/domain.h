/*
 * domain.h - the directory of a domain, for who keeps a connection to it.
 */
#ifndef SL_LOCATOR_SOURCE_DOMAIN_H
#define SL_LOCATOR_SOURCE_DOMAIN_H

#include "locator/net/ldapc.h"
#include "locator/source/source.h"

/*
 * Finds the servers of "ldap:DOMAIN", the closest first, and connects to the first that can be had, as the source of that name
 * does. The handle is the caller's (ldapc_free). SL_USAGE: no such form; SL_DENIED; SL_UNREACHABLE: also when the DNS names none.
 */
enum sl_status src_domain_connect(const char *uri, const struct src_config *config, struct sl_deadline deadline,
                                  struct ldapc **ret_dir, struct sl_error *e) SL_MUST;

#endif
