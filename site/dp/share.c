#include "site/dp/share.h"

#include <string.h>

static void on_get(const struct web_request *request, struct web_response *response, void *ctx)
{
    const struct cnt *library = ctx;
    const char *sha256 = request->path + strlen(DP_SHARE_PATH);
    struct sl_error e = {0};
    int fd = -1;
    uint64_t size = 0;
    enum sl_status status = cnt_is_hash(sha256) ? cnt_file(library, sha256, &fd, &size, &e) : SL_OK;
    if (status != SL_OK)
        web_fail(response, "content-unreadable", &e, "the content library cannot be read");
    else if (fd >= 0)
        web_file(response, fd, size, sha256);
    else
        web_text(response, 404, "there is no such file here");
}

const struct web_route dp_share_routes[] = {
    {"GET", DP_SHARE_PATH "*", on_get},
};
const size_t dp_share_route_count = SL_COUNT(dp_share_routes);
