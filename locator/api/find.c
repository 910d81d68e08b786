#include "locator/api/private.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "locator/net/own.h"
#include "locator/resolve/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_MASK = 0x7fffffff }; /* a seed of our own making is short enough to be typed again */

static void usage(struct locator_result *r, const struct sl_error *e)
{
    api_conclude(r, SL_OUTCOME_USAGE, "", sl_error_text(e));
}

/* Opens every source; on failure none stays open. */
static enum sl_status open_sources(const struct locator *l, struct resolve_source *out, struct sl_error *e)
{
    enum sl_status s = SL_OK;
    struct src_config config = l->config;
    size_t i;
    if (!l->sources.count)
        return sl_fail(e, SL_USAGE, "no source to ask: name at least one URI");
    config.ldap.timeout_ms = l->timeout_ms;
    for (i = 0; i < l->sources.count && s == SL_OK; i++) {
        out[i].uri = l->sources.items[i];
        s = src_find(out[i].uri, &out[i].ops, e);
        if (s == SL_OK)
            s = out[i].ops->open(out[i].uri, &config, &out[i].source, e);
    }
    for (size_t k = 0; s != SL_OK && k + 1 < i; k++)
        out[k].ops->free(out[k].source);
    return s;
}

/* Where the client is: as told, else where this host is; `peer` is the address of who is going to hear it, or NULL. */
static struct lm_client client_of(const struct locator *l, const char *peer)
{
    struct lm_client client = l->client;
    if (!client.address_count)
        client.address_count = loc_own_addresses(peer, client.addresses);
    return client;
}

static void warn_lower(const struct locator *l, const struct resolve_result *found, struct locator_result *r)
{
    char text[2 * SRC_URI_MAX + SL_ERROR_TEXT_MAX];
    if (!found->judgement.outranking_failed)
        return;
    (void)snprintf(text, sizeof text, "answered by a lower-ranked source; %s: %s", found->lower_source, found->lower_text);
    api_warn(r, text);
    if (l->strict)
        api_conclude(r, SL_OUTCOME_DEGRADED, "lower-ranked", text);
}

static void put_provenance(const struct resolve_result *found, struct locator_result *r)
{
    const struct src_answer *a = &found->answer;
    api_put_text(r, LOCATOR_SOURCE, found->source);
    api_put_text(r, LOCATOR_SERVER, a->server);
    api_put_text(r, LOCATOR_OWNER, a->owner);
    api_put_text(r, LOCATOR_TRUST, resolve_trust_word(a));
    r->numbers[LOCATOR_AGE_S] = a->age_s;
    r->numbers[LOCATOR_TTL_S] = a->ttl_s;
}

/* Opens, asks, judges; true when there is an answer. The trace passes into the result. */
static bool ask(const struct locator *l, struct src_question *q, const char *asked, struct sl_deadline deadline,
                struct resolve_result *found, struct locator_result *r)
{
    struct resolve_source sources[RESOLVE_SOURCES_MAX];
    struct sl_error e = {.status = SL_OK};
    q->profile = l->profile;
    q->now_s = l->now_s ? l->now_s : sl_clock_real_s();
    if (open_sources(l, sources, &e) != SL_OK) {
        usage(r, &e);
        return false;
    }
    resolve_ask(sources, l->sources.count, q, asked, l->timeout_ms, deadline, found);
    r->trace = found->trace;
    for (size_t i = 0; i < found->answer.warning_count; i++)
        api_warn(r, found->answer.warnings[i]);
    api_conclude(r, found->judgement.outcome, src_result_word(found->answer.result), found->answer.text);
    if (found->judgement.outcome != SL_OUTCOME_OK)
        return false;
    warn_lower(l, found, r);
    put_provenance(found, r);
    return true;
}

/* Makes the question about a site's management point. */
static enum sl_status mp_question(const char *site, struct src_question *q, struct sl_error *e)
{
    memset(q, 0, sizeof *q);
    q->what = SRC_MP;
    return lm_code_parse(site ? site : "", q->site, e);
}

static void put_mp(const struct locator *l, const struct src_answer *a, struct locator_result *r)
{
    const struct lm_mp *mp = &a->mp;
    char build[LM_VERSION_MAX] = "";
    const char *forced = src_override_find(&l->config, mp->name);
    if (mp->build)
        (void)snprintf(build, sizeof build, "%lld", (long long)mp->build);
    api_put_text(r, LOCATOR_SITE, mp->site);
    api_put_text(r, LOCATOR_MP, mp->name);
    api_put_text(r, LOCATOR_ADDRESS, forced ? forced : mp->address);
    api_put_text(r, LOCATOR_VERSION, mp->version[0] ? mp->version : build);
    r->numbers[LOCATOR_PORT] = lm_mp_port(mp, (uint16_t)l->mp_port);
    r->numbers[LOCATOR_DEFAULT] = mp->is_default;
}

static void find_mp(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    struct resolve_result found;
    struct src_question q;
    struct sl_error e = {.status = SL_OK};
    char asked[SRC_TEXT_MAX];
    if (mp_question(args->texts[API_SITE], &q, &e) != SL_OK)
        return usage(r, &e);
    (void)snprintf(asked, sizeof asked, "find mp %s", q.site);
    if (ask(l, &q, asked, deadline, &found, r))
        put_mp(l, &found.answer, r);
}

static void find_site(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    const char *site = args->texts[API_SITE];
    struct src_question q = {.what = SRC_SITE, .client = client_of(l, NULL)};
    struct resolve_result found;
    struct sl_error e = {.status = SL_OK};
    char asked[SRC_TEXT_MAX];
    if (site && lm_code_parse(site, q.site, &e) != SL_OK)
        return usage(r, &e);
    if (!site && !q.client.address_count && !q.client.ad_site[0]) {
        (void)sl_fail(&e, SL_USAGE, "where the client is, is not known: name its address or AD site");
        return usage(r, &e);
    }
    (void)snprintf(asked, sizeof asked, "find site %s", site ? q.site : "of the client");
    if (ask(l, &q, asked, deadline, &found, r)) {
        api_put_text(r, LOCATOR_SITE, found.answer.site);
        api_put_text(r, LOCATOR_ASSIGNED_BY, found.answer.assigned_by);
        api_put_text(r, LOCATOR_MP, found.answer.mp.name);
    }
}

static void find_name(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    struct src_question q = {.what = SRC_NAME};
    struct resolve_result found;
    struct sl_error e = {.status = SL_OK};
    char asked[NB_NAME_TEXT_MAX + sizeof "find name "];
    if (nb_name_parse(args->texts[API_NAME] ? args->texts[API_NAME] : "", &q.name, &e) != SL_OK)
        return usage(r, &e);
    struct nb_name_text text = nb_name_text(&q.name);
    (void)snprintf(asked, sizeof asked, "find name %s", text.text);
    if (!ask(l, &q, asked, deadline, &found, r))
        return;
    api_put_text(r, LOCATOR_NAME, text.text);
    api_put_text(r, LOCATOR_KIND, found.answer.group ? "group" : "unique");
    api_put_text(r, LOCATOR_NODE, found.answer.node);
    for (size_t i = 0; i < found.answer.address_count; i++)
        sl_strings_add(&r->lists[LOCATOR_ADDRESSES], sl_ip4_text(found.answer.addresses[i]).text);
}

static void put_dp(const struct resolve_content_question *q, struct resolve_content_result *dp, struct locator_result *r)
{
    char seed[24];
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)q->seed);
    api_put_text(r, LOCATOR_PACKAGE, q->package);
    api_put_text(r, LOCATOR_DP, dp->host);
    api_put_text(r, LOCATOR_URL, dp->url);
    api_put_text(r, LOCATOR_LOCALITY, loc_locality_word(dp->locality));
    api_put_text(r, LOCATOR_CHOICE_SEED, seed);
    r->numbers[LOCATOR_PACKAGE_VERSION] = q->version ? (int64_t)q->version : -1;
    r->lists[LOCATOR_CANDIDATES] = dp->candidates;
    dp->candidates = (struct sl_strings){0};
}

/* Asks the management point that was found. */
static void ask_content(const struct locator *l, const struct src_answer *a, const char *package, uint32_t version,
                        struct sl_deadline deadline, struct locator_result *r)
{
    const char *forced = src_override_find(&l->config, a->mp.name);
    struct lm_client client = client_of(l, forced ? forced : a->mp.address);
    struct resolve_content_question q = {
        .mp = &a->mp,
        .port = lm_mp_port(&a->mp, (uint16_t)l->mp_port),
        .connect_to = forced,
        .site = a->mp.site,
        .package = package,
        .version = version,
        .client = &client,
        .seed = l->has_seed ? (uint64_t)l->seed : sl_random_os_seed() & SEED_MASK,
    };
    struct resolve_content_result dp;
    resolve_content(&q, sl_deadline_min(deadline, sl_deadline_in(l->timeout_ms)), &r->trace, &dp);
    if (dp.result == SRC_ANSWER)
        put_dp(&q, &dp, r);
    else
        api_conclude(r, src_result_outcome(dp.result), src_result_word(dp.result), dp.text);
    resolve_content_fini(&dp);
}

static void find_dp(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    const char *package = args->texts[API_PACKAGE] ? args->texts[API_PACKAGE] : "";
    struct resolve_result found;
    struct src_question q;
    struct sl_error e = {.status = SL_OK};
    char asked[SRC_TEXT_MAX];
    if (mp_question(args->texts[API_SITE], &q, &e) != SL_OK)
        return usage(r, &e);
    if (!package[0] || strlen(package) >= LOC_PACKAGE_MAX) {
        (void)sl_fail(&e, SL_USAGE, "package id: 1 to %d characters are wanted", LOC_PACKAGE_MAX - 1);
        return usage(r, &e);
    }
    (void)snprintf(asked, sizeof asked, "find mp %s", q.site);
    if (!ask(l, &q, asked, deadline, &found, r))
        return;
    put_mp(l, &found.answer, r);
    ask_content(l, &found.answer, package, args->number, deadline, r);
}

/* ---- the functions of the header: each finder in the calling thread, and in one of its own ------------------------------- */

/* what, its parameters in the header, what they mean to the finder */
#define FIND_TABLE(X)                                                                                                  \
    X(site, (struct locator *l, const char *site), {.texts = {[API_SITE] = site}})                                     \
    X(mp, (struct locator *l, const char *site), {.texts = {[API_SITE] = site}})                                       \
    X(dp, (struct locator *l, const char *site, const char *package, uint32_t version),                                \
      {.texts = {[API_SITE] = site, [API_PACKAGE] = package}, .number = version})                                      \
    X(name, (struct locator *l, const char *name), {.texts = {[API_NAME] = name}})

#define FIND_FUNCTIONS(what, parameters, ...)                                                                          \
    struct locator_result *locator_find_##what parameters                                                              \
    {                                                                                                                  \
        return api_find(l, find_##what, &(struct api_args)__VA_ARGS__);                                                \
    }                                                                                                                  \
    struct locator_call *locator_start_find_##what parameters                                                          \
    {                                                                                                                  \
        return api_start(l, find_##what, &(struct api_args)__VA_ARGS__);                                               \
    }
FIND_TABLE(FIND_FUNCTIONS)
#undef FIND_FUNCTIONS
