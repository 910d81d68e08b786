#include "common/base/addr.h"

#include "common/base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool sl_ip4_parse(const char *text, uint32_t *ret_ip)
{
    struct in_addr a;
    if (inet_pton(AF_INET, text, &a) != 1)
        return false;
    *ret_ip = ntohl(a.s_addr);
    return true;
}

struct sl_ip4_text sl_ip4_text(uint32_t ip)
{
    struct sl_ip4_text t;
    snprintf(t.text, sizeof t.text, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
    return t;
}

struct sl_endpoint sl_endpoint_ip4(uint32_t ip, uint16_t port)
{
    struct sl_endpoint ep = {.len = sizeof ep.v4};
    ep.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    return ep;
}

static bool parse_host(const char *host, struct sl_endpoint *ep)
{
    if (inet_pton(AF_INET, host, &ep->v4.sin_addr) == 1) {
        ep->v4.sin_family = AF_INET;
        ep->len = sizeof ep->v4;
        return true;
    }
    if (inet_pton(AF_INET6, host, &ep->v6.sin6_addr) == 1) {
        ep->v6.sin6_family = AF_INET6;
        ep->len = sizeof ep->v6;
        return true;
    }
    return false;
}

/* Cuts "host" and ":port" apart in place; a bare IPv6 address has no port. Returns the port text or NULL. */
static char *split_port(char *text, char **ret_host)
{
    *ret_host = text;
    char *close = text[0] == '[' ? strchr(text, ']') : NULL;
    if (close) {
        *ret_host = text + 1;
        *close = '\0';
        return close[1] == ':' ? close + 2 : close[1] ? close : NULL;
    }
    char *colon = strchr(text, ':');
    if (!colon || strchr(colon + 1, ':'))
        return NULL;
    *colon = '\0';
    return colon + 1;
}

enum sl_status sl_endpoint_parse(const char *text, uint16_t port, struct sl_endpoint *ret_endpoint, struct sl_error *e)
{
    char copy[SL_ENDPOINT_TEXT_MAX], *host;
    struct sl_endpoint ep = {0};
    uint64_t number = port;
    if (!sl_text_copy(copy, sizeof copy, text))
        return sl_fail(e, SL_USAGE, "address \"%s\" is too long", text);
    char *port_text = split_port(copy, &host);
    if (port_text && !sl_parse_u64(port_text, 65535, &number))
        return sl_fail(e, SL_USAGE, "\"%s\": the port must be a number up to 65535", text);
    if (!parse_host(host, &ep))
        return sl_fail(e, SL_USAGE, "\"%s\" is not an IPv4 or IPv6 address", text);
    sl_endpoint_set_port(&ep, (uint16_t)number);
    *ret_endpoint = ep;
    return SL_OK;
}

struct sl_endpoint_text sl_endpoint_text(const struct sl_endpoint *ep)
{
    struct sl_endpoint_text t;
    char host[INET6_ADDRSTRLEN] = "?";
    bool v6 = ep->any.sa_family == AF_INET6;
    if (v6)
        inet_ntop(AF_INET6, &ep->v6.sin6_addr, host, sizeof host);
    else
        inet_ntop(AF_INET, &ep->v4.sin_addr, host, sizeof host);
    snprintf(t.text, sizeof t.text, v6 ? "[%s]:%u" : "%s:%u", host, sl_endpoint_port(ep));
    return t;
}

uint16_t sl_endpoint_port(const struct sl_endpoint *ep)
{
    return ntohs(ep->any.sa_family == AF_INET6 ? ep->v6.sin6_port : ep->v4.sin_port);
}

void sl_endpoint_set_port(struct sl_endpoint *ep, uint16_t port)
{
    if (ep->any.sa_family == AF_INET6)
        ep->v6.sin6_port = htons(port);
    else
        ep->v4.sin_port = htons(port);
}

uint32_t sl_endpoint_ip4_of(const struct sl_endpoint *ep)
{
    return ep->any.sa_family == AF_INET ? ntohl(ep->v4.sin_addr.s_addr) : 0;
}

bool sl_endpoint_equal(const struct sl_endpoint *a, const struct sl_endpoint *b)
{
    if (a->any.sa_family != b->any.sa_family || sl_endpoint_port(a) != sl_endpoint_port(b))
        return false;
    if (a->any.sa_family == AF_INET6)
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

bool sl_endpoint_is_wildcard(const struct sl_endpoint *ep)
{
    if (ep->any.sa_family == AF_INET6)
        return memcmp(&ep->v6.sin6_addr, &in6addr_any, sizeof in6addr_any) == 0;
    return ep->v4.sin_addr.s_addr == INADDR_ANY;
}

bool sl_is_host_name(const char *text, size_t *ret_at)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const char *label = text;
    size_t at = 0, len;
    bool is_label, is_last = false;
    do {
        len = strspn(label, allowed);
        at = (size_t)(label - text) + len;
        is_label = len > 0 && len <= SL_LABEL_MAX && label[0] != '-' && label[len - 1] != '-';
        is_last = label[len] == '\0';
        label += len + 1;
    } while (is_label && !is_last && text[at] == '.');
    if (is_label && is_last && at <= SL_HOST_MAX)
        return true;
    if (ret_at != NULL)
        *ret_at = at;
    return false;
}

bool sl_is_host(const char *text)
{
    uint8_t octets[sizeof(struct in6_addr)];
    if (text[strspn(text, "0123456789.")] == '\0')
        return inet_pton(AF_INET, text, octets) == 1;
    return sl_is_host_name(text, NULL) || inet_pton(AF_INET6, text, octets) == 1;
}
