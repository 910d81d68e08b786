#include "locator/model/choose.h"

#include "common/base/memory.h"
#include "common/base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_locality_and_url(const void *left, const void *right)
{
    const struct lm_dp *a = left, *b = right;
    if (a->locality != b->locality)
        return a->locality < b->locality ? -1 : 1;
    return strcmp(a->url, b->url);
}

struct lm_dp_choice lm_choose_dp(struct lm_dp *dps, size_t count, uint64_t seed)
{
    struct lm_dp_choice choice = {0, 0};
    if (!count)
        return choice;
    qsort(dps, count, sizeof *dps, by_locality_and_url);
    for (size_t i = 0; i < count && dps[i].locality == dps[0].locality; i++)
        if (!i || strcmp(dps[i].url, dps[choice.candidates - 1].url) != 0)
            dps[choice.candidates++] = dps[i];
    struct sl_random random = sl_random_seeded(seed);
    choice.index = (size_t)sl_random_below(&random, choice.candidates);
    return choice;
}

double lm_choose_report(const char *const *urls, size_t count, uint64_t seed, uint32_t draws, uint32_t *ret_chosen)
{
    struct lm_dp *dps = sl_new_array(count, sizeof *dps);
    double expected = (double)draws / (double)count, chi = 0;
    memset(ret_chosen, 0, count * sizeof *ret_chosen);
    for (size_t i = 0; i < count; i++)
        dps[i] = (struct lm_dp){urls[i], 0};
    for (uint32_t n = 0; n < draws; n++)
        ret_chosen[lm_choose_dp(dps, count, seed + n).index]++;
    for (size_t i = 0; i < count; i++)
        chi += (ret_chosen[i] - expected) * (ret_chosen[i] - expected) / expected;
    free(dps);
    return chi;
}

double lm_chi_square_bound(size_t degrees_of_freedom)
{
    static const double normal_999 = 3.0902; /* quantile of the normal distribution */
    double n = (double)degrees_of_freedom, spread = 2 / (9 * n);
    return n * pow(1 - spread + normal_999 * sqrt(spread), 3);
}
