#include "site/content/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHA256_LEN = 32 };

struct cnt_digest {
    gnutls_hash_hd_t handle;
};

struct cnt_digest *cnt_digest_new(void)
{
    struct cnt_digest *digest = sl_new(sizeof *digest);
    int rc = gnutls_hash_init(&digest->handle, GNUTLS_DIG_SHA256);
    sl_assert(rc == 0);
    return digest;
}

void cnt_digest_add(struct cnt_digest *digest, const void *octets, size_t len)
{
    int rc = gnutls_hash(digest->handle, octets, len);
    sl_assert(rc == 0);
}

void cnt_digest_end(struct cnt_digest *digest, char ret_hex[SM_SHA256_SIZE])
{
    unsigned char octets[SHA256_LEN];
    gnutls_hash_deinit(digest->handle, octets);
    for (size_t i = 0; i < SHA256_LEN; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", octets[i]);
    free(digest);
}
