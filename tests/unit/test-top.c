/*
 * Who asks most: counts are never too small, what is certain is never too large, and the busiest are found among very many.
 */
#include "common/base/memory.h"
#include "wins-emu/engine/top.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { BUSY = 5, BUSY_COUNT = 20000, OTHERS = 100000 };

static struct eng_top top;
static struct eng_top_row rows[2 * ENG_TOP_ROWS];

/* Five keys are asked for again and again between a hundred thousand others, each once. */
START_TEST(the_busiest_are_found)
{
    eng_top_init(&top, 7);
    for (uint32_t i = 0; i < OTHERS; i++) {
        uint32_t busy = i % BUSY, other = BUSY + i;
        eng_top_count(&top, &busy, sizeof busy);
        eng_top_count(&top, &other, sizeof other);
    }
    ck_assert_uint_eq(top.total, 2 * OTHERS);
    size_t count = eng_top_sort(rows, eng_top_rows(&top, rows));
    ck_assert_uint_eq(count, ENG_TOP_ROWS);
    for (size_t i = 0; i < BUSY; i++) {
        uint32_t key;
        memcpy(&key, rows[i].key, sizeof key);
        ck_assert_uint_lt(key, BUSY);
        ck_assert_uint_ge(rows[i].count, BUSY_COUNT);
        ck_assert_uint_le(rows[i].count - rows[i].error, BUSY_COUNT);
    }
    for (size_t i = BUSY; i < count; i++)
        ck_assert_uint_le(rows[i].count - rows[i].error, 1);
}
END_TEST

/* Tables of two threads: the rows of one key become one. */
START_TEST(tables_are_added_up)
{
    uint32_t one = 1, two = 2;
    eng_top_init(&top, 1);
    for (int i = 0; i < 3; i++)
        eng_top_count(&top, &one, sizeof one);
    size_t count = eng_top_rows(&top, rows);
    eng_top_init(&top, 2);
    for (int i = 0; i < 4; i++) {
        eng_top_count(&top, &one, sizeof one);
        eng_top_count(&top, &two, sizeof two);
    }
    count += eng_top_rows(&top, rows + count);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(eng_top_sort(rows, count), 2);
    ck_assert(memcmp(rows[0].key, &one, sizeof one) == 0 && rows[0].count == 7 && rows[0].error == 0);
    ck_assert(memcmp(rows[1].key, &two, sizeof two) == 0 && rows[1].count == 4);
    ck_assert_uint_eq(eng_top_sort(rows, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("top");
    TCase *c = tcase_create("top");
    tcase_add_test(c, the_busiest_are_found);
    tcase_add_test(c, tables_are_added_up);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
