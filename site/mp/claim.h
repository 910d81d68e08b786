/*
 * claim.h - a management point on a host of its own sends the site server the public half of its key: a row of the site database,
 * to which the site server adds the certificate (site/server/keys.h). The private half never leaves its host.
 *
 * A host sends its key for the management points whose address is its own, and for the clusters that these are members of, as
 * long as there is no certificate for it. Once another host has put its key in the place of ours it stays there until this
 * process starts anew or the management point is added anew: two hosts that both think they are one do not quarrel.
 *
 * It is sent from a thread of its own, and again with a back-off while it cannot be.
 */
#ifndef SL_SITE_MP_CLAIM_H
#define SL_SITE_MP_CLAIM_H

#include "site/mp/identity.h"
#include "site/store/pool.h"

struct mp_claims;

struct mp_claims_options {
    struct sst_pool *pool;            /* borrowed, as all of it; opened for writing only when there is something to send */
    const struct mp_identity *identity;
    bool (*is_our_address)(const char *address, void *ctx);
    void *ctx;
};

/* Sends nothing yet. SL_IO. Freed by mp_claims_free. */
enum sl_status mp_claims_new(const struct mp_claims_options *options, struct mp_claims **ret_claims, struct sl_error *e) SL_MUST;
void mp_claims_free(struct mp_claims *claims); /* NULL is accepted */
/* Has sent what these sites lack, instead of what the sites before lacked. Any thread. */
void mp_claims_look(struct mp_claims *claims, const struct sm_snapshot *const *sites, size_t count);

#endif
