#include "locator/source/ldap.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const attrs[] = {"objectClass",
                                    SCHEMA_SITE_CODE,
                                    SCHEMA_ASSIGNMENT_SITE_CODE,
                                    SCHEMA_ROAMING_BOUNDARIES,
                                    SCHEMA_SITE_BOUNDARIES,
                                    SCHEMA_RANGED_IP_LOW,
                                    SCHEMA_RANGED_IP_HIGH,
                                    SCHEMA_SOURCE_FOREST,
                                    NULL};

/* A site that the client lies in. Exact matches weigh the same; a guessed subnet by its length, less than any exact one. */
struct match {
    char site[LM_CODE_SIZE];       /* whose boundary matched */
    char assignment[LM_CODE_SIZE]; /* where its clients are assigned */
    const char *by, *rule;
    int weight;
};

enum { WEIGHT_EXACT = 1000, MATCHES_MAX = 64 };

/* The sites that match, each once with its heaviest boundary, of several the first by rule; `dropped`: there were more. */
struct matches {
    struct match items[MATCHES_MAX];
    size_t count;
    bool dropped;
};

static bool code_of(const struct ldapc_entry *entry, const char *attr, char out[LM_CODE_SIZE])
{
    const char *text = ldapc_entry_text(entry, attr);
    return text && lm_code_parse(text, out, NULL) == SL_OK;
}

static void consider(struct matches *found, const struct ldapc_entry *entry, const char *by, const char *rule, int weight)
{
    struct match m = {.by = by, .rule = rule, .weight = weight};
    size_t i = 0;
    if (!code_of(entry, SCHEMA_SITE_CODE, m.site))
        return;
    if (!code_of(entry, SCHEMA_ASSIGNMENT_SITE_CODE, m.assignment))
        memcpy(m.assignment, m.site, sizeof m.site);
    while (i < found->count && strcmp(found->items[i].site, m.site) != 0)
        i++;
    if (i == MATCHES_MAX) {
        found->dropped = true;
        return;
    }
    if (i == found->count)
        found->items[found->count++] = m;
    else if (weight > found->items[i].weight || (weight == found->items[i].weight && strcmp(rule, found->items[i].rule) < 0))
        found->items[i] = m;
}

/* The heaviest first, then by site code, so that every client decides alike (B5). */
static int by_weight_and_code(const void *left, const void *right)
{
    const struct match *a = left, *b = right;
    return a->weight != b->weight ? b->weight - a->weight : strcmp(a->site, b->site);
}

static void match_values(struct matches *found, const struct ldapc_entry *entry, const char *attr, const struct lm_client *client)
{
    const struct ldapc_attr *values = ldapc_entry_attr(entry, attr);
    for (size_t i = 0; values && i < values->count; i++) {
        struct lm_match m = lm_boundary_match(values->values[i].data, client);
        if (m.kind == LM_MATCH_AD_SITE)
            consider(found, entry, "ad-site", "B1", WEIGHT_EXACT);
        else if (m.kind == LM_MATCH_SUBNET)
            consider(found, entry, "subnet", "B2", WEIGHT_EXACT);
        else if (m.kind == LM_MATCH_GUESSED_SUBNET)
            consider(found, entry, "subnet", "B3", m.prefix_len);
    }
}

static void match_range(struct matches *found, const struct ldapc_entry *entry, const struct lm_client *client)
{
    const char *low = ldapc_entry_text(entry, SCHEMA_RANGED_IP_LOW), *high = ldapc_entry_text(entry, SCHEMA_RANGED_IP_HIGH);
    uint32_t from, to;
    if (low && high && lm_range_integer(low, &from) && lm_range_integer(high, &to) && lm_range_holds(from, to, client))
        consider(found, entry, "range", "B4", WEIGHT_EXACT);
}

/* The forest of an entry that is not the client's, else NULL. */
static const char *foreign_forest(const struct ldapc_entry *entry, const struct src_question *q)
{
    const char *forest = q->forest[0] ? ldapc_entry_text(entry, SCHEMA_SOURCE_FOREST) : NULL;
    return forest && !sl_text_iequal(forest, q->forest) ? forest : NULL;
}

/* Collects the sites that hold the client and serve its forest; true when one that is out of question for its forest was met. */
static bool collect(const struct ldapc_entries *found, const struct src_question *q, struct matches *ret_matches,
                    struct src_answer *a)
{
    bool foreign = false;
    for (size_t i = 0; i < found->count; i++) {
        const struct ldapc_entry *entry = &found->items[i];
        const char *forest = foreign_forest(entry, q);
        if (forest) {
            src_ldap_say_foreign(entry->dn, forest, q, a);
            foreign = true;
            continue;
        }
        match_values(ret_matches, entry, SCHEMA_ROAMING_BOUNDARIES, &q->client);
        match_values(ret_matches, entry, SCHEMA_SITE_BOUNDARIES, &q->client);
        match_range(ret_matches, entry, &q->client);
    }
    return foreign;
}

static void put_equality(struct sl_text *filter, const char *attr, const char *value)
{
    sl_text_printf(filter, "(%s=", attr);
    ldapc_escape_filter(filter, value, strlen(value));
    sl_text_puts(filter, ")");
}

/* Sites with a boundary value that would match, and every range: ranges are compared here, not by the server. */
static void make_filter(const struct lm_client *client, struct sl_text *filter)
{
    struct lm_candidate *candidates = sl_new_array(LM_CANDIDATES_MAX, sizeof *candidates);
    size_t count = lm_candidates(client, candidates, LM_CANDIDATES_MAX);
    sl_text_printf(filter, "(|(objectClass=%s)(&(objectClass=%s)(|", SCHEMA_CLASS_ROAMING_BOUNDARY_RANGE, SCHEMA_CLASS_SITE);
    for (size_t i = 0; i < count; i++) {
        put_equality(filter, SCHEMA_ROAMING_BOUNDARIES, candidates[i].text);
        put_equality(filter, SCHEMA_SITE_BOUNDARIES, candidates[i].text);
    }
    sl_text_puts(filter, ")))");
    free(candidates);
}

/* Looks up the management point of a site that was found; that it has none does not change that the site was found. */
static void say_site(struct ldapc *dir, const struct src_question *q, const struct match *m, struct sl_deadline deadline,
                     struct src_answer *a)
{
    src_ldap_ask_mp(dir, q, m->assignment, deadline, a);
    if (a->result != SRC_ANSWER)
        src_warn(a, "%s", a->text);
    (void)sl_text_copy(a->site, sizeof a->site, m->assignment);
    (void)sl_text_copy(a->assigned_by, sizeof a->assigned_by, m->by);
    (void)sl_text_copy(a->rule, sizeof a->rule, m->rule);
    src_say(a, SRC_ANSWER, "site %s by %s", m->assignment, m->by);
}

static void ask_by_code(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    char filter[SRC_TEXT_MAX], missing[16];
    struct ldapc_entries found = {.count = 0};
    struct match m = {.by = "site-code", .rule = ""};
    memcpy(m.assignment, q->site, sizeof m.assignment);
    (void)snprintf(filter, sizeof filter, "(&(objectClass=%s)(%s=%s))", SCHEMA_CLASS_SITE, SCHEMA_SITE_CODE, q->site);
    (void)snprintf(missing, sizeof missing, "site %s", q->site);
    if (!src_ldap_search(dir, filter, attrs, missing, deadline, a, &found)) {
        src_ldap_say_unreadable(dir, missing, deadline, a);
        return;
    }
    const char *forest = found.count ? foreign_forest(&found.items[0], q) : NULL;
    if (forest)
        src_ldap_say_foreign(missing, forest, q, a);
    else if (found.count)
        say_site(dir, q, &m, deadline, a);
    else
        src_ldap_say_absent(dir, missing, deadline, a);
    ldapc_entries_fini(&found);
}

static void add_rule(struct src_answer *a, const char *rule)
{
    size_t len = strlen(a->rule);
    (void)snprintf(a->rule + len, sizeof a->rule - len, " %s", rule);
}

static void warn_of_match(const struct matches *found, const struct match *m, struct src_answer *a)
{
    size_t sites = 0;
    for (size_t i = 0; i < found->count; i++)
        sites += found->items[i].weight == found->items[0].weight;
    if (sites > 1) {
        src_warn(a, "the client lies in the boundaries of %zu sites%s; %s, the first by code, is taken", sites,
                 found->dropped ? " and more" : "", m->site);
        add_rule(a, "B5");
    }
    if (m->weight < WEIGHT_EXACT)
        src_warn(a, "the client's mask is not known: the longest published subnet that could hold it is taken");
    if (strcmp(m->site, m->assignment) != 0) {
        src_warn(a, "the client lies in site %s, which assigns its clients to %s", m->site, m->assignment);
        add_rule(a, "B6");
    }
}

/* Takes the first valid site of those that match: one that is not older than the client (B7). */
static void choose(struct ldapc *dir, const struct src_question *q, struct matches *found, struct sl_deadline deadline,
                   struct src_answer *a)
{
    qsort(found->items, found->count, sizeof found->items[0], by_weight_and_code);
    for (size_t i = 0; i < found->count; i++) {
        const struct match *m = &found->items[i];
        say_site(dir, q, m, deadline, a);
        if (lm_version_is_older(a->mp.version, q->client_version)) {
            src_warn(a, "site %s has version %s, older than the client's %s: passed over", m->assignment, a->mp.version,
                     q->client_version);
            continue;
        }
        warn_of_match(found, m, a);
        if (q->client_version[0])
            add_rule(a, "B7");
        (void)sl_text_copy(a->resident, sizeof a->resident, m->site);
        return;
    }
    a->site[0] = '\0';
    a->mp = lm_mp_unknown();
    (void)sl_text_copy(a->rule, sizeof a->rule, "B7");
    src_say(a, SRC_NOT_FOUND, "every site whose boundaries hold the client is older than the client's %s", q->client_version);
}

static void ask_by_place(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    static const char absent[] = "a boundary that holds the client";
    struct sl_text filter = sl_text_new(SRC_LDAP_FILTER_MAX);
    struct ldapc_entries found = {.count = 0};
    struct matches matches = {.count = 0};
    make_filter(&q->client, &filter);
    bool asked = !sl_text_failed(&filter) &&
                 src_ldap_search(dir, sl_text_str(&filter), attrs, "boundaries that hold the client", deadline, a, &found);
    sl_text_fini(&filter);
    if (!asked) {
        src_ldap_say_unreadable(dir, absent, deadline, a);
        return;
    }
    bool foreign = collect(&found, q, &matches, a);
    bool incomplete = found.incomplete;
    ldapc_entries_fini(&found);
    if (matches.count)
        choose(dir, q, &matches, deadline, a);
    else if (incomplete)
        src_say(a, SRC_CUT, "%s: the answer was cut by a limit of the server", ldapc_server(dir));
    else if (!foreign)
        src_ldap_say_absent(dir, absent, deadline, a);
}

void src_ldap_ask_site(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    if (q->site[0])
        ask_by_code(dir, q, deadline, a);
    else
        ask_by_place(dir, q, deadline, a);
}
