/* The batch of reports, their XML, and the outbox: round trips, hostile input, bounds, many writers (S1.17, S1.18). */
#include "site/report/outbox.h"

#include "common/base/option.h"
#include "common/base/random.h"
#include "site/report/message.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENT "GUID:11111111-2222-3333-4444-555555555555"
#define MESSAGE "{11111111-2222-3333-4444-555555555555}"

enum { WRITERS = 8, EACH = 50 };

static char folder[64], path[128];

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/test-reports.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/outbox", folder);
}

static void tear_down(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < SL_COUNT(suffixes); i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    rmdir(folder);
}

static struct sm_report report_of(const char *body)
{
    struct sm_report r = {.kind = SM_REPORT_STATUS, .received_s = 1000, .body = body, .body_len = strlen(body)};
    ck_assert(sm_smsid_parse(CLIENT, r.client) && sm_message_parse(MESSAGE, r.message));
    return r;
}

static struct obx *open_outbox(int64_t reports, int64_t octets)
{
    struct obx *o = NULL;
    struct sl_error e = {0};
    ok(obx_open(path, &(struct obx_limits){reports, octets}, &o, &e), &e);
    return o;
}

START_TEST(ids_are_guids_and_nothing_else)
{
    char id[SM_SMSID_SIZE];
    ck_assert(sm_smsid_parse("guid:abcdef00-2222-3333-4444-555555555555", id));
    ck_assert_str_eq(id, "GUID:ABCDEF00-2222-3333-4444-555555555555");
    static const char *const wrong[] = {"", "GUID:", "11111111-2222-3333-4444-555555555555", (CLIENT "0"), ("GUID:" MESSAGE),
                                        "GUID:g1111111-2222-3333-4444-555555555555", "GUID:11111111 2222-3333-4444-555555555555"};
    for (size_t i = 0; i < SL_COUNT(wrong); i++)
        ck_assert_msg(!sm_smsid_parse(wrong[i], id), "%s", wrong[i]);
}
END_TEST

START_TEST(a_batch_comes_back_as_it_was_written)
{
    struct sl_text text = sl_text_new(SM_BATCH_MAX);
    struct sm_report first = report_of("<a>\n\n</a>"), second = report_of(""), back;
    struct sm_batch batch;
    struct sl_error e = {0};
    bool more = false;
    second.key = "0602AB";
    sm_batch_begin(&text, "LAB");
    ck_assert(sm_batch_add(&text, &first) && sm_batch_add(&text, &second));
    ok(sm_batch_open(text.data, text.len, &batch, &e), &e);
    ck_assert_str_eq(batch.site, "LAB");
    ok(sm_batch_next(&batch, &back, &more, &e), &e);
    ck_assert(more && back.kind == SM_REPORT_STATUS && back.key == NULL && back.received_s == 1000);
    ck_assert(back.body_len == first.body_len && memcmp(back.body, first.body, first.body_len) == 0);
    ck_assert_str_eq(back.client, CLIENT);
    ck_assert_str_eq(back.message, MESSAGE);
    ok(sm_batch_next(&batch, &back, &more, &e), &e);
    ck_assert(more && back.body_len == 0);
    ck_assert_str_eq(back.key, "0602AB");
    ok(sm_batch_next(&batch, &back, &more, &e), &e);
    ck_assert(!more);
    sl_text_fini(&text);
}
END_TEST

/* Reads to the end or to the first failure; whatever it is, nothing outside is touched (ASan). */
static void read_all(const char *octets, size_t len)
{
    char *exact = malloc(len + 1);
    struct sm_batch batch;
    struct sm_report r;
    bool more = true;
    ck_assert_ptr_nonnull(exact);
    char *copy = len > 0 ? memcpy(exact + 1, octets, len) : exact + 1; /* its end is that of the allocation */
    enum sl_status status = sm_batch_open(copy, len, &batch, NULL);
    while (status == SL_OK && more)
        status = sm_batch_next(&batch, &r, &more, NULL);
    free(exact);
}

START_TEST(a_damaged_batch_is_malformed_and_harmless)
{
    struct sl_text text = sl_text_new(SM_BATCH_MAX);
    const char *given = getenv("SL_SEED");
    uint64_t seed = 7;
    ck_assert(given == NULL || sl_parse_u64(given, UINT64_MAX, &seed));
    struct sl_random random = sl_random_seeded(seed);
    struct sm_report r = report_of("<a/>");
    printf("SL_SEED=%llu\n", (unsigned long long)seed);
    sm_batch_begin(&text, "LAB");
    ck_assert(sm_batch_add(&text, &r) && sm_batch_add(&text, &r));
    for (size_t len = 0; len <= text.len; len++)
        read_all(text.data, len);
    for (int i = 0; i < 20000; i++) {
        size_t at = sl_random_below(&random, text.len);
        char was = text.data[at];
        text.data[at] = (char)sl_random_next(&random);
        read_all(text.data, text.len);
        text.data[at] = was;
    }
    static const char *const wrong[] = {
        "", "sitelocator reports 1 LAB", "sitelocator reports 2 LAB\n", "sitelocator reports 1 LABOR\n", "sitelocator proof 1\n",
    };
    for (size_t i = 0; i < SL_COUNT(wrong); i++) {
        struct sm_batch batch;
        ck_assert_int_eq(sm_batch_open(wrong[i], strlen(wrong[i]), &batch, NULL), SL_MALFORMED);
    }
    sl_text_fini(&text);
}
END_TEST

START_TEST(S1_18_what_was_put_is_there_after_reopening_in_order)
{
    struct obx *o = open_outbox(100, 1 << 20);
    struct obx_batch batch;
    struct sm_batch reading;
    struct sm_report r, back;
    struct sl_strings sites;
    struct sl_error e = {0};
    bool more;
    char bodies[10][24];
    for (int i = 0; i < 10; i++) {
        snprintf(bodies[i], sizeof bodies[i], "<n>%d</n>", i);
        r = report_of(bodies[i]);
        ok(obx_put(o, i % 2 != 0 ? "XYZ" : "LAB", &r, &e), &e);
    }
    obx_close(o);
    o = open_outbox(100, 1 << 20);
    ok(obx_sites(o, &sites, &e), &e);
    ck_assert_uint_eq(sites.count, 2);
    sl_strings_fini(&sites);
    ok(obx_read(o, "XYZ", &batch, &e), &e);
    ck_assert_int_eq(batch.count, 5);
    ok(sm_batch_open(batch.text.data, batch.text.len, &reading, &e), &e);
    for (int i = 1; i < 10; i += 2) {
        ok(sm_batch_next(&reading, &back, &more, &e), &e);
        ck_assert(more && strncmp(back.body, bodies[i], back.body_len) == 0);
    }
    ok(obx_forget(o, "XYZ", &batch, &e), &e);
    ok(obx_forget(o, "XYZ", &batch, &e), &e); /* once more: another process was first */
    obx_batch_fini(&batch);
    ok(obx_read(o, "XYZ", &batch, &e), &e);
    ck_assert(batch.count == 0 && batch.text.len == 0);
    obx_batch_fini(&batch);
    const struct obx_stats stats = obx_stats(o);
    ck_assert(stats.waiting == 5 && stats.octets == 40 && stats.oldest_s == 1000 && stats.forwarded == 5);
    obx_close(o);
}
END_TEST

START_TEST(S1_18_it_is_bounded_by_number_and_octets)
{
    struct obx *o = open_outbox(3, 20);
    struct sm_report small = report_of("<a/>"), large = report_of("<long>and longer</long>");
    struct sl_error e = {0};
    struct obx_batch batch;
    ck_assert_int_eq(obx_put(o, "LAB", &large, &e), SL_LIMIT);
    for (int i = 0; i < 3; i++)
        ok(obx_put(o, "LAB", &small, &e), &e);
    ck_assert_int_eq(obx_put(o, "LAB", &small, &e), SL_LIMIT);
    ck_assert_uint_eq(obx_stats(o).refused, 2);
    ok(obx_read(o, "LAB", &batch, &e), &e);
    ok(obx_forget(o, "LAB", &batch, &e), &e);
    obx_batch_fini(&batch);
    ok(obx_put(o, "LAB", &small, &e), &e);
    obx_close(o);
}
END_TEST

static void *write_many(void *arg)
{
    struct sm_report r = report_of("<a/>");
    struct sl_error e = {0};
    for (int i = 0; i < EACH; i++)
        if (obx_put(arg, "LAB", &r, &e) != SL_OK)
            return arg;
    return NULL;
}

START_TEST(S1_18_many_put_at_the_same_time)
{
    struct obx *o = open_outbox(WRITERS * EACH, 1 << 20);
    pthread_t threads[WRITERS];
    void *failed = NULL;
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, o), 0);
    for (int i = 0; i < WRITERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    ck_assert_int_eq(obx_stats(o).waiting, WRITERS * EACH);
    obx_close(o);
}
END_TEST

START_TEST(a_waiting_registration_is_found_with_its_key)
{
    struct obx *o = open_outbox(10, 1 << 20);
    struct sm_report r = report_of("<ClientRegistrationRequest/>");
    struct sl_error e = {0};
    bool found;
    char *key = NULL;
    ok(obx_put(o, "LAB", &r, &e), &e); /* a status message registers nobody */
    r.kind = SM_REPORT_REGISTRATION;
    ok(obx_find_registration(o, "LAB", CLIENT, &found, &key, &e), &e);
    ck_assert(!found && key == NULL);
    r.key = "0602AB";
    ok(obx_put(o, "LAB", &r, &e), &e);
    ok(obx_find_registration(o, "XYZ", CLIENT, &found, &key, &e), &e);
    ck_assert(!found);
    ok(obx_find_registration(o, "LAB", CLIENT, &found, &key, &e), &e);
    ck_assert(found);
    ck_assert_str_eq(key, "0602AB");
    free(key);
    obx_close(o);
}
END_TEST

START_TEST(S1_17_instances_are_told_apart_by_their_names)
{
    static const char xml[] =
        "<Report><ReportHeader><Identification><Machine><ClientID/><NetBIOSName>PC1</NetBIOSName></Machine></Identification>"
        "<ReportDetails><ReportType>DELTA</ReportType></ReportDetails><InventoryAction><InventoryActionID>{1}</InventoryActionID>"
        "</InventoryAction></ReportHeader><ReportBody>"
        "<Instance Class=\"Disk\" Namespace=\"n\" Content=\"New\"><Disk><Name>x</Name>"
        "<DeviceID>C:</DeviceID><Text>a &quot;b&quot;</Text></Disk></Instance><Instance Class=\"OS\" Content=\"delete\"><OS>"
        "<Caption>Linux</Caption></OS></Instance><Instance Class=\"Empty\"/></ReportBody></Report>";
    struct sm_content c;
    struct sl_error e = {0};
    ok(rep_read(SM_REPORT_INVENTORY, CLIENT, xml, strlen(xml), &c, &e), &e);
    ck_assert(c.count == 3 && !c.is_full && c.instances[1].is_deleted && !c.instances[0].is_deleted);
    ck_assert_str_eq(c.type, "delta");
    ck_assert_str_eq(c.name, "PC1");
    ck_assert_str_eq(c.instances[0].item, "C:");
    ck_assert_str_eq(c.instances[0].properties, "{\"Name\":\"x\",\"DeviceID\":\"C:\",\"Text\":\"a \\\"b\\\"\"}");
    ck_assert_str_eq(c.instances[1].item, "Linux");
    ck_assert_str_eq(c.instances[2].item, "");
    sm_content_fini(&c);
    ck_assert_int_eq(rep_read(SM_REPORT_DISCOVERY, CLIENT, xml, strlen(xml), &c, &e), SL_MALFORMED);
}
END_TEST

UNIT_MAIN_WITH("reports", set_up, tear_down, ids_are_guids_and_nothing_else, a_batch_comes_back_as_it_was_written,
               a_damaged_batch_is_malformed_and_harmless, S1_18_what_was_put_is_there_after_reopening_in_order,
               S1_18_it_is_bounded_by_number_and_octets, S1_18_many_put_at_the_same_time,
               a_waiting_registration_is_found_with_its_key, S1_17_instances_are_told_apart_by_their_names)
