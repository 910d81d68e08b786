#include "locator/api/private.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "locator/model/choose.h"
#include "locator/net/own.h"
#include "locator/resolve/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_MASK = 0x7fffffff }; /* a seed of our own making is short enough to be typed again */

void api_begin(struct api_inquiry *c, const struct locator *l, struct sl_deadline deadline, struct locator_result *r,
               enum src_what what)
{
    memset(c, 0, sizeof *c);
    c->l = l;
    c->deadline = deadline;
    c->r = r;
    c->q.what = what;
    c->q.profile = l->profile;
    c->q.now_s = l->now_s ? l->now_s : sl_clock_real_s();
    c->q.no_schema = l->no_schema;
    c->source_count = api_order(l, c->sources, c->learned, &r->trace);
    api_warn_notes(l, r);
    api_warn_steps(c);
    (void)sl_text_copy(c->q.forest, sizeof c->q.forest, l->client_forest);
    (void)sl_text_copy(c->q.client_version, sizeof c->q.client_version, l->client_version);
}

void api_mistake(struct api_inquiry *c, const struct sl_error *e)
{
    api_conclude(c->r, SL_OUTCOME_USAGE, "", sl_error_text(e));
}

void api_end(struct api_inquiry *c)
{
    resolve_result_fini(&c->found);
}

static bool asks_any(const struct api_inquiry *c)
{
    size_t i = 0;
    while (i < c->source_count && c->kept.known[i])
        i++;
    return i < c->source_count;
}

/* Opens the sources to ask; on failure none stays open. */
static enum sl_status open_sources(const struct api_inquiry *c, struct resolve_source *out, struct sl_error *e)
{
    const struct locator *l = c->l;
    enum sl_status s = SL_OK;
    struct src_config config = api_config(l);
    size_t i;
    if (!c->source_count)
        return sl_fail(e, SL_USAGE, "no source to ask: name at least one URI");
    config.seed = l->has_seed ? (uint64_t)l->seed : asks_any(c) ? sl_random_os_seed() : 0;
    for (i = 0; i < c->source_count && s == SL_OK; i++) {
        out[i] = (struct resolve_source){.uri = c->sources[i]};
        s = src_find(out[i].uri, &out[i].ops, e);
        if (s == SL_OK && !c->kept.known[i])
            s = out[i].ops->open(out[i].uri, &config, &out[i].source, e);
    }
    for (size_t k = 0; s != SL_OK && k + 1 < i; k++)
        if (out[k].source)
            out[k].ops->free(out[k].source);
    return s;
}

struct lm_client api_client(const struct locator *l, const char *peer)
{
    struct lm_client client = l->client;
    if (!client.address_count)
        client.address_count = loc_own_addresses(peer, client.addresses);
    return client;
}

/* What a source said, without the name of its server where the URI of the source, which stands before it, begins with that. */
static const char *without_server(const char *source, const char *said)
{
    const char *end = strstr(said, ": ");
    size_t len = end ? (size_t)(end - said) : 0;
    bool is_named = len && !strncmp(source, said, len) && (source[len] == '/' || source[len] == '\0');
    return is_named ? end + 2 : said;
}

static void warn_lower(const struct locator *l, const struct resolve_result *found, struct locator_result *r)
{
    char text[2 * SRC_URI_MAX + SL_ERROR_TEXT_MAX];
    if (!found->judgement.outranking_failed)
        return;
    (void)snprintf(text, sizeof text, "answered by a lower-ranked source; %s: %s", found->lower_source,
                   without_server(found->lower_source, found->lower_text));
    api_warn(r, text);
    if (l->strict)
        api_conclude(r, SL_OUTCOME_DEGRADED, "lower-ranked", text);
}

void api_put_provenance(struct api_inquiry *c)
{
    struct locator_result *r = c->r;
    const struct src_answer *a = &c->found.answer;
    api_put_text(r, LOCATOR_SOURCE, c->found.source);
    api_put_text(r, LOCATOR_SERVER, a->server);
    api_put_text(r, LOCATOR_OWNER, a->owner);
    api_put_text(r, LOCATOR_REPLICATED_FROM, a->replicated_from);
    api_put_text(r, LOCATOR_ANSWER_ID, a->id);
    r->numbers[LOCATOR_AGE_S] = a->age_s;
    r->numbers[LOCATOR_TTL_S] = a->ttl_s;
}

/* Outcome, reason, and how far it is to be trusted, of an answer that was refused too. */
static void conclude(const struct resolve_result *found, struct locator_result *r)
{
    const struct src_answer *a = &found->answer;
    api_conclude(r, found->judgement.outcome, a->reason[0] ? a->reason : src_result_word(a->result), a->text);
    if (resolve_has_trust(a))
        api_put_text(r, LOCATOR_TRUST, lm_trust_word(a->trust));
}

bool api_ask(struct api_inquiry *c, const char *asked, struct src_answer *every)
{
    const struct locator *l = c->l;
    struct locator_result *r = c->r;
    struct resolve_source sources[RESOLVE_SOURCES_MAX];
    struct sl_error e = {.status = SL_OK};
    const struct resolve_trust trust = api_trust(l, &c->q);
    const struct resolve_terms terms = {l->timeout_ms, c->deadline, l->sequential, every, &trust,
                                        (const struct src_answer *const *)c->kept.known, l->cache ? api_keep : NULL,
                                        every ? NULL : api_weigh, c};
    resolve_result_fini(&c->found);
    memset(&c->found, 0, sizeof c->found);
    api_recall(c, asked, &trust, !every);
    if (open_sources(c, sources, &e) != SL_OK) {
        api_conclude(r, SL_OUTCOME_USAGE, "", sl_error_text(&e));
        api_recall_end(c);
        return false;
    }
    resolve_ask(sources, c->source_count, &c->q, asked, &terms, &c->found);
    c->kept.passed = true;
    const struct src_answer *a = &c->found.answer;
    resolve_trace_join(&r->trace, &c->found.trace);
    r->numbers[LOCATOR_CACHED_S] = c->kept.known[c->found.judgement.by] ? c->kept.passed_s[c->found.judgement.by] : -1;
    bool stale = api_warn_stale(c) || (!every && api_fall_back(c));
    bool suspect = api_warn_suspects(c);
    api_recall_end(c);
    for (size_t i = 0; i < a->warning_count; i++)
        api_warn(r, a->warnings[i]);
    conclude(&c->found, r);
    if (c->found.judgement.outcome != SL_OUTCOME_OK)
        return false;
    if ((stale || suspect) && l->strict)
        api_conclude(r, SL_OUTCOME_DEGRADED, stale ? "stale" : "suspect", a->text);
    warn_lower(l, &c->found, r);
    api_put_provenance(c);
    return true;
}

/* The site that a question is about. */
static bool take_site(struct api_inquiry *c, const char *site, struct sl_error *e)
{
    return lm_code_parse(site ? site : "", c->q.site, e) == SL_OK;
}

void api_put_mp(struct api_inquiry *c, const struct lm_mp *mp)
{
    struct locator_result *r = c->r;
    char build[LM_VERSION_MAX] = "";
    const char *forced = src_override_find(&c->l->config, mp->name);
    if (mp->build)
        (void)snprintf(build, sizeof build, "%lld", (long long)mp->build);
    api_put_text(r, LOCATOR_SITE, mp->site);
    api_put_text(r, LOCATOR_MP, mp->name);
    api_put_text(r, LOCATOR_ADDRESS, forced ? forced : mp->address);
    api_put_text(r, LOCATOR_VERSION, mp->version[0] ? mp->version : build);
    r->numbers[LOCATOR_PORT] = lm_mp_port(mp, (uint16_t)c->l->mp_port);
    r->numbers[LOCATOR_DEFAULT] = mp->is_default;
    api_put_text(r, LOCATOR_ROLE, LM_ROLE_CONTACT);
}

/* S1.09: what a legacy client gets instead of a management point. */
static void find_caps(struct api_inquiry *c)
{
    char asked[SRC_TEXT_MAX];
    c->q.client = api_client(c->l, NULL);
    (void)snprintf(asked, sizeof asked, "find cap %s", c->q.site);
    if (api_ask(c, asked, NULL)) {
        const struct lm_objects *caps = &c->found.answer.objects;
        api_put_text(c->r, LOCATOR_SITE, c->q.site);
        for (size_t i = 0; i < caps->count; i++)
            sl_strings_add(&c->r->lists[LOCATOR_CAPS], caps->items[i].mp.name);
    }
}

/* Asks for the management point that a client of the site in c->q talks to where it is. */
static bool ask_mp(struct api_inquiry *c)
{
    char asked[SRC_TEXT_MAX];
    (void)snprintf(asked, sizeof asked, "find mp %s", c->q.site);
    if (!api_ask(c, asked, NULL))
        return false;
    c->assigned = c->found.answer.mp;
    if (c->l->roaming)
        api_roam(c);
    api_put_mp(c, &c->found.answer.mp);
    return true;
}

static void find_mp(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    struct api_inquiry c;
    struct sl_error e = {.status = SL_OK};
    api_begin(&c, l, deadline, r, l->legacy ? SRC_CAP : SRC_MP);
    if (!take_site(&c, args->texts[API_SITE], &e))
        api_mistake(&c, &e);
    else if (l->legacy)
        find_caps(&c);
    else
        (void)ask_mp(&c);
    api_end(&c);
}

static void find_site(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    const char *site = args->texts[API_SITE];
    struct api_inquiry c;
    struct sl_error e = {.status = SL_OK};
    char asked[SRC_TEXT_MAX];
    api_begin(&c, l, deadline, r, SRC_SITE);
    c.q.client = api_client(l, NULL);
    c.q.elsewhere = l->client.address_count > 0;
    if (site)
        (void)take_site(&c, site, &e);
    else if (!c.q.client.address_count && !c.q.client.ad_site[0])
        (void)sl_fail(&e, SL_USAGE, "where the client is, is not known: name its address or AD site");
    if (e.status != SL_OK)
        return api_mistake(&c, &e);
    (void)snprintf(asked, sizeof asked, "find site %s", site ? c.q.site : "of the client");
    if (api_ask(&c, asked, NULL)) {
        const struct src_answer *a = &c.found.answer;
        api_put_text(r, LOCATOR_SITE, a->site);
        api_put_text(r, LOCATOR_ASSIGNED_BY, a->assigned_by);
        api_put_text(r, LOCATOR_MP, a->mp.name);
        api_put_text(r, LOCATOR_RESIDENT_SITE, a->resident);
    }
    api_end(&c);
}

static void find_name(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    struct api_inquiry c;
    struct sl_error e = {.status = SL_OK};
    char asked[NB_NAME_TEXT_MAX + sizeof "find name "];
    api_begin(&c, l, deadline, r, SRC_NAME);
    if (nb_name_parse(args->texts[API_NAME] ? args->texts[API_NAME] : "", &c.q.name, &e) != SL_OK)
        return api_mistake(&c, &e);
    struct nb_name_text text = nb_name_text(&c.q.name);
    (void)snprintf(asked, sizeof asked, "find name %s", text.text);
    if (api_ask(&c, asked, NULL)) {
        const struct src_answer *a = &c.found.answer;
        api_put_text(r, LOCATOR_NAME, text.text);
        api_put_text(r, LOCATOR_KIND, a->group ? "group" : "unique");
        api_put_text(r, LOCATOR_NODE, a->node);
        for (size_t i = 0; i < a->address_count; i++)
            sl_strings_add(&r->lists[LOCATOR_ADDRESSES], sl_ip4_text(a->addresses[i]).text);
    }
    api_end(&c);
}

/* ---- distribution points -------------------------------------------------------------------------------------------- */

/* The checks and questions of both calls about distribution points; the result is in c->r. */
static bool ask_dp(struct api_inquiry *c, const struct api_args *args)
{
    const char *package = args->texts[API_PACKAGE] ? args->texts[API_PACKAGE] : "";
    struct sl_error e = {.status = SL_OK};
    char home[LM_CODE_SIZE] = "";
    struct resolve_content_question about = {.package = package, .version = args->number, .site = home};
    if (take_site(c, args->texts[API_SITE], &e) && (!package[0] || strlen(package) >= LOC_PACKAGE_MAX))
        (void)sl_fail(&e, SL_USAGE, "package id: 1 to %d characters are wanted", LOC_PACKAGE_MAX - 1);
    if (e.status != SL_OK) {
        api_mistake(c, &e);
        return false;
    }
    memcpy(home, c->q.site, sizeof home);
    about.seed = c->seed = c->l->has_seed ? (uint64_t)c->l->seed : sl_random_os_seed() & SEED_MASK;
    if (!ask_mp(c))
        return false;
    if (api_ask_content(c, &c->found.answer.mp, &about))
        return true;
    if (!strcmp(c->found.answer.mp.site, home) || c->r->outcome != LOCATOR_NEGATIVE)
        return false;
    api_warn(c->r, "the management point where the client is names no distribution point: the assigned one is asked (R5)");
    api_put_mp(c, &c->assigned);
    return api_ask_content(c, &c->assigned, &about);
}

/* Rows of how often each candidate is chosen with the seeds from `seed` on. */
static void put_report(struct locator_result *r, uint64_t seed, uint32_t draws)
{
    const struct sl_strings *candidates = &r->lists[LOCATOR_CANDIDATES];
    uint32_t *chosen = sl_new_array(candidates->count, sizeof *chosen);
    char text[LM_REASON_MAX];
    double chi = lm_choose_report((const char *const *)candidates->items, candidates->count, seed, draws, chosen);
    size_t freedom = candidates->count - 1;
    (void)snprintf(text, sizeof text, "%.2f (%zu degree%s of freedom)", chi, freedom, freedom == 1 ? "" : "s");
    for (size_t i = 0; i < candidates->count; i++) {
        struct api_row *row = api_row_add(r);
        api_row_text(row, LOCATOR_URL, candidates->items[i]);
        api_row_number(row, LOCATOR_CHOSEN, chosen[i]);
        api_row_text(row, LOCATOR_CHI_SQUARE, text);
        api_row_text(row, LOCATOR_CHOICE_SEED, r->texts[LOCATOR_CHOICE_SEED]);
    }
    if (freedom && chi > lm_chi_square_bound(freedom))
        api_warn(r, "the choice is not even: of a thousand fair ones one at most is as far from it");
    free(chosen);
}

static void find_dp(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    struct api_inquiry c;
    api_begin(&c, l, deadline, r, SRC_MP);
    (void)ask_dp(&c, args);
    api_end(&c);
}

static void report_dp(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    struct api_inquiry c;
    struct sl_error e = {.status = SL_OK};
    api_begin(&c, l, deadline, r, SRC_MP);
    if (!args->draws || args->draws > LOCATOR_DRAWS_MAX) {
        (void)sl_fail(&e, SL_USAGE, "%u draws: 1 to %d are possible", args->draws, LOCATOR_DRAWS_MAX);
        return api_mistake(&c, &e);
    }
    if (ask_dp(&c, args))
        put_report(r, c.seed, args->draws);
    api_end(&c);
}

/* ---- the functions of the header: each finder in the calling thread, and in one of its own ------------------------------- */

/* what, its finder, its parameters in the header, what they mean to the finder */
#define FIND_TABLE(X)                                                                                                  \
    X(find_site, find_site, (struct locator *l, const char *site), {.texts = {[API_SITE] = site}})                     \
    X(find_mp, find_mp, (struct locator *l, const char *site), {.texts = {[API_SITE] = site}})                         \
    X(find_dp, find_dp, (struct locator *l, const char *site, const char *package, uint32_t version),                  \
      {.texts = {[API_SITE] = site, [API_PACKAGE] = package}, .number = version})                                      \
    X(report_dp, report_dp, (struct locator *l, const char *site, const char *package, uint32_t version, uint32_t draws),\
      {.texts = {[API_SITE] = site, [API_PACKAGE] = package}, .number = version, .draws = draws})                      \
    X(find_name, find_name, (struct locator *l, const char *name), {.texts = {[API_NAME] = name}})                     \
    X(list, api_list, (struct locator *l, enum locator_kind kind, const char *site),                                   \
      {.texts = {[API_SITE] = site}, .number = kind})                                                                  \
    X(compare, api_compare, (struct locator *l, enum locator_kind kind, const char *subject),                          \
      {.texts = {[API_NAME] = subject}, .number = kind})

#define FIND_FUNCTIONS(what, finder, parameters, ...)                                                                  \
    struct locator_result *locator_##what parameters                                                                   \
    {                                                                                                                  \
        return api_find(l, finder, &(struct api_args)__VA_ARGS__);                                                     \
    }                                                                                                                  \
    struct locator_call *locator_start_##what parameters                                                               \
    {                                                                                                                  \
        return api_start(l, finder, &(struct api_args)__VA_ARGS__);                                                    \
    }
FIND_TABLE(FIND_FUNCTIONS)
#undef FIND_FUNCTIONS
