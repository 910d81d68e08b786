/* What a management point says of a package, now or earlier: its replies are kept as the answers of sources are. */
#include "locator/api/private.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/cache/cache.h"
#include "locator/net/ccm.h"
#include "locator/resolve/reach.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUESTION_MAX = 16 << 10, ASKED_MAX = LOC_PACKAGE_MAX + 16 };

/* One question to one management point. */
struct inquiry {
    struct api_inquiry *c;
    const struct resolve_content_question *q;
    char asked[ASKED_MAX];   /* in words */
    char url[SRC_URI_MAX];   /* of the management point; "": its name is no host's */
    char *question;          /* everything that its reply depends on; NULL: nothing is kept */
};

/* A reply as it was kept. */
struct kept {
    int64_t now_s, max_age_s; /* -1: of any age */
    char *xml;                /* NULL: there is none */
    size_t len;
    int64_t passed_s;
};

static void inquiry_begin(struct inquiry *i, struct api_inquiry *c, const struct resolve_content_question *q)
{
    struct sl_text text = sl_text_new(QUESTION_MAX);
    *i = (struct inquiry){.c = c, .q = q};
    (void)snprintf(i->asked, sizeof i->asked, "find dp %s", q->package);
    if (!resolve_url(q->config, q->mp, CCM_PATH, i->url, sizeof i->url) || !c->l->cache)
        return;
    sl_text_printf(&text, "%s version=%u site=%s", i->asked, q->version, q->site);
    api_put_client(&text, q->client);
    i->question = sl_text_take(&text);
}

static void take(void *ctx, const struct cache_answer *answer)
{
    struct kept *k = ctx;
    const struct cache_limit limit = {.now_s = k->now_s, .max_age_s = k->max_age_s};
    int64_t passed_s = k->now_s - answer->kept_s;
    if (k->max_age_s >= 0 && (passed_s < 0 || cache_is_expired(answer, &limit)))
        return;
    k->xml = sl_new_array(answer->body_len + 1, 1);
    memcpy(k->xml, answer->body, answer->body_len);
    k->len = answer->body_len;
    k->passed_s = passed_s > 0 ? passed_s : 0;
}

/* Looks for a reply that is at most so old; its `xml` is the caller's. */
static struct kept recall(const struct inquiry *i, int64_t max_age_s)
{
    struct kept k = {.now_s = i->c->q.now_s, .max_age_s = max_age_s};
    struct sl_error e = {.status = SL_OK};
    if (i->question)
        api_warn_cache(i->c, cache_find(i->c->l->cache, i->question, i->url, take, &k, &e), &e);
    return k;
}

static void keep(const struct inquiry *i, const struct resolve_content_result *dp)
{
    const struct cache_answer answer = {
        .question = i->question, .source = i->url, .asked = i->asked, .result = src_result_word(dp->result),
        .server = i->q->mp->name, .owner = "", .trust = lm_trust_word(i->c->found.answer.trust), .ttl_s = SRC_AGE_UNKNOWN,
        .age_s = 0, .kept_s = i->c->q.now_s, .body = dp->reply, .body_len = dp->reply_len};
    struct sl_error e = {.status = SL_OK};
    if (i->question && dp->reply && dp->reply_len <= CACHE_BODY_MAX)
        api_warn_cache(i->c, cache_keep(i->c->l->cache, &answer, 1, &e), &e);
}

/* The id of the answer that this distribution point is. */
static void identify(const struct inquiry *i, const char *url, char out[SRC_ID_SIZE])
{
    api_answer_id(i->asked, i->q->site, i->url, url, out);
}

static bool is_suspect(void *ctx, const char *url)
{
    const struct inquiry *i = ctx;
    char id[SRC_ID_SIZE];
    identify(i, url, id);
    int64_t until_s = api_suspect_until(i->c, id);
    if (until_s)
        api_warn_suspect(i->c->r, url, id, until_s);
    return until_s != 0;
}

static void resolve(struct inquiry *i, const struct kept *k, struct resolve_content_result *ret_dp)
{
    struct resolve_content_question q = *i->q;
    q.kept = k->xml;
    q.kept_len = k->len;
    q.kept_s = k->passed_s;
    q.is_suspect = is_suspect;
    q.ctx = i;
    resolve_content(&q, sl_deadline_min(i->c->deadline, sl_deadline_in(i->c->l->timeout_ms)), &i->c->r->trace, ret_dp);
    if (k->xml && i->c->r->numbers[LOCATOR_CACHED_S] < k->passed_s)
        i->c->r->numbers[LOCATOR_CACHED_S] = k->passed_s;
}

/* K2: the management point could not be asked, so what it said last stands, as degraded; true when there is such a reply. */
static bool fall_back(struct inquiry *i, struct resolve_content_result *dp)
{
    char text[SRC_URI_MAX + 2 * SL_ERROR_TEXT_MAX];
    struct kept k = src_result_outcome(dp->result) == SL_OUTCOME_UNREACHABLE ? recall(i, -1) : (struct kept){.xml = NULL};
    if (!k.xml)
        return false;
    (void)snprintf(text, sizeof text, "degraded: a stale answer of %s, kept %" PRId64 " s ago, since it could not be asked: %s",
                   i->url, k.passed_s, dp->text);
    resolve_content_fini(dp);
    resolve(i, &k, dp);
    free(k.xml);
    api_warn(i->c->r, text);
    return true;
}

static void put_dp(const struct inquiry *i, struct resolve_content_result *dp)
{
    const struct resolve_content_question *q = i->q;
    struct locator_result *r = i->c->r;
    char seed[24], id[SRC_ID_SIZE];
    identify(i, dp->url, id);
    api_put_text(r, LOCATOR_ANSWER_ID, id);
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

bool api_ask_content(struct api_inquiry *c, const struct lm_mp *mp, const struct resolve_content_question *about)
{
    const char *forced = src_override_find(&c->l->config, mp->name);
    const struct src_config config = api_config(c->l);
    struct lm_client client = api_client(c->l, forced ? forced : mp->address);
    struct resolve_content_question q = *about;
    struct resolve_content_result dp;
    struct inquiry i;
    q.mp = mp;
    q.config = &config;
    q.client = &client;
    inquiry_begin(&i, c, &q);
    struct kept k = c->l->max_age_ms ? recall(&i, c->l->max_age_ms / 1000) : (struct kept){.xml = NULL};
    resolve(&i, &k, &dp);
    keep(&i, &dp);
    bool is_stale = fall_back(&i, &dp);
    bool found = dp.result == SRC_ANSWER;
    for (size_t w = 0; w < dp.warnings.count; w++)
        api_warn(c->r, dp.warnings.items[w]);
    if (found) {
        const char *reason = is_stale ? "stale" : dp.suspicion == RESOLVE_NO_OTHER ? "suspect" : "";
        bool is_refused = reason[0] && c->l->strict;
        api_conclude(c->r, is_refused ? SL_OUTCOME_DEGRADED : SL_OUTCOME_OK, reason, dp.text);
        put_dp(&i, &dp);
    } else {
        api_conclude(c->r, src_result_outcome(dp.result), src_result_word(dp.result), dp.text);
    }
    resolve_content_fini(&dp);
    free(k.xml);
    free(i.question);
    return found;
}
