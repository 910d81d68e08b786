#include "site/model/site.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    const char *help;
} kinds[SM_BOUNDARY_COUNT] = {
#define SM_BOUNDARY_ROW(name, word, help) {word, help},
    SM_BOUNDARY_TABLE(SM_BOUNDARY_ROW)
#undef SM_BOUNDARY_ROW
};

void sm_boundary_fini(struct sm_boundary *b)
{
    free(b->value);
    *b = (struct sm_boundary){0};
}

enum sm_boundary_kind sm_boundary_kind_parse(const char *word)
{
    for (size_t i = 0; i < SM_BOUNDARY_COUNT; i++)
        if (strcmp(kinds[i].word, word) == 0)
            return (enum sm_boundary_kind)i;
    return SM_BOUNDARY_COUNT;
}

const char *sm_boundary_word(enum sm_boundary_kind kind)
{
    return kinds[kind].word;
}

/* Splits "left<sep>right" into two buffers; false when there is no separator or a part does not fit. */
static bool split(const char *value, char sep, char *left, size_t left_size, char *right, size_t right_size)
{
    const char *at = strchr(value, sep);
    if (at == NULL || (size_t)(at - value) >= left_size)
        return false;
    memcpy(left, value, (size_t)(at - value));
    left[at - value] = '\0';
    return sl_text_copy(right, right_size, at + 1);
}

static enum sl_status malformed(struct sl_error *e, enum sm_boundary_kind kind, const char *value)
{
    return sl_fail(e, SL_USAGE, "%s \"%s\": must be %s", kinds[kind].word, value, kinds[kind].help);
}

static enum sl_status make_subnet(const char *value, struct sm_boundary *ret_b, struct sl_error *e)
{
    char net[SL_IP4_TEXT_MAX], len_text[4], canonical[32];
    uint64_t len;
    uint32_t ip;
    if (!split(value, '/', net, sizeof net, len_text, sizeof len_text) || !sl_ip4_parse(net, &ip) ||
        !sl_parse_u64(len_text, 32, &len) || len == 0)
        return malformed(e, SM_BOUNDARY_SUBNET, value);
    uint32_t host_bits = len == 32 ? 0 : UINT32_MAX >> len;
    snprintf(canonical, sizeof canonical, "%s/%u", sl_ip4_text(ip & ~host_bits).text, (unsigned)len);
    if ((ip & host_bits) != 0)
        return sl_fail(e, SL_USAGE, "subnet \"%s\": host bits are set; the subnet is %s", value, canonical);
    *ret_b = (struct sm_boundary){SM_BOUNDARY_SUBNET, sl_strdup(canonical), ip, ip | host_bits, false};
    return SL_OK;
}

static enum sl_status make_range(const char *value, struct sm_boundary *ret_b, struct sl_error *e)
{
    char first[SL_IP4_TEXT_MAX], last[SL_IP4_TEXT_MAX], canonical[2 * SL_IP4_TEXT_MAX];
    uint32_t low, high;
    if (!split(value, '-', first, sizeof first, last, sizeof last) || !sl_ip4_parse(first, &low) || !sl_ip4_parse(last, &high))
        return malformed(e, SM_BOUNDARY_RANGE, value);
    if (low > high)
        return sl_fail(e, SL_USAGE, "range \"%s\": the first address is above the last", value);
    snprintf(canonical, sizeof canonical, "%s-%s", first, last);
    *ret_b = (struct sm_boundary){SM_BOUNDARY_RANGE, sl_strdup(canonical), low, high, false};
    return SL_OK;
}

static enum sl_status make_ad_site(const char *value, struct sm_boundary *ret_b, struct sl_error *e)
{
    size_t len = strlen(value);
    bool bad = len == 0 || len > SM_AD_SITE_MAX || value[0] == ' ' || value[len - 1] == ' ';
    for (const char *c = value; *c != '\0'; c++)
        bad = bad || iscntrl((unsigned char)*c);
    if (bad)
        return sl_fail(e, SL_USAGE, "ad-site: a name has 1 to %d characters, none of them a control character, and "
                                    "no blank at its ends", SM_AD_SITE_MAX);
    *ret_b = (struct sm_boundary){SM_BOUNDARY_AD_SITE, sl_strdup(value), 0, 0, false};
    return SL_OK;
}

/* Sets the bits of a key from `len` on. */
static void fill_host_bits(uint8_t key[SM_ADDRESS_KEY_LEN], unsigned len)
{
    for (unsigned i = 0; i < SM_ADDRESS_KEY_LEN; i++) {
        unsigned kept = len > i * 8 ? len - i * 8 : 0;
        if (kept < 8)
            key[i] = (uint8_t)(key[i] | (0xffu >> kept));
    }
}

static bool parse_prefix(const char *value, uint8_t ret_key[SM_ADDRESS_KEY_LEN], unsigned *ret_len)
{
    char net[INET6_ADDRSTRLEN], len_text[4];
    uint64_t len;
    if (!split(value, '/', net, sizeof net, len_text, sizeof len_text) || inet_pton(AF_INET6, net, ret_key) != 1 ||
        !sl_parse_u64(len_text, 128, &len) || len == 0)
        return false;
    *ret_len = (unsigned)len;
    return true;
}

static enum sl_status make_prefix(const char *value, struct sm_boundary *ret_b, struct sl_error *e)
{
    uint8_t key[SM_ADDRESS_KEY_LEN], clean[SM_ADDRESS_KEY_LEN];
    char net[INET6_ADDRSTRLEN], canonical[INET6_ADDRSTRLEN + 4];
    unsigned len;
    if (!parse_prefix(value, key, &len))
        return malformed(e, SM_BOUNDARY_IPV6_PREFIX, value);
    uint8_t mask[SM_ADDRESS_KEY_LEN] = {0};
    fill_host_bits(mask, len);
    for (size_t i = 0; i < sizeof clean; i++) {
        clean[i] = (uint8_t)(key[i] & ~mask[i]);
    }
    sl_text_copy(net, sizeof net, "");
    inet_ntop(AF_INET6, clean, net, sizeof net);
    snprintf(canonical, sizeof canonical, "%s/%u", net, len);
    if (memcmp(clean, key, sizeof clean) != 0)
        return sl_fail(e, SL_USAGE, "ipv6-prefix \"%s\": host bits are set; the prefix is %s", value, canonical);
    *ret_b = (struct sm_boundary){SM_BOUNDARY_IPV6_PREFIX, sl_strdup(canonical), 0, 0, false};
    return SL_OK;
}

enum sl_status sm_boundary_make(enum sm_boundary_kind kind, const char *value, struct sm_boundary *ret_boundary,
                                struct sl_error *e)
{
    static enum sl_status (*const make[SM_BOUNDARY_COUNT])(const char *, struct sm_boundary *, struct sl_error *) = {
        [SM_BOUNDARY_SUBNET] = make_subnet,
        [SM_BOUNDARY_RANGE] = make_range,
        [SM_BOUNDARY_AD_SITE] = make_ad_site,
        [SM_BOUNDARY_IPV6_PREFIX] = make_prefix,
    };
    return make[kind](value, ret_boundary, e);
}

static void mapped_key(uint32_t ip, uint8_t ret_key[SM_ADDRESS_KEY_LEN])
{
    const uint8_t key[SM_ADDRESS_KEY_LEN] = {
        [10] = 0xff,       [11] = 0xff, [12] = (uint8_t)(ip >> 24), [13] = (uint8_t)(ip >> 16), [14] = (uint8_t)(ip >> 8),
        [15] = (uint8_t)ip};
    memcpy(ret_key, key, sizeof key);
}

bool sm_address_key(const char *text, uint8_t ret_key[SM_ADDRESS_KEY_LEN])
{
    uint32_t ip;
    if (!sl_ip4_parse(text, &ip))
        return inet_pton(AF_INET6, text, ret_key) == 1;
    mapped_key(ip, ret_key);
    return true;
}

bool sm_boundary_keys(const struct sm_boundary *boundary, uint8_t ret_low[SM_ADDRESS_KEY_LEN],
                      uint8_t ret_high[SM_ADDRESS_KEY_LEN])
{
    unsigned len;
    if (boundary->kind == SM_BOUNDARY_AD_SITE)
        return false;
    if (boundary->kind != SM_BOUNDARY_IPV6_PREFIX) {
        mapped_key(boundary->low, ret_low);
        mapped_key(boundary->high, ret_high);
        return true;
    }
    if (!parse_prefix(boundary->value, ret_low, &len))
        return false;
    memcpy(ret_high, ret_low, SM_ADDRESS_KEY_LEN);
    fill_host_bits(ret_high, len);
    return true;
}
