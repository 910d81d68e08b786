/* Sources that this host's own configuration names, and the order in which a profile asks them. */
#include "locator/api/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/dnsc.h"
#include "locator/net/hostconf.h"
#include "locator/net/smbconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS_MAX = 5, KIND_NONE = -1 };

/* What a generation asks, first to last (features.md 4.2; sms.md 6.2). */
static const int profile_kinds[LM_PROFILE_COUNT][KINDS_MAX] = {
    [LM_SMS2003] = {SRC_DIRECTORY, SRC_REGISTRY, KIND_NONE},
    [LM_CM2007] = {SRC_DIRECTORY, SRC_DNS, SRC_SLP, SRC_REGISTRY, KIND_NONE},
    [LM_CB] = {SRC_MP_LIST, SRC_DIRECTORY, SRC_DNS, KIND_NONE},
};

static bool is_of_kind(const char *uri, int kind)
{
    const struct src_ops *ops;
    return src_find(uri, &ops, NULL) == SL_OK && (int)src_kind_of(ops) == kind;
}

/* The kinds in words, index by enum src_kind. */
static const char *const kind_words[] = {"an MP list", "a directory", "the DNS", "a server locator point", "a name registry"};

/* True also for an MP list, which the management points of every generation give to who asks. */
static bool is_in_profile(const struct locator *l, enum src_kind kind)
{
    const int *at = profile_kinds[l->profile];
    while (*at != KIND_NONE && *at != (int)kind)
        at++;
    return *at != KIND_NONE || kind == SRC_MP_LIST;
}

void api_warn_steps(const struct api_inquiry *c)
{
    const struct locator *l = c->l;
    char text[2 * SRC_URI_MAX];
    for (size_t i = 0; c->q.what == SRC_MP && i < c->source_count; i++) {
        const struct src_ops *ops;
        if (src_find(c->sources[i], &ops, NULL) != SL_OK || is_in_profile(l, src_kind_of(ops)))
            continue;
        (void)snprintf(text, sizeof text, "clients of profile %s never ask %s: %s is asked because it was named",
                       lm_profile_words[l->profile], kind_words[src_kind_of(ops)], c->sources[i]);
        api_warn(c->r, text);
    }
}

static bool has_origin(const struct locator *l, size_t i)
{
    return l->origins.items[i][0] != '\0';
}

/* Found sources of a kind, behind those that are there already; returns how many there are now. */
static size_t add_found(const struct locator *l, int kind, const char **sources, size_t count)
{
    for (size_t i = 0; i < l->sources.count; i++)
        if (has_origin(l, i) && is_of_kind(l->sources.items[i], kind))
            sources[count++] = l->sources.items[i];
    return count;
}

/* Kinds that no configuration needs to name, since others do: of which found sources each is learned. */
static const struct {
    int kind;
    const char *scheme, *origin;
    int places[2];
} derived[] = {
    {SRC_SLP, "slp", "server locator point that the others name", {SRC_DIRECTORY, SRC_REGISTRY}},
    {SRC_MP_LIST, "mplist", "management point that the others name", {SRC_DIRECTORY, SRC_DNS}},
};

/* Writes the URI of a kind that is learned of the found sources; false when there are none, or it is not such a kind. */
static bool derive(const struct locator *l, int kind, char *out, struct resolve_trace *trace)
{
    const char *places[RESOLVE_SOURCES_MAX];
    size_t count = 0, row = 0;
    while (row < SL_COUNT(derived) && derived[row].kind != kind)
        row++;
    for (size_t i = 0; row < SL_COUNT(derived) && i < SL_COUNT(derived[row].places); i++)
        count = add_found(l, derived[row].places[i], places, count);
    size_t len = 0;
    for (size_t i = 0; i < count && i < SRC_PLACES_MAX; i++) {
        size_t more = strlen(places[i]) + (i ? strlen(SRC_PLACES_SEPARATOR) : strlen(derived[row].scheme) + 1);
        if (len + more >= SRC_URI_MAX || strstr(places[i], SRC_PLACES_SEPARATOR))
            continue;
        (void)snprintf(out + len, SRC_URI_MAX - len, "%s%s%s", len ? "" : derived[row].scheme, len ? SRC_PLACES_SEPARATOR : ":",
                       places[i]);
        len = strlen(out);
    }
    if (len)
        resolve_trace_origin(trace, out, derived[row].origin, "");
    return len > 0;
}

static void put_origins(const struct locator *l, const char *const *sources, size_t count, struct resolve_trace *trace)
{
    for (size_t i = 0; i < l->sources.count; i++) {
        bool asked = false;
        for (size_t k = 0; k < count; k++)
            asked = asked || sources[k] == l->sources.items[i];
        if (has_origin(l, i))
            resolve_trace_origin(trace, l->sources.items[i], l->origins.items[i], asked ? "" : lm_profile_words[l->profile]);
    }
}

size_t api_order(const struct locator *l, const char *ret_sources[RESOLVE_SOURCES_MAX], char learned[SRC_URI_MAX],
                 struct resolve_trace *trace)
{
    size_t count = 0;
    for (size_t i = 0; i < l->sources.count; i++)
        if (!has_origin(l, i))
            ret_sources[count++] = l->sources.items[i];
    for (size_t k = 0; k < KINDS_MAX && profile_kinds[l->profile][k] != KIND_NONE; k++) {
        size_t before = count;
        count = add_found(l, profile_kinds[l->profile][k], ret_sources, count);
        if (count == before && count < RESOLVE_SOURCES_MAX && derive(l, profile_kinds[l->profile][k], learned, trace))
            ret_sources[count++] = learned;
    }
    put_origins(l, ret_sources, count, trace);
    return count;
}

/* ---- what the host says ----------------------------------------------------------------------------------------------- */

/* A source made of text from elsewhere: one that cannot be used is left out, with a warning. */
static void add(struct locator *l, struct sl_strings *warnings, const char *origin, const char *fmt, ...) SL_PRINTF(4, 5);

static void add(struct locator *l, struct sl_strings *warnings, const char *origin, const char *fmt, ...)
{
    char uri[SRC_URI_MAX + 1], text[SL_ERROR_TEXT_MAX]; /* one that is too long stays so, and is refused as that */
    struct sl_error kept = l->error;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(uri, sizeof uri, fmt, args);
    va_end(args);
    for (size_t i = 0; i < l->sources.count; i++)
        if (!strcmp(l->sources.items[i], uri))
            return;
    if (locator_add_source_from(l, uri, origin) == 0)
        return;
    (void)snprintf(text, sizeof text, "%s \"%.100s\" cannot be asked: %.200s", origin, uri, l->error.text);
    sl_strings_add(warnings, text);
    l->error = kept;
}

/* URI, BASE and TLS_CACERT of ldap.conf; true when it names a server. */
static bool add_ldap_conf(struct locator *l, struct sl_strings *warnings)
{
    struct ldapc_defaults d;
    ldapc_defaults_read(&d, warnings);
    for (size_t i = 0; i < d.uris.count; i++) {
        char *uri = d.base && !l->config.ldap.base ? ldapc_uri_with_base(d.uris.items[i], d.base) : sl_strdup(d.uris.items[i]);
        if (uri)
            add(l, warnings, "URI of ldap.conf", "%s", uri);
        free(uri);
    }
    if (d.ca_file && !l->config.ldap.ca_file)
        (void)locator_set_text(l, LOCATOR_CA_FILE, d.ca_file);
    bool named = d.uris.count > 0;
    ldapc_defaults_fini(&d);
    return named;
}

int locator_add_default_sources(struct locator *l)
{
    SL_CHECK_MAGIC(l, LOCATOR_MAGIC);
    struct sl_strings domains = {.count = 0}, servers = {.count = 0}, warnings = {.count = 0};
    size_t before = l->sources.count;
    bool named = add_ldap_conf(l, &warnings);
    loc_hostconf_check_resolver(&warnings);
    dnsc_search_domains(&domains);
    for (size_t i = 0; i < domains.count; i++) {
        if (!named)
            add(l, &warnings, "domain of resolv.conf", "ldap:%s", domains.items[i]);
        add(l, &warnings, "domain of resolv.conf", "dns:%s", domains.items[i]);
    }
    loc_smb_wins_servers(loc_smb_path(), &servers, &warnings);
    for (size_t i = 0; i < servers.count; i++)
        add(l, &warnings, "wins server of smb.conf", "wins://%s", servers.items[i]);
    api_set_notes(l, &warnings);
    sl_strings_fini(&domains);
    sl_strings_fini(&servers);
    return (int)(l->sources.count - before);
}

void api_warn_notes(const struct locator *l, struct locator_result *r)
{
    for (size_t i = 0; i < l->notes.count; i++)
        api_warn(r, l->notes.items[i]);
}
