/*
 * identity.h - who a management point is to its clients (X13): the key of this machine's management points and the certificates
 * that the site server has issued for it, kept in memory so that they are told while the database is away (facts 5.1).
 *
 *   GET /SMS_MP/.sms_aut?MPCERT            the certificate in hexadecimal; with the header Sitelocator-Nonce also the proof, in
 *                                          the header Sitelocator-Proof (locator/net/proof.h)
 *   GET /SMS_MP/.sms_aut?MPKEYINFORMATION  the public keys of the management point and of the site
 *   GET /SMS_MP/.sms_aut?SITESIGNCERT      the certificate of the trusted root key
 *
 * One machine may be several management points: of those of the site that the nonce header names the one that the Host header
 * names answers, by host name or address; where that is none, the first, and the client will see that it is another. Nobody is
 * answered as a host that has no certificate for our key.
 *
 * Threads: mp_identity_set and the serving functions may be called from any.
 */
#ifndef SL_SITE_MP_IDENTITY_H
#define SL_SITE_MP_IDENTITY_H

#include "locator/net/proof.h"
#include "site/http/web.h"
#include "site/model/site.h"

struct mp_identity;

/*
 * Takes the key; NULL: this machine has none and can prove nothing. `path` (NULL: none) is a file that keeps the certificates,
 * which are public, so that they are told after a start without the database too; one that cannot be read is as none. Freed by
 * mp_identity_free.
 */
struct mp_identity *mp_identity_new(struct proof_key *key, const char *path);
void mp_identity_free(struct mp_identity *id); /* NULL is accepted */
/* The key, borrowed; NULL without one. */
const struct proof_key *mp_identity_key(const struct mp_identity *id);
/* The certificate of a management point that is for our key, borrowed from it; NULL when there is none. */
const char *mp_identity_certificate(const struct mp_identity *id, const struct sm_mp *mp);
/* Takes what certificates these sites hold for our key, instead of those before. */
void mp_identity_set(struct mp_identity *id, const struct sm_snapshot *const *sites, size_t count);

/* The answers to the three verbs. */
void mp_serve_certificate(struct mp_identity *id, const struct web_request *request, struct web_response *response);
void mp_serve_keys(struct mp_identity *id, const struct web_request *request, struct web_response *response);      /* as above */
void mp_serve_root(struct mp_identity *id, const struct web_request *request, struct web_response *response);      /* as above */

#endif
