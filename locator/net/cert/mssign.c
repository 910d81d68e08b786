#include "config.h"

#include "locator/net/mssign.h"

#include "common/base/assert.h"
#include "common/base/text.h"
#include "locator/net/cert/internal.h"

#include <string.h>

enum { OCTETS_MAX = MSSIGN_BITS_MAX / 8, HEAD_LEN = 20, EXPONENT_LEN = 4 };

static void reverse(uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        uint8_t one = octets[i];
        octets[i] = octets[len - 1 - i];
        octets[len - 1 - i] = one;
    }
}

static size_t little_endian(const uint8_t *at)
{
    return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* The octets of a blob as a public key; false when they are none. */
static bool import_blob(gnutls_pubkey_t handle, uint8_t *blob, size_t len)
{
    static const uint8_t type[] = {0x06, 0x02, 0x00, 0x00}, exchange[] = {0x00, 0xa4, 0x00, 0x00};
    static const uint8_t sign[] = {0x00, 0x24, 0x00, 0x00};
    if (len < HEAD_LEN || memcmp(blob, type, sizeof type) != 0 || memcmp(blob + 8, "RSA1", 4) != 0 ||
        (memcmp(blob + 4, exchange, sizeof exchange) != 0 && memcmp(blob + 4, sign, sizeof sign) != 0))
        return false;
    size_t bits = little_endian(blob + 12);
    if (bits < MSSIGN_BITS_MIN || bits > MSSIGN_BITS_MAX || bits % 8 != 0 || len != HEAD_LEN + bits / 8)
        return false;
    reverse(blob + 16, EXPONENT_LEN);
    reverse(blob + HEAD_LEN, bits / 8);
    const gnutls_datum_t modulus = {blob + HEAD_LEN, (unsigned)(bits / 8)}, exponent = {blob + 16, EXPONENT_LEN};
    return gnutls_pubkey_import_rsa_raw(handle, &modulus, &exponent) == 0;
}

enum sl_status mssign_check(const char *key, const char *signature, const void *octets, size_t len, struct sl_error *e)
{
    uint8_t blob[HEAD_LEN + OCTETS_MAX], made[OCTETS_MAX];
    size_t blob_len = 0, made_len = 0;
    gnutls_pubkey_t handle;
    if (!sl_parse_hex(signature, made, sizeof made, &made_len) || made_len == 0)
        return sl_fail(e, SL_MALFORMED, "the signature is not hexadecimal, or too long");
    if (gnutls_pubkey_init(&handle) < 0)
        return sl_fail(e, SL_NOMEM, "public key");
    enum sl_status status = SL_OK;
    reverse(made, made_len);
    const gnutls_datum_t what = {(uint8_t *)(uintptr_t)octets, (unsigned)len}, by = {made, (unsigned)made_len};
    if (!sl_parse_hex(key, blob, sizeof blob, &blob_len) || !import_blob(handle, blob, blob_len))
        status = sl_fail(e, SL_MALFORMED, "the key is no PUBLICKEYBLOB of RSA with %d to %d bits", MSSIGN_BITS_MIN,
                         MSSIGN_BITS_MAX);
    else if (gnutls_pubkey_verify_data2(handle, GNUTLS_SIGN_RSA_SHA256, 0, &what, &by) < 0)
        status = sl_fail(e, SL_UNTRUSTED, "the signature is not by that key over these octets");
    gnutls_pubkey_deinit(handle);
    return status;
}

/* Modulus and exponent, highest octet first, as a blob. */
static bool export_blob(gnutls_datum_t modulus, gnutls_datum_t exponent, struct sl_text *out)
{
    uint8_t blob[HEAD_LEN + OCTETS_MAX] = {0x06, 0x02, 0x00, 0x00, 0x00, 0xa4, 0x00, 0x00, 'R', 'S', 'A', '1'};
    size_t bits = (size_t)modulus.size * 8;
    if (bits < MSSIGN_BITS_MIN || bits > MSSIGN_BITS_MAX || exponent.size > EXPONENT_LEN)
        return false;
    blob[12] = (uint8_t)bits;
    blob[13] = (uint8_t)(bits >> 8);
    memcpy(blob + 16 + EXPONENT_LEN - exponent.size, exponent.data, exponent.size);
    reverse(blob + 16, EXPONENT_LEN);
    memcpy(blob + HEAD_LEN, modulus.data, modulus.size);
    reverse(blob + HEAD_LEN, modulus.size);
    proof_hex(out, blob, HEAD_LEN + modulus.size);
    return true;
}

enum sl_status mssign_certificate_key(const char *hex, char ret_key[MSSIGN_KEY_SIZE], struct sl_error *e)
{
    uint8_t der[PROOF_CERTIFICATE_MAX];
    size_t len = 0;
    gnutls_pubkey_t key;
    gnutls_datum_t modulus = {0}, exponent = {0};
    gnutls_x509_crt_t certificate;
    struct sl_text text = sl_text_new(MSSIGN_KEY_SIZE);
    if (!sl_parse_hex(hex, der, sizeof der, &len) || gnutls_x509_crt_init(&certificate) < 0)
        return sl_fail(e, SL_MALFORMED, "the certificate is not hexadecimal, or longer than %d octets", PROOF_CERTIFICATE_MAX);
    sl_assert(gnutls_pubkey_init(&key) == 0);
    const gnutls_datum_t datum = {der, (unsigned)len};
    bool is_read = gnutls_x509_crt_import(certificate, &datum, GNUTLS_X509_FMT_DER) == 0 &&
                   gnutls_pubkey_import_x509(key, certificate, 0) == 0 &&
                   gnutls_pubkey_export_rsa_raw2(key, &modulus, &exponent, GNUTLS_EXPORT_FLAG_NO_LZ) == 0 &&
                   export_blob(modulus, exponent, &text);
    gnutls_pubkey_deinit(key);
    gnutls_x509_crt_deinit(certificate);
    gnutls_free(modulus.data);
    gnutls_free(exponent.data);
    if (is_read)
        (void)sl_text_copy(ret_key, MSSIGN_KEY_SIZE, sl_text_str(&text));
    sl_text_fini(&text);
    return is_read ? SL_OK
                   : sl_fail(e, SL_MALFORMED, "no certificate of an RSA key of %d to %d bits", MSSIGN_BITS_MIN, MSSIGN_BITS_MAX);
}
