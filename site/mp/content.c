#include "site/mp/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the client says it is: each address with its subnet, and the AD site once. */
static size_t places_of(const struct loc_content_request *request, struct sst_place places[LOC_ADDRESSES_PER_CLIENT + 1])
{
    size_t count = 0;
    for (; count < request->address_count; count++)
        places[count] =
            (struct sst_place){.address = request->addresses[count].address, .subnet = request->addresses[count].subnet};
    places[count++] = (struct sst_place){.ad_site = request->ad_site};
    return count;
}

/* What is asked, and the answer so far. */
struct asking {
    struct sst *store;
    struct sst_map *map;
    enum loc_question question;
    const struct loc_content_request *request;
    struct sst_inside inside;
    struct sst_heres here;
    struct loc_content_reply reply;
    size_t records;
};

/* Adds the distribution points of a site that hold the package. */
static enum sl_status add_records(struct asking *a, struct loc_site *site, struct sl_error *e)
{
    const struct sst_wanted wanted = {
        .site = site->code, .package = a->request->package, .version = a->request->version, .inside = &a->inside};
    struct sst_locations found = {0};
    enum sl_status status = sst_locate(a->map, a->store, &wanted, &found, e);
    for (size_t i = 0; i < found.count && status == SL_OK; i++) {
        char url[SM_URL_MAX + SM_PACKAGE_ID_MAX + 16];
        struct loc_record *record;
        snprintf(url, sizeof url, "%s%s.%u/", found.items[i].url, found.package, found.version);
        status = loc_site_add_record(site, url, found.items[i].host, &record, e);
        if (status == SL_OK)
            record->locality = site->locality;
    }
    a->records += found.count;
    sst_locations_fini(&found);
    return status;
}

static enum sl_status add_site(struct asking *a, const char *code, const char *master, enum loc_locality locality,
                               struct sl_error *e)
{
    struct loc_site *site;
    enum sl_status status = loc_content_reply_add_site(&a->reply, code, master, locality, &site, e);
    return status == SL_OK && a->question == LOC_CONTENT ? add_records(a, site, e) : status;
}

/* The sites whose boundaries hold the client, the near ones first (Q13). */
static enum sl_status add_near(struct asking *a, bool is_slow, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < a->here.count && a->reply.site_count < LOC_SITES_PER_REPLY - 1 && status == SL_OK; i++) {
        const struct sst_here *here = &a->here.items[i];
        if (here->is_slow == is_slow)
            status = add_site(a, here->code, here->assignment, is_slow ? LOC_REMOTE : LOC_LOCAL, e);
    }
    return status;
}

static bool is_here(const struct asking *a, const char *code)
{
    for (size_t i = 0; i < a->here.count; i++)
        if (strcmp(a->here.items[i].code, code) == 0)
            return true;
    return false;
}

/*
 * The client's assigned site, when none of the others could serve it: no site holds it or, for content, none of them has the
 * package. Nobody is assigned to a secondary site: what stands there is the site above it.
 */
static enum sl_status add_assigned(struct asking *a, struct sl_error *e)
{
    char code[SM_CODE_LEN + 1];
    bool is_served = a->question == LOC_LOCAL_MP ? a->here.count > 0 : a->records > 0;
    if (is_served)
        return SL_OK;
    enum sl_status status = sst_assigned_site(a->store, a->request->site, code, e);
    return status == SL_OK && code[0] != '\0' && !is_here(a, code) ? add_site(a, code, code, LOC_FALLBACK, e) : status;
}

/* Answers into a->reply, which is the caller's on failure too. */
static enum sl_status locate(struct asking *a, struct sl_error *e)
{
    struct sst_place places[LOC_ADDRESSES_PER_CLIENT + 1];
    size_t count = places_of(a->request, places);
    enum sl_status status = sst_find_inside(a->map, a->store, places, count, &a->inside, e);
    if (status != SL_OK)
        return status;
    sst_sites_of(a->map, &a->inside, &a->here);
    status = add_near(a, false, e);
    if (status == SL_OK)
        status = add_near(a, true, e);
    if (status == SL_OK)
        status = add_assigned(a, e);
    sst_inside_fini(&a->inside);
    return status;
}

enum sl_status mp_on_location(struct mp_exchange *x, struct sl_error *e)
{
    struct loc_content_request request;
    struct asking a = {.request = &request};
    struct sst_pool *pool = mp_pool(x->mp);
    struct sl_error why = {0};
    if (loc_request_read(x->question->body, x->question->body_len, &a.question, &request, &why) != SL_OK)
        return mp_refuse(x, 400, e, "%s", why.text);
    enum sl_status status = sst_borrow(pool, &a.store, e);
    if (status == SL_OK)
        status = sst_borrow_map(pool, a.store, &a.map, e);
    if (status == SL_OK)
        status = locate(&a, e);
    sst_map_release(a.map);
    sst_give_back(pool, a.store, status);
    if (status == SL_OK && a.question == LOC_LOCAL_MP)
        loc_local_mp_reply_write(&a.reply, &x->answer);
    else if (status == SL_OK)
        loc_content_reply_write(&a.reply, &x->answer);
    loc_content_reply_fini(&a.reply);
    return status;
}
