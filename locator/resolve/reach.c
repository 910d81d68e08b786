#include "locator/resolve/reach.h"

#include "common/base/memory.h"
#include "locator/net/dnsc.h"

#include <stdlib.h>
#include <string.h>

struct resolve_way resolve_way_copy(const struct resolve_way *way)
{
    struct resolve_way copy = *way;
    copy.overrides = sl_new_array(way->override_count + 1, sizeof *copy.overrides);
    for (size_t i = 0; i < way->override_count; i++)
        copy.overrides[i] = (struct src_override){sl_strdup(way->overrides[i].host), sl_strdup(way->overrides[i].address)};
    copy.ca_file = sl_strdup(way->ca_file);
    copy.cert_file = sl_strdup(way->cert_file);
    copy.key_file = sl_strdup(way->key_file);
    return copy;
}

void resolve_way_fini(struct resolve_way *way)
{
    for (size_t i = 0; i < way->override_count; i++) {
        free(way->overrides[i].host);
        free(way->overrides[i].address);
    }
    free(way->overrides);
    free(way->ca_file);
    free(way->cert_file);
    free(way->key_file);
}

bool resolve_way_url(const struct resolve_way *way, const struct lm_mp *mp, const char *path, char *out, size_t size)
{
    const char *scheme = lm_mp_is_https(mp, way->mp_port) ? "https" : "http";
    return httpc_url_of(out, size, scheme, mp->name, lm_mp_port(mp, way->mp_port), path);
}

enum sl_status resolve_reach(const struct resolve_way *way, const struct lm_mp *mp, struct httpc_request *request,
                             struct sl_deadline deadline, struct httpc_reply *ret_reply, struct sl_error *e)
{
    const struct src_config config = {.overrides = way->overrides, .override_count = way->override_count};
    const char *forced = src_override_find(&config, mp->name);
    struct dnsc_addresses found;
    request->ca_file = way->ca_file;
    request->cert_file = way->cert_file;
    request->key_file = way->key_file;
    request->connect_to = forced ? forced : mp->address;
    if (request->connect_to[0]) {
        enum sl_status s = httpc_exchange(request, deadline, ret_reply, e);
        bool name_differs = !forced && strcmp(mp->address, mp->name) != 0;
        if ((s != SL_UNREACHABLE && s != SL_TIMEOUT) || !name_differs)
            return s;
    }
    enum sl_status s = dnsc_host(NULL, mp->name, deadline, &found, e);
    if (s != SL_OK)
        return s;
    if (!found.count)
        return mp->address[0] ? sl_fail(e, SL_UNREACHABLE, "%s: no answer at %s, and its name has no address", mp->name,
                                        mp->address)
                              : sl_fail(e, SL_UNREACHABLE, "%s: the name has no address", mp->name);
    request->connect_to = found.items[0].text;
    return httpc_exchange(request, deadline, ret_reply, e);
}
