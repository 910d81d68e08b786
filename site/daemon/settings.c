#include "site/daemon/settings.h"

#include "common/conf/conf.h"
#include "site/model/site.h"

#include <string.h>

const struct sl_option sited_options[SITED_OPTION_COUNT] = {
#define SITED_OPTION(opt, kind, field, argument, def, least, most, bits, text)                                                  \
    {.name = (opt), .type = SL_OPT_##kind, .offset = offsetof(struct sited_values, field), .arg = (argument), .fallback = (def), \
     .min = (least), .max = (most), .flags = (bits), .help = (text)},
#include "site/daemon/options.def"
#undef SITED_OPTION
};

static const char *const role_words[SITED_ROLE_COUNT] = {
#define SITED_ROLE_WORD(name, word) word,
    SITED_ROLE_TABLE(SITED_ROLE_WORD)
#undef SITED_ROLE_WORD
};

const char *sited_role_word(enum sited_role role)
{
    return role_words[role];
}

static bool is_given(const char *option, void *ctx)
{
    return cli_given(ctx, option);
}

/* One item of the list; false when it is no role. */
static bool set_role(struct sited_settings *s, const char *word, size_t len)
{
    for (size_t i = 0; i < SITED_ROLE_COUNT; i++)
        if (strlen(role_words[i]) == len && strncmp(role_words[i], word, len) == 0) {
            s->roles[i] = true;
            return true;
        }
    return false;
}

static enum sl_status read_roles(const char *text, struct sited_settings *s, struct sl_error *e)
{
    for (const char *word = text;;) {
        size_t len = strcspn(word, ",");
        if (!set_role(s, word, len))
            return sl_fail(e, SL_USAGE, "--role \"%s\": \"%.*s\" is none of server, mp, dp, slp", text, (int)len, word);
        if (word[len] == '\0')
            return SL_OK;
        word += len + 1;
    }
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

/* A name is registered for one address of ours, so it must be one. */
static enum sl_status check_nbt(const struct sited_settings *s, struct sl_error *e)
{
    for (size_t i = 0; i < s->nbt_count; i++)
        if (s->nbt[i].any.sa_family != AF_INET || sl_endpoint_is_wildcard(&s->nbt[i]))
            return sl_fail(e, SL_USAGE, "--nbt-address: %s is not an IPv4 address of this host",
                           sl_endpoint_text(&s->nbt[i]).text);
    return SL_OK;
}

bool sited_is_http(const struct sited_settings *s)
{
    return s->roles[SITED_MP] || s->roles[SITED_DP] || s->roles[SITED_SLP];
}

/* A host, perhaps a port, and no path. */
static enum sl_status check_intake(const char *url, struct sl_error *e)
{
    static const char scheme[] = "http://";
    const char *host = url + sizeof scheme - 1;
    if (strncmp(url, scheme, sizeof scheme - 1) != 0 || *host == '\0' || strpbrk(host, "/?#@ ") != NULL ||
        strlen(url) >= WEB_ITEM_MAX)
        return sl_fail(e, SL_USAGE, "--intake \"%s\": is not http://HOST[:PORT]", url);
    return SL_OK;
}

/* The path of the server locator point: anything that a request can have there, and nothing that means more. */
static enum sl_status check_slp_path(const char *path, struct sl_error *e)
{
    if (path[0] != '/' || strpbrk(path, " ?#%*") != NULL || strlen(path) >= WEB_ITEM_MAX)
        return sl_fail(e, SL_USAGE, "--slp-path \"%s\": a path like /SMS_SLP/slp.dll, without ? # %% * and blanks", path);
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
        status = read_roles(v->role, &s, e);
    if (status == SL_OK && v->site != NULL)
        status = sm_check_code(v->site, e);
    if (status == SL_OK)
        status = read_addresses("http", &v->http, WEB_PORT, s.http, WEB_ADDRESSES_MAX, e);
    if (status == SL_OK)
        status = read_addresses("nbt-address", &v->nbt_address, (uint16_t)v->nbt_port, s.nbt, NBN_ADDRESSES_MAX, e);
    s.http_count = v->http.count;
    s.nbt_count = v->nbt_address.count;
    if (status == SL_OK)
        status = check_nbt(&s, e);
    if (status == SL_OK && v->intake != NULL)
        status = check_intake(v->intake, e);
    if (status == SL_OK)
        status = check_slp_path(v->slp_path, e);
    if (status == SL_OK)
        *ret_settings = s;
    return status;
}
