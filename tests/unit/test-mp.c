/* The management point: message in, reply out (facts 5.1, 5.3, 5.4, 6.3), and what it does with hostile input. */
#include "site/mp/mp.h"

#include "locator/net/ccm.h"
#include "site/model/digest.h"
#include "tests/unit/site-database.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The site database of one test, and a management point on it. */
struct bench {
    char folder[64], path[256];
    struct sst *store;
    struct sst_pool *pool;
    struct mp_identity *identity;
    struct mp *mp;
    struct web_response response;
};

static void add_site(struct bench *b, const char *code)
{
    struct sm_site site;
    struct sl_error e = {0};
    ok(sm_site_make(code, "example.org", NULL, "srv.example.org", NULL, &site, &e), &e);
    ok(sst_init_site(b->store, &site, &e), &e);
    sm_site_fini(&site);
}

static void add_mp(struct bench *b, const char *site, const char *host)
{
    struct sm_mp mp;
    struct sl_error e = {0};
    bool added;
    ok(sm_mp_make(host, "10.0.0.1", 80, &mp, &e), &e);
    ok(sst_add_mp(b->store, site, &mp, &added, &e), &e);
    sm_mp_fini(&mp);
}

static void add_dp(struct bench *b, const char *site, const char *host)
{
    struct sm_dp dp;
    struct sl_error e = {0};
    bool added;
    ok(sm_dp_make(host, NULL, &dp, &e), &e);
    ok(sst_add_dp(b->store, site, &dp, &added, &e), &e);
    sm_dp_fini(&dp);
}

static void add_boundary(struct bench *b, const char *site, enum sm_boundary_kind kind, const char *value)
{
    struct sm_boundary boundary;
    struct sl_error e = {0};
    bool added;
    ok(sm_boundary_make(kind, value, &boundary, &e), &e);
    ok(sst_add_boundary(b->store, site, &boundary, &added, &e), &e);
    sm_boundary_fini(&boundary);
}

static void add_package(struct bench *b, const char *site, const char *id, uint32_t version, const char *dp)
{
    struct sl_error e = {0};
    bool added;
    ok(sst_add_package(b->store, site, &(struct sst_new_package){id, version, &dp, 1, NULL}, &added, &e), &e);
}

/* Two sites: LAB with mp1 (default mp2) and two distribution points, XYZ with one. */
static void set_up(struct bench *b)
{
    struct sl_error e = {0};
    char *previous = NULL;
    const char *const both[] = {"dp1.example.org", "dp2.example.org"};
    bool added;
    *b = (struct bench){.response.body = sl_text_new(WEB_ANSWER_MAX)};
    snprintf(b->folder, sizeof b->folder, "/tmp/test-mp.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(b->folder));
    unit_site_database(b->path, sizeof b->path, b->folder);
    ok(sst_open(b->path, SST_CREATE, &b->store, &e), &e);
    add_site(b, "LAB");
    add_mp(b, "LAB", "mp1.example.org");
    add_mp(b, "LAB", "mp2.example.org");
    ok(sst_designate_mp(b->store, "LAB", "mp2.example.org", &previous, &e), &e);
    add_dp(b, "LAB", both[0]);
    add_dp(b, "LAB", both[1]);
    add_boundary(b, "LAB", SM_BOUNDARY_SUBNET, "10.1.0.0/16");
    ok(sst_add_package(b->store, "LAB", &(struct sst_new_package){"LAB00001", 3, both, 2, NULL}, &added, &e), &e);
    add_site(b, "XYZ");
    add_dp(b, "XYZ", "dp9.example.org");
    add_boundary(b, "XYZ", SM_BOUNDARY_AD_SITE, "Berlin");
    b->pool = sst_pool_new(b->path);
    b->identity = mp_identity_new(NULL, NULL);
    b->mp = mp_new(b->pool, "LAB", "mp2.example.org", b->identity, (struct mp_upward){0}, NULL);
}

static void tear_down(struct bench *b)
{
    mp_free(b->mp);
    mp_identity_free(b->identity);
    sst_pool_free(b->pool);
    sst_close(b->store);
    sl_text_fini(&b->response.body);
    unit_site_remove(b->path, b->folder);
}

/* Calls the handler of a path, as the HTTP server does, and returns the status. */
static unsigned ask(struct bench *b, const char *method, const char *path, const char *query, const char *type, const void *body,
                    size_t len)
{
    struct web_request request = {
        .method = method, .path = path, .query = query, .content_type = type, .body = body, .body_len = len};
    sl_text_reset(&b->response.body);
    b->response.status = 500;
    for (size_t i = 0; i < mp_route_count; i++)
        if (strcmp(mp_routes[i].method, method) == 0 && strcmp(mp_routes[i].path, path) == 0)
            mp_routes[i].handler(&request, &b->response, b->mp);
    return b->response.status;
}

static unsigned get(struct bench *b, const char *query)
{
    return ask(b, "GET", "/SMS_MP/.sms_aut", query, NULL, "", 0);
}

/* Sends an XML message to an endpoint. On 200 the answer is read into *ret_answer. */
static unsigned post(struct bench *b, const char *endpoint, const char *xml, struct ccm_message *ret_answer)
{
    struct sl_text envelope = sl_text_new(CCM_ENVELOPE_MAX);
    char type[CCM_CONTENT_TYPE_MAX];
    struct sl_error e = {0};
    struct ccm_message m = {.body_len = strlen(xml)};
    m.body = strdup(xml);
    ccm_new_id(m.id);
    snprintf(m.source_host, sizeof m.source_host, "pc1");
    snprintf(m.target_endpoint, sizeof m.target_endpoint, "%s", endpoint);
    ok(ccm_write(&m, &envelope, type, &e), &e);
    unsigned status = ask(b, CCM_METHOD, CCM_PATH, "", type, envelope.data, envelope.len);
    sl_text_fini(&envelope);
    if (status == 200) {
        ok(ccm_read(b->response.type, b->response.body.data, b->response.body.len, NULL, ret_answer, &e), &e);
        ck_assert_str_eq(ret_answer->correlation_id, m.id);
    }
    ccm_fini(&m);
    return status;
}

static void locate(struct bench *b, const struct loc_content_request *request, struct loc_content_reply *ret_reply)
{
    struct sl_text xml = sl_text_new(LOC_XML_MAX);
    struct ccm_message answer = {0};
    struct sl_error e = {0};
    loc_content_request_write(request, &xml);
    ck_assert_uint_eq(post(b, "mp_locationmanager", sl_text_str(&xml), &answer), 200);
    ok(loc_content_reply_read(answer.body, answer.body_len, ret_reply, &e), &e);
    ccm_fini(&answer);
    sl_text_fini(&xml);
}

static struct loc_content_request request_for(const char *package, uint32_t version, const char *site)
{
    struct loc_content_request request = {.version = version};
    snprintf(request.package, sizeof request.package, "%s", package);
    snprintf(request.site, sizeof request.site, "%s", site);
    return request;
}

static void place(struct loc_content_request *request, const char *address, const char *ad_site)
{
    request->address_count = 1;
    snprintf(request->addresses[0].address, sizeof request->addresses[0].address, "%s", address);
    snprintf(request->ad_site, sizeof request->ad_site, "%s", ad_site);
}

/* "LAB/LOCAL=url,url;XYZ/LOCAL=;" */
static void expect_reply(struct bench *b, const struct loc_content_request *request, const char *expected)
{
    struct loc_content_reply reply = {0};
    struct sl_text text = sl_text_new(4096);
    locate(b, request, &reply);
    for (size_t i = 0; i < reply.site_count; i++) {
        const struct loc_site *site = &reply.sites[i];
        sl_text_printf(&text, "%s/%s=", site->code, loc_locality_word(site->locality));
        for (size_t k = 0; k < site->record_count; k++)
            sl_text_printf(&text, "%s%s", k > 0 ? "," : "", site->records[k].url);
        sl_text_puts(&text, ";");
    }
    ck_assert_str_eq(sl_text_str(&text), expected);
    sl_text_fini(&text);
    loc_content_reply_fini(&reply);
}

#define LAB_URLS "http://dp1.example.org/SMS_DP_SMSPKG$/LAB00001.3/,http://dp2.example.org/SMS_DP_SMSPKG$/LAB00001.3/"

static void expect_local(struct bench *b, const char *address, const char *site, const char *expected)
{
    char xml[512];
    struct ccm_message answer = {0};
    snprintf(xml, sizeof xml, "<LocalMPLocationRequest SchemaVersion=\"1.0\"><AssignedSite SiteCode=\"%s\"/><ClientLocationInfo>"
             "<ADSite Name=\"\"/><IPAddresses><IPAddress SubnetAddress=\"\" Address=\"%s\"/></IPAddresses></ClientLocationInfo>"
             "</LocalMPLocationRequest>", site, address);
    ck_assert_uint_eq(post(b, "MP_LocationManager", xml, &answer), 200);
    ck_assert_msg(strstr(answer.body, "<LocalMPLocationReply SchemaVersion=\"1.00\">") != NULL, "%s", answer.body);
    ck_assert_msg(strstr(answer.body, expected) != NULL, "%s: %s is not in %s", address, expected, answer.body);
    ccm_fini(&answer);
}

START_TEST(a_client_learns_which_sites_it_is_in_5_4)
{
    struct bench b;
    set_up(&b);
    add_boundary(&b, "XYZ", SM_BOUNDARY_RANGE, "172.16.0.1-172.16.0.9");
    expect_local(&b, "172.16.0.5", "LAB",
                 "<Sites><Site SiteCode=\"XYZ\" MasterSiteCode=\"XYZ\" Locality=\"LOCAL\"/></Sites>");
    expect_local(&b, "172.16.0.10", "LAB",
                 "<Sites><Site SiteCode=\"LAB\" MasterSiteCode=\"LAB\" Locality=\"FALLBACK\"/></Sites>");
    expect_local(&b, "172.16.0.10", "NIX", "<Sites/>");
    tear_down(&b);
}
END_TEST

START_TEST(mplist_names_every_mp_the_default_first)
{
    struct bench b;
    struct loc_mp_list list = {0};
    struct sl_error e = {0};
    set_up(&b);
    ck_assert_uint_eq(get(&b, "mpList"), 200);
    ok(loc_mp_list_read(b.response.body.data, b.response.body.len, &list, &e), &e);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_str_eq(list.items[0].fqdn, "mp2.example.org");
    ck_assert_str_eq(list.items[0].name, "MP2");
    ck_assert_str_eq(list.items[0].version, "6487");
    ck_assert_str_eq(list.items[0].site, "");
    loc_mp_list_fini(&list);
    tear_down(&b);
}
END_TEST

START_TEST(mplist1_carries_the_site_code_and_takes_one)
{
    struct bench b;
    struct loc_mp_list list = {0};
    struct sl_error e = {0};
    set_up(&b);
    ck_assert_uint_eq(get(&b, "MPLIST1"), 200);
    ok(loc_mp_list_read(b.response.body.data, b.response.body.len, &list, &e), &e);
    ck_assert_str_eq(list.items[1].site, "LAB");
    loc_mp_list_fini(&list);
    ck_assert_uint_eq(get(&b, "mplist1&xyz"), 200);
    ok(loc_mp_list_read(b.response.body.data, b.response.body.len, &list, &e), &e);
    ck_assert_uint_eq(list.count, 0);
    loc_mp_list_fini(&list);
    ck_assert_uint_eq(get(&b, "MPLIST1&ABC"), 404);
    tear_down(&b);
}
END_TEST

START_TEST(verbs_that_are_none)
{
    static const struct {
        const char *query;
        unsigned status;
    } rows[] = {
        {"", 404},          {"MPLIST3", 404},     {"MPLIST%00", 400},  {"MPLIST%", 400},
        {"MPLIST%zz", 400}, {"%4dPLIST", 200},    {"MPLIST&LAB", 400}, {"MPLIST1&%27%20OR%201=1--", 404},
        {"MPLIST1&", 200},  {"MPLIST1&<x>", 404},
    };
    struct bench b;
    set_up(&b);
    for (size_t i = 0; i < SL_COUNT(rows); i++)
        ck_assert_msg(get(&b, rows[i].query) == rows[i].status, "?%s gave %u", rows[i].query, b.response.status);
    char longest[2 * WEB_ITEM_MAX];
    memset(longest, 'A', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_assert_uint_eq(get(&b, longest), 400);
    tear_down(&b);
}
END_TEST

START_TEST(S2_14_without_the_database_mplist_is_500_until_it_is_back)
{
    struct bench b;
    char moved[300];
    struct ccm_message answer;
    if (unit_site_uri() != NULL)
        return; /* a server is stopped, not moved: tests/functional/test_postgres.py */
    set_up(&b);
    snprintf(moved, sizeof moved, "%s-moved", b.path);
    ck_assert_uint_eq(get(&b, "MPLIST"), 200);
    ck_assert_int_eq(rename(b.path, moved), 0);
    ck_assert_uint_eq(get(&b, "MPLIST"), 500);
    ck_assert_uint_eq(get(&b, "MPLIST1&LAB"), 500);
    ck_assert_uint_eq(post(&b, CCM_ENDPOINT_LOCATION,
                           "<ContentLocationRequest><Package ID='LAB00001' Version='3'/><AssignedSite SiteCode='LAB'/>"
                           "</ContentLocationRequest>", &answer), 500);
    ck_assert_ptr_null(strstr(sl_text_str(&b.response.body), b.folder)); /* a stranger learns no path */
    ck_assert_int_eq(rename(moved, b.path), 0);
    ck_assert_uint_eq(get(&b, "MPLIST"), 200);
    tear_down(&b);
}
END_TEST

START_TEST(S1_15_content_inside_the_boundaries_is_local)
{
    struct bench b;
    set_up(&b);
    struct loc_content_request request = request_for("LAB00001", 3, "LAB");
    place(&request, "10.1.2.3", "");
    expect_reply(&b, &request, "LAB/LOCAL=" LAB_URLS ";");
    request.version = 0;
    expect_reply(&b, &request, "LAB/LOCAL=" LAB_URLS ";");
    request.version = 4;
    expect_reply(&b, &request, "LAB/LOCAL=;");
    tear_down(&b);
}
END_TEST

START_TEST(content_outside_every_boundary_is_the_assigned_sites)
{
    struct bench b;
    set_up(&b);
    struct loc_content_request request = request_for("LAB00001", 3, "LAB");
    expect_reply(&b, &request, "LAB/FALLBACK=" LAB_URLS ";");
    place(&request, "172.16.0.1", "Paris");
    expect_reply(&b, &request, "LAB/FALLBACK=" LAB_URLS ";");
    tear_down(&b);
}
END_TEST

START_TEST(current_site_first_then_the_assigned_one)
{
    struct bench b;
    set_up(&b);
    struct loc_content_request request = request_for("LAB00001", 3, "LAB");
    place(&request, "172.16.0.1", "berlin");
    expect_reply(&b, &request, "XYZ/LOCAL=;LAB/FALLBACK=" LAB_URLS ";");
    add_package(&b, "XYZ", "LAB00001", 3, "dp9.example.org");
    expect_reply(&b, &request, "XYZ/LOCAL=http://dp9.example.org/SMS_DP_SMSPKG$/LAB00001.3/;");
    place(&request, "10.1.2.3", "berlin"); /* two sites overlap: both are told */
    expect_reply(&b, &request, "LAB/LOCAL=" LAB_URLS ";XYZ/LOCAL=http://dp9.example.org/SMS_DP_SMSPKG$/LAB00001.3/;");
    tear_down(&b);
}
END_TEST

START_TEST(unknown_packages_and_sites_give_empty_replies)
{
    struct bench b;
    set_up(&b);
    struct loc_content_request request = request_for("LAB00099", 1, "LAB");
    expect_reply(&b, &request, "LAB/FALLBACK=;");
    request = request_for("LAB00001", 3, "ABC");
    expect_reply(&b, &request, "");
    request = request_for("' OR '1'='1", 3, "LAB");
    place(&request, "' OR 1=1 --", "'; DROP TABLE site; --");
    expect_reply(&b, &request, "LAB/FALLBACK=;");
    request = request_for("LAB00001", 3, "LAB");
    expect_reply(&b, &request, "LAB/FALLBACK=" LAB_URLS ";");
    tear_down(&b);
}
END_TEST

START_TEST(hostile_messages_are_refused)
{
    static const char *const bodies[] = {
        "",
        "x",
        "<ContentLocationRequest",
        "<Other/>",
        "<ContentLocationRequest>\x01\x02</ContentLocationRequest>",
        "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><ContentLocationRequest>&e;</ContentLocationRequest>",
        "<ContentLocationRequest><Package ID='LAB00001' Version='99999999999'/></ContentLocationRequest>",
        "<ContentLocationRequest><Package ID='P1' Version='3'/><AssignedSite SiteCode='LABO'/></ContentLocationRequest>",
    };
    struct bench b;
    struct ccm_message answer;
    set_up(&b);
    for (size_t i = 0; i < SL_COUNT(bodies); i++)
        ck_assert_msg(post(&b, CCM_ENDPOINT_LOCATION, bodies[i], &answer) == 400, "%s gave %u: %s", bodies[i], b.response.status,
                      sl_text_str(&b.response.body));
    ck_assert_uint_eq(post(&b, "MP_Unknown", "<x/>", &answer), 404);
    ck_assert_uint_eq(get(&b, "MPLIST"), 200);
    tear_down(&b);
}
END_TEST

START_TEST(hostile_envelopes_are_refused)
{
    static const char *const types[] = {NULL, "", "text/xml", "multipart/mixed", "multipart/mixed; boundary=aa"};
    char octets[4096];
    struct bench b;
    set_up(&b);
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (char)(i * 131 + 7);
    for (size_t i = 0; i < SL_COUNT(types); i++) {
        ck_assert_uint_eq(ask(&b, CCM_METHOD, CCM_PATH, "", types[i], octets, sizeof octets), 400);
        ck_assert_uint_eq(ask(&b, CCM_METHOD, CCM_PATH, "", types[i], "", 0), 400);
        ck_assert_uint_eq(ask(&b, CCM_METHOD, CCM_PATH, "", types[i], "--aa\r\n\r\n--aa\r\n", 14), 400);
    }
    tear_down(&b);
}
END_TEST

/* Keeps a body of this version in the cache. */
static void keep(struct mp_cache *cache, uint32_t version, struct sm_policy *policy)
{
    char body[64];
    snprintf(body, sizeof body, "body %u", version);
    sm_guid_make((const uint8_t[SM_GUID_SEED]){7}, policy->id);
    policy->version = version;
    policy->body = body;
    sm_digest_of(body, strlen(body), policy->sha256);
    ck_assert(mp_cache_put(cache, policy) && mp_cache_put(cache, policy));
    policy->body = NULL;
}

static bool is_kept(struct mp_cache *cache, const char *id, uint32_t version)
{
    uint64_t size = 0;
    char sha256[SM_SHA256_SIZE];
    int fd = mp_cache_find(cache, id, version, NULL, &size, sha256);
    if (fd >= 0)
        ck_assert_int_eq(close(fd), 0);
    return fd >= 0 && size == strlen("body 1");
}

/* Removes a folder of files, and tells how many there were. */
static size_t remove_folder(const char *path)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += unlinkat(dirfd(dir), entry->d_name, 0) == 0;
    closedir(dir);
    ck_assert_int_eq(rmdir(path), 0);
    return count;
}

START_TEST(S2_14_the_cache_keeps_the_newest_versions_across_a_restart)
{
    char folder[] = "/tmp/test-mp.XXXXXX", path[64], missing[128];
    struct mp_cache *cache;
    struct sm_policy policy = {.version = 0};
    struct sl_error e = {0};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/policy", folder);
    ok(mp_cache_open(path, &cache, &e), &e);
    for (uint32_t version = 1; version <= MP_CACHE_VERSIONS + 2; version++)
        keep(cache, version, &policy);
    mp_cache_close(cache);
    ok(mp_cache_open(path, &cache, &e), &e);
    for (uint32_t version = 1; version <= MP_CACHE_VERSIONS + 3; version++)
        ck_assert_int_eq(is_kept(cache, policy.id, version), version > 2 && version <= MP_CACHE_VERSIONS + 2);
    ck_assert(!is_kept(cache, "{00000000-0000-4000-8000-000000000000}", 3));
    mp_cache_close(cache);
    snprintf(missing, sizeof missing, "%s/none/policy", folder);
    ck_assert_int_eq(mp_cache_open(missing, &cache, &e), SL_IO);
    ck_assert_ptr_nonnull(strstr(e.text, missing));
    ck_assert_uint_eq(remove_folder(path), MP_CACHE_VERSIONS); /* nothing half written is left either */
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

UNIT_MAIN("mp", mplist_names_every_mp_the_default_first, a_client_learns_which_sites_it_is_in_5_4,
          mplist1_carries_the_site_code_and_takes_one, verbs_that_are_none,
          S2_14_the_cache_keeps_the_newest_versions_across_a_restart,
          S2_14_without_the_database_mplist_is_500_until_it_is_back, S1_15_content_inside_the_boundaries_is_local,
          content_outside_every_boundary_is_the_assigned_sites, current_site_first_then_the_assigned_one,
          unknown_packages_and_sites_give_empty_replies, hostile_messages_are_refused, hostile_envelopes_are_refused)
