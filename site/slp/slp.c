#include "site/slp/slp.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "locator/net/slpmsg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLP_MAGIC 0x51900001u

struct slp {
    uint32_t magic;
    struct sst_pool *pool;
    struct web_route route;
};

/* ---- the question ------------------------------------------------------------------------------------------------------- */

struct address {
    char text[LM_ADDRESS_MAX], subnet[LM_ADDRESS_MAX];
};

struct question {
    bool is_site; /* says "site" */
    char code[WEB_ITEM_MAX];
    char ad_site[WEB_ITEM_MAX];
    struct address addresses[SLP_PLACES_MAX];
    size_t address_count;
};

static enum sl_status take_address(const char *text, struct question *q, struct sl_error *e)
{
    struct lm_address address;
    if (q->address_count == SLP_PLACES_MAX)
        return sl_fail(e, SL_LIMIT, "more than %d addresses", SLP_PLACES_MAX);
    struct address *a = &q->addresses[q->address_count];
    enum sl_status status = lm_address_parse(text, &address, e);
    if (status != SL_OK)
        return status;
    lm_address_text(&address, a->text);
    a->subnet[0] = '\0';
    if (address.prefix_len >= 0)
        lm_address_subnet(&address, a->subnet);
    q->address_count++;
    return SL_OK;
}

/* What is not known is passed over, as the reader of our answers does it. */
static enum sl_status take_item(const char *item, struct question *q, struct sl_error *e)
{
    size_t len = strcspn(item, "=");
    const char *value = item[len] == '=' ? item + len + 1 : "";
    char name[8];
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : 0), item);
    if (sl_text_iequal(name, "site"))
        q->is_site = true;
    else if (sl_text_iequal(name, "sc"))
        (void)sl_text_copy(q->code, sizeof q->code, value); /* fits: an item is no longer */
    else if (sl_text_iequal(name, "ad"))
        (void)sl_text_copy(q->ad_site, sizeof q->ad_site, value);
    else if (sl_text_iequal(name, "ip"))
        return take_address(value, q, e);
    sl_text_upper(q->code);
    return SL_OK;
}

static enum sl_status read_question(const char *query, struct question *q, struct sl_error *e)
{
    char item[WEB_ITEM_MAX];
    enum sl_status status = SL_OK;
    for (size_t n = 0; web_query_item(query, n, item, sizeof item) && status == SL_OK; n++)
        status = take_item(item, q, e);
    if (status == SL_OK && (!q->is_site || (q->code[0] == '\0' && q->ad_site[0] == '\0' && q->address_count == 0)))
        return sl_fail(e, SL_MALFORMED, "ask for ?site&sc=CODE or ?site&ip=ADDRESS/LEN&ad=SITE");
    return status;
}

/* ---- the answer --------------------------------------------------------------------------------------------------------- */

static enum sl_status find_sites(struct sst_map *map, struct sst *store, const struct question *q,
                                 struct sst_assignment found[SLP_SITES_MAX], size_t *ret_count, struct sl_error *e)
{
    struct sst_place places[SLP_PLACES_MAX + 1] = {{.ad_site = q->ad_site}};
    if (q->code[0] != '\0') {
        found[0].by = "site-code";
        *ret_count = sl_text_copy(found[0].code, sizeof found[0].code, q->code) ? 1 : 0;
        return SL_OK;
    }
    for (size_t i = 0; i < q->address_count; i++)
        places[i + 1] = (struct sst_place){.address = q->addresses[i].text, .subnet = q->addresses[i].subnet};
    struct sst_inside inside;
    enum sl_status status = sst_find_inside(map, store, places, q->address_count + 1, &inside, e);
    if (status != SL_OK)
        return status;
    *ret_count = sst_assign(map, &inside, found, SLP_SITES_MAX);
    sst_inside_fini(&inside);
    return SL_OK;
}

static void tell_entry(const struct sst_entry *entry, const char *by, struct loc_slp_reply *reply)
{
    *reply = (struct loc_slp_reply){.sites = 1, .mp = lm_mp_unknown(), .has_mp = entry->mp_host != NULL};
    snprintf(reply->site, sizeof reply->site, "%s", entry->code);
    snprintf(reply->assignment, sizeof reply->assignment, "%s", entry->code);
    snprintf(reply->assigned_by, sizeof reply->assigned_by, "%s", by);
    if (entry->mp_host != NULL) {
        snprintf(reply->mp.name, sizeof reply->mp.name, "%s", entry->mp_host);
        snprintf(reply->mp.address, sizeof reply->mp.address, "%s", entry->mp_address);
        snprintf(reply->mp.forest, sizeof reply->mp.forest, "%s", entry->forest);
        reply->mp.srv_port = entry->mp_port;
        reply->mp.ssl_state = entry->mp_is_https;
        reply->mp.build = SM_SITE_BUILD;
    }
    for (size_t i = 0; i < entry->caps.count; i++)
        snprintf(reply->caps[reply->cap_count++], sizeof reply->caps[0], "%s", entry->caps.items[i]);
}

/* A site that has just been removed is left out. */
static enum sl_status find_entries(struct sst_map *map, struct sst *store, const struct question *q,
                                   struct loc_slp_reply *replies, size_t *ret_count, struct sl_error *e)
{
    struct sst_assignment found[SLP_SITES_MAX];
    size_t count = 0;
    enum sl_status status = find_sites(map, store, q, found, &count, e);
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        struct sst_entry entry = {0};
        status = sst_entry(store, found[i].code, LOC_SLP_CAPS_MAX, &entry, e);
        if (status == SL_OK && entry.is_there)
            tell_entry(&entry, found[i].by, &replies[(*ret_count)++]);
        sst_entry_fini(&entry);
    }
    return status;
}

static void on_get(const struct web_request *request, struct web_response *response, void *ctx)
{
    const struct slp *slp = ctx;
    struct question q = {0};
    struct sl_error e = {0};
    struct sst *store = NULL;
    struct sst_map *map = NULL;
    size_t count = 0;
    SL_CHECK_MAGIC(slp, SLP_MAGIC);
    if (read_question(request->query, &q, &e) != SL_OK) {
        web_text(response, 400, "%s", e.text);
        return;
    }
    struct loc_slp_reply *replies = sl_new_array(SLP_SITES_MAX, sizeof *replies);
    enum sl_status status = sst_borrow(slp->pool, &store, &e);
    if (status == SL_OK)
        status = sst_borrow_map(slp->pool, store, &map, &e);
    if (status == SL_OK)
        status = find_entries(map, store, &q, replies, &count, &e);
    sst_map_release(map);
    sst_give_back(slp->pool, store, status);
    if (status == SL_OK) {
        loc_slp_reply_write(replies, count, &response->body);
        response->status = 200;
        response->type = "text/xml; charset=utf-8";
    } else {
        web_fail(response, "slp-request-failed", &e, "the site database cannot be read");
    }
    free(replies);
}

struct slp *slp_new(struct sst_pool *pool, const char *path)
{
    struct slp *slp = sl_new(sizeof *slp);
    *slp = (struct slp){.magic = SLP_MAGIC, .pool = pool, .route = {"GET", sl_strdup(path), on_get}};
    return slp;
}

void slp_free(struct slp *slp)
{
    if (slp == NULL)
        return;
    SL_CHECK_MAGIC(slp, SLP_MAGIC);
    free((char *)(uintptr_t)slp->route.path);
    slp->magic = 0;
    free(slp);
}

const struct web_route *slp_route(const struct slp *slp)
{
    return &slp->route;
}
