/* What a site is in a directory: names, values, order (sms.md 2; decisions Q1 to Q4). */
#include "site/publish/plan.h"

#include "common/base/text.h"
#include "common/xml/xml.h"
#include "ldap-schema/names.h"
#include "locator/net/ldapc.h"
#include "site/server/private.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER "CN=System Management,CN=System,DC=example,DC=org"

static bool allows_all(const char *class, const char *attribute, void *ctx)
{
    (void)class;
    (void)attribute;
    (void)ctx;
    return true;
}

static bool allows_2003(const char *class, const char *attribute, void *ctx)
{
    static const char *const newer[] = {SCHEMA_SOURCE_FOREST, SCHEMA_VERSION, SCHEMA_CAPABILITIES, SCHEMA_DNS_HOST_NAME};
    (void)class;
    (void)ctx;
    for (size_t i = 0; i < SL_COUNT(newer); i++)
        if (strcmp(attribute, newer[i]) == 0)
            return false;
    return true;
}

static char code[] = "LAB", domain[] = "example.org", forest[] = "forest.example.org", server[] = "server.example.org";

static struct sm_snapshot snapshot(struct sm_mp *mps, size_t mp_count, struct sm_boundary *boundaries, size_t boundary_count)
{
    return (struct sm_snapshot){.site = {.code = code, .domain = domain, .forest = forest, .server = server, .database = server,
                                         .assignment = "LAB", .root = "LAB"}, .mps = mps, .mp_count = mp_count,
                                .boundaries = boundaries, .boundary_count = boundary_count};
}

static struct sm_mp mp(char *host, char *address, bool is_default)
{
    return (struct sm_mp){.host = host, .address = address, .ip4 = 0x0a000001, .port = 8080, .is_default = is_default};
}

static struct sm_boundary boundary(enum sm_boundary_kind kind, const char *value)
{
    struct sm_boundary b;
    struct sl_error e;
    ck_assert_msg(sm_boundary_make(kind, value, &b, &e) == SL_OK, "%s", e.text);
    return b;
}

static const struct pub_object *object(const struct pub_plan *plan, const char *cn)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->objects[i].cn, cn) == 0)
            return &plan->objects[i];
    ck_abort_msg("no object %s", cn);
}

/* The values of an attribute joined with "|", "-" when the object does not have it. */
static const char *value(const struct pub_object *o, const char *name)
{
    static char text[4096];
    int at = snprintf(text, sizeof text, "-");
    for (size_t i = 0; i < o->attr_count; i++) {
        if (strcmp(o->attrs[i].name, name) != 0)
            continue;
        at = 0;
        text[0] = '\0';
        for (size_t v = 0; v < o->attrs[i].values.count; v++)
            at += snprintf(text + at, sizeof text - (size_t)at, "%s%s", v ? "|" : "", o->attrs[i].values.items[v]);
    }
    ck_assert_int_lt(at, sizeof text);
    return text;
}

START_TEST(a_site_names_itself_and_its_boundaries)
{
    struct sm_boundary b[] = {boundary(SM_BOUNDARY_SUBNET, "10.1.0.0/16"), boundary(SM_BOUNDARY_SUBNET, "10.1.0.0/24"),
                              boundary(SM_BOUNDARY_AD_SITE, "Berlin"), boundary(SM_BOUNDARY_IPV6_PREFIX, "2001:db8::/32")};
    struct sm_snapshot s = snapshot(NULL, 0, b, SL_COUNT(b));
    struct pub_plan plan;
    pub_plan_make(&s, CONTAINER, allows_all, NULL, &plan);
    ck_assert_uint_eq(plan.count, 1);
    const struct pub_object *o = object(&plan, "SMS-Site-LAB");
    ck_assert_str_eq(o->class, "mSSMSSite");
    ck_assert_str_eq(o->dn, "CN=SMS-Site-LAB," CONTAINER);
    ck_assert_str_eq(value(o, SCHEMA_SITE_CODE), "LAB");
    ck_assert_str_eq(value(o, SCHEMA_ASSIGNMENT_SITE_CODE), "LAB");
    ck_assert_str_eq(value(o, SCHEMA_SOURCE_FOREST), "forest.example.org");
    ck_assert_str_eq(value(o, SCHEMA_ROAMING_BOUNDARIES), "10.1.0.0|Berlin|2001:db8::/32");
    ck_assert_str_eq(value(o, SCHEMA_SITE_BOUNDARIES), "10.1.0.0|Berlin|2001:db8::/32");
    pub_plan_fini(&plan);
    for (size_t i = 0; i < SL_COUNT(b); i++)
        sm_boundary_fini(&b[i]);
}
END_TEST

START_TEST(S1_08_the_default_is_written_after_those_that_are_not)
{
    char host1[] = "a.example.org", host2[] = "b.example.org", address[] = "10.0.0.1";
    struct sm_mp mps[] = {mp(host1, address, true), mp(host2, address, false)};
    struct sm_snapshot s = snapshot(mps, 2, NULL, 0);
    struct pub_plan plan;
    pub_plan_make(&s, CONTAINER, allows_all, NULL, &plan);
    ck_assert_uint_eq(plan.count, 3);
    ck_assert_str_eq(value(&plan.objects[1], SCHEMA_DEFAULT_MP), "FALSE");
    ck_assert_str_eq(value(&plan.objects[2], SCHEMA_DEFAULT_MP), "TRUE");
    const struct pub_object *o = object(&plan, "SMS-MP-LAB-A.EXAMPLE.ORG");
    ck_assert_str_eq(o->class, "mSSMSManagementPoint");
    ck_assert_str_eq(value(o, SCHEMA_MP_NAME), "a.example.org");
    ck_assert_str_eq(value(o, SCHEMA_DNS_HOST_NAME), "a.example.org");
    ck_assert_str_eq(value(o, SCHEMA_MP_ADDRESS), "10.0.0.1");
    ck_assert_str_eq(value(o, SCHEMA_VERSION), "6487");
    pub_plan_fini(&plan);
}
END_TEST

START_TEST(the_schema_of_sms_2003_leaves_out_what_came_later)
{
    char host[] = "a.example.org", address[] = "10.0.0.1";
    struct sm_mp mps[] = {mp(host, address, true)};
    struct sm_snapshot s = snapshot(mps, 1, NULL, 0);
    struct pub_plan plan;
    pub_plan_make(&s, CONTAINER, allows_2003, NULL, &plan);
    const struct pub_object *o = object(&plan, "SMS-MP-LAB-A.EXAMPLE.ORG");
    ck_assert_uint_eq(o->attr_count, 4);
    ck_assert_str_eq(value(o, SCHEMA_CAPABILITIES), "-");
    ck_assert_str_eq(value(o, SCHEMA_DEFAULT_MP), "TRUE");
    pub_plan_fini(&plan);
}
END_TEST

START_TEST(Q3_ranges_are_signed_and_split_at_128)
{
    static const struct {
        const char *range, *cn, *low, *high;
    } rows[] = {
        {"10.0.0.0-10.255.255.255", "SMS-LAB-10.0.0.0-10.255.255.255", "167772160", "184549375"},
        {"192.168.0.0-192.168.1.255", "SMS-LAB-192.168.0.0-192.168.1.255", "-1062731776", "-1062731265"},
        {"120.0.0.1-200.0.0.5", "SMS-LAB-120.0.0.1-127.255.255.255", "2013265921", "2147483647"},
        {"120.0.0.1-200.0.0.5", "SMS-LAB-128.0.0.0-200.0.0.5", "-2147483648", "-939524091"},
        {"0.0.0.0-127.255.255.255", "SMS-LAB-0.0.0.0-127.255.255.255", "0", "2147483647"},
        {"128.0.0.0-255.255.255.255", "SMS-LAB-128.0.0.0-255.255.255.255", "-2147483648", "-1"},
    };
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct sm_boundary b = boundary(SM_BOUNDARY_RANGE, rows[i].range);
        struct sm_snapshot s = snapshot(NULL, 0, &b, 1);
        struct pub_plan plan;
        pub_plan_make(&s, CONTAINER, allows_all, NULL, &plan);
        const struct pub_object *o = object(&plan, rows[i].cn);
        ck_assert_str_eq(o->class, "mSSMSRoamingBoundaryRange");
        ck_assert_str_eq(value(o, SCHEMA_RANGED_IP_LOW), rows[i].low);
        ck_assert_str_eq(value(o, SCHEMA_RANGED_IP_HIGH), rows[i].high);
        ck_assert_str_eq(value(object(&plan, "SMS-Site-LAB"), SCHEMA_ROAMING_BOUNDARIES), "");
        pub_plan_fini(&plan);
        sm_boundary_fini(&b);
    }
}
END_TEST

/* RFC 4514: whatever a host is called, the DN is one RDN below the container and says the same name. */
START_TEST(names_are_escaped)
{
    static const char *const hosts[] = {"a,b", "a+b", "a\"b", "a\\b",   "a<b>c",    "a;b",
                                        "a=b", "#a",  " a ",  "a,CN=x", "\xc3\xa4", "a\\,b"};
    char address[] = "10.0.0.1";
    for (size_t i = 0; i < SL_COUNT(hosts); i++) {
        struct sm_mp mps[] = {mp((char *)(uintptr_t)hosts[i], address, true)};
        struct sm_snapshot s = snapshot(mps, 1, NULL, 0);
        struct pub_plan plan;
        struct sl_text expected = sl_text_new(PUB_TEXT_MAX);
        pub_plan_make(&s, CONTAINER, allows_all, NULL, &plan);
        const struct pub_object *o = &plan.objects[1];
        sl_text_puts(&expected, "CN=");
        for (const char *at = o->cn; *at; at++) /* every octet escaped by its number: what no escaping can get wrong */
            sl_text_printf(&expected, "\\%02x", (uint8_t)*at);
        sl_text_puts(&expected, "," CONTAINER);
        ck_assert_msg(ldapc_dn_valid(o->dn), "%s", o->dn);
        ck_assert_msg(ldapc_dn_equal(o->dn, sl_text_str(&expected)), "%s is not %s", o->dn, sl_text_str(&expected));
        sl_text_fini(&expected);
        pub_plan_fini(&plan);
    }
}
END_TEST

START_TEST(what_failed_is_tried_again_ever_later_up_to_a_bound)
{
    struct sl_random random = sl_random_seeded(7);
    for (unsigned attempt = 1; attempt <= 100; attempt++) {
        int64_t full = attempt < 10 ? (int64_t)SRV_RETRY_MIN_MS << (attempt - 1) : SRV_RETRY_MAX_MS, last = 0;
        bool varies = false;
        full = full < SRV_RETRY_MAX_MS ? full : SRV_RETRY_MAX_MS;
        for (int i = 0; i < 20; i++) {
            int64_t ms = srv_retry_ms(attempt, &random);
            ck_assert_msg(ms >= full / 2 && ms <= full, "attempt %u: %lld ms", attempt, (long long)ms);
            varies = varies || (i > 0 && ms != last);
            last = ms;
        }
        ck_assert(varies);
    }
}
END_TEST

START_TEST(Q4_a_long_name_is_cut_and_told_apart_by_a_hash)
{
    char fits[] = "a23456789.b23456789.c23456789.d23456789.e23456789.abc", address[] = "10.0.0.1";
    char long1[] = "a-very-long-host-name-of-a-management-point.department.example.org";
    char long2[] = "a-very-long-host-name-of-a-management-point.department.example.net";
    struct sm_mp mps[] = {mp(fits, address, false), mp(long1, address, false), mp(long2, address, true)};
    struct sm_snapshot s = snapshot(mps, 3, NULL, 0);
    struct pub_plan plan;
    pub_plan_make(&s, CONTAINER, allows_all, NULL, &plan);
    ck_assert_str_eq(plan.objects[1].cn, "SMS-MP-LAB-A23456789.B23456789.C23456789.D23456789.E23456789.ABC");
    ck_assert_uint_eq(strlen(plan.objects[1].cn), PUB_CN_MAX);
    ck_assert_uint_eq(plan.warnings.count, 2);
    for (size_t i = 2; i <= 3; i++) {
        ck_assert_uint_eq(strlen(plan.objects[i].cn), PUB_CN_MAX);
        ck_assert_int_eq(strncmp(plan.objects[i].cn, "SMS-MP-LAB-A-VERY-LONG-HOST-NAME-OF-A-MANAGEMENT-POINT.", 54), 0);
        ck_assert_ptr_nonnull(strstr(plan.warnings.items[i - 2], plan.objects[i].cn));
    }
    ck_assert_str_ne(plan.objects[2].cn, plan.objects[3].cn);
    ck_assert_str_eq(value(&plan.objects[2], SCHEMA_MP_NAME), long1);
    bool is_shortened;
    char *again = pub_host_cn("MP", "LAB", long1, &is_shortened);
    ck_assert(is_shortened);
    ck_assert_str_eq(again, plan.objects[2].cn);
    free(again);
    pub_plan_fini(&plan);
}
END_TEST

START_TEST(Q1_capabilities_are_read_back_by_local_name)
{
    char host[] = "a.example.org", address[] = "10.0.0.1", odd[] = "for<est>&\"x\"";
    struct sm_mp one = mp(host, address, true);
    struct sm_snapshot s = snapshot(&one, 1, NULL, 0);
    s.site.forest = odd;
    char *text = pub_capabilities(&s, &one);
    struct sx_doc *doc;
    ck_assert_int_eq(sx_parse(text, strlen(text), SX_STRICT, &doc, NULL), SL_OK);
    ck_assert_str_eq(sx_name(sx_root(doc)), "ClientOperationalSettings");
    ck_assert_str_eq(sx_content(sx_find(sx_root(doc), "Version")), SM_SITE_VERSION);
    ck_assert_str_eq(sx_content(sx_find(sx_root(doc), "RootSiteCode")), "LAB");
    ck_assert_str_eq(sx_content(sx_find(sx_root(doc), "CommandLine")), "SMSSITECODE=LAB");
    ck_assert_str_eq(sx_content(sx_find(sx_root(doc), "HTTPPort")), "8080");
    ck_assert_str_eq(sx_attr(sx_find(sx_root(doc), "Property"), "Name"), "SSLState");
    ck_assert_str_eq(sx_attr(sx_find(sx_root(doc), "Property"), "Value"), "0");
    ck_assert_str_eq(sx_content(sx_find(sx_root(doc), "SecurityModeMaskEx")), "0");
    ck_assert(sx_find(sx_root(doc), "HTTPSPort") == NULL);
    ck_assert_str_eq(sx_attr(sx_find(sx_root(doc), "Forest"), "Value"), odd);
    sx_free(doc);
    free(text);
}
END_TEST

START_TEST(a_management_point_over_tls_is_published_as_one)
{
    char host[] = "a.example.org", address[] = "10.0.0.1";
    struct sm_mp one = mp(host, address, true);
    one.is_https = true;
    struct sm_snapshot s = snapshot(&one, 1, NULL, 0);
    char *text = pub_capabilities(&s, &one);
    struct sx_doc *doc;
    ck_assert_int_eq(sx_parse(text, strlen(text), SX_STRICT, &doc, NULL), SL_OK);
    ck_assert_str_eq(sx_attr(sx_find(sx_root(doc), "Property"), "Value"), "1");
    ck_assert_str_eq(sx_content(sx_find(sx_root(doc), "SecurityModeMaskEx")), "1");
    ck_assert_str_eq(sx_content(sx_find(sx_root(doc), "HTTPSPort")), "8080");
    ck_assert(sx_find(sx_root(doc), "HTTPPort") == NULL);
    sx_free(doc);
    free(text);
}
END_TEST

START_TEST(our_names_are_known_and_others_are_not)
{
    static const char *const ours[] = {"SMS-Site-LAB", "sms-site-lab", "SMS-MP-LAB-X",
                                       "SMS-SLP-LAB-X", "SMS-LAB-10.0.0.1-10.0.0.2"};
    static const char *const others[] = {
        "SMS-Site-LABX", "SMS-Site-LA", "SMS-MP-LAX-X", "SMS-LABX-1", "SMS-SLP-LABX-X", "LAB", ""};
    for (size_t i = 0; i < SL_COUNT(ours); i++)
        ck_assert_msg(pub_is_our_name("LAB", ours[i]), "%s", ours[i]);
    for (size_t i = 0; i < SL_COUNT(others); i++)
        ck_assert_msg(!pub_is_our_name("LAB", others[i]), "%s", others[i]);
}
END_TEST

UNIT_MAIN("publish-plan", a_site_names_itself_and_its_boundaries, S1_08_the_default_is_written_after_those_that_are_not,
          the_schema_of_sms_2003_leaves_out_what_came_later, Q3_ranges_are_signed_and_split_at_128, names_are_escaped,
          what_failed_is_tried_again_ever_later_up_to_a_bound, Q4_a_long_name_is_cut_and_told_apart_by_a_hash,
          Q1_capabilities_are_read_back_by_local_name, a_management_point_over_tls_is_published_as_one,
          our_names_are_known_and_others_are_not)
