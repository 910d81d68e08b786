/* The checks of site/model: what may be stored, in which spelling. */
#include "common/base/memory.h"
#include "site/model/site.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(site_code_is_three_upper_case_characters)
{
    static const char *const good[] = {"LAB", "001", "P01"};
    static const char *const bad[] = {"", "AB", "ABCD", "lab", "A-B", "A B", "\303\204B"};
    struct sl_error e;
    for (size_t i = 0; i < SL_COUNT(good); i++)
        ck_assert_int_eq(sm_check_code(good[i], &e), SL_OK);
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        ck_assert_int_eq(sm_check_code(bad[i], &e), SL_USAGE);
        ck_assert_ptr_nonnull(strstr(e.text, "three characters"));
    }
}
END_TEST

START_TEST(host_names)
{
    char longest[SM_HOST_MAX + 2];
    for (size_t i = 0; i < sizeof longest - 1; i++)
        longest[i] = i % 32 == 31 ? '.' : 'a';
    longest[SM_HOST_MAX] = '\0';
    ck_assert_int_eq(sm_check_host("host", longest, NULL), SL_OK);
    longest[SM_HOST_MAX] = 'a';
    longest[SM_HOST_MAX + 1] = '\0';
    ck_assert_int_eq(sm_check_host("host", longest, NULL), SL_USAGE);
    static const char *const bad[] = {"", ".", "a..b", "a.", "-a", "a-", "a b", "a/b", "a\nb", "caf\xc3\xa9",
                                      "a123456789b123456789c123456789d123456789e123456789f123456789g123"};
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_msg(sm_check_host("host", bad[i], NULL) == SL_USAGE, "\"%s\" was accepted", bad[i]);
    ck_assert_int_eq(sm_check_host("host", "MP1.Example.org", NULL), SL_OK);
    ck_assert_int_eq(sm_check_host("host", "SRV_1", NULL), SL_OK);
}
END_TEST

START_TEST(site_fills_forest_and_database)
{
    struct sm_site site;
    ck_assert_int_eq(sm_site_make("LAB", "example.org", NULL, "srv.example.org", NULL, &site, NULL), SL_OK);
    ck_assert_str_eq(site.forest, "example.org");
    ck_assert_str_eq(site.database, "srv.example.org"); /* S2.04: always exactly one */
    sm_site_fini(&site);
    ck_assert_int_eq(sm_site_make("LAB", "", NULL, "srv", NULL, &site, NULL), SL_USAGE);
    ck_assert_int_eq(sm_site_make("LAB", "example.org", NULL, "a b", NULL, &site, NULL), SL_USAGE);
}
END_TEST

START_TEST(management_point_addresses)
{
    struct sm_mp mp;
    struct sl_error e;
    ck_assert_int_eq(sm_mp_make("mp1.example.org", "10.1.2.3", 80, &mp, NULL), SL_OK);
    ck_assert_uint_eq(mp.ip4, 0x0a010203);
    ck_assert_str_eq(mp.address, "10.1.2.3");
    ck_assert(!mp.is_default);
    sm_mp_fini(&mp);
    ck_assert_int_eq(sm_mp_make("mp1", "2001:DB8:0::1", 8080, &mp, NULL), SL_OK);
    ck_assert_uint_eq(mp.ip4, 0);
    ck_assert_str_eq(mp.address, "2001:db8::1");
    sm_mp_fini(&mp);
    static const char *const bad[] = {"",   "mp1",     "10.1.2", "10.1.2.3:80", "0.0.0.0", "239.1.1.1", "255.255.255.255",
                                      "::", "ff02::1", "[::1]",  "fe80::1%eth0"};
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_msg(sm_mp_make("mp1", bad[i], 80, &mp, &e) == SL_USAGE, "\"%s\" was accepted", bad[i]);
    ck_assert_int_eq(sm_mp_make("mp1", "10.1.2.3", 0, &mp, NULL), SL_USAGE);
    ck_assert_int_eq(sm_mp_make("mp1", "10.1.2.3", 65536, &mp, NULL), SL_USAGE);
}
END_TEST

START_TEST(distribution_point_urls)
{
    struct sm_dp dp;
    ck_assert_int_eq(sm_dp_make("dp1.example.org", NULL, &dp, NULL), SL_OK);
    ck_assert_str_eq(dp.url, "http://dp1.example.org/SMS_DP_SMSPKG$/");
    sm_dp_fini(&dp);
    ck_assert_int_eq(sm_dp_make("dp1", "https://dp1:8443/pkg", &dp, NULL), SL_OK);
    ck_assert_str_eq(dp.url, "https://dp1:8443/pkg/");
    sm_dp_fini(&dp);
    ck_assert_int_eq(sm_dp_make("dp1", "http://[2001:db8::1]:65535", &dp, NULL), SL_OK);
    ck_assert_str_eq(dp.url, "http://[2001:db8::1]:65535/");
    sm_dp_fini(&dp);
    static const char *const bad[] = {"", "dp1/pkg", "ftp://dp1/", "http://", "http:///pkg", "http://dp1/a b", "http://dp1/?x",
                                      "http://dp1/\n", "http://dp1/\"><x", "http://dp1:0/", "http://dp1:65536/", "http://dp1:/",
                                      "http://dp1:80x/", "http://dp1:000000080/", "http://:80/", "http://[::1/",
                                      "http://[::1]80/"};
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_msg(sm_dp_make("dp1", bad[i], &dp, NULL) == SL_USAGE, "\"%s\" was accepted", bad[i]);
}
END_TEST

static const struct {
    enum sm_boundary_kind kind;
    const char *text, *canonical; /* NULL: refused */
    uint32_t low, high;
} boundaries[] = {
    {SM_BOUNDARY_SUBNET, "10.1.0.0/16", "10.1.0.0/16", 0x0a010000, 0x0a01ffff},
    {SM_BOUNDARY_SUBNET, "192.168.1.7/32", "192.168.1.7/32", 0xc0a80107, 0xc0a80107},
    {SM_BOUNDARY_SUBNET, "128.0.0.0/1", "128.0.0.0/1", 0x80000000, 0xffffffff},
    {SM_BOUNDARY_SUBNET, "10.1.2.3/16", NULL, 0, 0},
    {SM_BOUNDARY_SUBNET, "10.1.0.0", NULL, 0, 0},
    {SM_BOUNDARY_SUBNET, "10.1.0.0/0", NULL, 0, 0},
    {SM_BOUNDARY_SUBNET, "10.1.0.0/33", NULL, 0, 0},
    {SM_BOUNDARY_SUBNET, "10.1.0.0/", NULL, 0, 0},
    {SM_BOUNDARY_SUBNET, "2001:db8::/32", NULL, 0, 0},
    {SM_BOUNDARY_SUBNET, "10.1.0.0/16; DROP TABLE mp", NULL, 0, 0},
    {SM_BOUNDARY_RANGE, "10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9", 0x0a000001, 0x0a000009},
    {SM_BOUNDARY_RANGE, "127.0.0.1-128.0.0.1", "127.0.0.1-128.0.0.1", 0x7f000001, 0x80000001},
    {SM_BOUNDARY_RANGE, "10.0.0.9-10.0.0.1", NULL, 0, 0},
    {SM_BOUNDARY_RANGE, "10.0.0.9", NULL, 0, 0},
    {SM_BOUNDARY_RANGE, "-", NULL, 0, 0},
    {SM_BOUNDARY_AD_SITE, "Default-First-Site-Name", "Default-First-Site-Name", 0, 0},
    {SM_BOUNDARY_AD_SITE, "M\xc3\xbcnchen, (Nord)", "M\xc3\xbcnchen, (Nord)", 0, 0},
    {SM_BOUNDARY_AD_SITE, "", NULL, 0, 0},
    {SM_BOUNDARY_AD_SITE, " Berlin", NULL, 0, 0},
    {SM_BOUNDARY_AD_SITE, "a\x01", NULL, 0, 0},
    {SM_BOUNDARY_IPV6_PREFIX, "2001:DB8::/32", "2001:db8::/32", 0, 0},
    {SM_BOUNDARY_IPV6_PREFIX, "FE80::/64", "fe80::/64", 0, 0},
    {SM_BOUNDARY_IPV6_PREFIX, "2001:db8::1/32", NULL, 0, 0},
    {SM_BOUNDARY_IPV6_PREFIX, "2001:db8::/129", NULL, 0, 0},
    {SM_BOUNDARY_IPV6_PREFIX, "10.0.0.0/8", NULL, 0, 0},
};

START_TEST(boundary_values)
{
    struct sm_boundary b;
    struct sl_error e;
    enum sl_status status = sm_boundary_make(boundaries[_i].kind, boundaries[_i].text, &b, &e);
    if (boundaries[_i].canonical == NULL) {
        ck_assert_msg(status == SL_USAGE, "\"%s\" was accepted", boundaries[_i].text);
        return;
    }
    ck_assert_msg(status == SL_OK, "%s", e.text);
    ck_assert_str_eq(b.value, boundaries[_i].canonical);
    ck_assert_uint_eq(b.low, boundaries[_i].low);
    ck_assert_uint_eq(b.high, boundaries[_i].high);
    sm_boundary_fini(&b);
}
END_TEST

START_TEST(boundary_error_says_the_right_subnet)
{
    struct sm_boundary b;
    struct sl_error e;
    ck_assert_int_eq(sm_boundary_make(SM_BOUNDARY_SUBNET, "10.1.2.3/16", &b, &e), SL_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "10.1.0.0/16"));
}
END_TEST

/* True when the address lies between the keys of the boundary. */
static bool inside(enum sm_boundary_kind kind, const char *value, const char *address)
{
    struct sm_boundary b;
    uint8_t low[SM_ADDRESS_KEY_LEN], high[SM_ADDRESS_KEY_LEN], key[SM_ADDRESS_KEY_LEN];
    ck_assert_int_eq(sm_boundary_make(kind, value, &b, NULL), SL_OK);
    ck_assert(sm_boundary_keys(&b, low, high));
    ck_assert(sm_address_key(address, key));
    sm_boundary_fini(&b);
    return memcmp(low, key, sizeof key) <= 0 && memcmp(key, high, sizeof key) <= 0;
}

START_TEST(address_keys)
{
    uint8_t key[SM_ADDRESS_KEY_LEN];
    ck_assert(inside(SM_BOUNDARY_SUBNET, "10.1.0.0/16", "10.1.255.255"));
    ck_assert(!inside(SM_BOUNDARY_SUBNET, "10.1.0.0/16", "10.2.0.0"));
    ck_assert(
        inside(SM_BOUNDARY_RANGE, "127.0.0.1-128.0.0.1", "128.0.0.0")); /* the sign of the directory's integer is no matter */
    ck_assert(inside(SM_BOUNDARY_IPV6_PREFIX, "2001:db8::/33", "2001:db8:7fff::1"));
    ck_assert(!inside(SM_BOUNDARY_IPV6_PREFIX, "2001:db8::/33", "2001:db8:8000::"));
    ck_assert(!inside(SM_BOUNDARY_IPV6_PREFIX, "2001:db8::/32", "10.1.2.3"));
    ck_assert(!sm_address_key("", key));
    ck_assert(!sm_address_key("10.1.2.3 ", key));
    ck_assert(!sm_address_key("mp1", key));
}
END_TEST

static enum sl_status target_status(struct sm_target target)
{
    return sm_check_target(&target, NULL);
}

START_TEST(target_flags_fit_together)
{
    char ldap[] = "ldap://dc1/DC=example,DC=org", ldaps[] = "LDAPS://dc1", wins[] = "wins://10.0.0.1:137", dn[] = "cn=x",
         file[] = "f";
    char gssapi[] = "gssapi", http[] = "http://x/";
    ck_assert_int_eq(target_status((struct sm_target){.uri = ldap}), SL_OK);
    ck_assert_int_eq(target_status((struct sm_target){.uri = ldap, .bind_dn = dn, .password_file = file, .starttls = true}),
                     SL_OK);
    ck_assert_int_eq(target_status((struct sm_target){.uri = ldap, .sasl = gssapi}), SL_OK);
    ck_assert_int_eq(target_status((struct sm_target){.uri = wins}), SL_OK);
    ck_assert_int_eq(target_status((struct sm_target){.uri = http}), SL_USAGE);
    ck_assert_int_eq(target_status((struct sm_target){.uri = wins, .base = dn}), SL_USAGE);
    ck_assert_int_eq(target_status((struct sm_target){.uri = ldap, .bind_dn = dn}), SL_USAGE);
    ck_assert_int_eq(target_status((struct sm_target){.uri = ldap, .password_file = file}), SL_USAGE);
    ck_assert_int_eq(target_status((struct sm_target){.uri = ldaps, .starttls = true}), SL_USAGE);
}
END_TEST

START_TEST(S1_26_a_site_may_have_no_default)
{
    struct sm_snapshot *snap = sl_new(sizeof *snap);
    snap->mps = sl_new_array(2, sizeof *snap->mps);
    snap->mp_count = 2;
    ck_assert_int_eq(sm_mp_make("mp1", "10.0.0.1", 80, &snap->mps[0], NULL), SL_OK);
    ck_assert_int_eq(sm_mp_make("mp2", "10.0.0.2", 80, &snap->mps[1], NULL), SL_OK);
    ck_assert_ptr_null(sm_default_mp(snap));
    snap->mps[1].is_default = true;
    ck_assert_str_eq(sm_default_mp(snap)->host, "mp2");
    ck_assert_ptr_null(sm_find_dp(snap, "mp1"));
    sm_snapshot_free(snap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("site-model");
    TCase *tc = tcase_create("checks");
    tcase_add_test(tc, site_code_is_three_upper_case_characters);
    tcase_add_test(tc, host_names);
    tcase_add_test(tc, site_fills_forest_and_database);
    tcase_add_test(tc, management_point_addresses);
    tcase_add_test(tc, distribution_point_urls);
    tcase_add_loop_test(tc, boundary_values, 0, (int)SL_COUNT(boundaries));
    tcase_add_test(tc, boundary_error_says_the_right_subnet);
    tcase_add_test(tc, address_keys);
    tcase_add_test(tc, target_flags_fit_together);
    tcase_add_test(tc, S1_26_a_site_may_have_no_default);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
