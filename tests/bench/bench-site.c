/*
 * bench-site URI LOOKUPS: finds the site of so many clients in a directory, one after another on one connection, through the
 * directory source itself; prints the median and the slowest of a hundred in microseconds, "MEDIAN P99".
 *
 * The directory holds subnets 10.B.C.0, B below 98 and C below 256; the client of lookup n lies in one of them, with a mask for
 * every second one. A lookup that finds no site, or another one than "site of B and C", ends the program with 1.
 */
#include "common/base/memory.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "locator/source/ldap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECOND_OCTETS = 98, THIRD_OCTETS = 256, SUBNETS_OF_A_SITE = 100, WAIT_MS = 5000, LOOKUPS_MAX = 100000, DIGITS = 36 };

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The code of the site that has subnet number `n`, as the script that makes the directory gives it. */
static void site_of(size_t n, char code[LM_CODE_SIZE])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    n /= SUBNETS_OF_A_SITE;
    code[0] = 'S';
    code[1] = digits[n / DIGITS];
    code[2] = digits[n % DIGITS];
    code[3] = '\0';
}

/* One lookup; true when its answer is right. */
static bool look_up(struct ldapc *dir, size_t subnet, bool masked, struct src_answer *a)
{
    char text[LM_ADDRESS_MAX + 8], code[LM_CODE_SIZE];
    struct src_question q = {.what = SRC_SITE};
    struct sl_error e = {.status = SL_OK};
    (void)snprintf(text, sizeof text, "10.%zu.%zu.77%s", subnet / THIRD_OCTETS, subnet % THIRD_OCTETS, masked ? "/24" : "");
    q.client.address_count = 1;
    if (lm_address_parse(text, &q.client.addresses[0], &e) != SL_OK)
        return false;
    site_of(subnet, code);
    src_answer_init(a);
    src_ldap_question(dir, &q, sl_deadline_in(WAIT_MS), a);
    if (a->result == SRC_ANSWER && !strcmp(a->site, code))
        return true;
    (void)fprintf(stderr, "%s: %s, not %s: %s\n", text, a->site, code, a->text);
    return false;
}

static int by_size(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static bool run(struct ldapc *dir, size_t lookups)
{
    struct sl_random random = sl_random_seeded(1);
    struct src_answer *a = sl_new(sizeof *a);
    double *us = sl_new_array(lookups, sizeof *us);
    size_t i = 0;
    for (bool right = true; i < lookups && right; i++) {
        size_t subnet = (size_t)sl_random_below(&random, (uint64_t)SECOND_OCTETS * THIRD_OCTETS - THIRD_OCTETS / 2);
        double started = now_us();
        right = look_up(dir, subnet, i % 2, a);
        us[i] = now_us() - started;
        if (!right)
            lookups = 0;
    }
    if (lookups) {
        qsort(us, lookups, sizeof *us, by_size);
        (void)printf("%.1f %.1f\n", us[lookups / 2], us[lookups * 99 / 100]);
    }
    free(us);
    free(a);
    return lookups > 0;
}

int main(int argc, char **argv)
{
    struct ldapc_options options = {.timeout_ms = WAIT_MS};
    struct ldapc *dir;
    struct sl_error e = {.status = SL_OK};
    uint64_t lookups;
    if (argc != 3 || !sl_parse_u64(argv[2], LOOKUPS_MAX, &lookups) || !lookups) {
        (void)fprintf(stderr, "usage: bench-site URI LOOKUPS\n");
        return 2;
    }
    if (ldapc_new(argv[1], &options, &dir, &e) != SL_OK) {
        (void)fprintf(stderr, "%s\n", sl_error_text(&e));
        return 1;
    }
    bool right = ldapc_connect(dir, sl_deadline_in(WAIT_MS), &e) == SL_OK && run(dir, (size_t)lookups);
    if (e.status != SL_OK)
        (void)fprintf(stderr, "%s\n", sl_error_text(&e));
    ldapc_free(dir);
    return right ? 0 : 1;
}
