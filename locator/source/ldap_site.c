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
                                    NULL};

/* The best match so far. Exact matches weigh the same; a guessed subnet weighs by its length and less than any exact one. */
struct best {
    char site[LM_CODE_SIZE];       /* whose boundary matched */
    char assignment[LM_CODE_SIZE]; /* where its clients are assigned */
    const char *by;
    int weight;
    size_t sites; /* different sites of this weight */
};

enum { WEIGHT_EXACT = 1000 };

static bool code_of(const struct ldapc_entry *entry, const char *attr, char out[LM_CODE_SIZE])
{
    const char *text = ldapc_entry_text(entry, attr);
    return text && lm_code_parse(text, out, NULL) == SL_OK;
}

/* Takes a match of an entry into account: heavier wins, then the lower site code, so that every client decides alike. */
static void consider(struct best *best, const struct ldapc_entry *entry, const char *by, int weight)
{
    char site[LM_CODE_SIZE], assignment[LM_CODE_SIZE];
    if (!code_of(entry, SCHEMA_SITE_CODE, site) || weight < best->weight)
        return;
    if (!code_of(entry, SCHEMA_ASSIGNMENT_SITE_CODE, assignment))
        memcpy(assignment, site, sizeof site);
    int order = weight > best->weight ? -1 : strcmp(site, best->site);
    if (weight > best->weight)
        best->sites = 1;
    else if (order)
        best->sites++;
    if (order >= 0)
        return;
    memcpy(best->site, site, sizeof site);
    memcpy(best->assignment, assignment, sizeof assignment);
    best->by = by;
    best->weight = weight;
}

static void match_values(struct best *best, const struct ldapc_entry *entry, const char *attr, const struct lm_client *client)
{
    const struct ldapc_attr *values = ldapc_entry_attr(entry, attr);
    for (size_t i = 0; values && i < values->count; i++) {
        struct lm_match m = lm_boundary_match(values->values[i].data, client);
        if (m.kind == LM_MATCH_AD_SITE)
            consider(best, entry, "ad-site", WEIGHT_EXACT);
        else if (m.kind == LM_MATCH_SUBNET)
            consider(best, entry, "subnet", WEIGHT_EXACT);
        else if (m.kind == LM_MATCH_GUESSED_SUBNET)
            consider(best, entry, "subnet", m.prefix_len);
    }
}

static void match_range(struct best *best, const struct ldapc_entry *entry, const struct lm_client *client)
{
    const char *low = ldapc_entry_text(entry, SCHEMA_RANGED_IP_LOW), *high = ldapc_entry_text(entry, SCHEMA_RANGED_IP_HIGH);
    uint32_t from, to;
    if (low && high && lm_range_integer(low, &from) && lm_range_integer(high, &to) && lm_range_holds(from, to, client))
        consider(best, entry, "range", WEIGHT_EXACT);
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

/* Names the site and looks up its management point, whose absence does not change that the site was found. */
static void say_site(struct ldapc *dir, const struct src_question *q, const char *site, const char *by,
                     struct sl_deadline deadline, struct src_answer *a)
{
    src_ldap_ask_mp(dir, q, site, deadline, a);
    if (a->result != SRC_ANSWER)
        src_warn(a, "%s", a->text);
    (void)sl_text_copy(a->site, sizeof a->site, site);
    (void)sl_text_copy(a->assigned_by, sizeof a->assigned_by, by);
    src_say(a, SRC_ANSWER, "site %s by %s", site, by);
}

static void ask_by_code(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    char filter[SRC_TEXT_MAX], missing[16];
    struct ldapc_entries found = {.count = 0};
    (void)snprintf(filter, sizeof filter, "(&(objectClass=%s)(%s=%s))", SCHEMA_CLASS_SITE, SCHEMA_SITE_CODE, q->site);
    (void)snprintf(missing, sizeof missing, "site %s", q->site);
    if (!src_ldap_search(dir, filter, attrs, missing, deadline, a, &found)) {
        src_ldap_say_unreadable(dir, missing, deadline, a);
        return;
    }
    if (found.count)
        say_site(dir, q, q->site, "site-code", deadline, a);
    else
        src_ldap_say_absent(dir, missing, deadline, a);
    ldapc_entries_fini(&found);
}

static void warn_of_match(const struct best *best, struct src_answer *a)
{
    if (best->sites > 1)
        src_warn(a, "the client lies in the boundaries of %zu sites; %s, the first by code, is taken", best->sites, best->site);
    if (best->weight < WEIGHT_EXACT)
        src_warn(a, "the client's mask is not known: the longest published subnet that could hold it is taken");
    if (strcmp(best->site, best->assignment) != 0)
        src_warn(a, "the client lies in site %s, which assigns its clients to %s", best->site, best->assignment);
}

static void ask_by_place(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    static const char absent[] = "a boundary that holds the client";
    struct sl_text filter = sl_text_new(SRC_LDAP_FILTER_MAX);
    struct ldapc_entries found = {.count = 0};
    struct best best = {.weight = 0};
    make_filter(&q->client, &filter);
    bool asked = !sl_text_failed(&filter) &&
                 src_ldap_search(dir, sl_text_str(&filter), attrs, "boundaries that hold the client", deadline, a, &found);
    sl_text_fini(&filter);
    if (!asked) {
        src_ldap_say_unreadable(dir, absent, deadline, a);
        return;
    }
    for (size_t i = 0; i < found.count; i++) {
        match_values(&best, &found.items[i], SCHEMA_ROAMING_BOUNDARIES, &q->client);
        match_values(&best, &found.items[i], SCHEMA_SITE_BOUNDARIES, &q->client);
        match_range(&best, &found.items[i], &q->client);
    }
    bool incomplete = found.incomplete;
    ldapc_entries_fini(&found);
    if (best.weight) {
        warn_of_match(&best, a);
        say_site(dir, q, best.assignment, best.by, deadline, a);
    } else if (incomplete) {
        src_say(a, SRC_FAILED, "%s: the answer was cut by a limit of the server", ldapc_server(dir));
    } else {
        src_ldap_say_absent(dir, absent, deadline, a);
    }
}

void src_ldap_ask_site(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    if (q->site[0])
        ask_by_code(dir, q, deadline, a);
    else
        ask_by_place(dir, q, deadline, a);
}
