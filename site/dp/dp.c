#include "site/dp/dp.h"

#include "common/base/log.h"

#include <stdio.h>
#include <string.h>

#define DP_PATH "/SMS_DP_SMSPKG$/"

/* Splits "ID.VERSION" or "ID.VERSION/"; the id may hold dots itself. */
static bool split_name(const char *name, char *id, size_t id_size, uint32_t *ret_version)
{
    uint64_t version;
    if (!sl_text_copy(id, id_size, name))
        return false;
    size_t len = strlen(id);
    if (len > 0 && id[len - 1] == '/')
        id[len - 1] = '\0';
    char *dot = strrchr(id, '.');
    if (dot == NULL || !sl_parse_u64(dot + 1, UINT32_MAX, &version))
        return false;
    *dot = '\0';
    *ret_version = (uint32_t)version;
    return sm_check_package_id(id, NULL) == SL_OK;
}

static void on_package(const struct web_request *request, struct web_response *response, void *ctx)
{
    struct sst_pool *pool = ctx;
    struct sl_error e = {0};
    struct sst *store = NULL;
    char id[SM_PACKAGE_ID_MAX + 16], url[SM_URL_MAX];
    uint32_t version;
    bool held = false;
    if (request->host == NULL || !split_name(request->path + strlen(DP_PATH), id, sizeof id, &version)) {
        web_text(response, 404, "ask for ID.VERSION/");
        return;
    }
    snprintf(url, sizeof url, "http://%s" DP_PATH, request->host);
    enum sl_status status = sst_borrow(pool, &store, &e);
    if (status == SL_OK)
        status = sst_held_at(store, url, id, version, &held, &e);
    sst_give_back(pool, store, status);
    if (status != SL_OK) {
        sl_log(SL_LOG_ERROR, "dp-request-failed", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
        web_text(response, 500, "the site database cannot be read");
    } else if (held) {
        response->status = 204;
        response->type = NULL;
    } else {
        web_text(response, 404, "this distribution point does not hold that package");
    }
}

const struct web_route dp_routes[] = {
    {"GET", DP_PATH "*", on_package},
};
const size_t dp_route_count = SL_COUNT(dp_routes);
