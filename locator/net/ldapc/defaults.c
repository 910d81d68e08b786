/* What libldap makes of ldap.conf, ldaprc and the LDAP* variables: it is asked, so that nobody here reads them in another way. */
#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"

#include <ldap.h>

#include <stdlib.h>
#include <string.h>

/* libldap names this host's own server when nothing is configured, and does not tell that from a configured one. */
static bool is_built_in(const char *uri)
{
    return strcmp(uri, "ldap://localhost") == 0 || strcmp(uri, "ldap://localhost:389") == 0;
}

/* libldap writes "ldap://HOST:389/??base": what is asked of the server is not of interest here, nor a bare slash. */
static void cut_query(char *uri)
{
    size_t len = strcspn(uri, "?");

    while (len > 0 && uri[len - 1] == '/')
        len--;
    uri[len] = '\0';
}

static char *option_text(int option)
{
    char *text = NULL, *copy = NULL;

    if (ldap_get_option(NULL, option, &text) == LDAP_OPT_SUCCESS && text != NULL && text[0] != '\0')
        copy = sl_strdup(text);
    ldap_memfree(text);
    return copy;
}

void ldapc_defaults_read(struct ldapc_defaults *ret_defaults)
{
    struct ldapc_defaults d = {.base = option_text(LDAP_OPT_DEFBASE), .ca_file = option_text(LDAP_OPT_X_TLS_CACERTFILE)};
    char *uris = option_text(LDAP_OPT_URI), *rest = uris;

    for (char *uri = uris != NULL ? strsep(&rest, " ,") : NULL; uri != NULL; uri = strsep(&rest, " ,")) {
        cut_query(uri);
        if (uri[0] != '\0' && !is_built_in(uri))
            sl_strings_add(&d.uris, uri);
    }
    free(uris);
    *ret_defaults = d;
}

void ldapc_defaults_fini(struct ldapc_defaults *defaults)
{
    sl_strings_fini(&defaults->uris);
    free(defaults->base);
    free(defaults->ca_file);
    *defaults = (struct ldapc_defaults){0};
}

char *ldapc_uri_with_base(const char *uri, const char *base)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~=,+";
    size_t len = strlen(uri);
    struct sl_text out = sl_text_new(4 * (len + strlen(base) + 1));

    sl_text_add(&out, uri, len);
    sl_text_puts(&out, "/");
    for (; *base != '\0'; base++) {
        if (strchr(plain, *base) != NULL)
            sl_text_add(&out, base, 1);
        else
            sl_text_printf(&out, "%%%02X", (unsigned)(unsigned char)*base);
    }
    return sl_text_take(&out);
}
