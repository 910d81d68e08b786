#include "locator/cli/private.h"

#include "common/base/text.h"
#include "common/conf/conf.h"
#include "locator/cli/program.h"
#include "locator/model/code.h"
#include "locator/model/trust.h"
#include "locator/net/ldapc.h"
#include "locator/source/source.h"

#include <locator/locator.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct values {
    struct cli_common common;
    struct sl_strings sources, resolve, clients, pins;
    char *root_key;
    int trust;
    struct ldapc_options ldap;
    char *ad_site;
    int profile;
    int64_t total_timeout_ms, seed, mp_port, now_s;
    bool strict, sequential, roaming;
    char *mask, *forest, *client_version;
    int schema, client_type;
    char *config;
    char *cache;
    int64_t max_age_ms;
};

#define CONFIG_FILE "/etc/sitelocator/locator.conf"

struct verb_values {
    char *site;
    char *package;
    int64_t package_version, draws;
    bool all, expired, clear;
    int64_t for_ms;
};

static const char *const schema_words[] = {"as-is", "no", NULL};
static const char *const client_type_words[] = {"advanced", "legacy", NULL};

static const struct sl_option options[] = {
    {.name = "source", .type = SL_OPT_STRINGS, .offset = offsetof(struct values, sources), .arg = "URI", .flags = SL_OPT_IN_FILE,
     .help = "Ask this source; the order is the priority (the forms stand in the manual)"},
    {.name = "config", .type = SL_OPT_STRING, .offset = offsetof(struct values, config), .arg = "FILE", .flags = SL_OPT_PATH,
     .help = "Configuration file instead of " CONFIG_FILE "; the command line wins over it"},
    {.name = "profile", .type = SL_OPT_WORD, .offset = offsetof(struct values, profile), .arg = "NAME", .fallback = "cm2007",
     .words = lm_profile_words, .flags = SL_OPT_IN_FILE, .help = "Apply the rules of this product generation"},
    {.name = "strict", .type = SL_OPT_FLAG, .offset = offsetof(struct values, strict),
     .help = "Count the answer of a lower-ranked source as degraded"},
    {.name = "trusted-root-key", .type = SL_OPT_STRING, .offset = offsetof(struct values, root_key), .arg = "FILE",
     .flags = SL_OPT_IN_FILE | SL_OPT_PATH,
     .help = "Pin this trusted root key for every site: management points must prove themselves with it"},
    {.name = "pin", .type = SL_OPT_STRINGS, .offset = offsetof(struct values, pins), .arg = "SITE:FILE", .flags = SL_OPT_IN_FILE,
     .help = "Pin the trusted root key of one site"},
    {.name = "trust", .type = SL_OPT_WORD, .offset = offsetof(struct values, trust), .arg = "LEAST",
     .words = lm_trust_least_words, .flags = SL_OPT_IN_FILE,
     .help = "Accept only answers trusted so far; by default proven where a key is pinned, else unproven"},
    {.name = "seed", .type = SL_OPT_INT, .offset = offsetof(struct values, seed), .arg = "N", .min = 0, .max = INT64_MAX,
     .help = "Repeat the random choice of this seed"},
    {.name = "resolve", .type = SL_OPT_STRINGS, .offset = offsetof(struct values, resolve), .arg = "HOST:ADDR",
     .help = "Reach this host at this numeric address instead of looking it up"},
    {.name = "mp-port", .type = SL_OPT_INT, .offset = offsetof(struct values, mp_port), .arg = "PORT", .min = 1,
     .max = UINT16_MAX,
     .help = "Ask management points at this port, whatever they publish"},
    {.name = "as-client", .type = SL_OPT_STRINGS, .offset = offsetof(struct values, clients), .arg = "ADDR[/LEN]",
     .help = "Find as a client of this address and mask would, instead of this host"},
    {.name = "ad-site", .type = SL_OPT_STRING, .offset = offsetof(struct values, ad_site), .arg = "NAME",
     .help = "Find as a client of this Active Directory site would"},
    {.name = "mask", .type = SL_OPT_STRING, .offset = offsetof(struct values, mask), .arg = "MASK",
     .help = "The mask of --as-client, where it has none of its own (255.255.0.0)"},
    {.name = "forest", .type = SL_OPT_STRING, .offset = offsetof(struct values, forest), .arg = "NAME",
     .help = "Find as a client of this forest would: directories serve their own forest only"},
    {.name = "client-type", .type = SL_OPT_WORD, .offset = offsetof(struct values, client_type), .arg = "TYPE",
     .fallback = "advanced", .words = client_type_words,
     .help = "A legacy client gets client access points, never a management point"},
    {.name = "client-version", .type = SL_OPT_STRING, .offset = offsetof(struct values, client_version), .arg = "VERSION",
     .help = "Take only sites that are not older than a client of this version"},
    {.name = "schema", .type = SL_OPT_WORD, .offset = offsetof(struct values, schema), .arg = "WORD", .fallback = "as-is",
     .words = schema_words, .help = "Suppose that no directory has the schema"},
    {.name = "roaming", .type = SL_OPT_FLAG, .offset = offsetof(struct values, roaming),
     .help = "Find for where the client is: the proxy or resident management point, else the assigned one"},
    {.name = "sequential", .type = SL_OPT_FLAG, .offset = offsetof(struct values, sequential),
     .help = "Ask one source after another, as the product's clients do, instead of all at once"},
    {.name = "cache", .type = SL_OPT_STRING, .offset = offsetof(struct values, cache), .arg = "FILE",
     .flags = SL_OPT_PATH | SL_OPT_IN_FILE,
     .help = "Keep answers in this file, and give an old one, as degraded, when nobody can be asked"},
    {.name = "max-age", .type = SL_OPT_DURATION, .offset = offsetof(struct values, max_age_ms), .arg = "TIME", .min = 1000,
     .max = INT64_MAX, .flags = SL_OPT_IN_FILE,
     .help = "Take an answer that was kept no longer ago without asking; without --cache answers are kept in the usual file"},
    {.name = "now", .type = SL_OPT_INT, .offset = offsetof(struct values, now_s), .arg = "SECONDS", .min = 1, .max = INT64_MAX,
     .help = "Reckon ages as at this time, in seconds since 1970"},
    LDAPC_TIMEOUT_ROW_WITH(struct values, ldap, SL_OPT_IN_FILE),
    {.name = "total-timeout", .type = SL_OPT_DURATION, .offset = offsetof(struct values, total_timeout_ms), .arg = "TIME",
     .fallback = "10s", .min = 1, .max = 3600000, .flags = SL_OPT_IN_FILE, .help = "Longest wait for the whole command"},
    LDAPC_CREDENTIAL_ROWS_WITH(struct values, ldap, SL_OPT_IN_FILE),
    LDAPC_CERTIFICATE_ROWS_WITH(struct values, ldap, SL_OPT_IN_FILE),
};

#define SITE_ROW                                                                                                       \
    {.name = "site", .type = SL_OPT_STRING, .offset = offsetof(struct verb_values, site), .arg = "CODE",               \
     .help = "The site meant: three characters"}

static const struct sl_option code_options[] = {SITE_ROW};

static const struct sl_option site_options[] = {
    SITE_ROW,
    {.name = "all", .type = SL_OPT_FLAG, .offset = offsetof(struct verb_values, all),
     .help = "Show every published object, also what clients do not use, and why not"},
};

static const struct sl_option watch_options[] = {
    {.name = "for", .type = SL_OPT_DURATION, .offset = offsetof(struct verb_values, for_ms), .arg = "TIME", .min = 1,
     .max = INT64_MAX, .help = "End after this time; else it goes on until it is stopped"},
};

static const struct sl_option report_options[] = {
    {.name = "for", .type = SL_OPT_DURATION, .offset = offsetof(struct verb_values, for_ms), .arg = "TIME", .fallback = "5m",
     .min = 1000, .max = 24 * 3600 * 1000, .help = "It is suspect for so long, a day at most"},
    {.name = "clear", .type = SL_OPT_FLAG, .offset = offsetof(struct verb_values, clear), .help = "It is suspect no longer"},
};

static const struct sl_option flush_options[] = {
    {.name = "expired", .type = SL_OPT_FLAG, .offset = offsetof(struct verb_values, expired),
     .help = "Forget only what has outlived its TTL, or --max-age"},
};

static const struct sl_option dp_options[] = {
    {.name = "site", .type = SL_OPT_STRING, .offset = offsetof(struct verb_values, site), .arg = "CODE",
     .help = "Ask the management point of this site"},
    {.name = "package", .type = SL_OPT_STRING, .offset = offsetof(struct verb_values, package), .arg = "ID",
     .help = "Find a distribution point that holds this package"},
    {.name = "package-version", .type = SL_OPT_INT, .offset = offsetof(struct verb_values, package_version), .arg = "N", .min = 1,
     .max = UINT32_MAX, .help = "Of the package, this version; the answer repeats it (any when absent)"},
    {.name = "report", .type = SL_OPT_INT, .offset = offsetof(struct verb_values, draws), .arg = "N", .min = 1, .max = 1000000,
     .help = "Choose so many times, and show how often each was chosen"},
};

/* ---- settings ------------------------------------------------------------------------------------------------------- */

static int set_keys(struct locator *l, const struct values *v)
{
    if (v->root_key && locator_add_root_key(l, NULL, v->root_key))
        return -1;
    for (size_t i = 0; i < v->pins.count; i++)
        if (lc_add_pin(l, v->pins.items[i]))
            return -1;
    return 0;
}

/* True when a directory, DNS or registry is among the sources, where a server locator point and an MP list are looked for. */
static bool names_places(const struct values *v)
{
    const struct src_ops *ops;
    bool names = false;
    for (size_t i = 0; i < v->sources.count; i++)
        names = names || (src_find(v->sources.items[i], &ops, NULL) == SL_OK && src_kind_of(ops) != SRC_SLP &&
                          src_kind_of(ops) != SRC_MP_LIST);
    return names;
}

/* Sources of the command line; else of the configuration file; else, and beside these, what this host's own one names. */
static int set_sources(struct locator *l, const struct cli_call *call)
{
    const struct values *v = call->values;
    bool named = cli_given(call, "source");
    for (size_t i = 0; i < v->sources.count; i++)
        if (named ? locator_add_source(l, v->sources.items[i])
                  : locator_add_source_from(l, v->sources.items[i], v->config ? v->config : CONFIG_FILE))
            return -1;
    return named || names_places(v) || locator_add_default_sources(l) >= 0 ? 0 : -1;
}

static int set_lists(struct locator *l, const struct values *v)
{
    for (size_t i = 0; i < v->resolve.count; i++)
        if (lc_add_resolve(l, v->resolve.items[i]))
            return -1;
    for (size_t i = 0; i < v->clients.count; i++)
        if (lc_add_client(l, v->clients.items[i], v->mask))
            return -1;
    return 0;
}

static int set_options(struct locator *l, const struct cli_call *call)
{
    const struct values *v = call->values;
    bool sasl_told = cli_given(call, "sasl") || v->ldap.sasl != LDAPC_SASL_NONE;
    const struct {
        enum locator_option option;
        const char *value;
    } texts[] = {
        {LOCATOR_PROFILE, lm_profile_words[v->profile]}, {LOCATOR_CLIENT_AD_SITE, v->ad_site},
        {LOCATOR_BASE, v->ldap.base},                    {LOCATOR_CONTAINER, v->ldap.container},
        {LOCATOR_BIND_DN, v->ldap.bind_dn},              {LOCATOR_PASSWORD_FILE, v->ldap.password_file},
        {LOCATOR_SASL, sasl_told ? ldapc_sasl_words[v->ldap.sasl] : NULL}, {LOCATOR_CA_FILE, v->ldap.ca_file},
        {LOCATOR_CERT_FILE, v->ldap.cert_file},          {LOCATOR_KEY_FILE, v->ldap.key_file},
        {LOCATOR_CLIENT_FOREST, v->forest},              {LOCATOR_CLIENT_VERSION, v->client_version},
        {LOCATOR_CLIENT_TYPE, client_type_words[v->client_type]},
    };
    const struct {
        enum locator_option option;
        int64_t value;
    } numbers[] = {
        {LOCATOR_TIMEOUT_MS, v->ldap.timeout_ms}, {LOCATOR_TOTAL_TIMEOUT_MS, v->total_timeout_ms}, {LOCATOR_STRICT, v->strict},
        {LOCATOR_MP_PORT, v->mp_port},            {LOCATOR_NOW_S, v->now_s},
        {LOCATOR_STARTTLS, v->ldap.starttls},     {LOCATOR_SEQUENTIAL, v->sequential},
        {LOCATOR_NO_SCHEMA, v->schema},           {LOCATOR_ROAMING, v->roaming},
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        if (locator_set_text(l, texts[i].option, texts[i].value))
            return -1;
    for (size_t i = 0; i < SL_COUNT(numbers); i++)
        if (locator_set_number(l, numbers[i].option, numbers[i].value))
            return -1;
    return 0;
}

/* True when a directory may be bound to with SASL: so it is asked, or one is found by its domain and tried with Kerberos. */
static bool may_use_sasl(const struct values *v)
{
    bool may = v->ldap.sasl != LDAPC_SASL_NONE || !v->sources.count;
    for (size_t i = 0; i < v->sources.count; i++)
        for (const char *at = v->sources.items[i]; (at = strcasestr(at, "ldap:")) != NULL; at += strlen("ldap:"))
            may = may || strncmp(at + strlen("ldap:"), "//", 2) != 0;
    return may;
}

/*
 * libldap has every plugin of Cyrus SASL loaded before it does anything, two fifths of the time of a search. A process that needs
 * none names a place where there are none. Before any thread has started.
 */
static void spare_sasl_plugins(const struct values *v)
{
    if (!may_use_sasl(v))
        (void)setenv("SASL_PATH", "/dev/null", true);
}

/* Options that mean something else when they are absent than any value of theirs. */
static int set_given(struct locator *l, const struct cli_call *call)
{
    const struct values *v = call->values;
    if (cli_given(call, "seed") && locator_set_number(l, LOCATOR_SEED, v->seed))
        return -1;
    if (v->cache || v->max_age_ms) {
        if (locator_set_text(l, LOCATOR_CACHE_FILE, v->cache ? v->cache : ""))
            return -1;
        if (locator_set_number(l, LOCATOR_MAX_AGE_MS, v->max_age_ms))
            return -1;
    }
    return cli_given(call, "trust") ? locator_set_text(l, LOCATOR_TRUST_LEAST, lm_trust_least_words[v->trust]) : 0;
}

static bool is_given(const char *option, void *call)
{
    return cli_given(call, option);
}

/* The file that was named must be there, the usual one need not. */
static enum sl_status load_config(struct cli_call *call, struct sl_error *e)
{
    struct values *v = call->values;
    if (!v->config && access(CONFIG_FILE, F_OK) != 0)
        return SL_OK;
    return conf_load(v->config ? v->config : CONFIG_FILE, options, SL_COUNT(options), v, is_given, call, e);
}

/* What the options must be before they are taken apart. */
static enum sl_status check_forms(const struct values *v, struct sl_error *e)
{
    if (v->mask && lc_mask_length(v->mask) < 0)
        return sl_fail(e, SL_USAGE, "--mask %s: no IPv4 mask", v->mask);
    for (size_t i = 0; i < v->pins.count; i++)
        if (strcspn(v->pins.items[i], ":") != LM_CODE_SIZE - 1 || strlen(v->pins.items[i]) <= LM_CODE_SIZE)
            return sl_fail(e, SL_USAGE, "--pin %s: SITE:FILE is wanted, the code of a site and the file of its key",
                           v->pins.items[i]);
    return SL_OK;
}

/* A context set up from the command line and the configuration; NULL after the mistake was told. */
static struct locator *set_up(struct cli_call *call)
{
    const struct values *v = call->values;
    struct sl_error e = {.status = SL_OK};
    if (load_config(call, &e) != SL_OK || check_forms(v, &e) != SL_OK) {
        (void)cli_usage(call, "%s", sl_error_text(&e));
        return NULL;
    }
    spare_sasl_plugins(v);
    struct locator *l = locator_new();
    if (!l || set_lists(l, v) || set_keys(l, v) || set_options(l, call) || set_sources(l, call) || set_given(l, call)) {
        (void)cli_usage(call, "%s", locator_error(l));
        locator_free(l);
        return NULL;
    }
    return l;
}

/* ---- verbs ---------------------------------------------------------------------------------------------------------- */

/* Shows a result and ends with the context that it came from. */
static enum sl_outcome finish(struct cli_call *call, struct locator *l, struct locator_result *r, const struct lc_shape *shape)
{
    enum sl_outcome outcome = lc_show(call, r, shape);
    locator_free(l);
    return outcome;
}

static enum sl_outcome run_site(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    struct locator *l = set_up(call);
    if (!l)
        return SL_OUTCOME_USAGE;
    if (v->all)
        return finish(call, l, locator_list(l, LOCATOR_KIND_SITE, v->site), &lc_sites);
    return finish(call, l, locator_find_site(l, v->site), &lc_site);
}

static enum sl_outcome run_mp(struct cli_call *call)
{
    const struct values *values = call->values;
    const struct verb_values *v = call->verb_values;
    if (!v->site && !v->all)
        return cli_usage(call, "whose management point? Name the site with --site CODE, or ask for --all");
    struct locator *l = set_up(call);
    if (!l)
        return SL_OUTCOME_USAGE;
    if (v->all)
        return finish(call, l, locator_list(l, LOCATOR_KIND_MP, v->site), &lc_mps);
    return finish(call, l, locator_find_mp(l, v->site), values->client_type ? &lc_caps : &lc_mp);
}

static enum sl_outcome run_dp(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    uint32_t version = (uint32_t)v->package_version;
    if (!v->site || !v->package)
        return cli_usage(call, "name the site with --site CODE and the package with --package ID");
    struct locator *l = set_up(call);
    if (!l)
        return SL_OUTCOME_USAGE;
    if (v->draws)
        return finish(call, l, locator_report_dp(l, v->site, v->package, version, (uint32_t)v->draws), &lc_report);
    return finish(call, l, locator_find_dp(l, v->site, v->package, version), &lc_dp);
}

static enum sl_outcome run_name(struct cli_call *call)
{
    struct locator *l = set_up(call);
    return l ? finish(call, l, locator_find_name(l, call->args[0]), &lc_name) : SL_OUTCOME_USAGE;
}

static enum sl_outcome run_slp_role(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    struct locator *l = set_up(call);
    return l ? finish(call, l, locator_list(l, LOCATOR_KIND_SLP, v->site), &lc_slps) : SL_OUTCOME_USAGE;
}

static enum sl_outcome run_boundary(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    struct locator *l = set_up(call);
    return l ? finish(call, l, locator_list(l, LOCATOR_KIND_BOUNDARY, v->site), &lc_boundaries) : SL_OUTCOME_USAGE;
}

static enum sl_outcome run_compare_mp(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    if (!v->site)
        return cli_usage(call, "whose management point? Name the site with --site CODE");
    struct locator *l = set_up(call);
    return l ? finish(call, l, locator_compare(l, LOCATOR_KIND_MP, v->site), &lc_compare) : SL_OUTCOME_USAGE;
}

static enum sl_outcome run_compare_site(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    struct locator *l = set_up(call);
    return l ? finish(call, l, locator_compare(l, LOCATOR_KIND_SITE, v->site), &lc_compare) : SL_OUTCOME_USAGE;
}

static enum sl_outcome run_compare_name(struct cli_call *call)
{
    struct locator *l = set_up(call);
    return l ? finish(call, l, locator_compare(l, LOCATOR_KIND_NAME, call->args[0]), &lc_compare) : SL_OUTCOME_USAGE;
}

/* A context for the cache alone: sources are not asked, so none are looked for. */
static struct locator *set_up_cache(struct cli_call *call)
{
    const struct values *v = call->values;
    struct sl_error e = {.status = SL_OK};
    if (load_config(call, &e) != SL_OK) {
        (void)cli_usage(call, "%s", sl_error_text(&e));
        return NULL;
    }
    struct locator *l = locator_new();
    if (!l || locator_set_text(l, LOCATOR_CACHE_FILE, v->cache ? v->cache : "") ||
        locator_set_number(l, LOCATOR_MAX_AGE_MS, v->max_age_ms) || locator_set_number(l, LOCATOR_NOW_S, v->now_s)) {
        (void)cli_usage(call, "%s", locator_error(l));
        locator_free(l);
        return NULL;
    }
    return l;
}

static enum sl_outcome run_watch(struct cli_call *call)
{
    const struct values *values = call->values;
    const struct verb_values *v = call->verb_values;
    struct locator *l = set_up(call);
    if (!l || (!values->cache && locator_set_text(l, LOCATOR_CACHE_FILE, ""))) {
        locator_free(l);
        return SL_OUTCOME_USAGE;
    }
    lc_begin_live(call, &lc_watch);
    return finish(call, l, locator_watch(l, v->for_ms, lc_show_change, call->doc), &lc_nothing);
}

static enum sl_outcome run_rules(struct cli_call *call)
{
    const struct values *v = call->values;
    lc_show_rules(call, cli_given(call, "profile") ? lm_profile_words[v->profile] : NULL);
    return SL_OUTCOME_OK;
}

static enum sl_outcome run_cache_show(struct cli_call *call)
{
    struct locator *l = set_up_cache(call);
    return l ? finish(call, l, locator_list_cache(l), &lc_cache) : SL_OUTCOME_USAGE;
}

static enum sl_outcome run_cache_flush(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    struct locator *l = set_up_cache(call);
    if (!l)
        return SL_OUTCOME_USAGE;
    struct locator_result *r = locator_flush_cache(l, v->expired);
    cli_note(call, "%s", locator_result_message(r));
    return finish(call, l, r, &lc_nothing);
}

static enum sl_outcome run_report_failure(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    struct locator *l = set_up_cache(call);
    if (!l)
        return SL_OUTCOME_USAGE;
    struct locator_result *r = locator_report_failure(l, call->args[0], v->clear ? 0 : v->for_ms);
    return finish(call, l, r, &lc_suspect);
}

/* what, function, arguments, their number, options, summary, arguments of an example */
#define FIND_TABLE(X)                                                                                                  \
    X("site", site, "[--site CODE]", 0, WITH(site), "the site of this client, or that a site is published",            \
      "--as-client 10.1.2.3/24 --source ldap://dc1.example.com")                                                       \
    X("mp", mp, "--site CODE", 0, WITH(site), "the default management point of a site",                                \
      "--site PS1 --source ldap://dc1.example.com --source wins://10.0.0.5")                                           \
    X("dp", dp, "--site CODE --package ID", 0, WITH(dp), "a distribution point that holds a package, chosen at random",\
      "--site PS1 --package PS100012 --source ldap://dc1.example.com")                                                 \
    X("name", name, "NAME#XX", 1, WITHOUT, "the addresses of a registered name", "MP_PS1#1A --source wins://10.0.0.5") \
    X("slp-role", slp_role, "[--site CODE]", 0, WITH(code), "the server locator points of a site, or of all",          \
      "--source ldap://dc1.example.com")                                                                               \
    X("boundary", boundary, "[--site CODE]", 0, WITH(code), "the boundaries of a site, or of all",                     \
      "--site PS1 --source ldap://dc1.example.com")

#define COMPARE_TABLE(X)                                                                                               \
    X("mp", compare_mp, "--site CODE", 0, WITH(code), "default management point of a site",                            \
      "--site PS1 --source ldap://dc1.example.com --source wins://10.0.0.5")                                           \
    X("site", compare_site, "[--site CODE]", 0, WITH(code), "site of this client, or whether a site is published",     \
      "--as-client 10.1.2.3/24 --source ldap://dc1.example.com --source ldap://dc2.example.com")                       \
    X("name", compare_name, "NAME#XX", 1, WITHOUT, "addresses of a registered name",                                   \
      "MP_PS1#1A --source wins://10.0.0.5 --source wins://10.0.0.6")

#define WITH(rows) .options = rows##_options, .option_count = SL_COUNT(rows##_options), .values_size = sizeof(struct verb_values)
#define WITHOUT .options = NULL

#define FIND_VERB(what, function, arguments, arg_count, with, text, example)                                           \
    {.name = "find " what, .args = arguments, .min_args = arg_count, .max_args = arg_count,                            \
     .summary = "Find " text, .run = run_##function, with,                                                             \
     .examples = {"locator find " what " " example, "Find " text}},
#define EXPLAIN_VERB(what, function, arguments, arg_count, with, text, example)                                        \
    {.name = "explain " what, .args = arguments, .min_args = arg_count, .max_args = arg_count,                         \
     .summary = "Find " text ", and show every step", .run = run_##function, with,                                     \
     .examples = {"locator explain " what " " example, "Find " text ", and show every step"}},
#define COMPARE_VERB(what, function, arguments, arg_count, with, text, example)                                        \
    {.name = "compare " what, .args = arguments, .min_args = arg_count, .max_args = arg_count,                         \
     .summary = "Ask every source for the " text ", and tell which agree", .run = run_##function, with,                \
     .examples = {"locator compare " what " " example, "Ask every source for the " text ", and tell which agree"}},

static const struct cli_verb verbs[] = {
    FIND_TABLE(FIND_VERB)
    FIND_TABLE(EXPLAIN_VERB)
    COMPARE_TABLE(COMPARE_VERB)
    {.name = "cache show", .args = "", .summary = "Show the answers that are kept", .run = run_cache_show,
     .examples = {"locator cache show --cache /var/cache/sitelocator/cache.db", "Show the answers that are kept"}},
    {.name = "cache flush", .args = "[--expired]", .summary = "Forget the answers that are kept", .run = run_cache_flush,
     WITH(flush),
     .examples = {"locator cache flush --expired --max-age 7d", "Forget the answers that are older than a week"}},
    {.name = "report-failure", .args = "ANSWER-ID [--for TIME] [--clear]", .min_args = 1, .max_args = 1,
     .summary = "Mark an answer as suspect for all who share the cache", .run = run_report_failure, WITH(report),
     .detail = "For an answer that turned out to be of no use: a management point that is down, a distribution point without the "
               "package. ANSWER-ID is its answer_id. Until the time is over, finders with the same cache pass it over for the "
               "answer of a lower-ranked source, or for another distribution point; without another they give it with a warning.",
     .examples = {"locator report-failure 4C8EB9AF56772D38 --for 10m --cache /var/cache/sitelocator/cache.db",
                  "Pass over an answer for ten minutes"}},
    {.name = "watch", .args = "[--for TIME]", .summary = "Keep a copy of a directory in the cache, and show its changes",
     .run = run_watch, WITH(watch),
     .detail = "The server must know content synchronisation (RFC 4533: the overlay syncprov of OpenLDAP, the plugin Content "
               "Synchronization of 389 Directory Server) or the change notification of Active Directory. What differs from "
               "the copy is shown first, then \"current\", then each change as it comes. When the connection is lost, \"stale\" "
               "tells since when the copy may be out of date; the server is tried again, and each connection begins with a "
               "comparison of the whole.",
     .examples = {"locator watch --source ldap://dc1.example.com --cache /var/cache/sitelocator/cache.db",
                  "Keep a copy of the directory, and show its changes"}},
    {.name = "rules", .args = "", .summary = "Show the rules that decide, and where each comes from", .run = run_rules,
     .detail = "With --profile those of one product generation.",
     .examples = {"locator rules --csv", "Show the rules that decide, and where each comes from"}},
};

#define FAMILY_TEXT(name, kind, form, text) "\n\n" form ": " text

const struct cli_program lc_program = {
    .name = "locator",
    .section = "1",
    .summary = "find the site systems of Systems Management Server 2003 and Configuration Manager 2007",
    .description = "Asks directories, name registries and the DNS, side by side, for a site, its default management point, a "
                   "distribution point or a registered name, and says which source answered. \"Schema not extended\", \"nothing "
                   "published\", \"container unreadable\" and \"could not ask\" are different results, as reason word and exit "
                   "code.\n\n"
                   "Sources are URIs; their order is their priority. The first that answers decides; a dead one costs at most "
                   "--timeout. Live services and dumps are asked alike:" SRC_FAMILY_TABLE(FAMILY_TEXT),
    .options = options,
    .option_count = SL_COUNT(options),
    .values_size = sizeof(struct values),
    .verbs = verbs,
    .verb_count = SL_COUNT(verbs),
    .examples = {"locator find mp --site PS1 --source ldap://dc1.example.com --source wins://10.0.0.5",
                 "Find the default management point of site PS1 in the directory, else in the registry",
                 "locator explain dp --site PS1 --package PS100012 --seed 7 --source ldap://dc1.example.com",
                 "Find a distribution point of a package and show every step"},
    .files = CONFIG_FILE ": sources, base, container, credentials, certificates, profile and time-outs, one \"name = value\" a "
             "line, with \"_\" for \"-\" (source = {\"ldap:example.com\", \"wins://10.0.0.5\"}). Without --source its sources "
             "are asked, in the order of the profile; without any, the URI of ldap.conf, else the directory of each domain of "
             "resolv.conf, the DNS of these domains, and the wins server of smb.conf.",
    .see_also = "winsctl(8), sitectl(8)",
};
