#include "config.h"

#include "locator/net/own.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

static int ones(const uint8_t *mask, size_t len)
{
    int count = 0;
    for (size_t i = 0; i < len; i++)
        count += __builtin_popcount(mask[i]);
    return count;
}

static bool on_loopback(const char *text)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool take(const struct ifaddrs *i, bool loopback, struct lm_address *a)
{
    if (!i->ifa_addr || !i->ifa_netmask || !(i->ifa_flags & IFF_UP) || (!loopback && (i->ifa_flags & IFF_LOOPBACK)))
        return false;
    if (i->ifa_addr->sa_family == AF_INET) {
        struct sockaddr_in address, mask;
        memcpy(&address, i->ifa_addr, sizeof address);
        memcpy(&mask, i->ifa_netmask, sizeof mask);
        memcpy(a->octets, &address.sin_addr, 4);
        a->prefix_len = ones((const uint8_t *)&mask.sin_addr, 4);
        return true;
    }
    if (i->ifa_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 address, mask;
        memcpy(&address, i->ifa_addr, sizeof address);
        memcpy(&mask, i->ifa_netmask, sizeof mask);
        if (IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr))
            return false;
        a->v6 = true;
        memcpy(a->octets, &address.sin6_addr, 16);
        a->prefix_len = ones((const uint8_t *)&mask.sin6_addr, 16);
        return true;
    }
    return false;
}

size_t loc_own_addresses(const char *peer, struct lm_address out[LM_CLIENT_ADDRESSES_MAX])
{
    struct ifaddrs *all;
    size_t count = 0;
    bool loopback = peer && on_loopback(peer);
    if (getifaddrs(&all) != 0)
        return 0;
    for (struct ifaddrs *i = all; i && count < LM_CLIENT_ADDRESSES_MAX; i = i->ifa_next) {
        struct lm_address a = {.v6 = false};
        if (take(i, loopback, &a))
            out[count++] = a;
    }
    freeifaddrs(all);
    return count;
}
