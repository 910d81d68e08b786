/*
 * digest.h - SHA-256, by which content and policies are known. digest.c is the one file of site/ that includes GnuTLS.
 * Any thread.
 */
#ifndef SL_SITE_MODEL_DIGEST_H
#define SL_SITE_MODEL_DIGEST_H

#include "site/model/site.h"

struct sm_digest;

/* A SHA-256 that is being computed. */
struct sm_digest *sm_digest_new(void);
/* Adds octets. */
void sm_digest_add(struct sm_digest *digest, const void *octets, size_t len);
/* Writes the hexadecimal text and frees the digest. */
void sm_digest_end(struct sm_digest *digest, char ret_hex[SM_SHA256_SIZE]);
/* The SHA-256 of these octets. */
void sm_digest_of(const void *octets, size_t len, char ret_hex[SM_SHA256_SIZE]);

#endif
