#include "site/http/tls.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum sl_status read_pem(const char *path, char **ret_text, struct sl_error *e)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return sl_fail(e, errno == EACCES ? SL_DENIED : SL_USAGE, "%s: %s", path, strerror(errno));
    char *text = sl_new(WEB_PEM_MAX);
    size_t len = fread(text, 1, WEB_PEM_MAX - 1, file);
    bool fits = len < WEB_PEM_MAX - 1 && ferror(file) == 0;
    fclose(file);
    if (fits && strlen(text) == len) {
        *ret_text = text;
        return SL_OK;
    }
    gnutls_memset(text, 0, WEB_PEM_MAX);
    free(text);
    return sl_fail(e, SL_USAGE, "%s: no PEM file of less than %d octets", path, WEB_PEM_MAX);
}

static gnutls_datum_t datum(char *text)
{
    return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

/* What the server will do later, so that a mistake is told at the start and names its file. */
static enum sl_status try_out(const struct web_tls *tls, const char *certificate, const char *key, const char *client_ca,
                              struct sl_error *e)
{
    gnutls_certificate_credentials_t credentials;
    if (gnutls_certificate_allocate_credentials(&credentials) != GNUTLS_E_SUCCESS)
        return sl_fail(e, SL_IO, "TLS cannot be used");
    gnutls_datum_t cert = datum(tls->certificate), secret = datum(tls->key);
    enum sl_status status = SL_OK;
    int code = gnutls_certificate_set_x509_key_mem2(credentials, &cert, &secret, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (code < 0)
        status = sl_fail(e, SL_USAGE, "%s with key %s: %s", certificate, key, gnutls_strerror(code));
    if (status == SL_OK && tls->client_ca != NULL) {
        gnutls_datum_t ca = datum(tls->client_ca);
        code = gnutls_certificate_set_x509_trust_mem(credentials, &ca, GNUTLS_X509_FMT_PEM);
        if (code <= 0)
            status = sl_fail(e, SL_USAGE, "%s: %s", client_ca, code < 0 ? gnutls_strerror(code) : "holds no certificate");
    }
    gnutls_certificate_free_credentials(credentials);
    return status;
}

enum sl_status web_tls_load(const char *certificate, const char *key, const char *client_ca, struct web_tls **ret_tls,
                            struct sl_error *e)
{
    struct web_tls *tls = sl_new(sizeof *tls);
    enum sl_status status = read_pem(certificate, &tls->certificate, e);
    if (status == SL_OK)
        status = read_pem(key, &tls->key, e);
    if (status == SL_OK && client_ca != NULL)
        status = read_pem(client_ca, &tls->client_ca, e);
    if (status == SL_OK)
        status = try_out(tls, certificate, key, client_ca, e);
    if (status == SL_OK)
        *ret_tls = tls;
    else
        web_tls_free(tls);
    return status;
}

void web_tls_free(struct web_tls *tls)
{
    if (tls == NULL)
        return;
    if (tls->key != NULL)
        gnutls_memset(tls->key, 0, strlen(tls->key));
    free(tls->certificate);
    free(tls->key);
    free(tls->client_ca);
    free(tls);
}

bool web_tls_is_known(void *session)
{
    static const char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st data = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)(uintptr_t)purpose};
    unsigned status = 0;
    return gnutls_certificate_verify_peers(session, &data, 1, &status) == GNUTLS_E_SUCCESS && status == 0;
}
