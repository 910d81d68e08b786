/*
 * unit.h - the main function of a unit test program: one suite with the tests that are named.
 *
 *     START_TEST(adds) { ... }
 *     END_TEST
 *     UNIT_MAIN("text", adds, subtracts)
 */
#ifndef SL_TESTS_UNIT_UNIT_H
#define SL_TESTS_UNIT_UNIT_H

#include "common/base/status.h"

#include <check.h>
#include <stdlib.h>

/* Runs the tests, each in a process of its own, and returns the exit code. */
static inline int unit_run(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
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

#define UNIT_MAIN(name, ...)                                                                                           \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const TTest *tests[] = {__VA_ARGS__};                                                                          \
        return unit_run(name, tests, SL_COUNT(tests));                                                                 \
    }

#endif
