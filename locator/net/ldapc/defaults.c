/* What libldap makes of ldap.conf, ldaprc and the LDAP* variables: it is asked, so that nobody here reads them in another way. */
#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"
#include "locator/net/hostconf.h"

#include <ldap.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The options of ldap.conf(5), and those that others have in the same file; with '_' at the end what they begin with. */
static const char *const options[] = {
    "URI",      "HOST",    "PORT",    "BASE",    "BINDDN",  "DEREF",   "NETWORK_TIMEOUT", "TIMEOUT", "REFERRALS", "SIZELIMIT",
    "TIMELIMIT", "VERSION", "LOGFILE", "DEBUG", "SOCKET_BIND_ADDRESSES", "KEEPALIVE_", "SASL_", "GSSAPI_", "TLS_", "SUDOERS_",
};

static bool is_option(const char *word)
{
    for (size_t i = 0; i < SL_COUNT(options); i++) {
        size_t len = strlen(options[i]);

        if (strncasecmp(word, options[i], len) == 0 && (word[len] == '\0' || options[i][len - 1] == '_'))
            return true;
    }
    return false;
}

static bool is_uri(const char *text)
{
    LDAPURLDesc *parts = NULL;
    bool is = ldap_url_parse(text, &parts) == LDAP_URL_SUCCESS;

    ldap_free_urldesc(parts);
    return is;
}

/* Warns of what libldap passes over without a word. */
static void check_value(struct loc_hostconf *file, const char *option, char *value)
{
    if (value[0] == '\0')
        loc_hostconf_warn(file, "%s: its value is missing", option);
    else if (strcasecmp(option, "BASE") == 0 && !ldapc_dn_valid(value))
        loc_hostconf_warn(file, "BASE: \"%.60s\" is no DN: it does not count", value);
    if (strcasecmp(option, "URI") != 0)
        return;
    for (char *uri = strsep(&value, " \t,"); uri != NULL; uri = strsep(&value, " \t,")) {
        if (uri[0] != '\0' && !is_uri(uri))
            loc_hostconf_warn(file, "URI: \"%.60s\" is no URI of a directory: the line does not count", uri);
    }
}

static void take_line(struct loc_hostconf *file, char *line)
{
    bool *names_server = file->ctx;
    size_t len = strcspn(line, " \t");
    char *value = line + len + strspn(line + len, " \t");

    if (line[0] == '#')
        return;
    line[len] = '\0';
    if (!is_option(line)) {
        loc_hostconf_warn(file, "\"%.60s\" is no option of ldap.conf(5): it does not count", line);
        return;
    }
    if (value[0] != '\0' && (strcasecmp(line, "URI") == 0 || strcasecmp(line, "HOST") == 0))
        *names_server = true;
    check_value(file, line, value);
}

/* Reads the file FOLDER PREFIX NAME; nothing where one of them is NULL. */
static void read_file(const char *folder, const char *prefix, const char *name, bool *names_server, struct sl_strings *warnings)
{
    char path[PATH_MAX];
    struct loc_hostconf file = {.path = path, .warnings = warnings, .ctx = names_server, .take = take_line};

    if (folder != NULL && name != NULL && snprintf(path, sizeof path, "%s%s%s", folder, prefix, name) < (int)sizeof path)
        loc_hostconf_read(&file);
}

/* A file of the user's: in its home, hidden there, in the current folder. */
static void read_user_file(const char *name, bool *names_server, struct sl_strings *warnings)
{
    const char *home = getenv("HOME");

    read_file(home, "/", name, names_server, warnings);
    read_file(home, "/.", name, names_server, warnings);
    read_file("", "", name, names_server, warnings);
}

/*
 * libldap names this host's own server when nothing is configured, and does not tell that from a configured one; nor does it say
 * what it could not read. So its files and variables are looked through, in its order (ldap.conf(5)).
 */
static bool is_server_configured(struct sl_strings *warnings)
{
    bool names_server = getenv("LDAPURI") != NULL || getenv("LDAPHOST") != NULL;

    if (getenv("LDAPNOINIT") != NULL)
        return false;
    read_file("/etc/ldap", "/", "ldap.conf", &names_server, warnings);
    read_file("/etc/openldap", "/", "ldap.conf", &names_server, warnings);
    read_user_file("ldaprc", &names_server, warnings);
    read_file("", "", getenv("LDAPCONF"), &names_server, warnings);
    read_user_file(getenv("LDAPRC"), &names_server, warnings);
    return names_server;
}

static bool is_own(const char *uri)
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

void ldapc_defaults_read(struct ldapc_defaults *ret_defaults, struct sl_strings *warnings)
{
    struct ldapc_defaults d = {.base = option_text(LDAP_OPT_DEFBASE), .ca_file = option_text(LDAP_OPT_X_TLS_CACERTFILE)};
    char *uris = option_text(LDAP_OPT_URI), *rest = uris;
    bool is_configured = is_server_configured(warnings);

    for (char *uri = uris != NULL ? strsep(&rest, " ,") : NULL; uri != NULL; uri = strsep(&rest, " ,")) {
        cut_query(uri);
        if (uri[0] != '\0' && (is_configured || !is_own(uri)))
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
