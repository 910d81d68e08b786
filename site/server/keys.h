/*
 * keys.h - the key files of a site server, and the certificates made with them (X13; locator/net/proof.h).
 *
 *   STATE-<code>.key     the trusted root key of a site, made by `sitectl init`, else by the site server when it starts. It never
 *                        enters the database, which management points read.
 *   STATE-mp.key         the key of every management point that runs on this machine; made by whoever of them or the
 *                        site server comes first. Those of other machines send the public half of theirs (site/mp/claim.h)
 *
 * STATE is that of sst_state. Both are private keys in PEM, mode 0600; a file that others may read is refused. The file is the
 * truth: when it was replaced, the certificates in the database are issued anew.
 */
#ifndef SL_SITE_SERVER_KEYS_H
#define SL_SITE_SERVER_KEYS_H

#include "locator/net/proof.h"
#include "site/store/store.h"

enum {
    SRV_CERTIFICATE_DAYS = 365,
    SRV_ROOT_DAYS = 99 * 365, /* of the root key's own certificate, as the product's (facts 8) */
    SRV_SKEW_S = 3600,        /* certificates are valid from so long ago, for clients whose clock is behind */
};

/* Reads the key of the management points of a database; makes it when it is not there. Freed by proof_key_free. */
enum sl_status srv_keys_mp(const char *state, struct proof_key **ret_key, struct sl_error *e) SL_MUST;
/*
 * Makes the root key of a site unless it is there, and issues what is wanting, for every key that a management point has sent,
 * else for ours: certificates that are absent, of another key or host, or of whose time less than a third is left at `now_s`.
 * Changes the database only when there is something to change.
 */
enum sl_status srv_keys_certify(struct sst *store, const char *state, const char *site, int64_t days, int64_t now_s,
                                struct sl_error *e) SL_MUST;
/* Reads the root key of a site; SL_CONFLICT when there is none. Freed by proof_key_free. */
enum sl_status srv_keys_root(const char *state, const char *site, struct proof_key **ret_key, struct sl_error *e) SL_MUST;
/* Puts a new root key in the place of the old one, which is gone for good. srv_keys_certify does the rest. */
enum sl_status srv_keys_replace(const char *state, const char *site, struct sl_error *e) SL_MUST;

#endif
