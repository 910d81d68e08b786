#include "site/model/policy.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/xml/xml.h"
#include "site/model/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUID_FORM "{........-....-....-....-............}"

enum { NUMBER_SIZE = 24 };

typedef void write_fn(struct sx_writer *w, const struct sm_policy_source *source);
static void write_settings(struct sx_writer *w, const struct sm_policy_source *source);
static void write_inventory(struct sx_writer *w, const struct sm_policy_source *source);

static const struct {
    const char *category;
    write_fn *write;
    bool needs_classes;
} kinds[SM_POLICY_COUNT] = {
#define KIND_ROW(name, category, write, classes) {category, write, classes},
    SM_POLICY_TABLE(KIND_ROW)
#undef KIND_ROW
};

enum sm_policy_kind sm_policy_kind_parse(const char *category)
{
    size_t i = 0;
    while (i < SM_POLICY_COUNT && !sl_text_iequal(kinds[i].category, category))
        i++;
    return (enum sm_policy_kind)i;
}

void sm_policies_fini(struct sm_policies *policies)
{
    for (size_t i = 0; i < SM_POLICY_COUNT; i++)
        free(policies->items[i].body);
    *policies = (struct sm_policies){0};
}

/* ---- ids and names ----------------------------------------------------------------------------------------------------- */

void sm_guid_make(const uint8_t seed[SM_GUID_SEED], char out[SM_GUID_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t nibble = 0;
    for (size_t i = 0; i < SM_GUID_SIZE - 1; i++) {
        if (GUID_FORM[i] != '.') {
            out[i] = GUID_FORM[i];
            continue;
        }
        uint8_t value = (uint8_t)(seed[nibble / 2] >> (nibble % 2 == 0 ? 4 : 0) & 0x0f);
        if (nibble == 12)
            value = 4;
        if (nibble == 16)
            value = (uint8_t)((value & 0x3) | 0x8);
        out[i] = digits[value];
        nibble++;
    }
    out[SM_GUID_SIZE - 1] = '\0';
}

static bool is_guid(const char *text)
{
    for (size_t i = 0; i < SM_GUID_SIZE - 1; i++) {
        bool fits = GUID_FORM[i] == '.' ? text[i] != '\0' && strchr("0123456789ABCDEFabcdef", text[i]) != NULL
                                        : text[i] == GUID_FORM[i];
        if (!fits)
            return false;
    }
    return true;
}

void sm_policy_name(const struct sm_policy *policy, char out[SM_POLICY_NAME_SIZE])
{
    snprintf(out, SM_POLICY_NAME_SIZE, "%s.%" PRIu32 "_00", policy->id, policy->version);
}

bool sm_policy_name_parse(const char *name, char ret_id[SM_GUID_SIZE], uint32_t *ret_version)
{
    char number[NUMBER_SIZE];
    uint64_t version;
    if (!is_guid(name) || name[SM_GUID_SIZE - 1] != '.' || !sl_text_copy(number, sizeof number, name + SM_GUID_SIZE))
        return false;
    char *rest = strchr(number, '_');
    if (rest != NULL && strcmp(rest, "_00") != 0)
        return false;
    if (rest != NULL)
        *rest = '\0';
    if (!sl_parse_u64(number, UINT32_MAX, &version) || version == 0)
        return false;
    memcpy(ret_id, name, SM_GUID_SIZE - 1);
    ret_id[SM_GUID_SIZE - 1] = '\0';
    sl_text_upper(ret_id);
    *ret_version = (uint32_t)version;
    return true;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------------ */

static void put_property(struct sx_writer *w, const char *name, const char *value)
{
    sx_open(w, "property");
    sx_put_attr(w, "name", name);
    sx_put_element(w, "value", value);
    sx_close(w);
}

static void put_number(struct sx_writer *w, const char *name, uint32_t value)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, "%" PRIu32, value);
    put_property(w, name, text);
}

static void write_settings(struct sx_writer *w, const struct sm_policy_source *source)
{
    const struct sm_site *site = source->site;
    sx_open(w, "instance");
    sx_put_attr(w, "class", "SiteSettings");
    put_property(w, "SiteCode", site->code);
    put_property(w, "Domain", site->domain);
    put_property(w, "Forest", site->forest);
    put_property(w, "SiteServer", site->server);
    put_property(w, "ManagementPoint", source->default_mp);
    put_number(w, "PolicyPollMinutes", SM_POLICY_POLL_MIN);
    put_number(w, "StateReportMinutes", SM_POLICY_STATE_MIN);
    sx_close(w);
}

/* What a client reports of a class: the properties that it asks for, and those that tell one instance from the other. */
static bool is_wanted(const struct sm_mof_property *property)
{
    return sm_mof_is(&property->qualifiers, "SMS_Report") || sm_mof_is(&property->qualifiers, "key");
}

/* Where the client finds the data, which is not where the class that asks for them is declared. */
static const char *namespace_of(const struct sm_mof_class *class)
{
    const char *given = sm_mof_qualifier(&class->qualifiers, "Namespace");
    return given != NULL ? given : "\\\\.\\root\\cimv2";
}

static void put_optional(struct sx_writer *w, const struct sm_mof_class *class, const char *qualifier, const char *name)
{
    const char *value = sm_mof_qualifier(&class->qualifiers, qualifier);
    if (value != NULL)
        put_property(w, name, value);
}

static void write_item(struct sx_writer *w, const struct sm_mof_class *class)
{
    sx_open(w, "instance");
    sx_put_attr(w, "class", "InventoryDataItem");
    put_property(w, "ItemClass", class->name);
    put_property(w, "Namespace", namespace_of(class));
    put_optional(w, class, "SMS_Class_ID", "ClassID");
    put_optional(w, class, "SMS_Group_Name", "GroupName");
    sx_open(w, "property");
    sx_put_attr(w, "name", "Properties");
    for (size_t i = 0; i < class->property_count; i++) {
        const struct sm_mof_property *property = &class->properties[i];
        if (!is_wanted(property))
            continue;
        sx_open(w, "value");
        if (sm_mof_is(&property->qualifiers, "key"))
            sx_put_attr(w, "key", "true");
        sx_put_text(w, property->name);
        sx_close(w);
    }
    sx_close(w);
    sx_close(w);
}

static void write_inventory(struct sx_writer *w, const struct sm_policy_source *source)
{
    for (size_t i = 0; i < source->mof->class_count; i++)
        if (sm_mof_is(&source->mof->classes[i].qualifiers, "SMS_Report"))
            write_item(w, &source->mof->classes[i]);
}

static void open_policy(struct sx_writer *w, const struct sm_policy *policy, const char *site)
{
    char version[NUMBER_SIZE], from[NUMBER_SIZE];
    snprintf(version, sizeof version, "%" PRIu32 ".00", policy->version);
    snprintf(from, sizeof from, "SMS:%s", site);
    sx_open(w, "Policy");
    sx_put_attr(w, "SchemaVersion", "1.00");
    sx_put_attr(w, "PolicyID", policy->id);
    sx_put_attr(w, "PolicyVersion", version);
    sx_put_attr(w, "PolicyType", "Machine");
    sx_put_attr(w, "PolicyCategory", policy->category);
    sx_put_attr(w, "PolicySource", from);
}

static char *close_policy(struct sx_writer *w, struct sl_text *body)
{
    sx_close(w);
    char *text = sl_text_take(body);
    sl_text_fini(body);
    return text;
}

static char *write_body(enum sm_policy_kind kind, const struct sm_policy *policy, const struct sm_policy_source *source)
{
    struct sl_text body = sl_text_new(SM_POLICY_BODY_MAX);
    struct sx_writer w = sx_write_to(&body);
    open_policy(&w, policy, source->site->code);
    kinds[kind].write(&w, source);
    return close_policy(&w, &body);
}

static char *write_advertisement(const struct sm_policy *policy, const struct sm_advertised *of)
{
    struct sl_text body = sl_text_new(SM_POLICY_BODY_MAX);
    struct sx_writer w = sx_write_to(&body);
    open_policy(&w, policy, of->site);
    sx_open(&w, "instance");
    sx_put_attr(&w, "class", "Advertisement");
    put_property(&w, "AdvertisementID", of->id);
    put_property(&w, "PackageID", of->package);
    put_number(&w, "PackageVersion", of->package_version);
    put_property(&w, "Program", of->program);
    sx_close(&w);
    return close_policy(&w, &body);
}

/* ---- making ------------------------------------------------------------------------------------------------------------ */

static void begin(struct sm_policy *policy, const uint8_t seeds[2][SM_GUID_SEED])
{
    sm_guid_make(seeds[0], policy->id);
    sm_guid_make(seeds[1], policy->assignment);
    policy->version = 1;
}

static enum sl_status seal(struct sm_policy *policy, struct sl_error *e)
{
    if (policy->body == NULL)
        return sl_fail(e, SL_LIMIT, "the policy %s would be larger than %d octets", policy->category, SM_POLICY_BODY_MAX);
    policy->is_active = true;
    sm_digest_of(policy->body, strlen(policy->body), policy->sha256);
    return SL_OK;
}

/* Writes it in the version it has; when that is not what it was before, in the next one. */
static enum sl_status make_active(enum sm_policy_kind kind, const struct sm_policy_source *source, const char *before,
                                  struct sm_policy *policy, struct sl_error *e)
{
    policy->body = write_body(kind, policy, source);
    if (policy->body != NULL && before != NULL && strcmp(policy->body, before) != 0) {
        free(policy->body);
        policy->version++;
        policy->body = write_body(kind, policy, source);
    }
    return seal(policy, e);
}

static enum sl_status make_one(enum sm_policy_kind kind, const struct sm_policy_source *source, const struct sm_policy *before,
                               const uint8_t seeds[2][SM_GUID_SEED], struct sm_policy *policy, struct sl_error *e)
{
    bool is_due = source->default_mp != NULL && (source->mof != NULL || !kinds[kind].needs_classes);
    *policy = *before;
    (void)sl_text_copy(policy->category, sizeof policy->category, kinds[kind].category);
    policy->body = NULL;
    policy->is_active = false;
    if (!is_due) {
        policy->body = sl_strdup(before->body);
        return SL_OK;
    }
    if (policy->id[0] == '\0')
        begin(policy, seeds);
    return make_active(kind, source, before->body, policy, e);
}

enum sl_status sm_policies_make(const struct sm_policy_source *source, const struct sm_policies *before,
                                const uint8_t seeds[SM_POLICY_COUNT][2][SM_GUID_SEED], struct sm_policies *ret_policies,
                                struct sl_error *e)
{
    struct sm_policies made = {0};
    enum sl_status status = SL_OK;
    for (int i = 0; i < SM_POLICY_COUNT && status == SL_OK; i++)
        status = make_one((enum sm_policy_kind)i, source, &before->items[i], seeds[i], &made.items[i], e);
    if (status == SL_OK)
        *ret_policies = made;
    else
        sm_policies_fini(&made);
    return status;
}

enum sl_status sm_policy_advertise(const struct sm_advertised *of, const uint8_t seeds[2][SM_GUID_SEED],
                                   struct sm_policy *ret_policy, struct sl_error *e)
{
    struct sm_policy policy = {.category = SM_POLICY_ADVERTISEMENT};
    begin(&policy, seeds);
    policy.body = write_advertisement(&policy, of);
    enum sl_status status = seal(&policy, e);
    if (status == SL_OK)
        *ret_policy = policy;
    return status;
}
