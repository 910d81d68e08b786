#include "locator/cli/program.h"

#include "common/base/text.h"
#include "locator/model/code.h"
#include "locator/net/ldapc.h"
#include "locator/source/source.h"

#include <locator/locator.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
    struct cli_common common;
    struct sl_strings sources, resolve, clients;
    struct ldapc_options ldap;
    char *ad_site, *cert_file, *key_file;
    int profile;
    int64_t total_timeout_ms, seed, mp_port, now_s;
    bool strict;
};

struct verb_values {
    char *site;
    char *package;
    int64_t package_version;
};

static const struct sl_option options[] = {
    {.name = "source", .type = SL_OPT_STRINGS, .offset = offsetof(struct values, sources), .arg = "URI", .flags = SL_OPT_IN_FILE,
     .help = "Ask this source; the order is the priority (the forms stand in the manual)"},
    {.name = "profile", .type = SL_OPT_WORD, .offset = offsetof(struct values, profile), .arg = "NAME", .fallback = "cm2007",
     .words = lm_profile_words, .help = "Apply the rules of this product generation"},
    {.name = "strict", .type = SL_OPT_FLAG, .offset = offsetof(struct values, strict),
     .help = "Count the answer of a lower-ranked source as degraded"},
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
    {.name = "now", .type = SL_OPT_INT, .offset = offsetof(struct values, now_s), .arg = "SECONDS", .min = 1, .max = INT64_MAX,
     .help = "Reckon ages as at this time, in seconds since 1970"},
    LDAPC_TIMEOUT_ROW(struct values, ldap),
    {.name = "total-timeout", .type = SL_OPT_DURATION, .offset = offsetof(struct values, total_timeout_ms), .arg = "TIME",
     .fallback = "10s", .min = 1, .max = 3600000, .help = "Longest wait for the whole command"},
    LDAPC_CREDENTIAL_ROWS(struct values, ldap),
    {.name = "cert", .type = SL_OPT_STRING, .offset = offsetof(struct values, cert_file), .arg = "FILE", .flags = SL_OPT_PATH,
     .help = "PEM file of the certificate to show to https: servers"},
    {.name = "key", .type = SL_OPT_STRING, .offset = offsetof(struct values, key_file), .arg = "FILE", .flags = SL_OPT_PATH,
     .help = "PEM file of its key (by default it stands in the file of --cert)"},
};

static const struct sl_option site_options[] = {
    {.name = "site", .type = SL_OPT_STRING, .offset = offsetof(struct verb_values, site), .arg = "CODE",
     .help = "The site meant: three characters"},
};

static const struct sl_option dp_options[] = {
    {.name = "site", .type = SL_OPT_STRING, .offset = offsetof(struct verb_values, site), .arg = "CODE",
     .help = "Ask the management point of this site"},
    {.name = "package", .type = SL_OPT_STRING, .offset = offsetof(struct verb_values, package), .arg = "ID",
     .help = "Find a distribution point that holds this package"},
    {.name = "package-version", .type = SL_OPT_INT, .offset = offsetof(struct verb_values, package_version), .arg = "N", .min = 1,
     .max = UINT32_MAX, .help = "Of the package, this version; the answer repeats it (any when absent)"},
};

/* ---- answers -------------------------------------------------------------------------------------------------------- */

/* A column of an answer and the field it shows. */
struct shown {
    const char *name;
    enum cli_type type;
    enum locator_field field;
};

static const struct shown site_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},
    {"assigned_by", CLI_TEXT, LOCATOR_ASSIGNED_BY},
    {"mp", CLI_TEXT, LOCATOR_MP},
};

static const struct shown mp_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},     {"mp", CLI_TEXT, LOCATOR_MP},           {"address", CLI_TEXT, LOCATOR_ADDRESS},
    {"port", CLI_NUMBER, LOCATOR_PORT},   {"default", CLI_BOOL, LOCATOR_DEFAULT}, {"version", CLI_TEXT, LOCATOR_VERSION},
    {"source", CLI_TEXT, LOCATOR_SOURCE}, {"server", CLI_TEXT, LOCATOR_SERVER},   {"age_s", CLI_NUMBER, LOCATOR_AGE_S},
    {"ttl_s", CLI_NUMBER, LOCATOR_TTL_S}, {"trust", CLI_TEXT, LOCATOR_TRUST},
};

static const struct shown dp_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},
    {"package", CLI_TEXT, LOCATOR_PACKAGE},
    {"package_version", CLI_NUMBER, LOCATOR_PACKAGE_VERSION},
    {"dp", CLI_TEXT, LOCATOR_DP},
    {"url", CLI_TEXT, LOCATOR_URL},
    {"locality", CLI_TEXT, LOCATOR_LOCALITY},
    {"mp", CLI_TEXT, LOCATOR_MP},
    {"seed", CLI_NUMBER, LOCATOR_CHOICE_SEED},
    {"candidates", CLI_LIST, LOCATOR_CANDIDATES},
};

static const struct shown name_columns[] = {
    {"name", CLI_TEXT, LOCATOR_NAME},           {"kind", CLI_TEXT, LOCATOR_KIND},     {"addresses", CLI_LIST, LOCATOR_ADDRESSES},
    {"node", CLI_TEXT, LOCATOR_NODE},           {"source", CLI_TEXT, LOCATOR_SOURCE},
};

enum { COLUMNS_MAX = 16, NUMBER_MAX = 24, LIST_MAX = 1 << 20 };

/* The text of a cell: NULL when the field is not filled. `buffer` serves numbers, `list` lists. */
static const char *cell(const struct locator_result *r, const struct shown *column, char buffer[NUMBER_MAX], struct sl_text *list)
{
    const char *text = locator_result_text(r, column->field);
    int64_t number = locator_result_number(r, column->field);
    if (text)
        return text;
    for (size_t i = 0; i < locator_result_count(r, column->field); i++)
        sl_text_printf(list, "%s%s", i ? "\n" : "", locator_result_item(r, column->field, i));
    if (list->len)
        return sl_text_str(list);
    if (number < 0)
        return NULL;
    if (column->type == CLI_BOOL)
        return number ? "true" : "false";
    (void)snprintf(buffer, NUMBER_MAX, "%" PRId64, number);
    return buffer;
}

static void put_answer(struct cli_doc *doc, const struct locator_result *r, const struct shown *columns, size_t count)
{
    struct cli_column heads[COLUMNS_MAX];
    const char *cells[COLUMNS_MAX];
    char numbers[COLUMNS_MAX][NUMBER_MAX];
    struct sl_text lists[COLUMNS_MAX];
    enum locator_outcome outcome = locator_result_outcome(r);
    for (size_t i = 0; i < count; i++) {
        lists[i] = sl_text_new(LIST_MAX);
        heads[i] = (struct cli_column){columns[i].name, columns[i].type};
        cells[i] = cell(r, &columns[i], numbers[i], &lists[i]);
    }
    cli_doc_columns(doc, heads, count, true);
    if (outcome == LOCATOR_OK || outcome == LOCATOR_DEGRADED)
        cli_doc_row(doc, cells);
    for (size_t i = 0; i < count; i++)
        sl_text_fini(&lists[i]);
}

static void put_steps(struct cli_doc *doc, const struct locator_result *r)
{
    for (size_t i = 0; i < locator_step_count(r); i++) {
        char numbers[3][NUMBER_MAX];
        static const enum locator_step_field number_fields[] = {LOCATOR_STEP_MS, LOCATOR_STEP_AGE_S, LOCATOR_STEP_TTL_S};
        const char *shown[3];
        for (size_t n = 0; n < SL_COUNT(number_fields); n++) {
            int64_t value = locator_step_number(r, i, number_fields[n]);
            (void)snprintf(numbers[n], NUMBER_MAX, "%" PRId64, value);
            shown[n] = value < 0 ? NULL : numbers[n];
        }
        cli_doc_step(doc, (const char *const[CLI_STEP_COLUMNS]){
                              locator_step_text(r, i, LOCATOR_STEP_SOURCE), locator_step_text(r, i, LOCATOR_STEP_ASKED),
                              locator_step_text(r, i, LOCATOR_STEP_RESULT), locator_step_text(r, i, LOCATOR_STEP_VERDICT),
                              locator_step_text(r, i, LOCATOR_STEP_RULE), shown[0], shown[1], shown[2],
                              locator_step_text(r, i, LOCATOR_STEP_OWNER), locator_step_text(r, i, LOCATOR_STEP_TRUST)});
    }
}

static enum sl_outcome outcome_of(const struct locator_result *r)
{
    return sl_outcome_parse(locator_outcome_word(locator_result_outcome(r)));
}

static enum sl_outcome show(struct cli_call *call, struct locator_result *r, const struct shown *columns, size_t count)
{
    enum sl_outcome outcome = outcome_of(r);
    if (!strncmp(call->verb->name, "explain", 7))
        cli_doc_show_steps(call->doc);
    put_answer(call->doc, r, columns, count);
    put_steps(call->doc, r);
    for (size_t i = 0; i < locator_warning_count(r); i++)
        cli_doc_warning(call->doc, locator_warning(r, i));
    if (outcome != SL_OUTCOME_OK)
        cli_doc_reason(call->doc, locator_result_reason(r), locator_result_message(r));
    locator_result_free(r);
    return outcome;
}

/* ---- settings ------------------------------------------------------------------------------------------------------- */

/* HOST:ADDR; the address may stand in brackets. */
static int add_resolve(struct locator *l, const char *text)
{
    char host[256], address[64];
    const char *colon = strchr(text, ':');
    const char *at = colon ? colon + 1 : "";
    size_t len = strlen(at);
    if (len >= 2 && at[0] == '[' && at[len - 1] == ']') {
        at++;
        len -= 2;
    }
    if (!colon || (size_t)(colon - text) >= sizeof host || len >= sizeof address)
        return locator_add_address(l, "", text);
    (void)sl_text_copy(host, (size_t)(colon - text) + 1, text);
    (void)sl_text_copy(address, len + 1, at);
    return locator_add_address(l, host, address);
}

static int set_lists(struct locator *l, const struct values *v)
{
    for (size_t i = 0; i < v->sources.count; i++)
        if (locator_add_source(l, v->sources.items[i]))
            return -1;
    for (size_t i = 0; i < v->resolve.count; i++)
        if (add_resolve(l, v->resolve.items[i]))
            return -1;
    for (size_t i = 0; i < v->clients.count; i++)
        if (locator_add_client_address(l, v->clients.items[i]))
            return -1;
    return 0;
}

static int set_options(struct locator *l, const struct values *v)
{
    const struct {
        enum locator_option option;
        const char *value;
    } texts[] = {
        {LOCATOR_PROFILE, lm_profile_words[v->profile]}, {LOCATOR_CLIENT_AD_SITE, v->ad_site},
        {LOCATOR_BASE, v->ldap.base},                    {LOCATOR_CONTAINER, v->ldap.container},
        {LOCATOR_BIND_DN, v->ldap.bind_dn},              {LOCATOR_PASSWORD_FILE, v->ldap.password_file},
        {LOCATOR_SASL, ldapc_sasl_words[v->ldap.sasl]},  {LOCATOR_CA_FILE, v->ldap.ca_file},
        {LOCATOR_CERT_FILE, v->cert_file},               {LOCATOR_KEY_FILE, v->key_file},
    };
    const struct {
        enum locator_option option;
        int64_t value;
    } numbers[] = {
        {LOCATOR_TIMEOUT_MS, v->ldap.timeout_ms}, {LOCATOR_TOTAL_TIMEOUT_MS, v->total_timeout_ms}, {LOCATOR_STRICT, v->strict},
        {LOCATOR_MP_PORT, v->mp_port},            {LOCATOR_NOW_S, v->now_s},
                              {LOCATOR_STARTTLS, v->ldap.starttls},
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        if (locator_set_text(l, texts[i].option, texts[i].value))
            return -1;
    for (size_t i = 0; i < SL_COUNT(numbers); i++)
        if (locator_set_number(l, numbers[i].option, numbers[i].value))
            return -1;
    return 0;
}

/*
 * libldap has every plugin of Cyrus SASL loaded before it does anything, two fifths of the time of a search. Without --sasl this
 * process needs none, so it names a place where there are none. Before any thread has started.
 */
static void spare_sasl_plugins(const struct values *v)
{
    if (v->ldap.sasl == LDAPC_SASL_NONE)
        (void)setenv("SASL_PATH", "/dev/null", true);
}

/* A context set up from the command line; NULL after the mistake was told. */
static struct locator *set_up(struct cli_call *call)
{
    const struct values *v = call->values;
    if (!v->sources.count) {
        (void)cli_usage(call, "no source to ask: name at least one with --source URI");
        return NULL;
    }
    spare_sasl_plugins(v);
    struct locator *l = locator_new();
    if (!l || set_lists(l, v) || set_options(l, v) || (cli_given(call, "seed") && locator_set_number(l, LOCATOR_SEED, v->seed))) {
        (void)cli_usage(call, "%s", locator_error(l));
        locator_free(l);
        return NULL;
    }
    return l;
}

/* ---- verbs ---------------------------------------------------------------------------------------------------------- */

static enum sl_outcome run_site(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    struct locator *l = set_up(call);
    if (!l)
        return SL_OUTCOME_USAGE;
    enum sl_outcome outcome = show(call, locator_find_site(l, v->site), site_columns, SL_COUNT(site_columns));
    locator_free(l);
    return outcome;
}

static enum sl_outcome run_mp(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    if (!v->site)
        return cli_usage(call, "whose management point? Name the site with --site CODE");
    struct locator *l = set_up(call);
    if (!l)
        return SL_OUTCOME_USAGE;
    enum sl_outcome outcome = show(call, locator_find_mp(l, v->site), mp_columns, SL_COUNT(mp_columns));
    locator_free(l);
    return outcome;
}

static enum sl_outcome run_dp(struct cli_call *call)
{
    const struct verb_values *v = call->verb_values;
    if (!v->site || !v->package)
        return cli_usage(call, "name the site with --site CODE and the package with --package ID");
    struct locator *l = set_up(call);
    if (!l)
        return SL_OUTCOME_USAGE;
    struct locator_result *r = locator_find_dp(l, v->site, v->package, (uint32_t)v->package_version);
    enum sl_outcome outcome = show(call, r, dp_columns, SL_COUNT(dp_columns));
    locator_free(l);
    return outcome;
}

static enum sl_outcome run_name(struct cli_call *call)
{
    struct locator *l = set_up(call);
    if (!l)
        return SL_OUTCOME_USAGE;
    enum sl_outcome outcome = show(call, locator_find_name(l, call->args[0]), name_columns, SL_COUNT(name_columns));
    locator_free(l);
    return outcome;
}

/* what, options, number of option rows, size of their values, arguments, their number, summary, arguments of an example */
#define VERB_TABLE(X)                                                                                                  \
    X(site, site_options, SL_COUNT(site_options), sizeof(struct verb_values), "[--site CODE]", 0,                      \
      "the site of this client, or that a site is published", "--as-client 10.1.2.3/24 --source ldap://dc1.example.com") \
    X(mp, site_options, SL_COUNT(site_options), sizeof(struct verb_values), "--site CODE", 0,                          \
      "the default management point of a site",                                                                        \
      "--site PS1 --source ldap://dc1.example.com --source wins://10.0.0.5")                                           \
    X(dp, dp_options, SL_COUNT(dp_options), sizeof(struct verb_values), "--site CODE --package ID", 0,                 \
      "a distribution point that holds a package, chosen at random",                                                   \
      "--site PS1 --package PS100012 --source ldap://dc1.example.com")                                                 \
    X(name, NULL, 0, 0, "NAME#XX", 1, "the addresses of a registered name", "MP_PS1#1A --source wins://10.0.0.5")

static const struct cli_verb verbs[] = {
#define FIND_VERB(what, rows, count, size, arguments, arg_count, text, example)                                        \
    {.name = "find " #what, .args = arguments, .min_args = arg_count, .max_args = arg_count, .summary = "Find " text,  \
     .options = rows, .option_count = count, .values_size = size, .run = run_##what,                                   \
     .examples = {"locator find " #what " " example, "Find " text}},
    VERB_TABLE(FIND_VERB)
#undef FIND_VERB
#define EXPLAIN_VERB(what, rows, count, size, arguments, arg_count, text, example)                                     \
    {.name = "explain " #what, .args = arguments, .min_args = arg_count, .max_args = arg_count,                        \
     .summary = "Find " text ", and show every step", .options = rows, .option_count = count, .values_size = size,     \
     .run = run_##what, .examples = {"locator explain " #what " " example, "Find " text ", and show every step"}},
    VERB_TABLE(EXPLAIN_VERB)
#undef EXPLAIN_VERB
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
    .see_also = "winsctl(8), sitectl(8)",
};
