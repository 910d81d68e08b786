#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URI_MAX = 4096, PORT_LDAP = 389, PORT_LDAPS = 636, PORT_MAX = 65535 };

static const struct {
    const char *prefix;
    enum ldapc_scheme scheme;
    uint16_t port;
} schemes[] = {{"ldap://", LDAPC_LDAP, PORT_LDAP}, {"ldaps://", LDAPC_LDAPS, PORT_LDAPS}, {"ldapi://", LDAPC_LDAPI, 0}};

static int scheme_of(const char *text)
{
    for (size_t i = 0; i < SL_COUNT(schemes); i++) {
        if (strncasecmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return (int)i;
    }
    return -1;
}

/* Percent-decodes `len` octets; false for a bad escape or an encoded NUL. */
static bool percent_decode(struct sl_text *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char digits[3] = {0};
        uint8_t octet;
        size_t got;

        if (text[i] != '%') {
            sl_text_add(out, &text[i], 1);
            continue;
        }
        if (i + 2 >= len)
            return false;
        memcpy(digits, text + i + 1, 2);
        if (!sl_parse_hex(digits, &octet, 1, &got) || octet == 0)
            return false;
        sl_text_add(out, &octet, 1);
        i += 2;
    }
    return true;
}

static char *decoded(const char *text, size_t len)
{
    struct sl_text out = sl_text_new(URI_MAX);
    char *result = NULL;

    if (percent_decode(&out, text, len)) {
        sl_text_add(&out, "", 0);
        result = sl_strdup(sl_text_str(&out));
    }
    sl_text_fini(&out);
    return result;
}

/* "host", "host:port", "[v6]", "[v6]:port". */
static bool parse_host(const char *text, size_t len, struct ldapc_uri_server *server)
{
    const char *end = text + len, *host = text, *host_end, *port;

    if (len > 0 && text[0] == '[') {
        host = text + 1;
        host_end = memchr(text, ']', len);
        if (host_end == NULL)
            return false;
        port = host_end + 1;
    } else {
        host_end = memchr(text, ':', len);
        if (host_end == NULL)
            host_end = end;
        port = host_end;
    }
    if (host_end == host || (port != end && *port != ':'))
        return false;
    if (port != end) {
        char digits[8] = {0};
        uint64_t number;

        if ((size_t)(end - port) - 1 >= sizeof digits)
            return false;
        memcpy(digits, port + 1, (size_t)(end - port) - 1);
        if (!sl_parse_u64(digits, PORT_MAX, &number) || number == 0)
            return false;
        server->port = (uint16_t)number;
    }
    server->host = decoded(host, (size_t)(host_end - host));
    return server->host != NULL;
}

/* One more server: `len` octets at `text` of a URI that begins with its scheme, `scheme_len` octets. */
static bool add_server(struct ldapc_uri *uri, const char *scheme, size_t scheme_len, const char *text, size_t len, uint16_t port)
{
    struct ldapc_uri_server *server = &uri->servers[uri->count];
    struct sl_text own = sl_text_new(URI_MAX);

    if (uri->count == LDAPC_SERVERS_MAX)
        return false;
    uri->count++;
    server->port = port;
    sl_text_add(&own, scheme, scheme_len);
    sl_text_add(&own, text, len);
    server->uri = sl_strdup(sl_text_str(&own));
    sl_text_fini(&own);
    if (uri->scheme != LDAPC_LDAPI)
        return parse_host(text, len, server);
    server->host = decoded(text, len);
    return server->host != NULL;
}

/* "host,host:port,[v6]"; the path of a socket is one. */
static bool parse_servers(const char *text, size_t scheme_len, size_t len, uint16_t port, struct ldapc_uri *uri)
{
    const char *at = text + scheme_len, *end = at + len;

    for (;;) {
        const char *comma = uri->scheme != LDAPC_LDAPI ? memchr(at, ',', (size_t)(end - at)) : NULL;

        if (!add_server(uri, text, scheme_len, at, (size_t)((comma != NULL ? comma : end) - at), port))
            return false;
        if (comma == NULL)
            return true;
        at = comma + 1;
    }
}

enum sl_status ldapc_uri_parse(const char *text, struct ldapc_uri *ret_uri, struct sl_error *e)
{
    int row = scheme_of(text);

    if (row < 0)
        return sl_fail(e, SL_USAGE, "%s: not an ldap://, ldaps:// or ldapi:// URI", text);
    if (strlen(text) >= URI_MAX || strpbrk(text, "?# ") != NULL)
        return sl_fail(e, SL_USAGE,
                       "%s: only SCHEME://HOST[:PORT][,HOST...][/BASE] is understood (%%20 for a blank, %%3F for a question "
                       "mark)",
                       text);
    struct ldapc_uri uri = {.scheme = schemes[row].scheme};
    size_t scheme_len = strlen(schemes[row].prefix), len = strcspn(text + scheme_len, "/");
    const char *rest = text + scheme_len + len;

    if (!parse_servers(text, scheme_len, len, schemes[row].port, &uri)) {
        bool many = uri.count == LDAPC_SERVERS_MAX;

        ldapc_uri_fini(&uri);
        return sl_fail(e, SL_USAGE, "%s: bad %s", text,
                       schemes[row].scheme == LDAPC_LDAPI ? "socket path (ldapi://%2Frun%2Fslapd%2Fldapi)"
                       : many                             ? "host or port, or more than 16 servers"
                                                          : "host or port");
    }
    if (rest[0] == '/' && rest[1] != '\0') {
        uri.base = decoded(rest + 1, strlen(rest + 1));
        if (uri.base == NULL || !ldapc_dn_valid(uri.base)) {
            ldapc_uri_fini(&uri);
            return sl_fail(e, SL_USAGE, "%s: the path is not a base DN", text);
        }
    }
    uri.server = sl_strdup(text);
    uri.server[scheme_len + len] = '\0';
    *ret_uri = uri;
    return SL_OK;
}

void ldapc_uri_fini(struct ldapc_uri *uri)
{
    for (size_t i = 0; i < uri->count; i++) {
        free(uri->servers[i].host);
        free(uri->servers[i].uri);
    }
    free(uri->base);
    free(uri->server);
    *uri = (struct ldapc_uri){.scheme = uri->scheme};
}

void ldapc_escape_filter(struct sl_text *out, const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];

        if (c == '\0' || c == '(' || c == ')' || c == '*' || c == '\\' || c > 0x7f)
            sl_text_printf(out, "\\%02x", c);
        else
            sl_text_add(out, &value[i], 1);
    }
}

void ldapc_escape_rdn(struct sl_text *out, const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];

        if (c < ' ' || c == 0x7f)
            sl_text_printf(out, "\\%02x", c);
        else if (strchr("\"+,;<=>\\", c) != NULL || (c == '#' && i == 0) || (c == ' ' && (i == 0 || i + 1 == len)))
            sl_text_printf(out, "\\%c", c);
        else
            sl_text_add(out, &value[i], 1);
    }
}
