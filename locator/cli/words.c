/* Options whose value has a form of its own. */
#include "locator/cli/private.h"

#include "common/base/text.h"
#include "locator/model/boundary.h"
#include "locator/model/code.h"

#include <stdio.h>
#include <string.h>

int lc_add_resolve(struct locator *l, const char *text)
{
    char host[256], address[64];
    const char *colon = strchr(text, ':');
    const char *at = colon ? colon + 1 : "";
    size_t len = strlen(at);
    if (len >= 2 && at[0] == '[' && at[len - 1] == ']') {
        at++;
        len -= 2;
    }
    if (!colon || (size_t)(colon - text) >= sizeof host || len >= sizeof address)
        return locator_add_address(l, "", text);
    (void)sl_text_copy(host, (size_t)(colon - text) + 1, text);
    (void)sl_text_copy(address, len + 1, at);
    return locator_add_address(l, host, address);
}

int lc_mask_length(const char *mask)
{
    struct lm_address a;
    int len = 0;
    if (lm_address_parse(mask, &a, NULL) != SL_OK || a.v6 || a.prefix_len >= 0)
        return -1;
    while (len < 32 && a.octets[len / 8] & 0x80 >> len % 8)
        len++;
    for (int bit = len; bit < 32; bit++)
        if (a.octets[bit / 8] & 0x80 >> bit % 8)
            return -1;
    return len;
}

int lc_add_client(struct locator *l, const char *address, const char *mask)
{
    struct lm_address a;
    char bare[LM_ADDRESS_MAX], text[LM_ADDRESS_MAX + 8];
    if (!mask || lm_address_parse(address, &a, NULL) != SL_OK || a.v6 || a.prefix_len >= 0)
        return locator_add_client_address(l, address);
    lm_address_text(&a, bare);
    (void)snprintf(text, sizeof text, "%s/%d", bare, lc_mask_length(mask));
    return locator_add_client_address(l, text);
}

int lc_add_pin(struct locator *l, const char *text)
{
    char site[LM_CODE_SIZE];
    (void)snprintf(site, sizeof site, "%s", text);
    return locator_add_root_key(l, site, text + LM_CODE_SIZE);
}
