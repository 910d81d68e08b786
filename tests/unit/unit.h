/*
 * unit.h - the main function of a unit test program: one suite with the tests that are named.
 *
 *     START_TEST(adds) { ... }
 *     END_TEST
 *     UNIT_MAIN("text", adds, subtracts)
 *
 * UNIT_MAIN_WITH also names what runs before and after each of them.
 */
#ifndef SL_TESTS_UNIT_UNIT_H
#define SL_TESTS_UNIT_UNIT_H

#include "common/base/error.h"
#include "common/base/status.h"

#include <check.h>
#include <stdlib.h>

/* Fails the test, with the text of the error, unless the status is SL_OK. */
static inline void ok(enum sl_status status, const struct sl_error *e)
{
    ck_assert_msg(status == SL_OK, "%s", e->text);
}

/* Runs the tests, each in a process of its own between `set_up` and `tear_down` (both NULL: none), and returns the exit code. */
static inline int unit_run(const char *name, SFun set_up, SFun tear_down, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define UNIT_MAIN(name, ...) UNIT_MAIN_WITH(name, NULL, NULL, __VA_ARGS__)
#define UNIT_MAIN_WITH(name, set_up, tear_down, ...)                                                                   \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const TTest *tests[] = {__VA_ARGS__};                                                                          \
        return unit_run(name, set_up, tear_down, tests, SL_COUNT(tests));                                              \
    }

#endif
