/* What libldap makes of ldap.conf, ldaprc and the LDAP* variables: it is asked, so that nobody here reads them in another way. */
#include "locator/net/ldapc/internal.h"

#include "common/base/file.h"
#include "common/base/memory.h"

#include <ldap.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_OCTETS = 4096 };

/* The line "URI ..." or "HOST ..." of a file of libldap's (ldap.conf(5)). */
static bool names_server(const char *line)
{
    static const char *const words[] = {"URI", "HOST"};

    line += strspn(line, " \t");
    for (size_t i = 0; i < SL_COUNT(words); i++) {
        size_t len = strlen(words[i]);

        if (strncasecmp(line, words[i], len) == 0 && strchr(" \t", line[len]) != NULL && line[len] != '\0')
            return true;
    }
    return false;
}

/* In the file FOLDER/PREFIX NAME; nothing where one of them is NULL. */
static bool file_names_server(const char *folder, const char *prefix, const char *name)
{
    char path[PATH_MAX], line[LINE_OCTETS];
    bool found = false;
    FILE *in;

    if (folder == NULL || name == NULL || snprintf(path, sizeof path, "%s%s%s", folder, prefix, name) >= (int)sizeof path ||
        sl_file_open(path, &in, NULL) != SL_OK)
        return false;
    while (!found && fgets(line, sizeof line, in) != NULL)
        found = names_server(line);
    (void)fclose(in);
    return found;
}

/* A file of the user's: in its home, hidden there, in the current folder. */
static bool user_file_names_server(const char *name)
{
    const char *home = getenv("HOME");

    return file_names_server(home, "/", name) || file_names_server(home, "/.", name) || file_names_server("", "", name);
}

/*
 * libldap names this host's own server when nothing is configured, and does not tell that from a configured one; so for this
 * question alone its files and variables are looked through, in its order (ldap.conf(5)).
 */
static bool is_server_configured(void)
{
    return getenv("LDAPURI") != NULL || getenv("LDAPHOST") != NULL || file_names_server("/etc/ldap", "/", "ldap.conf") ||
           file_names_server("/etc/openldap", "/", "ldap.conf") || user_file_names_server("ldaprc") ||
           file_names_server("", "", getenv("LDAPCONF")) || user_file_names_server(getenv("LDAPRC"));
}

static bool is_built_in(const char *uri)
{
    bool is_own = strcmp(uri, "ldap://localhost") == 0 || strcmp(uri, "ldap://localhost:389") == 0;

    return is_own && (getenv("LDAPNOINIT") != NULL || !is_server_configured());
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
