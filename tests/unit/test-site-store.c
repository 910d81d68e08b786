/* The site database: constraints, the swap of the default management point, several connections on one file. */
#include "site/store/report.h"

#include "common/db/db.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "site/store/fetch.h"
#include "site/store/policy.h"
#include "site/store/pool.h"
#include "site/store/private.h"
#include "site/store/systems.h"
#include "tests/unit/site-database.h"
#include "tests/unit/unit.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[256];
static struct sst *store;

static void init_site(const char *code)
{
    struct sm_site site;
    struct sl_error e = {0};
    ok(sm_site_make(code, "example.org", NULL, "srv.example.org", NULL, &site, &e), &e);
    ok(sst_init_site(store, &site, &e), &e);
    sm_site_fini(&site);
}

static enum sl_status add_mp(const char *site, const char *host, const char *address, bool *ret_added, struct sl_error *e)
{
    struct sm_mp mp;
    ck_assert_int_eq(sm_mp_make(host, address, 80, &mp, NULL), SL_OK);
    enum sl_status status = sst_add_mp(store, site, &mp, ret_added, e);
    sm_mp_fini(&mp);
    return status;
}

static enum sl_status add_dp(const char *site, const char *host, const char *url, bool *ret_added, struct sl_error *e)
{
    struct sm_dp dp;
    ck_assert_int_eq(sm_dp_make(host, url, &dp, NULL), SL_OK);
    enum sl_status status = sst_add_dp(store, site, &dp, ret_added, e);
    sm_dp_fini(&dp);
    return status;
}

static enum sl_status add_package(struct sst *on, const char *id, uint32_t version, const char *const *dps, size_t count,
                                  bool *ret_added, struct sl_error *e)
{
    return sst_add_package(on, "LAB", &(struct sst_new_package){id, version, dps, count, NULL}, ret_added, e);
}

static void add_boundary(const char *site, enum sm_boundary_kind kind, const char *value, bool expect_added)
{
    struct sm_boundary b;
    struct sl_error e = {0};
    bool added = !expect_added;
    ok(sm_boundary_make(kind, value, &b, &e), &e);
    ok(sst_add_boundary(store, site, &b, &added, &e), &e);
    ck_assert_int_eq(added, expect_added);
    sm_boundary_fini(&b);
}

static void designate(struct sst *on, const char *site, const char *host)
{
    struct sl_error e = {0};
    char *previous = NULL;
    ok(sst_designate_mp(on, site, host, &previous, &e), &e);
    free(previous);
}

static struct sm_snapshot *snapshot(struct sst *on, const char *site)
{
    struct sl_error e = {0};
    struct sm_snapshot *snap = NULL;
    ok(sst_snapshot(on, site, &snap, &e), &e);
    ck_assert_ptr_nonnull(snap);
    return snap;
}

static int64_t generation(struct sst *on)
{
    int64_t value = 0;
    struct sl_error e = {0};
    ok(sst_generation(on, &value, &e), &e);
    return value;
}

static void set_up(void)
{
    struct sl_error e = {0};
    snprintf(folder, sizeof folder, "/tmp/test-site-store.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    unit_site_database(path, sizeof path, folder);
    ok(sst_open(path, SST_CREATE, &store, &e), &e);
    init_site("LAB");
}

static void tear_down(void)
{
    sst_close(store);
    store = NULL;
    unit_site_remove(path, folder);
}

START_TEST(second_init_of_a_code_is_a_conflict)
{
    struct sm_site site;
    struct sl_error e = {0};
    ok(sm_site_make("LAB", "other.org", NULL, "other", NULL, &site, &e), &e);
    ck_assert_int_eq(sst_init_site(store, &site, &e), SL_CONFLICT);
    ck_assert_ptr_nonnull(strstr(e.text, "site LAB exists already"));
    sm_site_fini(&site);
    struct sm_snapshot *snap = snapshot(store, "LAB");
    ck_assert_str_eq(snap->site.domain, "example.org");
    sm_snapshot_free(snap);
}
END_TEST

START_TEST(several_sites_must_be_named)
{
    struct sl_error e = {0};
    char *code = NULL;
    ok(sst_choose_site(store, NULL, &code, &e), &e);
    ck_assert_str_eq(code, "LAB");
    free(code);
    init_site("XYZ");
    ck_assert_int_eq(sst_choose_site(store, NULL, &code, &e), SL_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "LAB, XYZ"));
    ck_assert_int_eq(sst_choose_site(store, "ABC", &code, &e), SL_USAGE);
    ok(sst_choose_site(store, "XYZ", &code, &e), &e);
    ck_assert_str_eq(code, "XYZ");
    free(code);
    bool added;
    ck_assert_int_eq(add_mp("ABC", "mp1", "10.0.0.1", &added, &e), SL_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "no site \"ABC\""));
}
END_TEST

START_TEST(adding_the_same_is_fine_and_something_else_a_conflict)
{
    struct sl_error e = {0};
    bool added = false;
    ok(add_mp("LAB", "mp1.example.org", "10.0.0.1", &added, &e), &e);
    ck_assert(added);
    int64_t before = generation(store);
    ok(add_mp("LAB", "MP1.example.org", "10.0.0.1", &added, &e), &e);
    ck_assert(!added);
    ck_assert_int_eq(generation(store), before);
    ck_assert_int_eq(add_mp("LAB", "mp1.example.org", "10.0.0.2", &added, &e), SL_CONFLICT);
    ck_assert_ptr_nonnull(strstr(e.text, "10.0.0.1"));

    ok(add_dp("LAB", "dp1", NULL, &added, &e), &e);
    ok(add_dp("LAB", "dp1", NULL, &added, &e), &e);
    ck_assert(!added);
    ck_assert_int_eq(add_dp("LAB", "dp1", "http://elsewhere/", &added, &e), SL_CONFLICT);

    add_boundary("LAB", SM_BOUNDARY_SUBNET, "10.1.0.0/16", true);
    add_boundary("LAB", SM_BOUNDARY_SUBNET, "10.1.0.0/16", false);
    ck_assert_int_gt(generation(store), before);
}
END_TEST

static bool set_unpublished(bool is_unpublished)
{
    struct sl_error e = {0};
    bool changed = !is_unpublished;
    ok(sst_set_unpublished(store, "LAB", is_unpublished, &changed, &e), &e);
    struct sm_snapshot *snap = snapshot(store, "LAB");
    ck_assert_int_eq(snap->site.is_unpublished, is_unpublished);
    sm_snapshot_free(snap);
    return changed;
}

START_TEST(a_site_is_published_unless_somebody_said_otherwise)
{
    int64_t before = generation(store);
    ck_assert(!set_unpublished(false));
    ck_assert(set_unpublished(true));
    ck_assert_int_eq(generation(store), before + 1);
    ck_assert(!set_unpublished(true));
    ck_assert(set_unpublished(false));
    ck_assert_int_eq(generation(store), before + 2);
}
END_TEST

START_TEST(packages_lie_on_known_distribution_points)
{
    struct sl_error e = {0};
    bool added = false;
    const char *const both[] = {"dp1", "DP2", "dp1"}, *const unknown[] = {"dp1", "dp3"};
    ok(add_dp("LAB", "dp1", NULL, &added, &e), &e);
    ok(add_dp("LAB", "dp2", NULL, &added, &e), &e);
    ck_assert_int_eq(add_package(store, "LAB00001", 3, unknown, 2, &added, &e), SL_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "dp3"));
    ok(add_package(store, "LAB00001", 3, both, 3, &added, &e), &e);
    ck_assert(added);
    ok(add_package(store, "lab00001", 3, both, 2, &added, &e), &e);
    ck_assert(!added);
    ck_assert_int_eq(add_package(store, "LAB00001", 4, both, 2, &added, &e), SL_CONFLICT);
    ck_assert_int_eq(add_package(store, "LAB00001", 3, both, 1, &added, &e), SL_CONFLICT);
    struct sm_snapshot *snap = snapshot(store, "LAB");
    ck_assert_uint_eq(snap->package_count, 1);
    ck_assert_uint_eq(snap->packages[0].dp_count, 2);
    ck_assert_str_eq(snap->packages[0].dps[1]->host, "dp2");
    sm_snapshot_free(snap);
    bool removed = true;
    ck_assert_int_eq(sst_remove(store, "LAB", SST_DP, "dp1", &removed, &e), SL_CONFLICT);
    ok(sst_remove(store, "LAB", SST_PACKAGE, "LAB00001", &removed, &e), &e);
    ck_assert(removed);
    ok(sst_remove(store, "LAB", SST_DP, "dp1", &removed, &e), &e);
    ck_assert(removed);
    ok(sst_remove(store, "LAB", SST_DP, "dp1", &removed, &e), &e);
    ck_assert(!removed);
}
END_TEST

START_TEST(targets_keep_their_options_and_order)
{
    struct sl_error e = {0};
    bool added = false;
    char wins[] = "wins://127.0.0.1:1137", ldap[] = "ldap://dc1", dn[] = "cn=a", file[] = "/secret";
    char cert[] = "/cert", key[] = "/key";
    struct sm_target first = {.uri = wins};
    struct sm_target second = {.uri = ldap, .bind_dn = dn, .password_file = file, .starttls = true,
                               .cert = cert, .key = key, .timeout_ms = 500};
    ok(sst_add_target(store, "LAB", &first, &added, &e), &e);
    ok(sst_add_target(store, "LAB", &second, &added, &e), &e);
    ok(sst_add_target(store, "LAB", &second, &added, &e), &e);
    ck_assert(!added);
    second.starttls = false;
    ck_assert_int_eq(sst_add_target(store, "LAB", &second, &added, &e), SL_CONFLICT);
    second.starttls = true;
    second.key = NULL;
    ck_assert_int_eq(sst_add_target(store, "LAB", &second, &added, &e), SL_CONFLICT);
    struct sm_snapshot *snap = snapshot(store, "LAB");
    ck_assert_uint_eq(snap->target_count, 2);
    ck_assert(sm_target_is_registry(&snap->targets[0]));
    ck_assert_ptr_null(snap->targets[0].bind_dn);
    ck_assert_str_eq(snap->targets[1].bind_dn, "cn=a");
    ck_assert_str_eq(snap->targets[1].cert, "/cert");
    ck_assert_str_eq(snap->targets[1].key, "/key");
    ck_assert_ptr_null(snap->targets[1].tsig_key);
    ck_assert_int_eq(snap->targets[1].timeout_ms, 500);
    ck_assert(snap->targets[1].starttls);
    sm_snapshot_free(snap);
}
END_TEST

START_TEST(S1_08_the_database_itself_forbids_a_second_default)
{
    struct sl_error e = {0};
    bool added;
    ok(add_mp("LAB", "mp1", "10.0.0.1", &added, &e), &e);
    ok(add_mp("LAB", "mp2", "10.0.0.2", &added, &e), &e);
    designate(store, "LAB", "mp1");
    ck_assert_int_eq(db_exec(store->db, "UPDATE mp SET is_default = 1 WHERE host = 'mp2'", &e), SL_CONFLICT);
    ck_assert_int_eq(db_exec(store->db, "UPDATE site SET server = NULL", &e), SL_CONFLICT);   /* S2.02 */
    ck_assert_int_eq(db_exec(store->db, "UPDATE site SET database = NULL", &e), SL_CONFLICT); /* S2.04 */
    ck_assert_int_eq(db_exec(store->db, "UPDATE site SET code = 'lab'", &e), SL_CONFLICT);
}
END_TEST

START_TEST(S1_08_designating_swaps_and_a_wrong_name_changes_nothing)
{
    struct sl_error e = {0};
    bool added, removed;
    char *previous = NULL;
    ok(add_mp("LAB", "mp1", "10.0.0.1", &added, &e), &e);
    ok(add_mp("LAB", "mp2", "10.0.0.2", &added, &e), &e);
    designate(store, "LAB", "mp1");
    ok(sst_designate_mp(store, "LAB", "MP2", &previous, &e), &e);
    ck_assert_str_eq(previous, "mp1");
    free(previous);
    int64_t before = generation(store);
    ck_assert_int_eq(sst_designate_mp(store, "LAB", "mp3", &previous, &e), SL_USAGE);
    struct sm_snapshot *snap = snapshot(store, "LAB");
    ck_assert_str_eq(sm_default_mp(snap)->host, "mp2");
    ck_assert_int_eq(snap->generation, before);
    sm_snapshot_free(snap);
    ck_assert_int_eq(sst_remove(store, "LAB", SST_MP, "mp2", &removed, &e), SL_CONFLICT);
    designate(store, "LAB", NULL);
    snap = snapshot(store, "LAB");
    ck_assert_ptr_null(sm_default_mp(snap)); /* S1.26 */
    sm_snapshot_free(snap);
    ok(sst_remove(store, "LAB", SST_MP, "mp2", &removed, &e), &e);
    ck_assert(removed);
}
END_TEST

/* Swaps the default a hundred times through a connection of its own. */
static void *designator(void *host)
{
    static char failed[] = "failed";
    struct sl_error e = {0};
    struct sst *mine = NULL;
    if (sst_open(path, SST_READ_WRITE, &mine, &e) != SL_OK)
        return failed;
    for (int i = 0; i < 100; i++) {
        char *previous = NULL;
        if (sst_designate_mp(mine, "LAB", host, &previous, &e) != SL_OK) {
            sst_close(mine);
            return failed;
        }
        free(previous);
    }
    sst_close(mine);
    return NULL;
}

START_TEST(S1_20_exactly_one_default_at_any_instant)
{
    struct sl_error e = {0};
    bool added;
    char one[] = "mp1", two[] = "mp2";
    ok(add_mp("LAB", one, "10.0.0.1", &added, &e), &e);
    ok(add_mp("LAB", two, "10.0.0.2", &added, &e), &e);
    designate(store, "LAB", one);
    struct sst *reader = NULL;
    ok(sst_open(path, SST_READ_ONLY, &reader, &e), &e);
    int64_t before = generation(reader);
    pthread_t threads[2];
    ck_assert_int_eq(pthread_create(&threads[0], NULL, designator, one), 0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, designator, two), 0);
    for (int i = 0; i < 300; i++) {
        struct sm_snapshot *snap = snapshot(reader, "LAB");
        ck_assert_int_eq(snap->mps[0].is_default + snap->mps[1].is_default, 1);
        sm_snapshot_free(snap);
    }
    for (size_t i = 0; i < 2; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    ck_assert_int_gt(generation(reader), before);
    sst_close(reader);
}
END_TEST

START_TEST(another_connection_sees_a_change_by_its_generation)
{
    struct sl_error e = {0};
    struct sst *other = NULL;
    bool added;
    ok(sst_open(path, SST_READ_ONLY, &other, &e), &e);
    int64_t before = generation(other);
    ok(add_mp("LAB", "mp1", "10.0.0.1", &added, &e), &e);
    ck_assert_int_gt(generation(other), before);
    struct sm_mp mp;
    ok(sm_mp_make("mp2", "10.0.0.2", 80, &mp, &e), &e);
    ck_assert_int_ne(sst_add_mp(other, "LAB", &mp, &added, &e), SL_OK); /* it only reads */
    sm_mp_fini(&mp);
    sst_close(other);
}
END_TEST

START_TEST(reopened_database_has_everything)
{
    struct sl_error e = {0};
    bool added;
    ok(add_mp("LAB", "mp1", "2001:db8::1", &added, &e), &e);
    designate(store, "LAB", "mp1");
    add_boundary("LAB", SM_BOUNDARY_AD_SITE, "Berlin", true);
    sst_close(store);
    ok(sst_open(path, SST_READ_WRITE, &store, &e), &e);
    struct sm_snapshot *snap = snapshot(store, "LAB");
    ck_assert_str_eq(sm_default_mp(snap)->address, "2001:db8::1");
    ck_assert_uint_eq(snap->boundary_count, 1);
    sm_snapshot_free(snap);
    ok(sst_snapshot(store, "XYZ", &snap, &e), &e);
    ck_assert_ptr_null(snap);
}
END_TEST

START_TEST(S2_02_only_one_process_is_the_site_server)
{
    struct sl_error e = {0};
    struct sst_lock *first = NULL, *second = NULL;
    ok(sst_lock_server(path, &first, &e), &e);
    ck_assert_int_eq(sst_lock_server(path, &second, &e), SL_CONFLICT);
    sst_unlock_server(first);
    ok(sst_lock_server(path, &second, &e), &e);
    sst_unlock_server(second);
}
END_TEST

/* A process that has the lock until it ends, without a word to the database. */
static pid_t hold_for(int milliseconds)
{
    int told[2];
    char one;
    ck_assert_int_eq(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct sl_error e;
        struct sst_lock *lock = NULL;
        if (sst_lock_server(path, &lock, &e) == SL_OK && write(told[1], "1", 1) == 1)
            (void)poll(NULL, 0, milliseconds);
        _exit(0);
    }
    close(told[1]);
    ck_assert_int_eq(read(told[0], &one, 1), 1);
    close(told[0]);
    return pid;
}

START_TEST(S2_02_a_site_server_may_start_while_the_one_before_ends)
{
    struct sl_error e = {0};
    struct sst_lock *lock = NULL;
    pid_t before = hold_for(300);
    ok(sst_lock_server(path, &lock, &e), &e);
    sst_unlock_server(lock);
    ck_assert_int_eq(waitpid(before, NULL, 0), before);
}
END_TEST

START_TEST(a_moved_database_is_noticed)
{
    char moved[300];
    struct sl_error e = {0};
    struct sst *none = NULL;
    snprintf(moved, sizeof moved, "%s-moved", path);
    ck_assert(sst_is_current(store));
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert(!sst_is_current(store));
    ck_assert_int_ne(sst_open(path, SST_READ_ONLY, &none, &e), SL_OK);
    ck_assert_ptr_nonnull(strstr(e.text, path));
}
END_TEST

/* A map of now, and the boundaries in it that hold some places. */
struct view {
    struct sst_map *map;
    struct sst_inside inside;
};

static struct view view_of(const struct sst_place *places, size_t count)
{
    struct sl_error e = {0};
    struct view v;
    ok(sst_map_read(store, &v.map, &e), &e);
    ok(sst_find_inside(v.map, store, places, count, &v.inside, &e), &e);
    return v;
}

static void view_fini(struct view *v)
{
    sst_inside_fini(&v->inside);
    sst_map_release(v->map);
}

static void tell_site(struct sl_text *out, const char *code, const char *assignment, bool is_slow)
{
    bool is_secondary = strcmp(code, assignment) != 0;
    sl_text_printf(out, "%s%s%s%s ", code, is_slow ? "~" : "", is_secondary ? ">" : "", is_secondary ? assignment : "");
}

static void tell_sites(struct sl_text *out, const struct view *v)
{
    struct sst_heres here;
    sst_sites_of(v->map, &v->inside, &here);
    for (size_t i = 0; i < here.count; i++)
        tell_site(out, here.items[i].code, here.items[i].assignment, here.items[i].is_slow);
}

static void tell_assignments(struct sl_text *out, const struct view *v)
{
    struct sst_assignment sites[SST_SITES_MAX];
    size_t count = sst_assign(v->map, &v->inside, sites, SST_SITES_MAX);
    for (size_t i = 0; i < count; i++)
        sl_text_printf(out, "%s=%s ", sites[i].code, sites[i].by);
}

static void tell_locations(struct sl_text *out, const struct view *v, struct sst *on, const char *package, uint32_t version)
{
    struct sl_error e = {0};
    struct sst_locations found;
    ok(sst_locate(v->map, on, &(struct sst_wanted){"LAB", package, version, &v->inside}, &found, &e), &e);
    for (size_t i = 0; i < found.count; i++)
        sl_text_printf(out, "%s=%s ", found.items[i].host, found.items[i].url);
    sl_text_printf(out, "%u", found.version);
    sst_locations_fini(&found);
}

static void expect_text(struct sl_text *text, const char *expected)
{
    ck_assert_str_eq(sl_text_str(text), expected);
    sl_text_fini(text);
}

static void expect_sites(struct sst_place place, const char *expected)
{
    struct sl_text text = sl_text_new(4096);
    struct view v = view_of(&place, 1);
    tell_sites(&text, &v);
    view_fini(&v);
    expect_text(&text, expected);
}

START_TEST(sites_of_a_place)
{
    init_site("XYZ");
    add_boundary("LAB", SM_BOUNDARY_SUBNET, "10.1.0.0/16", true);
    add_boundary("LAB", SM_BOUNDARY_AD_SITE, "Berlin", true);
    add_boundary("XYZ", SM_BOUNDARY_RANGE, "10.1.5.0-200.0.0.1", true);
    add_boundary("XYZ", SM_BOUNDARY_IPV6_PREFIX, "2001:db8::/32", true);
    expect_sites((struct sst_place){.address = "10.1.2.3"}, "LAB ");
    expect_sites((struct sst_place){.address = "10.1.5.3"}, "LAB XYZ ");
    expect_sites((struct sst_place){.address = "172.16.0.1", .subnet = "10.1.0.0"}, "LAB XYZ ");
    expect_sites((struct sst_place){.address = "9.9.9.9", .subnet = "10.1.0.0"}, "LAB ");
    expect_sites((struct sst_place){.ad_site = "BERLIN"}, "LAB ");
    expect_sites((struct sst_place){.address = "2001:db8:1::1"}, "XYZ ");
    expect_sites((struct sst_place){.address = "9.9.9.9", .ad_site = ""}, "");
    expect_sites((struct sst_place){0}, "");
    expect_sites((struct sst_place){.address = "' OR 1=1 --", .ad_site = "' OR '1'='1"}, "");
}
END_TEST

static void expect_locations_at(const char *package, uint32_t version, const struct sst_place *place, const char *expected,
                                uint32_t expected_version)
{
    struct sl_text text = sl_text_new(4096), wanted = sl_text_new(4096);
    struct view v = view_of(place, place != NULL);
    tell_locations(&text, &v, store, package, version);
    sl_text_printf(&wanted, "%s%u", expected, expected_version);
    view_fini(&v);
    expect_text(&text, sl_text_str(&wanted));
    sl_text_fini(&wanted);
}

static void expect_locations(const char *package, uint32_t version, const char *expected, uint32_t expected_version)
{
    expect_locations_at(package, version, NULL, expected, expected_version);
}

START_TEST(S1_15_distribution_points_that_hold_a_package)
{
    struct sl_error e = {0};
    bool added;
    const char *const on[] = {"dp2", "dp1"};
    ok(add_dp("LAB", "dp1", "http://a/", &added, &e), &e);
    ok(add_dp("LAB", "dp2", "http://b/", &added, &e), &e);
    ok(add_dp("LAB", "dp3", NULL, &added, &e), &e);
    ok(add_package(store, "LAB00001", 3, on, 2, &added, &e), &e);
    expect_locations("LAB00001", 3, "dp1=http://a/ dp2=http://b/ ", 3);
    expect_locations("lab00001", 0, "dp1=http://a/ dp2=http://b/ ", 3);
    expect_locations("LAB00001", 2, "", 0);
    expect_locations("LAB00002", 3, "", 0);
    expect_locations("%", 3, "", 0);
    expect_locations("' OR '1'='1", 3, "", 0);
    bool held = false;
    char hash[SM_SHA256_SIZE];
    ok(sst_held_at(store, "http://a/", "LAB00001", 3, &held, hash, &e), &e);
    ck_assert(held);
    ok(sst_held_at(store, "http://a/", "LAB00001", 4, &held, hash, &e), &e);
    ck_assert(!held);
    ok(sst_held_at(store, "http://dp3/SMS_DP_SMSPKG$/", "LAB00001", 3, &held, hash, &e), &e);
    ck_assert(!held);
}
END_TEST

START_TEST(protected_distribution_points_serve_those_inside_alone)
{
    struct sl_error e = {0};
    bool changed, added;
    const char *const on[] = {"dp1", "dp2", "dp3"};
    const struct sst_place inside = {.address = "10.1.2.3"}, outside = {.address = "10.9.9.9"}, berlin = {.ad_site = "berlin"};
    struct sm_boundary list[2];
    ok(sm_boundary_make(SM_BOUNDARY_SUBNET, "10.1.0.0/16", &list[0], &e), &e);
    ok(sm_boundary_make(SM_BOUNDARY_AD_SITE, "Berlin", &list[1], &e), &e);
    ok(add_dp("LAB", "dp1", "http://a/", &added, &e), &e);
    ok(add_dp("LAB", "dp2", "http://b/", &added, &e), &e);
    ok(add_dp("LAB", "dp3", "http://c/", &added, &e), &e);
    ok(add_package(store, "LAB00001", 3, on, 3, &added, &e), &e);
    ck_assert_int_eq(sst_protect_dp(store, "LAB", "dp1", list, 2, &changed, &e), SL_USAGE); /* no boundaries of the site */
    add_boundary("LAB", SM_BOUNDARY_SUBNET, "10.1.0.0/16", true);
    add_boundary("LAB", SM_BOUNDARY_AD_SITE, "Berlin", true);
    ok(sst_protect_dp(store, "LAB", "DP1", list, 2, &changed, &e), &e);
    ck_assert(changed);
    ok(sst_protect_dp(store, "LAB", "dp1", list, 2, &changed, &e), &e);
    ck_assert(!changed);
    expect_locations_at("LAB00001", 3, &inside, "dp1=http://a/ ", 3);
    expect_locations_at("LAB00001", 3, &berlin, "dp1=http://a/ ", 3);
    expect_locations_at("LAB00001", 3, &outside, "dp2=http://b/ dp3=http://c/ ", 3);
    ok(sst_protect_dp(store, "LAB", "dp2", list, 1, &changed, &e), &e);
    expect_locations_at("LAB00001", 3, &inside, "dp1=http://a/ dp2=http://b/ ", 3);
    expect_locations_at("LAB00001", 3, &berlin, "dp1=http://a/ ", 3);
    ck_assert_int_eq(sst_remove(store, "LAB", SST_BOUNDARY, "ad-site Berlin", &changed, &e), SL_CONFLICT);
    struct sm_snapshot *snap = snapshot(store, "LAB");
    ck_assert_uint_eq(snap->dps[0].boundary_count, 2);
    ck_assert_uint_eq(snap->dps[2].boundary_count, 0);
    sm_snapshot_free(snap);
    ok(sst_protect_dp(store, "LAB", "dp1", NULL, 0, &changed, &e), &e);
    ck_assert(changed);
    expect_locations_at("LAB00001", 3, &berlin, "dp1=http://a/ dp3=http://c/ ", 3);
    sm_boundary_fini(&list[0]);
    sm_boundary_fini(&list[1]);
}
END_TEST

START_TEST(S2_01_the_hierarchy_is_a_matter_of_constraints)
{
    struct sl_error e = {0};
    bool changed;
    init_site("CEN");
    init_site("SEC");
    ok(sst_set_site(store, "CEN", SM_SITE_CENTRAL, NULL, &changed, &e), &e);
    ok(sst_set_site(store, "LAB", SM_SITE_PRIMARY, "CEN", &changed, &e), &e);
    ck_assert(changed);
    ok(sst_set_site(store, "LAB", SM_SITE_PRIMARY, "CEN", &changed, &e), &e);
    ck_assert(!changed);
    ck_assert_int_eq(sst_set_site(store, "SEC", SM_SITE_SECONDARY, NULL, &changed, &e), SL_USAGE);
    ck_assert_int_eq(sst_set_site(store, "SEC", SM_SITE_CENTRAL, "LAB", &changed, &e), SL_USAGE);
    ck_assert_int_eq(sst_set_site(store, "SEC", SM_SITE_SECONDARY, "ZZ9", &changed, &e), SL_USAGE);
    ok(sst_set_site(store, "SEC", SM_SITE_SECONDARY, "LAB", &changed, &e), &e);
    ck_assert_int_eq(sst_set_site(store, "CEN", SM_SITE_PRIMARY, "LAB", &changed, &e), SL_CONFLICT); /* a circle */
    ck_assert_int_eq(sst_set_site(store, "LAB", SM_SITE_SECONDARY, "CEN", &changed, &e), SL_CONFLICT);
    ck_assert_int_eq(sst_set_site(store, "CEN", SM_SITE_PRIMARY, "SEC", &changed, &e), SL_USAGE);
    struct sm_snapshot *snap = snapshot(store, "SEC");
    ck_assert_int_eq(snap->site.kind, SM_SITE_SECONDARY);
    ck_assert_str_eq(snap->site.parent, "LAB");
    ck_assert_str_eq(snap->site.assignment, "LAB");
    ck_assert_str_eq(snap->site.root, "CEN");
    sm_snapshot_free(snap);
    static const char *const forbidden[] = {
        "UPDATE hierarchy SET parent_id = NULL, parent_kind = NULL WHERE kind = 'secondary'",
        "UPDATE hierarchy SET parent_id = site_id",
        "UPDATE hierarchy SET parent_kind = 'secondary' WHERE kind = 'secondary'",
        "UPDATE hierarchy SET kind = 'secondary' WHERE kind = 'central'",
        "INSERT INTO site_role (site_id, host, role) SELECT id, 'one', 'slp' FROM site",
    };
    for (size_t i = 0; i < SL_COUNT(forbidden); i++) {
        ok(db_begin(store->db, &e), &e);
        ck_assert_msg(db_exec(store->db, forbidden[i], &e) != SL_OK, "%s", forbidden[i]);
        db_rollback(store->db);
    }
    ok(sst_set_site(store, "CEN", SM_SITE_PRIMARY, NULL, &changed, &e), &e); /* its children follow */
    struct sl_strings findings = {0};
    ok(sst_check(store, &findings, &e), &e);
    ck_assert_uint_eq(findings.count, 0);
    sl_strings_fini(&findings);
}
END_TEST

START_TEST(slow_boundaries_and_those_of_secondary_sites)
{
    struct sl_error e = {0};
    bool changed;
    struct sm_boundary b;
    init_site("SEC");
    ok(sst_set_site(store, "SEC", SM_SITE_SECONDARY, "LAB", &changed, &e), &e);
    add_boundary("LAB", SM_BOUNDARY_SUBNET, "10.1.0.0/16", true);
    ok(sm_boundary_make(SM_BOUNDARY_SUBNET, "10.2.0.0/16", &b, &e), &e);
    b.is_slow = true;
    ok(sst_add_boundary(store, "LAB", &b, &changed, &e), &e);
    ok(sst_add_boundary(store, "SEC", &b, &changed, &e), &e);
    b.is_slow = false;
    ck_assert_int_eq(sst_add_boundary(store, "LAB", &b, &changed, &e), SL_CONFLICT);
    sm_boundary_fini(&b);
    add_boundary("SEC", SM_BOUNDARY_RANGE, "10.2.5.0-10.2.5.255", true);
    expect_sites((struct sst_place){.address = "10.1.2.3"}, "LAB ");
    expect_sites((struct sst_place){.address = "10.2.2.3"}, "LAB~ SEC~>LAB ");
    expect_sites((struct sst_place){.address = "10.2.5.3"}, "LAB~ SEC>LAB ");
    char code[SM_CODE_LEN + 1];
    const struct sst_place both[] = {{.address = "10.2.5.3"}, {.address = "10.1.2.3"}};
    struct sl_text text = sl_text_new(64);
    struct view v = view_of(both, 2);
    ok(sst_assigned_site(store, "SEC", code, &e), &e);
    ck_assert_str_eq(code, "LAB");
    ok(sst_assigned_site(store, "ZZ9", code, &e), &e);
    ck_assert_str_eq(code, "");
    tell_assignments(&text, &v);
    view_fini(&v);
    expect_text(&text, "LAB=subnet ");
}
END_TEST

/* ---- the map against the statements that it stands for ------------------------------------------------------------------ */

enum { MAP_ROUNDS = 4, MAP_BOUNDARIES = 120, MAP_DPS = 12, MAP_PACKAGES = 20, MAP_QUESTIONS = 120, NAMES = 8 };

/* What a boundary has to hold: ?1 an AD site, ?2 the key of an address, ?3 that of a subnet. */
#define HOLDS                                                                                                          \
    "((b.low IS NULL AND b.value = ?1) OR (b.low IS NOT NULL AND ?2 BETWEEN b.low AND b.high) OR "                     \
    "(b.low IS NOT NULL AND b.kind = 'subnet' AND b.low = ?3)) "
#define ASSIGNED "LEFT JOIN site p ON p.id = h.parent_id AND h.kind = 'secondary' "

/* A place, and the keys of it that are bound. */
struct asked {
    char address[64], subnet[64], ad_site[16];
    uint8_t keys[2][SM_ADDRESS_KEY_LEN];
};

static void bind_asked(struct db_stmt *s, struct asked *a)
{
    const char *const texts[] = {a->address, a->subnet};
    db_bind_text(s, 1, a->ad_site[0] != '\0' ? a->ad_site : NULL);
    for (int i = 0; i < 2; i++) {
        if (sm_address_key(texts[i], a->keys[i]))
            db_bind_blob(s, 2 + i, a->keys[i], SM_ADDRESS_KEY_LEN);
        else
            db_bind_null(s, 2 + i);
    }
}

static void ask_sites(struct asked *a, struct sl_text *out)
{
    struct sl_error e = {0};
    struct db_stmt *s =
        db_prepare(store->db, "SELECT s.code, coalesce(p.code, s.code), min(b.is_slow) FROM boundary b "
                              "JOIN site s ON s.id = b.site_id JOIN hierarchy h ON h.site_id = s.id " ASSIGNED "WHERE " HOLDS
                              "GROUP BY s.code, p.code ORDER BY s.code");
    bind_asked(s, a);
    while (db_step(s))
        tell_site(out, db_text(s, 0), db_text(s, 1), db_int(s, 2) != 0);
    ok(db_done(s, &e), &e);
}

static void ask_assignments(struct asked *a, struct sl_text *out)
{
    static const char *const by[] = {"ad-site", "subnet", "range"};
    struct sl_error e = {0};
    struct db_stmt *s =
        db_prepare(store->db, "SELECT coalesce(p.code, s.code) AS assigned, "
                              "min(CASE b.kind WHEN 'ad-site' THEN 0 WHEN 'range' THEN 2 ELSE 1 END) FROM boundary b "
                              "JOIN site s ON s.id = b.site_id JOIN hierarchy h ON h.site_id = s.id " ASSIGNED "WHERE " HOLDS
                              "GROUP BY assigned ORDER BY 2, 1");
    bind_asked(s, a);
    while (db_step(s))
        sl_text_printf(out, "%s=%s ", db_text(s, 0), by[db_int(s, 1)]);
    ok(db_done(s, &e), &e);
}

static void ask_locations(struct asked *a, const char *package, struct sl_text *out)
{
    struct sl_error e = {0};
    struct sl_text inside = sl_text_new(4096), open = sl_text_new(4096);
    int64_t version = 0;
    struct db_stmt *s =
        db_prepare(store->db, "SELECT d.host, d.url, p.version, (SELECT count(*) FROM dp_boundary x WHERE x.dp_id = d.id), "
                              "(SELECT count(*) FROM dp_boundary x JOIN boundary b ON b.id = x.boundary_id "
                              "WHERE x.dp_id = d.id AND " HOLDS ") FROM site s JOIN package p ON p.site_id = s.id "
                              "JOIN package_dp y ON y.package_id = p.id "
                              "JOIN dp d ON d.id = y.dp_id WHERE s.code = 'LAB' AND p.package = ?4 ORDER BY d.host");
    bind_asked(s, a);
    db_bind_text(s, 4, package);
    while (db_step(s)) {
        version = db_int(s, 2);
        if (db_int(s, 4) != 0)
            sl_text_printf(&inside, "%s=%s ", db_text(s, 0), db_text(s, 1));
        else if (db_int(s, 3) == 0)
            sl_text_printf(&open, "%s=%s ", db_text(s, 0), db_text(s, 1));
    }
    ok(db_done(s, &e), &e);
    sl_text_printf(out, "%s%lld", sl_text_str(inside.len > 0 ? &inside : &open), (long long)version);
    sl_text_fini(&inside);
    sl_text_fini(&open);
}

/* Networks within one another and addresses at their ends. */
static void some_address(struct sl_random *r, char *out, size_t size)
{
    static const unsigned ends[] = {0, 1, 127, 128, 254, 255};
    unsigned a = (unsigned)sl_random_below(r, 4), b = ends[sl_random_below(r, SL_COUNT(ends))];
    if (sl_random_below(r, 4) == 0)
        snprintf(out, size, "2001:db8:%x::%x", a, b);
    else
        snprintf(out, size, "10.%u.%u.%u", a, (unsigned)sl_random_below(r, 3), b);
}

static void some_boundary(struct sl_random *r, char *out, size_t size, enum sm_boundary_kind *kind)
{
    unsigned a = (unsigned)sl_random_below(r, 4), b = (unsigned)sl_random_below(r, 3);
    *kind = (enum sm_boundary_kind)sl_random_below(r, SM_BOUNDARY_COUNT);
    if (*kind == SM_BOUNDARY_SUBNET && sl_random_below(r, 3) == 0)
        snprintf(out, size, "10.%u.0.0/16", a);
    else if (*kind == SM_BOUNDARY_SUBNET)
        snprintf(out, size, "10.%u.%u.%u/25", a, b, 128 * (unsigned)sl_random_below(r, 2));
    else if (*kind == SM_BOUNDARY_RANGE)
        snprintf(out, size, "10.%u.%u.%u-10.%u.%u.255", a, b, (unsigned)sl_random_below(r, 256),
                 a + (unsigned)sl_random_below(r, 3), b);
    else if (*kind == SM_BOUNDARY_AD_SITE)
        snprintf(out, size, "Site%u", (unsigned)sl_random_below(r, NAMES));
    else
        snprintf(out, size, "2001:db8:%x::/%u", a, 48 + 16 * (unsigned)sl_random_below(r, 2));
}

/* The row of a boundary, unless the site has it; within a transaction, so that there may be many. */
static void insert_boundary(struct sl_random *r)
{
    static const char *const sites[] = {"LAB", "SEC", "XYZ"};
    uint8_t low[SM_ADDRESS_KEY_LEN], high[SM_ADDRESS_KEY_LEN];
    char text[64];
    struct sm_boundary b;
    struct sl_error e = {0};
    enum sm_boundary_kind kind;
    some_boundary(r, text, sizeof text, &kind);
    ok(sm_boundary_make(kind, text, &b, &e), &e);
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO boundary (site_id, kind, value, low, high, is_slow) "
                                              "SELECT id, ?2, ?3, ?4, ?5, ?6 FROM site WHERE code = ?1 ON CONFLICT DO NOTHING");
    db_bind_text(s, 1, sites[sl_random_below(r, SL_COUNT(sites))]);
    db_bind_text(s, 2, sm_boundary_word(kind));
    db_bind_text(s, 3, b.value);
    if (sm_boundary_keys(&b, low, high)) {
        db_bind_blob(s, 4, low, sizeof low);
        db_bind_blob(s, 5, high, sizeof high);
    }
    db_bind_int(s, 6, (int64_t)sl_random_below(r, 2));
    ok(db_run(s, &e), &e);
    sm_boundary_fini(&b);
}

/* Boundaries of three sites, distribution points of one, about half of them protected, and packages on some of these. */
static void fill_by_chance(struct sl_random *r)
{
    struct sl_error e = {0};
    ok(db_begin(store->db, &e), &e);
    ok(db_exec(store->db, "DELETE FROM package_dp; DELETE FROM dp_boundary; DELETE FROM package; DELETE FROM dp; "
                          "DELETE FROM boundary", &e), &e);
    for (int i = 0; i < MAP_BOUNDARIES; i++)
        insert_boundary(r);
    for (int i = 0; i < MAP_DPS; i++) {
        struct db_stmt *s = db_prepare(store->db, "INSERT INTO dp (site_id, host, url) "
                                                  "SELECT id, ?1, 'http://' || ?1 || '/' FROM site WHERE code = 'LAB'");
        char host[16];
        snprintf(host, sizeof host, "%s%d", i % 2 == 0 ? "DP" : "dp", (i * 5) % MAP_DPS);
        db_bind_text(s, 1, host);
        ok(db_run(s, &e), &e);
    }
    ok(db_exec(store->db, "INSERT INTO dp_boundary (dp_id, boundary_id, site_id) SELECT d.id, b.id, d.site_id FROM dp d "
                          "JOIN boundary b ON b.site_id = d.site_id WHERE d.id % 2 = 0 AND (d.id + b.id) % 5 = 0", &e), &e);
    for (int i = 0; i < MAP_PACKAGES; i++) {
        struct db_stmt *s = db_prepare(store->db, "INSERT INTO package (site_id, package, version) "
                                                  "SELECT id, ?1, 3 FROM site WHERE code = 'LAB'");
        char id[16];
        snprintf(id, sizeof id, "LAB%05d", i);
        db_bind_text(s, 1, id);
        ok(db_run(s, &e), &e);
    }
    ok(db_exec(store->db, "INSERT INTO package_dp (package_id, dp_id, site_id) SELECT p.id, d.id, d.site_id FROM package p "
                          "JOIN dp d ON d.site_id = p.site_id "
                          "WHERE (p.id + d.id) % 4 = 0 OR (p.id % 3 = 0 AND d.id % 2 = 0)", &e), &e);
    ok(db_exec(store->db, "UPDATE change SET generation = generation + 1", &e), &e);
    ok(db_commit(store->db, &e), &e);
}

static void compare_answers(const struct view *v, struct asked *a, const char *package)
{
    struct sl_text mine = sl_text_new(1 << 16), sql = sl_text_new(1 << 16);
    tell_sites(&mine, v);
    tell_assignments(&mine, v);
    tell_locations(&mine, v, store, package, 0);
    ask_sites(a, &sql);
    ask_assignments(a, &sql);
    ask_locations(a, package, &sql);
    ck_assert_msg(strcmp(sl_text_str(&mine), sl_text_str(&sql)) == 0, "%s %s \"%s\" %s: %s, not %s", a->address, a->subnet,
                  a->ad_site, package, sl_text_str(&mine), sl_text_str(&sql));
    sl_text_fini(&mine);
    sl_text_fini(&sql);
}

START_TEST(Q13_the_map_answers_what_the_tables_say)
{
    const char *given = getenv("SL_SEED");
    uint64_t seed = sl_random_os_seed();
    struct sl_error e = {0};
    bool changed;
    if (given != NULL)
        ck_assert(sl_parse_u64(given, UINT64_MAX, &seed));
    printf("SL_SEED=%llu\n", (unsigned long long)seed);
    struct sl_random r = sl_random_seeded(seed);
    init_site("XYZ");
    init_site("SEC");
    ok(sst_set_site(store, "SEC", SM_SITE_SECONDARY, "XYZ", &changed, &e), &e);
    for (int round = 0; round < MAP_ROUNDS; round++) {
        fill_by_chance(&r);
        struct view v = {0};
        ok(sst_map_read(store, &v.map, &e), &e);
        for (int i = 0; i < MAP_QUESTIONS; i++) {
            struct asked a = {.subnet = ""};
            char package[16];
            some_address(&r, a.address, sizeof a.address);
            if (sl_random_below(&r, 2) == 0)
                some_address(&r, a.subnet, sizeof a.subnet);
            if (sl_random_below(&r, 2) == 0)
                snprintf(a.ad_site, sizeof a.ad_site, "%s%u", i % 2 == 0 ? "SITE" : "site",
                         (unsigned)sl_random_below(&r, NAMES + 1));
            snprintf(package, sizeof package, "lab%05d", (int)sl_random_below(&r, MAP_PACKAGES + 1));
            const struct sst_place place = {a.address, a.subnet, a.ad_site};
            ok(sst_find_inside(v.map, store, &place, 1, &v.inside, &e), &e);
            compare_answers(&v, &a, package);
            sst_inside_fini(&v.inside);
        }
        sst_map_release(v.map);
    }
}
END_TEST

/* The map that a pool has for a connection of its own. */
static struct sst_map *pool_map(struct sst_pool *pool)
{
    struct sl_error e = {0};
    struct sst *reader = NULL;
    struct sst_map *map = NULL;
    ok(sst_borrow(pool, &reader, &e), &e);
    ok(sst_borrow_map(pool, reader, &map, &e), &e);
    sst_give_back(pool, reader, SL_OK);
    return map;
}

START_TEST(a_pool_has_one_map_for_each_generation)
{
    struct sst_pool *pool = sst_pool_new(path);
    add_boundary("LAB", SM_BOUNDARY_SUBNET, "10.1.0.0/16", true);
    struct sst_map *first = pool_map(pool), *second = pool_map(pool);
    ck_assert_ptr_eq(first, second);
    add_boundary("LAB", SM_BOUNDARY_SUBNET, "10.2.0.0/16", true); /* through another connection */
    struct sst_map *third = pool_map(pool);
    ck_assert_ptr_ne(second, third);
    ck_assert_int_eq(sst_map_generation(third), generation(store));
    sst_map_release(first);
    sst_map_release(second);
    sst_map_release(third);
    sst_pool_free(pool);
}
END_TEST

#define HASH "0123456789012345678901234567890123456789012345678901234567890123"

START_TEST(S2_15_what_a_distribution_point_writes_down_is_seen_by_the_next_question)
{
    struct sl_error e = {0};
    bool added, known;
    const char *const on[] = {"dp1"};
    struct sst_pool *pool = sst_pool_new(path);
    struct sst *reader = NULL;
    ok(add_dp("LAB", "dp1", "http://a/", &added, &e), &e);
    ok(add_package(store, "LAB00001", 3, on, 1, &added, &e), &e);
    ok(db_exec(store->db, "UPDATE package SET sha256 = '" HASH "'", &e), &e);
    static const struct {
        enum sst_fetch_state note;
        const char *found;
    } steps[] = {{SST_FETCHING, "0"}, {SST_AVAILABLE, "dp1=http://a/ 3"}, {SST_FAILED, "0"}};
    struct sst_tasks tasks;
    ok(sst_fetch_begin(store, "dp1", &known, &e), &e);
    ck_assert(known);
    ok(sst_fetch_tasks(store, "dp1", &tasks, &e), &e);
    ok(sst_borrow(pool, &reader, &e), &e);
    for (size_t i = 0; i < SL_COUNT(steps); i++) {
        struct sl_text text = sl_text_new(64);
        struct view v = {0};
        const struct sst_note note = {.state = steps[i].note, .message = "", .now_s = 1};
        ok(sst_fetch_note(store, "dp1", &tasks.items[0], &note, &e), &e);
        ok(sst_borrow_map(pool, reader, &v.map, &e), &e);
        tell_locations(&text, &v, reader, "LAB00001", 3);
        expect_text(&text, steps[i].found);
        view_fini(&v);
    }
    sst_give_back(pool, reader, SL_OK);
    sst_tasks_fini(&tasks);
    sst_pool_free(pool);
}
END_TEST

START_TEST(another_database_of_the_same_generation_is_another_map)
{
    char moved[300];
    struct sl_error e = {0};
    struct sst_pool *pool = sst_pool_new(path);
    struct sst_map *first = pool_map(pool);
    snprintf(moved, sizeof moved, "%s-moved", path);
    ck_assert_int_eq(rename(path, moved), 0);
    sst_close(store);
    ok(sst_open(path, SST_CREATE, &store, &e), &e);
    init_site("LAB");
    struct sst_map *second = pool_map(pool);
    ck_assert_ptr_ne(first, second);
    ck_assert_int_eq(sst_map_generation(first), sst_map_generation(second));
    sst_map_release(first);
    sst_map_release(second);
    sst_pool_free(pool);
}
END_TEST

static enum sl_status set_mp(const char *host, enum sm_mp_kind kind, const char *const *members, size_t count, bool *ret_changed,
                             struct sl_error *e)
{
    const struct sst_mp_setting setting = {.kind = kind, .data = SM_DATA_COUNT, .members = members, .member_count = count};
    return sst_set_mp(store, "LAB", host, &setting, ret_changed, e);
}

START_TEST(S1_22_members_of_a_cluster)
{
    struct sl_error e = {0};
    bool changed;
    const char *const both[] = {"mp1", "mp2"}, *const wrong[] = {"nlb"};
    ok(add_mp("LAB", "mp1", "10.0.0.1", &changed, &e), &e);
    ok(add_mp("LAB", "mp2", "10.0.0.2", &changed, &e), &e);
    ok(add_mp("LAB", "mp3", "10.0.0.3", &changed, &e), &e);
    ok(add_mp("LAB", "nlb", "10.0.0.9", &changed, &e), &e);
    ck_assert_int_eq(set_mp("mp3", SM_MP_KIND_COUNT, both, 2, &changed, &e), SL_USAGE);
    ck_assert_int_eq(set_mp("nlb", SM_MP_NLB, wrong, 1, &changed, &e), SL_USAGE);
    ok(set_mp("NLB", SM_MP_NLB, both, 2, &changed, &e), &e);
    ck_assert(changed);
    ok(set_mp("nlb", SM_MP_NLB, both, 2, &changed, &e), &e);
    ck_assert(!changed);
    ck_assert_int_eq(set_mp("mp1", SM_MP_NLB, NULL, 0, &changed, &e), SL_CONFLICT); /* a member */
    ck_assert_int_eq(sst_remove(store, "LAB", SST_MP, "mp1", &changed, &e), SL_CONFLICT);
    designate(store, "LAB", "nlb");
    const struct sst_mp_setting reads = {.kind = SM_MP_KIND_COUNT, .data = SM_DATA_REPLICA};
    ok(sst_set_mp(store, "LAB", "mp3", &reads, &changed, &e), &e);
    struct sm_snapshot *snap = snapshot(store, "LAB");
    const struct sm_mp *found = NULL;
    ck_assert_int_eq(sm_choose_cluster(snap, NULL, &found, &e), SL_OK);
    ck_assert_str_eq(found->host, "nlb");
    ck_assert_uint_eq(found->member_count, 2);
    ck_assert(sm_mp_is_used(snap, sm_find_mp(snap, "mp1")));
    ck_assert(!sm_mp_is_used(snap, sm_find_mp(snap, "mp3"))); /* S1.23 */
    ck_assert_int_eq(sm_find_mp(snap, "mp3")->data, SM_DATA_REPLICA); /* S1.05 */
    ok(sm_designate(snap, "mp3", &e), &e);
    ck_assert_str_eq(sm_default_mp(snap)->host, "mp3");
    ok(sm_designate(snap, NULL, &e), &e);
    ck_assert_ptr_null(sm_default_mp(snap));
    ck_assert_int_eq(sm_designate(snap, "mp9", &e), SL_USAGE);
    sm_snapshot_free(snap);
    ok(set_mp("nlb", SM_MP_KIND_COUNT, both, 0, &changed, &e), &e);
    snap = snapshot(store, "LAB");
    ck_assert_int_eq(sm_choose_cluster(snap, "nlb", &found, &e), SL_CONFLICT);
    ck_assert_int_eq(sm_choose_cluster(snap, "mp1", &found, &e), SL_USAGE);
    sm_snapshot_free(snap);
    ok(set_mp("nlb", SM_MP_KIND_COUNT, both, 2, &changed, &e), &e);
    ok(sst_claim_key(store, "LAB", "nlb", "mp1", "AA", &changed, &e), &e);
    ok(set_mp("nlb", SM_MP_SINGLE, NULL, 0, &changed, &e), &e); /* S1.06: and those who had a key in its name have none */
    snap = snapshot(store, "LAB");
    found = sm_find_mp(snap, "nlb");
    ck_assert(!found->is_nlb && found->member_count == 0 && found->key_count == 0);
    sm_snapshot_free(snap);
    ok(sst_remove(store, "LAB", SST_MP, "mp1", &changed, &e), &e);
}
END_TEST

/* How many advertisements are assigned to a client. */
static size_t count_assigned(const char *id, const char *name)
{
    char client[16], host[16];
    struct sl_error e = {0};
    struct sst_policies policies = {0};
    size_t count = 0;
    ck_assert(sl_text_copy(client, sizeof client, id) && sl_text_copy(host, sizeof host, name));
    ok(sst_policies(store, "LAB", &(struct sst_client){.smsid = client, .name = host}, false, &policies, &e), &e);
    for (size_t i = 0; i < policies.count; i++)
        count += strcmp(policies.items[i].category, SM_POLICY_ADVERTISEMENT) == 0;
    sst_policies_fini(&policies);
    return count;
}

START_TEST(S1_14_advertisements_keep_their_clients)
{
    struct sl_error e = {0};
    bool added;
    const char *const dp[] = {"dp1"}, *const clients[] = {"pc2", "PC1", "pc2"};
    struct sm_advertisement some, all;
    ok(add_dp("LAB", "dp1", NULL, &added, &e), &e);
    ok(add_package(store, "LAB00001", 1, dp, 1, &added, &e), &e);
    ok(sm_advertisement_make("LAB20001", "lab00001", "setup", clients, 3, &some, &e), &e);
    ok(sm_advertisement_make("LAB20001", "LAB00001", "setup", NULL, 0, &all, &e), &e);
    ok(sst_add_advertisement(store, "LAB", &some, &added, &e), &e);
    ck_assert(added);
    ok(sst_add_advertisement(store, "LAB", &some, &added, &e), &e);
    ck_assert(!added);
    ck_assert_int_eq(sst_add_advertisement(store, "LAB", &all, &added, &e), SL_CONFLICT);
    free(all.id);
    all.id = strdup("LAB20002");
    ok(sst_add_advertisement(store, "LAB", &all, &added, &e), &e);
    ck_assert_int_eq(sst_remove(store, "LAB", SST_PACKAGE, "LAB00001", &added, &e), SL_CONFLICT);
    struct sm_snapshot *snap = snapshot(store, "LAB");
    ck_assert_uint_eq(snap->advertisement_count, 2);
    ck_assert_uint_eq(snap->advertisements[0].client_count, 2);
    ck_assert_str_eq(snap->advertisements[0].clients[0], "PC1");
    ck_assert_uint_eq(count_assigned("GUID:1", "pc2"), 0); /* no default management point, S1.26 */
    ok(add_mp("LAB", "mp1", "10.0.0.1", &added, &e), &e);
    designate(store, "LAB", "mp1");
    ck_assert_uint_eq(count_assigned("GUID:1", "pc2"), 2);
    ck_assert_uint_eq(count_assigned("PC1", "pc7"), 2);
    ck_assert_uint_eq(count_assigned("GUID:1", "pc7"), 1);
    ck_assert_uint_eq(snap->advertisements[1].client_count, 0);
    sm_snapshot_free(snap);
    free(all.package);
    all.package = strdup("LAB00009");
    free(all.id);
    all.id = strdup("LAB20003");
    ck_assert_int_eq(sst_add_advertisement(store, "LAB", &all, &added, &e), SL_USAGE);
    ok(sst_remove(store, "LAB", SST_ADVERTISEMENT, "lab20001", &added, &e), &e);
    ck_assert(added);
    sm_advertisement_fini(&some);
    sm_advertisement_fini(&all);
}
END_TEST

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_M "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

START_TEST(files_of_a_package_are_found_by_path)
{
    struct sl_error e = {0};
    bool added, held, used;
    char hash[SM_SHA256_SIZE];
    const char *const on[] = {"dp1"};
    struct sm_file files[] = {{(char *)(uintptr_t) "a.txt", 1, HASH_A}, {(char *)(uintptr_t) "sub/b.txt", 1ull << 40, HASH_B}};
    struct sm_manifest manifest = {.sha256 = HASH_M, .count = 2, .files = files}, back;
    struct sm_manifest other = {.sha256 = HASH_A, .count = 1, .files = files};
    struct sst_new_package package = {"LAB00001", 3, on, 1, NULL};
    ok(add_dp("LAB", "dp1", "http://a/", &added, &e), &e);
    ok(sst_add_package(store, "LAB", &package, &added, &e), &e);
    ok(sst_held_at(store, "http://A/", "LAB00001", 3, &held, hash, &e), &e);
    ck_assert(held && hash[0] == '\0');
    package.manifest = &manifest;
    ok(sst_add_package(store, "LAB", &package, &added, &e), &e);
    ck_assert(added);
    ok(sst_add_package(store, "LAB", &package, &added, &e), &e);
    ck_assert(!added);
    package.manifest = &other;
    ck_assert_int_eq(sst_add_package(store, "LAB", &package, &added, &e), SL_CONFLICT);
    ok(sst_held_at(store, "http://a/", "LAB00001", 3, &held, hash, &e), &e);
    ck_assert_str_eq(hash, HASH_M);
    ok(sst_file_at(store, "http://a/", "LAB00001", 3, "sub/b.txt", hash, &e), &e);
    ck_assert_str_eq(hash, HASH_B);
    ok(sst_file_at(store, "http://a/", "LAB00001", 3, "../b.txt", hash, &e), &e);
    ck_assert_str_eq(hash, "");
    ok(sst_manifest(store, "LAB", "LAB00001", &back, &e), &e);
    ck_assert_uint_eq(back.count, 2);
    ck_assert_str_eq(back.sha256, HASH_M);
    ck_assert_str_eq(back.files[1].path, "sub/b.txt");
    ck_assert_uint_eq(back.files[1].size, 1ull << 40);
    sm_manifest_fini(&back);
    ok(sst_is_used(store, HASH_A, &used, &e), &e);
    ck_assert(used);
    ok(sst_remove(store, "LAB", SST_PACKAGE, "LAB00001", &added, &e), &e);
    ok(sst_is_used(store, HASH_A, &used, &e), &e);
    ck_assert(!used);
}
END_TEST

static bool is_known(const char *site, const char *smsid)
{
    struct sst_client *client;
    struct sl_error e = {0};
    ok(sst_client(store, site, smsid, &client, &e), &e);
    bool known = client != NULL;
    sst_client_free(client);
    return known;
}

static enum sl_status register_client(const char *site, const struct sst_registration *r, struct sl_error *e)
{
    int64_t id;
    enum sl_status status = sst_take_begin(store, site, &id, e);
    return status != SL_OK ? status : sst_take_end(store, sst_register(store, id, r, e), e);
}

START_TEST(S1_17_a_client_is_known_once_it_is_registered_and_keeps_its_key)
{
    struct sst_registration r = {.smsid = "GUID:11111111-2222-3333-4444-555555555555", .name = "PC1", .at_s = 1000};
    struct sst_client *client = NULL;
    struct sl_error e = {0};
    bool removed = false;
    int64_t before = generation(store);
    init_site("XYZ");
    ck_assert(!is_known("LAB", r.smsid));
    ok(register_client("LAB", &r, &e), &e);
    ck_assert(is_known("LAB", "guid:11111111-2222-3333-4444-555555555555"));
    ck_assert(!is_known("XYZ", r.smsid) && !is_known("NIX", r.smsid));
    r.key = "0602AA", r.name = "PC2", r.at_s = 2000; /* a first key is taken */
    ok(register_client("LAB", &r, &e), &e);
    r.key = "0602BB";
    ck_assert_int_eq(register_client("LAB", &r, &e), SL_CONFLICT);
    r.key = NULL;
    ck_assert_int_eq(register_client("LAB", &r, &e), SL_CONFLICT);
    ok(sst_client(store, "LAB", r.smsid, &client, &e), &e);
    ck_assert_str_eq(client->name, "PC2");
    ck_assert_str_eq(client->key, "0602AA");
    ck_assert(client->registered_s == 1000 && client->seen_s == 2000 && client->discovered_s == 0);
    sst_client_free(client);
    ck_assert_int_eq(register_client("NIX", &r, &e), SL_USAGE);
    ok(sst_client_remove(store, "LAB", r.smsid, &removed, &e), &e);
    ck_assert(removed && !is_known("LAB", r.smsid));
    ok(sst_client(store, "LAB", r.smsid, &client, &e), &e);
    ck_assert_ptr_null(client);
    ck_assert_int_eq(generation(store), before + 1); /* of the second site: clients are no reason to publish */
}
END_TEST

START_TEST(S1_17_reports_are_stored_once_and_dropped_by_age)
{
    struct sm_report r = {.kind = SM_REPORT_STATUS, .received_s = 1000, .body = "<a/>", .body_len = 4};
    const struct sst_registration who = {.smsid = "GUID:11111111-2222-3333-4444-555555555555", .name = "PC1", .at_s = 1};
    const struct sm_content content = {.count = 0};
    struct sst_report_counts counts;
    struct sl_error e = {0};
    enum sst_taken taken[4];
    int64_t id;
    ck_assert(sm_smsid_parse(who.smsid, r.client) && sm_message_parse("{11111111-2222-3333-4444-555555555555}", r.message));
    ok(sst_take_begin(store, "LAB", &id, &e), &e);
    ok(sst_take(store, id, &r, &content, 2000, &taken[0], &e), &e);
    ok(sst_take_end(store, SL_OK, &e), &e);
    ok(register_client("LAB", &who, &e), &e);
    ok(sst_take_begin(store, "LAB", &id, &e), &e);
    ok(sst_take(store, id, &r, &content, 2000, &taken[1], &e), &e);
    ok(sst_take(store, id, &r, &content, 2000, &taken[2], &e), &e);
    r.message[1] = '2', r.received_s = 3000;
    ok(sst_take(store, id, &r, &content, 3000, &taken[3], &e), &e);
    ok(sst_take_end(store, SL_OK, &e), &e);
    ck_assert(taken[0] == SST_REFUSED && taken[1] == SST_STORED && taken[2] == SST_DUPLICATE && taken[3] == SST_STORED);
    for (int64_t left = 2, before = 1000; left > 0; left--, before = 3000) {
        ok(sst_drop_reports(store, before, 10, &e), &e);
        ok(sst_count_reports(store, "LAB", who.smsid, &counts, &e), &e);
        ck_assert_int_eq(counts.reports[SM_REPORT_STATUS], left);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("site-store");
    TCase *tc = tcase_create("store");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, second_init_of_a_code_is_a_conflict);
    tcase_add_test(tc, several_sites_must_be_named);
    tcase_add_test(tc, adding_the_same_is_fine_and_something_else_a_conflict);
    tcase_add_test(tc, a_site_is_published_unless_somebody_said_otherwise);
    tcase_add_test(tc, packages_lie_on_known_distribution_points);
    tcase_add_test(tc, targets_keep_their_options_and_order);
    tcase_add_test(tc, S1_08_the_database_itself_forbids_a_second_default);
    tcase_add_test(tc, S1_08_designating_swaps_and_a_wrong_name_changes_nothing);
    tcase_add_test(tc, S1_20_exactly_one_default_at_any_instant);
    tcase_add_test(tc, another_connection_sees_a_change_by_its_generation);
    tcase_add_test(tc, reopened_database_has_everything);
    tcase_add_test(tc, S2_02_only_one_process_is_the_site_server);
    if (unit_site_uri() != NULL)
        tcase_add_test(tc, S2_02_a_site_server_may_start_while_the_one_before_ends);
    if (unit_site_uri() == NULL)
        tcase_add_test(tc, a_moved_database_is_noticed);
    if (unit_site_uri() == NULL)
        tcase_add_test(tc, another_database_of_the_same_generation_is_another_map);
    tcase_add_test(tc, Q13_the_map_answers_what_the_tables_say);
    tcase_add_test(tc, a_pool_has_one_map_for_each_generation);
    tcase_add_test(tc, S2_15_what_a_distribution_point_writes_down_is_seen_by_the_next_question);
    tcase_add_test(tc, S1_17_a_client_is_known_once_it_is_registered_and_keeps_its_key);
    tcase_add_test(tc, S1_17_reports_are_stored_once_and_dropped_by_age);
    tcase_add_test(tc, sites_of_a_place);
    tcase_add_test(tc, S1_15_distribution_points_that_hold_a_package);
    tcase_add_test(tc, protected_distribution_points_serve_those_inside_alone);
    tcase_add_test(tc, S2_01_the_hierarchy_is_a_matter_of_constraints);
    tcase_add_test(tc, slow_boundaries_and_those_of_secondary_sites);
    tcase_add_test(tc, S1_22_members_of_a_cluster);
    tcase_add_test(tc, S1_14_advertisements_keep_their_clients);
    tcase_add_test(tc, files_of_a_package_are_found_by_path);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
