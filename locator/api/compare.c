#include "locator/api/private.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum verdict { AGREES, DIFFERS, UNDECIDED, SILENT };

static const char *verdict_word(enum verdict v)
{
    static const char *const words[] = {"agrees", "differs", "undecided", "silent"};
    return words[v];
}

static bool speaks(const struct src_answer *a)
{
    return a->result == SRC_ANSWER || a->result == SRC_NO_DEFAULT;
}

static const char *address_of(const struct locator *l, const struct lm_mp *mp)
{
    const char *forced = src_override_find(&l->config, mp->name);
    return forced ? forced : mp->address;
}

/* C1. A name and an address cannot be compared: who wants it tells the name's address. */
static enum verdict compare_mps(const struct locator *l, const struct lm_mp *a, const struct lm_mp *b)
{
    const char *left = address_of(l, a), *right = address_of(l, b);
    if (left[0] && right[0])
        return strcmp(left, right) ? DIFFERS : AGREES;
    if (sl_text_iequal(a->name, b->name))
        return AGREES;
    bool numeric = sl_text_iequal(a->name, a->address) || sl_text_iequal(b->name, b->address);
    return numeric ? UNDECIDED : DIFFERS;
}

static bool holds(const struct src_answer *a, uint32_t address)
{
    for (size_t i = 0; i < a->address_count; i++)
        if (a->addresses[i] == address)
            return true;
    return false;
}

static enum verdict compare_names(const struct src_answer *a, const struct src_answer *b)
{
    bool same = a->group == b->group && a->address_count == b->address_count;
    for (size_t i = 0; same && i < a->address_count; i++)
        same = holds(b, a->addresses[i]);
    return same ? AGREES : DIFFERS;
}

static enum verdict compare(const struct api_inquiry *c, const struct src_answer *first, const struct src_answer *a)
{
    if (!speaks(a))
        return SILENT;
    if (first->result != a->result)
        return DIFFERS;
    if (a->result == SRC_NO_DEFAULT)
        return AGREES;
    if (c->q.what == SRC_NAME)
        return compare_names(first, a);
    if (c->q.what == SRC_SITE)
        return strcmp(first->site, a->site) ? DIFFERS : AGREES;
    return compare_mps(c->l, &first->mp, &a->mp);
}

/* The answer in a line. */
static void put_said(const struct api_inquiry *c, const struct src_answer *a, struct api_row *row)
{
    struct sl_text text = sl_text_new(SRC_URI_MAX);
    if (a->result != SRC_ANSWER)
        sl_text_puts(&text, a->text);
    else if (c->q.what == SRC_SITE)
        sl_text_printf(&text, "%s", a->site);
    else if (c->q.what == SRC_MP)
        sl_text_printf(&text, "%s%s%s", a->mp.name, strcmp(a->mp.name, a->mp.address) ? " " : "",
                       strcmp(a->mp.name, a->mp.address) ? a->mp.address : "");
    for (size_t i = 0; a->result == SRC_ANSWER && c->q.what == SRC_NAME && i < a->address_count; i++)
        sl_text_printf(&text, "%s%s", i ? " " : "", sl_ip4_text(a->addresses[i]).text);
    api_row_text(row, LOCATOR_SAID, sl_text_str(&text));
    sl_text_fini(&text);
}

static void put_row(const struct api_inquiry *c, const char *uri, const struct src_answer *a, enum verdict v)
{
    struct api_row *row = api_row_add(c->r);
    api_row_text(row, LOCATOR_SOURCE, uri);
    api_row_text(row, LOCATOR_SERVER, a->server);
    api_row_text(row, LOCATOR_RESULT, src_result_word(a->result));
    api_row_text(row, LOCATOR_VERDICT, verdict_word(v));
    put_said(c, a, row);
    if (resolve_has_trust(a))
        api_row_text(row, LOCATOR_TRUST, lm_trust_word(a->trust));
    if (a->result != SRC_ANSWER)
        return;
    api_row_text(row, LOCATOR_OWNER, a->owner);
    api_row_text(row, LOCATOR_REPLICATED_FROM, a->replicated_from);
    api_row_number(row, LOCATOR_AGE_S, a->age_s);
    api_row_number(row, LOCATOR_TTL_S, a->ttl_s);
}

/* Rows and outcome: all that speak are compared with the first that does. */
static void judge(struct api_inquiry *c, const struct src_answer *answers)
{
    size_t count = c->source_count, first = 0, counts[SILENT + 1] = {0};
    char text[SRC_TEXT_MAX];
    while (first < count && !speaks(&answers[first]))
        first++;
    for (size_t i = 0; i < count; i++) {
        enum verdict v = first < count ? compare(c, &answers[first], &answers[i]) : SILENT;
        put_row(c, c->sources[i], &answers[i], v);
        counts[v]++;
    }
    if (first == count)
        return; /* nobody spoke: the outcome is the judge's */
    if (counts[UNDECIDED])
        api_warn(c->r, "a name and an address cannot be compared (C1): tell the address of the host with --resolve");
    (void)snprintf(text, sizeof text, "%zu agree, %zu differ, %zu undecided, %zu silent", counts[AGREES], counts[DIFFERS],
                   counts[UNDECIDED], counts[SILENT]);
    if (counts[DIFFERS])
        api_conclude(c->r, SL_OUTCOME_CONFLICT, "sources-differ", text);
    else
        api_conclude(c->r, SL_OUTCOME_OK, "", text);
}

/* Parses the subject into the question and its words. */
static enum sl_status prepare(struct api_inquiry *c, enum locator_kind kind, const char *subject, char asked[SRC_TEXT_MAX],
                              struct sl_error *e)
{
    enum sl_status s = SL_OK;
    if (kind == LOCATOR_KIND_NAME)
        s = nb_name_parse(subject ? subject : "", &c->q.name, e);
    else if (kind != LOCATOR_KIND_MP && kind != LOCATOR_KIND_SITE)
        return sl_fail(e, SL_USAGE, "answers of kind %d are not compared", (int)kind);
    else if (subject || kind == LOCATOR_KIND_MP)
        s = lm_code_parse(subject ? subject : "", c->q.site, e);
    if (s != SL_OK)
        return s;
    struct nb_name_text name = nb_name_text(&c->q.name);
    const char *words[] = {[SRC_SITE] = "site", [SRC_MP] = "mp", [SRC_NAME] = "name"};
    const char *what = c->q.what == SRC_NAME ? name.text : c->q.site[0] ? c->q.site : "of the client";
    (void)snprintf(asked, SRC_TEXT_MAX, "compare %s %.200s", words[c->q.what], what);
    return SL_OK;
}

void api_compare(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    enum locator_kind kind = (enum locator_kind)args->number;
    struct api_inquiry c;
    struct sl_error e = {.status = SL_OK};
    char asked[SRC_TEXT_MAX];
    api_begin(&c, l, deadline, r, kind == LOCATOR_KIND_NAME ? SRC_NAME : kind == LOCATOR_KIND_SITE ? SRC_SITE : SRC_MP);
    c.q.client = api_client(l, NULL);
    if (prepare(&c, kind, args->texts[API_NAME], asked, &e) != SL_OK)
        return api_mistake(&c, &e);
    struct src_answer *answers = sl_new_array(c.source_count + 1, sizeof *answers);
    for (size_t i = 0; i < c.source_count; i++)
        src_answer_init(&answers[i]);
    (void)api_ask(&c, asked, answers);
    if (c.found.judgement.decided)
        judge(&c, answers);
    for (size_t i = 0; i < c.source_count; i++)
        src_answer_fini(&answers[i]);
    free(answers);
    api_end(&c);
}
