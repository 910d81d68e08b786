#include "locator/net/peercert.h"

#include "common/base/text.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { NAME_MAX_OCTETS = 160, REASONS_MAX = 1024 };

static void reason(struct sl_text *out, const char *fmt, ...) SL_PRINTF(2, 3);

static void reason(struct sl_text *out, const char *fmt, ...)
{
    char text[REASONS_MAX / 2];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    sl_text_printf(out, "%s%s", out->len > 0 ? "; " : "", text);
}

static void judge_time(struct sl_text *out, gnutls_x509_crt_t cert, time_t now)
{
    time_t until = gnutls_x509_crt_get_expiration_time(cert), from = gnutls_x509_crt_get_activation_time(cert);
    char day[32] = "";
    struct tm tm;

    if (now > until && gmtime_r(&until, &tm) != NULL && strftime(day, sizeof day, "%Y-%m-%d", &tm) > 0)
        reason(out, "its certificate expired on %s", day);
    if (now < from && gmtime_r(&from, &tm) != NULL && strftime(day, sizeof day, "%Y-%m-%d", &tm) > 0)
        reason(out, "its certificate is valid only from %s on", day);
}

static void judge_authority(struct sl_text *out, gnutls_x509_crt_t cert, const char *ca_file)
{
    gnutls_x509_trust_list_t list;
    char issuer[NAME_MAX_OCTETS] = "?";
    size_t size = sizeof issuer;
    unsigned verdict = 0;

    if (gnutls_x509_trust_list_init(&list, 0) < 0)
        return;
    gnutls_x509_crt_get_issuer_dn(cert, issuer, &size);
    if (ca_file == NULL || gnutls_x509_trust_list_add_trust_file(list, ca_file, NULL, GNUTLS_X509_FMT_PEM, 0, 0) <= 0)
        reason(out, "no authority could be read from %s", ca_file != NULL ? ca_file : "the system");
    else if (gnutls_x509_trust_list_verify_crt(list, &cert, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &verdict, NULL) >= 0 &&
             verdict != 0)
        reason(out, "its certificate is not signed by an authority in %s (issuer %s)", ca_file, issuer);
    gnutls_x509_trust_list_deinit(list, 1);
}

bool peercert_judge(const void *der, size_t len, const char *host, const char *ca_file, int64_t now_s, char *out,
                    size_t out_size)
{
    gnutls_datum_t datum = {.data = (void *)(uintptr_t)der, .size = (unsigned)len};
    struct sl_text reasons = sl_text_new(REASONS_MAX);
    gnutls_x509_crt_t cert;

    if (gnutls_x509_crt_init(&cert) < 0 || gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_DER) < 0) {
        reason(&reasons, "its certificate cannot be read");
    } else {
        judge_time(&reasons, cert, (time_t)now_s);
        judge_authority(&reasons, cert, ca_file);
        if (gnutls_x509_crt_check_hostname(cert, host) == 0)
            reason(&reasons, "its certificate is not for the name %s", host);
    }
    gnutls_x509_crt_deinit(cert);
    sl_text_copy(out, out_size, sl_text_str(&reasons));
    bool fine = reasons.len == 0;

    sl_text_fini(&reasons);
    return fine;
}
