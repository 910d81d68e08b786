#include "site/mp/private.h"

#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* "10.0.0.0/8" or "2001:db8::/32": a boundary of these kinds, whose rules they follow. */
static enum sl_status read_network(const char *text, struct mp_network *ret_network, struct sl_error *e)
{
    struct sm_boundary b;
    enum sm_boundary_kind kind = strchr(text, ':') != NULL ? SM_BOUNDARY_IPV6_PREFIX : SM_BOUNDARY_SUBNET;
    enum sl_status status = sm_boundary_make(kind, text, &b, e);
    if (status != SL_OK)
        return status;
    bool has_keys = sm_boundary_keys(&b, ret_network->low, ret_network->high);
    sm_boundary_fini(&b);
    return has_keys ? SL_OK : sl_fail(e, SL_USAGE, "\"%s\" is no network such as 10.0.0.0/8", text);
}

enum sl_status mp_check_network(const char *text, struct sl_error *e)
{
    struct mp_network ignored;
    return read_network(text, &ignored, e);
}

enum sl_status mp_allow_lists(struct mp *mp, const struct sl_strings *networks, struct sl_error *e)
{
    struct mp_network *list = sl_new_array(networks->count + 1, sizeof *list);
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < networks->count && status == SL_OK; i++)
        status = read_network(networks->items[i], &list[i], e);
    if (status == SL_OK) {
        (void)pthread_mutex_lock(&mp->lock);
        struct mp_network *old = mp->networks;
        mp->networks = list;
        mp->network_count = networks->count;
        (void)pthread_mutex_unlock(&mp->lock);
        list = old;
    }
    free(list);
    return status;
}

bool mp_may_list(struct mp *mp, const char *peer)
{
    uint8_t key[SM_ADDRESS_KEY_LEN];
    bool is_known = peer != NULL && sm_address_key(peer, key);
    (void)pthread_mutex_lock(&mp->lock);
    bool may = mp->network_count == 0;
    for (size_t i = 0; is_known && !may && i < mp->network_count; i++)
        may = memcmp(key, mp->networks[i].low, sizeof key) >= 0 && memcmp(key, mp->networks[i].high, sizeof key) <= 0;
    (void)pthread_mutex_unlock(&mp->lock);
    return may;
}
