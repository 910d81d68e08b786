#include "locator/api/private.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/model/rule.h"

#include <stdio.h>
#include <string.h>

/* Texts and numbers of an object, and the fields they fill. */
static const struct {
    enum locator_field field;
    size_t offset;
} texts[] = {
    {LOCATOR_SITE, offsetof(struct lm_object, mp.site)},
    {LOCATOR_MP, offsetof(struct lm_object, mp.name)},
    {LOCATOR_ADDRESS, offsetof(struct lm_object, mp.address)},
    {LOCATOR_OWNER, offsetof(struct lm_object, mp.forest)},
    {LOCATOR_VERSION, offsetof(struct lm_object, mp.version)},
    {LOCATOR_ROOT_SITE, offsetof(struct lm_object, mp.root_site)},
    {LOCATOR_COMMAND_SITE, offsetof(struct lm_object, mp.command_site)},
    {LOCATOR_MP_NAME, offsetof(struct lm_object, mp_name)},
    {LOCATOR_ASSIGNMENT_SITE, offsetof(struct lm_object, assignment)},
    {LOCATOR_HEALTH_STATE, offsetof(struct lm_object, health)},
    {LOCATOR_SITE_GUID, offsetof(struct lm_object, guid)},
    {LOCATOR_RANGE_LOW, offsetof(struct lm_object, low)},
    {LOCATOR_RANGE_HIGH, offsetof(struct lm_object, high)},
    {LOCATOR_BOUNDARY_KIND, offsetof(struct lm_object, boundary_kind)},
    {LOCATOR_BOUNDARY, offsetof(struct lm_object, boundary)},
    {LOCATOR_WHY_UNUSED, offsetof(struct lm_object, why_unused)},
    {LOCATOR_REPLICATED_FROM, offsetof(struct lm_object, replicated_from)},
};

static const struct {
    enum locator_field field;
    size_t offset;
} numbers[] = {
    {LOCATOR_DEFAULT, offsetof(struct lm_object, is_default)},
    {LOCATOR_DEVICE_MP, offsetof(struct lm_object, device)},
    {LOCATOR_AGE_S, offsetof(struct lm_object, age_s)},
    {LOCATOR_SSL_STATE, offsetof(struct lm_object, mp.ssl_state)},
    {LOCATOR_SECURITY_MASK, offsetof(struct lm_object, mp.security_mask)},
};

/* What the rows have from the answer that they are of. */
static const enum locator_field provenance[] = {LOCATOR_SOURCE, LOCATOR_SERVER, LOCATOR_TRUST};

/* What is 0 when it is not said. */
static void put_unless_zero(struct api_row *row, enum locator_field field, int64_t number)
{
    api_row_number(row, field, number ? number : -1);
}

static void put_object(struct locator_result *r, struct lm_object *o)
{
    struct api_row *row = api_row_add(r);
    struct sl_strings fsps = {0};
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        api_row_text(row, texts[i].field, (const char *)o + texts[i].offset);
    for (size_t i = 0; i < SL_COUNT(numbers); i++)
        api_row_number(row, numbers[i].field, *(const int64_t *)(const void *)((const char *)o + numbers[i].offset));
    put_unless_zero(row, LOCATOR_BUILD, o->mp.build);
    put_unless_zero(row, LOCATOR_PORT, o->mp.http_port);
    put_unless_zero(row, LOCATOR_HTTPS_PORT, o->mp.https_port);
    api_row_text(row, LOCATOR_DN, o->dn);
    for (size_t i = 0; i < SL_COUNT(provenance); i++)
        api_row_text(row, provenance[i], r->texts[provenance[i]]);
    api_row_text(row, LOCATOR_SITE_TYPE, lm_site_type(&o->mp));
    api_row_text(row, LOCATOR_ROLE, lm_object_role(o));
    for (size_t i = 0; i < o->mp.fsp_count; i++)
        sl_strings_add(&fsps, o->mp.fsps[i]);
    api_row_list(row, LOCATOR_FSPS, &fsps);
    api_row_list(row, LOCATOR_SITE_BOUNDARIES, &o->site_boundaries);
    api_row_list(row, LOCATOR_ROAMING_BOUNDARIES, &o->roaming_boundaries);
}

void api_put_objects(struct locator_result *r, struct lm_objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        put_object(r, &objects->items[i]);
}

static bool kind_of(enum locator_kind kind, enum lm_object_kind *ret_kind)
{
    static const enum lm_object_kind kinds[] = {
        [LOCATOR_KIND_MP] = LM_OBJECT_MP,
        [LOCATOR_KIND_SITE] = LM_OBJECT_SITE,
        [LOCATOR_KIND_SLP] = LM_OBJECT_SLP,
        [LOCATOR_KIND_BOUNDARY] = LM_OBJECT_BOUNDARY,
    };
    if ((int)kind < 1 || (size_t)kind >= SL_COUNT(kinds))
        return false;
    *ret_kind = kinds[kind];
    return true;
}

void api_list(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r)
{
    const char *site = args->texts[API_SITE];
    struct api_inquiry c;
    struct sl_error e = {.status = SL_OK};
    char asked[SRC_TEXT_MAX];
    api_begin(&c, l, deadline, r, SRC_OBJECTS);
    if (!kind_of((enum locator_kind)args->number, &c.q.kind))
        (void)sl_fail(&e, SL_USAGE, "there is no list of kind %u", args->number);
    else if (site)
        (void)!lm_code_parse(site, c.q.site, &e);
    if (e.status != SL_OK)
        return api_mistake(&c, &e);
    (void)snprintf(asked, sizeof asked, "list %s%s%s", lm_object_word(c.q.kind), c.q.site[0] ? " of " : "", c.q.site);
    if (api_ask(&c, asked, NULL))
        api_put_objects(r, &c.found.answer.objects);
    api_end(&c);
}

/* ---- rules ---------------------------------------------------------------------------------------------------------- */

size_t locator_rule_count(void)
{
    return lm_rule_count;
}

/* Words of every set of profiles: index by the bits. */
static const char *profiles_text(unsigned profiles)
{
    static const char *const words[] = {"",   "sms2003",    "cm2007",    "sms2003 cm2007",
                                        "cb", "sms2003 cb", "cm2007 cb", "sms2003 cm2007 cb"};
    return words[profiles & (SL_COUNT(words) - 1)];
}

const char *locator_rule_text(size_t rule, enum locator_rule_field field)
{
    if (rule >= lm_rule_count)
        return NULL;
    const struct lm_rule *r = &lm_rules[rule];
    switch (field) {
    case LOCATOR_RULE_ID:
        return r->id;
    case LOCATOR_RULE_PROFILES:
        return profiles_text(r->profiles);
    case LOCATOR_RULE_TEXT:
        return r->text;
    case LOCATOR_RULE_ORIGIN:
        return r->origin;
    }
    return NULL;
}
