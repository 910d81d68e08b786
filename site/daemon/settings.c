#include "site/daemon/settings.h"

#include "common/base/log.h"
#include "common/conf/conf.h"
#include "common/host/page.h"
#include "site/mp/mp.h"
#include "site/model/site.h"
#include "site/store/store.h"

#include <stdarg.h>
#include <stdio.h>
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

/* The only words are those of --log-level. */
static const char *const words_of_WORD[] = {SL_LOG_LEVEL_TABLE(SL_LOG_LEVEL_WORD) NULL};
#define words_of_FLAG NULL
#define words_of_STRING NULL
#define words_of_STRINGS NULL
#define words_of_INT NULL
#define words_of_DURATION NULL

static enum sl_status check_code(const char *text, struct sl_error *e)
{
    return sm_check_code(text, e);
}

static enum sl_status check_host(const char *text, struct sl_error *e)
{
    return sm_check_host("--dp-name", text, e);
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

/* A mistake that shows only when options are looked at together: told where the option stands, in the file or by its name. */
static enum sl_status SL_PRINTF(4, 5) wrong(const struct cli_call *call, int number, struct sl_error *e, const char *fmt, ...)
{
    const struct sited_values *v = call->values;
    const char *name = sited_options[number].name;
    va_list args;
    va_start(args, fmt);
    enum sl_status status = conf_wrong(cli_given(call, name) ? NULL : v->config, name, e, fmt, args);
    va_end(args);
    return status;
}

static enum sl_status read_addresses(const struct cli_call *call, int number, uint16_t port, struct sl_endpoint *ret_list,
                                     size_t max, struct sl_error *e)
{
    const struct sl_option *row = &sited_options[number];
    const struct sl_strings *texts = (const void *)((const char *)call->values + row->offset);
    if (texts->count > max)
        return wrong(call, number, e, "--%s: more than %zu addresses", row->name, max);
    for (size_t i = 0; i < texts->count; i++) {
        enum sl_status status = sl_endpoint_parse(texts->items[i], port, &ret_list[i], e);
        if (status != SL_OK)
            return sl_fail_in(e, status, "--%s", row->name);
        for (size_t k = 0; k < i; k++)
            if (sl_endpoint_equal(&ret_list[i], &ret_list[k]))
                return wrong(call, number, e, "--%s: %s twice", row->name, texts->items[i]);
    }
    return SL_OK;
}

bool sited_is_http(const struct sited_settings *s)
{
    return s->roles[SITED_MP] || s->roles[SITED_DP] || s->roles[SITED_SLP];
}

static enum sl_status check_http(const struct cli_call *call, const struct sited_settings *s, struct sl_error *e)
{
    const struct sited_values *v = call->values;
    const struct {
        const char *value;
        int number;
    } files[] = {{v->tls_cert, SITED_ROW_tls_cert}, {v->tls_key, SITED_ROW_tls_key}, {v->client_ca, SITED_ROW_client_ca}};
    if (s->http_count + s->https_count > WEB_ADDRESSES_MAX)
        return wrong(call, SITED_ROW_https, e, "--http and --https: more than %d addresses", WEB_ADDRESSES_MAX);
    for (size_t i = 0; i < s->http_count; i++)
        for (size_t k = 0; k < s->https_count; k++)
            if (sl_endpoint_equal(&s->http[i], &s->https[k]))
                return wrong(call, SITED_ROW_https, e, "--https: %s is an address of --http", v->https.items[k]);
    if (s->https_count > 0 && (v->tls_cert == NULL || v->tls_key == NULL))
        return wrong(call, SITED_ROW_https, e, "--https needs --tls-cert and --tls-key");
    for (size_t i = 0; i < SL_COUNT(files) && s->https_count == 0; i++)
        if (files[i].value != NULL)
            return wrong(call, files[i].number, e, "--%s is for --https", sited_options[files[i].number].name);
    if (v->http_client_connections > v->http_connections)
        return wrong(call, SITED_ROW_http_client_connections, e, "--http-client-connections: more than --http-connections");
    return SL_OK;
}

/* What is of no use without something else is a mistake too, when it was asked for. */
static enum sl_status check_roles_fit(const struct cli_call *call, const struct sited_settings *s, struct sl_error *e)
{
    const struct sited_values *v = call->values;
    if (v->replica != NULL && sst_is_file(v->replica))
        return wrong(call, SITED_ROW_replica, e, "--replica: must be postgresql://...");
    if (v->replica != NULL && !sited_is_http(s))
        return wrong(call, SITED_ROW_replica, e, "--replica is for the roles mp, dp and slp");
    /* Two who write to one content library would take each other's files away. */
    if (v->dp_name != NULL && (!s->roles[SITED_DP] || s->roles[SITED_SERVER]))
        return wrong(call, SITED_ROW_dp_name, e, "--dp-name is for the role dp without the role server");
    if (v->intake != NULL && !s->roles[SITED_MP] && v->dp_name == NULL)
        return wrong(call, SITED_ROW_intake, e, "--intake is for the role mp, and dp with --dp-name");
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
        status = read_addresses(call, SITED_ROW_http, WEB_PORT, s.http, WEB_ADDRESSES_MAX, e);
    if (status == SL_OK)
        status = read_addresses(call, SITED_ROW_https, WEB_TLS_PORT, s.https, WEB_ADDRESSES_MAX, e);
    if (status == SL_OK)
        status = read_addresses(call, SITED_ROW_nbt_address, (uint16_t)v->nbt_port, s.nbt, NBN_ADDRESSES_MAX, e);
    s.http_count = v->http.count;
    s.https_count = v->https.count;
    s.nbt_count = v->nbt_address.count;
    if (status == SL_OK)
        status = check_http(call, &s, e);
    if (status == SL_OK)
        status = check_roles_fit(call, &s, e);
    if (status == SL_OK && v->metrics != NULL)
        status = sl_endpoint_parse(v->metrics, 0, &s.metrics, e);
    s.has_metrics = v->metrics != NULL;
    if (status == SL_OK)
        *ret_settings = s;
    return status;
}

/* ---- what follows from them ---------------------------------------------------------------------------------------------- */

void sited_settings_list(const struct sited_settings *s, struct sl_strings *roles, struct sl_strings *http,
                         struct sl_strings *nbt)
{
    for (int i = 0; i < SITED_ROLE_COUNT; i++)
        if (s->roles[i])
            sl_strings_add(roles, sited_role_word((enum sited_role)i));
    for (size_t i = 0; i < s->http_count; i++)
        sl_strings_add(http, sl_endpoint_text(&s->http[i]).text);
    for (size_t i = 0; i < s->https_count; i++) {
        struct sl_text text = sl_text_new(WEB_ITEM_MAX);
        sl_text_printf(&text, "https://%s", sl_endpoint_text(&s->https[i]).text);
        sl_strings_add(http, sl_text_str(&text));
        sl_text_fini(&text);
    }
    for (size_t i = 0; i < s->nbt_count; i++)
        sl_strings_add(nbt, sl_endpoint_text(&s->nbt[i]).text);
}

bool sited_is_our_address(const char *address, void *ctx)
{
    const struct sited_settings *s = ctx;
    bool is_ours = false;
    for (size_t i = 0; i < s->http_count + s->nbt_count; i++) {
        const struct sl_endpoint *ep = i < s->http_count ? &s->http[i] : &s->nbt[i - s->http_count];
        struct sl_endpoint_text text = sl_endpoint_text(ep);
        bool is_v6 = text.text[0] == '[';
        *strrchr(text.text, is_v6 ? ']' : ':') = '\0';
        is_ours = is_ours || strcmp(text.text + is_v6, address) == 0;
    }
    return is_ours;
}

bool sited_own_url(const struct sited_settings *s, char *out, size_t size)
{
    if (!s->roles[SITED_SERVER] || s->http_count == 0)
        return false;
    const struct sl_endpoint_text text = sl_endpoint_text(&s->http[0]);
    const char *loopback = s->http[0].any.sa_family == AF_INET6 ? "[::1]" : "127.0.0.1";
    bool is_wild = sl_endpoint_is_wildcard(&s->http[0]);
    size_t len = (size_t)snprintf(out, size, "http://%s%s", is_wild ? loopback : text.text,
                                  is_wild ? strrchr(text.text, ':') : "");
    return len < size;
}
