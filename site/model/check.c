#include "site/model/site.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

enum sl_status sm_check_code(const char *code, struct sl_error *e)
{
    if (strlen(code) != SM_CODE_LEN || strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != SM_CODE_LEN)
        return sl_fail(e, SL_USAGE, "site code \"%s\": must be three characters out of A-Z and 0-9", code);
    return SL_OK;
}

enum sl_status sm_check_host(const char *what, const char *host, struct sl_error *e)
{
    size_t at;
    if (host[0] == '\0' || strlen(host) > SM_HOST_MAX)
        return sl_fail(e, SL_USAGE, "%s \"%s\": must have 1 to %d characters", what, host, SM_HOST_MAX);
    if (!sl_is_host_name(host, &at))
        return sl_fail(e, SL_USAGE, "%s \"%s\": not a host name, at character %zu", what, host, at + 1);
    return SL_OK;
}

enum sl_status sm_check_package_id(const char *id, struct sl_error *e)
{
    size_t len = strlen(id);
    if (len == 0 || len > SM_PACKAGE_ID_MAX || strspn(id, ALNUM "-_.:{}") != len)
        return sl_fail(e, SL_USAGE, "package id \"%s\": must be 1 to %d characters out of letters, digits and -_.:{}", id,
                       SM_PACKAGE_ID_MAX);
    return SL_OK;
}

enum sl_status sm_site_make(const char *code, const char *domain, const char *forest, const char *server, const char *database,
                            struct sm_site *ret_site, struct sl_error *e)
{
    forest = forest != NULL ? forest : domain;
    database = database != NULL ? database : server;
    enum sl_status status = sm_check_code(code, e);
    if (status == SL_OK)
        status = sm_check_host("domain", domain, e);
    if (status == SL_OK)
        status = sm_check_host("forest", forest, e);
    if (status == SL_OK)
        status = sm_check_host("site server", server, e);
    if (status == SL_OK)
        status = sm_check_host("site database server", database, e);
    if (status != SL_OK)
        return status;
    *ret_site = (struct sm_site){.code = sl_strdup(code),
                                 .domain = sl_strdup(domain),
                                 .forest = sl_strdup(forest),
                                 .server = sl_strdup(server),
                                 .assignment_server = sl_strdup(server),
                                 .database = sl_strdup(database)};
    memcpy(ret_site->assignment, code, sizeof ret_site->assignment);
    memcpy(ret_site->root, code, sizeof ret_site->root);
    return SL_OK;
}

/* An address that a host can have, in the canonical spelling of its family. */
static enum sl_status check_address(const char *text, struct sl_endpoint *ret_ep, struct sl_error *e)
{
    char bracketed[SL_ENDPOINT_TEXT_MAX];
    uint32_t ip;
    if (sl_ip4_parse(text, &ip)) {
        if (ip >> 24 == 0 || ip >> 28 >= 0xe)
            return sl_fail(e, SL_USAGE, "address %s: not the address of a host", text);
        *ret_ep = sl_endpoint_ip4(ip, 0);
        return SL_OK;
    }
    snprintf(bracketed, sizeof bracketed, "[%s]", text);
    struct sl_endpoint ep;
    if (strlen(text) + 3 > sizeof bracketed || strpbrk(text, "[]%") != NULL ||
        sl_endpoint_parse(bracketed, 0, &ep, NULL) != SL_OK)
        return sl_fail(e, SL_USAGE, "address \"%s\": must be a numeric IPv4 or IPv6 address without a port", text);
    if (sl_endpoint_is_wildcard(&ep) || ep.v6.sin6_addr.s6_addr[0] == 0xff)
        return sl_fail(e, SL_USAGE, "address %s: not the address of a host", text);
    *ret_ep = ep;
    return SL_OK;
}

/* The address of an endpoint without brackets and port. */
static char *address_text(const struct sl_endpoint *ep)
{
    struct sl_endpoint_text text = sl_endpoint_text(ep);
    bool v6 = text.text[0] == '[';
    char *end = strrchr(text.text, v6 ? ']' : ':');
    sl_assert(end != NULL);
    *end = '\0';
    return sl_strdup(text.text + (v6 ? 1 : 0));
}

enum sl_status sm_mp_make(const char *host, const char *address, int64_t port, struct sm_mp *ret_mp, struct sl_error *e)
{
    struct sl_endpoint ep;
    enum sl_status status = sm_check_host("management point", host, e);
    if (status == SL_OK)
        status = check_address(address, &ep, e);
    if (status == SL_OK && (port < 1 || port > UINT16_MAX))
        status = sl_fail(e, SL_USAGE, "port %lld: must be 1 to 65535", (long long)port);
    if (status != SL_OK)
        return status;
    *ret_mp = (struct sm_mp){
        .host = sl_strdup(host), .address = address_text(&ep), .ip4 = sl_endpoint_ip4_of(&ep), .port = (uint16_t)port};
    return SL_OK;
}

/* "HOST[:PORT]" up to a slash or the end. */
static bool is_authority(const char *text)
{
    char port[8];
    int64_t ignored;
    size_t host = *text == '[' ? strcspn(text, "]/") + 1 : strcspn(text, ":/"), len = strcspn(text, "/");
    if (host == 0 || host > len)
        return false;
    if (host == len)
        return true;
    if (text[host] != ':' || len - host > sizeof port)
        return false;
    snprintf(port, sizeof port, "%.*s", (int)(len - host - 1), text + host + 1);
    return sl_parse_i64(port, 1, UINT16_MAX, &ignored);
}

static enum sl_status check_url(const char *url, struct sl_error *e)
{
    static const char *const schemes[] = {"http://", "https://"};
    size_t prefix = 0;
    for (size_t i = 0; i < SL_COUNT(schemes); i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            prefix = strlen(schemes[i]);
    if (prefix == 0 || !is_authority(url + prefix))
        return sl_fail(e, SL_USAGE, "URL \"%s\": must be http://HOST[:PORT]/... or https://HOST[:PORT]/...", url);
    if (strlen(url) + 1 > SM_URL_MAX)
        return sl_fail(e, SL_USAGE, "URL: longer than %d characters", SM_URL_MAX);
    for (const char *c = url; *c != '\0'; c++)
        if (*c <= ' ' || *c >= 0x7f || strchr("\"<>\\^`{|}?#", *c) != NULL)
            return sl_fail(e, SL_USAGE, "URL \"%s\": character %zu must be escaped", url, (size_t)(c - url) + 1);
    return SL_OK;
}

enum sl_status sm_check_server_url(const char *url, struct sl_error *e)
{
    static const char scheme[] = "http://";
    const char *host = url + sizeof scheme - 1;
    if (strncmp(url, scheme, sizeof scheme - 1) != 0 || !is_authority(host) || strpbrk(host, "/?#@ ") != NULL ||
        strlen(url) > SM_SERVER_URL_MAX)
        return sl_fail(e, SL_USAGE, "\"%s\" is not http://HOST[:PORT]", url);
    return SL_OK;
}

enum sl_status sm_dp_make(const char *host, const char *url, struct sm_dp *ret_dp, struct sl_error *e)
{
    struct sl_text text = sl_text_new(SM_URL_MAX + 1);
    enum sl_status status = sm_check_host("distribution point", host, e);
    if (status == SL_OK && url != NULL)
        status = check_url(url, e);
    if (status != SL_OK)
        return status;
    if (url == NULL)
        sl_text_printf(&text, "http://%s/SMS_DP_SMSPKG$/", host);
    else
        sl_text_printf(&text, "%s%s", url, url[strlen(url) - 1] == '/' ? "" : "/");
    *ret_dp = (struct sm_dp){.host = sl_strdup(host), .url = sl_text_take(&text)};
    sl_assert(ret_dp->url != NULL);
    return SL_OK;
}

/* Which kinds of target take an option. */
static enum sl_status check_options(const struct sm_target *t, struct sl_error *e)
{
    enum {
        TREE = 1 << SM_TARGET_DIRECTORY | 1 << SM_TARGET_LDIF,
        DIRECTORY = 1 << SM_TARGET_DIRECTORY,
        DNS = 1 << SM_TARGET_DNS,
        REGISTRIES = 1 << SM_TARGET_REGISTRY | 1 << SM_TARGET_STATIC | 1 << SM_TARGET_NAMES,
    };
    const struct {
        const char *name;
        bool is_given;
        unsigned kinds;
    } options[] = {
        {"base", t->base != NULL, TREE},
        {"container", t->container != NULL, TREE},
        {"bind-dn", t->bind_dn != NULL, DIRECTORY},
        {"password-file", t->password_file != NULL, DIRECTORY},
        {"sasl", t->sasl != NULL, DIRECTORY | DNS},
        {"ca", t->ca != NULL, DIRECTORY},
        {"cert", t->cert != NULL, DIRECTORY},
        {"key", t->key != NULL, DIRECTORY},
        {"starttls", t->starttls, DIRECTORY},
        {"transactions", t->transactions, DIRECTORY},
        {"tsig-key", t->tsig_key != NULL, DNS},
        {"slp", t->slp != NULL, REGISTRIES},
    };
    for (size_t i = 0; i < SL_COUNT(options); i++)
        if (options[i].is_given && !(options[i].kinds & 1u << sm_target_kind(t)))
            return sl_fail(e, SL_USAGE, "target %s: does not take --%s", t->uri, options[i].name);
    return SL_OK;
}

static enum sl_status check_scheme(const struct sm_target *target, struct sl_error *e)
{
    static const char list[] = ""
#define SCHEME_TEXT(scheme, kind, place) " " scheme place
        SM_TARGET_TABLE(SCHEME_TEXT)
#undef SCHEME_TEXT
        ;
    if (sm_target_kind(target) == SM_TARGET_UNKNOWN)
        return sl_fail(e, SL_USAGE, "target \"%s\": must be one of%s", target->uri, list);
    if (strlen(target->uri) > SM_URL_MAX)
        return sl_fail(e, SL_USAGE, "target: longer than %d characters", SM_URL_MAX);
    return SL_OK;
}

enum sl_status sm_check_target(const struct sm_target *target, struct sl_error *e)
{
    uint32_t ip;
    enum sl_status status = check_scheme(target, e);
    if (status == SL_OK)
        status = check_options(target, e);
    if (status != SL_OK)
        return status;
    if (target->slp != NULL && !sl_ip4_parse(target->slp, &ip))
        return sl_fail(e, SL_USAGE, "target %s: --slp \"%s\" must be an IPv4 address", target->uri, target->slp);
    if (target->tsig_key != NULL && target->sasl != NULL)
        return sl_fail(e, SL_USAGE, "target %s: --sasl and --tsig-key exclude each other", target->uri);
    if (sm_target_kind(target) == SM_TARGET_DNS && target->sasl != NULL && strcmp(target->sasl, "gssapi") != 0)
        return sl_fail(e, SL_USAGE, "target %s: --sasl must be gssapi", target->uri);
    if (sm_target_kind(target) >= SM_TARGET_LDIF && sm_target_place(target)[0] != '/')
        return sl_fail(e, SL_USAGE, "target %s: the path of a file must be absolute", target->uri);
    if ((target->bind_dn == NULL) != (target->password_file == NULL))
        return sl_fail(e, SL_USAGE, "target %s: --bind-dn and --password-file go together", target->uri);
    if (target->starttls && strncasecmp(target->uri, "ldap://", 7) != 0)
        return sl_fail(e, SL_USAGE, "target %s: --starttls is for ldap:// only", target->uri);
    return SL_OK;
}
