#include "locator/net/peercert.h"

#include "common/base/text.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { NAME_MAX_OCTETS = 160, REASONS_MAX = 1024, CHAIN_MAX = 16, SLICE_MS = 20, AFTERWARDS_MS = 300 };

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

static void judge_time(struct sl_text *out, gnutls_x509_crt_t cert, const char *whose, time_t now)
{
    time_t until = gnutls_x509_crt_get_expiration_time(cert), from = gnutls_x509_crt_get_activation_time(cert);
    char day[32] = "";
    struct tm tm;

    if (now > until && gmtime_r(&until, &tm) != NULL && strftime(day, sizeof day, "%Y-%m-%d", &tm) > 0)
        reason(out, "%s certificate expired on %s", whose, day);
    if (now < from && gmtime_r(&from, &tm) != NULL && strftime(day, sizeof day, "%Y-%m-%d", &tm) > 0)
        reason(out, "%s certificate is valid only from %s on", whose, day);
}

const char *peercert_trust_file(const char *ca_file)
{
    static const char *const system_files[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"};

    if (ca_file != NULL)
        return ca_file;
    for (size_t i = 0; i < SL_COUNT(system_files); i++) {
        if (access(system_files[i], R_OK) == 0)
            return system_files[i];
    }
    return NULL;
}

static bool has_authority(const char *file)
{
    gnutls_x509_trust_list_t list;

    if (file == NULL || gnutls_x509_trust_list_init(&list, 0) < 0)
        return false;
    bool has = gnutls_x509_trust_list_add_trust_file(list, file, NULL, GNUTLS_X509_FMT_PEM, 0, 0) > 0;

    gnutls_x509_trust_list_deinit(list, 1);
    return has;
}

/* Takes our certificate and its key; a code of GnuTLS. */
static int use_identity(gnutls_certificate_credentials_t us, const char *cert_file, const char *key_file)
{
    return gnutls_certificate_set_x509_key_file(us, cert_file, key_file != NULL ? key_file : cert_file, GNUTLS_X509_FMT_PEM);
}

enum sl_status peercert_check_files(const char *ca_file, const char *cert_file, const char *key_file, char *out, size_t out_size)
{
    gnutls_certificate_credentials_t us = NULL;
    const char *trusted = peercert_trust_file(ca_file);
    int code = cert_file != NULL ? gnutls_certificate_allocate_credentials(&us) : 0;

    if (us != NULL) {
        code = use_identity(us, cert_file, key_file);
        gnutls_certificate_free_credentials(us);
    }
    sl_text_copy(out, out_size, "");
    if (code < 0) {
        snprintf(out, out_size, "TLS: certificate %s with key %s: %s", cert_file, key_file != NULL ? key_file : cert_file,
                 gnutls_strerror(code));
        return SL_USAGE;
    }
    if (has_authority(trusted))
        return SL_OK;
    snprintf(out, out_size, "TLS: no certificate of an authority could be read from %s",
             trusted != NULL ? trusted : "the system's trust store");
    return ca_file != NULL ? SL_USAGE : SL_UNTRUSTED;
}

static void judge_authority(struct sl_text *out, gnutls_x509_crt_t *chain, unsigned count, const char *ca_file)
{
    gnutls_x509_trust_list_t list;
    char issuer[NAME_MAX_OCTETS] = "?";
    size_t size = sizeof issuer;
    unsigned verdict = 0;

    if (gnutls_x509_trust_list_init(&list, 0) < 0)
        return;
    gnutls_x509_crt_get_issuer_dn(chain[count - 1], issuer, &size);
    if (ca_file == NULL || gnutls_x509_trust_list_add_trust_file(list, ca_file, NULL, GNUTLS_X509_FMT_PEM, 0, 0) <= 0)
        reason(out, "no authority could be read from %s", ca_file != NULL ? ca_file : "the system");
    else if (gnutls_x509_trust_list_verify_crt(list, chain, count, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &verdict, NULL) >= 0 &&
             verdict != 0)
        reason(out, "its certificate is not signed by an authority in %s (issuer %s)", ca_file, issuer);
    gnutls_x509_trust_list_deinit(list, 1);
}

static void judge_chain(struct sl_text *out, gnutls_x509_crt_t *chain, unsigned count, const char *host, const char *ca_file,
                        time_t now)
{
    judge_time(out, chain[0], "its", now);
    for (unsigned i = 1; i < count; i++)
        judge_time(out, chain[i], "its authority's", now);
    judge_authority(out, chain, count, ca_file);
    if (gnutls_x509_crt_check_hostname(chain[0], host) == 0)
        reason(out, "its certificate is not for the name %s", host);
}

bool peercert_judge(const struct peercert_der *chain, size_t count, const char *host, const char *ca_file, int64_t now_s,
                    char *out, size_t out_size)
{
    struct sl_text reasons = sl_text_new(REASONS_MAX);
    gnutls_x509_crt_t certs[CHAIN_MAX] = {NULL};
    unsigned read = 0;

    while (read < count && read < CHAIN_MAX) {
        gnutls_datum_t datum = {.data = (void *)(uintptr_t)chain[read].octets, .size = (unsigned)chain[read].len};

        if (gnutls_x509_crt_init(&certs[read]) < 0)
            break;
        if (gnutls_x509_crt_import(certs[read], &datum, GNUTLS_X509_FMT_DER) < 0) {
            gnutls_x509_crt_deinit(certs[read]);
            break;
        }
        read++;
    }
    if (read == 0)
        reason(&reasons, "its certificate cannot be read");
    else
        judge_chain(&reasons, certs, read, host, ca_file, (time_t)now_s);
    for (unsigned i = 0; i < read; i++)
        gnutls_x509_crt_deinit(certs[i]);
    sl_text_copy(out, out_size, sl_text_str(&reasons));
    bool fine = reasons.len == 0;

    sl_text_fini(&reasons);
    return fine;
}

/* ---- a handshake ---------------------------------------------------------------------------------------------------- */

enum verdict {
    FINE,      /* the handshake was made and the certificate is in order */
    UNTRUSTED, /* it was made; the certificate is not in order */
    REFUSED,   /* what the server speaks is not TLS, or not a TLS that is accepted here (1.2, 1.3), or it refused ours */
    UNWELCOME, /* the server asked for our certificate and ended the connection: there is none, or not the right one */
    LOST,      /* the server closed the connection or was silent until the deadline */
};

/* What stands before the reason, and what the connection failed with. */
static const struct {
    const char *before;
    enum sl_status status;
} verdicts[] = {
    [FINE] = {"", SL_OK},
    [UNTRUSTED] = {"TLS: server not trusted: ", SL_UNTRUSTED},
    [REFUSED] = {"TLS: protocol refused: ", SL_UNTRUSTED},
    [UNWELCOME] = {"TLS: ", SL_DENIED},
    [LOST] = {"TLS: ", SL_UNREACHABLE},
};

static bool is_wanted(const struct peercert_peer *peer)
{
    bool is_abandoned = peer->abandoned != NULL && atomic_load(peer->abandoned);

    return !is_abandoned && !sl_deadline_passed(peer->deadline);
}

/* What a handshake that failed says; LOST when the server said nothing. */
static enum verdict judge_failure(gnutls_session_t session, int code, char *out, size_t size)
{
    const char *alert = gnutls_alert_get_name(gnutls_alert_get(session));

    switch (code) {
    case GNUTLS_E_AGAIN:
        snprintf(out, size, "no answer in time");
        return LOST;
    case GNUTLS_E_PREMATURE_TERMINATION:
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
        snprintf(out, size, "the server closed the connection during the handshake");
        return LOST;
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
        snprintf(out, size, "the server offers neither TLS 1.2 nor 1.3");
        return REFUSED;
    case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
    case GNUTLS_E_UNEXPECTED_PACKET:
    case GNUTLS_E_RECORD_OVERFLOW:
        snprintf(out, size, "what the server sends is not TLS");
        return REFUSED;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
    case GNUTLS_E_WARNING_ALERT_RECEIVED:
        snprintf(out, size, "the server ended the handshake (alert: %s); TLS 1.2 and 1.3 were offered",
                 alert != NULL ? alert : "?");
        return REFUSED;
    default:
        snprintf(out, size, "%s", gnutls_strerror(code));
        return REFUSED;
    }
}

static int handshake(gnutls_session_t session, const struct peercert_peer *peer)
{
    int code;

    while ((code = gnutls_handshake(session)) < 0 && !gnutls_error_is_fatal(code)) {
        struct pollfd p = {.fd = peer->fd, .events = gnutls_record_get_direction(session) != 0 ? POLLOUT : POLLIN};
        int left = sl_deadline_left_ms(peer->deadline);

        if (!is_wanted(peer))
            return GNUTLS_E_AGAIN;
        poll(&p, 1, left < SLICE_MS ? left : SLICE_MS);
    }
    return code;
}

/* True when the server ends the connection that it has just made. */
static bool is_ended(gnutls_session_t session, const struct peercert_peer *peer)
{
    struct sl_deadline until = sl_deadline_min(peer->deadline, sl_deadline_in(AFTERWARDS_MS));
    struct pollfd p = {.fd = peer->fd, .events = POLLIN};
    ssize_t got;
    char octet;

    do {
        if (poll(&p, 1, sl_deadline_left_ms(until)) <= 0)
            return false;
        got = gnutls_record_recv(session, &octet, sizeof octet);
    } while (got > 0 || (got < 0 && gnutls_error_is_fatal((int)got) == 0));
    return true;
}

/* What is wrong with us, in the eyes of a server that wanted to know who we are. */
static enum verdict judge_ourselves(const struct peercert_peer *peer, char *out, size_t size)
{
    snprintf(out, size, "the server %s", peer->cert_file != NULL ? "does not accept the certificate of --cert"
                                                                 : "wants a client certificate: name one with --cert");
    return UNWELCOME;
}

static enum verdict judge_peer(gnutls_session_t session, const struct peercert_peer *peer, int64_t now_s, char *out,
                                        size_t size)
{
    struct peercert_der chain[CHAIN_MAX];
    unsigned count = 0;
    const gnutls_datum_t *found = gnutls_certificate_get_peers(session, &count);

    if (count > CHAIN_MAX)
        count = CHAIN_MAX;
    for (unsigned i = 0; found != NULL && i < count; i++)
        chain[i] = (struct peercert_der){.octets = found[i].data, .len = found[i].size};
    const char *trusted = peercert_trust_file(peer->ca_file);
    bool is_fine = peercert_judge(chain, found != NULL ? count : 0, peer->host, trusted, now_s, out, size);

    return is_fine ? FINE : UNTRUSTED;
}

/* Makes a handshake and says in `out` what is wrong with it ("" when it is fine). */
static enum verdict try_handshake(const struct peercert_peer *peer, int64_t now_s, char *out, size_t out_size)
{
    gnutls_certificate_credentials_t us = NULL;
    gnutls_session_t session = NULL;
    enum verdict verdict = LOST;

    snprintf(out, out_size, "no handshake could be prepared");
    if (gnutls_certificate_allocate_credentials(&us) == 0 &&
        (peer->cert_file == NULL || use_identity(us, peer->cert_file, peer->key_file) >= 0) &&
        gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0 &&
        gnutls_priority_set_direct(session, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", NULL) == 0 &&
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, us) == 0) {
        gnutls_transport_set_int(session, peer->fd);
        int code = handshake(session, peer);
        bool is_fine = code == 0;

        verdict = is_fine ? judge_peer(session, peer, now_s, out, out_size) : judge_failure(session, code, out, out_size);
        bool is_over = is_fine ? verdict == FINE && is_ended(session, peer) : code != GNUTLS_E_AGAIN;

        if (is_over && gnutls_certificate_client_get_request_status(session) != 0)
            verdict = judge_ourselves(peer, out, out_size);
    }
    if (session != NULL)
        gnutls_deinit(session);
    if (us != NULL)
        gnutls_certificate_free_credentials(us);
    return verdict;
}

enum sl_status peercert_explain(const struct peercert_peer *peer, int64_t now_s, char *out, size_t out_size)
{
    char why[REASONS_MAX];
    enum verdict verdict = try_handshake(peer, now_s, why, sizeof why);

    snprintf(out, out_size, "%s%s", verdicts[verdict].before, why);
    return verdicts[verdict].status;
}
