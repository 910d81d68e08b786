/* Packages that flow down a hierarchy of databases: pages, changes, documents that lie. One database plays both sides. */
#include "site/content/content.h"
#include "site/server/page.h"
#include "site/store/fetch.h"
#include "site/store/flow.h"
#include "site/store/neighbour.h"
#include "site/store/private.h"
#include "tests/unit/site-database.h"
#include "tests/unit/unit.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 20000 };

static char folder[64], path[256];
static struct sst *store;

static void add_dp(const char *host)
{
    struct sm_dp dp;
    struct sl_error e = {0};
    bool added;
    ok(sm_dp_make(host, NULL, &dp, &e), &e);
    ok(sst_add_dp(store, "LAB", &dp, &added, &e), &e);
    sm_dp_fini(&dp);
}

static enum sl_status add_package(const char *id, uint32_t version, struct sl_error *e)
{
    bool added;
    const char *dps[] = {"dp1", "dp2"};
    return sst_add_package(store, "LAB", &(struct sst_new_package){id, version, dps, 2, NULL}, &added, e);
}

static void remove_package(const char *id)
{
    struct sl_error e = {0};
    bool removed = false;
    ok(sst_remove(store, "LAB", SST_PACKAGE, id, &removed, &e), &e);
    ck_assert(removed);
}

/* What the neighbour tells of itself: distribution points of these names, and packages up to a number. */
static void tell(size_t dps, int64_t packages, int64_t made_s)
{
    struct sl_error e = {0};
    struct sm_snapshot *site = calloc(1, sizeof *site);
    ok(sm_site_make("NBR", "x.org", NULL, "s.x.org", NULL, &site->site, &e), &e);
    site->dps = calloc(2, sizeof *site->dps);
    for (; site->dp_count < dps; site->dp_count++)
        ok(sm_dp_make(site->dp_count == 0 ? "dp1" : "dp2", NULL, &site->dps[site->dp_count], &e), &e);
    site->packages_changed = packages;
    ok(sst_learn(store, site, made_s, &e), &e);
    sm_snapshot_free(site);
}

static void set_up(void)
{
    struct sm_site site;
    struct sst_neighbour n = {.code = "NBR", .url = (char[]){"http://s.x.org"}, .root_key = (char[]){"00"}};
    struct sl_error e = {0};
    bool added;
    snprintf(folder, sizeof folder, "/tmp/slt-flow-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    unit_site_database(path, sizeof path, folder);
    ok(sst_open(path, SST_CREATE, &store, &e), &e);
    ok(sm_site_make("LAB", "example.org", NULL, "srv.example.org", NULL, &site, &e), &e);
    ok(sst_init_site(store, &site, &e), &e);
    sm_site_fini(&site);
    add_dp("dp1");
    add_dp("dp2");
    ok(sst_add_neighbour(store, &n, &added, &e), &e);
    tell(2, 1, 1000);
}

static void tear_down(void)
{
    sst_close(store);
    unit_site_remove(path, folder);
}

static struct sst_page read_page(int64_t since, int64_t after)
{
    struct sst_page page;
    struct sl_error e = {0};
    ok(sst_read_page(store, "LAB", since, after, &page, &e), &e);
    return page;
}

/* The packages that NBR is known to have. */
static size_t known(void)
{
    struct sm_snapshot *site = NULL;
    struct sl_error e = {0};
    ok(sst_snapshot(store, "NBR", &site, &e), &e);
    size_t count = site->package_count;
    sm_snapshot_free(site);
    return count;
}

/* The neighbour learns all that LAB has changed; how many pages that took. The number that is known then is in *since. */
static size_t learn(int64_t *since)
{
    struct sl_error e = {0};
    size_t pages = 0;
    int64_t after = 0, upto = 0, from = *since;
    do {
        bool complete = false;
        struct sst_page page = read_page(from, after);
        upto = pages++ == 0 ? page.now : upto;
        ok(sst_learn_page(store, "NBR", &page, upto, &complete, &e), &e);
        ck_assert(complete);
        from = page.since;
        after = page.next;
        sst_page_fini(&page);
    } while (after != 0);
    *since = upto;
    return pages;
}

START_TEST(S1_15_many_packages_come_in_pages_and_then_what_has_changed)
{
    struct sl_error e = {0};
    int64_t since = 0;
    ok(db_exec(store->db, "INSERT INTO package (site_id, package, version) "
                          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                          "WHERE i < 20000) SELECT (SELECT id FROM site WHERE code = 'LAB'), 'P' || i, 1 FROM n", &e), &e);
    ok(db_exec(store->db, "INSERT INTO package_dp (package_id, dp_id, site_id) SELECT p.id, d.id, p.site_id FROM package p "
                          "JOIN dp d ON d.site_id = p.site_id", &e), &e);
    ck_assert_uint_eq(learn(&since), MANY / SST_PAGE_ROWS + 1);
    ck_assert_uint_eq(known(), MANY);
    ok(add_package("NEW1", 7, &e), &e);
    remove_package("P17");
    struct sst_page page = read_page(since, 0);
    ck_assert_uint_eq(page.package_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct sst_flowing *p = &page.packages[i];
        ck_assert_str_eq(p->id, p->is_gone ? "P17" : "NEW1");
        ck_assert_uint_eq(p->count, p->is_gone ? 0 : 2);
        ck_assert_uint_eq(p->version, p->is_gone ? 0 : 7);
    }
    ck_assert(page.packages[0].is_gone != page.packages[1].is_gone && page.next == 0 && page.now > since);
    sst_page_fini(&page);
    ck_assert_uint_eq(learn(&since), 1);
    ck_assert_uint_eq(known(), MANY);
    struct sm_snapshot *lab = NULL, *nbr = NULL;
    ok(sst_snapshot(store, "LAB", &lab, &e), &e);
    ok(sst_snapshot(store, "NBR", &nbr, &e), &e);
    ck_assert_uint_eq(lab->package_count, nbr->package_count);
    ck_assert_int_eq(lab->packages_changed, since);
    for (size_t i = 0; i < lab->package_count; i++) {
        ck_assert_str_eq(lab->packages[i].id, nbr->packages[i].id);
        ck_assert_uint_eq(lab->packages[i].version, nbr->packages[i].version);
        ck_assert_uint_eq(lab->packages[i].dp_count, nbr->packages[i].dp_count);
    }
    sm_snapshot_free(lab);
    sm_snapshot_free(nbr);
}
END_TEST

START_TEST(who_was_told_too_little_or_another_state_is_told_everything)
{
    struct sl_error e = {0};
    int64_t since = 0;
    ok(add_package("P1", 1, &e), &e);
    ok(add_package("P2", 1, &e), &e);
    learn(&since);
    struct sst_page page = read_page(since + 100, 55); /* the database was restored from before */
    ck_assert(page.since == 0 && page.after == 0 && page.package_count == 2);
    sst_page_fini(&page);
    page = read_page(since, 0);
    ck_assert(page.since == since && page.package_count == 0);
    sst_page_fini(&page);
    int64_t old = since;
    remove_package("P2");
    ok(db_exec(store->db, "UPDATE package_gone SET id = 1", &e), &e);
    ok(db_exec(store->db, "INSERT INTO package_gone (id, site_id, package, changed) "
                          "SELECT 100001, site_id, 'P9', changed FROM package_gone", &e), &e); /* so many others are gone too */
    page = read_page(old, 0);
    ck_assert(page.since == old && page.package_count == 2 && page.packages[0].is_gone);
    sst_page_fini(&page);
    ok(add_package("P3", 1, &e), &e);
    remove_package("P3");
    page = read_page(old, 0);
    ck_assert(page.since == 0 && page.package_count == 1 && !page.packages[0].is_gone);
    sst_page_fini(&page);
    learn(&since);
    ck_assert_uint_eq(known(), 1);
}
END_TEST

START_TEST(a_page_that_does_not_add_up_changes_nothing)
{
    struct sl_error e = {0};
    int64_t since = 0;
    bool complete = true;
    ok(add_package("P1", 1, &e), &e);
    learn(&since);
    ok(add_package("P2", 1, &e), &e);
    struct sst_page page = read_page(since, 0);
    page.total = 9;
    ok(sst_learn_page(store, "NBR", &page, page.now, &complete, &e), &e);
    ck_assert(!complete && known() == 1);
    page.total = 2;
    sst_page_fini(&page);
    page = read_page(0, 0);
    page.total = 9;
    ck_assert_int_eq(sst_learn_page(store, "NBR", &page, page.now, &complete, &e), SL_MALFORMED);
    ck_assert_uint_eq(known(), 1);
    sst_page_fini(&page);
    tell(1, 1, 2000); /* dp2 is gone, and what lay on it */
    page = read_page(0, 0);
    ck_assert_int_eq(sst_learn_page(store, "NBR", &page, page.now, &complete, &e), SL_CONFLICT);
    ck_assert_msg(strstr(e.text, "lies on dp2") != NULL, "%s", e.text);
    ck_assert_int_eq(sst_learn_page(store, "LAB", &page, page.now, &complete, &e), SL_USAGE);
    sst_page_fini(&page);
    ok(sst_forget_packages(store, "NBR", &e), &e);
    ck_assert_uint_eq(known(), 0);
}
END_TEST

START_TEST(a_package_of_another_site_is_laid_here_but_not_changed)
{
    struct sl_error e = {0};
    int64_t since = 0;
    bool removed = true;
    struct sm_snapshot *lab = NULL;
    ok(add_package("P1", 3, &e), &e);
    learn(&since);
    remove_package("P1");
    ck_assert_int_eq(sst_remove(store, "LAB", SST_PACKAGE, "P1", &removed, &e), SL_CONFLICT);
    ck_assert_msg(strstr(e.text, "of site NBR") != NULL, "%s", e.text);
    ck_assert_int_eq(add_package("P1", 4, &e), SL_CONFLICT);
    ck_assert_msg(strstr(e.text, "of site NBR and has version 3 there") != NULL, "%s", e.text);
    ok(add_package("p1", 3, &e), &e);
    ok(sst_snapshot(store, "LAB", &lab, &e), &e);
    ck_assert_str_eq(lab->packages[0].source, "NBR");
    sm_snapshot_free(lab);
    struct sst_page page = read_page(0, 0);
    ck_assert_msg(page.package_count == 0 && page.total == 0, "it is not told as ours");
    sst_page_fini(&page);
    ok(sst_remove(store, "LAB", SST_PACKAGE, "P1", &removed, &e), &e);
    ck_assert(removed);
}
END_TEST

START_TEST(S2_16_what_is_still_being_fetched_is_told_once_it_is_there)
{
    struct sl_error e = {0};
    int64_t since = 0;
    bool is_known = false, added;
    struct sst_tasks tasks;
    const char *dps[] = {"dp1"};
    struct sm_manifest files = {.sha256 = "0000000000000000000000000000000000000000000000000000000000000000"};
    ok(sst_add_package(store, "LAB", &(struct sst_new_package){"P1", 1, dps, 1, &files}, &added, &e), &e);
    learn(&since);
    ok(sst_fetch_begin(store, "dp1", &is_known, &e), &e);
    struct sst_page page = read_page(since, 0);
    ck_assert(is_known && page.package_count == 1 && page.packages[0].count == 0);
    sst_page_fini(&page);
    learn(&since);
    ok(sst_fetch_tasks(store, "dp1", &tasks, &e), &e);
    ck_assert_uint_eq(tasks.count, 1);
    const struct sst_note note = {.state = SST_AVAILABLE, .message = "", .now_s = 1};
    ok(sst_fetch_note(store, "dp1", &tasks.items[0], &note, &e), &e);
    sst_tasks_fini(&tasks);
    page = read_page(since, 0);
    ck_assert(page.package_count == 1 && page.packages[0].count == 1 && page.now > since);
    sst_page_fini(&page);
}
END_TEST

/* ---- documents ---------------------------------------------------------------------------------------------------------- */

static const struct srv_wanted wanted = {
    .site = "CHD", .of = "PAR", .nonce = "0123456789abcdef", .made_s = 1000, .since = 40, .after = 6};

START_TEST(a_question_and_its_answer_come_back_as_they_were)
{
    struct sl_error e = {0};
    struct sl_text text = sl_text_new(SRV_PAGE_MAX);
    struct srv_wanted back;
    srv_wanted_write(&wanted, &text);
    ok(srv_wanted_read(text.data, text.len, &back, &e), &e);
    ck_assert(strcmp(back.site, "CHD") == 0 && strcmp(back.of, "PAR") == 0 && strcmp(back.nonce, wanted.nonce) == 0);
    ck_assert(back.made_s == 1000 && back.since == 40 && back.after == 6);
    sl_text_reset(&text);
    struct sst_page page = {.since = 40, .after = 6, .next = 8, .now = 42, .total = 3}, read;
    sl_strings_add(&page.hosts, "dp1");
    sl_strings_add(&page.hosts, "dp2");
    struct sst_flowing *p = sst_page_add(&page);
    p->id = strdup("P1"), p->version = 4294967295u;
    memset(p->sha256, 'a', SM_SHA256_SIZE - 1);
    ck_assert(sst_page_add_dp(&page, 1) && sst_page_add_dp(&page, 0));
    p = sst_page_add(&page);
    p->id = strdup("P2"), p->is_gone = true;
    srv_page_write(&wanted, &page, &text);
    ok(srv_page_read(&wanted, text.data, text.len, &read, &e), &e);
    ck_assert(read.since == 40 && read.after == 6 && read.next == 8 && read.now == 42 && read.total == 3);
    ck_assert_uint_eq(read.package_count, 2);
    ck_assert(read.packages[0].version == 4294967295u && read.packages[0].count == 2 && read.dps[0] == 1 && read.dps[1] == 0);
    ck_assert(strspn(read.packages[0].sha256, "a") == SM_SHA256_SIZE - 1 && read.packages[1].sha256[0] == '\0');
    ck_assert(read.packages[1].is_gone && strcmp(read.packages[1].id, "P2") == 0 && read.packages[1].count == 0);
    sst_page_fini(&page);
    sst_page_fini(&read);
    sl_text_fini(&text);
}
END_TEST

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

START_TEST(S1_15_which_files_a_package_has_comes_back_page_by_page)
{
    struct sl_error e = {0};
    char hash[SM_SHA256_SIZE];
    struct sm_manifest files = {0}, back = {0};
    struct sl_text text = sl_text_new(2 * SRV_FILES_PAGE);
    enum { FILES = 40000 };
    files.files = calloc(FILES, sizeof *files.files);
    for (files.count = 0; files.count < FILES; files.count++) {
        char name[32];
        snprintf(name, sizeof name, "%05zu sub dir/\xc3\xa4", files.count);
        files.files[files.count] = (struct sm_file){.path = strdup(name), .size = files.count, .sha256 = HASH};
    }
    cnt_manifest_hash(&files, hash);
    size_t pages = 0;
    for (size_t before = 1; before != back.count; pages++) {
        before = back.count;
        sl_text_reset(&text);
        srv_files_write(&files, before, &text);
        ok(srv_files_read(sl_text_str(&text), &back, &e), &e);
    }
    ck_assert_uint_eq(pages, 3); /* the last one is empty */
    ck_assert_uint_eq(back.count, FILES);
    ck_assert_uint_eq(back.files[FILES - 1].size, FILES - 1);
    ok(srv_files_check(&back, hash, &e), &e);
    hash[0] = hash[0] == '0' ? '1' : '0';
    ck_assert_int_eq(srv_files_check(&back, hash, &e), SL_CORRUPT);
    sm_manifest_fini(&files);
    sm_manifest_fini(&back);
    sl_text_fini(&text);
}
END_TEST

START_TEST(P12_files_that_no_package_can_have_are_refused)
{
    static const char *const bad[] = {"x", HASH, HASH " 1", HASH " 1 a", HASH " 1 \n", HASH " x a\n", HASH " -1 a\n",
                                      "E" HASH " 1 a\n", HASH " 1 /a\n", HASH " 1 a/\n", HASH " 1 a//b\n", HASH " 1 ../a\n",
                                      HASH " 1 a/..\n", HASH " 1 .\n", HASH " 1 a\tb\n", HASH " 1 \xff\n", HASH " 1 a\n\n"};
    struct sl_error e = {0};
    struct sm_manifest files = {0};
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        ck_assert_msg(srv_files_read(bad[i], &files, &e) == SL_MALFORMED, "%s", bad[i]);
        ck_assert_msg(strstr(e.text, "line ") != NULL, "%s", e.text);
        sm_manifest_fini(&files);
    }
    ok(srv_files_read(HASH " 1 a\n" HASH " 1 a\n", &files, &e), &e);
    ck_assert_int_eq(srv_files_check(&files, HASH, &e), SL_CORRUPT);
    ck_assert_msg(strstr(e.text, "twice") != NULL, "%s", e.text);
    sm_manifest_fini(&files);
}
END_TEST

/* As many as one "sitectl package add" can name, more than a client is told of. */
START_TEST(S1_15_a_package_that_lies_on_very_many_distribution_points_is_told)
{
    enum { POINTS = 2 * SST_LOCATIONS_MAX };
    struct sl_error e = {0};
    struct sl_text text = sl_text_new(SRV_PAGE_MAX);
    struct sst_page page = {.since = 40, .after = 6, .now = 42, .total = 1}, read;
    struct sst_flowing *p = sst_page_add(&page);
    p->id = strdup("P1"), p->version = 1;
    for (uint32_t i = 0; i < POINTS; i++) {
        char host[16];
        snprintf(host, sizeof host, "dp%" PRIu32, i);
        sl_strings_add(&page.hosts, host);
        ck_assert(sst_page_add_dp(&page, i));
    }
    srv_page_write(&wanted, &page, &text);
    ok(srv_page_read(&wanted, text.data, text.len, &read, &e), &e);
    ck_assert_uint_eq(read.packages[0].count, POINTS);
    ck_assert_uint_eq(read.dps[POINTS - 1], POINTS - 1);
    sst_page_fini(&page);
    sst_page_fini(&read);
    sl_text_fini(&text);
}
END_TEST

#define HEAD "sitelocator packages 1\n"
#define PAGE(attributes, parts)                                                                                        \
    HEAD "<Packages Site='PAR' For='CHD' Nonce='0123456789abcdef' Total='1' " attributes "><DP Host='dp1'/>" parts "</Packages>"
#define FINE "Since='40' After='6' Now='42' Next='0'"

START_TEST(P12_pages_that_lie)
{
    static const struct {
        const char *text, *reason;
        enum sl_status status;
    } rows[] = {
        {"sitelocator site 1\n<Packages/>", "does not begin with", SL_MALFORMED},
        {HEAD "<Packages", "line", SL_MALFORMED},
        {HEAD "<X>" FINE "<Packages/></X>", "is no Packages", SL_MALFORMED},
        {HEAD "<Packages " FINE " Total='0' Site='CHD'/>", "of site \"CHD\"", SL_CONFLICT},
        {HEAD "<Packages " FINE " Total='0' Site='PAR' For='CHD' Nonce='00'/>", "another question",
         SL_CONFLICT},
        {HEAD "<Packages " FINE " Total='0' Site='PAR' For='XYZ' Nonce='0123456789abcdef'/>",
         "another question", SL_CONFLICT},
        {PAGE("Since='39' After='6' Now='42' Next='0'", ""), "were asked for", SL_CONFLICT},
        {PAGE("Since='40' After='4' Now='42' Next='0'", ""), "were asked for", SL_CONFLICT},
        {PAGE("Since='40' After='6' Now='39' Next='0'", ""), "is from before", SL_CONFLICT},
        {PAGE("Since='40' After='6' Now='42' Next='6'", ""), "leads back", SL_CONFLICT},
        {PAGE("Since='40' After='6' Now='9223372036854775808' Next='0'", ""), "@Now", SL_MALFORMED},
        {PAGE("Since='40' After='6' Now='42' Next='-1'", ""), "@Next", SL_MALFORMED},
        {PAGE(FINE, "<DP Host='a b'/>"), "DP 2", SL_MALFORMED},
        {PAGE(FINE, "<Package ID='' Version='1' On=''/>"), "@ID", SL_MALFORMED},
        {PAGE(FINE, "<Package ID='P1' Version='4294967296' On=''/>"), "@Version", SL_MALFORMED},
        {PAGE(FINE, "<Package ID='P1' Version='1' On='1'/>"), "@On", SL_MALFORMED},
        {PAGE(FINE, "<Package ID='P1' Version='1' SHA256='ABCDEF' On='0'/>"), "@SHA256", SL_MALFORMED},
        {PAGE(FINE, "<Package ID='P1' Version='1' On='0,0'/>"), "@On", SL_MALFORMED},
        {PAGE(FINE, "<Package ID='P1' Version='1' On=' 0'/>"), "@On", SL_MALFORMED},
        {PAGE(FINE, "<Package ID='P1' Version='1' On='0 0'/>"), "more than there are DP", SL_MALFORMED},
        {PAGE(FINE, "<Package ID='P1' Version='1' On='00000000000000000000'/>"), "@On", SL_MALFORMED},
        {PAGE(FINE, "<Gone ID='a/b'/>"), "@ID", SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sl_error e = {0};
        struct sst_page page;
        enum sl_status status = srv_page_read(&wanted, rows[i].text, strlen(rows[i].text), &page, &e);
        ck_assert_msg(status == rows[i].status, "row %zu: %s", i, e.text);
        ck_assert_msg(strstr(e.text, rows[i].reason) != NULL, "row %zu: %s", i, e.text);
    }
    static const char fine[] = PAGE("Since='0' After='0' Now='3' Next='0'", "<Package ID='P1' Version='1' On='0'/>");
    struct sl_error e = {0};
    struct sst_page page;
    ok(srv_page_read(&wanted, fine, strlen(fine), &page, &e), &e); /* everything anew is an answer to any question */
    sst_page_fini(&page);
}
END_TEST

UNIT_MAIN_WITH("flow", set_up, tear_down, S1_15_many_packages_come_in_pages_and_then_what_has_changed,
               who_was_told_too_little_or_another_state_is_told_everything, a_page_that_does_not_add_up_changes_nothing,
               a_package_of_another_site_is_laid_here_but_not_changed,
               S2_16_what_is_still_being_fetched_is_told_once_it_is_there, a_question_and_its_answer_come_back_as_they_were,
               S1_15_a_package_that_lies_on_very_many_distribution_points_is_told, P12_pages_that_lie,
               S1_15_which_files_a_package_has_comes_back_page_by_page, P12_files_that_no_package_can_have_are_refused)
