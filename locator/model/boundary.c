#include "locator/model/boundary.h"

#include "common/base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { V4_BITS = 32, V6_BITS = 128 };

static int bits_of(const struct lm_address *a)
{
    return a->v6 ? V6_BITS : V4_BITS;
}

static void put_text(const struct lm_address *a, char out[LM_ADDRESS_MAX])
{
    if (!inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->octets, out, LM_ADDRESS_MAX))
        out[0] = '\0';
}

/* The address with every bit beyond the prefix cleared. */
static struct lm_address masked(const struct lm_address *a, int prefix_len)
{
    struct lm_address out = *a;
    for (int bit = prefix_len; bit < bits_of(a); bit++)
        out.octets[bit / 8] = (uint8_t)(out.octets[bit / 8] & ~(0x80u >> bit % 8));
    return out;
}

/* Makes "::ffff:a.b.c.d" the IPv4 address that it means (RFC 4291 2.5.5.2); true when it was one. */
static bool unmap(struct lm_address *a)
{
    static const uint8_t prefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (!a->v6 || memcmp(a->octets, prefix, sizeof prefix) != 0)
        return false;
    a->v6 = false;
    memmove(a->octets, a->octets + sizeof prefix, sizeof a->octets - sizeof prefix);
    return true;
}

enum sl_status lm_address_parse(const char *text, struct lm_address *ret_address, struct sl_error *e)
{
    struct lm_address a = {.prefix_len = -1};
    char host[LM_ADDRESS_MAX];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof host)
        return sl_fail(e, SL_USAGE, "address \"%.60s\": too long", text);
    memcpy(host, text, len);
    host[len] = '\0';
    a.v6 = strchr(host, ':') != NULL;
    if (inet_pton(a.v6 ? AF_INET6 : AF_INET, host, a.octets) != 1)
        return sl_fail(e, SL_USAGE, "address \"%.60s\": neither IPv4 nor IPv6", text);
    bool mapped = unmap(&a);
    uint64_t prefix_len;
    if (slash) {
        int least = mapped ? V6_BITS - V4_BITS : 0;
        if (!sl_parse_u64(slash + 1, (uint64_t)(least + bits_of(&a)), &prefix_len) || (int)prefix_len < least)
            return sl_fail(e, SL_USAGE, "address \"%.60s\": the prefix length is a number from %d to %d", text, least,
                           least + bits_of(&a));
        a.prefix_len = (int)prefix_len - least;
    }
    *ret_address = a;
    return SL_OK;
}

void lm_address_text(const struct lm_address *address, char out[LM_ADDRESS_MAX])
{
    put_text(address, out);
}

void lm_address_subnet(const struct lm_address *address, char out[LM_ADDRESS_MAX])
{
    out[0] = '\0';
    if (address->prefix_len < 0)
        return;
    struct lm_address net = masked(address, address->prefix_len);
    put_text(&net, out);
}

bool lm_range_integer(const char *text, uint32_t *ret_address)
{
    int64_t number;
    if (!sl_parse_i64(text, INT32_MIN, UINT32_MAX, &number))
        return false;
    *ret_address = (uint32_t)number;
    return true;
}

static uint32_t v4_number(const struct lm_address *a)
{
    return (uint32_t)a->octets[0] << 24 | (uint32_t)a->octets[1] << 16 | (uint32_t)a->octets[2] << 8 | a->octets[3];
}

bool lm_range_holds(uint32_t low, uint32_t high, const struct lm_client *client)
{
    for (size_t i = 0; i < client->address_count; i++) {
        uint32_t ip = v4_number(&client->addresses[i]);
        if (!client->addresses[i].v6 && low <= ip && ip <= high)
            return true;
    }
    return false;
}

static bool add(struct lm_candidate *out, size_t max, size_t *count, const char *text)
{
    for (size_t i = 0; i < *count; i++)
        if (sl_text_iequal(out[i].text, text))
            return true;
    if (*count == max)
        return false;
    (void)sl_text_copy(out[(*count)++].text, sizeof out->text, text);
    return true;
}

/* Of one address: each prefix with its length, and of IPv4 the ids without one that the client's mask allows. */
static void add_prefixes(const struct lm_address *a, struct lm_candidate *out, size_t max, size_t *count)
{
    for (int len = bits_of(a); len >= 1; len--) {
        char text[LM_BOUNDARY_MAX], bare[LM_ADDRESS_MAX];
        struct lm_address net = masked(a, len);
        put_text(&net, bare);
        (void)snprintf(text, sizeof text, "%s/%d", bare, len);
        if (!a->v6 && (a->prefix_len < 0 || a->prefix_len == len) && !add(out, max, count, bare))
            return;
        if (!add(out, max, count, text))
            return;
    }
}

size_t lm_candidates(const struct lm_client *client, struct lm_candidate *out, size_t max)
{
    size_t count = 0;
    if (client->ad_site[0])
        (void)add(out, max, &count, client->ad_site);
    for (int v6 = 0; v6 <= 1; v6++) /* those of IPv4 first: there are fewer */
        for (size_t i = 0; i < client->address_count; i++)
            if (client->addresses[i].v6 == v6)
                add_prefixes(&client->addresses[i], out, max, &count);
    return count;
}

/* An IPv6 prefix says its own length, so no mask of the client is needed. */
static struct lm_match match_v6(const struct lm_address *boundary, const struct lm_client *client)
{
    for (size_t i = 0; i < client->address_count; i++) {
        const struct lm_address *a = &client->addresses[i];
        if (!a->v6)
            continue;
        struct lm_address net = masked(a, boundary->prefix_len);
        if (!memcmp(net.octets, boundary->octets, sizeof net.octets))
            return (struct lm_match){LM_MATCH_SUBNET, boundary->prefix_len};
    }
    return (struct lm_match){LM_MATCH_NONE, 0};
}

static struct lm_match match_v4(const struct lm_address *boundary, const struct lm_client *client)
{
    struct lm_match best = {LM_MATCH_NONE, 0};
    for (size_t i = 0; i < client->address_count; i++) {
        const struct lm_address *a = &client->addresses[i];
        int given = boundary->prefix_len >= 0 ? boundary->prefix_len : a->prefix_len;
        for (int len = given < 0 ? V4_BITS : given; !a->v6 && len >= (given < 0 ? 1 : given); len--) {
            struct lm_address net = masked(a, len);
            if (memcmp(net.octets, boundary->octets, 4))
                continue;
            if (given >= 0)
                return (struct lm_match){LM_MATCH_SUBNET, len};
            if (len > best.prefix_len) /* a guess gives way to an exact match of another address, whatever its length */
                best = (struct lm_match){LM_MATCH_GUESSED_SUBNET, len};
            break;
        }
    }
    return best;
}

struct lm_match lm_boundary_match(const char *value, const struct lm_client *client)
{
    struct lm_address boundary;
    if (lm_address_parse(value, &boundary, NULL) != SL_OK) {
        bool same = client->ad_site[0] && sl_text_iequal(value, client->ad_site);
        return (struct lm_match){same ? LM_MATCH_AD_SITE : LM_MATCH_NONE, 0};
    }
    if (boundary.v6)
        return boundary.prefix_len < 0 ? (struct lm_match){LM_MATCH_NONE, 0} : match_v6(&boundary, client);
    return match_v4(&boundary, client);
}
