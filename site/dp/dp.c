#include "site/dp/dp.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DP_MAGIC 0xd9000001u
#define DP_PATH "/SMS_DP_SMSPKG$/"

struct dp {
    uint32_t magic;
    struct sst_pool *pool;
    const struct cnt *library;
    struct dp_fetch *fetch;
};

/* What is asked for: a package, and a file of it ("" for the package itself). */
struct wanted {
    char url[SM_URL_MAX]; /* of the distribution point */
    char id[SM_PACKAGE_ID_MAX + 16];
    uint32_t version;
    const char *path;
};

/* Splits "ID.VERSION", "ID.VERSION/" or "ID.VERSION/PATH"; the id may hold dots itself. */
static bool read_wanted(const struct web_request *request, struct wanted *w)
{
    uint64_t version;
    const char *name = request->path + strlen(DP_PATH);
    size_t len = strcspn(name, "/");
    if (request->host == NULL || len >= sizeof w->id)
        return false;
    memcpy(w->id, name, len);
    w->id[len] = '\0';
    w->path = name + len + (name[len] == '/');
    char *dot = strrchr(w->id, '.');
    if (dot == NULL || !sl_parse_u64(dot + 1, UINT32_MAX, &version))
        return false;
    *dot = '\0';
    w->version = (uint32_t)version;
    snprintf(w->url, sizeof w->url, "%s://%s" DP_PATH, request->is_tls ? "https" : "http", request->host);
    return sm_check_package_id(w->id, NULL) == SL_OK && sl_is_utf8(w->path) && sl_is_utf8(w->url);
}

static enum sl_status serve_package(struct sst *store, const struct wanted *w, struct web_response *response, struct sl_error *e)
{
    bool held = false;
    char sha256[SM_SHA256_SIZE];
    struct sm_manifest files = {0};
    enum sl_status status = sst_held_at(store, w->url, w->id, w->version, &held, sha256, e);
    if (status == SL_OK && held && sha256[0] != '\0')
        status = sst_manifest_at(store, w->url, w->id, w->version, &files, e);
    if (status != SL_OK)
        return status;
    if (!held) {
        web_text(response, 404, "this distribution point does not hold that package");
    } else if (files.count == 0) {
        response->status = 204;
        response->type = NULL;
    } else {
        response->status = 200;
        for (size_t i = 0; i < files.count; i++)
            sl_text_printf(&response->body, "%s  %s\n", files.files[i].sha256, files.files[i].path);
    }
    sm_manifest_fini(&files);
    return SL_OK;
}

/* Nobody is served what cannot be vouched for; it is compared, and fetched if need be. */
static void check_seal(const struct dp *dp, int *fd)
{
    if (*fd >= 0 && cnt_is_sealed(*fd))
        return;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    dp_fetch_look(dp->fetch);
}

static enum sl_status serve_file(const struct dp *dp, struct sst *store, const struct wanted *w, struct web_response *response,
                                 struct sl_error *e)
{
    char sha256[SM_SHA256_SIZE];
    int fd = -1;
    uint64_t size = 0;
    enum sl_status status = sst_file_at(store, w->url, w->id, w->version, w->path, sha256, e);
    if (status == SL_OK && sha256[0] != '\0' && dp->library != NULL)
        status = cnt_file(dp->library, sha256, &fd, &size, e);
    if (status != SL_OK)
        return status;
    if (dp->fetch != NULL && sha256[0] != '\0')
        check_seal(dp, &fd);
    if (fd >= 0)
        web_file(response, fd, size, sha256);
    else
        web_text(response, 404, sha256[0] == '\0' ? "this distribution point does not hold that file"
                                                  : "that file has not come to this distribution point yet");
    return SL_OK;
}

static void on_get(const struct web_request *request, struct web_response *response, void *ctx)
{
    const struct dp *dp = ctx;
    struct sl_error e = {0};
    struct sst *store = NULL;
    struct wanted w;
    SL_CHECK_MAGIC(dp, DP_MAGIC);
    if (!read_wanted(request, &w)) {
        web_text(response, 404, "ask for ID.VERSION/ or ID.VERSION/PATH");
        return;
    }
    enum sl_status status = sst_borrow(dp->pool, &store, &e);
    if (status == SL_OK)
        status = w.path[0] == '\0' ? serve_package(store, &w, response, &e) : serve_file(dp, store, &w, response, &e);
    sst_give_back(dp->pool, store, status);
    if (status != SL_OK)
        web_fail(response, "dp-request-failed", &e, "the site database or the content library cannot be read");
}

struct dp *dp_new(struct sst_pool *pool, const struct cnt *library, struct dp_fetch *fetch)
{
    struct dp *dp = sl_new(sizeof *dp);
    *dp = (struct dp){.magic = DP_MAGIC, .pool = pool, .library = library, .fetch = fetch};
    return dp;
}

void dp_free(struct dp *dp)
{
    if (dp == NULL)
        return;
    SL_CHECK_MAGIC(dp, DP_MAGIC);
    dp->magic = 0;
    free(dp);
}

const struct web_route dp_routes[] = {
    {"GET", DP_PATH "*", on_get},
};
const size_t dp_route_count = SL_COUNT(dp_routes);
