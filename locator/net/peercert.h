/*
 * peercert.h - why a server's certificate, or its TLS as a whole, was not accepted, in words for the operator: the same for
 * LDAP and for HTTPS. (libldap only says "failed", libcurl says what GnuTLS calls it.)
 */
#ifndef SL_LOCATOR_NET_PEERCERT_H
#define SL_LOCATOR_NET_PEERCERT_H

#include "common/base/clock.h"
#include "common/base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peercert_der {
    const void *octets;
    size_t len;
};

/*
 * Judges a chain of certificates (the server's own first) for a server name or address, against the authorities in a PEM file
 * (NULL: none), at the time `now_s`. Writes every reason against it into `out`, separated by "; ", and returns false; true with
 * "" when there is none.
 */
bool peercert_judge(const struct peercert_der *chain, size_t count, const char *host, const char *ca_file, int64_t now_s,
                    char *out, size_t out_size);

struct peercert_peer {
    int fd; /* connected, non-blocking, where the server expects a handshake; stays the caller's */
    const char *host;
    const char *ca_file;              /* NULL: the system's trust store */
    const char *cert_file, *key_file; /* to show, or NULL; without a key it stands in the certificate's file */
    struct sl_deadline deadline;
    const atomic_bool *abandoned; /* ends it soon when another thread sets it, or NULL */
};

/* The file of the authorities that are trusted: `ca_file`, without it the system's; NULL when there is none. */
const char *peercert_trust_file(const char *ca_file);

/*
 * Looks whether authorities, and certificate and key (NULL: none), can be read and the latter belong together. `out` says what
 * is wrong: SL_USAGE with a file that was named, SL_UNTRUSTED with the system's.
 */
enum sl_status peercert_check_files(const char *ca_file, const char *cert_file, const char *key_file, char *out,
                                    size_t out_size) SL_MUST;

/*
 * Why TLS with a server failed, for whatever protocol is inside: makes a handshake of its own and says in `out` what is wrong
 * ("TLS: ..."). SL_UNTRUSTED: the certificate, or what is spoken there is not TLS 1.2 or 1.3; SL_DENIED: the server asked for our
 * certificate and ended the connection, since there is none or not the right one; SL_UNREACHABLE: it closed the connection or was
 * silent until the deadline; SL_OK, with "": nothing was wrong this time. What a server of TLS 1.3 has against our certificate it
 * says only behind the handshake, so a moment is waited for that.
 */
enum sl_status peercert_explain(const struct peercert_peer *peer, int64_t now_s, char *out, size_t out_size) SL_MUST;

#endif
