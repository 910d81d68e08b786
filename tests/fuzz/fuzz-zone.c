/* Whatever stands in a master file: records with addresses that are such and names within their limits, or a refusal. */
#include "tests/fuzz/fuzz.h"

#include "common/base/assert.h"
#include "common/files/zone.h"

#include <arpa/inet.h>
#include <string.h>

const char fuzz_corpus[] = "zone";

static enum sl_status check(void *ctx, const struct ff_zone_record *record, struct sl_error *e)
{
    unsigned *line = ctx;
    uint8_t octets[16];
    (void)e;
    sl_assert(record->line > *line && record->ttl_s >= FF_ZONE_TTL_UNKNOWN);
    *line = record->line;
    sl_assert(strlen(record->owner) < FF_ZONE_NAME_MAX && strlen(record->target) < FF_ZONE_NAME_MAX);
    if (record->type == FF_ZONE_A || record->type == FF_ZONE_AAAA)
        sl_assert(inet_pton(record->type == FF_ZONE_A ? AF_INET : AF_INET6, record->target, octets) == 1);
    return SL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    unsigned line = 0;
    FILE *in = len ? fmemopen((void *)(uintptr_t)octets, len, "r") : NULL;
    if (!in)
        return 0;
    enum sl_status status = ff_zone_read_stream(in, "input", check, &line, NULL);
    sl_assert(status == SL_OK || status == SL_MALFORMED || status == SL_LIMIT);
    fclose(in);
    return 0;
}
