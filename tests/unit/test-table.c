/*
 * The index of names: what was put is found, whole, also while the writer replaces, removes and rebuilds beside the readers.
 */
#include "common/base/memory.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "wins-emu/table/table.h"

#include <check.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 20000, CROWD = 2000, ROUNDS = 150000, READERS = 3 };

static uint64_t seed;

static struct wins_record record_of(uint32_t number, uint32_t address)
{
    struct wins_record r = {
        .type = WINS_UNIQUE, .owner = 0x0a000001, .version = address, .expires_s = address, .registered_by = 7};
    memset(r.name.octets, ' ', NB_NAME_LEN);
    snprintf((char *)r.name.octets, NB_NAME_LEN, "N%u", number);
    r.name.octets[NB_NAME_LEN - 1] = (uint8_t)number;
    r.member_count = 1;
    r.members[0] = (struct wins_member){address, r.owner, r.expires_s};
    return r;
}

static void make_scoped(struct wins_record *r, const char *scope)
{
    r->name.scope_len = (uint8_t)strlen(scope);
    memcpy(r->name.scope, scope, r->name.scope_len);
}

static uint32_t first_address(const struct tbl *t, const struct nb_name *name)
{
    const struct tbl_entry *entry = tbl_find(t, name);
    if (!entry)
        return 0;
    struct wins_answer answer;
    tbl_answer(entry, 0, &answer);
    return answer.addresses[0];
}

START_TEST(finds_what_was_put)
{
    struct tbl *t = tbl_new();
    for (uint32_t i = 0; i < NAMES; i++) {
        struct wins_record r = record_of(i, i + 1);
        tbl_put(t, &r);
    }
    ck_assert_uint_eq(tbl_count(t), NAMES);
    struct wins_record r = record_of(NAMES, 1);
    ck_assert_ptr_null(tbl_find(t, &r.name));
    for (uint32_t i = 0; i < NAMES; i++) {
        r = record_of(i, 0);
        ck_assert_uint_eq(first_address(t, &r.name), i + 1);
    }
    tbl_free(t);
}
END_TEST

START_TEST(room_made_beforehand_holds_what_is_put)
{
    struct tbl *t = tbl_new();
    for (uint32_t i = 0; i < 2 * NAMES; i++) {
        struct wins_record r = record_of(i, i + 1);
        if (i == 0 || i == NAMES) /* before the first one, and among others */
            tbl_reserve(t, i + NAMES);
        tbl_put(t, &r);
    }
    for (uint32_t i = 0; i < 2 * NAMES; i++) {
        struct wins_record r = record_of(i, 0);
        ck_assert_uint_eq(first_address(t, &r.name), i + 1);
    }
    tbl_free(t);
}
END_TEST

START_TEST(looking_ahead_is_safe_for_any_name)
{
    struct tbl *t = tbl_new();
    for (uint32_t i = 0; i < NAMES; i++) {
        struct wins_record r = record_of(i, i + 1);
        tbl_put(t, &r);
        if (i % 2)
            tbl_remove(t, &r.name);
    }
    for (uint32_t i = 0; i < 2 * NAMES; i++) {
        struct wins_record r = record_of(i, 0);
        tbl_expect_entry(t, tbl_expect(t, &r.name));
    }
    tbl_free(t);
}
END_TEST

START_TEST(a_record_comes_back_whole)
{
    struct tbl *t = tbl_new();
    struct wins_record put = record_of(1, 0x7f000001), got;
    put.type = WINS_MHOMED;
    put.state = WINS_TOMBSTONE;
    put.node = WINS_NODE_H;
    put.is_static = true;
    put.version = UINT64_MAX - 1;
    put.member_count = WINS_MEMBERS_MAX;
    for (uint32_t i = 0; i < WINS_MEMBERS_MAX; i++)
        put.members[i] = (struct wins_member){i + 1, i % 3, INT64_MAX - i};
    make_scoped(&put, "lab.example");
    tbl_put(t, &put);
    tbl_unpack(tbl_find(t, &put.name), &got);
    ck_assert_mem_eq(got.members, put.members, sizeof put.members);
    ck_assert_mem_eq(got.name.scope, "lab.example", 11);
    ck_assert(got.type == put.type && got.state == put.state && got.node == put.node && got.is_static);
    ck_assert(got.version == put.version && got.owner == put.owner && got.registered_by == put.registered_by);
    ck_assert(got.expires_s == put.expires_s && got.member_count == WINS_MEMBERS_MAX);
    tbl_free(t);
}
END_TEST

START_TEST(names_compare_octet_by_octet_with_scope)
{
    struct tbl *t = tbl_new();
    struct wins_record a = record_of(1, 1), b = a, c = a, d = a;
    b.name.octets[0] = 'n';
    b.members[0].address = 2;
    make_scoped(&c, "LAB");
    c.members[0].address = 3;
    make_scoped(&d, "lab");
    d.members[0].address = 4;
    const struct wins_record *all[] = {&a, &b, &c, &d};
    for (size_t i = 0; i < SL_COUNT(all); i++)
        tbl_put(t, all[i]);
    for (size_t i = 0; i < SL_COUNT(all); i++)
        ck_assert_uint_eq(first_address(t, &all[i]->name), i + 1);
    tbl_remove(t, &c.name);
    ck_assert_ptr_null(tbl_find(t, &c.name));
    ck_assert_uint_eq(first_address(t, &d.name), 4);
    tbl_free(t);
}
END_TEST

/* Q06: latest expiry first, own members before others, lowest address first; a static member never expires. */
START_TEST(answers_are_ordered_Q06)
{
    struct tbl *t = tbl_new();
    struct wins_record r = record_of(1, 1);
    const struct wins_member members[] = {{5, 9, 100}, {4, 1, 100}, {3, 9, 200}, {2, 9, 0}, {1, 9, 100}, {6, 1, 100}};
    static const uint32_t expected[] = {2, 3, 4, 6, 1, 5};
    r.type = WINS_SGROUP;
    r.member_count = SL_COUNT(members);
    memcpy(r.members, members, sizeof members);
    tbl_put(t, &r);
    struct wins_answer answer;
    tbl_answer(tbl_find(t, &r.name), 1, &answer);
    ck_assert_uint_eq(answer.count, SL_COUNT(expected));
    ck_assert_mem_eq(answer.addresses, expected, sizeof expected);
    ck_assert_int_eq(answer.type, WINS_SGROUP);
    tbl_free(t);
}
END_TEST

/* ---- against a plain array ---- */

struct model {
    uint32_t address[CROWD]; /* 0: absent */
    uint8_t seen[CROWD];
};

static void note_seen(const struct tbl_entry *entry, void *ctx)
{
    struct model *m = ctx;
    struct wins_record r;
    tbl_unpack(entry, &r);
    unsigned number = CROWD;
    ck_assert_int_eq(sscanf((const char *)r.name.octets + 1, "%u", &number), 1);
    ck_assert_uint_lt(number, CROWD);
    ck_assert_uint_eq(r.members[0].address, m->address[number]);
    m->seen[number]++;
}

static void walk_all(const struct tbl *t, struct model *m, void (*between)(void *ctx), void *ctx)
{
    memset(m->seen, 0, sizeof m->seen);
    uint64_t cursor = 0;
    while (tbl_walk(t, &cursor, TBL_WALK_LEAST, note_seen, m))
        if (between)
            between(ctx);
    for (size_t i = 0; i < CROWD; i++)
        ck_assert_uint_eq(m->seen[i], m->address[i] ? 1 : 0);
}

START_TEST(behaves_like_an_array)
{
    struct sl_random random = sl_random_seeded(seed);
    struct model *m = sl_new(sizeof *m);
    struct tbl *t = tbl_new();
    size_t count = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t number = (uint32_t)sl_random_below(&random, CROWD);
        uint32_t address = sl_random_below(&random, 2) ? i + 1 : 0;
        struct wins_record r = record_of(number, address);
        count += address != 0;
        count -= m->address[number] != 0;
        m->address[number] = address;
        if (address)
            tbl_put(t, &r);
        else
            tbl_remove(t, &r.name);
        ck_assert_uint_eq(first_address(t, &r.name), address);
    }
    ck_assert_uint_eq(tbl_count(t), count);
    walk_all(t, m, NULL, NULL);
    tbl_free(t);
    free(m);
}
END_TEST

/* Names of another kind come between two steps, so that the table is rebuilt several times during the walk. */
static void grow(void *ctx)
{
    struct tbl *t = ctx;
    uint32_t base = CROWD + (uint32_t)tbl_count(t);
    for (uint32_t i = 0; i < 200; i++) {
        struct wins_record r = record_of(base + i, 1);
        r.state = WINS_TOMBSTONE;
        tbl_put(t, &r);
    }
}

static void note_active(const struct tbl_entry *entry, void *ctx)
{
    struct wins_answer answer;
    tbl_answer(entry, 0, &answer);
    if (answer.state == WINS_ACTIVE)
        note_seen(entry, ctx);
}

START_TEST(a_walk_sees_each_once_while_the_table_grows)
{
    struct model *m = sl_new(sizeof *m);
    struct tbl *t = tbl_new();
    for (uint32_t i = 0; i < CROWD; i++) {
        struct wins_record r = record_of(i, i + 1);
        tbl_put(t, &r);
        m->address[i] = i + 1;
    }
    uint64_t cursor = 0;
    for (int step = 0; tbl_walk(t, &cursor, TBL_WALK_LEAST, note_active, m); step++)
        if (step < 200)
            grow(t);
    for (size_t i = 0; i < CROWD; i++)
        ck_assert_uint_eq(m->seen[i], 1);
    tbl_free(t);
    free(m);
}
END_TEST

/* ---- one writer, several readers ---- */

struct race {
    struct tbl *table;
    bool over;
    uint64_t looked;
};

/* Even numbers are always there; version, expiry and address of a record are the same number, so a mixture would show. */
static void *read_on(void *ctx)
{
    struct race *race = ctx;
    struct sl_random random = sl_random_seeded(seed ^ (uintptr_t)pthread_self());
    uint64_t looked = 0, mixed = 0, missing = 0;
    tbl_reader_enter();
    while (!__atomic_load_n(&race->over, __ATOMIC_ACQUIRE)) {
        tbl_read_lock();
        for (int i = 0; i < 64; i++, looked++) {
            uint32_t number = (uint32_t)sl_random_below(&random, CROWD);
            struct wins_record r = record_of(number, 0);
            const struct tbl_entry *entry = tbl_find(race->table, &r.name);
            missing += !entry && number % 2 == 0;
            if (!entry)
                continue;
            tbl_unpack(entry, &r);
            mixed += r.version != r.members[0].address || r.expires_s != (int64_t)r.version;
        }
        tbl_read_unlock();
    }
    tbl_reader_leave();
    __atomic_fetch_add(&race->looked, looked, __ATOMIC_RELAXED);
    return (void *)(uintptr_t)(mixed + missing);
}

START_TEST(readers_see_whole_records_beside_the_writer)
{
    struct race race = {.table = tbl_new()};
    struct sl_random random = sl_random_seeded(seed);
    for (uint32_t i = 0; i < CROWD; i++) {
        struct wins_record r = record_of(i, 1);
        tbl_put(race.table, &r);
    }
    pthread_t readers[READERS];
    for (size_t i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, read_on, &race), 0);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t number = (uint32_t)sl_random_below(&random, CROWD);
        struct wins_record r = record_of(number, i + 2);
        if (number % 2 && sl_random_below(&random, 2))
            tbl_remove(race.table, &r.name);
        else
            tbl_put(race.table, &r);
    }
    __atomic_store_n(&race.over, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < READERS; i++) {
        void *wrong;
        pthread_join(readers[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    ck_assert_uint_gt(race.looked, 0);
    tbl_free(race.table);
}
END_TEST

/* Everything the heap holds for a million names: entries, index, and what the allocator adds. */
START_TEST(a_name_takes_at_most_112_octets)
{
    enum { MANY = 1000000, LIMIT = 112 };
    malloc_trim(0);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    if (before == 0)
        return; /* a sanitizer's heap, of which the C library keeps no books */
    struct tbl *t = tbl_new();
    for (uint32_t i = 0; i < MANY; i++) {
        struct wins_record r = record_of(i, i);
        tbl_put(t, &r);
    }
    size_t each = (mallinfo2().uordblks + mallinfo2().hblkhd - before) / MANY;
    ck_assert_uint_gt(each, 40);
    ck_assert_uint_le(each, LIMIT);
    tbl_free(t);
}
END_TEST

static Suite *table_suite(void)
{
    Suite *suite = suite_create("table");
    TCase *c = tcase_create("table");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, finds_what_was_put);
    tcase_add_test(c, room_made_beforehand_holds_what_is_put);
    tcase_add_test(c, looking_ahead_is_safe_for_any_name);
    tcase_add_test(c, a_record_comes_back_whole);
    tcase_add_test(c, names_compare_octet_by_octet_with_scope);
    tcase_add_test(c, answers_are_ordered_Q06);
    tcase_add_test(c, behaves_like_an_array);
    tcase_add_test(c, a_walk_sees_each_once_while_the_table_grows);
    tcase_add_test(c, readers_see_whole_records_beside_the_writer);
    tcase_add_test(c, a_name_takes_at_most_112_octets);
    suite_add_tcase(suite, c);
    return suite;
}

int main(void)
{
    const char *given = getenv("SL_SEED");
    if (!given || !sl_parse_u64(given, UINT64_MAX, &seed))
        seed = sl_random_os_seed();
    printf("SL_SEED=%llu\n", (unsigned long long)seed);
    SRunner *runner = srunner_create(table_suite());
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
