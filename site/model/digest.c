#include "site/model/digest.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHA256_LEN = 32 };

struct sm_digest {
    gnutls_hash_hd_t handle;
};

struct sm_digest *sm_digest_new(void)
{
    struct sm_digest *digest = sl_new(sizeof *digest);
    int rc = gnutls_hash_init(&digest->handle, GNUTLS_DIG_SHA256);
    sl_assert(rc == 0);
    return digest;
}

void sm_digest_add(struct sm_digest *digest, const void *octets, size_t len)
{
    int rc = gnutls_hash(digest->handle, octets, len);
    sl_assert(rc == 0);
}

void sm_digest_end(struct sm_digest *digest, char ret_hex[SM_SHA256_SIZE])
{
    unsigned char octets[SHA256_LEN];
    gnutls_hash_deinit(digest->handle, octets);
    for (size_t i = 0; i < SHA256_LEN; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", octets[i]);
    free(digest);
}

void sm_digest_of(const void *octets, size_t len, char ret_hex[SM_SHA256_SIZE])
{
    struct sm_digest *digest = sm_digest_new();
    sm_digest_add(digest, octets, len);
    sm_digest_end(digest, ret_hex);
}
