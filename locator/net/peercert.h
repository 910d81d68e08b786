/*
 * peercert.h - why a server's certificate, or its TLS as a whole, was not accepted, in words for the operator. (libldap only
 * says "failed".)
 */
#ifndef SL_LOCATOR_NET_PEERCERT_H
#define SL_LOCATOR_NET_PEERCERT_H

#include "common/base/clock.h"

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

/* True when an authority could be read from a PEM file. */
bool peercert_has_authority(const char *ca_file);

/* True when certificate and key can be read from their PEM files and belong together, else `out` says why not. */
bool peercert_is_identity(const char *cert_file, const char *key_file, char *out, size_t out_size);

struct peercert_peer {
    int fd; /* connected, non-blocking, where the server expects a handshake; stays the caller's */
    const char *host, *ca_file; /* as above */
    const char *cert_file, *key_file; /* to show, or NULL */
    struct sl_deadline deadline;
    const atomic_bool *abandoned; /* ends it soon when another thread sets it */
};

enum peercert_verdict {
    PEERCERT_FINE,      /* the handshake was made and the certificate is in order */
    PEERCERT_UNTRUSTED, /* it was made; the certificate is not in order */
    PEERCERT_REFUSED,   /* what the server speaks is not TLS, or not a TLS that is accepted here (1.2, 1.3), or it refused ours */
    PEERCERT_UNWELCOME, /* the server asked for our certificate and ended the connection: there is none, or not the right one */
    PEERCERT_LOST,      /* the server closed the connection or was silent until the deadline */
};

/*
 * Makes a handshake and says in `out` what is wrong with it ("" when it is fine). What a server of TLS 1.3 has against our
 * certificate it says only behind the handshake, so a moment is waited for that.
 */
enum peercert_verdict peercert_try(const struct peercert_peer *peer, int64_t now_s, char *out, size_t out_size);

#endif
