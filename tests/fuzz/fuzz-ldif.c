/* Whatever stands in an LDIF file: entries with a name, values within the entry's limits, or a refusal. */
#include "tests/fuzz/fuzz.h"

#include "common/base/assert.h"
#include "common/files/ldif.h"

#include <string.h>

const char fuzz_corpus[] = "ldif";

static enum sl_status check(void *ctx, const struct ff_ldif_entry *entry, struct sl_error *e)
{
    unsigned *line = ctx;
    size_t octets = strlen(entry->dn);
    (void)e;
    sl_assert(entry->line > *line);
    *line = entry->line;
    for (size_t i = 0; i < entry->count; i++) {
        sl_assert(entry->values[i].attr[0] && entry->values[i].data[entry->values[i].len] == '\0');
        octets += strlen(entry->values[i].attr) + entry->values[i].len;
    }
    sl_assert(octets <= FF_LDIF_ENTRY_MAX);
    return SL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    unsigned line = 0;
    bool cut;
    FILE *in = len ? fmemopen((void *)(uintptr_t)octets, len, "r") : NULL;
    if (!in)
        return 0;
    enum sl_status status = ff_ldif_read_stream(in, "input", check, &line, &cut, NULL);
    sl_assert(status == SL_OK || status == SL_MALFORMED || status == SL_LIMIT);
    fclose(in);
    return 0;
}
