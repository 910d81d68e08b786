#include "site/server/check.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/httpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECT_MAX = 2048, DETAIL_MAX = SL_ERROR_TEXT_MAX - 32 };

static const struct {
    const char *id;
    enum srv_chk_severity severity;
    const char *text, *origin;
} rules[CHK_RULE_COUNT] = {
#define RULE_ROW(name, id, severity, text, origin) {id, CHK_##severity, text, origin},
    CHK_RULE_TABLE(RULE_ROW)
#undef RULE_ROW
};

static const char *const severity_words[CHK_SEVERITY_COUNT] = {
#define SEVERITY_WORD(name, word) word,
    CHK_SEVERITY_TABLE(SEVERITY_WORD)
#undef SEVERITY_WORD
};

enum srv_chk_severity srv_chk_severity_parse(const char *word)
{
    return (enum srv_chk_severity)sl_word_find(severity_words, CHK_SEVERITY_COUNT, word);
}

const char *const srv_chk_columns[CHK_CELLS] = {"rule:text", "severity:text", "subject:text",
                                            "text:text", "detail:text",   "origin:text"};

void srv_chk_cells(const struct srv_chk_finding *f, const char *cells[CHK_CELLS])
{
    const char *const row[CHK_CELLS] = {rules[f->rule].id,   severity_words[rules[f->rule].severity], f->subject,
                                        rules[f->rule].text, f->detail, rules[f->rule].origin};
    memcpy(cells, row, sizeof row);
}

bool srv_chk_reaches(const struct srv_chk_findings *findings, enum srv_chk_severity least)
{
    bool reaches = false;
    for (size_t i = 0; i < findings->count; i++)
        reaches = reaches || rules[findings->items[i].rule].severity >= least;
    return reaches;
}

void srv_chk_fini(struct srv_chk_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].subject);
        free(findings->items[i].detail);
    }
    free(findings->items);
    *findings = (struct srv_chk_findings){0};
}

static void add(struct srv_chk_findings *f, enum srv_chk_rule rule, const char *subject, const char *detail)
{
    if (f->count == CHK_FINDINGS_MAX)
        return;
    f->items = sl_resize(f->items, f->count + 1, sizeof *f->items);
    f->items[f->count++] = (struct srv_chk_finding){rule, sl_strdup(subject), sl_strdup(detail)};
}

/* ---- what is configured ------------------------------------------------------------------------------------------------- */

static void look_at_site(const struct sm_snapshot *site, const struct sl_strings *overlaps, struct srv_chk_findings *f)
{
    if (site->mp_count == 0)
        add(f, CHK_NO_MP, site->site.code, "");
    else if (sm_default_mp(site) == NULL)
        add(f, CHK_NO_DEFAULT_MP, site->site.code, "sitectl mp designate HOST");
    if (site->dp_count == 0)
        add(f, CHK_NO_DP, site->site.code, "");
    for (size_t i = 0; i < site->mp_count; i++) {
        if (sm_default_mp(site) != NULL && !sm_mp_is_used(site, &site->mps[i]))
            add(f, CHK_EXTRA_MP, site->mps[i].host, "");
        if (site->mps[i].is_nlb && site->mps[i].member_count == 0)
            add(f, CHK_EMPTY_CLUSTER, site->mps[i].host, "");
    }
    for (size_t i = 0; i < overlaps->count; i++)
        add(f, CHK_OVERLAP, site->site.code, overlaps->items[i]);
}

/* ---- what is published -------------------------------------------------------------------------------------------------- */

static void look_at_lines(const struct pub_report *report, struct srv_chk_findings *f)
{
    for (size_t i = 0; i < report->line_count; i++) {
        const struct pub_line *line = &report->lines[i];
        bool is_wanting = strcmp(line->action, "add") == 0 || strcmp(line->action, "change") == 0 ||
                          strcmp(line->action, "wait") == 0;
        char subject[SUBJECT_MAX];
        snprintf(subject, sizeof subject, "%s %s", line->target, line->object);
        if (is_wanting)
            add(f, CHK_NOT_PUBLISHED, subject, line->detail);
        else if (strcmp(line->action, "remove") == 0)
            add(f, CHK_STALE, subject, line->detail);
    }
}

static void look_at_targets(const struct pub_report *report, struct srv_chk_findings *f)
{
    for (size_t i = 0; i < report->result_count; i++) {
        const struct pub_result *r = &report->results[i];
        if (r->outcome != SL_OUTCOME_OK && r->outcome != SL_OUTCOME_NEGATIVE && r->outcome != SL_OUTCOME_DEGRADED)
            add(f, CHK_TARGET_FAILED, r->target, r->message);
    }
    for (size_t i = 0; i < report->warnings.count; i++)
        for (size_t k = 0; k < CHK_RULE_COUNT; k++)
            if (strcmp(rules[k].id, report->rules.items[i]) == 0)
                add(f, (enum srv_chk_rule)k, "", report->warnings.items[i]);
}

/* ---- what answers ------------------------------------------------------------------------------------------------------- */

static bool ask(const struct sm_mp *mp, const char *verb, const struct srv_chk_trust *trust, struct sl_deadline deadline,
                char ret_detail[SL_ERROR_TEXT_MAX])
{
    char url[HTTPC_URL_MAX], path[64];
    struct httpc_reply reply;
    struct sl_error e = {0};
    snprintf(path, sizeof path, "/SMS_MP/.sms_aut?%s", verb);
    if (!httpc_url(url, sizeof url, mp->is_https ? "https" : "http", mp->host, mp->port, path))
        return true; /* names are checked when they are stored */
    const struct httpc_request request = {
        .url = url, .connect_to = mp->address, .ca_file = trust->ca, .cert_file = trust->client};
    if (httpc_exchange(&request, sl_deadline_min(deadline, sl_deadline_in(CHK_MP_MS)), &reply, &e) != SL_OK) {
        snprintf(ret_detail, SL_ERROR_TEXT_MAX, "%s: %.*s", verb, DETAIL_MAX, e.text);
        return false;
    }
    snprintf(ret_detail, SL_ERROR_TEXT_MAX, "%s: HTTP status %d", verb, reply.status);
    httpc_reply_fini(&reply);
    return reply.status == 200;
}

bool srv_chk_answers(const char *site, const struct sm_mp *mp, const struct srv_chk_trust *trust, struct sl_deadline deadline,
                     char ret_detail[SL_ERROR_TEXT_MAX])
{
    char list[16];
    snprintf(list, sizeof list, "MPLIST1&%s", site);
    return ask(mp, list, trust, deadline, ret_detail) && ask(mp, "MPCERT", trust, deadline, ret_detail);
}

static void look_at_neighbours(const struct srv_chk_matter *m, struct srv_chk_findings *f)
{
    for (size_t i = 0; i < m->neighbours->count; i++) {
        const struct sst_neighbour *n = &m->neighbours->items[i];
        if (n->told_s == 0 || m->now_s - n->told_s > CHK_SILENCE_S)
            add(f, CHK_NEIGHBOUR_SILENT, n->code, n->url);
    }
}

/* What only is on its way is nothing to tell. */
static void look_at_holdings(const struct srv_chk_matter *m, struct srv_chk_findings *f)
{
    char detail[SL_ERROR_TEXT_MAX];
    for (size_t i = 0; i < m->holding_count; i++) {
        const struct sst_holding *h = &m->holdings[i];
        (void)snprintf(detail, sizeof detail, "%s: %.*s", h->dp, DETAIL_MAX, h->message);
        if (strcmp(h->state, "failed") == 0)
            add(f, CHK_PACKAGE_MISSING, h->package, detail);
    }
}

void srv_chk_look(const struct srv_chk_matter *m, struct sl_deadline deadline, struct srv_chk_findings *ret_findings)
{
    struct srv_chk_findings f = {0};
    char detail[SL_ERROR_TEXT_MAX];
    look_at_site(m->site, m->overlaps, &f);
    look_at_neighbours(m, &f);
    look_at_holdings(m, &f);
    look_at_targets(m->report, &f);
    look_at_lines(m->report, &f);
    for (size_t i = 0; i < m->site->mp_count; i++)
        if (!srv_chk_answers(m->site->site.code, &m->site->mps[i], m->trust, deadline, detail))
            add(&f, CHK_MP_SILENT, m->site->mps[i].host, detail);
    *ret_findings = f;
}
