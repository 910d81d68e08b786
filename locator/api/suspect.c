/* The feedback of callers (X23): every answer has an id, and one that was reported is suspect to all who share the cache. */
#include "locator/api/private.h"

#include "common/base/addr.h"
#include "common/base/text.h"
#include "locator/cache/suspect.h"
#include "locator/net/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { VALUE_MAX = 64 << 10, TIME_MAX = 32, FOR_MAX_MS = 24 * 3600 * 1000, FOR_TOO_LONG = FOR_MAX_MS + 1 };

/* ---- ids ---------------------------------------------------------------------------------------------------------------- */

void api_answer_id(const char *kind, const char *site, const char *source, const char *value, char out[SRC_ID_SIZE])
{
    struct sl_text text = sl_text_new(2 * VALUE_MAX);
    char print[PROOF_PRINT_MAX];
    sl_text_printf(&text, "%s\n%s\n%s\n%s", kind, site, source, value);
    proof_print(sl_text_str(&text), text.len, print);
    (void)snprintf(out, SRC_ID_SIZE, "%.*s", SRC_ID_SIZE - 1, print);
    sl_text_fini(&text);
}

/* True for the text of an id. */
static bool is_id(const char *text)
{
    return strlen(text) == SRC_ID_SIZE - 1 && strspn(text, "0123456789ABCDEF") == SRC_ID_SIZE - 1;
}

static void put_addresses(const struct src_answer *a, struct sl_text *out)
{
    for (size_t i = 0; i < a->address_count; i++)
        sl_text_printf(out, " %s", sl_ip4_text(a->addresses[i]).text);
}

static void identify_mp(const struct src_question *q, const char *source, const struct lm_mp *mp, char out[SRC_ID_SIZE])
{
    struct sl_text value = sl_text_new(VALUE_MAX);
    sl_text_printf(&value, "%s %s", mp->name, mp->address);
    api_answer_id("mp", q->site, source, sl_text_str(&value), out);
    sl_text_fini(&value);
}

/* What an answer says, without what changes from one time to the next; lists of all that is published have no id. */
static void identify(const struct src_question *q, const char *source, struct src_answer *a)
{
    struct sl_text value = sl_text_new(VALUE_MAX);
    const char *kind = NULL;
    if (q->what == SRC_MP) {
        identify_mp(q, source, &a->mp, a->id);
    } else if (q->what == SRC_SITE) {
        kind = "site";
        sl_text_printf(&value, "%s %s", a->site, a->resident);
    } else if (q->what == SRC_NAME) {
        kind = "name";
        sl_text_puts(&value, nb_name_text(&q->name).text);
        put_addresses(a, &value);
    } else if (q->what == SRC_CAP) {
        kind = "cap";
        for (size_t i = 0; i < a->objects.count; i++)
            sl_text_printf(&value, " %s", a->objects.items[i].mp.name);
    }
    if (kind)
        api_answer_id(kind, q->site, source, sl_text_str(&value), a->id);
    sl_text_fini(&value);
}

/* ---- weighing ----------------------------------------------------------------------------------------------------------- */

static void time_text(int64_t at_s, char out[TIME_MAX])
{
    time_t when = (time_t)at_s;
    struct tm tm;
    if (gmtime_r(&when, &tm) == NULL || strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)snprintf(out, TIME_MAX, "%" PRId64, at_s);
}

static void suspicion_text(const char *id, int64_t until_s, char *out, size_t size)
{
    char until[TIME_MAX];
    time_text(until_s, until);
    (void)snprintf(out, size, "answer %s is suspect until %s", id, until);
}

int64_t api_suspect_until(struct api_inquiry *c, const char *id)
{
    int64_t until_s = 0;
    struct sl_error e = {.status = SL_OK};
    if (c->l->cache && id[0])
        api_warn_cache(c, cache_suspect_until(c->l->cache, id, c->q.now_s, &until_s, &e), &e);
    return until_s;
}

/* J8 within a source: of several that may be meant (Q12) the next by name that is not suspect becomes the answer. */
static void pass_over(struct api_inquiry *c, size_t source, struct src_answer *a)
{
    for (size_t i = 0; i < a->other_count; i++) {
        const struct lm_mp *other = &a->others[i];
        char id[SRC_ID_SIZE], before[sizeof a->rule];
        identify_mp(&c->q, c->sources[source], other, id);
        if (!sl_text_iequal(other->forest, a->mp.forest) || api_suspect_until(c, id))
            continue;
        src_say(a, SRC_ANSWER, "%s is the next by name, since %s is suspect", other->name, a->mp.name);
        memcpy(before, a->rule, sizeof before);
        (void)snprintf(a->rule, sizeof a->rule, "J8 %.12s", before);
        src_take_other(a, i);
        memcpy(a->id, id, sizeof a->id);
        a->suspect_until_s = 0;
        return;
    }
}

void api_weigh(void *inquiry, size_t source, struct src_answer *a)
{
    struct api_inquiry *c = inquiry;
    if (a->result != SRC_ANSWER)
        return;
    identify(&c->q, c->sources[source], a);
    a->suspect_until_s = api_suspect_until(c, a->id);
    memcpy(c->kept.suspects[source].id, a->id, sizeof a->id);
    c->kept.suspects[source].until_s = a->suspect_until_s;
    if (a->suspect_until_s && c->q.what == SRC_MP)
        pass_over(c, source, a);
}

void api_warn_suspect(struct locator_result *r, const char *what, const char *id, int64_t until_s)
{
    char text[SRC_URI_MAX + SRC_TEXT_MAX], suspicion[SRC_TEXT_MAX];
    suspicion_text(id, until_s, suspicion, sizeof suspicion);
    (void)snprintf(text, sizeof text, "%s: %s", what, suspicion);
    api_warn(r, text);
}

bool api_warn_suspects(struct api_inquiry *c)
{
    struct resolve_result *found = &c->found;
    const struct resolve_judgement *j = &found->judgement;
    for (size_t i = 0; i < c->source_count && i <= j->by; i++) {
        const struct api_suspect *one = &c->kept.suspects[i];
        if (!one->until_s)
            continue;
        if (j->outranking_failed && i == j->lower) /* of which warn_lower tells */
            suspicion_text(one->id, one->until_s, found->lower_text, sizeof found->lower_text);
        else
            api_warn_suspect(c->r, c->sources[i], one->id, one->until_s);
    }
    return found->answer.suspect_until_s != 0;
}

/* ---- reporting ---------------------------------------------------------------------------------------------------------- */

static void report_failure(const struct locator *l, const struct api_args *args, struct sl_deadline deadline,
                           struct locator_result *r)
{
    struct cache_limit limit;
    struct sl_error e = {.status = SL_OK};
    char text[SRC_TEXT_MAX];
    const char *id = args->texts[API_NAME] ? args->texts[API_NAME] : "";
    (void)deadline;
    if (!is_id(id))
        (void)sl_fail(&e, SL_USAGE, "\"%.40s\" is no id of an answer: %d hexadecimal digits, capitals", id, SRC_ID_SIZE - 1);
    else if (args->number > FOR_MAX_MS)
        (void)sl_fail(&e, SL_USAGE, "an answer can be suspect for a day at most");
    if (e.status != SL_OK)
        return api_conclude(r, SL_OUTCOME_USAGE, "", sl_error_text(&e));
    if (!api_cache_begin(l, r, &limit))
        return;
    int64_t for_s = ((int64_t)args->number + 999) / 1000, until_s = limit.now_s + for_s;
    enum sl_status s = cache_suspect(l->cache, id, until_s, limit.now_s, &e);
    suspicion_text(id, until_s, text, sizeof text);
    api_conclude(r, SL_OUTCOME_OK, "", for_s ? text : "the answer is not suspect any more");
    api_put_text(r, LOCATOR_ANSWER_ID, id);
    r->numbers[LOCATOR_SUSPECT_UNTIL_S] = for_s ? until_s : -1;
    api_cache_end(l, r, s, &e);
}

struct locator_result *locator_report_failure(struct locator *l, const char *answer_id, int64_t for_ms)
{
    bool is_possible = for_ms >= 0 && for_ms <= FOR_MAX_MS;
    struct api_args args = {.texts = {[API_NAME] = answer_id}, .number = is_possible ? (uint32_t)for_ms : FOR_TOO_LONG};
    return api_find(l, report_failure, &args);
}
