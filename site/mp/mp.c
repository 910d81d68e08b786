#include "site/mp/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mp *mp_new(struct sst_pool *pool, const char *site, const char *host, struct mp_identity *identity,
                  struct mp_upward upward, struct mp_cache *cache)
{
    struct mp *mp = sl_new(sizeof *mp);
    *mp = (struct mp){.magic = MP_MAGIC,
                      .reads_at = pool,
                      .site = sl_strdup(site),
                      .host = sl_strdup(host),
                      .identity = identity,
                      .upward = upward,
                      .cache = cache};
    (void)pthread_mutex_init(&mp->lock, NULL);
    return mp;
}

void mp_read_at(struct mp *mp, struct sst_pool *pool)
{
    SL_CHECK_MAGIC(mp, MP_MAGIC);
    mp->reads_at = pool;
}

void mp_free(struct mp *mp)
{
    if (mp == NULL)
        return;
    SL_CHECK_MAGIC(mp, MP_MAGIC);
    free(mp->site);
    free(mp->host);
    free(mp->networks);
    (void)pthread_mutex_destroy(&mp->lock);
    mp->magic = 0;
    free(mp);
}

void mp_fail(struct web_response *response, const struct sl_error *e)
{
    web_fail(response, "mp-request-failed", e, "the site database cannot be read");
}

enum sl_status mp_client_site(const struct mp *mp, struct sst *store, const char *wanted, char **ret_code, struct sl_error *e)
{
    char *named = NULL, assigned[SM_CODE_LEN + 1];
    enum sl_status status = sst_choose_site(store, wanted != NULL ? wanted : mp->site, &named, e);
    if (status == SL_OK)
        status = sst_assigned_site(store, named, assigned, e);
    free(named);
    if (status == SL_OK)
        *ret_code = sl_strdup(assigned);
    return status;
}

/* ---- MPLIST ----------------------------------------------------------------------------------------------------------- */

/* The short name, in upper case, as the Name attribute shows it. */
static void short_name(char *out, size_t size, const char *host)
{
    snprintf(out, size, "%.*s", (int)strcspn(host, "."), host);
    sl_text_upper(out);
}

static enum sl_status add_mp(struct loc_mp_list *list, const struct sm_snapshot *snap, const struct sm_mp *mp, bool with_site,
                             struct sl_error *e)
{
    struct loc_mp item = {0};
    short_name(item.name, sizeof item.name, mp->host);
    snprintf(item.fqdn, sizeof item.fqdn, "%s", mp->host);
    snprintf(item.site, sizeof item.site, "%s", with_site ? snap->site.code : "");
    snprintf(item.version, sizeof item.version, "%d", SM_SITE_BUILD);
    item.ssl_state = mp->is_https;
    return loc_mp_list_add(list, &item, e);
}

/* The default management point first: who only looks at the first one is right. */
static enum sl_status list_mps(const struct sm_snapshot *snap, bool with_site, struct loc_mp_list *list, struct sl_error *e)
{
    const struct sm_mp *first = sm_default_mp(snap);
    enum sl_status status = first != NULL ? add_mp(list, snap, first, with_site, e) : SL_OK;
    for (size_t i = 0; i < snap->mp_count && status == SL_OK; i++)
        if (&snap->mps[i] != first)
            status = add_mp(list, snap, &snap->mps[i], with_site, e);
    return status;
}

static void answer_list(struct sst *store, const char *code, bool with_site, struct web_response *response)
{
    struct sl_error e = {0};
    struct sm_snapshot *snap = NULL;
    struct loc_mp_list list = {0};
    enum sl_status status = sst_snapshot(store, code, &snap, &e);
    if (status == SL_OK && snap != NULL)
        status = list_mps(snap, with_site, &list, &e);
    if (status != SL_OK) {
        mp_fail(response, &e);
    } else if (snap == NULL) {
        web_text(response, 404, "no such site");
    } else {
        loc_mp_list_write(&list, &response->body);
        response->status = 200;
        response->type = "text/xml; charset=utf-8";
    }
    loc_mp_list_fini(&list);
    sm_snapshot_free(snap);
}

/* A list of the site `wanted`, NULL for our own. */
static void serve_list(struct mp *mp, const char *wanted, bool with_site, struct web_response *response)
{
    struct sl_error e = {0};
    struct sst *store = NULL;
    char *code = NULL;
    struct sst_pool *pool = mp_pool(mp);
    enum sl_status status = sst_borrow(pool, &store, &e);
    if (status == SL_OK)
        status = wanted != NULL ? SL_OK : sst_choose_site(store, mp->site, &code, &e);
    if (status == SL_OK)
        answer_list(store, wanted != NULL ? wanted : code, with_site, response);
    else if (status == SL_USAGE)
        web_text(response, 404, "say which site: MPLIST1&CODE");
    else
        mp_fail(response, &e);
    free(code);
    sst_give_back(pool, store, status == SL_USAGE ? SL_OK : status);
}

/* False when it has been answered already: not from there. */
static bool may_list(struct mp *mp, const struct web_request *request, struct web_response *response)
{
    bool may = mp_may_list(mp, request->peer);
    if (!may)
        web_text(response, 403, "the list of management points is not for this network");
    return may;
}

static void on_mplist(struct mp *mp, const struct web_request *request, const char *argument, struct web_response *response)
{
    if (!may_list(mp, request, response))
        return;
    if (argument != NULL)
        web_text(response, 400, "MPLIST takes no argument; MPLIST1&CODE does");
    else
        serve_list(mp, NULL, false, response);
}

static void on_mplist1(struct mp *mp, const struct web_request *request, const char *argument, struct web_response *response)
{
    char code[WEB_ITEM_MAX];
    if (!may_list(mp, request, response))
        return;
    if (argument != NULL) {
        snprintf(code, sizeof code, "%s", argument);
        sl_text_upper(code);
    }
    serve_list(mp, argument != NULL ? code : NULL, true, response);
}

static void on_mpcert(struct mp *mp, const struct web_request *request, const char *argument, struct web_response *response)
{
    (void)argument;
    mp_serve_certificate(mp->identity, request, response);
}

static void on_key_information(struct mp *mp, const struct web_request *request, const char *argument,
                               struct web_response *response)
{
    (void)argument;
    mp_serve_keys(mp->identity, request, response);
}

static void on_site_certificate(struct mp *mp, const struct web_request *request, const char *argument,
                                struct web_response *response)
{
    (void)argument;
    mp_serve_root(mp->identity, request, response);
}

/* The verbs of .sms_aut. */
static const struct {
    const char *name;
    void (*serve)(struct mp *mp, const struct web_request *request, const char *argument, struct web_response *response);
} verbs[] = {
    {"MPLIST", on_mplist},
    {"MPLIST1", on_mplist1},
    {"MPCERT", on_mpcert},
    {"MPCERT1", on_mpcert},
    {"MPKEYINFORMATION", on_key_information},
    {"SITESIGNCERT", on_site_certificate},
};

static void on_sms_aut(const struct web_request *request, struct web_response *response, void *ctx)
{
    struct mp *mp = ctx;
    char verb[WEB_ITEM_MAX], argument[WEB_ITEM_MAX];
    SL_CHECK_MAGIC(mp, MP_MAGIC);
    if (!web_query_item(request->query, 0, verb, sizeof verb)) {
        web_text(response, 400, "the verb is too long or badly encoded");
        return;
    }
    bool more = strchr(request->query, '&') != NULL;
    if (more && !web_query_item(request->query, 1, argument, sizeof argument)) {
        web_text(response, 400, "the argument is too long or badly encoded");
        return;
    }
    for (size_t i = 0; i < SL_COUNT(verbs); i++)
        if (sl_text_iequal(verbs[i].name, verb)) {
            verbs[i].serve(mp, request, more && argument[0] != '\0' ? argument : NULL, response);
            return;
        }
    web_text(response, 404, "unknown verb");
}

const struct web_route mp_routes[] = {
    {"GET", "/SMS_MP/.sms_aut", on_sms_aut},
    {"GET", MP_POLICY_PATH, mp_on_policy_body},
    {CCM_METHOD, CCM_PATH, mp_on_message},
};
const size_t mp_route_count = SL_COUNT(mp_routes);
