#include "config.h"

#include "locator/net/cert/internal.h"

#include "common/base/assert.h"

#include <stdio.h>
#include <string.h>

#define PROOF_VERSION "1 "
#define PROOF_LABEL "sitelocator proof 1"

enum { SIGNED_MAX = sizeof PROOF_LABEL + PROOF_NONCE_TEXT + PROOF_HOST_MAX + LM_CODE_SIZE + 4 };

static const struct {
    const char *rule, *word, *text;
} verdicts[] = {
#define PROOF_VERDICT_ROW(name, id, word, text) {id, word, text},
    PROOF_VERDICT_TABLE(PROOF_VERDICT_ROW)
#undef PROOF_VERDICT_ROW
};

const char *proof_verdict_rule(enum proof_verdict verdict)
{
    return verdicts[verdict].rule;
}

const char *proof_verdict_word(enum proof_verdict verdict)
{
    return verdicts[verdict].word;
}

const char *proof_verdict_text(enum proof_verdict verdict)
{
    return verdicts[verdict].text;
}

/* ---- certificates --------------------------------------------------------------------------------------------------- */

static gnutls_x509_crt_t open_certificate(const uint8_t *der, size_t len)
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t datum = {.data = (uint8_t *)(uintptr_t)der, .size = (unsigned)len};
    if (gnutls_x509_crt_init(&crt) < 0)
        return NULL;
    if (gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER) == 0)
        return crt;
    gnutls_x509_crt_deinit(crt);
    return NULL;
}

/* One part of the subject; false when it is absent, too long, or holds what no name has. */
static bool get_name(gnutls_x509_crt_t crt, const char *oid, char *out, size_t size)
{
    size_t len = size;
    if (gnutls_x509_crt_get_dn_by_oid(crt, oid, 0, 0, out, &len) < 0 || len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)out[i] <= ' ' || (uint8_t)out[i] >= 0x7f)
            return false;
    return true;
}

static bool get_key(gnutls_x509_crt_t crt, struct proof_public *ret_key)
{
    gnutls_pubkey_t handle;
    if (gnutls_pubkey_init(&handle) < 0)
        return false;
    bool done = gnutls_pubkey_import_x509(handle, crt, 0) == 0 && proof_public_of(handle, ret_key);
    gnutls_pubkey_deinit(handle);
    return done;
}

static enum sl_status get_all(gnutls_x509_crt_t crt, struct proof_certificate *c, struct sl_error *e)
{
    static const char prefix[] = "SMS:";
    char organisation[64];
    if (!get_name(crt, GNUTLS_OID_X520_COMMON_NAME, c->host, sizeof c->host))
        return sl_fail(e, SL_MALFORMED, "the certificate names no host");
    if (!get_name(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, organisation, sizeof organisation) ||
        strncmp(organisation, prefix, sizeof prefix - 1) != 0 ||
        !sl_text_copy(c->site, sizeof c->site, organisation + sizeof prefix - 1))
        return sl_fail(e, SL_MALFORMED, "the certificate names no site");
    c->from_s = gnutls_x509_crt_get_activation_time(crt);
    c->until_s = gnutls_x509_crt_get_expiration_time(crt);
    if (!get_key(crt, &c->key))
        return sl_fail(e, SL_MALFORMED, "the certificate has no key that we take");
    return SL_OK;
}

enum sl_status proof_certificate_read(const char *hex, size_t len, struct proof_certificate *ret_certificate, struct sl_error *e)
{
    char digits[2 * PROOF_CERTIFICATE_MAX + 1];
    struct proof_certificate c = {.len = 0};
    if (!proof_trim(hex, len, digits, sizeof digits) || !sl_parse_hex(digits, c.der, sizeof c.der, &c.len))
        return sl_fail(e, SL_MALFORMED, "no certificate in hexadecimal");
    gnutls_x509_crt_t crt = open_certificate(c.der, c.len);
    if (crt == NULL)
        return sl_fail(e, SL_MALFORMED, "no certificate");
    enum sl_status status = get_all(crt, &c, e);
    gnutls_x509_crt_deinit(crt);
    if (status == SL_OK)
        *ret_certificate = c;
    return status;
}

/* The length of a DER element with its head, of `left` octets that are there; *ret_head is that of the head. 0: broken. */
static size_t element(const uint8_t *at, size_t left, size_t *ret_head)
{
    if (left < 2 || at[0] != 0x30)
        return 0;
    size_t head = 2, len = at[1];
    if (len & 0x80) {
        size_t count = len & 0x7f;
        if (count < 1 || count > 2 || left < 2 + count)
            return 0;
        len = 0;
        for (size_t i = 0; i < count; i++)
            len = len << 8 | at[2 + i];
        head += count;
    }
    *ret_head = head;
    return len <= left - head ? head + len : 0;
}

/* The signed part of a certificate (RFC 5280 4.1): the first element within the outermost. GnuTLS does not hand it out. */
static bool signed_part(const struct proof_certificate *c, gnutls_datum_t *ret_part)
{
    size_t head, inner;
    size_t whole = element(c->der, c->len, &head);
    size_t len = whole ? element(c->der + head, whole - head, &inner) : 0;
    *ret_part = (gnutls_datum_t){.data = (uint8_t *)(uintptr_t)c->der + head, .size = (unsigned)len};
    return len > 0;
}

bool proof_certificate_is_signed(const struct proof_certificate *certificate, const struct proof_public *root)
{
    uint8_t octets[PROOF_SIGNATURE_MAX];
    size_t len = sizeof octets;
    gnutls_datum_t part;
    gnutls_x509_crt_t crt = open_certificate(certificate->der, certificate->len);
    gnutls_pubkey_t key = proof_public_open(root);
    bool is_signed = false;
    if (crt && key && signed_part(certificate, &part) && gnutls_x509_crt_get_signature(crt, (char *)octets, &len) == 0) {
        gnutls_sign_algorithm_t how = (gnutls_sign_algorithm_t)gnutls_x509_crt_get_signature_algorithm(crt);
        gnutls_datum_t signature = {.data = octets, .size = (unsigned)len};
        is_signed = gnutls_sign_is_secure(how) && gnutls_pubkey_verify_data2(key, how, 0, &part, &signature) >= 0;
    }
    if (crt)
        gnutls_x509_crt_deinit(crt);
    if (key)
        gnutls_pubkey_deinit(key);
    return is_signed;
}

bool proof_certificate_names(const struct proof_certificate *certificate, const char *name)
{
    gnutls_x509_crt_t crt = open_certificate(certificate->der, certificate->len);
    bool names = crt && gnutls_x509_crt_check_hostname2(crt, name, GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS) != 0;
    if (crt)
        gnutls_x509_crt_deinit(crt);
    return names;
}

/* ---- the proof ------------------------------------------------------------------------------------------------------ */

void proof_nonce_text(const uint8_t nonce[PROOF_NONCE_LEN], char out[PROOF_NONCE_TEXT])
{
    for (size_t i = 0; i < PROOF_NONCE_LEN; i++)
        (void)snprintf(out + 2 * i, 3, "%02X", nonce[i]);
}

bool proof_nonce_read(const char *text, uint8_t ret_nonce[PROOF_NONCE_LEN], char ret_site[LM_CODE_SIZE])
{
    char digits[PROOF_NONCE_TEXT];
    const char *rest = text + strcspn(text, " ");
    size_t len;
    if (rest - text != PROOF_NONCE_TEXT - 1 || (*rest && strlen(rest) != 1 + LM_CODE_LEN))
        return false;
    (void)snprintf(digits, sizeof digits, "%s", text);
    (void)snprintf(ret_site, LM_CODE_SIZE, "%s", *rest ? rest + 1 : "");
    return sl_parse_hex(digits, ret_nonce, PROOF_NONCE_LEN, &len);
}

/* What is signed. */
static gnutls_datum_t signed_text(char out[SIGNED_MAX], const uint8_t nonce[PROOF_NONCE_LEN], const char *host, const char *site)
{
    char digits[PROOF_NONCE_TEXT];
    proof_nonce_text(nonce, digits);
    int len = snprintf(out, SIGNED_MAX, PROOF_LABEL "\n%s\n%s\n%s\n", digits, host, site);
    sl_assert(len > 0 && len < SIGNED_MAX);
    return (gnutls_datum_t){.data = (unsigned char *)out, .size = (unsigned)len};
}

enum sl_status proof_sign(const struct proof_key *key, const void *octets, size_t len, char ret_signature[PROOF_TEXT_MAX],
                          struct sl_error *e)
{
    const gnutls_datum_t what = {.data = (unsigned char *)(uintptr_t)octets, .size = (unsigned)len};
    gnutls_datum_t signature;
    SL_CHECK_MAGIC(key, PROOF_KEY_MAGIC);
    int code = gnutls_privkey_sign_data(key->handle, GNUTLS_DIG_SHA256, 0, &what, &signature);
    if (code < 0)
        return sl_fail(e, SL_INTERNAL, "signature: %s", gnutls_strerror(code));
    struct sl_text out = sl_text_new(PROOF_TEXT_MAX - 1);
    sl_text_puts(&out, PROOF_VERSION);
    proof_hex(&out, signature.data, signature.size);
    gnutls_free(signature.data);
    bool fits = !sl_text_failed(&out) && sl_text_copy(ret_signature, PROOF_TEXT_MAX, sl_text_str(&out));
    sl_text_fini(&out);
    return fits ? SL_OK : sl_fail(e, SL_LIMIT, "the signature is too long");
}

enum sl_status proof_make(const struct proof_key *key, const uint8_t nonce[PROOF_NONCE_LEN], const char *host, const char *site,
                          char ret_proof[PROOF_TEXT_MAX], struct sl_error *e)
{
    char text[SIGNED_MAX];
    if (strlen(host) >= PROOF_HOST_MAX || strlen(site) >= LM_CODE_SIZE)
        return sl_fail(e, SL_USAGE, "proof: the host name or site code is too long");
    gnutls_datum_t what = signed_text(text, nonce, host, site);
    enum sl_status status = proof_sign(key, what.data, what.size, ret_proof, e);
    return status == SL_OK ? status : sl_fail_in(e, status, "proof of %s", host);
}

enum proof_verdict proof_check_certificate(const struct proof_question *q, const char *hex, size_t len,
                                           struct proof_certificate *ret_certificate)
{
    struct proof_certificate c;
    if (len == 0)
        return PROOF_NO_CERTIFICATE;
    if (proof_certificate_read(hex, len, &c, NULL) != SL_OK)
        return PROOF_BAD_CERTIFICATE;
    *ret_certificate = c;
    if (!proof_certificate_is_signed(&c, q->root)) /* nothing in it counts before this */
        return PROOF_OTHER_KEY;
    if (!sl_text_iequal(c.site, q->site))
        return PROOF_OTHER_SITE;
    if (!proof_certificate_names(&c, q->name))
        return PROOF_OTHER_HOST;
    if (q->now_s > c.until_s)
        return PROOF_EXPIRED;
    return q->now_s < c.from_s ? PROOF_NOT_YET : PROOF_PROVEN;
}

/* Verifies a signature by the certificate's key. */
static bool is_made_by(const struct proof_public *holder, const gnutls_datum_t *what, const gnutls_datum_t *signature)
{
    gnutls_pubkey_t key = proof_public_open(holder);
    if (key == NULL)
        return false;
    gnutls_sign_algorithm_t how =
        gnutls_pk_to_sign((gnutls_pk_algorithm_t)gnutls_pubkey_get_pk_algorithm(key, NULL), GNUTLS_DIG_SHA256);
    bool is_good = how != GNUTLS_SIGN_UNKNOWN && gnutls_pubkey_verify_data2(key, how, 0, what, signature) >= 0;
    gnutls_pubkey_deinit(key);
    return is_good;
}

/* Reads the form in which signatures travel. */
static bool read_signature(const char *text, uint8_t out[PROOF_SIGNATURE_MAX], size_t *ret_len)
{
    return strncmp(text, PROOF_VERSION, strlen(PROOF_VERSION)) == 0 &&
           sl_parse_hex(text + strlen(PROOF_VERSION), out, PROOF_SIGNATURE_MAX, ret_len) && *ret_len > 0;
}

bool proof_is_signed(const struct proof_public *holder, const void *octets, size_t len, const char *signature)
{
    uint8_t by[PROOF_SIGNATURE_MAX];
    size_t by_len;
    if (!read_signature(signature, by, &by_len))
        return false;
    const gnutls_datum_t what = {.data = (unsigned char *)(uintptr_t)octets, .size = (unsigned)len};
    const gnutls_datum_t made = {.data = by, .size = (unsigned)by_len};
    return is_made_by(holder, &what, &made);
}

enum proof_verdict proof_check(const struct proof_question *q, const struct proof_certificate *certificate, const char *proof)
{
    uint8_t octets[PROOF_SIGNATURE_MAX];
    char text[SIGNED_MAX];
    size_t len;
    if (proof[0] == '\0')
        return PROOF_NO_PROOF;
    if (!read_signature(proof, octets, &len))
        return PROOF_BAD_PROOF;
    gnutls_datum_t what = signed_text(text, q->nonce, certificate->host, certificate->site);
    gnutls_datum_t signature = {.data = octets, .size = (unsigned)len};
    return is_made_by(&certificate->key, &what, &signature) ? PROOF_PROVEN : PROOF_WRONG_PROOF;
}
