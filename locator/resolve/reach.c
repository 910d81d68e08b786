#include "locator/resolve/reach.h"

#include "locator/net/dnsc.h"

#include <string.h>

bool resolve_url(const struct src_config *config, const struct lm_mp *mp, const char *path, char *out, size_t size)
{
    const char *scheme = lm_mp_is_https(mp, config->mp_port) ? "https" : "http";
    return httpc_url(out, size, scheme, mp->name, lm_mp_port(mp, config->mp_port), path);
}

enum sl_status resolve_reach(const struct src_config *config, const struct lm_mp *mp, struct httpc_request *request,
                             struct sl_deadline deadline, struct httpc_reply *ret_reply, struct sl_error *e)
{
    const char *forced = src_override_find(config, mp->name);
    struct dnsc_addresses found = {.count = 0};
    enum sl_status first = SL_OK;
    request->ca_file = config->ldap.ca_file;
    request->cert_file = config->ldap.cert_file;
    request->key_file = config->ldap.key_file;
    request->connect_to = forced ? forced : mp->address;
    if (request->connect_to[0]) {
        first = httpc_exchange(request, deadline, ret_reply, e);
        bool name_differs = !forced && strcmp(mp->address, mp->name) != 0;
        if ((first != SL_UNREACHABLE && first != SL_TIMEOUT) || !name_differs || sl_deadline_passed(deadline))
            return first;
    }
    enum sl_status s = dnsc_host(NULL, mp->name, deadline, &found, first == SL_OK ? e : NULL);
    if (first != SL_OK && !found.count) /* what happened at its address tells more than that it has no other one */
        return first;
    if (s != SL_OK)
        return s;
    if (!found.count)
        return sl_fail(e, SL_UNREACHABLE, "%s: the name has no address", mp->name);
    request->connect_to = found.items[0].text;
    return httpc_exchange(request, deadline, ret_reply, e);
}
