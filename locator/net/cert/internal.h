/*
 * internal.h - what the files of locator/net/cert share; nobody else includes it.
 */
#ifndef SL_LOCATOR_NET_CERT_INTERNAL_H
#define SL_LOCATOR_NET_CERT_INTERNAL_H

#include "locator/net/proof.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define PROOF_KEY_MAGIC 0x9f00f001u

struct proof_key {
    uint32_t magic;
    gnutls_privkey_t handle;
    struct proof_public public;
};

/* The handle of a public key, for gnutls_pubkey_deinit; NULL when GnuTLS does not take it. */
gnutls_pubkey_t proof_public_open(const struct proof_public *key);
/* The octets of a public key; false when it is longer than any that we take. */
bool proof_public_of(gnutls_pubkey_t handle, struct proof_public *ret_public);
/* Copies text without the blanks and line ends around it; false when it does not fit. */
bool proof_trim(const char *text, size_t len, char *out, size_t size);

#endif
