#include "config.h"

#include "locator/net/cert/internal.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

void proof_hex(struct sl_text *out, const void *octets, size_t len)
{
    const uint8_t *at = octets;
    for (size_t i = 0; i < len; i++)
        sl_text_printf(out, "%02X", at[i]);
}

bool proof_trim(const char *text, size_t len, char *out, size_t size)
{
    static const char blanks[] = " \t\r\n";
    while (len > 0 && text[0] != '\0' && strchr(blanks, text[0]))
        text++, len--;
    while (len > 0 && text[len - 1] != '\0' && strchr(blanks, text[len - 1]))
        len--;
    if (len >= size || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

/* ---- public keys ---------------------------------------------------------------------------------------------------- */

gnutls_pubkey_t proof_public_open(const struct proof_public *key)
{
    gnutls_pubkey_t handle;
    gnutls_datum_t der = {.data = (uint8_t *)(uintptr_t)key->der, .size = (unsigned)key->len};
    if (gnutls_pubkey_init(&handle) < 0)
        return NULL;
    if (gnutls_pubkey_import(handle, &der, GNUTLS_X509_FMT_DER) == 0)
        return handle;
    gnutls_pubkey_deinit(handle);
    return NULL;
}

bool proof_public_of(gnutls_pubkey_t handle, struct proof_public *ret_public)
{
    size_t len = sizeof ret_public->der;
    memset(ret_public, 0, sizeof *ret_public);
    if (gnutls_pubkey_export(handle, GNUTLS_X509_FMT_DER, ret_public->der, &len) < 0)
        return false;
    ret_public->len = len;
    return true;
}

/* A PEM of either kind into a handle; false when it is none. */
static bool import_pem(gnutls_pubkey_t handle, const char *text, size_t len)
{
    gnutls_datum_t pem = {.data = (unsigned char *)(uintptr_t)text, .size = (unsigned)len};
    gnutls_x509_crt_t certificate;
    if (gnutls_pubkey_import(handle, &pem, GNUTLS_X509_FMT_PEM) == 0)
        return true;
    if (gnutls_x509_crt_init(&certificate) < 0)
        return false;
    bool done = gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM) == 0 &&
                gnutls_pubkey_import_x509(handle, certificate, 0) == 0;
    gnutls_x509_crt_deinit(certificate);
    return done;
}

static bool import_hex(gnutls_pubkey_t handle, const char *text, size_t len)
{
    char digits[2 * PROOF_KEY_MAX + 1];
    uint8_t der[PROOF_KEY_MAX];
    size_t size;
    if (!proof_trim(text, len, digits, sizeof digits) || !sl_parse_hex(digits, der, sizeof der, &size))
        return false;
    gnutls_datum_t datum = {.data = der, .size = (unsigned)size};
    return gnutls_pubkey_import(handle, &datum, GNUTLS_X509_FMT_DER) == 0;
}

enum sl_status proof_public_read(const char *text, size_t len, struct proof_public *ret_key, struct sl_error *e)
{
    gnutls_pubkey_t handle;
    struct proof_public key;
    if (len > PROOF_PEM_MAX)
        return sl_fail(e, SL_MALFORMED, "a public key is not longer than %d octets", PROOF_PEM_MAX);
    if (gnutls_pubkey_init(&handle) < 0)
        return sl_fail(e, SL_NOMEM, "public key");
    bool is_read = (import_pem(handle, text, len) || import_hex(handle, text, len)) && proof_public_of(handle, &key);
    gnutls_pubkey_deinit(handle);
    if (!is_read)
        return sl_fail(e, SL_MALFORMED, "neither a public key nor a certificate in PEM, nor a public key in hexadecimal");
    *ret_key = key;
    return SL_OK;
}

void proof_public_pem(const struct proof_public *key, struct sl_text *out)
{
    char pem[PROOF_PEM_MAX];
    size_t len = sizeof pem;
    gnutls_pubkey_t handle = proof_public_open(key);
    sl_assert(handle != NULL && gnutls_pubkey_export(handle, GNUTLS_X509_FMT_PEM, pem, &len) == 0);
    gnutls_pubkey_deinit(handle);
    sl_text_add(out, pem, len);
}

void proof_print(const void *octets, size_t len, char out[PROOF_PRINT_MAX])
{
    uint8_t digest[32];
    struct sl_text text = sl_text_new(PROOF_PRINT_MAX);
    sl_assert(gnutls_hash_fast(GNUTLS_DIG_SHA256, octets, len, digest) == 0);
    proof_hex(&text, digest, sizeof digest);
    (void)sl_text_copy(out, PROOF_PRINT_MAX, sl_text_str(&text));
    sl_text_fini(&text);
}

void proof_public_print(const struct proof_public *key, char out[PROOF_PRINT_MAX])
{
    proof_print(key->der, key->len, out);
}

bool proof_public_equal(const struct proof_public *a, const struct proof_public *b)
{
    return a->len == b->len && memcmp(a->der, b->der, a->len) == 0;
}

/* ---- key pairs ------------------------------------------------------------------------------------------------------ */

/* Takes the handle, filled by `code`'s call, into a key. */
static enum sl_status adopt(gnutls_privkey_t handle, int code, enum sl_status blame, struct proof_key **ret_key,
                            struct sl_error *e)
{
    struct proof_key *key = sl_new(sizeof *key);
    gnutls_pubkey_t public = NULL;
    *key = (struct proof_key){.magic = PROOF_KEY_MAGIC, .handle = handle};
    if (code == 0)
        code = gnutls_pubkey_init(&public);
    if (code == 0)
        code = gnutls_pubkey_import_privkey(public, handle, 0, 0);
    if (code == 0 && !proof_public_of(public, &key->public))
        code = GNUTLS_E_SHORT_MEMORY_BUFFER;
    if (public)
        gnutls_pubkey_deinit(public);
    if (code == 0) {
        *ret_key = key;
        return SL_OK;
    }
    proof_key_free(key);
    return sl_fail(e, blame, "private key: %s", gnutls_strerror(code));
}

enum sl_status proof_key_new(struct proof_key **ret_key, struct sl_error *e)
{
    gnutls_privkey_t handle;
    if (gnutls_privkey_init(&handle) < 0)
        return sl_fail(e, SL_NOMEM, "private key");
    int code = gnutls_privkey_generate(handle, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    return adopt(handle, code, SL_INTERNAL, ret_key, e);
}

enum sl_status proof_key_read(const char *pem, size_t len, struct proof_key **ret_key, struct sl_error *e)
{
    gnutls_privkey_t handle;
    gnutls_datum_t datum = {.data = (unsigned char *)(uintptr_t)pem, .size = (unsigned)len};
    if (len > PROOF_PEM_MAX)
        return sl_fail(e, SL_MALFORMED, "a private key is not longer than %d octets", PROOF_PEM_MAX);
    if (gnutls_privkey_init(&handle) < 0)
        return sl_fail(e, SL_NOMEM, "private key");
    int code = gnutls_privkey_import_x509_raw(handle, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
    return adopt(handle, code, SL_MALFORMED, ret_key, e);
}

enum sl_status proof_key_write(const struct proof_key *key, struct sl_text *pem, struct sl_error *e)
{
    gnutls_x509_privkey_t plain;
    char text[PROOF_PEM_MAX];
    size_t len = sizeof text;
    SL_CHECK_MAGIC(key, PROOF_KEY_MAGIC);
    int code = gnutls_privkey_export_x509(key->handle, &plain);
    if (code == 0) {
        code = gnutls_x509_privkey_export_pkcs8(plain, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, text, &len);
        gnutls_x509_privkey_deinit(plain);
    }
    if (code == 0)
        sl_text_add(pem, text, len);
    explicit_bzero(text, sizeof text);
    return code == 0 ? SL_OK : sl_fail(e, SL_INTERNAL, "private key: %s", gnutls_strerror(code));
}

void proof_key_free(struct proof_key *key)
{
    if (key == NULL)
        return;
    SL_CHECK_MAGIC(key, PROOF_KEY_MAGIC);
    gnutls_privkey_deinit(key->handle);
    key->magic = 0;
    free(key);
}

const struct proof_public *proof_key_public(const struct proof_key *key)
{
    return &key->public;
}
