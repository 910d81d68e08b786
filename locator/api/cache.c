/* What is kept of answers: asked before the sources are, and when none of them can be reached. */
#include "locator/api/private.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/cache/cache.h"
#include "locator/source/pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUESTION_MAX = 64 << 10, WARNING_MAX = SRC_URI_MAX + 2 * SL_ERROR_TEXT_MAX };

/* ---- the question ------------------------------------------------------------------------------------------------------ */

static void put(struct sl_text *out, const char *name, const char *value)
{
    if (value && value[0])
        sl_text_printf(out, " %s=\"%s\"", name, value);
}

void api_put_client(struct sl_text *out, const struct lm_client *client)
{
    char text[LM_ADDRESS_MAX];
    for (size_t i = 0; i < client->address_count; i++) {
        lm_address_text(&client->addresses[i], text);
        sl_text_printf(out, " client=%s/%d", text, client->addresses[i].prefix_len);
    }
    put(out, "ad-site", client->ad_site);
}

/* An answer was judged by these terms when it was kept, so it is one for the same terms only. */
static void put_trust(struct sl_text *out, const struct resolve_trust *trust)
{
    sl_text_printf(out, " trust=%s", lm_trust_least_words[trust->least]);
    for (size_t i = 0; i < trust->root_count; i++) {
        sl_text_puts(out, " key=");
        for (size_t k = 0; k < trust->roots[i].len; k++)
            sl_text_printf(out, "%02x", trust->roots[i].der[k]);
    }
}

/* Everything that an answer depends on, but its source. No secret is in it. */
static void put_question(const struct api_inquiry *c, const char *asked, const struct resolve_trust *trust, struct sl_text *out)
{
    const struct src_config *config = &c->l->config;
    sl_text_printf(out, "%s profile=%s", asked, lm_profile_words[c->q.profile]);
    put(out, "forest", c->q.forest);
    put(out, "client-version", c->q.client_version);
    put(out, "base", config->ldap.base);
    put(out, "container", config->ldap.container);
    put(out, "bind-dn", config->ldap.bind_dn);
    put(out, "sasl", ldapc_sasl_words[config->ldap.sasl]);
    put(out, "ca", config->ldap.ca_file);
    put(out, "cert", config->ldap.cert_file);
    sl_text_printf(out, "%s%s mp-port=%" PRId64, config->ldap.starttls ? " starttls" : "", c->q.no_schema ? " schema=no" : "",
                   c->l->mp_port);
    for (size_t i = 0; i < config->override_count; i++)
        sl_text_printf(out, " resolve=%s:%s", config->overrides[i].host, config->overrides[i].address);
    if (c->q.what & (SRC_SITE | SRC_CAP)) {
        api_put_client(out, &c->q.client);
        sl_text_puts(out, c->q.elsewhere ? " elsewhere" : "");
    }
    put_trust(out, trust);
}

/* ---- recalling --------------------------------------------------------------------------------------------------------- */

static bool is_told(const struct locator_result *r, const char *text)
{
    size_t i = 0;
    while (i < r->warnings.count && strcmp(r->warnings.items[i], text) != 0)
        i++;
    return i < r->warnings.count;
}

/* The cache is never in the way: what it cannot do is a warning. */
void api_warn_cache(struct api_inquiry *c, enum sl_status s, const struct sl_error *e)
{
    char notice[SL_ERROR_TEXT_MAX];
    if (cache_notice(c->l->cache, notice))
        api_warn(c->r, notice);
    if (s != SL_OK && !is_told(c->r, sl_error_text(e)))
        api_warn(c->r, sl_error_text(e));
}

struct recall {
    const struct api_inquiry *c;
    int64_t max_age_s; /* -1: of any age, but then only what says something */
    struct src_answer *answer; /* NULL while nothing was found */
    int64_t passed_s;
};

static void take(void *ctx, const struct cache_answer *kept)
{
    struct recall *r = ctx;
    const struct cache_limit limit = {.now_s = r->c->q.now_s, .max_age_s = r->max_age_s};
    r->passed_s = limit.now_s - kept->kept_s;
    if (r->max_age_s >= 0 && (r->passed_s < 0 || cache_is_expired(kept, &limit)))
        return;
    struct src_answer *a = sl_new(sizeof *a);
    src_answer_init(a);
    bool is_usable = src_unpack(kept->body, kept->body_len, a) &&
                     (r->max_age_s >= 0 || a->result == SRC_ANSWER || a->result == SRC_NO_DEFAULT);
    if (!is_usable) {
        src_answer_fini(a);
        free(a);
        return;
    }
    int64_t passed_s = r->passed_s > 0 ? r->passed_s : 0;
    a->age_s = a->age_s >= 0 ? a->age_s + passed_s : a->age_s;
    a->ttl_s = a->ttl_s > passed_s ? a->ttl_s - passed_s : a->ttl_s >= 0 ? 0 : a->ttl_s;
    src_note(a, "cache");
    src_note_end(a, "kept %" PRId64 " s ago", passed_s);
    r->answer = a;
}

/* Looks up what a source said, at most so old; NULL when there is nothing. */
static struct src_answer *recall(struct api_inquiry *c, const char *source, int64_t max_age_s, int64_t *ret_passed_s)
{
    struct recall r = {.c = c, .max_age_s = max_age_s};
    struct sl_error e = {.status = SL_OK};
    api_warn_cache(c, cache_find(c->l->cache, c->kept.question, source, take, &r, &e), &e);
    *ret_passed_s = r.passed_s;
    return r.answer;
}

void api_recall(struct api_inquiry *c, const char *asked, const struct resolve_trust *trust, bool may_answer)
{
    struct sl_text question = sl_text_new(QUESTION_MAX);
    memset(&c->kept, 0, sizeof c->kept);
    if (!c->l->cache)
        return;
    put_question(c, asked, trust, &question);
    c->kept.asked = asked;
    c->kept.question = sl_text_take(&question);
    if (!c->kept.question || !may_answer || !c->l->max_age_ms)
        return;
    for (size_t i = 0; i < c->source_count; i++)
        c->kept.known[i] = recall(c, c->sources[i], c->l->max_age_ms / 1000, &c->kept.passed_s[i]);
}

void api_recall_end(struct api_inquiry *c)
{
    for (size_t i = 0; i < c->source_count; i++) {
        if (c->kept.known[i] && !c->kept.passed)
            src_answer_fini(c->kept.known[i]);
        free(c->kept.known[i]);
    }
    free(c->kept.question);
    memset(&c->kept, 0, sizeof c->kept);
}

/* ---- keeping ------------------------------------------------------------------------------------------------------------ */

/* Only what a source says is kept; that it could not be asked is not. */
static bool is_worth_keeping(const struct src_answer *a)
{
    enum sl_outcome outcome = src_result_outcome(a->result);
    return outcome == SL_OUTCOME_OK || outcome == SL_OUTCOME_NEGATIVE;
}

void api_keep(void *inquiry, size_t source, const struct src_answer *a)
{
    struct api_inquiry *c = inquiry;
    struct sl_text body = sl_text_new(CACHE_BODY_MAX);
    struct sl_error e = {.status = SL_OK};
    if (!c->kept.question || !is_worth_keeping(a) || !strncmp(c->sources[source], "cache:", 6))
        return;
    src_pack(a, &body);
    const struct cache_answer kept = {
        .question = c->kept.question, .source = c->sources[source], .asked = c->kept.asked, .result = src_result_word(a->result),
        .server = a->server, .owner = a->owner, .trust = lm_trust_word(a->trust), .ttl_s = a->ttl_s, .age_s = a->age_s,
        .kept_s = c->q.now_s, .body = sl_text_str(&body), .body_len = body.len};
    if (!sl_text_failed(&body))
        api_warn_cache(c, cache_keep(c->l->cache, &kept, 1, &e), &e);
    sl_text_fini(&body);
}

/* The newest answer of the best source, of any age; a suspect one (J8, J9) where that is wanted. NULL: there is none. */
static struct src_answer *recall_any(struct api_inquiry *c, bool may_be_suspect, size_t *ret_source, int64_t *ret_passed_s)
{
    for (size_t i = 0; i < c->source_count; i++) {
        struct src_answer *a = recall(c, c->sources[i], -1, ret_passed_s);
        if (!a)
            continue;
        *ret_source = i;
        api_weigh(c, i, a);
        if (may_be_suspect || !a->suspect_until_s)
            return a;
        src_answer_fini(a);
        free(a);
    }
    return NULL;
}

bool api_fall_back(struct api_inquiry *c)
{
    struct resolve_result *found = &c->found;
    char text[WARNING_MAX];
    int64_t passed_s = 0;
    struct src_answer *a;
    size_t i;
    if (!c->kept.question || found->judgement.final || found->judgement.outcome != SL_OUTCOME_UNREACHABLE)
        return false;
    a = recall_any(c, false, &i, &passed_s);
    if (!a)
        a = recall_any(c, true, &i, &passed_s);
    if (!a)
        return false;
    (void)snprintf(text, sizeof text, "degraded: a stale answer of %s, kept %" PRId64 " s ago, since nobody could be asked: %s",
                   c->sources[i], passed_s, found->answer.text);
    src_answer_fini(&found->answer);
    found->answer = *a;
    free(a);
    (void)sl_text_copy(found->source, sizeof found->source, c->sources[i]);
    found->judgement.by = i;
    found->judgement.outcome = src_result_outcome(found->answer.result);
    c->r->numbers[LOCATOR_CACHED_S] = passed_s;
    resolve_trace_say(&c->r->trace, "cache", found->answer.notes[0].result, "K2");
    api_warn(c->r, text);
    return true;
}

bool api_warn_stale(struct api_inquiry *c)
{
    const struct src_answer *a = &c->found.answer;
    char text[WARNING_MAX];
    if (!a->stale_since_s || c->found.judgement.outcome != SL_OUTCOME_OK)
        return false;
    (void)snprintf(text, sizeof text, "degraded: a stale answer of %s: the mirror of %.*s is not current since %" PRId64 " s",
                   c->found.source, SL_ERROR_TEXT_MAX, a->server, c->q.now_s - a->stale_since_s);
    c->r->numbers[LOCATOR_STALE_SINCE_S] = a->stale_since_s;
    api_warn(c->r, text);
    return true;
}

/* ---- the file ------------------------------------------------------------------------------------------------------------ */

int api_set_cache(struct locator *l, const char *file)
{
    char path[CACHE_PATH_MAX];
    if (file && !file[0] && !cache_default_path(path)) {
        (void)sl_fail(&l->error, SL_USAGE, "cache: neither XDG_CACHE_HOME nor HOME says where");
        return -1;
    }
    if (file && file[0] && !sl_text_copy(path, sizeof path, file)) {
        (void)sl_fail(&l->error, SL_USAGE, "cache: the path is longer than %d octets", CACHE_PATH_MAX - 1);
        return -1;
    }
    cache_free(l->cache);
    l->cache = file ? cache_new(path) : NULL;
    return 0;
}

struct listing {
    const struct locator *l;
    struct locator_result *r;
    struct cache_limit limit;
};

static void put_row(void *ctx, const struct cache_answer *a)
{
    struct listing *list = ctx;
    struct api_row *row = api_row_add(list->r);
    int64_t passed_s = list->limit.now_s - a->kept_s;
    api_row_text(row, LOCATOR_ASKED, a->asked);
    api_row_text(row, LOCATOR_RESULT, a->result);
    api_row_text(row, LOCATOR_SOURCE, a->source);
    api_row_text(row, LOCATOR_SERVER, a->server);
    api_row_text(row, LOCATOR_OWNER, a->owner);
    api_row_text(row, LOCATOR_TRUST, a->trust);
    api_row_number(row, LOCATOR_CACHED_S, passed_s > 0 ? passed_s : 0);
    api_row_number(row, LOCATOR_AGE_S, a->age_s);
    api_row_number(row, LOCATOR_TTL_S, a->ttl_s);
    api_row_number(row, LOCATOR_EXPIRED, cache_is_expired(a, &list->limit));
}

bool api_cache_begin(const struct locator *l, struct locator_result *r, struct cache_limit *ret_limit)
{
    if (!l->cache)
        api_conclude(r, SL_OUTCOME_USAGE, "", "no cache: name its file");
    *ret_limit = (struct cache_limit){.now_s = l->now_s ? l->now_s : sl_clock_real_s(),
                                      .max_age_s = l->max_age_ms ? l->max_age_ms / 1000 : -1};
    return l->cache != NULL;
}

void api_cache_end(const struct locator *l, struct locator_result *r, enum sl_status s, const struct sl_error *e)
{
    char notice[SL_ERROR_TEXT_MAX];
    if (cache_notice(l->cache, notice))
        api_warn(r, notice);
    if (s != SL_OK)
        api_conclude(r, sl_status_outcome(s), "", sl_error_text(e));
}

static void list_cache(const struct locator *l, const struct api_args *args, struct sl_deadline deadline,
                       struct locator_result *r)
{
    struct listing list = {.l = l, .r = r};
    struct sl_error e = {.status = SL_OK};
    (void)args;
    (void)deadline;
    if (!api_cache_begin(l, r, &list.limit))
        return;
    api_conclude(r, SL_OUTCOME_OK, "", cache_path(l->cache));
    api_cache_end(l, r, cache_list(l->cache, put_row, &list, &e), &e);
}

static void flush_cache(const struct locator *l, const struct api_args *args, struct sl_deadline deadline,
                        struct locator_result *r)
{
    struct cache_limit limit;
    struct sl_error e = {.status = SL_OK};
    char text[CACHE_PATH_MAX + 64];
    size_t count = 0;
    (void)deadline;
    if (!api_cache_begin(l, r, &limit))
        return;
    enum sl_status s = cache_flush(l->cache, args->number ? &limit : NULL, &count, &e);
    (void)snprintf(text, sizeof text, "%zu answer%s forgotten in %s", count, count == 1 ? "" : "s", cache_path(l->cache));
    api_conclude(r, SL_OUTCOME_OK, "", text);
    api_cache_end(l, r, s, &e);
}

struct locator_result *locator_list_cache(struct locator *l)
{
    return api_find(l, list_cache, &(struct api_args){.number = 0});
}

struct locator_result *locator_flush_cache(struct locator *l, int only_expired)
{
    return api_find(l, flush_cache, &(struct api_args){.number = only_expired != 0});
}
