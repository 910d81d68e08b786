/* Whatever stands in a file SMS_def.mof: classes within the limits, out of which policies can be made, or a refusal. */
#include "tests/fuzz/fuzz.h"

#include "common/base/assert.h"
#include "site/model/policy.h"

#include <string.h>

const char fuzz_corpus[] = "mof";

static void check_class(const struct sm_mof_class *class, unsigned *line)
{
    sl_assert(class->name[0] && class->namespace != NULL && class->line >= *line);
    sl_assert(class->property_count <= SM_MOF_PROPERTIES_MAX && class->qualifiers.count <= SM_MOF_QUALIFIERS_MAX);
    *line = class->line;
    for (size_t i = 0; i < class->property_count; i++)
        sl_assert(class->properties[i].name[0] && class->properties[i].type < SM_MOF_TYPE_COUNT);
}

static void check_policies(const struct sm_mof *mof)
{
    static const uint8_t seeds[SM_POLICY_COUNT][2][SM_GUID_SEED];
    char text[] = "LAB";
    const struct sm_site site = {.code = text, .domain = text, .forest = text, .server = text, .database = text};
    const struct sm_policies before = {0};
    struct sm_policies made = {0};
    enum sl_status status =
        sm_policies_make(&(struct sm_policy_source){&site, "mp1", mof}, &before, seeds, &made, NULL);
    sl_assert(status == SL_OK || status == SL_LIMIT);
    if (status == SL_OK)
        sl_assert(made.items[SM_POLICY_INVENTORY].is_active && made.items[SM_POLICY_INVENTORY].version == 1);
    sm_policies_fini(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    struct sm_mof *mof = NULL;
    struct sl_error e = {0};
    unsigned line = 0;
    enum sl_status status = sm_mof_read("input", (const char *)octets, len, &mof, &e);
    sl_assert(status == SL_OK || status == SL_MALFORMED || status == SL_LIMIT);
    sl_assert(status == SL_OK || strncmp(e.text, "input:", 6) == 0);
    if (status != SL_OK)
        return 0;
    for (size_t i = 0; i < mof->class_count; i++)
        check_class(&mof->classes[i], &line);
    check_policies(mof);
    sm_mof_free(mof);
    return 0;
}
