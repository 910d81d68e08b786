/*
 * httpc.h - one HTTP exchange with a deadline and limits; httpc.c is the only file that includes libcurl, which is loaded by the
 * first exchange.
 *
 * Nothing of the user's surroundings counts: no proxy variables, no .netrc, no redirects, no cookies; a connection serves one
 * exchange. Only http and https. A name is resolved by libcurl unless `connect_to` gives a numeric
 * address; give one (dnsc_host), since the system's resolver may hold libcurl beyond the deadline. No signals are used or raised.
 * Any thread may call at any time; nothing is shared.
 *
 * Failures: SL_TIMEOUT, SL_UNREACHABLE (name, connection, broken answer), SL_UNTRUSTED (certificate, no TLS 1.2 or 1.3),
 * SL_DENIED (another certificate of ours is wanted), SL_LIMIT (answer larger than `reply_max`), SL_USAGE (URL, files),
 * SL_UNSUPPORTED (libcurl is not there), SL_CANCELED. What fails in TLS is told as for a directory (peercert_explain). An
 * answer with any HTTP status is SL_OK: what it means is the caller's business.
 */
#ifndef SL_LOCATOR_NET_HTTPC_H
#define SL_LOCATOR_NET_HTTPC_H

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTPC_REPLY_MAX = 1 << 20, HTTPC_TYPE_MAX = 256, HTTPC_URL_MAX = 2048, HTTPC_HEADER_MAX = 4096 };

struct httpc_request {
    const char *method;       /* "GET", "CCM_POST"; NULL is GET */
    const char *url;
    const char *connect_to;   /* numeric IPv4 or IPv6 address to connect to instead of the host of the URL, or NULL */
    const char *user_agent;   /* NULL sends none */
    const char *content_type; /* of the body */
    const void *body;         /* NULL: none */
    size_t body_len;
    const char *ca_file;      /* PEM, NULL is the system's trust store */
    const char *cert_file;    /* PEM of the certificate to show to an https server, or NULL; SL_USAGE when it cannot be used */
    const char *key_file;     /* PEM of its key; NULL: it stands in cert_file */
    const char *header;       /* one more line "Name: value", or NULL */
    const char *wanted;       /* name of a header of the answer that the caller wants, or NULL */
    size_t reply_max;         /* 0 is HTTPC_REPLY_MAX */
};

struct httpc_reply {
    int status;                        /* 200 */
    char content_type[HTTPC_TYPE_MAX]; /* "" when absent */
    char header[HTTPC_HEADER_MAX];     /* value of the wanted header; "" when absent or longer */
    struct sl_text body;
};

/* Carries out the exchange; on SL_OK the caller owns *ret_reply (httpc_reply_fini). */
enum sl_status httpc_exchange(const struct httpc_request *request, struct sl_deadline deadline, struct httpc_reply *ret_reply,
                              struct sl_error *e) SL_MUST;
/*
 * Loads libcurl now, in this thread, if it can be: libraries that it brings along keep state for the first thread that uses them,
 * which is best one that does not end while the process does.
 */
void httpc_prepare(void);
/* Frees the body. */
void httpc_reply_fini(struct httpc_reply *reply);
/*
 * Writes "SCHEME://HOST:PORT/..." with an IPv6 host in brackets; `path` starts with '/'. False when it does not fit or the host
 * has characters that no host name and no address has: hosts come from directories and registries.
 */
bool httpc_url(char *out, size_t size, const char *scheme, const char *host, uint16_t port, const char *path);

#endif
