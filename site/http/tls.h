/*
 * tls.h - the certificate of an HTTP server, and whom it lets in; inside site/http, and to be loaded by the daemon.
 *
 * TLS 1.2 and 1.3. With an authority for clients, who shows no certificate of it for use as a client is answered 403, whatever is
 * asked. Loaded once and constant then; any thread.
 */
#ifndef SL_SITE_HTTP_TLS_H
#define SL_SITE_HTTP_TLS_H

#include "common/base/error.h"

#include <stdbool.h>

enum { WEB_PEM_MAX = 1 << 18 };

#define WEB_TLS_PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct web_tls {
    char *certificate, *key; /* PEM */
    char *client_ca;         /* PEM; NULL: clients need no certificate */
};

/*
 * Reads the certificate with what is behind it, its key, and the authorities of clients (NULL: none). SL_USAGE for a file that
 * cannot be read or is something else, and for a key that is not the certificate's; each names the file.
 */
enum sl_status web_tls_load(const char *certificate, const char *key, const char *client_ca, struct web_tls **ret_tls,
                            struct sl_error *e) SL_MUST;
/* Frees it; NULL is accepted. */
void web_tls_free(struct web_tls *tls);
/* True when the peer of a GnuTLS session has shown a certificate that its credentials trust, for use as a client. */
bool web_tls_is_known(void *session);

#endif
