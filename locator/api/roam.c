#include "locator/api/private.h"

#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The conclusion of a result, to be set aside while further questions are asked. */
struct conclusion {
    enum locator_outcome outcome;
    char reason[RESOLVE_WORD_MAX];
    char message[SL_ERROR_TEXT_MAX];
};

static struct conclusion set_aside(const struct locator_result *r)
{
    struct conclusion c = {.outcome = r->outcome};
    memcpy(c.reason, r->reason, sizeof c.reason);
    memcpy(c.message, r->message, sizeof c.message);
    return c;
}

static void put_back(const struct conclusion *c, struct locator_result *r)
{
    r->outcome = c->outcome;
    memcpy(r->reason, c->reason, sizeof r->reason);
    memcpy(r->message, c->message, sizeof r->message);
}

/* Where the client is, and where clients there are assigned; "" both when no source can tell. */
struct place {
    char resident[LM_CODE_SIZE], assignment[LM_CODE_SIZE];
    bool told; /* a source knows the boundaries, whether or not the client is in one */
};

static struct place find_place(struct api_inquiry *c)
{
    struct place p = {.resident = ""};
    c->q.what = SRC_SITE;
    c->q.site[0] = '\0';
    c->q.client = api_client(c->l, NULL);
    if (api_ask(c, "find site of the client", NULL)) {
        p.told = c->found.answer.resident[0] != '\0'; /* a directory's answer (R3, R4) */
        memcpy(p.resident, c->found.answer.resident, sizeof p.resident);
        memcpy(p.assignment, c->found.answer.site, sizeof p.assignment);
    } else {
        p.told = c->found.answer.result == SRC_NOT_FOUND;
    }
    return p;
}

/* Asks for the management point of the site where the client is. */
static bool find_there(struct api_inquiry *c, const char *site)
{
    char asked[SRC_TEXT_MAX];
    c->q.what = SRC_MP;
    (void)sl_text_copy(c->q.site, sizeof c->q.site, site);
    (void)snprintf(asked, sizeof asked, "find mp %s", site);
    return api_ask(c, asked, NULL);
}

static void say(struct api_inquiry *c, const char *rule, const char *fmt, ...) SL_PRINTF(3, 4);

static void say(struct api_inquiry *c, const char *rule, const char *fmt, ...)
{
    char text[SRC_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    resolve_trace_say(&c->r->trace, "management point where the client is", text, rule);
}

/* Decides by R1 to R4; true when c->found holds another management point than the assigned one. */
static bool decide(struct api_inquiry *c, const struct place *p, const char *home)
{
    if (!p->told) {
        say(c, "R4", "no directory tells where the client is: the assigned one");
        return false;
    }
    if (!p->resident[0] || !strcmp(p->resident, home)) {
        say(c, "R1", "the client is in %s%s: the assigned one", p->resident[0] ? "its assigned site " : "no boundary",
            p->resident);
        return false;
    }
    bool below = !strcmp(p->assignment, home);
    if (!find_there(c, p->resident)) {
        say(c, below ? "R2" : "R3", "site %s, where the client is, has none: the assigned one", p->resident);
        return false;
    }
    const char *name = c->found.answer.mp.name;
    api_put_text(c->r, below ? LOCATOR_PROXY_MP : LOCATOR_RESIDENT_MP, name);
    if (below)
        say(c, "R2", "the client is in secondary site %s: the proxy %s", p->resident, name);
    else
        say(c, "R3", "the client is in site %s: the resident %s", p->resident, name);
    return true;
}

void api_roam(struct api_inquiry *c)
{
    struct conclusion kept = set_aside(c->r);
    struct resolve_result assigned = c->found;
    char home[LM_CODE_SIZE];
    memcpy(home, c->q.site, sizeof home);
    memset(&c->found, 0, sizeof c->found);
    api_put_text(c->r, LOCATOR_ASSIGNED_MP, assigned.answer.mp.name);
    struct place p = find_place(c);
    api_put_text(c->r, LOCATOR_RESIDENT_SITE, p.resident);
    if (p.resident[0] && !strcmp(p.resident, home))
        api_put_text(c->r, LOCATOR_RESIDENT_MP, assigned.answer.mp.name);
    if (decide(c, &p, home)) {
        resolve_result_fini(&assigned);
        return;
    }
    resolve_result_fini(&c->found);
    c->found = assigned;
    api_put_provenance(c);
    put_back(&kept, c->r);
}
