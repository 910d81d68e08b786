/*
 * bench-cache FILE RANGES LOOKUPS: fills a cache with a mirror of so many address ranges, 10.0.0.0 on, 200 addresses each, the
 * first of each 100 lying over all of them; then finds the sites of so many addresses through the index, and makes as many point
 * queries of SQLite in the same file, in turns. Prints "INDEX_US POINT_QUERY_US LOAD_MS". A wrong site ends it with 1.
 */
#include "common/base/memory.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"
#include "locator/cache/mirror.h"
#include "locator/cache/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEP = 256, SIZE = 200, GROUP = 100, SLICE = 100, RANGES_MAX = 60000, LOOKUPS_MAX = 10000000, SITES_MAX = 8 };

#define FIRST 0x0a000000u

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Three characters that tell the number of a range. */
static void code_of(size_t n, char code[4])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (size_t i = 3; i-- > 0; n /= sizeof digits - 1)
        code[i] = digits[n % (sizeof digits - 1)];
    code[3] = '\0';
}

static enum sl_status add_range(struct cache_edits *edits, size_t n, struct sl_error *e)
{
    char dn[64], code[4], low[16], high[16];
    uint8_t uuid[LDAPC_UUID_LEN] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    uint32_t from = FIRST + (uint32_t)n * STEP, to = n % GROUP ? from + SIZE : from + GROUP * STEP - 1;
    code_of(n, code);
    (void)snprintf(dn, sizeof dn, "CN=range-%zu,dc=example,dc=com", n);
    (void)snprintf(low, sizeof low, "%d", (int32_t)from);
    (void)snprintf(high, sizeof high, "%d", (int32_t)to);
    const char *const names[] = {"objectClass", SCHEMA_SITE_CODE, SCHEMA_RANGED_IP_LOW, SCHEMA_RANGED_IP_HIGH};
    const char *const texts[] = {SCHEMA_CLASS_ROAMING_BOUNDARY_RANGE, code, low, high};
    struct ldapc_value values[SL_COUNT(names)];
    struct ldapc_attr attrs[SL_COUNT(names)];
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        values[i] = (struct ldapc_value){texts[i], strlen(texts[i])};
        attrs[i] = (struct ldapc_attr){names[i], &values[i], 1};
    }
    return cache_edit(edits, CACHE_PUT, uuid, &(struct ldapc_entry){dn, attrs, SL_COUNT(names)}, e);
}

static enum sl_status fill(struct cache *c, size_t ranges, struct sl_error *e)
{
    struct cache_edits edits = {.count = 0};
    enum sl_status s = SL_OK;
    for (size_t n = 0; n < ranges && s == SL_OK; n++)
        s = add_range(&edits, n, e);
    const struct cache_mirror mirror = {.source = "ldap://bench", .container = "dc=example,dc=com", .server = "", .trust = "",
                                        .why = "", .current_s = 1};
    if (s == SL_OK)
        s = cache_mirror_apply(c, &(struct cache_apply){.mirror = &mirror, .edits = &edits, .rest_is_gone = true}, e);
    cache_edits_fini(&edits);
    return s;
}

/* One lookup as a program makes it: the snapshot is taken, asked and released. */
static bool look_up(struct cache *c, size_t n, uint32_t offset)
{
    struct lm_range ranges[SITES_MAX];
    const char *sites[SITES_MAX];
    char own[4], over[4];
    struct cache_snapshot *s;
    if (cache_snapshot_get(c, &s, NULL) != SL_OK)
        return false;
    const struct lm_key address = lm_key_ip4(FIRST + (uint32_t)n * STEP + offset);
    size_t found = lm_ranges_find(cache_snapshot_view(s, 0)->ranges, address, ranges, SITES_MAX);
    for (size_t i = 0; i < found && i < SITES_MAX; i++)
        sites[i] = ldapc_entry_text(cache_snapshot_entry(s, ranges[i].value), SCHEMA_SITE_CODE);
    code_of(n, own);
    code_of(n - n % GROUP, over);
    bool right = found == (n % GROUP ? 2 : 1) && !strcmp(sites[0], over) && (found == 1 || !strcmp(sites[1], own));
    cache_snapshot_release(c, s);
    return right;
}

static void take(void *ctx, const struct cache_answer *answer)
{
    *(size_t *)ctx += answer->body_len;
}

static int by_size(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Slices of both in turn; the median of each, for one lookup. */
static bool measure(struct cache *c, size_t ranges, size_t lookups, double *ret_index_us, double *ret_query_us)
{
    struct sl_random random = sl_random_seeded(1);
    size_t slices = lookups / SLICE + 1, octets = 0;
    double *index_us = sl_new_array(slices, sizeof *index_us), *query_us = sl_new_array(slices, sizeof *query_us);
    bool right = true;
    for (size_t i = 0; i < slices && right; i++) {
        double started = now_us();
        for (size_t k = 0; k < SLICE && right; k++)
            right = look_up(c, (size_t)sl_random_below(&random, ranges), (uint32_t)(k % SIZE));
        double between = now_us();
        for (size_t k = 0; k < SLICE && right; k++)
            right = cache_find(c, "find mp PS1", "ldap://bench", take, &octets, NULL) == SL_OK;
        index_us[i] = (between - started) / SLICE;
        query_us[i] = (now_us() - between) / SLICE;
    }
    qsort(index_us, slices, sizeof *index_us, by_size);
    qsort(query_us, slices, sizeof *query_us, by_size);
    *ret_index_us = index_us[slices / 2];
    *ret_query_us = query_us[slices / 2];
    free(index_us);
    free(query_us);
    return right && octets > 0;
}

int main(int argc, char **argv)
{
    uint64_t ranges, lookups;
    struct sl_error e = {.status = SL_OK};
    double index_us = 0, query_us = 0;
    if (argc != 4 || !sl_parse_u64(argv[2], RANGES_MAX, &ranges) || !sl_parse_u64(argv[3], LOOKUPS_MAX, &lookups) || !ranges) {
        (void)fprintf(stderr, "usage: bench-cache FILE RANGES LOOKUPS\n");
        return 2;
    }
    struct cache *c = cache_new(argv[1]);
    static const char body[4096];
    const struct cache_answer answer = {.question = "find mp PS1", .source = "ldap://bench", .asked = "", .result = "",
                                        .server = "", .owner = "", .trust = "", .body = body, .body_len = sizeof body};
    enum sl_status s = fill(c, (size_t)ranges, &e);
    if (s == SL_OK)
        s = cache_keep(c, &answer, 1, &e);
    double started = now_us();
    bool right = s == SL_OK && look_up(c, 1, 0);
    double load_ms = (now_us() - started) / 1e3;
    right = right && measure(c, (size_t)ranges, (size_t)lookups, &index_us, &query_us);
    if (right)
        (void)printf("%.3f %.3f %.1f\n", index_us, query_us, load_ms);
    else
        (void)fprintf(stderr, "wrong: %s\n", sl_error_text(&e));
    cache_free(c);
    return right ? 0 : 1;
}
