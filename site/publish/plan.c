#include "site/publish/plan.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/xml/xml.h"
#include "ldap-schema/names.h"
#include "locator/net/ldapc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const pub_plan_attributes[] = {
    "cn",
    "objectClass",
    SCHEMA_SITE_CODE,
    SCHEMA_ASSIGNMENT_SITE_CODE,
    SCHEMA_ROAMING_BOUNDARIES,
    SCHEMA_SITE_BOUNDARIES,
    SCHEMA_DEFAULT_MP,
    SCHEMA_MP_NAME,
    SCHEMA_MP_ADDRESS,
    SCHEMA_DNS_HOST_NAME,
    SCHEMA_VERSION,
    SCHEMA_CAPABILITIES,
    SCHEMA_SOURCE_FOREST,
    SCHEMA_SERVICE_BINDING_INFORMATION,
    SCHEMA_RANGED_IP_LOW,
    SCHEMA_RANGED_IP_HIGH,
    NULL,
};

struct maker {
    const struct sm_snapshot *site;
    const char *container_dn;
    pub_allows_fn *allows;
    void *ctx;
    struct pub_plan plan;
};

/* ---- names ---------------------------------------------------------------------------------------------------------- */

/* FNV-1a: short, and the same on every machine; it only has to tell a site's own management points apart. */
static uint32_t short_hash(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    return hash;
}

char *pub_host_cn(const char *kind, const char *code, const char *host, bool *ret_shortened)
{
    enum { HASH_LEN = 9 }; /* "-" and eight digits */
    char upper[SM_HOST_MAX + 1];
    struct sl_text cn = sl_text_new(PUB_TEXT_MAX);
    bool fits = sl_text_copy(upper, sizeof upper, host);
    sl_text_upper(upper);
    sl_text_printf(&cn, "SMS-%s-%s-%s", kind, code, upper);
    *ret_shortened = cn.len > PUB_CN_MAX || !fits;
    if (*ret_shortened) {
        size_t keep = PUB_CN_MAX - HASH_LEN - strlen("SMS---") - strlen(kind) - strlen(code);
        sl_text_reset(&cn);
        sl_text_printf(&cn, "SMS-%s-%s-%.*s-%08x", kind, code, (int)keep, upper, short_hash(upper));
    }
    return sl_text_take(&cn);
}

bool pub_is_our_name(const char *code, const char *cn)
{
    static const struct {
        const char *before, *after;
        bool is_whole;
    } forms[] = {{"SMS-Site-", "", true}, {"SMS-MP-", "-", false}, {"SMS-SLP-", "-", false}, {"SMS-", "-", false}};
    bool is_ours = false;
    for (size_t i = 0; i < SL_COUNT(forms) && !is_ours; i++) {
        struct sl_text form = sl_text_new(PUB_TEXT_MAX);
        sl_text_printf(&form, "%s%s%s", forms[i].before, code, forms[i].after);
        is_ours = strncasecmp(cn, sl_text_str(&form), form.len) == 0 && (!forms[i].is_whole || cn[form.len] == '\0');
        sl_text_fini(&form);
    }
    return is_ours;
}

static char *make_dn(const char *cn, const char *container_dn)
{
    struct sl_text dn = sl_text_new(PUB_TEXT_MAX);
    sl_text_puts(&dn, "CN=");
    ldapc_escape_rdn(&dn, cn, strlen(cn));
    sl_text_puts(&dn, ",");
    sl_text_puts(&dn, container_dn);
    char *text = sl_text_take(&dn);
    sl_assert(text != NULL);
    return text;
}

/* ---- objects -------------------------------------------------------------------------------------------------------- */

/* Takes `cn`. */
static struct pub_object *add_object(struct maker *m, const char *class, char *cn)
{
    m->plan.objects = sl_resize(m->plan.objects, m->plan.count + 1, sizeof *m->plan.objects);
    struct pub_object *o = &m->plan.objects[m->plan.count++];
    *o = (struct pub_object){.class = class, .cn = cn, .dn = make_dn(cn, m->container_dn)};
    return o;
}

/* The values of an attribute, still empty; NULL when the schema does not allow it. */
static struct sl_strings *add_attr(struct maker *m, struct pub_object *o, const char *name)
{
    if (!m->allows(o->class, name, m->ctx))
        return NULL;
    sl_assert(o->attr_count < PUB_ATTRS_MAX);
    o->attrs[o->attr_count] = (struct pub_attr){.name = name};
    return &o->attrs[o->attr_count++].values;
}

static void add_value(struct maker *m, struct pub_object *o, const char *name, const char *value)
{
    struct sl_strings *values = add_attr(m, o, name);
    if (values)
        sl_strings_add(values, value);
}

/* An attribute that is published once there is something to say. */
static void add_known(struct maker *m, struct pub_object *o, const char *name, const char *value)
{
    if (value)
        add_value(m, o, name, value);
}

static void add_number(struct maker *m, struct pub_object *o, const char *name, int32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    add_value(m, o, name, text);
}

static void add_common(struct maker *m, struct pub_object *o, bool is_assigned)
{
    add_value(m, o, SCHEMA_SITE_CODE, m->site->site.code);
    if (is_assigned)
        add_value(m, o, SCHEMA_ASSIGNMENT_SITE_CODE, m->site->site.assignment);
    add_value(m, o, SCHEMA_SOURCE_FOREST, m->site->site.forest);
}

/* Values of these attributes compare without case: two that differ in it only would be refused. */
static void add_once(struct sl_strings *values, const char *value)
{
    for (size_t i = 0; i < values->count; i++)
        if (sl_text_iequal(values->items[i], value))
            return;
    sl_strings_add(values, value);
}

/* Q3: subnets by their network address, AD sites and IPv6 prefixes as they are; ranges have objects of their own. */
static void add_boundaries(struct maker *m, struct pub_object *o, const char *name)
{
    struct sl_strings *values = add_attr(m, o, name);
    if (values == NULL)
        return;
    for (size_t i = 0; i < m->site->boundary_count; i++) {
        const struct sm_boundary *b = &m->site->boundaries[i];
        if (b->kind == SM_BOUNDARY_SUBNET)
            add_once(values, sl_ip4_text(b->low).text);
        else if (b->kind != SM_BOUNDARY_RANGE)
            add_once(values, b->value);
    }
}

static void add_site(struct maker *m)
{
    struct sl_text cn = sl_text_new(PUB_TEXT_MAX);
    sl_text_printf(&cn, "SMS-Site-%s", m->site->site.code);
    struct pub_object *o = add_object(m, SCHEMA_CLASS_SITE, sl_text_take(&cn));
    add_common(m, o, true);
    add_boundaries(m, o, SCHEMA_ROAMING_BOUNDARIES);
    add_boundaries(m, o, SCHEMA_SITE_BOUNDARIES);
    add_known(m, o, SCHEMA_SERVICE_BINDING_INFORMATION, m->site->site.root_key);
}

char *pub_capabilities(const struct sm_snapshot *site, const struct sm_mp *mp)
{
    struct sl_text text = sl_text_new(PUB_TEXT_MAX);
    struct sx_writer w = sx_write_to(&text);
    char command[32], port[8];
    const char *over_tls = mp->is_https ? "1" : "0"; /* SSLState 1 is HTTPS, and bit 0 of the mask says so too */
    snprintf(command, sizeof command, "SMSSITECODE=%.8s", site->site.assignment);
    snprintf(port, sizeof port, "%u", mp->port);
    sx_open(&w, "ClientOperationalSettings");
    sx_put_element(&w, "Version", SM_SITE_VERSION);
    sx_put_element(&w, "RootSiteCode", site->site.root);
    sx_open(&w, "CCM");
    sx_put_element(&w, "CommandLine", command);
    sx_close(&w);
    sx_open(&w, "Capabilities");
    sx_put_attr(&w, "SchemaVersion", "1.0");
    sx_open(&w, "Property");
    sx_put_attr(&w, "Name", "SSLState");
    sx_put_attr(&w, "Value", over_tls);
    sx_close(&w);
    sx_close(&w);
    sx_open(&w, "Forest");
    sx_put_attr(&w, "Value", site->site.forest);
    sx_close(&w);
    sx_put_element(&w, "SecurityModeMaskEx", over_tls);
    sx_put_element(&w, mp->is_https ? "HTTPSPort" : "HTTPPort", port);
    if (site->site.certificate)
        sx_put_element(&w, "SiteSigningCert", site->site.certificate);
    sx_close(&w);
    char *document = sl_text_take(&text);
    sl_assert(document != NULL);
    return document;
}

/* Names a site system, and warns when the name is not the usual one. */
static char *host_cn(struct maker *m, const char *kind, const char *host)
{
    bool is_shortened;
    char *cn = pub_host_cn(kind, m->site->site.code, host, &is_shortened);
    if (is_shortened) {
        struct sl_text text = sl_text_new(PUB_TEXT_MAX);
        sl_text_printf(&text, "the name of %s %s is too long for a cn: published as %s",
                       strcmp(kind, "MP") == 0 ? "management point" : "server locator point", host, cn);
        sl_strings_add(&m->plan.warnings, sl_text_str(&text));
        sl_text_fini(&text);
    }
    return cn;
}

static void add_mp(struct maker *m, const struct sm_mp *mp)
{
    char *capabilities = pub_capabilities(m->site, mp);
    struct pub_object *o = add_object(m, SCHEMA_CLASS_MANAGEMENT_POINT, host_cn(m, "MP", mp->host));
    add_common(m, o, false);
    add_value(m, o, SCHEMA_DEFAULT_MP, mp->is_default ? "TRUE" : "FALSE");
    add_value(m, o, SCHEMA_MP_NAME, mp->host);
    add_value(m, o, SCHEMA_DNS_HOST_NAME, mp->host);
    add_value(m, o, SCHEMA_MP_ADDRESS, mp->address);
    add_number(m, o, SCHEMA_VERSION, SM_SITE_BUILD);
    add_value(m, o, SCHEMA_CAPABILITIES, capabilities);
    add_known(m, o, SCHEMA_SERVICE_BINDING_INFORMATION, mp->certificate);
    free(capabilities);
}

static void add_slp(struct maker *m, const char *host)
{
    struct pub_object *o = add_object(m, SCHEMA_CLASS_SERVER_LOCATOR_POINT, host_cn(m, "SLP", host));
    add_common(m, o, false);
    add_value(m, o, SCHEMA_MP_NAME, host);
    add_value(m, o, SCHEMA_DNS_HOST_NAME, host);
}

static void add_range(struct maker *m, uint32_t low, uint32_t high)
{
    struct sl_text cn = sl_text_new(PUB_TEXT_MAX);
    sl_text_printf(&cn, "SMS-%s-%s-%s", m->site->site.code, sl_ip4_text(low).text, sl_ip4_text(high).text);
    struct pub_object *o = add_object(m, SCHEMA_CLASS_ROAMING_BOUNDARY_RANGE, sl_text_take(&cn));
    add_common(m, o, true);
    add_number(m, o, SCHEMA_RANGED_IP_LOW, (int32_t)low);
    add_number(m, o, SCHEMA_RANGED_IP_HIGH, (int32_t)high);
}

/* As signed numbers a range across 128.0.0.0 would have its low end above its high one and never be found. */
static void add_ranges(struct maker *m, const struct sm_boundary *b)
{
    const uint32_t middle = 0x80000000u;
    if (b->low < middle && b->high >= middle) {
        add_range(m, b->low, middle - 1);
        add_range(m, middle, b->high);
    } else {
        add_range(m, b->low, b->high);
    }
}

void pub_plan_make(const struct sm_snapshot *site, const char *container_dn, pub_allows_fn *allows, void *ctx,
                   struct pub_plan *ret_plan)
{
    struct maker m = {.site = site, .container_dn = container_dn, .allows = allows, .ctx = ctx};
    add_site(&m);
    for (int is_default = 0; is_default <= 1; is_default++)
        for (size_t i = 0; i < site->mp_count; i++)
            if (site->mps[i].is_default == is_default)
                add_mp(&m, &site->mps[i]);
    if (site->slp != NULL)
        add_slp(&m, site->slp);
    for (size_t i = 0; i < site->boundary_count; i++)
        if (site->boundaries[i].kind == SM_BOUNDARY_RANGE)
            add_ranges(&m, &site->boundaries[i]);
    *ret_plan = m.plan;
}

void pub_plan_fini(struct pub_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct pub_object *o = &plan->objects[i];
        for (size_t a = 0; a < o->attr_count; a++)
            sl_strings_fini(&o->attrs[a].values);
        free(o->cn);
        free(o->dn);
    }
    free(plan->objects);
    sl_strings_fini(&plan->warnings);
    *plan = (struct pub_plan){0};
}
