#include "site/daemon/settings.h"

#include "common/conf/conf.h"
#include "site/mp/mp.h"
#include "site/model/site.h"

#include <string.h>

static const char *const role_words[SITED_ROLE_COUNT] = {
#define SITED_ROLE_WORD(name, word) word,
    SITED_ROLE_TABLE(SITED_ROLE_WORD)
#undef SITED_ROLE_WORD
};

const char *sited_role_word(enum sited_role role)
{
    return role_words[role];
}

/* One item of the list; false when it is no role. */
static bool set_role(bool roles[SITED_ROLE_COUNT], const char *word, size_t len)
{
    for (size_t i = 0; i < SITED_ROLE_COUNT; i++)
        if (strlen(role_words[i]) == len && strncmp(role_words[i], word, len) == 0) {
            roles[i] = true;
            return true;
        }
    return false;
}

static enum sl_status read_roles(const char *text, bool roles[SITED_ROLE_COUNT], struct sl_error *e)
{
    for (const char *word = text;;) {
        size_t len = strcspn(word, ",");
        if (!set_role(roles, word, len))
            return sl_fail(e, SL_USAGE, "\"%s\": \"%.*s\" is none of server, mp, dp, slp", text, (int)len, word);
        if (word[len] == '\0')
            return SL_OK;
        word += len + 1;
    }
}

/* The only words are those of --log-level, in the order of enum sl_log_level. */
static const char *const words_of_WORD[] = {"error", "warning", "info", "debug", NULL};
#define words_of_FLAG NULL
#define words_of_STRING NULL
#define words_of_STRINGS NULL
#define words_of_INT NULL
#define words_of_DURATION NULL

static enum sl_status check_code(const char *text, struct sl_error *e)
{
    return sm_check_code(text, e);
}

static enum sl_status check_roles(const char *text, struct sl_error *e)
{
    bool ignored[SITED_ROLE_COUNT] = {false};
    return read_roles(text, ignored, e);
}

static enum sl_status check_address(const char *text, struct sl_error *e)
{
    struct sl_endpoint ignored;
    return sl_endpoint_parse(text, WEB_PORT, &ignored, e);
}

/* A name is registered for one address of ours, so it must be one. */
static enum sl_status check_nbt(const char *text, struct sl_error *e)
{
    struct sl_endpoint address;
    enum sl_status status = sl_endpoint_parse(text, 1, &address, e);
    if (status == SL_OK && (address.any.sa_family != AF_INET || sl_endpoint_is_wildcard(&address)))
        return sl_fail(e, SL_USAGE, "\"%s\" is not an IPv4 address of this host", text);
    return status;
}

/* Whoever may read the page learns the targets: this machine only. */
static enum sl_status check_metrics(const char *text, struct sl_error *e)
{
    struct sl_endpoint where;
    enum sl_status status = sl_endpoint_parse(text, 0, &where, e);
    if (status != SL_OK)
        return status;
    bool local = sl_endpoint_ip4_of(&where) >> 24 == IN_LOOPBACKNET ||
                 (where.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&where.v6.sin6_addr));
    return local && sl_endpoint_port(&where) != 0 ? SL_OK
                                                  : sl_fail(e, SL_USAGE, "\"%s\" is no loopback address with a port", text);
}

/* A host, perhaps a port, and no path. */
static enum sl_status check_intake(const char *url, struct sl_error *e)
{
    static const char scheme[] = "http://";
    const char *host = url + sizeof scheme - 1;
    if (strncmp(url, scheme, sizeof scheme - 1) != 0 || *host == '\0' || strpbrk(host, "/?#@ ") != NULL ||
        strlen(url) >= WEB_ITEM_MAX)
        return sl_fail(e, SL_USAGE, "\"%s\" is not http://HOST[:PORT]", url);
    return SL_OK;
}

/* The path of the server locator point: anything that a request can have there, and nothing that means more. */
static enum sl_status check_slp_path(const char *path, struct sl_error *e)
{
    if (path[0] != '/' || strpbrk(path, " ?#%*") != NULL || strlen(path) >= WEB_ITEM_MAX)
        return sl_fail(e, SL_USAGE, "\"%s\" is no path like /SMS_SLP/slp.dll, without ? # %% * and blanks", path);
    return SL_OK;
}

const struct sl_option sited_options[SITED_OPTION_COUNT] = {
#define SITED_OPTION(opt, kind, field, argument, def, least, most, bits, text)                                                  \
    {.name = (opt), .type = SL_OPT_##kind, .offset = offsetof(struct sited_values, field), .arg = (argument), .fallback = (def), \
     .min = (least), .max = (most), .flags = (bits), .help = (text), .words = words_of_##kind},
#define SITED_CHECKED(opt, kind, field, argument, def, checked, bits, text)                                                     \
    {.name = (opt), .type = SL_OPT_##kind, .offset = offsetof(struct sited_values, field), .arg = (argument),                  \
     .fallback = (def), .flags = (bits), .help = (text), .check = (checked)},
#include "site/daemon/options.def"
#undef SITED_OPTION
#undef SITED_CHECKED
};

static bool is_given(const char *option, void *ctx)
{
    return cli_given(ctx, option);
}

static enum sl_status read_addresses(const char *option, const struct sl_strings *texts, uint16_t port,
                                     struct sl_endpoint *ret_list, size_t max, struct sl_error *e)
{
    if (texts->count > max)
        return sl_fail(e, SL_USAGE, "--%s: more than %zu addresses", option, max);
    for (size_t i = 0; i < texts->count; i++) {
        enum sl_status status = sl_endpoint_parse(texts->items[i], port, &ret_list[i], e);
        if (status != SL_OK)
            return sl_fail_in(e, status, "--%s", option);
    }
    return SL_OK;
}

bool sited_is_http(const struct sited_settings *s)
{
    return s->roles[SITED_MP] || s->roles[SITED_DP] || s->roles[SITED_SLP];
}

static enum sl_status check_http(const struct sited_values *v, const struct sited_settings *s, struct sl_error *e)
{
    if (s->http_count + s->https_count > WEB_ADDRESSES_MAX)
        return sl_fail(e, SL_USAGE, "--http and --https: more than %d addresses", WEB_ADDRESSES_MAX);
    if (s->https_count > 0 && (v->tls_cert == NULL || v->tls_key == NULL))
        return sl_fail(e, SL_USAGE, "--https needs --tls-cert and --tls-key");
    if (s->https_count == 0 && (v->tls_cert != NULL || v->tls_key != NULL || v->client_ca != NULL))
        return sl_fail(e, SL_USAGE, "--tls-cert, --tls-key and --client-ca are for --https");
    return SL_OK;
}

enum sl_status sited_settings_read(const struct cli_call *call, struct sited_settings *ret_settings, struct sl_error *e)
{
    struct sited_values *v = call->values;
    struct sited_settings s = {0};
    enum sl_status status = SL_OK;
    if (v->config != NULL)
        status = conf_load(v->config, sited_options, SITED_OPTION_COUNT, v, is_given, (void *)(uintptr_t)call, e);
    if (status == SL_OK)
        status = read_roles(v->role, s.roles, e);
    if (status == SL_OK)
        status = read_addresses("http", &v->http, WEB_PORT, s.http, WEB_ADDRESSES_MAX, e);
    if (status == SL_OK)
        status = read_addresses("https", &v->https, WEB_TLS_PORT, s.https, WEB_ADDRESSES_MAX, e);
    if (status == SL_OK)
        status = read_addresses("nbt-address", &v->nbt_address, (uint16_t)v->nbt_port, s.nbt, NBN_ADDRESSES_MAX, e);
    s.http_count = v->http.count;
    s.https_count = v->https.count;
    s.nbt_count = v->nbt_address.count;
    if (status == SL_OK)
        status = check_http(v, &s, e);
    if (status == SL_OK && v->metrics != NULL)
        status = sl_endpoint_parse(v->metrics, 0, &s.metrics, e);
    s.has_metrics = v->metrics != NULL;
    if (status == SL_OK)
        *ret_settings = s;
    return status;
}
