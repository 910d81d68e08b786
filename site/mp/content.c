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

/* Adds a site and its distribution points that hold the package. */
static enum sl_status add_site(struct sst *store, const struct loc_content_request *request, const char *code,
                               enum loc_locality locality, struct loc_content_reply *reply, size_t *records, struct sl_error *e)
{
    struct loc_site *site;
    struct sst_locations found = {0};
    enum sl_status status = loc_content_reply_add_site(reply, code, code, locality, &site, e);
    if (status == SL_OK)
        status = sst_locate(store, code, request->package, request->version, &found, e);
    for (size_t i = 0; i < found.hosts.count && status == SL_OK; i++) {
        char url[SM_URL_MAX + SM_PACKAGE_ID_MAX + 16];
        struct loc_record *record;
        snprintf(url, sizeof url, "%s%s.%u/", found.urls.items[i], found.package, found.version);
        status = loc_site_add_record(site, url, found.hosts.items[i], &record, e);
        if (status == SL_OK)
            record->locality = locality;
    }
    *records += found.hosts.count;
    sst_locations_fini(&found);
    return status;
}

static bool among(const struct sl_strings *codes, const char *code)
{
    for (size_t i = 0; i < codes->count; i++)
        if (strcmp(codes->items[i], code) == 0)
            return true;
    return false;
}

/* True in *ret_known when the database holds the site. */
static enum sl_status is_known(struct sst *store, const char *code, bool *ret_known, struct sl_error *e)
{
    struct sl_strings codes;
    enum sl_status status = sst_sites(store, &codes, e);
    if (status != SL_OK)
        return status;
    *ret_known = among(&codes, code);
    sl_strings_fini(&codes);
    return SL_OK;
}

enum sl_status mp_locate_content(struct sst *store, const struct loc_content_request *request,
                                 struct loc_content_reply *ret_reply, struct sl_error *e)
{
    struct sst_place places[LOC_ADDRESSES_PER_CLIENT + 1];
    struct loc_content_reply reply = {0};
    struct sl_strings here = {0};
    size_t records = 0;
    bool known = false;
    enum sl_status status = sst_sites_of(store, places, places_of(request, places), &here, e);
    for (size_t i = 0; i < here.count && i < LOC_SITES_PER_REPLY - 1 && status == SL_OK; i++)
        status = add_site(store, request, here.items[i], LOC_LOCAL, &reply, &records, e);
    if (status == SL_OK && records == 0 && !among(&here, request->site))
        status = is_known(store, request->site, &known, e);
    if (status == SL_OK && known)
        status = add_site(store, request, request->site, LOC_FALLBACK, &reply, &records, e);
    sl_strings_fini(&here);
    if (status == SL_OK)
        *ret_reply = reply;
    else
        loc_content_reply_fini(&reply);
    return status;
}

/* The sites whose boundaries hold the client; when there are none, the one that it is assigned to. */
static enum sl_status locate_mps(struct sst *store, const struct loc_content_request *request,
                                 struct loc_content_reply *ret_reply, struct sl_error *e)
{
    struct sst_place places[LOC_ADDRESSES_PER_CLIENT + 1];
    struct loc_content_reply reply = {0};
    struct loc_site *site;
    struct sl_strings here = {0};
    bool known = false;
    enum sl_status status = sst_sites_of(store, places, places_of(request, places), &here, e);
    for (size_t i = 0; i < here.count && i < LOC_SITES_PER_REPLY - 1 && status == SL_OK; i++)
        status = loc_content_reply_add_site(&reply, here.items[i], here.items[i], LOC_LOCAL, &site, e);
    if (status == SL_OK && here.count == 0)
        status = is_known(store, request->site, &known, e);
    if (status == SL_OK && known)
        status = loc_content_reply_add_site(&reply, request->site, request->site, LOC_FALLBACK, &site, e);
    sl_strings_fini(&here);
    if (status == SL_OK)
        *ret_reply = reply;
    else
        loc_content_reply_fini(&reply);
    return status;
}

enum sl_status mp_on_location(struct mp_exchange *x, struct sl_error *e)
{
    struct loc_content_request request;
    struct loc_content_reply reply = {0};
    enum loc_question question;
    struct sst *store = NULL;
    struct sl_error why = {0};
    if (loc_request_read(x->question->body, x->question->body_len, &question, &request, &why) != SL_OK)
        return mp_refuse(x, 400, e, "%s", why.text);
    bool is_local_mp = question == LOC_LOCAL_MP;
    enum sl_status status = sst_borrow(x->mp->pool, &store, e);
    if (status == SL_OK)
        status = is_local_mp ? locate_mps(store, &request, &reply, e) : mp_locate_content(store, &request, &reply, e);
    sst_give_back(x->mp->pool, store, status);
    if (status == SL_OK && is_local_mp)
        loc_local_mp_reply_write(&reply, &x->answer);
    else if (status == SL_OK)
        loc_content_reply_write(&reply, &x->answer);
    loc_content_reply_fini(&reply);
    return status;
}
