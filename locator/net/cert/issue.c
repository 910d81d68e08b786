#include "config.h"

#include "locator/net/cert/internal.h"

#include "common/base/random.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ISSUER "Site Server"

enum { SERIAL_LEN = 16 };

/* Adds up codes of GnuTLS: the first that failed stays. */
static void then(int *code, int next)
{
    if (*code == 0 && next < 0)
        *code = next;
}

static int set_name(gnutls_x509_crt_t crt, const char *oid, const char *value)
{
    return gnutls_x509_crt_set_dn_by_oid(crt, oid, 0, value, (unsigned)strlen(value));
}

static int set_subject(gnutls_x509_crt_t crt, const char *name, const char *site)
{
    char organisation[LM_CODE_SIZE + sizeof "SMS:"];
    int code = 0;
    (void)snprintf(organisation, sizeof organisation, "SMS:%s", site);
    then(&code, set_name(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, organisation));
    then(&code, set_name(crt, GNUTLS_OID_X520_COMMON_NAME, name));
    return code;
}

static int set_alternative_names(gnutls_x509_crt_t crt, const struct proof_subject *s)
{
    uint8_t address[16];
    int code = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, s->host, (unsigned)strlen(s->host), GNUTLS_FSAN_SET);
    if (s->address == NULL)
        return code;
    unsigned len = inet_pton(AF_INET, s->address, address) == 1 ? 4 : inet_pton(AF_INET6, s->address, address) == 1 ? 16 : 0;
    if (len > 0)
        then(&code, gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, len, GNUTLS_FSAN_APPEND));
    return code;
}

static int set_holder(gnutls_x509_crt_t crt, const struct proof_public *holder)
{
    gnutls_pubkey_t key = proof_public_open(holder);
    int code = key ? gnutls_x509_crt_set_pubkey(crt, key) : GNUTLS_E_PARSING_ERROR;
    if (key)
        gnutls_pubkey_deinit(key);
    return code;
}

static int fill(gnutls_x509_crt_t crt, const char *name, const struct proof_public *holder, const struct proof_subject *s,
                bool is_root)
{
    uint8_t serial[SERIAL_LEN];
    int code = 0;
    sl_random_os(serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and always of this length */
    then(&code, gnutls_x509_crt_set_version(crt, 3));
    then(&code, gnutls_x509_crt_set_serial(crt, serial, sizeof serial));
    then(&code, gnutls_x509_crt_set_activation_time(crt, (time_t)s->from_s));
    then(&code, gnutls_x509_crt_set_expiration_time(crt, (time_t)s->until_s));
    then(&code, set_subject(crt, name, s->site));
    then(&code, set_alternative_names(crt, s));
    then(&code, set_holder(crt, holder));
    then(&code, gnutls_x509_crt_set_basic_constraints(crt, is_root, is_root ? 0 : -1));
    then(&code, gnutls_x509_crt_set_key_usage(crt, is_root ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_DIGITAL_SIGNATURE
                                                           : GNUTLS_KEY_DIGITAL_SIGNATURE));
    return code;
}

static int append_hex(gnutls_x509_crt_t crt, struct sl_text *hex)
{
    uint8_t der[PROOF_CERTIFICATE_MAX];
    size_t len = sizeof der;
    int code = gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_DER, der, &len);
    if (code == 0)
        proof_hex(hex, der, len);
    return code;
}

/* A certificate named `name`, issued by "Site Server" of the same site. */
static enum sl_status issue(const struct proof_key *root, const char *name, const struct proof_public *holder,
                            const struct proof_subject *s, struct sl_text *ret_hex, struct sl_error *e)
{
    gnutls_x509_crt_t crt = NULL, issuer = NULL;
    bool is_root = holder == &root->public;
    int code = gnutls_x509_crt_init(&crt);
    then(&code, gnutls_x509_crt_init(&issuer));
    if (code == 0) {
        then(&code, set_subject(issuer, ISSUER, s->site)); /* name and key are looked at, the rest need not be there */
        then(&code, set_holder(issuer, &root->public));
        then(&code, fill(crt, name, holder, s, is_root));
    }
    if (code == 0)
        code = gnutls_x509_crt_privkey_sign(crt, issuer, root->handle, GNUTLS_DIG_SHA256, 0);
    if (code == 0)
        code = append_hex(crt, ret_hex);
    if (crt)
        gnutls_x509_crt_deinit(crt);
    if (issuer)
        gnutls_x509_crt_deinit(issuer);
    return code == 0 ? SL_OK : sl_fail(e, SL_INTERNAL, "certificate of %s: %s", s->host, gnutls_strerror(code));
}

enum sl_status proof_issue(const struct proof_key *root, const struct proof_public *holder, const struct proof_subject *subject,
                           struct sl_text *ret_hex, struct sl_error *e)
{
    return issue(root, subject->host, holder, subject, ret_hex, e);
}

enum sl_status proof_issue_root(const struct proof_key *root, const struct proof_subject *subject, struct sl_text *ret_hex,
                                struct sl_error *e)
{
    return issue(root, ISSUER, &root->public, subject, ret_hex, e);
}
