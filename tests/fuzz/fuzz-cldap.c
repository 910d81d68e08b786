/* Whatever comes back on an LDAP ping: an answer with names within their limits, or a refusal. */
#include "tests/fuzz/fuzz.h"

#include "common/base/assert.h"
#include "locator/net/cldap.h"

#include <string.h>

enum { ID = 7 };

const char fuzz_corpus[] = "cldap";

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    struct sl_text value = sl_text_new(CLDAP_PACKET_MAX);
    struct cldap_answer a;
    if (cldap_ping_read(ID, octets, len, &value, NULL) == SL_OK && value.len &&
        cldap_netlogon_read((const uint8_t *)value.data, value.len, &a, NULL) == SL_OK) {
        const char *const names[] = {a.forest, a.domain, a.host, a.site, a.client_site};
        for (size_t i = 0; i < SL_COUNT(names); i++)
            sl_assert(memchr(names[i], '\0', CLDAP_NAME_MAX));
    }
    sl_text_fini(&value);
    return 0;
}
